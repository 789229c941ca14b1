"""Logins of Locum's own, noted before they are made, to be compared with what the mail system's log tells."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "logins",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("connector", sa.String(200), nullable=False),
        sa.Column("mark", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("logins_mark", "logins", ["connector", "mark", "at"])
    op.create_index("logins_at", "logins", ["connector", "at"])
