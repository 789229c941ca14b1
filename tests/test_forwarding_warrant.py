"""The program that writes forwards: without a warrant for just this forward it writes none, whoever asks, and says why.

Run as it is on a mail host, over its standard input; and what a warrant is, byte for byte, against the record's own hash.
"""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forward_conformance import a_reply
from forwards import a_forward, a_request, a_review, a_warrant
from locum import approval
from locum.entry import Json
from locum.errors import Rejected
from locum.mailhost import Forwarding, Item, Places, publish, publish_request
from locum.mailhost.warranting import request_hash, warranted
from locum.measure import Forward, forward_to_json
from mailhosts.publishing import PUBLISHER, as_root, as_user, disk, fill, mailhost, open_folder, two_places

ANNA, CARLA = "anna@corp.test", "carla@corp.test"
FORWARD = a_forward(ANNA)
TRIAL = Forwarding(unsigned_reviews=True)
NOW = datetime.now(UTC)
SIEVEC = ["sh", "-c", 'for f in "$0"/*.sieve; do cp "$f" "${f%.sieve}.svbin"; done']
Fields = dict[str, Json]


def judged(
    warrant: bytes, user: str = ANNA, allowed: Forwarding = TRIAL, now: datetime = NOW, *forwards: Forward
) -> str:
    """Why it is refused; "" where it is not."""
    try:
        warranted(warrant, user, forwards or (FORWARD,), allowed, now)
    except Rejected as error:
        return error.key
    return ""


# what a warrant has to hold


def test_a_forward_that_was_asked_for_and_approved_may_be_written() -> None:
    assert judged(a_warrant(a_request(ANNA, [FORWARD]))) == ""


def test_an_objection_that_was_overruled_leaves_a_yes() -> None:
    assert judged(reviewed({"decision": "overrule"})) == ""


def reviewed(*changes: Fields, **request: Json) -> bytes:
    asked = a_request(ANNA, [FORWARD], **request)
    return a_warrant(asked, [a_review(asked, **one) for one in changes])


def forged() -> dict[str, tuple[str, bytes]]:
    asked = a_request(ANNA, [FORWARD])
    good = a_warrant(asked)
    other = a_request(CARLA, [FORWARD])
    return {
        "nothing": ("forward-warrant-garbled", b""),
        "no JSON": ("forward-warrant-garbled", b"yes"),
        "a list": ("forward-warrant-garbled", b"[]"),
        "deep": ("forward-warrant-garbled", b"[" * 100_000),
        "large": ("forward-warrant-garbled", good + b" " * (2 << 20)),
        "not canonical": ("forward-warrant-garbled", good.replace(b'{"request"', b'{ "request"')),
        "a key twice": ("forward-warrant-garbled", good[:-1] + b',"signed":false}'),
        "a float": ("forward-warrant-garbled", good.replace(b'"v":1}', b'"v":1.0}')),
        "no number": ("forward-warrant-garbled", good.replace(b'"v":1}', b'"v":NaN}')),
        "another version": ("forward-warrant-garbled", a_warrant(asked, v=2)),
        "a key more": ("forward-warrant-garbled", a_warrant(asked, trust="me")),
        "a request that is none": ("forward-warrant-garbled", a_warrant(asked, request="x")),
        "said to be signed": ("forward-signatures-unknown", a_warrant(asked, signed=True)),
        "signed by a word": ("forward-signatures-unknown", a_warrant(asked, signed="false")),
        "no reviews": ("forward-not-reviewed", a_warrant(asked, [])),
        "a review that is none": ("forward-not-reviewed", a_warrant(asked, reviews=["approve"])),
        "reviews that are none": ("forward-not-reviewed", a_warrant(asked, reviews={"person": "carla"})),
        "denied": ("forward-not-reviewed", reviewed({"decision": "deny"})),
        "by the requester": ("forward-not-reviewed", reviewed({"person": "sam"})),
        "by her": ("forward-not-reviewed", reviewed({"person": "anna"})),
        "by nobody": ("forward-not-reviewed", reviewed({"person": ""})),
        "by no name": ("forward-not-reviewed", reviewed({"person": None})),
        "by the same function": ("forward-not-reviewed", reviewed({"function": "it"})),
        "by no function": ("forward-not-reviewed", reviewed({"function": ""})),
        "of another request": ("forward-not-reviewed", reviewed({"request": "00" * 32})),
        "of another's request": ("forward-not-reviewed", a_warrant(asked, [a_review(other)])),
        "half each": ("forward-not-reviewed", reviewed({"person": "sam"}, {"decision": "deny"}, {"function": "it"})),
        "without a requester": ("forward-not-reviewed", a_warrant(a_request(ANNA, [FORWARD], requester=None))),
        "without a function of the requester": ("forward-not-reviewed", a_warrant(asked, requester_function=None)),
        "without an end": ("forward-warrant-garbled", a_warrant(a_request(ANNA, [FORWARD], not_after="soon"))),
        "another mailbox": ("forward-other-mailbox", a_warrant(other)),
        "no mailbox": ("forward-other-mailbox", a_warrant(a_request(ANNA, [FORWARD], mailbox=""))),
        "a changed request": (
            "forward-not-reviewed",
            a_warrant(asked | {"because": "Something else"}, [a_review(asked)]),
        ),
        "only a reply was asked": ("forward-not-asked", a_warrant(a_request(ANNA, [a_reply(FORWARD)]))),
        "nothing was asked": ("forward-not-asked", a_warrant(a_request(ANNA, []))),
        "asked as text": ("forward-not-asked", a_warrant(a_request(ANNA, [], measures=["forward"]))),
    }


