"""The tables of the store. Columns and indexes only; what they mean together is in store.py, record.py and jobs.py.

`vault` is the only place of keys: one per case (its value, entries and kept bytes), one per stream for entries without a
case, K_s of each stream, one per wish. They are wrapped with a key that lies in a file (keyring.py), and names of mailboxes,
people and batches stand as pseudonyms in all columns; in a store without such a file both lie in the clear.

Instants are whole microseconds since 1970, which sort and compare alike in SQLite and PostgreSQL.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

HEAD = "0008"
"""The newest migration; a store that stands here is not touched by `migrate`."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 theirs
        """A naive datetime is a TypeError: there is no telling what it means."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 theirs
        """In UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


# sqlite_with_rowid=False: small rows that are found by a name lie in the index itself, half the pages to write.

metadata = MetaData()

tree = Table(
    "tree",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary),
    Column("checkpoint_size", BigInteger, nullable=False),
    Column("checkpoint_frontier", LargeBinary, nullable=False),
)
"""One row. The frontier is the hashes of the complete subtrees on the right edge, largest first."""

streams = Table(
    "streams",
    metadata,
    Column("name", String(400), primary_key=True),
    Column("length", BigInteger, nullable=False),
    Column("head", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

entries = Table(
    "entries",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("stream", String(400), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("case_id", String(200), nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("stream", "seq", name="entries_stream_seq"),
    Index("entries_case", "case_id", "position"),
)

vault = Table(
    "vault",
    metadata,
    Column("name", String(400), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("key", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""`kind`: case, stream (entries without a case), tag (K_s), wish (wishes.py), hits and message (asides.py), mark (what stands for a name), key (which key
of the file all are wrapped with).
"""

cases = Table(
    "cases",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(40), nullable=False),
    Column("mailbox", String(400), nullable=False),
    Column("batch", String(200), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("requester", String(200), nullable=False, server_default=""),
    UniqueConstraint("id", name="cases_id"),
    Index("cases_mailbox", "mailbox", "number"),
    Index("cases_requester", "requester", "number"),
    Index("cases_state", "state", "number"),
    Index("cases_batch", "batch", "number", sqlite_where=text("batch <> ''"), postgresql_where=text("batch <> ''")),
)
"""`number` counts cases in the order in which they were filed."""

reviewers = Table(
    "reviewers",
    metadata,
    Column("person", String(200), primary_key=True),
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Who said yes or no to which case, by the case's number: a list to look up, and never a review."""

kept = Table(
    "kept",
    metadata,
    Column("case_id", String(200), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

_FREE, _TAKEN = text("taken_by IS NULL"), text("taken_by IS NOT NULL")

jobs = Table(
    "jobs",
    metadata,
    Column("case_id", String(200), primary_key=True),
    Column("kind", String(40), primary_key=True),
    Column("lane", String(200), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("taken_by", String(200)),
    Column("taken_until", Instant),
    Column("trouble", String(200), nullable=False),
    Index("jobs_due", "due_at", sqlite_where=_FREE, postgresql_where=_FREE),
    # One live lease per case at a time, whatever two workers believe at the same moment.
    Index("jobs_one_lease", "case_id", unique=True, sqlite_where=_TAKEN, postgresql_where=_TAKEN),
    sqlite_with_rowid=False,
)

lanes = Table(
    "lanes",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("at_once", Integer, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("case_id", String(200), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("person", String(200), nullable=False),
    Column("how", String(20), nullable=False),
    Column("credential", LargeBinary),
    Column("signed_in_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("proved_at", Instant),
    Index("sessions_person", "person"),
    Index("sessions_seen", "seen_at"),
)
"""`credential` is the passkey that was used, null where a provider vouched. `proved_at` is when the person herself last
proved who she is; null where the provider does not say.
"""

attempts = Table(
    "attempts",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("attempts_expires", "expires_at"),
)
"""What was begun in one browser and waits for its answer: the challenge, or the provider's state. Gone when answered."""

key_counts = Table(
    "key_counts",
    metadata,
    Column("credential", LargeBinary, primary_key=True),
    Column("highest", BigInteger, nullable=False),
)
"""The highest signature counter that was seen of a passkey, where its authenticator keeps one."""

key_links = Table(
    "key_links",
    metadata,
    Column("purpose", String(200), primary_key=True),
    Column("token_hash", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    UniqueConstraint("token_hash", name="key_links_token"),
)
"""One-time links to enrol keys with. One per purpose: a new one replaces the one before."""

proposals = Table(
    "proposals",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("what", LargeBinary, nullable=False),
    Column("by", String(200), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("not_after", Instant, nullable=False),
    Column("signed", LargeBinary, nullable=False),
    Column("state", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    Index("proposals_open", "state", "not_after"),
)
"""Deeds about people and keys while their signatures are collected. What counts is what was signed, never what stands here."""

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("token_hash", LargeBinary, nullable=False),
    Column("person", String(200), nullable=False),
    Column("scopes", String(400), nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("ended_at", Instant),
    UniqueConstraint("token_hash", name="access_tokens_token"),
)
"""Tokens of the API, by the hash of each. An ended or expired one stays, to be seen in the list."""

repeats = Table(
    "repeats",
    metadata,
    Column("name", LargeBinary, primary_key=True),
    Column("asked", LargeBinary, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("sealed", LargeBinary),
    Index("repeats_began", "began_at"),
)
"""What the API answered to a request that acts, for a day. `sealed` is null while it is being answered."""

wishes = Table(
    "wishes",
    metadata,
    Column("person", String(200), primary_key=True),
    Column("wish", String(20), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("written_at", Instant, nullable=False),
)
"""What people wish for themselves (wishes.py); their keys are in the vault, of kind wish."""

asides = Table(
    "asides",
    metadata,
    Column("case_id", String(200), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("written_at", Instant, nullable=False),
    Column("used_at", Instant, nullable=False),
)
"""What lies beside a search for a short while (asides.py); the keys are in the vault, of the same kind."""

logins = Table(
    "logins",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("connector", String(200), nullable=False),
    Column("mark", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
    Index("logins_mark", "connector", "mark", "at"),
    Index("logins_at", "connector", "at"),
)
"""Logins of Locum's own, until they were found in the mail system's log; `mark` names service and mailbox to who knows the key."""
