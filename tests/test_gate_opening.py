"""The gate of one opening: what passes, and every attempt to open a message without two people having signed for just it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from approvals import Story
from locum.approval import Approval, Log, NotProven, Opening, Signed, challenge, opening_text, text_hash
from locum.approval.strict import encoded
from locum.entry import canonical
from locum.gate import Given, Stopped
from locum.gate.opening import OneMessage, Opens, Two, as_opening, opens
from registers import log, nonce
from softkeys import SoftKey

REQUEST, DIGEST, OTHER, TO = "12" * 32, "34" * 32, "56" * 32, "78" * 32
HITS = {DIGEST: {"digest": DIGEST, "from": "jansen@klant.test", "at": "2026-01-05T10:00:00Z", "subject": "Offerte"}}
TWO = Two(requester="sam", function="it", others=(("maria", "hr"),), owner="anna")


class Openings:
    """What was signed about one message; Sam asks, Maria is the other."""

    def __init__(self) -> None:
        self.story = Story()
        self.given: list[Given] = []

    def signs(
        self, person: str, function: str, key: SoftKey | None = None, domain: str = "opening", **instead: object
    ) -> Given:
        shown = opening_text("anna@corp.test", REQUEST, HITS[DIGEST], str(instead.get("to", TO)), "nl")
        said: dict[str, object] = {
            "approver": person, "function": function, "request": REQUEST, "digest": DIGEST, "to": TO,
            "display": text_hash(shown), "log": log(self.story.org.size), "nonce": nonce(),
        }  # fmt: skip
        statement = Opening(**{**said, **instead}).dump()  # type: ignore[arg-type]
        made = (key or self.story.org.keys[person]).sign(challenge(domain, statement))
        one = as_opening(
            Signed(statement, made.dump()), HITS, "anna@corp.test", at=self.story.now, index=self.story.org.place()
        )
        self.given.append(one)
        return one

    def both(self) -> "Openings":
        self.signs("sam", "it")
        self.signs("maria", "hr")
        return self

    def ask(
        self, *, two: Two = TWO, digest: str = DIGEST, request: str = REQUEST, after: float = 0, **around: object
    ) -> Opens | Stopped:
        message = OneMessage(request=request, digest=digest)
        where = replace(self.story.around, **around)  # type: ignore[arg-type]
        now = self.story.now + timedelta(seconds=after)
        return opens(message, two, self.given, self.story.org.fold(), where, now)

    def why(self, **changes: object) -> set[str]:
        found = self.ask(**changes)  # type: ignore[arg-type]
        return {one.key for one in found.reasons} if isinstance(found, Stopped) else set()


@pytest.fixture
def openings() -> Openings:
    return Openings()


def test_two_who_signed_just_now_open_it_for_their_screen(openings):
    assert openings.both().ask() == Opens(to=bytes.fromhex(TO), persons=("sam", "maria"))


def test_who_signs_anew_takes_back_what_was_signed_before(openings):
    openings.signs("sam", "it", to="9a" * 32)
    assert openings.both().why() == set()


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        (lambda one: (one.signs("sam", "it"), one.signs("sam", "it")), "opening-missing"),
        (lambda one: (one.signs("maria", "hr"),), "opening-missing"),
        (lambda one: (one.signs("sam", "it"), one.signs("maria", "manager")), "not-one-of-both"),
        (lambda one: (one.signs("sam", "it"), one.signs("mark", "manager")), "not-one-of-both"),
        (lambda one: (one.signs("sam", "hr"), one.signs("maria", "hr")), "function-not-hers"),
        (lambda one: (one.signs("sam", "it"), one.signs("maria", "hr", digest=OTHER)), "message-other"),
        (lambda one: (one.signs("sam", "it"), one.signs("maria", "hr", request=OTHER)), "request-other"),
        (lambda one: (one.signs("sam", "it"), one.signs("maria", "hr", to="9a" * 32)), "screen-other"),
        (lambda one: (one.signs("sam", "it"), one.signs("maria", "hr", display=OTHER)), "text-other"),
    ],
    ids="one-twice alone other-function another own-other message request screen text".split(),
)
def test_a_true_signature_for_something_else_opens_nothing(
    openings: Openings, attempt: Callable[[Openings], object], reason: str
) -> None:
    attempt(openings)
    assert reason in openings.why()


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        (lambda one: one.signs("maria", "hr", key=one.story.org.keys["sam"]), "key-of-another"),
        (lambda one: one.signs("maria", "hr", key=SoftKey("made up")), "key-unknown"),
        (lambda one: one.signs("maria", "hr", domain="approval"), "signature-of-something-else"),
        (lambda one: one.signs("maria", "hr", log=log(10**6)), "log-ahead"),
        (lambda one: one.signs("maria", "hr", log=Log("other/locum", 1, "00" * 32)), "log-other"),
        (lambda one: one.given.append(one.given[0]), "nonce-used"),
        (lambda one: one.given.append(replace(one.given[0], signed=Signed(b"{}", b"{}"))), "statement-unreadable"),
    ],
    ids="key-of-sam unknown-key approval-taken ahead other-log replayed unreadable".split(),
)
def test_false_evidence_shuts_it_whatever_else_was_signed(
    openings: Openings, attempt: Callable[[Openings], object], reason: str
) -> None:
    attempt(openings.both())
    found = openings.ask()
    assert isinstance(found, Stopped)
    assert (found.is_false, {one.key for one in found.reasons}) == (True, {reason})


def test_a_key_that_the_database_administrator_put_there_opens_nothing(openings):
    openings.signs("sam", "it")
    openings.signs("maria", "hr", key=SoftKey("maria's other"))
    found = openings.ask()
    assert isinstance(found, Stopped)
    assert found.is_false


def test_a_nonce_of_another_case_is_an_incident(openings):
    openings.both()
    used = frozenset({Opening.load(openings.given[1].signed.statement).nonce})
    assert openings.why(used=used) == {"nonce-used"}


def test_signatures_are_good_for_five_minutes(openings):
    openings.both()
    assert (openings.why(after=300), openings.why(after=301)) == (set(), {"opening-missing", "opening-too-old"})


def test_what_was_signed_for_one_message_opens_no_other(openings):
    assert "message-other" in openings.both().why(digest=OTHER)


def test_what_was_signed_in_one_case_opens_nothing_in_another(openings):
    assert "request-other" in openings.both().why(request=OTHER)


def test_a_withdrawn_key_opens_nothing(openings):
    openings.both()
    openings.story.org.deed(
        "key-withdrawn", {"person": "maria", "credential": _credential(openings, "maria"), "reason": "lost"}, ("maria", "", openings.story.org.keys["maria"])
    )  # fmt: skip
    assert "key-not-valid" in openings.why(after=1)


def test_whose_mailbox_it_is_is_not_one_of_the_two(openings):
    two = replace(TWO, others=(("maria", "hr"),), owner="maria")
    assert "person-concerned" in openings.both().why(two=two)


def test_two_of_one_function_open_nothing(openings):
    two = replace(TWO, others=(("maria", "it"),))
    openings.signs("sam", "it")
    openings.signs("maria", "it")
    assert openings.why(two=two) & {"same-function"}


def test_no_changed_bit_of_a_statement_passes(openings):
    openings.both()
    good = openings.given[1]
    for place in range(0, len(good.signed.statement) * 8, 37):
        changed = bytearray(good.signed.statement)
        changed[place // 8] ^= 1 << place % 8
        openings.given[1] = replace(good, signed=Signed(bytes(changed), good.signed.assertion))
        assert isinstance(openings.ask(), Stopped), place


def test_an_approval_is_no_opening_and_an_opening_no_approval():
    story = Story()
    approval = story.signs("sam", "it", "request").signed.statement
    with pytest.raises(NotProven, match="statement-unreadable"):
        Opening.load(approval)
    opening = Openings().signs("sam", "it").signed.statement
    with pytest.raises(NotProven, match="statement-unreadable"):
        Approval.load(opening)


@pytest.mark.parametrize(
    "change", [{"to": "AB" * 32}, {"to": "ab"}, {"v": 2}, {"decision": "approve"}, {"nonce": None}]
)
def test_an_opening_is_written_in_one_way(openings, change):
    value = json.loads(openings.signs("sam", "it").signed.statement)
    value = {name: one for name, one in (value | change).items() if one is not None}
    with pytest.raises(NotProven):
        Opening.load(canonical(value))


def _credential(openings: Openings, name: str) -> str:
    return encoded(openings.story.org.keys[name].credential)
