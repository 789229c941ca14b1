"""`locum witness`: the door of the witness (locum.witness). It needs no settings of Locum, and reads none."""

import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Annotated

import typer

from locum.cli.door import Door, command, helped
from locum.cli.output import put, put_json, put_text
from locum.errors import Conflict, Invalid
from locum.phrases import one_line

if TYPE_CHECKING:
    from locum.witness import Evidence
    from locum.witness.judging import Tell

_File = Annotated[Path, typer.Option("--store", metavar="FILE", help=helped("store"))]
_Key = Annotated[Path, typer.Option("--key", metavar="FILE", help=helped("witness-key"))]
_Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help=helped("witness-name"))]
_Logs = Annotated[list[str] | None, typer.Option("--log", metavar="KEY", help=helped("witness-log"))]
_Listen = Annotated[str, typer.Option("--listen", metavar="ADDRESS:PORT", help=helped("witness-listen"))]
_Certificate = Annotated[Path | None, typer.Option("--certificate", metavar="FILE", help=helped("certificate"))]
_CertificateKey = Annotated[
    Path | None, typer.Option("--certificate-key", metavar="FILE", help=helped("certificate-key"))
]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "witness")(witness)


def witness(
    door: Door,
    *,
    store: _File = Path("witness.db"),
    key: _Key = Path("witness.key"),
    name: _Name = None,
    log: _Logs = None,
    listen: _Listen = "127.0.0.1:8341",
    certificate: _Certificate = None,
    certificate_key: _CertificateKey = None,
    evidence: Annotated[bool, typer.Option("--evidence", help=helped("evidence"))] = False,
    show_key: Annotated[bool, typer.Option("--show-key", help=helped("show-key"))] = False,
) -> int:
    """Watch over a log until told to stop."""
    from locum.witness import evidence_in, open_witness, serve  # noqa: PLC0415
    from locum.witness.serving import tls_of  # noqa: PLC0415

    if evidence:
        return _show(door, evidence_in(store))
    tell = _teller(door)
    opened = open_witness(store, key, name, log or [], lambda: datetime.now(UTC), tell)
    if show_key:
        put(opened.vkey)
        return 0
    if not log:
        raise Invalid("witness-no-log")
    if (certificate is None) is not (certificate_key is None):
        raise Invalid("witness-certificate", file=certificate or certificate_key, reason="?")
    tls = tls_of(certificate, certificate_key) if certificate is not None and certificate_key is not None else None
    server = serve(opened, listen, tls, tell)
    tell("key", vkey=opened.vkey)
    host = listen.rpartition(":")[0]
    tell("started", listen=f"{host}:{server.server_port}", logs=", ".join(opened.origins))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: Thread(target=server.shutdown, daemon=True).start())
    server.serve_forever()
    server.server_close()
    tell("stopped")
    return 0


def _teller(door: Door) -> "Tell":
    """Lines on standard error, with the time, one at a time."""
    lock = Lock()

    def tell(key: str, **values: object) -> None:
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = door.say(f"witness.{key}", **{name: one_line(str(value), 2000) for name, value in values.items()})
        with lock:
            print(f"{at} {said}", file=sys.stderr, flush=True)  # noqa: T201

    return tell


def _show(door: Door, found: "list[tuple[Path, Evidence]]") -> int:
    if door.json:
        put_json([{"file": str(file), "kind": one.kind, "log": one.log, "seen_at": one.seen_at} for file, one in found])
    elif not found:
        door.tell("witness.none")
    else:
        put(door.say("witness.kept", many=len(found)))
    for file, one in [] if door.json else found:
        put()
        put(door.say("witness.seen", log=one_line(one.log), at=one.seen_at, file=file))
        put(door.say(f"witness.kept-{one.kind}"))
        put_text(door.say("witness.before"), one.before)
        put_text(door.say("witness.after"), one.after)
    return Conflict.exit_code if found else 0