@pytest.mark.parametrize("name", list(forged()))
def test_a_warrant_that_does_not_allow_it_is_refused(name: str) -> None:
    key, warrant = forged()[name]
    assert judged(warrant) == key


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "evil@corp.test"},
        {"from_date": FORWARD.from_date - timedelta(seconds=1)},
        {"to_date": FORWARD.to_date + timedelta(seconds=1)},
        {"senders": "internal"},
        {"never": ()},
        {"private_marks": ()},
        {"internal_domains": ("corp.test", "example.net")},
        {"handle": "case-2"},
    ],
)
def test_another_forward_than_the_one_approved_is_refused(changes: dict[str, object]) -> None:
    other = replace(FORWARD, **changes)  # type: ignore[arg-type]
    warrant = a_warrant(a_request(ANNA, [FORWARD]))
    assert judged(warrant, ANNA, TRIAL, NOW, other) == "forward-not-asked"


def test_of_two_forwards_both_have_to_be_approved() -> None:
    other = a_forward(ANNA, handle="case-2", to="dirk@corp.test")
    one, both = (a_warrant(a_request(ANNA, asked)) for asked in ([FORWARD], [FORWARD, other]))
    assert [judged(warrant, ANNA, TRIAL, NOW, FORWARD, other) for warrant in (one, both)] == ["forward-not-asked", ""]


def test_a_warrant_past_its_end_is_refused() -> None:
    assert judged(a_warrant(a_request(ANNA, [FORWARD])), now=FORWARD.to_date) == "forward-too-late"


def test_unsigned_reviews_count_only_where_the_program_was_started_so() -> None:
    assert judged(a_warrant(a_request(ANNA, [FORWARD])), allowed=Forwarding()) == "forward-unsigned"


@pytest.mark.parametrize(
    ("names", "user", "key"),
    [("{local}", "anna", ""), ("{local}", ANNA, "forward-other-mailbox"), ("login", ANNA, "forward-other-mailbox")],
)
def test_the_mailbox_is_the_approved_one_as_dovecot_names_it(names: str, user: str, key: str) -> None:
    allowed = Forwarding(names=names, unsigned_reviews=True)
    assert judged(a_warrant(a_request(ANNA, [FORWARD])), user, allowed) == key


texts = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")), max_size=20).map(
    lambda text: text.encode("utf-8", "replace").decode()
)


