"""What the mail system's own log tells is compared with what Locum did: what nothing explains is an incident.

A login by an identity of ours is explained where Locum noted just that login before it made it (logins.py: one note, one
login, within two minutes), and the record of that mailbox has a case that goes on, or an entry of about that day. One that
fetched or deleted mail is never explained, but for a search's look: what that read has to be in the record (reconciling_looks.py). A reply or a copy is explained by a case whose own it is;
one that is not may be hers, so it counts only where something of ours stands there that no case has set (decision 0011).
How an incident is told is in reconciling_told.py.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from locum.absence import Mailbox
from locum.account.story import story
from locum.desk import looking
from locum.desk import reconciling_looks as looks
from locum.desk.office import Office
from locum.desk.reconciling_told import STREAM, Incident, changes
from locum.entry import Draft, Entry, Json
from locum.errors import Invalid, LocumError, Unreachable
from locum.measure import Standing, instant
from locum.seam import Access, Accesses, Connector, Sent, TellsAccess
from locum.store import Change, Job, Taken

KIND: Final = "reconcile"
LANE: Final = "reconcile"
_CLOCKS = timedelta(minutes=2)
_ABOUT_A_DAY = timedelta(days=1)
_STILL_SENT = timedelta(minutes=5)
_SHOWN_WITHIN = timedelta(minutes=15)
_FEW = 3
"""So many logins of Locum's own in a row that are not in the log: it does not tell everything. One may have been refused."""
_FINAL = frozenset({"ended", "refused", "withdrawn", "expired", "failed", "accounted"})
_LASTING = frozenset({"unreadable", "says-not-who", "misses-own"})


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept between two runs: the connector's place, troubles that were told and last, own logins not found in a row, and looks
    that ended just before it and may not have been recorded yet.
    """

    place: bytes = b""
    lasting: tuple[str, ...] = ()
    silent: int = 0
    waiting: tuple[Access, ...] = ()

    @classmethod
    def load(cls, content: bytes) -> "_Kept":
        value = json.loads(content)
        waiting = tuple(looks.from_kept(one) for one in value.get("waiting", []))
        return cls(str(value["place"]).encode(), tuple(value["lasting"]), int(value["silent"]), waiting)

    def dump(self) -> bytes:
        waiting = [looks.kept(one) for one in self.waiting]
        said = {"place": self.place.decode(), "lasting": self.lasting, "silent": self.silent, "waiting": waiting}
        return json.dumps(said).encode()


@dataclass(slots=True)
class _Run:
    """One reading of one log."""

    office: Office
    name: str
    mailboxes: Mapping[str, Mailbox]
    matched: list[int] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    def entries(self, mailbox: Mailbox) -> list[Entry]:
        return self.office.store.entries(mailbox=mailbox.address)

    def add(self, key: str, mailbox: Mailbox | None, **body: Json) -> None:
        self.incidents.append(Incident(mailbox, {"key": key, "connector": self.name, **body}))


def jobs(connectors: Mapping[str, Connector]) -> list[str]:
    """The cases of the jobs that compare: one for each mail system whose log is known."""
    return [f"{STREAM}/{n}" for n, one in connectors.items() if isinstance(one, TellsAccess) and one.tells_access]


def reconcile(office: Office, taken: Taken) -> None:
    """Read on in one log, record what nothing explains, and come again. Raises Unreachable: then it is all read anew."""
    name = taken.job.case.removeprefix(f"{STREAM}/")
    connector = office.connectors.get(name)
    if not isinstance(connector, TellsAccess) or not connector.tells_access:
        office.store.commit([Change(finished=taken)])
        return
    content = office.store.kept_setting(_setting(name))
    before = _Kept() if content is None else _Kept.load(content)
    told = connector.accesses(before.place)
    run = _Run(office, name, _by_user(office, name, connector))
    waiting, now_due = _apart(run, (*before.waiting, *told.accesses))
    _accesses(run, now_due)
    _sent(run, told.sent)
    after = replace(_troubles(run, before, told, begins=content is None), waiting=waiting)
    again = Job(kind=KIND, case=taken.job.case, due_at=office.clock() + office.reconcile_every, lane=LANE)
    last = Change(put=(again,), finished=taken, keep={_setting(name): after.dump()})
    office.store.commit([*changes(office, run.incidents), *_begun(run, told), last])
    if office.logins is not None:
        office.logins.found(run.matched)


def _setting(name: str) -> str:
    return f"reconcile/{name}"


def _by_user(office: Office, name: str, connector: Connector) -> dict[str, Mailbox]:
    """The mailboxes on file by what this mail system calls them; of two with one name, the one that it serves."""
    found: dict[str, Mailbox] = {}
    boxes = [person.mailbox for person in office.people.everyone() if person.mailbox is not None]
    for mailbox in sorted(boxes, key=lambda one: office.route(one.address) == name):
        try:
            found[connector.user(mailbox).lower()] = mailbox
        except Invalid:
            continue
    return found


# logins ------------------------------------------------------------------------------------------------------------


def _apart(run: _Run, accesses: Sequence[Access]) -> tuple[tuple[Access, ...], list[Access]]:
    """The looks that are asked about once more, and what can be judged now."""
    now = run.office.clock()
    waiting = [one for one in accesses if looks.is_look(one) and looks.waits(_entries_of(run, one), one, now)]
    return tuple(waiting), [one for one in accesses if one not in waiting]


def _entries_of(run: _Run, access: Access) -> list[Entry]:
    mailbox = run.mailboxes.get(access.user.lower())
    return [] if mailbox is None else run.entries(mailbox)


def _accesses(run: _Run, accesses: Sequence[Access]) -> None:
    """What is alike is one incident, with how often it was."""
    groups: dict[tuple[str, str, str, str], list[Access]] = {}
    for access in sorted(accesses, key=lambda one: one.at):
        if key := _unexplained(run, access):
            groups.setdefault((key, access.user.lower(), access.identity, access.service), []).append(access)
    for (key, user, identity, service), found in groups.items():
        ends = [one.until for one in found if one.until is not None]
        run.add(
            key,
            run.mailboxes.get(user),
            identity=identity,
            service=service,
            at=instant(found[0].at),
            until=instant(max(ends)) if ends else None,
            times=len(found),
            headers=_total(one.headers for one in found),
            bodies=_total(one.bodies for one in found),
            deleted=_total(one.deleted for one in found),
        )


def _total(counts: Iterator[int | None]) -> int | None:
    known = [one for one in counts if one is not None]
    return sum(known) if known else None


def _unexplained(run: _Run, access: Access) -> str:
    """The key of what is wrong with this access, "" where nothing is."""
    if looks.is_look(access):
        return looks.unexplained(_entries_of(run, access), access)
    is_noted = not access.begun or _is_noted(run, access)
    if access.read_mail:
        return "access-read-mail"
    if not access.begun:
        return ""
    if not is_noted:
        return "access-unexplained"
    mailbox = run.mailboxes.get(access.user.lower())
    recorded = mailbox is None or _is_recorded(run.entries(mailbox), access.at)
    return "" if recorded else "access-not-in-record"


def _is_noted(run: _Run, access: Access) -> bool:
    if run.office.logins is None:
        return False
    found = run.office.logins.match(run.name, access.service, access.user, access.at, _CLOCKS, run.matched)
    if found is not None:
        run.matched.append(found)
    return found is not None


def _is_recorded(entries: Sequence[Entry], at: datetime) -> bool:
    """Whether her stream has a case that went on then, or any entry of about that day."""
    if any(abs(entry.time - at) <= _ABOUT_A_DAY for entry in entries):
        return True
    by_case: dict[str, list[Entry]] = {}
    for entry in entries:
        by_case.setdefault(entry.case, []).append(entry)
    by_case.pop("", None)
    return any(one[0].time <= at and not any(e.type in _FINAL for e in one) for one in by_case.values())


# what went out -----------------------------------------------------------------------------------------------------


def _sent(run: _Run, sent: Sequence[Sent]) -> None:
    groups: dict[tuple[str, str], list[Sent]] = {}
    for one in sent:
        groups.setdefault((one.user.lower(), one.to), []).append(one)
    for (user, to), found in groups.items():
        mailbox = run.mailboxes.get(user)
        if mailbox is None:
            continue
        entries = run.entries(mailbox)
        key = "copy-of-no-case" if to else "reply-of-no-case"
        loose = [one for one in found if not _is_of_a_case(entries, one)]
        if (
            loose
            and not _was_told(entries, key, run.office.clock())
            and _stands_without_case(run, mailbox, entries, to)
        ):
            run.add(key, mailbox, to=to, at=instant(loose[0].at), times=len(loose))


def _is_of_a_case(entries: Sequence[Entry], sent: Sent) -> bool:
    return any(
        begin - _CLOCKS <= sent.at and (end is None or sent.at <= end + _STILL_SENT)
        for begin, end, sends in _spans(entries)
        if sent.to in sends
    )


def _spans(entries: Sequence[Entry]) -> Iterator[tuple[datetime, datetime | None, frozenset[str]]]:
    """When something of each case stood there, and what it sends: "" for replies, the receiver for copies."""
    for case in {entry.case for entry in entries if entry.type == "intended"}:
        told = story(entries, case)
        ends = [entry.time for entry in told.of("ended", "failed")]
        sends = ({""} if told.measure is not None else set()) | (
            {told.forward.to} if told.forward is not None else set()
        )
        yield told.of("intended")[0].time, ends[-1] if ends else None, frozenset(sends)


def _was_told(entries: Sequence[Entry], key: str, now: datetime) -> bool:
    """Whether it was recorded within a day: what goes on is told once a day."""
    return any(e.type == "incident" and e.body.get("key") == key and now - e.time < _ABOUT_A_DAY for e in entries)


def _stands_without_case(run: _Run, mailbox: Mailbox, entries: Sequence[Entry], to: str) -> bool:
    """Whether something of ours stands there now that sends this, and no case has set it."""
    office, name = run.office, run.office.route(mailbox.address)
    if name is None or name not in office.connectors:
        return False
    looking.noted(office, "rules", [mailbox])
    try:
        standing = office.connectors[name].read(mailbox)
    except Unreachable:
        raise
    except LocumError as error:
        return error.key in _NOT_OURS
    now = office.clock()
    return any(not _is_of_a_case(entries, Sent(user="", at=now, to=to)) for _ in _ours(standing, to))


_NOT_OURS = frozenset({"published-not-ours", "managesieve-not-ours"})
"""Something stands in our place that Locum did not write."""


def _ours(standing: Standing, to: str) -> list[str]:
    if to:
        return [one.handle for one in standing.forwards if one.to == to]
    return [one.handle for one in standing.replies]


# the log itself ----------------------------------------------------------------------------------------------------


def _troubles(run: _Run, before: _Kept, told: Accesses, *, begins: bool) -> _Kept:
    """What keeps the log from telling everything is an incident of the organisation, once while it lasts."""
    troubles = dict.fromkeys(told.troubles)
    silent = before.silent
    if run.office.logins is not None and "unreadable" not in troubles:
        lost = run.office.logins.lost(run.name, run.office.clock() - _SHOWN_WITHIN)
        silent = 0 if run.matched or begins else silent + lost
    if silent >= _FEW:
        troubles["misses-own"] = None
    if begins and _was_begun(run):
        troubles["place-lost"] = None
    for trouble in troubles:
        if trouble not in before.lasting:
            run.add(f"log-{trouble}", None)
    return _Kept(told.place, tuple(one for one in troubles if one in _LASTING), silent)


def _begun(run: _Run, told: Accesses) -> list[Change]:
    """From when on it is compared, said once."""
    if "unreadable" in told.troubles or _was_begun(run):
        return []
    body: dict[str, Json] = {"connector": run.name, "why": "log-begun"}
    return [Change(entries=(Draft(stream=STREAM, type="looked", time=run.office.clock(), body=body),))]


def _was_begun(run: _Run) -> bool:
    entries = run.office.store.entries(mailbox=STREAM)
    return any(e.type == "looked" and e.body.get("connector") == run.name for e in entries)
