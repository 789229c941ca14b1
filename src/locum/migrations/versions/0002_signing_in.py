"""Signing in: sessions, what was begun and waits for its answer, counters of passkeys, one-time links to enrol keys."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("how", sa.String(20), nullable=False),
        sa.Column("credential", sa.LargeBinary),
        sa.Column("signed_in_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("proved_at", sa.BigInteger),
    )
    op.create_index("sessions_person", "sessions", ["person"])
    op.create_index("sessions_seen", "sessions", ["seen_at"])
    op.create_table(
        "attempts",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("attempts_expires", "attempts", ["expires_at"])
    op.create_table(
        "key_counts",
        sa.Column("credential", sa.LargeBinary, primary_key=True),
        sa.Column("highest", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "key_links",
        sa.Column("purpose", sa.String(200), primary_key=True),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
        sa.UniqueConstraint("token_hash", name="key_links_token"),
    )
