"""`locum verify`: an account checked offline, with neither settings nor store, and told in words. What is checked is in locum.checkable."""

import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from locum.cli.door import Door, command, helped
from locum.cli.output import mark, put, put_json
from locum.errors import Invalid

if TYPE_CHECKING:
    from locum.checkable import Trusted, Verified

DOES_NOT_HOLD = 8
_COLOURS = {True: "32", False: "31;1", None: "33"}
_WIDEST = 100


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "verify")(verify)


def verify(
    door: Door,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=helped("file"))],
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help=helped("verify-key"))] = None,
    witness: Annotated[
        list[str] | None, typer.Option("--witness", metavar="KEY", help=helped("verify-witness"))
    ] = None,
    earlier: Annotated[
        list[Path] | None, typer.Option("--earlier", metavar="FILE", help=helped("verify-earlier"))
    ] = None,
    leaves: Annotated[Path | None, typer.Option("--leaves", metavar="FILE", help=helped("verify-leaves"))] = None,
) -> int:
    """Check an account offline."""
    from locum.checkable import File  # noqa: PLC0415  slow to load
    from locum.checkable import verify as verified  # noqa: PLC0415

    account = File.load(_read(file))
    trusted = _trusted(key, witness or [], earlier or [])
    found = verified(account, trusted, None if leaves is None else _read(leaves))
    if door.json:
        put_json(_shape(found, door.language))
    else:
        _put(found, door.language)
    return 0 if found.holds else DOES_NOT_HOLD


def _trusted(key: Path | None, witnesses: list[str], earlier: list[Path]) -> "Trusted":
    """What she holds against the file. Raises Invalid or Garbled where that itself cannot be read."""
    from locum.checkable import File, Trusted  # noqa: PLC0415
    from locum.herkey import HerKey  # noqa: PLC0415
    from locum.tlog.cosignatures import read_witness_key  # noqa: PLC0415

    for one in witnesses:
        read_witness_key(one)
    return Trusted(
        key=None if key is None else HerKey.load(_read(key)),
        witnesses=witnesses,
        earlier=[File.load(_read(one)).checkpoint for one in earlier],
    )


def _read(file: Path) -> bytes:
    """The file, and never more than an account can be long. Raises Invalid `file-unreadable`."""
    from locum.checkable import LONGEST  # noqa: PLC0415

    try:
        with file.open("rb") as opened:
            return opened.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else str(error)
        raise Invalid("file-unreadable", file=file, what=what) from None


def _shape(found: "Verified", language: str) -> dict[str, object]:
    """The whole as JSON, for programs."""
    from locum.checkable.words import sentence  # noqa: PLC0415

    told = [
        {
            "check": one.check,
            "key": one.key,
            "holds": one.holds,
            "seq": one.seq,
            "index": one.index,
            "values": dict(one.values),
            "sentence": sentence(one, language),
        }
        for one in found.findings
    ]
    whole = {"stream": found.stream, "entries": found.entries, "erased": found.erased, "size": found.size}
    return {"holds": found.holds, "key_file": found.has_key, **whole, "findings": told}


def _put(found: "Verified", language: str) -> None:
    from locum.checkable.words import answers, conclusion, title  # noqa: PLC0415
    from locum.messages import say  # noqa: PLC0415

    put(title(found, language))
    for answer in answers(found, language):
        put()
        put(_bold(answer.question))
        for line in answer.lines:
            _put_wrapped(_sign(line.holds), line.sentence)
        if answer.means:
            _put_wrapped(" ", answer.means)
    put()
    for paragraph in (
        conclusion(found, language, mark(False), mark(None)),
        "" if found.holds else say(language, "verify.ask.bad"),
    ):
        if paragraph:
            put(_bold(textwrap.fill(paragraph, _width(), break_long_words=False)))


def _put_wrapped(sign: str, sentence: str) -> None:
    first, *rest = textwrap.wrap(sentence, _width() - 5, break_long_words=False, break_on_hyphens=False) or [""]
    put(f"  {sign} {first}")
    for line in rest:
        put(f"    {line}")


def _width() -> int:
    return min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _sign(holds: bool | None) -> str:
    sign = mark(holds)
    return f"\x1b[{_COLOURS[holds]}m{sign}\x1b[0m" if _is_terminal() else sign


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if _is_terminal() else text
