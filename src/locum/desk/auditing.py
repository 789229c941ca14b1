"""The data protection officer's audit: every tag made anew, entries that stand under somebody else's, and what she should look at.

It opens every entry and shows none of their texts: places, types, times, cases, mailboxes, and what an incident says of an access.
What is wrong does not hold; what is listed to be looked at is a remark. Findings are sentences under `check.audit`. Whether bytes,
tree and signatures are sound is for soundness.py (`locum record check`).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Row, select

from locum.account.accesses import in_words
from locum.account.story import story
from locum.addresses import canonical
from locum.desk import in_force
from locum.desk.office import Office
from locum.desk.reconciling_told import STREAM as RECONCILED
from locum.entry import Entry, Erased
from locum.errors import LocumError
from locum.measure import instant
from locum.messages import as_far_as_known
from locum.record import judged_rows
from locum.schema import cases, entries, tree
from locum.seam import Finding, Report
from locum.tags import Tags

_AT_ONCE = 1000
_MOST = 50
_ORGANISATION = "org/"
_SETTLED = timedelta(hours=1)
"""An act that was begun longer ago than this should have come to its end."""
_FIRST = frozenset({"requested", "refused"})
Seen = Callable[[int, int], None]
T = TypeVar("T")


@dataclass(slots=True)
class _Audit:
    """What is found while the entries go by."""

    office: Office
    language: str
    now: datetime
    tags: Tags
    found: list[Finding] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    read: int = 0
    erased: int = 0
    blank: int = 0
    where: dict[str, set[str]] = field(default_factory=dict)
    first: dict[str, Entry] = field(default_factory=dict)
    begun: dict[str, list[Entry]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def tell(self, key: str, holds: bool | None = False, /, **values: object) -> None:
        self.told[key] += 1
        if self.told[key] <= _MOST:
            said = tuple((name, str(value)) for name, value in values.items())
            self.found.append(Finding(key=f"audit.{key}", holds=holds, values=said))


def audit(office: Office, language: str, seen: Seen = lambda _done, _of: None) -> Report:
    """All findings. `seen` is told how far it is. Raises Unreachable where the database does not answer."""
    with office.store.database.reading() as connection:
        tags = Tags.of(connection)
        size = connection.execute(select(tree.c.size)).scalar_one()
    look = _Audit(office, language, office.clock(), tags)
    _streams(look)
    for first in range(0, size, _AT_ONCE):
        _some(look, first, min(first + _AT_ONCE, size))
        seen(min(first + _AT_ONCE, size), size)
    _cases(look)
    _unpaired(look)
    _policies(look)
    _register(look)
    for key, count in [(key, count - _MOST) for key, count in look.told.items() if count > _MOST]:
        look.tell("more", None, of=key, count=count)
    if all(one.holds is not False for one in look.found):
        look.tell("tags", True, size=size, streams=len(tags.keys), erased=look.erased, blank=look.blank)
    return tuple(look.found)


# streams and keys --------------------------------------------------------------------------------------------------


def _streams(look: _Audit) -> None:
    for names in look.tags.same:
        look.tell("same-key", streams=", ".join(names))
    for name in look.tags.lost:
        look.tell("key-lost", stream=name)
    for name in sorted(look.tags.keys):
        if (main := _mailbox(look, name)) != name:
            both = main in look.tags.keys
            look.tell("alias-stream" if both else "stream-of-alias", False if both else None, stream=name, mailbox=main)


def _mailbox(look: _Audit, address: str) -> str:
    """The mailbox that an address or alias belongs to; the address itself where nobody on file has it."""
    if address.startswith(_ORGANISATION):
        return address
    try:
        form = canonical(address)
    except LocumError:
        return address
    owner = look.office.people.owner(form)
    return owner.mailbox.address if owner is not None and owner.mailbox is not None else form


# entry by entry ----------------------------------------------------------------------------------------------------


def _some(look: _Audit, first: int, last: int) -> None:
    with look.office.store.database.reading() as connection:
        within = (entries.c.position >= first, entries.c.position < last)
        rows = list(connection.execute(select(entries).where(*within).order_by(entries.c.position)))
        judged = list(judged_rows(connection, rows))
    for row, one in zip(rows, judged, strict=True):
        look.read += 1
        _tag(look, row)
        if isinstance(one, Entry):
            _entry(look, row, one)
        elif isinstance(one, Erased):
            look.erased += 1
            look.gone.add(row.case_id)
        elif look.tags.fits(row.stream, row.seq, row.leaf):
            look.tell("unreadable", leaf=row.position, stream=_name(look, row), seq=row.seq)


def _tag(look: _Audit, row: Row[*tuple[object, ...]]) -> None:
    if look.tags.fits(row.stream, row.seq, row.leaf) or row.stream in look.tags.lost:
        return
    place = {"leaf": row.position, "stream": _name(look, row), "seq": row.seq}
    owner = look.tags.owner(row.leaf)
    if owner is None:
        look.tell("tag-of-nobody", **place)
    else:
        look.tell("foreign-tag", **place, owner=owner[0], number=owner[1])


def _name(look: _Audit, row: Row[*tuple[object, ...]]) -> str:
    return look.tags.names.get(row.stream, str(row.stream))


def _entry(look: _Audit, row: Row[*tuple[object, ...]], one: Entry) -> None:
    place = {"leaf": one.index, "stream": one.stream, "seq": one.seq, "type": one.type}
    look.blank += one.type == "blank"
    mailbox = one.body.get("mailbox")
    if (
        isinstance(mailbox, str)
        and not one.stream.startswith(_ORGANISATION)
        and _mailbox(look, mailbox) != _mailbox(look, one.stream)
    ):
        look.tell("about-another", **place, mailbox=mailbox)
    if one.type == "erased" and one.body.get("why") == "restored":
        look.tell("erased-again", None, leaf=one.index, at=instant(one.time), count=one.body.get("count", 0))
    if one.about and one.stream.startswith(_ORGANISATION):
        return
    if row.case_id != one.about:
        look.tell("other-case", **place, case=one.about or "-", sealed=row.case_id or "-")
    if one.about:
        look.where.setdefault(one.about, set()).add(one.stream)
        look.first.setdefault(one.about, one)
        if one.type in ("intended", "done", "failed"):
            look.begun.setdefault(one.about, []).append(one)
    if one.type == "incident":
        _incident(look, one)


def _incident(look: _Audit, one: Entry) -> None:
    if one.stream == RECONCILED and one.body.get("hers"):
        return  # the entry right before it says the same, and of whom
    zone = look.office.organisation.time_zone
    who = one.body.get("who")
    gate = as_far_as_known(look.language, f"gate.{one.body.get('key')}", {"who": str(who or "…")})
    said = in_words(one.body, look.language, zone) or gate or str(one.body.get("key", ""))
    at = instant(one.time)
    look.tell("incident", None, leaf=one.index, at=at, stream=one.stream, case=one.about or "-", said=said)


# cases and acts ----------------------------------------------------------------------------------------------------


def _cases(look: _Audit) -> None:
    with look.office.store.database.reading() as connection:
        placed = connection.execute(select(cases.c.id, cases.c.mailbox))
        rows = {row.id: look.tags.names.get(row.mailbox, row.mailbox) for row in placed}
    for case, places in sorted(look.where.items()):
        if len(places) > 1:
            look.tell("case-in-two-streams", case=case, streams=", ".join(sorted(places)))
        elif look.first[case].type not in _FIRST and case not in look.gone:
            look.tell("case-without-request", case=case, stream=min(places), leaf=look.first[case].index)
        if case in rows and rows[case] not in places:
            look.tell("case-elsewhere", case=case, mailbox=rows[case], stream=", ".join(sorted(places)))
    for case in sorted(rows.keys() - look.where.keys() - look.gone):
        look.tell("case-not-recorded", case=case, mailbox=rows[case])


def _unpaired(look: _Audit) -> None:
    for case, found in sorted(look.begun.items()):
        for act in story(found, case).acts:
            begun = act.intended
            if act.outcome is None and act.again_at is None and look.now - begun.time > _SETTLED:
                named = {"case": case, "stream": begun.stream, "leaf": begun.index, "at": instant(begun.time)}
                look.tell("unpaired", None, act=str(begun.body.get("act", "")), **named)


# policies and the register -----------------------------------------------------------------------------------------


def _policies(look: _Audit) -> None:
    known = _caught(lambda: in_force.history(look.office.store))
    if isinstance(known, LocumError):
        look.tell("policies-unreadable", error=known.key)
        return
    for number, one in enumerate(known):
        first = number == 0
        seen_by = one.seen_by or "-"
        look.tell(
            "policy-first" if first else "policy",
            None,
            at=instant(one.since),
            hash=one.hash[:16],
            seen_by=seen_by,
        )
        before = known[number - 1].hash if number else ""
        if one.previous != before:
            look.tell("policy-out-of-line", hash=one.hash[:16], at=instant(one.since))


def _register(look: _Audit) -> None:
    register = _caught(look.office.register)
    if isinstance(register, LocumError):
        look.tell("register-unreadable", error=register.key)
        return
    for one in register.ignored:
        why = as_far_as_known(look.language, f"gate.{one.key}", {"who": one.who})
        look.tell("gave-no-right", None, leaf=one.index, type=one.type, why=why or one.key)


def _caught(read: Callable[[], T]) -> T | LocumError:
    try:
        return read()
    except LocumError as error:
        return error
