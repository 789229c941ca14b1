"""The store: cases, entries and jobs, and one verb that writes: `commit`, in one transaction, many cases at once.

SKELETON: the interface that the desk and the doors rely on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from locum.entry import Draft, Entry
from locum.lifecycle import Case, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A row of the queue: the next step of a case. (kind, case) is unique; putting it again moves it. `lane` is a
    connector's name, or `letters`, or `desk`.
    """

    kind: str
    case: str
    due_at: datetime
    lane: str = "desk"
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A job under lease. Whoever lost the lease cannot commit."""

    job: Job
    worker: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A one-time link. Only the SHA-256 of its token is kept. `purpose`: ask, stop, set."""

    token_hash: bytes = field(repr=False)
    case: str
    purpose: str
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one case in a commit.

    `case` is the new value; its `version` is the one that was loaded, the store writes version + 1 and raises
    Conflict(`changed-meanwhile`) if the stored one differs. `put` adds or moves jobs, `drop` names kinds of jobs to
    delete, `finished` deletes the taken job and raises Conflict(`lease-lost`) if its lease is not ours any more.
    `found` keeps sealed bytes beside the case (b"" deletes them, None leaves them). `links` are added; `use` marks a
    link used and raises Conflict(`link-used`) if it already was.
    """

    case: Case | None = None
    entries: tuple[Draft, ...] = ()
    put: tuple[Job, ...] = ()
    drop: tuple[str, ...] = ()
    finished: Taken | None = None
    found: bytes | None = field(default=None, repr=False)
    links: tuple[Link, ...] = ()
    use: Link | None = None


class Signer(Protocol):
    """Signs a checkpoint text; see tlog.py."""

    origin: str

    def sign(self, text: bytes) -> bytes:
        """The signed note."""
        ...


class Store:
    """Everything that is kept. Raises Unreachable(`store-unreachable`) where the database does not answer."""

    def __init__(self, url: str, clock: Callable[[], datetime]) -> None: ...

    def migrate(self) -> None:
        """Bring the schema up to date; also makes a new store."""

    # writing
    def commit(self, changes: Sequence[Change]) -> tuple[Case, ...]:
        """All changes or none, durable when it returns. Gives back the cases with their new versions."""
        raise NotImplementedError

    def sign_checkpoint(self, signer: Signer) -> bytes | None:
        """Sign the tree as it stands if it grew since the last checkpoint. None if there was nothing to sign."""
        raise NotImplementedError

    # reading
    def case(self, case_id: str) -> Case:
        """Raises Invalid(`no-such-case`)."""
        raise NotImplementedError

    def cases(self, case_ids: Sequence[str]) -> list[Case]:
        """Many at once, in the order asked for."""
        raise NotImplementedError

    def find(
        self, *, state: State | None = None, mailbox: str | None = None, batch: str | None = None, limit: int = 1000
    ) -> list[Case]:
        """Newest first."""
        raise NotImplementedError

    def living_on(self, mailboxes: Sequence[str]) -> list[Case]:
        """All cases on these mailboxes that are not final."""
        raise NotImplementedError

    def entries(self, *, mailbox: str | None = None, case: str | None = None) -> list[Entry]:
        """Decrypted and checked against their leaves, oldest first."""
        raise NotImplementedError

    def found(self, case_id: str) -> bytes | None:
        """The sealed bytes kept beside a case."""
        raise NotImplementedError

    def link(self, token_hash: bytes) -> Link | None:
        raise NotImplementedError

    def jobs(self, case_id: str) -> list[Job]:
        raise NotImplementedError

    def setting(self, name: str, make: Callable[[], bytes]) -> bytes:
        """A value of the organisation that is made once and then kept (the key of the links, for instance)."""
        raise NotImplementedError

    # the queue (jobs.py)
    def take(
        self,
        worker: str,
        *,
        seconds: float,
        many: int = 200,
        case: str | None = None,
        lanes: Sequence[str] | None = None,
    ) -> list[Taken]:
        """Up to `many` due jobs of one kind and lane (the longest due first), leased for `seconds`. Never a job of a
        case that another live lease works on; never more than the lane allows. `case` takes only that case's due jobs.
        """
        raise NotImplementedError

    def renew(self, taken: Sequence[Taken], seconds: float) -> list[Taken]:
        """The leases that are still ours, renewed."""
        raise NotImplementedError

    def back_off(self, taken: Sequence[Taken], until: datetime, trouble: str) -> None:
        """Give jobs back, due again at `until`, tries + 1; `trouble` (a message key) is kept with the job for `show`."""
        raise NotImplementedError

    def next_due(self) -> datetime | None:
        """When the next job is due, for a worker's sleep."""
        raise NotImplementedError
