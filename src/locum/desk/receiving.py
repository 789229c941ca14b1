"""The receiver of a forward: who that is, whether he is away, and whether her mail would go round or be sent on once more.

Looks at other cases, at the lists of leave and, where it is told to, at the mail systems. Nothing here decides or writes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from locum.absence import Mailbox, Person
from locum.desk import looking
from locum.desk.office import Office
from locum.errors import LocumError
from locum.lifecycle import Case, State
from locum.measure import Forward
from locum.policy import Policy
from locum.seam import Finding, Forwards, Report

_SET = (State.APPLYING, State.APPLIED)
_COUNTING = (State.SCHEDULED, *_SET)
_ALL = 10_000_000
_HOPS = 12
_SOMEBODY = "…"
"""Who else is on a circle is that person's own matter, and the requester's none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the mail systems show of the receiver: has he a live reply of his own, and where do his own rules send his mail."""

    own_reply: bool = False
    own_forwards: tuple[str, ...] = ()


NOTHING = Seen()


def receiver_of(office: Office, address: str) -> Person | None:
    """The person whose mailbox an address is, as `canonical` gives it; None for a functional mailbox. `carla+x@` is Carla's."""
    local, _, host = address.rpartition("@")
    return office.people.owner(address) or office.people.owner(f"{local.partition('+')[0]}@{host}")


def look(office: Office, forward: Forward) -> Seen:
    """What his mail system shows. Raises Trouble where a person's mailbox cannot be looked at."""
    person = receiver_of(office, forward.to)
    name = office.route(forward.to)
    if name is None or name not in office.connectors:
        return NOTHING
    mailbox = (person.mailbox if person else None) or Mailbox(address=forward.to)
    looking.noted(office, "receiver", [mailbox])
    try:
        standing = office.connectors[name].read(mailbox)
    except LocumError:
        if person is not None:
            raise
        return NOTHING  # a functional mailbox may be a list, or live elsewhere
    return Seen(
        own_reply=person is not None and standing.own_reply is True,
        own_forwards=standing.own_forwards or (),
    )


def is_away(office: Office, case: Case, forward: Forward, seen: Seen, *, since: datetime, now: bool = False) -> bool:
    """Whether he is away too, at any time from `since` to the end; with `now`, at `since` itself. By the lists of leave, by
    a reply of his own, or by one of ours. Raises Trouble where a list cannot be read.
    """
    person = receiver_of(office, forward.to)
    if person is None:
        return False
    until = since + _MOMENT if now else case.to_date
    return (
        seen.own_reply
        or _has_reply(office, case, forward.to, since, until)
        or _is_on_leave(office, person, since, until)
    )


_MOMENT = timedelta(seconds=1)


def _has_reply(office: Office, case: Case, to: str, since: datetime, until: datetime) -> bool:
    others = office.store.living_on([to], _COUNTING)
    return any(o.reply and o.id != case.id and o.from_date < until and since < o.to_date for o in others)


def _is_on_leave(office: Office, person: Person, since: datetime, until: datetime) -> bool:
    if since >= until:
        return False
    absences = (absence for source in office.leave for absence in source.absences(since, until))
    return any(one.person == person.id and one.from_at < until and since < one.until_at for one in absences)


def circle(office: Office, case: Case, forward: Forward, seen: Seen, *, behind: bool = True) -> tuple[str, ...]:
    """The addresses of a circle or a chain that this forward would close, as far as the requester may know them: her own, the
    receiver's, and `…` for everybody else. Empty where there is none. `behind`: look who forwards to her, too.
    """
    hers = _hers(office, case)
    if forward.to in hers:
        return (case.mailbox, forward.to)
    onward = {*seen.own_forwards, *_onward(office, case, {forward.to})}
    if onward:
        return (case.mailbox, forward.to, *_way_back(office, case, onward, hers))
    if behind and any(other.forward and other.forward.to in hers for other in _forwarding(office, case)):
        return (_SOMEBODY, case.mailbox, forward.to)
    return ()


def _hers(office: Office, case: Case) -> frozenset[str]:
    mailbox = office.mailbox(case)
    return frozenset({case.mailbox, *mailbox.addresses, *(case.forward.addresses if case.forward else ())})


def _way_back(office: Office, case: Case, onward: set[str], hers: frozenset[str]) -> tuple[str, ...]:
    if onward & hers:
        return (case.mailbox,)
    seen, found = set(onward), set(onward)
    for _ in range(_HOPS):
        found = _onward(office, case, found) - seen
        seen |= found
        if found & hers:
            return (_SOMEBODY, case.mailbox)
    return (_SOMEBODY,)


def _onward(office: Office, case: Case, addresses: set[str]) -> set[str]:
    """Where other cases send the mail of these mailboxes on, while this one would be live."""
    mailboxes = [person.mailbox.address for one in addresses if (person := receiver_of(office, one)) and person.mailbox]
    others = office.store.living_on([*addresses, *mailboxes], _COUNTING)
    return {other.forward.to for other in others if other.forward is not None and _counts(other, case)}


def _forwarding(office: Office, case: Case) -> Iterator[Case]:
    """All other cases that forward anybody's mail while this one would be live."""
    for state in _COUNTING:
        for other in office.store.find(state=state, limit=_ALL):
            if other.forward is not None and _counts(other, case):
                yield other


def _counts(other: Case, case: Case) -> bool:
    """Of two in each other's way the first that is set counts; of two that are ready to be set, the first that was filed."""
    if case.state in _SET:
        first = other.state in _SET
    elif case.state is State.SCHEDULED:
        first = other.state in _SET or (other.filed_at, other.id) < (case.filed_at, case.id)
    else:
        first = True
    return other.id != case.id and first and case.from_date < other.to_date and other.from_date < case.to_date


def never_forwarded(office: Office, policy: Policy) -> tuple[str, ...]:
    """Whose mail, and mail to whom, is never forwarded: confidential correspondents, and Locum itself (clauses 12 and 20)."""
    ours = (office.organisation.sender,) if office.organisation.sender else ()
    return tuple(dict.fromkeys((*policy.confidential.never, *ours)))


def not_holding(office: Office, case: Case) -> Report:
    """What keeps her mail system from forwarding safely: the findings that do not hold. Empty where all do."""
    connector = office.connector(case)
    if not isinstance(connector, Forwards):
        return (Finding(key="forward.not-there", holds=False, values=(("connector", case.connector),)),)
    if not case.version:
        looking.noted(office, "preview", [office.mailbox(case)])
    return tuple(one for one in connector.may_forward(office.mailbox(case)) if one.holds is not True)
