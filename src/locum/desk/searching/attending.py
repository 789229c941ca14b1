"""What she says of a search besides yes, no and stop: a comment, and whether she wants to be there when a message is opened.

Both are recorded and told to whoever asked. Where the policy offers it (search.present, clause 10), nothing is opened without her
from the moment that she wants to be there: once both have chosen a message she is told so, and says on her page that she is there;
whoever does not come within a day is waited for no longer (ladder.py). An objection and a stop are asking.py's.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from locum.absence import Channel
from locum.desk import telling
from locum.desk.office import Office
from locum.desk.recorded import entries_of
from locum.entry import Draft, Entry
from locum.errors import Invalid
from locum.ladder import HERE, NOT_NEEDED, WANTS
from locum.lifecycle import Case, State
from locum.messages import say
from locum.store import Change, Job, Link, Taken
from locum.tokens import digest

INVITED, SAID = "tell-chosen", "tell-said"
"""The jobs: she is told that a message was chosen, whoever asked that she said something."""
_ATTENDS: Final = MappingProxyType({"attend": WANTS, "attend-not": NOT_NEEDED, "here": HERE})
ANSWERS: Final = frozenset({"comment", *_ATTENDS})
"""What she may say of it."""
_WHILE: Final = frozenset(
    {
        *(State.ASKING, State.AGREED, State.OBJECTED, State.UNANSWERED, State.AWAITING_REVIEW, State.APPROVED),
        *(State.SCHEDULED, State.APPLYING, State.APPLIED),
    }
)
_COMMENTS = 10
_NOTE = "letter-chosen"
_SWIFTEST: Final = (Channel.MOBILE, Channel.PRIVATE_MAIL, Channel.MAILBOX)


def may(office: Office, case: Case, lines: Sequence[Entry]) -> frozenset[str]:
    """The buttons of these that work now."""
    if case.search is None or case.state not in _WHILE:
        return frozenset()
    comment = {"comment"} if sum(one.type == "commented" for one in lines) < _COMMENTS else set()
    return frozenset(comment | _presence(office, case, lines))


def _presence(office: Office, case: Case, lines: Sequence[Entry]) -> set[str]:
    if not telling.offers_presence(office, case) or any(one.type == "opened" for one in lines):
        return set()
    found = {"attend-not" if wants(lines) else "attend"}
    if case.state is State.APPLIED and any(one.type == "chosen" for one in lines):
        found.add("here")
    return found


def wants(lines: Sequence[Entry | Draft]) -> bool:
    """Whether she wants to be there, as she said last."""
    said = [one.body.get("what") for one in lines if one.type == "attending" and one.body.get("what") != HERE]
    return bool(said) and said[-1] != NOT_NEEDED


def said(office: Office, case: Case, answer: str, text: str, via: str) -> Change:
    """What one of ANSWERS changes: nothing about the case but what is recorded. `text` is normal already. Raises Invalid
    `comment-empty` for a comment without words.
    """
    if answer != "comment":
        entry = office.draft(case, "attending", what=_ATTENDS[answer], via=via)
    elif not text:
        raise Invalid("comment-empty")
    else:
        entry = office.draft(case, "commented", text=text, via=via)
    tell = Job(kind=SAID, case=case.id, due_at=office.clock(), lane="letters")
    return Change(case=case, entries=(entry,), put=(tell,))


def invited(office: Office, case: Case, lines: Sequence[Entry | Draft]) -> tuple[Job, ...]:
    """The letter that a message is about to be opened, where she wants to be there: to be put once both have chosen one."""
    if not wants(lines):
        return ()
    return (Job(kind=INVITED, case=case.id, due_at=office.clock(), lane="letters"),)


def invite(office: Office, taken: Taken) -> None:
    """She is told that a message was chosen, the swiftest way that she permitted, with a link to say that she is there."""
    case = office.store.case(taken.job.case)
    lines = entries_of(office, case)
    if case.state is not State.APPLIED or not wants(lines) or any(one.type == "opened" for one in lines):
        office.store.commit([Change(finished=taken)])
        return
    owner = office.reached(office.owner_or_address(case))
    channel = next(one for one in _SWIFTEST if owner.channels.get(one))
    case = telling.announce(office, taken, case, _NOTE)
    token = office.new_token()
    link = Link(token_hash=digest(token), case=case.id, purpose="stop", expires_at=case.to_date)
    office.store.commit([Change(links=(link,))])
    letter = telling.letter_to_owner(
        office, case, owner, "chosen", channel, link=office.link_address(token), tries=len(lines)
    )
    telling.tell(office, taken, case, letter, _NOTE, telling.worth_trying_until(case))


def tell_said(office: Office, taken: Taken) -> None:
    """Whoever asked is told that she said something, and where it stands."""
    case = office.store.case(taken.job.case)
    lines = [one for one in entries_of(office, case) if one.type in ("attending", "commented")]
    requester = office.people.person(case.requester)
    if not lines or requester is None:
        office.store.commit([Change(finished=taken)])
        return
    last = lines[-1]
    what = "commented" if last.type == "commented" else str(last.body.get("what"))
    telling.tell_requester(office, taken, case, say(requester.language, f"words.said.{what}"), f"said.{last.seq}")
