"""The first tables. Written out, so that schema.py may go on."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_FREE, _TAKEN, _BATCH = sa.text("taken_by IS NULL"), sa.text("taken_by IS NOT NULL"), sa.text("batch <> ''")


def upgrade() -> None:
    """Make a new store, with an empty tree."""
    _record()
    _cases()
    _queue()
    op.create_table(
        "links",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("case_id", sa.String(200), nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )


def _record() -> None:
    tree = op.create_table(
        "tree",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("frontier", sa.LargeBinary, nullable=False),
        sa.Column("checkpoint", sa.LargeBinary),
        sa.Column("checkpoint_size", sa.BigInteger, nullable=False),
        sa.Column("checkpoint_frontier", sa.LargeBinary, nullable=False),
    )
    op.bulk_insert(tree, [{"id": 1, "size": 0, "frontier": b"", "checkpoint_size": 0, "checkpoint_frontier": b""}])
    op.create_table(
        "streams",
        sa.Column("name", sa.String(400), primary_key=True),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entries",
        sa.Column(
            "position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("stream", sa.String(400), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("case_id", sa.String(200), nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("stream", "seq", name="entries_stream_seq"),
    )
    op.create_index("entries_case", "entries", ["case_id", "position"])
    op.create_table(
        "vault",
        sa.Column("name", sa.String(400), primary_key=True),
        sa.Column("kind", sa.String(10), primary_key=True),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("mailbox", sa.String(400), nullable=False),
        sa.Column("batch", sa.String(200), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("id", name="cases_id"),
    )
    op.create_index("cases_mailbox", "cases", ["mailbox", "number"])
    op.create_index("cases_state", "cases", ["state", "number"])
    op.create_index("cases_batch", "cases", ["batch", "number"], sqlite_where=_BATCH, postgresql_where=_BATCH)
    op.create_table(
        "kept",
        sa.Column("case_id", sa.String(200), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )


def _queue() -> None:
    op.create_table(
        "jobs",
        sa.Column("case_id", sa.String(200), primary_key=True),
        sa.Column("kind", sa.String(40), primary_key=True),
        sa.Column("lane", sa.String(200), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("taken_by", sa.String(200)),
        sa.Column("taken_until", sa.BigInteger),
        sa.Column("trouble", sa.String(200), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("jobs_due", "jobs", ["due_at"], sqlite_where=_FREE, postgresql_where=_FREE)
    op.create_index("jobs_one_lease", "jobs", ["case_id"], unique=True, sqlite_where=_TAKEN, postgresql_where=_TAKEN)
    op.create_table(
        "lanes",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("at_once", sa.Integer, nullable=False),
    )
