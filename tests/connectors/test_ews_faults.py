"""EWS when it does not do its part: busy, moving, silent after it acted, saying yes and keeping nothing, and rights that are not there."""

import itertools
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import wanted
from ews_judge import judging
from locum.absence import Mailbox
from locum.connectors.ews import PATIENCE, TRIES, Ews
from locum.connectors.ews_wire import parsed
from locum.errors import Conflict, Garbled, LocumError, Rejected, Unreachable
from locum.measure import Standing, Wanted
from locum.messages import LANGUAGES, say
from mailhosts.certificates import certified
from mailhosts.ews import PASSWORD, USER, Box, EwsHost, ews_host

pytestmark = pytest.mark.slow
_serial = itertools.count(1)


@pytest.fixture(scope="module")
def _shared() -> Iterator[EwsHost]:
    with ews_host() as one:
        yield one


@pytest.fixture
def host(_shared: EwsHost) -> Iterator[EwsHost]:
    """As it is when all is well; what goes to and fro is judged."""
    offers = _shared.offers
    _shared.faults.clear()
    with judging(_shared):
        yield _shared
    _shared.offers = offers


@pytest.fixture
def waited() -> list[float]:
    """What the stub asked to wait, without waiting."""
    return []


def made(host: EwsHost, **changes: Any) -> Ews:
    known: dict[str, Any] = {"name": "own", "url": host.url, "user": USER, "secret": lambda: PASSWORD}
    return Ews(**(known | {"can_read_mail": "no cmdlets here", "pause": lambda _: None} | changes))


@pytest.fixture
def ews(host: EwsHost, waited: list[float]) -> Ews:
    return made(host, pause=waited.append)


@pytest.fixture
def mailbox(host: EwsHost) -> Mailbox:
    return new_mailbox(host)


def new_mailbox(host: EwsHost, **changes: Any) -> Mailbox:
    address = f"box{next(_serial)}@corp.test"
    host.add(address, **changes)
    return Mailbox(address=address)


def there(host: EwsHost, box: Mailbox) -> Box:
    return host.boxes[box.address]


def setting(ews: Ews, box: Mailbox) -> Standing:
    return ews.write(box, wanted(box, ews.can), ews.read(box))


def told(error: LocumError) -> None:
    """Whoever reads it, reads what it is, and what to do."""
    for language in LANGUAGES:
        for part in ("sentence", "advice"):
            assert say(language, f"errors.{error.key}.{part}", **error.values)


# each thing that Exchange says


