"""The house: check, gaps, and the processes serve, worker and demo. The policy has a file of its own (policy.py)."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from locum.cli.beside import worker_beside
from locum.cli.door import Door, command, helped
from locum.cli.output import put, put_finding, put_json, put_table
from locum.errors import Refused, Rejected, Unreachable
from locum.phrases import when
from locum.shapes import gap_shape, said_finding

if TYPE_CHECKING:
    from locum.desk import Gap
    from locum.seam import Finding


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for name, work in (("check", check), ("gaps", gaps), ("serve", serve), ("worker", worker), ("demo", demo)):
        command(app, name)(work)
    command(app, "enrol")(enrol)


def check(
    door: Door,
    *,
    connector: Annotated[str | None, typer.Argument(metavar="CONNECTOR", help=helped("connector"))] = None,
) -> int:
    """Reach every mail system, and try that what sets auto-replies cannot read mail."""
    reports = door.app.check([connector] if connector is not None else [])
    if door.json:
        put_json([_report_shape(door, name, report) for name, report in reports.items()])
    else:
        for name, report in reports.items():
            put(name)
            for finding in report:
                put_finding(finding.holds, said_finding(finding, door.language))
    bad = sum(finding.holds is False for report in reports.values() for finding in report)
    door.tell("check-bad" if bad else "check-good", bad=bad)
    return Rejected.exit_code if bad else 0


def _report_shape(door: Door, name: str, report: "tuple[Finding, ...]") -> dict[str, object]:
    findings = [{"key": f.key, "holds": f.holds, "sentence": said_finding(f, door.language)} for f in report]
    return {"connector": name, "holds": all(f.holds is not False for f in report), "findings": findings}


def gaps(
    door: Door,
    *,
    within: Annotated[int, typer.Option(min=0, max=366, metavar="DAYS", help=helped("within"))] = 14,
    remind: Annotated[bool, typer.Option("--remind", help=helped("remind"))] = False,
) -> int:
    """Who is away, or will be, without a reply; and whose reply is still on after the return."""
    sees_all = _sees_everyone(door)
    if remind and not sees_all:
        raise Refused("gaps-not-yours", clause=19)
    found = [
        gap
        for gap in door.app.desk.gaps(within_days=within, remind=remind)
        if sees_all or gap.person.id == door.acting.id
    ]
    if not sees_all:
        door.tell("gaps-only-yours")
    has_source = bool(door.settings.leave.csv or door.settings.leave.ical)
    if not has_source:
        door.tell("gaps-no-source")
    if door.json:
        put_json([gap_shape(gap) for gap in found])
    elif found:
        names = ["person", "mailbox", "gap", "from", "until", *(["reminded"] if remind else [])]
        rows = [_gap_row(door, gap)[: len(names)] for gap in found]
        put_table([door.say(f"column.{name}") for name in names], rows)
    elif has_source:
        door.tell("gaps-none")
    return 0


def _sees_everyone(door: Door) -> bool:
    """Whether the one who acts may see everybody's leave, or operates this machine for everyone."""
    from locum.desk.seeing import sees_everyone  # noqa: PLC0415  the desk is slow to import

    acting = door.acting
    if acting.id.startswith("os:"):
        return "*" in door.settings.acting.get(acting.id.removeprefix("os:"), ())
    return sees_everyone(door.app.desk.office, acting)


def _gap_row(door: Door, gap: "Gap") -> list[str]:
    mailbox = gap.person.mailbox.address if gap.person.mailbox else ""
    reminded = door.say("yes") if gap.reminded else ""
    start, end = (when(at, door.language, gap.person.time_zone) for at in (gap.from_at, gap.until_at))
    return [gap.person.name, mailbox, door.say(f"gap.{gap.kind}"), start, end, reminded]


def serve(
    door: Door, *, with_worker: Annotated[bool, typer.Option("--with-worker", help=helped("with-worker"))] = False
) -> int:
    """Serve the pages; with a worker beside them, as another process, where the place is small."""
    if not with_worker:
        return _serve(door)
    with worker_beside(door.config) as child:
        with suppress(SystemExit):  # SIGTERM, which the server hands on once it has stopped
            _serve(door)
        died = child.poll()
    if died is not None:
        door.tell("worker-died", code=died)
    return 0 if died is None else Unreachable.exit_code


def _serve(door: Door) -> int:
    from locum.access_tokens import AccessTokens  # noqa: PLC0415  the store is slow to import
    from locum.repeats import Repeats  # noqa: PLC0415
    from locum.web import make_app  # noqa: PLC0415  slow to import
    from locum.web import serve as serve_pages  # noqa: PLC0415
    from locum.web.api import Api  # noqa: PLC0415

    settings, app = door.settings, door.app
    api = Api(
        desk=app.desk,
        tokens=AccessTokens(app.store.database, app.clock, app.random),
        repeats=Repeats(app.store.database, app.clock, app.random),
    )
    pages = make_app(
        door.app.desk,
        organisation=settings.organisation.name,
        language=settings.organisation.language,
        url=settings.web.url,
        proxies=settings.web.proxies,
        doorway=door.app.doorway,
        inside=door.app.desk,
        papers=door.app.papers,
        api=api,
    )
    door.tell("serving", listen=settings.web.listen, url=settings.web.url)
    serve_pages(pages, settings.web.listen)
    return 0


def enrol(door: Door) -> int:
    """Write the one-time link with which the first two keys are enrolled, in place of an earlier one."""
    door.tell("first-keys", file=door.app.write_first_link(anew=True))
    return 0


def _offer_first_keys(door: Door) -> None:
    """At the first start. A worker does its work without, too."""
    try:
        if (link := door.app.write_first_link()) is not None:
            door.tell("first-keys", file=link)
    except Unreachable as error:
        door.tell("first-keys-not", file=error.values.get("file", ""), what=error.values.get("what", ""))


def worker(door: Door) -> int:
    """Do due steps until told to stop."""
    from threading import Event  # noqa: PLC0415

    from locum import worker as work  # noqa: PLC0415
    from locum.desk import keeping  # noqa: PLC0415

    app = door.app
    publisher = app.the_publisher()
    stop = Event()
    work.stop_on_signals(stop)
    app.start_reminders()
    app.start_reconciling()
    keeping.start(app.desk.office)
    app.desk.handed.start()
    app.desk.office.keep_policy()
    _offer_first_keys(door)
    work.run(
        app.desk,
        app.store,
        publisher,
        worker_id=f"{socket.gethostname()}-{os.getpid()}",
        clock=app.clock,
        stop=stop,
        lease_seconds=door.settings.worker.lease_seconds,
    )
    return 0


def demo(_door: Door, *, once: Annotated[bool, typer.Option("--once", help=helped("once"))] = False) -> int:
    """Show the story on a real mail host."""
    # The demo stands above the command line and runs it; so here it is called by name, and known by nothing else.
    run: Callable[..., int] = import_module("locum.demo").run
    return run(once=once or os.environ.get("ONCE") == "1")
