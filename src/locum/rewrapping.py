"""Wrapping the vault: for the first time, and anew after each round of erasing, so that what was copied before stays closed.

Both keys lie in the file until the transaction that wraps is committed; then the old one is destroyed. Whoever is killed in
between leaves a vault that opens, and the next who comes along finishes.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Column, ColumnElement, Connection, bindparam, delete, insert, select, text, update

from locum.committing import OF_PERSON
from locum.database import Database
from locum.errors import Rejected
from locum.keyring import Open, current_id, keys_of
from locum.schema import cases, entries, links, reviewers, sessions, settings, streams, vault, wishes
from locum.vault_file import VaultFile, key_id

Row = dict[str, object]
Key = tuple[str, str, bytes]
"""Kind, name and key."""
_LEFT_OPEN = "vault-pages-open"
"""The setting that is there until the database is written anew after the first wrapping."""


def adopt(database: Database, file: VaultFile) -> None:
    """Wrap a vault that lies in the clear, making the key file where there is none; one that is wrapped is left as it is.

    Raises Rejected `vault-empty` where a dump was restored without it, and what VaultFile.read and VaultFile.write raise.
    """
    with database.reading() as connection:
        is_wrapped, is_left_open = current_id(connection) is not None, _is_left_open(connection)
    if not is_wrapped:
        is_left_open = _wrap_first(database, file)
    if is_left_open:
        database.compact()
        with database.writing() as connection:
            connection.execute(delete(settings).where(settings.c.name == _LEFT_OPEN))


def _is_left_open(connection: Connection) -> bool:
    """Whether pages that the database freed still hold what lay in the clear: whoever wrapped it was killed, or the disk full."""
    return connection.execute(select(settings.c.name).where(settings.c.name == _LEFT_OPEN)).first() is not None


def _wrap_first(database: Database, file: VaultFile) -> bool:
    """Whether something lay in the clear until now."""
    with file.alone():
        keys = file.read()
        if not keys:
            keys = [file.new()]
            file.write(keys)
        file.step("adopt.key")
        with database.writing() as connection:
            _only_here(connection)
            if current_id(connection) is not None:
                return _is_left_open(connection)
            had = connection.execute(select(vault.c.name).limit(1)).first() is not None
            if not had and connection.execute(select(streams.c.name).limit(1)).first() is not None:
                raise Rejected("vault-empty")
            _wrap(connection, Open(), Open(keys[-1]))
            if had:
                connection.execute(insert(settings), {"name": _LEFT_OPEN, "value": b"due"})
        file.step("adopt.wrapped")
    return had


def renew(database: Database, file: VaultFile) -> None:
    """Wrap the vault with a new key and destroy the one before. Raises Rejected `vault-key-lost`, and as `adopt`."""
    with file.alone():
        keys = _in_use(database, file)
        new = file.new()
        file.write([*keys, new])
        file.step("renew.both")
        with database.writing() as connection:
            _only_here(connection)
            _wrap(connection, keys_of(connection), Open(new))
        file.step("renew.wrapped")
        file.write([new])
        file.step("renew.destroyed")


def tidy(database: Database, file: VaultFile) -> None:
    """Where somebody was killed while wrapping: destroy the key that is not in use."""
    if len(file.read()) < 2:
        return
    with file.alone():
        keys = _in_use(database, file)
        if len(file.read()) > 1:
            file.write(keys)


def _in_use(database: Database, file: VaultFile) -> list[bytes]:
    with database.reading() as connection:
        current = current_id(connection)
    keys = [key for key in file.read() if key_id(key) == current]
    if not keys:
        raise Rejected("vault-key-lost", file=file.path)
    return keys


def _only_here(connection: Connection) -> None:
    """Whoever uses the vault in a transaction is waited for, and waits (SQLite has one writer anyway)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE vault IN ACCESS EXCLUSIVE MODE"))


def _wrap(connection: Connection, old: Open, new: Open) -> None:
    rows = [(row.kind, row.name, *old.opened(*row)) for row in connection.execute(_ALL) if row.kind != "key"]
    held = [(kind, name, key) for kind, _, name, key in rows if kind != "mark"]
    if old.key is None:
        names, held = _names_in_the_clear(connection), _first_time(connection, new, held)
    else:
        names = {name: old.mark(*name.split("/", 1)) for kind, _, name, _ in rows if kind == "mark"}
    marks = _marked(connection, new, names)
    for wish, moved in _wishes(held, old, new).items():
        _move(connection, wishes.c.person, moved, wishes.c.wish == wish)
    wrapped = [new.row(kind, name, key) for kind, name, key in held] + marks
    connection.execute(delete(vault))
    connection.execute(insert(vault), [*wrapped, {"kind": "key", "name": "", "key": new.id}])


_ALL = select(vault.c.kind, vault.c.name, vault.c.key)
_HELD = (
    ("person", cases.c.requester, ""), ("person", reviewers.c.person, ""), ("batch", cases.c.batch, ""),
    ("person", links.c.case_id, OF_PERSON), ("person", sessions.c.person, ""),
)  # fmt: skip
"""Where marks stand: of what, in which column, behind which words."""


def _names_in_the_clear(connection: Connection) -> dict[str, str]:
    held = ((what, name) for what, column, behind in _HELD for name in _standing(connection, column, behind))
    return {f"{what}/{name}": name for what, name in held}


def _standing(connection: Connection, column: Column[str], behind: str) -> set[str]:
    wanted = select(column).where(column.startswith(behind, autoescape=True) if behind else column != "").distinct()
    return {value.removeprefix(behind) for value in connection.execute(wanted).scalars()}


def _move(
    connection: Connection, column: Column[str], moved: Iterable[tuple[str, str]], *among: ColumnElement[bool]
) -> None:
    """Put the second of each pair where the first stands."""
    if rows := [{"before": before, "after": after} for before, after in moved if before != after]:
        where = (column == bindparam("before"), *among)
        connection.execute(update(column.table).where(*where).values({column.name: bindparam("after")}), rows)


def _wishes(held: Iterable[Key], old: Open, new: Open) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for wish, _, person in [name.partition("/") for kind, name, _ in held if kind == "wish"]:
        found.setdefault(wish, []).append((old.wish(wish, person), new.wish(wish, person)))
    return found


def _marked(connection: Connection, new: Open, names: Mapping[str, str]) -> list[Row]:
    """Put new marks for these names (each with what stands for it now) into their columns; the rows of those still used."""
    used: set[str] = set()
    for what, column, behind in _HELD:
        here = _standing(connection, column, behind)
        known = {name: place for name, place in names.items() if name.startswith(f"{what}/") and place in here}
        marks = [(place, new.mark(*name.split("/", 1))) for name, place in known.items()]
        _move(connection, column, [(f"{behind}{place}", f"{behind}{mark}") for place, mark in marks])
        used |= known.keys()
    return [new.row("mark", name, b"") for name in sorted(used)]


def _first_time(connection: Connection, new: Open, held: Iterable[Key]) -> list[Key]:
    """Put pseudonyms in place of the names of streams; the keys, those of streams under the new name."""
    stands = {name: new.stream(name, key) for kind, name, key in held if kind == "tag"}
    for column in (streams.c.name, entries.c.stream, cases.c.mailbox):
        _move(connection, column, stands.items())
    return [(kind, stands.get(name, name) if kind == "stream" else name, key) for kind, name, key in held]
