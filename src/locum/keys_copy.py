"""A copy of the vault's keys, for a short time: with it a database that was dumped earlier opens again, and without it no dump does.

The copy is one JSON object a line, the kind, the plain name and the key of each, after a first line that says what it is. It is
as secret as all that is kept, and what is erased later is still opened by it: so a newer copy replaces it, soon.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable, Iterable, Iterator, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, insert, select, update

from locum.committing import OF_PERSON
from locum.database import Database
from locum.errors import Invalid
from locum.filing import load_case
from locum.keyring import Open, keys_of
from locum.schema import cases, links, reviewers, sessions, vault, wishes
from locum.sealing import KEY_BYTES, NONCE_BYTES, about_case, unseal
from locum.vault_file import VaultFile
from locum.wishes import about_wish

_HEAD = {"locum": "keys", "v": 1}
_KINDS = ("case", "stream", "tag", "wish")
_EVERY = 1000
Key = tuple[str, str, bytes]
Told = Callable[[int, int], None]


def copied(database: Database, told: Told) -> Iterator[str]:
    """The lines of a copy. `told` hears how far it is."""
    with database.reading() as connection:
        opened = keys_of(connection)
        rows = [
            row for row in connection.execute(select(vault.c.kind, vault.c.name, vault.c.key)) if row.kind in _KINDS
        ]
    yield json.dumps(_HEAD) + "\n"
    for done, row in enumerate(rows, 1):
        name, key = opened.opened(*row)
        yield json.dumps({"kind": row.kind, "name": name, "key": b64encode(key).decode()}) + "\n"
        if not done % _EVERY:
            told(done, len(rows))
    yield json.dumps({"keys": len(rows)}) + "\n"


def read_copy(lines: Sequence[str]) -> list[Key]:
    """The keys of a copy, all of them or none. Raises Invalid `keys-copy-damaged`."""
    try:
        head, *rows, end = [json.loads(line) for line in lines]
        keys = [(str(row["kind"]), str(row["name"]), b64decode(row["key"], validate=True)) for row in rows]
    except (ValueError, TypeError, LookupError, Error) as error:
        raise Invalid("keys-copy-damaged") from error
    sound = all(kind in _KINDS and len(key) == KEY_BYTES for kind, _, key in keys)
    if head != _HEAD or end != {"keys": len(keys)} or not sound:
        raise Invalid("keys-copy-damaged")
    return keys


def put_back(database: Database, file: VaultFile, keys: Sequence[Key], told: Told) -> int:
    """Make these the vault's keys, under a new key of its file, and find anew what stands for whom. How many cases open.

    Whatever the vault held before is gone: it belongs to a database that was restored. Raises Unreachable, and nothing changed.
    """
    with file.alone():
        new = file.new()
        file.write([*file.read(), new][-2:])
        with database.writing() as connection:
            opened = Open(new)
            connection.execute(delete(vault))
            connection.execute(insert(vault), [opened.row(*key) for key in keys] + [_id_row(opened)])
            many = _mark_cases(connection, opened, {name: key for kind, name, key in keys if kind == "case"}, told)
            _mark_wishes(connection, opened, [(name, key) for kind, name, key in keys if kind == "wish"])
            connection.execute(delete(sessions))
            connection.execute(delete(links).where(links.c.case_id.startswith(OF_PERSON, autoescape=True)))
        file.write([new])
    return many


def _id_row(opened: Open) -> dict[str, object]:
    return {"kind": "key", "name": "", "key": opened.id}


def _mark_cases(connection: Connection, opened: Open, keys: dict[str, bytes], told: Told) -> int:
    """What stands for requesters, reviewers and batches follows from the cases themselves."""
    marks: set[str] = set()
    rows = list(connection.execute(select(cases.c.number, cases.c.id, cases.c.version, cases.c.sealed)))
    connection.execute(delete(reviewers))
    many = 0
    for done, (number, case_id, version, sealed) in enumerate(rows, 1):
        if (key := keys.get(case_id)) is None:
            continue
        case = load_case(unseal(key, sealed, about_case(case_id, version)))
        people = sorted({person for person, *_ in case.reviews})
        marks |= {f"person/{one}" for one in (case.requester, *people)} | (
            {f"batch/{case.batch}"} if case.batch else set()
        )
        stands = {"requester": opened.mark("person", case.requester), "batch": opened.mark("batch", case.batch)}
        connection.execute(update(cases).where(cases.c.number == number).values(stands))
        for person in people:
            connection.execute(insert(reviewers), {"person": opened.mark("person", person), "number": number})
        many += 1
        if not done % _EVERY:
            told(done, len(rows))
    if marks:
        connection.execute(insert(vault), [opened.row("mark", one, b"") for one in sorted(marks)])
    return many


def _mark_wishes(connection: Connection, opened: Open, keys: Iterable[tuple[str, bytes]]) -> None:
    """Which wish is whose is seen by which key opens it."""
    left = list(connection.execute(select(wishes.c.person, wishes.c.wish, wishes.c.sealed)))
    for name, key in keys:
        wish, _, person = name.partition("/")
        for row in left:
            if row.wish == wish and _opens(key, row.sealed, about_wish(person, wish)):
                where = (wishes.c.person == row.person) & (wishes.c.wish == wish)
                connection.execute(update(wishes).where(where).values(person=opened.wish(wish, person)))
                left.remove(row)
                break


def _opens(key: bytes, sealed: bytes, about: bytes) -> bool:
    try:
        AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
    except InvalidTag:
        return False
    return True
