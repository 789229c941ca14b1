"""Changes of the store's tables, oldest first, in versions/. `upgrade` brings a store to the newest, in one transaction.

For whoever adds one: versions/NNNN_what.py, and schema.HEAD; tests/test_store.py checks that both agree with schema.py.
"""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Bring the store behind this connection, which is in a transaction, to the newest version."""
    config = Config()
    config.set_main_option("script_location", "locum:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
