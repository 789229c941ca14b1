"""IMAP's answers as tokens, its number sets, and its folder names (modified UTF-7, RFC 3501 section 5.1.3). Pure.

Not a connector: imap.py is.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Final, TypeAlias

Token: TypeAlias = "bytes | list[Token] | None"  # noqa: S105  no password
"""A string, an atom or a literal is bytes; a list is a list; NIL is None."""

DEEPEST: Final = 20
MOST_UIDS: Final = 2_000_000

_TOKEN = re.compile(
    rb'\s*(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\]|\\.)*)"|\{(?P<literal>\d{1,10})\}'
    rb"|(?P<atom>(?:[^\s()\"{}\[]|\[[^\]]*\])+))",
    re.DOTALL,
)


class Unreadable(ValueError):
    """These bytes are no answer of IMAP's."""


def tokens(raw: bytes, literals: Sequence[bytes] = ()) -> list[Token]:
    """The tokens of the rest of an answer; each {n} in it is the next of `literals`. Raises Unreadable."""
    stack: list[list[Token]] = [[]]
    left = list(literals)
    at, end = 0, len(raw.rstrip())
    while at < end:
        found = _TOKEN.match(raw, at)
        if found is None:
            raise Unreadable("token")
        at = found.end()
        if found["open"] is not None:
            stack.append([])
            if len(stack) > DEEPEST:
                raise Unreadable("depth")
        elif found["close"] is not None:
            done = stack.pop()
            if not stack:
                raise Unreadable("parenthesis")
            stack[-1].append(done)
        else:
            stack[-1].append(_plain(found, left))
    if len(stack) != 1 or left:
        raise Unreadable("end")
    return stack[0]


def _plain(found: re.Match[bytes], left: list[bytes]) -> bytes | None:
    if found["literal"] is not None:
        if not left or len(left[0]) != int(found["literal"]):
            raise Unreadable("literal")
        return left.pop(0)
    if found["quoted"] is not None:
        return re.sub(rb"\\(.)", rb"\1", found["quoted"], flags=re.DOTALL)
    return None if found["atom"].upper() == b"NIL" else found["atom"]


def uids_of(numbers: bytes) -> list[int]:
    """The numbers of a set, `1:3,7`, in rising order. Raises Unreadable."""
    found: set[int] = set()
    for part in numbers.split(b",") if numbers else []:
        first, _, last = part.partition(b":")
        if not first.isdigit() or (last and not last.isdigit()):
            raise Unreadable("set")
        low, high = sorted((int(first), int(last or first)))
        if high - low + len(found) > MOST_UIDS:
            raise Unreadable("set")
        found.update(range(low, high + 1))
    return sorted(found)


def counted(said: Sequence[Token]) -> tuple[int, list[int]]:
    """What an ESEARCH answer says (RFC 4731 section 3.1): (TAG "x") UID COUNT n ALL set, in any order; ALL is missing where there
    is none. Raises Unreadable.
    """
    count, found = -1, list[int]()
    for name, value in pairwise([one for one in said if not isinstance(one, list)]):
        if name is not None and name.upper() == b"COUNT":
            if value is None or not value.isdigit():
                raise Unreadable("count")
            count = int(value)
        elif name is not None and name.upper() == b"ALL":
            found = uids_of(value or b"")
    if count < 0:
        raise Unreadable("count")
    return count, found


@dataclass(frozen=True, slots=True)
class Attached:
    """A part that is a message itself: its number, and whether its headers can be asked for (a mail file as a plain file: not)."""

    part: str
    readable: bool


def attached_in(structure: Sequence[Token], part: str = "", depth: int = 0) -> list[Attached]:
    """Every message in a BODYSTRUCTURE (RFC 9051 section 7.5.2), at whatever depth. Raises Unreadable."""
    if depth > DEEPEST:
        raise Unreadable("depth")
    if structure and isinstance(structure[0], list):
        parts = [one for one in _until_text(structure) if isinstance(one, list)]
        inner = [attached_in(one, f"{part}.{n}".lstrip("."), depth + 1) for n, one in enumerate(parts, 1)]
        return [one for some in inner for one in some]
    kind = "/".join(one.decode("latin-1").lower() if isinstance(one, bytes) else "" for one in structure[:2])
    number = part or "1"
    if kind in ("message/rfc822", "message/global"):
        body = structure[8] if len(structure) > 8 else None
        within = attached_in(body, number, depth + 1) if isinstance(body, list) else []
        return [Attached(number, readable=True), *within]
    return [Attached(number, readable=False)] if _is_mail_file(kind, structure) else []


def _until_text(structure: Sequence[Token]) -> list[Token]:
    """The parts of a multipart stand before its subtype."""
    return list(takewhile(lambda one: isinstance(one, list), structure))


def _is_mail_file(kind: str, structure: Sequence[Token]) -> bool:
    """Whether a part is a message, or encrypted, in a form that the server does not open: by its type, or by the end of its name."""
    if kind in _CLOSED:
        return True
    words = [one.decode("latin-1").lower() for one in _flat(structure) if isinstance(one, bytes)]
    return any(word.rstrip().endswith(_CLOSED_NAMES) for word in words)


def _flat(value: Sequence[Token], depth: int = 0) -> Iterator[Token]:
    for one in value:
        if isinstance(one, list) and depth < DEEPEST:
            yield from _flat(one, depth + 1)
        else:
            yield one


_CLOSED: Final = (
    *("application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted", "application/ms-tnef"),
    *("application/vnd.ms-outlook", "application/x-microsoft-rpmsg-message"),
)
_CLOSED_NAMES: Final = (".eml", ".msg", ".rpmsg", ".p7m", "winmail.dat")


def path_of(name: bytes, delimiter: Token) -> str:
    """A folder's path with "/" between its levels, decoded."""
    decoded = from_utf7(name)
    return decoded.replace(delimiter.decode("latin-1"), "/") if isinstance(delimiter, bytes) and delimiter else decoded


def from_utf7(name: bytes) -> str:
    """A folder's name, decoded. What is no modified UTF-7 keeps a character that is none of anybody's names, so that it is doubted."""

    def decoded(found: re.Match[str]) -> str:
        if not found[1]:
            return "&"
        coded = found[1].replace(",", "/")
        try:
            return base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True).decode("utf-16-be")
        except ValueError:
            return "\x00"

    try:
        text = name.decode("ascii")
    except UnicodeDecodeError:
        return name.decode("utf-8", "replace")  # RFC 9051: names in UTF-8
    return re.sub(r"&([^-&]*)-", decoded, text)


def to_utf7(name: str) -> bytes:
    """The same the other way round."""

    def coded(found: re.Match[str]) -> str:
        if found[0] == "&":
            return "&-"
        return "&" + base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"

    return re.sub(r"&|[^\x20-\x7e]+", coded, name).encode("ascii")