@pytest.mark.parametrize("on", ["Get", "Set"])
@pytest.mark.parametrize(
    ("fault", "kind", "key"),
    [
        ({"code": "ErrorAccessDenied"}, Rejected, "ews-not-allowed"),
        ({"kind": "not_owner"}, Rejected, "ews-not-allowed"),
        ({"code": "ErrorImpersonateUserDenied"}, Rejected, "ews-impersonation"),
        ({"kind": "fault", "code": "ErrorImpersonateUserDenied"}, Rejected, "ews-impersonation"),
        ({"code": "ErrorNonExistentMailbox"}, Rejected, "ews-no-mailbox"),
        ({"code": "ErrorMailboxMoveInProgress"}, Unreachable, "ews-moving"),
        ({"code": "ErrorInvalidScheduledOofDuration"}, Rejected, "ews-window"),
        ({"code": "ErrorInvalidUserOofSettings"}, Rejected, "ews-refused"),
        ({"kind": "fault", "code": "ErrorSchemaValidation"}, Rejected, "ews-refused"),
        ({"kind": "fault", "code": "Server"}, Unreachable, "ews-not-done"),
        ({"code": "ErrorInternalServerError"}, Unreachable, "ews-not-done"),
        ({"code": "ErrorMailboxStoreUnavailable"}, Unreachable, "ews-not-done"),
        ({"kind": "status", "status": 500}, Unreachable, "ews-not-done"),
        ({"kind": "status", "status": 503}, Unreachable, "ews-not-done"),
        ({"kind": "status", "status": 403}, Rejected, "ews-forbidden"),
        ({"kind": "status", "status": 404}, Rejected, "ews-no-service"),
        ({"kind": "status", "status": 400}, Rejected, "ews-refused"),
        ({"kind": "moved"}, Garbled, "ews-garbled"),
        ({"kind": "garbled"}, Garbled, "ews-garbled"),
        ({"kind": "entities"}, Garbled, "ews-garbled"),
        ({"kind": "dropped"}, Unreachable, "https-silent"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_is_an_error_of_ours_with_advice_and_nothing_is_changed(
    host: EwsHost, ews: Ews, mailbox: Mailbox, on: str, fault: dict[str, Any], kind: type[LocumError], key: str
) -> None:
    before = ews.read(mailbox)
    host.fails(on, **fault)
    with pytest.raises(kind, match=key) as caught:
        ews.write(mailbox, wanted(mailbox, ews.can), before)
    told(caught.value)
    assert there(host, mailbox).written == 0


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><s>&b;</s>',
        b'<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]><s>&a;</s>',
        b'<!DOCTYPE s SYSTEM "http://else.test/s.dtd"><s/>',
        b"<!DOCTYPE s><s/>",
        b"<s",
        b"",
        b"<s>&none;</s>",
        b'<?xml version="1.0" encoding="none"?><s/>',
        b"\xff\xfe",
    ],
)
def test_a_document_type_is_refused_before_anything_of_it_is_read(content: bytes) -> None:
    assert parsed(content) is None


def test_outside_the_scope_and_nobody_are_told_apart(host: EwsHost, ews: Ews) -> None:
    with pytest.raises(Rejected, match="ews-impersonation"):
        ews.read(new_mailbox(host, where="outside"))
    with pytest.raises(Rejected, match="ews-no-mailbox"):
        ews.read(Mailbox(address="nobody@corp.test"))


def test_a_password_that_is_no_more_and_a_server_without_basic_are_told_apart(host: EwsHost, mailbox: Mailbox) -> None:
    with pytest.raises(Rejected, match="ews-login") as caught:
        made(host, secret=lambda: "old").read(mailbox)
    told(caught.value)
    host.offers = "Negotiate, NTLM"
    with pytest.raises(Rejected, match="ews-no-basic") as caught:
        made(host).read(mailbox)
    told(caught.value)


# busy


@pytest.mark.parametrize("kind", ["fault", "inner"])
@pytest.mark.parametrize("on", ["Get", "Set"])
def test_a_busy_server_is_waited_for_as_long_as_it_asks_and_it_is_set_once(
    host: EwsHost, ews: Ews, mailbox: Mailbox, waited: list[float], on: str, kind: str
) -> None:
    host.fails(on, kind=kind, code="ErrorServerBusy", wait="4500", times=2)
    assert setting(ews, mailbox).replies
    assert (waited, there(host, mailbox).written) == ([4.5, 4.5], 1)


def test_retry_after_of_what_stands_in_front_is_honoured_too(
    host: EwsHost, ews: Ews, mailbox: Mailbox, waited: list[float]
) -> None:
    host.fails("Set", kind="status", status=503, wait="7")
    assert (bool(setting(ews, mailbox).replies), waited) == (True, [7.0])


@pytest.mark.parametrize(("wait", "times"), [("10000", 1000), ("3600000", 1), ("0", 1000)])
def test_one_that_stays_busy_is_left_to_the_worker(
    host: EwsHost, ews: Ews, mailbox: Mailbox, waited: list[float], wait: str, times: int
) -> None:
    host.fails("Set", kind="fault", code="ErrorServerBusy", wait=wait, times=times)
    with pytest.raises(Unreachable, match="ews-busy") as caught:
        setting(ews, mailbox)
    told(caught.value)
    assert (sum(waited) <= PATIENCE, len(waited) <= PATIENCE, there(host, mailbox).written) == (True, True, 0)


def test_what_she_changes_while_we_wait_is_not_overwritten(host: EwsHost, mailbox: Mailbox) -> None:
    def she_changes(_: float) -> None:
        there(host, mailbox).state, there(host, mailbox).inside = "Enabled", "<p>Van mij</p>"

    host.fails("Set", kind="fault", code="ErrorServerBusy", wait="5000")
    with pytest.raises(Conflict, match="one-place-changed"):
        setting(made(host, pause=she_changes), mailbox)
    assert (there(host, mailbox).inside, there(host, mailbox).written) == ("<p>Van mij</p>", 0)


# it says yes


@pytest.mark.parametrize("times", range(1, TRIES))
def test_a_yes_that_does_not_stick_is_seen_and_put_again(host: EwsHost, ews: Ews, mailbox: Mailbox, times: int) -> None:
    before = ews.read(mailbox)
    host.fails("Set", kind="unkept", times=times)
    written = ews.write(mailbox, wanted(mailbox, ews.can), before)
    host.fails("Set", kind="unkept", times=times)
    ended = ews.write(mailbox, Wanted(restore=before.found), written)
    assert (bool(written.replies), ended.replies, there(host, mailbox).state) == (True, (), "Disabled")
    assert there(host, mailbox).written == 2


def test_one_that_never_sticks_is_told_and_not_put_for_ever(host: EwsHost, ews: Ews, mailbox: Mailbox) -> None:
    host.fails("Set", kind="unkept", times=1000)
    with pytest.raises(Unreachable, match="ews-not-kept") as caught:
        setting(ews, mailbox)
    told(caught.value)
    assert 1000 - host.faults[0].times == TRIES


def test_what_she_sets_after_a_yes_that_did_not_stick_is_not_overwritten(host: EwsHost, mailbox: Mailbox) -> None:
    def she_changes(_: float) -> None:
        there(host, mailbox).state, there(host, mailbox).inside = "Enabled", "<p>Van mij</p>"

    host.fails("Set", kind="unkept")
    with pytest.raises(Conflict, match="one-place-changed"):
        setting(made(host, pause=she_changes), mailbox)
    assert there(host, mailbox).inside == "<p>Van mij</p>"


# silence, and who answers


@pytest.mark.parametrize("kind", ["silent", "dropped", "status"])
def test_silence_after_it_acted_is_settled_by_reading(host: EwsHost, kind: str) -> None:
    ews = made(host, answer_seconds=0.25)
    done, undone = new_mailbox(host), new_mailbox(host)
    host.fails("Set", kind=kind, who=done.address, acts=True)
    host.fails("Set", kind=kind, who=undone.address)
    assert setting(ews, done).replies
    with pytest.raises(Unreachable, match=r"https-silent|ews-not-done"):
        setting(ews, undone)
    assert (there(host, done).written, there(host, undone).written) == (1, 0)


def test_a_certificate_that_does_not_verify_is_refused_and_nothing_is_sent(tmp_path: Path) -> None:
    good = certified(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(good.certificate, good.key)
    with ews_host(context) as host:
        box = new_mailbox(host)
        with pytest.raises(Rejected, match="https-certificate"):
            made(host).read(box)
        assert host.heads == []
        assert setting(made(host, ca_file=good.authority), box).replies


@pytest.mark.parametrize(
    ("nth", "fault"),
    [
        (3, {"kind": "status", "status": 500}),
        (3, {"code": "ErrorMailboxMoveInProgress"}),
        (3, {"kind": "dropped"}),
        (2, {"kind": "dropped", "acts": True}),
    ],
)
def test_texts_that_were_put_back_half_way_are_put_back_by_the_next_try(
    host: EwsHost, ews: Ews, nth: int, fault: dict[str, Any]
) -> None:
    hers = "<html>\r\n<body>\r\n<p>hers</p>\r\n</body>\r\n</html>\r\n"
    box = new_mailbox(host, forgets=True, inside=hers, outside=hers)
    before, kept = ews.read(box), there(host, box).kept()
    written = ews.write(box, wanted(box, ews.can), before)
    for _ in range(nth - 1):
        host.fails("Set", kind="fine")
    host.fails("Set", **fault)
    with pytest.raises(LocumError):
        ews.write(box, Wanted(restore=before.found), written)
    now = ews.recognised(ews.read(box), written.replies)  # as the desk reads it again: nothing of ours is there
    ews.write(box, Wanted(restore=before.found), now)
    assert there(host, box).kept() == kept
