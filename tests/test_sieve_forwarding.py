"""The Sieve script of our forwards as bytes: what is written, refused, read back and compiled, alone and beside replies.

What a delivered message does is in test_forwarding_on_dovecot.py.
"""

import re
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forwards import a_forward
from locum import sieve
from locum.demo.host import Dovecot
from locum.errors import Garbled, Invalid, LocumError, Unsupported
from locum.measure import Forward, Senders
from mailhosts.dovecot import compiled
from test_sieve import HOSTILE, a_reply, names

ANNA = "anna@corp.test"
LATER = timedelta(days=30)
HOSTILE_NAMES = (
    *HOSTILE,
    'bert"@corp.test',
    "bert@corp.test, evil@example.net",
    "bert@corp.test>",
    "bert%evil.example@corp.test",
    "evil.example!bert@corp.test",
    "|cat@corp.test",
    "*@corp.test",
    "<bert@corp.test>",
    "bert@corp.test ",
    "BERT@corp.test",
    "${to}@corp.test",
    "-oQ@corp.test",
    "łukasz@corp.test",
)


@st.composite
def forwards(draw: st.DrawFn) -> Forward:
    few = st.lists(names, max_size=3).map(tuple)
    marks = st.lists(st.one_of(st.sampled_from(("[privé]", "a.b*c(", *HOSTILE)), st.text(max_size=12)), max_size=3)
    return a_forward(
        ANNA,
        handle=draw(st.one_of(st.sampled_from(("case-1", "C.2:x_y")), st.text(max_size=5))),
        to=draw(st.one_of(st.just("bert@corp.test"), st.sampled_from(HOSTILE_NAMES), names)),
        senders=draw(st.sampled_from(tuple(Senders))),
        addresses=draw(st.just((ANNA,)) | few),
        internal_domains=draw(st.just(("corp.test", "münchen.test")) | few),
        never=draw(st.just(()) | few),
        private_marks=tuple(draw(marks)),
    )


def written(forward: Forward) -> bytes | None:
    """The script, None where it is refused."""
    try:
        return sieve.script([], forwards=[forward])
    except (Unsupported, Invalid):
        return None


def refusal(*forwards: Forward) -> str:
    with pytest.raises(LocumError) as caught:
        sieve.script([], forwards=forwards)
    return caught.value.key


# read back


@settings(max_examples=300, deadline=None)
@given(forwards())
def test_what_was_written_is_read_back(forward: Forward) -> None:
    script = written(forward)
    assert script is None or sieve.parse(script) == sieve.Ours(forwards=(forward,))


def test_replies_and_forwards_in_one_script_are_read_back_with_the_name_of_hers() -> None:
    first, second = a_forward(ANNA), a_forward(ANNA, handle="case-2", to="carla@corp.test")
    script = sieve.script([a_reply()], include='m"ine', forwards=[second, first])
    assert sieve.parse(script) == sieve.Ours(replies=(a_reply(),), forwards=(first, second), include='m"ine')


def test_a_script_of_replies_alone_is_what_it_always_was() -> None:
    script = sieve.script([a_reply()])
    assert (script.split(b"\r\n")[1][:10], b"redirect" in script) == (b"# locum:1 ", False)


def test_a_script_with_a_forward_says_so_in_its_mark() -> None:
    assert sieve.script([], forwards=[a_forward(ANNA)]).split(b"\r\n")[1][:10] == b"# locum:2 "


@pytest.mark.parametrize("change", [(b"# locum:2", b"# locum:1"), (b"bert@", b"evil@"), (b":copy ", b"")])
def test_a_script_that_was_changed_is_not_ours(change: tuple[bytes, bytes]) -> None:
    script = sieve.script([a_reply()], forwards=[a_forward(ANNA)])
    assert change[0] in script
    with pytest.raises(Garbled):
        sieve.parse(script.replace(*change))


