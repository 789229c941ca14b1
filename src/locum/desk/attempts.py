"""One attempt to reach her on one channel: which ways there are, what became of each, recorded before a letter is sent and after.

With the first ask into her mailbox goes her key (handing.py). What follows from the attempts is asking.py's.
"""

from dataclasses import replace

from locum.absence import Channel, Person
from locum.addresses import mask
from locum.desk import handing
from locum.desk.judging import ask_rules
from locum.desk.office import Office
from locum.desk.telling import letter_to_owner
from locum.errors import Trouble
from locum.lifecycle import Case, Contact
from locum.store import Change, Link
from locum.tokens import digest

_TRIES = 6
"""A channel that fails this often counts as tried, if another one worked."""
ADDRESS_REFUSED = frozenset({"relay-refused", "letter-address", "mobile-number", "gateway-missing"})
"""Troubles of one address, or of a channel that is not there; all others are the relay's, and pass."""


def is_to_be_tried(case: Case, channel: Channel) -> bool:
    """Not what was sent; what failed for good only as long as no other way reached her."""
    outcome = attempt_of(case, channel).outcome
    return outcome != "sent" and not (outcome == "failed" and was_sent(case))


def was_sent(case: Case) -> bool:
    return any(contact.outcome == "sent" and not contact.by for contact in case.contacts)


def channels_of(office: Office, case: Case, owner: Person) -> list[Channel]:
    """The ways to reach her that are on file and that the policy names."""
    wanted = ask_rules(office, case).channels
    return [Channel(name) for name in wanted if Channel(name) in owner.channels]


def attempt_of(case: Case, channel: Channel) -> Contact:
    for contact in case.contacts:
        if contact.channel == channel and not contact.by:
            return contact
    return Contact(channel=channel, at=case.filed_at, outcome="", tries=0)


def _with_attempt(case: Case, attempt: Contact) -> Case:
    others = tuple(c for c in case.contacts if c.by or c.channel != attempt.channel)
    return replace(case, contacts=(*others, attempt))


def ask_on(office: Office, case: Case, owner: Person, channel: Channel) -> Case:
    """One attempt on one channel: recorded before it is sent, and its result after."""
    key = handing.with_ask(office, case, channel)
    token = office.new_token()
    attempt = replace(attempt_of(case, channel), at=office.clock(), outcome="sending")
    attempt = replace(attempt, tries=attempt.tries + 1)
    link = Link(token_hash=digest(token), case=case.id, purpose="ask", expires_at=case.to_date)
    case = _commit_attempt(office, _with_attempt(case, attempt), attempt, owner, links=(link,))
    office.step("ask.sending")
    letter = letter_to_owner(office, case, owner, "ask", channel, link=office.link_address(token), tries=attempt.tries)
    if key is not None:
        letter = handing.attached(office, letter, key, owner)
    try:
        attempt = replace(attempt, outcome="sent", note=office.post.send(letter))
    except Trouble as trouble:
        gone = trouble.key in ADDRESS_REFUSED or attempt.tries >= _TRIES
        attempt = replace(attempt, outcome="failed" if gone else "unsent", note=trouble.key)
    office.step("ask.sent")
    took = key if attempt.outcome == "sent" else None
    beside = () if took is None else (handing.enrolled(office, took, "ask", receipt=attempt.note),)
    return _commit_attempt(office, _with_attempt(case, attempt), attempt, owner, beside=beside)


_RECORDED_AS = {"sending": "sending", "sent": "delivered-to-relay", "failed": "failed", "unsent": "failed"}


def _commit_attempt(
    office: Office,
    case: Case,
    attempt: Contact,
    owner: Person,
    links: tuple[Link, ...] = (),
    beside: tuple[Change, ...] = (),
) -> Case:
    entry = office.draft(
        case,
        "asked",
        channel=attempt.channel,
        outcome=_RECORDED_AS[attempt.outcome],
        to=mask(owner.channels[Channel(attempt.channel)]),
        by="",
        receipt=attempt.note,
        note="will-be-tried-again" if attempt.outcome == "unsent" else "",
        tries=attempt.tries,
    )
    return office.store.commit([Change(case=case, entries=(entry,), links=links), *beside])[0]
