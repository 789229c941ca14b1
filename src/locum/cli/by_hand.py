"""`locum by-hand`: what an administrator has to do where no credential does it, the exact steps, and what the system then shows."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from locum.cli.door import Door, command, helped
from locum.cli.output import put, put_json, put_table
from locum.errors import Invalid
from locum.lifecycle import State

if TYPE_CHECKING:
    from locum.connectors.by_hand import ByHand
    from locum.connectors.by_hand_tasks import Task

_LARGEST = 1024 * 1024
Named = Annotated[str, typer.Argument(metavar="MAILBOX", help=helped("mailbox"))]
Said = Annotated[Literal["as-shown", "nothing", "hers"] | None, typer.Option("--stands", help=helped("stands"))]


def register(app: typer.Typer) -> None:
    """Add `locum by-hand` to `app`."""
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(group, name="by-hand", help=helped("by-hand"))
    command(group, "list", "by-hand-list")(listed)
    command(group, "show", "by-hand-show")(show)
    command(group, "done", "by-hand-done")(done)


def listed(door: Door) -> int:
    """What is to be done, the oldest first."""
    found = [(name, task) for name, one in _connectors(door) for task in one.tasks.waiting()]
    if door.json:
        rows = [
            {"connector": name, "mailbox": task.mailbox, "do": task.do, "since": task.since} for name, task in found
        ]
        put_json(rows)
    elif found:
        columns = [door.say(f"column.{name}") for name in ("mailbox", "connector", "do", "since")]
        put_table(columns, [(task.mailbox, name, task.do, task.since) for name, task in found])
    else:
        door.tell("by-hand-none")
    return 0


def show(door: Door, *, mailbox: Named) -> int:
    """The exact steps for one mailbox."""
    name, connector, task = _task(door, mailbox)
    if not task.do:
        door.tell("by-hand-none")
        return 0
    door.tell(f"by-hand-{connector.system}-{task.do}", mailbox=task.mailbox, connector=name)
    if task.target is not None:
        for key, value in task.target.items():
            put(f"{key}: {value}")
        put("")
    if steps := connector.steps(task):
        put(steps)
    door.tell("by-hand-then", mailbox=task.mailbox)
    return 0


def done(door: Door, *, mailbox: Named, stands: Said = None) -> int:
    """Take what the system shows now, from standard input, or said in a word; and have the worker go on."""
    _, connector, task = _task(door, mailbox)
    who = door.acting.id
    text = "" if stands else sys.stdin.buffer.read(_LARGEST + 1).decode("utf-8", "replace")
    connector.done(task.mailbox, who, text, stands)
    store, now = door.app.store, door.app.clock()
    from locum.store import Change  # noqa: PLC0415  slow to import

    states = (State.SCHEDULED, State.APPLYING, State.APPLIED, State.ENDING, State.APPROVED)
    waiting = [job for case in store.living_on([_address(door, mailbox)], states) for job in store.jobs(case.id)]
    moved = tuple(
        replace(job, due_at=now, tries=0, trouble="") for job in waiting if job.trouble.startswith("by-hand-")
    )
    if moved:
        store.commit([Change(put=moved)])
    door.tell("by-hand-done", mailbox=task.mailbox)
    return 0


def _connectors(door: Door) -> Iterator[tuple[str, "ByHand"]]:
    for name, connector in door.app.connectors.items():
        if getattr(connector, "kind", "") == "by_hand":
            yield name, connector  # type: ignore[misc]


def _task(door: Door, mailbox: str) -> "tuple[str, ByHand, Task]":
    """The mailbox's connector, and what is known of it there. Raises Invalid `not-by-hand`."""
    address = _address(door, mailbox)
    name = door.settings.route(address)
    connector = dict(_connectors(door)).get(name or "")
    if name is None or connector is None:
        raise Invalid("not-by-hand", mailbox=address)
    owner = door.app.people.owner(address)
    box = owner.mailbox if owner is not None else None
    return name, connector, connector.tasks.of(address if box is None else connector.user(box))


def _address(door: Door, mailbox: str) -> str:
    from locum.addresses import canonical  # noqa: PLC0415

    owner = door.app.people.owner(address := canonical(mailbox))
    return owner.mailbox.address if owner is not None and owner.mailbox is not None else address