# refused


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"to": "bert@example.net"}, "sieve-forward-outside"),
        ({"to": "bert@sub.corp.test"}, "sieve-forward-outside"),
        ({"to": ANNA}, "sieve-forward-to-herself"),
        ({"to": "a.devries@corp.test", "addresses": (ANNA, "A.deVries@corp.test")}, "sieve-forward-to-herself"),
        ({"to": "bert%evil.example@corp.test"}, "sieve-forward-to"),
        ({"to": "evil.example!bert@corp.test"}, "sieve-forward-to"),
        ({"to": "łukasz@corp.test"}, "sieve-forward-to"),
        ({"to": "Bert@corp.test"}, "sieve-forward-to"),
        ({"to": 'bert"; keep; "@corp.test'}, "bad-address"),
        ({"internal_domains": ()}, "sieve-no-domains"),
        ({"never": ("*@union.test",)}, "sieve-exception"),
        ({"never": ('union.test"]; redirect "evil@example.net',)}, "bad-address"),
        ({"private_marks": ("[]",)}, "sieve-private-mark"),
        ({"private_marks": ("a\r\nb\0",)}, "sieve-private-mark"),
        ({"private_marks": ("x" * 61,)}, "sieve-private-mark"),
        ({"handle": 'a"b'}, "sieve-handle"),
        ({"to_date": a_forward(ANNA).from_date - timedelta(days=1)}, "sieve-window"),
        ({"from_date": a_forward(ANNA).from_date.replace(tzinfo=None)}, "sieve-window"),
    ],
)
def test_what_cannot_be_said_is_refused(changes: dict[str, object], key: str) -> None:
    assert refusal(a_forward(ANNA, **changes)) == key


def test_two_forwards_to_one_receiver_at_one_time_are_refused() -> None:
    assert refusal(a_forward(ANNA), a_forward(ANNA, handle="case-2")) == "sieve-forward-overlap"


def test_two_forwards_to_two_receivers_are_not() -> None:
    both = (a_forward(ANNA), a_forward(ANNA, handle="case-2", to="carla@corp.test"))
    assert sieve.parse(sieve.script([], forwards=both)).forwards == both


def test_nothing_at_all_is_refused() -> None:
    assert refusal() == "sieve-nothing"


# compiled


def redirects(dump: str) -> list[str]:
    """To whom a compiled script redirects, a copy each time."""
    found = re.findall(r': REDIRECT\n\S+\s+SIDE-EFFECT: copy\n\S+\s+address: STR\[\d+\] "(.*)"', dump)
    assert len(found) == dump.count(": REDIRECT\n")
    return found


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(several=st.lists(forwards(), min_size=20, max_size=20))
def test_everything_that_is_written_compiles_and_redirects_to_the_receiver_alone(
    dovecot: Dovecot, several: Sequence[Forward]
) -> None:
    scripts = {str(number): script for number, one in enumerate(several) if (script := written(one)) is not None}
    with tempfile.TemporaryDirectory() as folder:
        dumps = compiled(dovecot, scripts, Path(folder))
    wanted = {name: [several[int(name)].to.replace("münchen", "xn--mnchen-3ya")] for name in scripts}
    assert {name: redirects(dump) for name, dump in dumps.items()} == wanted


@pytest.mark.slow
@pytest.mark.parametrize("to", ["bert@corp.test", "o'hara+post@corp.test", "bert@münchen.test"])
def test_the_receiver_stands_in_the_compiled_script_as_mail_travels(dovecot: Dovecot, to: str, tmp_path: Path) -> None:
    forward = a_forward(ANNA, to=to, internal_domains=("corp.test", "münchen.test"))
    dump = compiled(dovecot, {"one": sieve.script([], forwards=[forward])}, tmp_path)["one"]
    assert redirects(dump) == [to.replace("münchen", "xn--mnchen-3ya")]


@pytest.mark.slow
def test_replies_and_forwards_compile_together(dovecot: Dovecot, tmp_path: Path) -> None:
    both = [a_forward(ANNA), a_forward(ANNA, handle="case-2", to="carla@corp.test", senders=Senders.EXTERNAL)]
    assert list(compiled(dovecot, {"one": sieve.script([a_reply()], forwards=both)}, tmp_path)) == ["one"]
