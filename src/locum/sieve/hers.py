"""What her own script does: does it answer, reject, redirect (how often, where to), stop? Never rewritten, never kept.

A lexer (RFC 5228 section 8.1) and a table of harmless words, no parser: whether a command would be reached is not asked.
It fails closed: a byte, word or include that is not understood makes every answer yes.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Resolve: TypeAlias = Callable[[str], bytes | None]

_MOST_SCRIPTS = 50
_MOST_BYTES = 4 << 20

_TOKEN = re.compile(
    rb"""
    (?P<space> (?: [ \t\n] | \r\n | \#[^\n]*\n | /\*.*?\*/ )+ )
  | (?P<multiline> text: [ \t]* (?: \#[^\n]* )? \r?\n (?: (?! \.\r?\n ) [^\n]*\n )* \.\r?\n )
  | (?P<string> " (?: [^"\\] | \\. )* " )
  | (?P<tag> : [a-z_][a-z0-9_]* )
  | (?P<word> [a-z_][a-z0-9_]* (?! [a-z0-9_:] ) )
  | (?P<number> [0-9]+ [kmg]? (?! [a-z0-9_] ) )
  | (?P<sign> [\[\](){},;] )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)

_ANSWERS = {"vacation"}
_REJECTS = {"reject", "ereject", "refuse"}
_HARMLESS = frozenset(
    (
        *("require", "if", "elsif", "else", "stop", "keep", "discard", "redirect", "fileinto", "include", "return"),
        *("set", "global", "addflag", "setflag", "removeflag", "addheader", "deleteheader", "notify", "denotify"),
        *("foreverypart", "break", "replace", "enclose", "extracttext", "debug_log"),
        *(
            "address",
            "allof",
            "anyof",
            "envelope",
            "exists",
            "false",
            "true",
            "header",
            "not",
            "size",
            "body",
            "string",
        ),
        *("date", "currentdate", "hasflag", "mailboxexists", "mailboxidexists", "specialuse_exists", "metadata"),
        *("metadataexists", "servermetadata", "servermetadataexists", "environment", "spamtest", "virustest", "ihave"),
        *("duplicate", "valid_ext_list", "valid_notify_method", "notify_method_capability"),
    )
)
_PAIRS = {"]": "[", ")": "(", "}": "{"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hers:
    """What her script may do, the scripts it includes counted in. `doubt`: not understood, and then all is yes.

    `redirects` counts the commands, `redirects_to` are their addresses, as she wrote them; None where one is not to be
    told (a variable, a list).
    """

    vacation: bool = False
    reject: bool = False
    redirect: bool = False
    discard: bool = False
    stop: bool = False
    includes: bool = False
    redirects: int = 0
    redirects_to: tuple[str, ...] | None = ()
    doubt: bool = False


_MANY = 99
_DOUBT = Hers(
    vacation=True,
    reject=True,
    redirect=True,
    discard=True,
    stop=True,
    includes=True,
    redirects=_MANY,
    redirects_to=None,
    doubt=True,
)


class _Doubtful(Exception):
    """Something that is not understood."""


class _Token(NamedTuple):
    kind: str
    text: str


def examine(script_bytes: bytes, resolve: Resolve) -> Hers:
    """What the script does or may do. `resolve` gives another script of hers by name, None where there is none."""
    try:
        scripts = _all_scripts(script_bytes, resolve)
        words = {word for tokens in scripts for word in _words(tokens)}
        targets = [target for tokens in scripts for target in _redirected(tokens)]
    except _Doubtful:
        return _DOUBT
    told = tuple(dict.fromkeys(target for target in targets if target is not None))
    return Hers(
        vacation=not words.isdisjoint(_ANSWERS),
        reject=not words.isdisjoint(_REJECTS),
        redirect=bool(targets),
        discard="discard" in words,
        stop="stop" in words,
        includes="include" in words,
        redirects=len(targets),
        redirects_to=None if None in targets else told,
    )


def _all_scripts(script_bytes: bytes, resolve: Resolve) -> list[list[_Token]]:
    """The tokens of a script and of all that it includes."""
    scripts: list[list[_Token]] = []
    seen: set[str] = set()
    waiting = [script_bytes]
    room = _MOST_BYTES
    while waiting:
        text = waiting.pop()
        room -= len(text)
        if room < 0 or len(seen) > _MOST_SCRIPTS:
            raise _Doubtful
        tokens = list(_tokens(text))
        scripts.append(tokens)
        for name, optional in _included(tokens):
            if name not in seen:
                seen.add(name)
                waiting += _found(name, resolve(name), optional=optional)
    return scripts


def _found(name: str, text: bytes | None, *, optional: bool) -> list[bytes]:
    if text is None and not optional:
        raise _Doubtful(name)  # a run-time error, or another place that we do not see
    return [] if text is None else [text]


def _words(tokens: list[_Token]) -> set[str]:
    words = {token.text for token in tokens if token.kind == "word"}
    if not words <= _HARMLESS | _ANSWERS | _REJECTS:
        raise _Doubtful
    return words


def _tokens(text: bytes) -> Iterator[_Token]:
    if b"\0" in text or b"\r" in text.replace(b"\r\n", b""):
        raise _Doubtful
    text = text if text.endswith(b"\n") else text + b"\n"  # a comment may end with the script
    open_signs: list[str] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise _Doubtful
        place = match.end()
        if match.lastgroup == "space":
            continue
        token = _Token(match.lastgroup, _decoded(match))
        _balance(token, open_signs)
        yield token
    if open_signs:
        raise _Doubtful


def _decoded(match: re.Match[bytes]) -> str:
    try:
        text = match.group().decode()
    except UnicodeDecodeError as error:
        if match.lastgroup in ("string", "multiline"):
            return "\ufffd"  # a header's raw byte to compare with; no script has this name
        raise _Doubtful from error
    if match.lastgroup == "string":
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text if match.lastgroup == "multiline" else text.lower()


def _balance(token: _Token, open_signs: list[str]) -> None:
    if token.kind != "sign":
        return
    if token.text in _PAIRS.values():
        open_signs.append(token.text)
    elif token.text in _PAIRS and (not open_signs or open_signs.pop() != _PAIRS[token.text]):
        raise _Doubtful


def _redirected(tokens: list[_Token]) -> Iterator[str | None]:
    """Where each redirect of a script goes: None for what is not one plain address."""
    for place, token in enumerate(tokens):
        if token == ("word", "redirect"):
            rest = [one for one in tokens[place + 1 : place + 6] if one.kind != "tag" or one.text == ":list"]
            plain = len(rest) > 1 and rest[0].kind == "string" and rest[1] == ("sign", ";") and "${" not in rest[0].text
            yield rest[0].text if plain else None


def _included(tokens: list[_Token]) -> Iterator[tuple[str, bool]]:
    """The names of included scripts, and whether they may be missing (RFC 6609 3.2)."""
    for place, token in enumerate(tokens):
        if token == ("word", "include"):
            yield _include(tokens[place + 1 : place + 8])


def _include(tokens: list[_Token]) -> tuple[str, bool]:
    tags: set[str] = set()
    for token in tokens:
        if token.kind == "tag":
            tags.add(token.text)
            continue
        # The organisation's own scripts (:global) are out of sight; "${" may be another name (RFC 5228 2.4.2.4).
        if token.kind != "string" or not tags <= {":personal", ":once", ":optional"} or "${" in token.text:
            raise _Doubtful
        return token.text, ":optional" in tags
    raise _Doubtful
