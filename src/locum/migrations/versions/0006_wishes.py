"""What people wish for themselves: sealed, each with a key of its own in the vault."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "wishes",
        sa.Column("person", sa.String(200), primary_key=True),
        sa.Column("wish", sa.String(20), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("written_at", sa.BigInteger, nullable=False),
    )
