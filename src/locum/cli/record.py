"""`locum record`: the record itself, for whoever runs Locum and whoever checks it. Nothing here is about one case."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from locum.cli.cases import CaseId
from locum.cli.door import Door, command, helped
from locum.cli.output import put, put_finding, put_json
from locum.errors import Garbled, Invalid, Unreachable
from locum.seam import Report
from locum.shapes import said_finding

_EVERY_SECONDS = 2.0
_LONGEST_NOTE = 64 * 1024


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(group, name="record", help=helped("record"))
    command(group, "check", "record-check")(check)
    command(group, "prove", "record-prove")(prove)
    command(group, "audit", "record-audit")(audit)
    command(group, "publish", "record-publish")(publish)
    command(group, "erase", "record-erase")(erase)
    command(group, "keys", "record-keys")(keys)


def check(door: Door) -> int:
    """Read the whole record and say whether it is sound, or what is wrong with it. Changes nothing."""
    from locum.soundness import examine  # noqa: PLC0415  the store is slow to import

    app = door.app
    vkey = app.signer.vkey if app.signer is not None else None
    bad = _shown(door, "sound", examine(app.store.database, app.flat_file, vkey, _progress(door)))
    if bad:
        door.tell("record-damaged", bad=bad)
    return Garbled.exit_code if bad else 0


def audit(door: Door) -> int:
    """Make every tag anew, find what stands under somebody else's, and list what to look at. Changes nothing."""
    bad = _shown(door, "holds", door.app.desk.audit(door.language, _progress(door)))
    door.tell("record-audited-bad" if bad else "record-audited", bad=bad)
    return Garbled.exit_code if bad else 0


def _shown(door: Door, good: str, found: Report) -> int:
    """Show findings, and say how many do not hold."""
    bad = sum(one.holds is False for one in found)
    if door.json:
        told = [
            {"key": one.key, "holds": one.holds, **dict(one.values), "sentence": said_finding(one, door.language)}
            for one in found
        ]
        put_json({good: not bad, "findings": told})
    else:
        for one in found:
            put_finding(one.holds, said_finding(one, door.language))
    return bad


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


def erase(
    door: Door, *, case_id: CaseId, yes: Annotated[bool, typer.Option("--yes", help=helped("record-erase-yes"))] = False
) -> int:
    """Erase one case whose time is over, after saying what will be gone."""
    from locum.desk import keeping  # noqa: PLC0415  the store is slow to import

    app = door.app
    case = app.desk.case(case_id)
    keeping.check(app.desk.office, case)
    many = len(app.store.entries(case=case.id))
    door.tell("record-erase", case=case.id, mailbox=case.mailbox, on=case.filed_at.date().isoformat(), many=many)
    if not yes and not typer.confirm(door.say("record-erase-sure"), err=True):
        return 1
    keeping.erase(app.desk.office, case)
    if door.json:
        put_json({"case": case.id, "erased": many})
    else:
        put(door.say("record-erased", case=case.id, many=many))
    return 0


def keys(
    door: Door,
    *,
    output: Annotated[Path | None, typer.Option("--output", help=helped("record-keys-output"))] = None,
    restore: Annotated[Path | None, typer.Option("--restore", help=helped("record-keys-restore"))] = None,
) -> int:
    """Copy the vault's keys to a file, or make those of such a file the vault's after a database was restored."""
    if (output is None) == (restore is None):
        raise Invalid("keys-copy-which")
    if output is not None:
        many = _copy_keys(door, output)
        put_json({"file": str(output), "keys": many}) if door.json else put(
            door.say("record-keys", file=output, many=many)
        )
        return 0
    from locum import keys_copy  # noqa: PLC0415  the store is slow to import
    from locum.vault_file import VaultFile  # noqa: PLC0415

    held = keys_copy.read_copy(_lines(restore or Path()))
    database = door.app.unopened_store().database
    many = keys_copy.put_back(database, VaultFile(door.settings.store.vault_key_file), held, _progress(door))
    door.app.store  # noqa: B018  what was erased since is erased again
    put_json({"cases": many}) if door.json else put(door.say("record-keys-restored", many=many))
    return 0


def _copy_keys(door: Door, output: Path) -> int:
    from locum import keys_copy  # noqa: PLC0415  the store is slow to import

    many = -2
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for line in keys_copy.copied(door.app.store.database, _progress(door)):
                file.write(line)
                many += 1
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Unreachable("keys-copy-file", file=output, reason=error.strerror or "") from None
    return many


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise Invalid("keys-copy-damaged") from None
    except OSError as error:
        raise Unreachable("keys-copy-file", file=file, reason=error.strerror or "") from None