@given(st.dictionaries(st.sampled_from("abcxyz"), texts | st.integers(-99, 99) | st.booleans() | st.none()), texts)
def test_a_request_has_the_hash_that_the_record_gives_it(more: dict[str, Json], text: str) -> None:
    try:
        expected = approval.request_hash({"because": text, "more": [more], **more})
    except ValueError:
        return
    assert request_hash({"because": text, "more": [more], **more}) == expected


# the program


Talk = Callable[..., dict[str, object]]


def talk(command: list[str], request: dict[str, object]) -> dict[str, object]:
    done = subprocess.run(command, input=json.dumps(request) + "\n", capture_output=True, text=True, check=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def item(**changes: object) -> Item:
    made = Item(user=ANNA, place="after", forwards=(FORWARD,), warrant=a_warrant(a_request(ANNA, [FORWARD])), expect="")
    return replace(made, **changes)  # type: ignore[arg-type]


def published(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.sieve"))


def asked(folder: Path, one: Item, *options: str) -> tuple[str, list[str]]:
    """Ask the program to publish, and give back the error's key and what lies there then."""
    command = mailhost("--forwards", "--directory", folder, *options)
    answer = talk(command, publish_request([one]))["results"][0]  # type: ignore[index]
    return str(answer.get("error", {}).get("key", "")), published(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return two_places(tmp_path / "forwards")


@pytest.mark.slow
def test_the_program_writes_what_its_warrant_allows(folder: Path) -> None:
    assert asked(folder, item(), "--unsigned-reviews") == ("", [f"after/{ANNA}.sieve"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nothing", "no reviews", "by the requester", "another mailbox", "a changed request"])
def test_the_program_writes_nothing_with_a_forged_warrant(folder: Path, name: str) -> None:
    key, warrant = forged()[name]
    assert asked(folder, item(warrant=warrant), "--unsigned-reviews") == (key, [])


@pytest.mark.slow
def test_the_program_takes_no_unsigned_reviews_unless_it_was_started_so(folder: Path) -> None:
    assert asked(folder, item()) == ("forward-unsigned", [])


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "publish", "unsigned_reviews": True},
        {"do": "publish", "forwarding": {"unsigned_reviews": True}},
        {"do": "publish", "options": ["--unsigned-reviews"]},
    ],
)
def test_a_request_cannot_say_that_unsigned_reviews_count(folder: Path, request_: dict[str, object]) -> None:
    whole = {**publish_request([item()]), **request_}
    answer = talk(mailhost("--forwards", "--directory", folder), whole)
    assert (answer["results"][0]["error"]["key"], published(folder)) == ("forward-unsigned", [])  # type: ignore[index]


def test_sieve_in_place_of_values_is_not_understood(folder: Path) -> None:
    request = publish_request([item()])
    request["items"][0]["forwards"] = ['redirect "evil@example.net";']  # type: ignore[index]
    answer = talk(mailhost("--forwards", "--directory", folder, "--unsigned-reviews"), request)
    assert (answer["error"]["key"], published(folder)) == ("mailhost-garbled", [])  # type: ignore[index]


def test_the_program_for_replies_writes_no_forward(folder: Path) -> None:
    answer = talk(mailhost("--directory", folder, "--unsigned-reviews"), publish_request([item()]))
    assert (answer["results"][0]["error"]["key"], published(folder)) == ("mailhost-not-allowed", [])  # type: ignore[index]


def test_the_program_for_forwards_writes_no_reply(folder: Path) -> None:
    assert asked(folder, item(replies=(a_reply(FORWARD),)), "--unsigned-reviews") == ("mailhost-not-allowed", [])


def put(folder: Path, one: Item, forwarding: Forwarding = TRIAL) -> str:
    (result,) = publish(folder, [one], forwarding=forwarding, sievec=SIEVEC)
    if isinstance(result, str):
        return ""
    return result.key


def digest(folder: Path) -> str:
    with Places(folder) as places:
        return places.read(ANNA).digest


def test_taking_a_forward_away_needs_no_warrant(folder: Path) -> None:
    put(folder, item())
    away = item(forwards=(), warrant=b"", expect=digest(folder))
    assert (put(folder, away, Forwarding()), published(folder)) == ("", [])


def test_moving_a_forward_behind_hers_needs_no_warrant(folder: Path) -> None:
    put(folder, item(place="before"))
    moved = item(warrant=b"", expect=digest(folder))
    assert (put(folder, moved, Forwarding()), published(folder)) == ("", [f"after/{ANNA}.sieve"])


def test_a_second_forward_needs_a_warrant_and_the_first_one_no_more(folder: Path) -> None:
    second = a_forward(ANNA, handle="case-2", to="dirk@corp.test")
    put(folder, item())
    both = item(forwards=(FORWARD, second), expect=digest(folder))
    refused = put(folder, both)
    allowed = put(folder, replace(both, warrant=a_warrant(a_request(ANNA, [second]))))
    assert (refused, allowed) == ("forward-not-asked", "")


def test_one_of_two_forwards_can_be_taken_away_without_a_warrant(folder: Path) -> None:
    second = a_forward(ANNA, handle="case-2", to="dirk@corp.test")
    both = (FORWARD, second)
    put(folder, item(forwards=both, warrant=a_warrant(a_request(ANNA, both))))
    assert put(folder, item(forwards=(second,), warrant=b"", expect=digest(folder)), Forwarding()) == ""


def test_a_file_that_is_not_ours_allows_nothing(folder: Path) -> None:
    (folder / "after" / f"{ANNA}.sieve").write_text('redirect "evil@example.net";\r\n')
    assert put(folder, item(warrant=b"", expect=digest(folder))) == "forward-warrant-garbled"


@pytest.mark.parametrize("to", ["evil@example.net", "bert%evil.example@corp.test", 'x";redirect "evil@example.net'])
def test_an_approved_forward_to_the_outside_is_not_written_either(folder: Path, to: str) -> None:
    outside = replace(FORWARD, to=to)
    one = item(forwards=(outside,), warrant=a_warrant(a_request(ANNA, [outside])))
    assert (put(folder, one) != "", published(folder)) == (True, [])


# rights, and a disk that is full


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder that every user may enter."""
    made = open_folder("locum-forwards-")
    yield made
    shutil.rmtree(made)


@as_root
@pytest.mark.slow
def test_whoever_publishes_replies_can_neither_write_nor_list_forwards(everybodys: Path) -> None:
    folder = two_places(everybodys / "forwards")
    for path in (folder, folder / "before", folder / "after"):
        os.chown(path, PUBLISHER, PUBLISHER)
        path.chmod(0o2750)
    command = mailhost("--forwards", "--directory", folder, "--unsigned-reviews")
    owner = talk(as_user(PUBLISHER, *command), publish_request([item()]))
    other = talk(as_user(PUBLISHER + 1, *command), publish_request([item(user=CARLA)]))
    assert "digest" in owner["results"][0]  # type: ignore[index]
    assert other["results"][0]["error"]["key"] == "publishing-forbidden"  # type: ignore[index]
    assert published(folder) == [f"after/{ANNA}.sieve"]
    assert stat.S_IMODE((folder / "after" / f"{ANNA}.sieve").stat().st_mode) == 0o640


@as_root
@pytest.mark.slow
def test_on_a_full_disk_no_forward_is_written_and_one_can_be_taken_away(tmp_path: Path) -> None:
    with disk(tmp_path / "disk") as folder:
        put(folder, item())
        stood = digest(folder)
        fill(folder)
        second = a_forward(ANNA, handle="case-2", to="dirk@corp.test", never=tuple(f"x{n}@y.test" for n in range(900)))
        both = item(forwards=(FORWARD, second), warrant=a_warrant(a_request(ANNA, [second])), expect=stood)
        full = put(folder, both)
        assert (full, digest(folder)) == ("publishing-full", stood)
        assert (put(folder, item(forwards=(), expect=stood)), published(folder)) == ("", [])


def test_the_same_forward_has_the_same_bytes_in_a_request_and_in_a_script() -> None:
    told = forward_to_json(FORWARD)
    assert json.loads(a_warrant(a_request(ANNA, [FORWARD])))["request"]["measures"] == [told]
