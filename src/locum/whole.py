"""The whole record, read from its first entry to its last in little memory, and checked to be the tree it says it is.

For what is made from all entries and may be asked for again (the yearly figures): a row that was changed, taken out or put
in is found before the last entry is given. Nothing is decided here about what entries say.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, Row, select

from locum.checkpointing import kept_frontier
from locum.database import Database
from locum.entry import Entry
from locum.errors import Garbled
from locum.record import open_rows
from locum.schema import entries, tree
from locum.tlog import Frontier, leaf_hash

_AT_ONCE = 1000


def read_whole(database: Database) -> Iterator[Entry | None]:
    """All entries as of now, in the order of the log; None for each that was erased.

    Every thousand is a transaction of its own: entries are never changed, so that they are of one moment all the same.
    Raises Garbled: at the first entry that is not what its leaf says, and at the end where the leaves are not the tree's.
    """
    with database.reading() as connection:
        size, content = connection.execute(select(tree.c.size, tree.c.frontier)).one()
    expected, seen = kept_frontier(size, content), Frontier()
    while seen.size < size:
        with database.reading() as connection:
            rows = _rows(connection, seen.size, min(seen.size + _AT_ONCE, size))
            opened = open_rows(connection, rows)
        seen = seen.extend([leaf_hash(row.leaf) for row in rows])
        if seen.size == size and seen != expected:
            raise Garbled("record-inconsistent")
        yield from (one if isinstance(one, Entry) else None for one in opened)


def _rows(connection: Connection, first: int, last: int) -> list[Row[*tuple[object, ...]]]:
    within = (entries.c.position >= first, entries.c.position < last)
    rows = list(connection.execute(select(entries).where(*within).order_by(entries.c.position)))
    if [row.position for row in rows] != list(range(first, last)):
        raise Garbled("record-inconsistent")
    return rows
