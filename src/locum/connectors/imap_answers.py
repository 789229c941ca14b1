"""What an IMAP server answers, as values: a folder, a folder opened, what was fetched of a message. Pure. Not a connector: imap.py is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from locum.connectors.imap_tokens import Token


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that can be opened: its name as the server has it, and its path with "/" between levels, decoded."""

    name: bytes
    path: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder opened for reading only."""

    uid_validity: int
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was fetched of one message."""

    uid: int
    flags: tuple[str, ...] = ()
    received: datetime | None = None
    size: int = 0
    content: bytes = field(default=b"", repr=False)


def hers_of(path: str, under: str) -> str | None:
    """The path of a folder as its owner has it: "Work/Deals" of "Other Users/anna/Work/Deals". None where it is not under that place:
    others may have opened folders of theirs to everybody.
    """
    if not under:
        return path
    if path == under:
        return "INBOX"
    return path.removeprefix(f"{under}/") if path.startswith(f"{under}/") else None


def said_by_name(pairs: Sequence[Token]) -> dict[bytes, Token]:
    """The items of a FETCH answer by their names. Raises ValueError where one has none."""
    return {name.upper(): value for name, value in zip(pairs[::2], pairs[1::2], strict=True) if isinstance(name, bytes)}


def row_of(pairs: Sequence[Token]) -> Row:
    """A FETCH answer as a Row. Raises ValueError."""
    said = said_by_name(pairs)
    flags, received = said.get(b"FLAGS", []), said.get(b"INTERNALDATE")
    at = None if received is None else datetime.strptime(_bytes(received).decode().strip(), "%d-%b-%Y %H:%M:%S %z")
    return Row(
        uid=int(_bytes(said.get(b"UID", b""))),
        flags=tuple(_bytes(one).decode("utf-8", "replace") for one in flags) if isinstance(flags, list) else (),
        received=at,
        size=int(_bytes(said.get(b"RFC822.SIZE", b"0"))),
        content=_bytes(next((value for name, value in said.items() if name.startswith(b"BODY[")), b"")),
    )


def _bytes(value: Token) -> bytes:
    if value is None:
        return b""
    if not isinstance(value, bytes):
        raise ValueError("not a string")
    return value
