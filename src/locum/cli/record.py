"""`locum record`: the record itself, for whoever runs Locum and whoever checks it. Nothing here is about one case."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from locum.cli.door import Door, command, helped
from locum.cli.output import put, put_finding, put_json
from locum.errors import Garbled, Invalid
from locum.shapes import said_finding

_EVERY_SECONDS = 2.0
_LONGEST_NOTE = 64 * 1024


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(group, name="record", help=helped("record"))
    command(group, "check", "record-check")(check)
    command(group, "prove", "record-prove")(prove)
    command(group, "publish", "record-publish")(publish)


def check(door: Door) -> int:
    """Read the whole record and say whether it is sound, or what is wrong with it. Changes nothing."""
    from locum.soundness import examine  # noqa: PLC0415  the store is slow to import

    app = door.app
    vkey = app.signer.vkey if app.signer is not None else None
    found = examine(app.store.database, app.flat_file, vkey, _progress(door))
    bad = sum(one.holds is False for one in found)
    if door.json:
        told = [
            {"key": one.key, "holds": one.holds, **dict(one.values), "sentence": said_finding(one, door.language)}
            for one in found
        ]
        put_json({"sound": not bad, "findings": told})
    else:
        for one in found:
            put_finding(one.holds, said_finding(one, door.language))
    if bad:
        door.tell("record-damaged", bad=bad)
    return Garbled.exit_code if bad else 0


def _progress(door: Door) -> Callable[[int, int], None]:
    """Tells how far it is, every two seconds."""
    told = [time.monotonic()]

    def tell(done: int, of: int) -> None:
        if time.monotonic() - told[0] >= _EVERY_SECONDS:
            told[0] = time.monotonic()
            door.tell("record-progress", done=done, of=of)

    return tell


def prove(
    door: Door,
    *,
    old: Annotated[Path, typer.Option("--from", metavar="FILE", help=helped("old-checkpoint"))],
) -> int:
    """Write the proof that the published record goes on from an earlier checkpoint."""
    from locum.proving import continuation  # noqa: PLC0415  the store is slow to import
    from locum.tlog import parse_checkpoint  # noqa: PLC0415

    try:
        content = old.read_bytes()[:_LONGEST_NOTE]
    except OSError as error:
        raise Invalid("file-unreadable", file=old, what=error.strerror or "") from error
    proof = continuation(door.app.flat_file, parse_checkpoint(content)).decode()
    if door.json:
        put_json({"proof": proof})
    else:
        put(proof.removesuffix("\n"))
    return 0


def publish(door: Door) -> int:
    """Sign the record and publish it now, and show the checkpoint."""
    publisher = door.app.the_publisher()
    publisher.compare()
    note = publisher.publish().decode()
    if door.json:
        put_json({"checkpoint": note})
    else:
        put(note.removesuffix("\n"))
    return 0
