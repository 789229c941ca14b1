"""The seam: what the desk asks of the world outside, as protocols. The edges fill them in; app.py joins the two."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from locum.absence import Absence, Mailbox, Person
from locum.errors import LocumError, Refused
from locum.letter import Letter
from locum.measure import Can, Measure, Standing, Wanted
from locum.query import Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing `locum check` looked at. `key` is under `check.` in the messages; `holds` None means a warning."""

    key: str
    holds: bool | None
    values: tuple[tuple[str, str], ...] = ()


Report = tuple[Finding, ...]


class Connector(Protocol):
    """One mail system. Every method may raise Trouble (Unreachable, Rejected, Garbled).

    A connector keeps no state between calls that another process would need, and is safe to use from several threads.
    """

    name: str
    can: Can

    def user(self, mailbox: Mailbox) -> str:
        """How the mail system names this mailbox. Raises Invalid where the name could leave its place (`/`, NUL, ...)."""
        ...

    def read(self, mailbox: Mailbox) -> Standing:
        """What is set now, ours or not. Changes nothing."""
        ...

    def write(self, mailbox: Mailbox, wanted: Wanted, expect: Standing) -> Standing:
        """Set `wanted` if the mailbox still stands as `expect`, and give back what stands after, read anew.

        Raises Unsupported if it cannot be said, Conflict if it changed meanwhile; in both cases nothing was changed.
        Writing what already stands changes nothing.
        """
        ...

    def check(self, sample: Mailbox | None = None) -> Report:
        """Reach, and the proof that this credential cannot read mail. `sample` is a mailbox of this system to try with.
        Never raises Trouble: it reports it.
        """
        ...


@runtime_checkable
class ManyAtOnce(Protocol):
    """Optional: systems where many mailboxes at once are cheaper. One result per item, in order; an error is a result."""

    def read_many(self, mailboxes: Sequence[Mailbox]) -> list[Standing | LocumError]:
        """`read` for each."""
        ...

    def write_many(self, items: Sequence[tuple[Mailbox, Wanted, Standing]]) -> list[Standing | LocumError]:
        """`write` for each."""
        ...


@runtime_checkable
class OneReply(Protocol):
    """Optional: systems with one place for a reply on each mailbox, where nothing says who set it. `read` tells what is there as
    hers; this compares it with what Locum knows to have set. Where she changed a letter of it, it is hers.
    """

    def recognised(self, standing: Standing, known: Sequence[Measure]) -> Standing:
        """The standing with those of `known` as ours that stand there just so (on the system's normal form). Asks nobody."""
        ...


@runtime_checkable
class CountsReplies(Protocol):
    """Optional: systems whose log tells how many replies went out."""

    def replies_sent(self, mailbox: Mailbox, since: datetime, until: datetime) -> int | None:
        """How many automatic replies the server's log shows for this mailbox in [since, until); None if it cannot tell."""
        ...


@runtime_checkable
class CountsForwards(Protocol):
    """Optional: systems whose log tells how many copies went out."""

    def forwards_sent(self, mailbox: Mailbox, to: str, since: datetime, until: datetime) -> int | None:
        """How many messages of this mailbox were copied to `to` in [since, until); None if the log cannot tell."""
        ...


@runtime_checkable
class Forwards(Protocol):
    """Optional: systems that can copy new mail to a colleague. Asked when a forward is filed and again right before it is set."""

    def may_forward(self, mailbox: Mailbox) -> Report:
        """Everything that has to hold before this mailbox's mail may be forwarded: a local queue that accepts without looking
        at the recipient, head-room beside her own redirects, and so on. A forward needs every finding to hold.
        Never raises Trouble: it reports it.
        """
        ...


@runtime_checkable
class WatchesForwards(Protocol):
    """Optional: systems whose log tells whether forwarded mail arrives."""

    def forwards_failed(self, mailbox: Mailbox, to: str, since: datetime) -> int | None:
        """How many copies for `to` the mail system could not hand on since then; None if it cannot tell."""
        ...


