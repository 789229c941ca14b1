"""Bringing the tables of a store to the newest migration."""

from sqlalchemy import Connection, inspect, text

from locum.database import Database
from locum.schema import HEAD


def upgrade_tables(database: Database) -> None:
    """Make or change the tables, where they do not stand at the newest migration."""
    with database.reading() as connection:
        if _version(connection) == HEAD:
            return
    from locum.migrations import upgrade  # noqa: PLC0415 Alembic is slow to load and seldom needed

    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7565171)"))
        upgrade(connection)


def _version(connection: Connection) -> str | None:
    """The migration at which the store stands; None for a new one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
