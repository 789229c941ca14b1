"""An organisation's register as tests write it: people with keys in software, and entries that say what they signed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from locum.approval import Deed, Log, Signed, challenge
from locum.approval.strict import encoded
from locum.entry import Draft, Entry, Json, commitment, leaf, payload, tag
from locum.measure import instant
from locum.register import STREAM, Moment, Register, fold
from softkeys import SITE, SoftKey

FOUNDED = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)
DISPLAY = hashlib.sha256(b"What is about to be signed.").hexdigest()
Signing = tuple[str, str, SoftKey]

_serial = count(1)


def nonce() -> str:
    return f"{next(_serial):032x}"


def log(size: int = 1) -> Log:
    return Log("corp.test/locum", size, hashlib.sha256(f"root of {size}".encode()).hexdigest())


def key_of(person: str, key: SoftKey) -> dict[str, Json]:
    return {
        "person": person,
        "credential": encoded(key.credential),
        "key": encoded(key.public_key),
        "sign_count": key.count,
    }


def signed(kind: str, what: dict[str, Json], by: Signing, at: datetime, **instead: object) -> Signed:
    """One signature under a deed; `instead` changes fields of the statement."""
    person, function, key = by
    said: dict[str, object] = {
        "kind": kind,
        "by": person,
        "function": function,
        "what": what,
        "display": DISPLAY,
        "not_after": at + DAY,
        "log": log(),
        "nonce": nonce(),
    }
    statement = Deed(**{**said, **instead}).dump()  # type: ignore[arg-type]
    return Signed(statement, key.sign(challenge(kind, statement)).dump())


@dataclass
class Book:
    """The stream of the register. Entries stand apart in the log, as those of other streams come between them."""

    now: datetime = FOUNDED
    entries: list[Entry] = field(default_factory=list)
    stream_key: bytes = bytes(32)
    size: int = 0

    def write(self, kind: str, body: dict[str, Json], at: datetime | None = None, index: int | None = None) -> Entry:
        """Append an entry, whatever it says: this is what somebody can do who writes the tables."""
        seq = len(self.entries)
        prev = self.entries[-1].leaf[33:] if self.entries else b""
        draft = Draft(stream=STREAM, type=kind, time=at or self.now, body=body)
        content, mark, opening = (
            payload(draft, seq, prev),
            tag(self.stream_key, seq),
            hashlib.sha256(b"%d" % seq).digest(),
        )
        place = self.place() if index is None else index
        entry = Entry(
            index=place, stream=STREAM, seq=seq, type=kind, time=draft.time, case="", body=body,
            payload=content, opening=opening, leaf=leaf(mark, commitment(opening, mark, content)),
        )  # fmt: skip
        self.entries.append(entry)
        return entry

    def place(self) -> int:
        """The next place in the log, for an entry of this stream or of another."""
        self.size += 10
        return self.size

    def deed(self, kind: str, what: dict[str, Json], *signers: Signing, **instead: object) -> Entry:
        """Append a deed that these people signed."""
        return self.of([signed(kind, what, one, self.now, **instead) for one in signers], kind)

    def of(self, under: Sequence[Signed], kind: str) -> Entry:
        """Append a deed with these signatures."""
        return self.write(kind, {"signed": [one.as_json() for one in under]})

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def fold(self, **options: object) -> Register:
        return fold(self.entries, (SITE,), **options)  # type: ignore[arg-type]

    @property
    def moment(self) -> Moment:
        return Moment(self.now)

    @property
    def why(self) -> str:
        """Why the last entry gave no right; empty where it did."""
        last = self.fold().ignored
        return last[-1].key if last and last[-1].index == self.entries[-1].index else ""


@dataclass
class People(Book):
    """The people of an organisation, each with a key: Maria (hr) and Dirk (dpo) founded it, the others were added.

    Anna's mailbox it is about; Sam (it) asks; Mark is Anna's manager; Hugo is of hr, too; Ivo is of it, as Sam is.
    """

    keys: dict[str, SoftKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = {name: SoftKey(name) for name in ("maria", "dirk", "sam", "mark", "hugo", "ivo", "anna")}
        self.found()
        for name in ("sam", "mark", "hugo", "ivo", "anna"):
            self.add(name)
        given = {"sam": "it", "mark": "sales", "hugo": "hr", "ivo": "it", "anna": "sales"}
        self.by_two("function-given", {"people": [{"person": p, "function": f} for p, f in given.items()]})
        self.by_two("manager-given", {"people": [{"person": "anna", "manager": "mark"}]})
        self.later(days=2)

    def found(self) -> Entry:
        people: list[Json] = [
            {**key_of("maria", self.keys["maria"]), "function": "hr"},
            {**key_of("dirk", self.keys["dirk"]), "function": "dpo"},
        ]
        what: dict[str, Json] = {"people": people, "present": "Nora, works council"}
        return self.deed("first-keys", what, *self.two)

    @property
    def two(self) -> tuple[Signing, Signing]:
        return ("maria", "hr", self.keys["maria"]), ("dirk", "dpo", self.keys["dirk"])

    def me(self, name: str, function: str = "") -> Signing:
        """Somebody signs with her own key."""
        return name, function, self.keys[name]

    def by_two(self, kind: str, what: dict[str, Json]) -> Entry:
        return self.deed(kind, what, *self.two)

    def add(self, name: str, key: SoftKey | None = None) -> Entry:
        """Two others add a key."""
        key = key or self.keys[name]
        return self.deed("key-added", key_of(name, key), (name, "", key), *self.two)

    def withdraw(self, name: str, *by: Signing, key: SoftKey | None = None) -> Entry:
        credential = encoded((key or self.keys[name]).credential)
        what: dict[str, Json] = {"person": name, "credential": credential, "reason": "lost"}
        return self.deed("key-withdrawn", what, *(by or (self.me(name),)))

    def give(self, name: str, function: str, *by: Signing) -> Entry:
        what: dict[str, Json] = {"people": [{"person": name, "function": function}]}
        return self.deed("function-given", what, *(by or self.two))

    def take(self, name: str, function: str, *by: Signing) -> Entry:
        what: dict[str, Json] = {"people": [{"person": name, "function": function}]}
        return self.deed("function-withdrawn", what, *(by or self.two))

    def delegate(self, by: Signing, to: str, days: float = 7, starts: timedelta = timedelta(0)) -> Entry:
        what: dict[str, Json] = {
            "to": to,
            "from": instant(self.now + starts),
            "until": instant(self.now + starts + timedelta(days=days)),
        }
        return self.deed("delegated", what, by)