class Witness(Protocol):
    """Somebody else's program that signs checkpoints of the record too, and no two that do not go together."""

    @property
    def name(self) -> str:
        """What the settings call it."""
        ...

    @property
    def vkey(self) -> str:
        """The key that its signatures are verified with."""
        ...

    def cosign(self, note: bytes, old: int, proof: Sequence[bytes]) -> bytes:
        """Its signature lines for this signed checkpoint, verified. `proof` shows that the record goes on from the `old` leaves
        that it saw last.

        Raises Conflict `witness-holds` with the `size` that it saw last, where that is another; Garbled `witness-fork` where it
        saw another record; Garbled `witness-false` or `witness-clock` for an answer that is not to be believed; Rejected where
        it refuses this record's key or knows no such record; and Unreachable.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the mail system's own log says of one login by an identity of ours. `at` and `until` are by our clock.

    `begun`: the login itself is in what was read now, and not told before. What was read is None while the session lasts, and
    where the log does not say it: `headers` and `bodies` of how many messages were fetched, how many were `deleted`.
    """

    user: str
    identity: str
    service: str
    at: datetime
    begun: bool = True
    until: datetime | None = None
    headers: int | None = None
    bodies: int | None = None
    deleted: int | None = None

    @property
    def read_mail(self) -> bool:
        """Whether mail was fetched or deleted."""
        return bool(self.headers or self.bodies or self.deleted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An automatic reply (`to` is empty) or a copy to `to`, that went out of a mailbox by a rule of somebody's."""

    user: str
    at: datetime
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accesses:
    """What was new in the log. `place` is how far it was read: what the next call is given. `troubles` are keys under
    `reconcile.log.`, of what keeps it from telling all.
    """

    place: bytes
    accesses: tuple[Access, ...] = ()
    sent: tuple[Sent, ...] = ()
    troubles: tuple[str, ...] = ()


@runtime_checkable
class TellsAccess(Protocol):
    """Optional: systems whose own log tells who logged in to a mailbox, and how much was read there."""

    @property
    def tells_access(self) -> bool:
        """Whether the settings name such a log."""
        ...

    def accesses(self, place: bytes) -> Accesses:
        """What was written to the log since `place`: b"" begins at its end, as it is now. Never raises Trouble."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one look cost and left out. `excluded` is (kind, how many), kinds as in narrowing; `all_judged` False: there was more
    than was judged, so the numbers are "at least". `headers` and `bodies` are how many messages' headers and bodies the mail
    system handed over, which its own log is compared with, and `grants` the names under which it logged in. `remarks` are keys
    under `remark.`.
    """

    excluded: tuple[tuple[str, int], ...] = ()
    all_judged: bool = True
    headers: int = 0
    bodies: int = 0
    grants: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many messages answer the question after the exclusions, at most one more than the look tells apart."""

    number: int
    looked: Looked


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One message that answers: `place` is where it is, opaque to all but the searcher; `message_id` may be empty. `masked`: the
    subject is doubtful ("vertrouwelijk", Company-Confidential) and is shown only when both ask for it.
    """

    place: str
    message_id: str
    from_: str
    at: datetime
    subject: str
    masked: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The messages that answer, newest first; never more than the look tells apart."""

    hits: tuple[Hit, ...]
    looked: Looked


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One message, whole, as the mail system keeps it."""

    content: bytes = field(repr=False)
    looked: Looked


class Fruitless(Refused):
    """A look that came to nothing: `too-broad` or `no-longer-there`. What it cost all the same is in `looked`, since the mail system's
    log has it.
    """

    def __init__(self, key: str, looked: Looked) -> None:
        """Clause 10 says why nothing came of it."""
        super().__init__(key, clause=10)
        self.looked = looked


class Searcher(Protocol):
    """A mail system in which one message can be found, with a credential that exists only while it looks (one grant per look, made
    and taken away inside each call). Nothing is marked, moved or made un-recent. Every method may raise Trouble.
    """

    name: str

    def count(self, mailbox: Mailbox, look: Look) -> Counted:
        """How many answer. No subject, sender or text of any message leaves the searcher. Raises Fruitless `too-broad` where more
        answer than can be judged.
        """
        ...

    def list(self, mailbox: Mailbox, look: Look) -> Listed:
        """From, date and subject of those that answer. Raises Fruitless `too-broad` where there are more than the look tells apart."""
        ...

    def fetch(self, mailbox: Mailbox, look: Look, place: str) -> Fetched:
        """The one message at `place`, judged once more by the same question and exclusions. Raises Fruitless `no-longer-there`
        where it is not there, or no longer answers.
        """
        ...

    def close(self, mailbox: Mailbox) -> None:
        """Take away whatever grant there is for this mailbox and end its sessions. Again and again is harmless."""
        ...

    def check(self, sample: Mailbox | None = None) -> Report:
        """Reach, and the proof that without a grant nothing can be read. Never raises Trouble: it reports it."""
        ...


class Post(Protocol):
    """Sends letters."""

    def send(self, letter: Letter) -> str:
        """Hand the letter to the relay or gateway, and give back its receipt (the relay's answer, shortened).

        Raises Unreachable (worth a retry) or Rejected (this address or credential was refused).
        """
        ...

    def send_once(self, letter: Letter) -> str:
        """The same by mail, for what may not arrive twice. Raises Unreachable `relay-unknown` where the relay's answer was lost: it
        may have arrived. After any other error it surely did not.
        """
        ...

    def resend(self, content: bytes, to: str, message_id: str) -> str:
        """Hand on somebody's message byte for byte, with Resent- headers of ours in front (RFC 5322 3.6.6), so that an answer goes
        to whoever wrote it. `message_id` names this delivery. Raises as `send_once`.
        """
        ...

    def render(self, letter: Letter) -> tuple[str, str]:
        """Subject and text of the letter as it would be sent."""
        ...

    def check(self) -> Report:
        """Whether letters could be sent now, found out without sending any. Never raises Trouble."""
        ...


class People(Protocol):
    """Who is who."""

    def person(self, person_id: str) -> Person | None:
        """The person with this id."""
        ...

    def owner(self, address: str) -> Person | None:
        """The person whose mailbox has this address or alias (canonical form)."""
        ...

    def everyone(self) -> Iterable[Person]:
        """All persons."""
        ...


class LeaveSource(Protocol):
    """Who is away, from a file or an address. The kind of leave is dropped here."""

    def absences(self, since: datetime, until: datetime) -> Iterable[Absence]:
        """Absences that touch [since, until), aware UTC."""
        ...
