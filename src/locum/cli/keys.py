"""hand-over: to everybody who never got it, or to one person, the key with which is checked later what was done.

Whatever stops it, the same command goes on where it stopped: who has a key is not written to again.
"""

import os
import socket
import time
from pathlib import Path
from typing import Annotated

import typer

from locum.absence import Person
from locum.addresses import canonical
from locum.cli.door import Door, command, helped
from locum.cli.output import put, put_json
from locum.cli.progress import progress
from locum.errors import Invalid, Refused, Rejected
from locum.phrases import one_line
from locum.shapes import said_trouble

_REST_SECONDS = 0.5


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "hand-over")(hand_over)


def hand_over(
    door: Door,
    *,
    person: Annotated[str | None, typer.Argument(metavar="PERSON", help=helped("hand-over-person"))] = None,
    everyone: Annotated[bool, typer.Option("--everyone", help=helped("hand-over-everyone"))] = False,
    print_: Annotated[Path | None, typer.Option("--print", metavar="FILE", help=helped("hand-over-print"))] = None,
) -> int:
    """Hand over the keys with which people check what was done."""
    if (person is None) is not everyone or (everyone and print_ is not None):
        raise Invalid("hand-over-whom")
    if person is None:
        _check_rights(door, None)
        return _to_everyone(door)
    whom = _person(door, person)
    _check_rights(door, whom)
    by = door.acting.id
    if print_ is None:
        door.app.desk.handed.send(whom, by=by)
        door.app.sign()
        door.tell("hand-over-sent", name=one_line(whom.name), mailbox=whom.mailbox.address if whom.mailbox else "")
    else:
        _write(print_, door.app.desk.handed.printed(whom, by=by))
        door.app.sign()
        door.tell("hand-over-printed", name=one_line(whom.name), file=print_)
    if door.json:
        put_json({"person": whom.id, "how": "letter" if print_ is None else "printed"})
    return 0


def _person(door: Door, name: str) -> Person:
    people = door.app.people
    found = people.owner(canonical(name)) if "@" in name else people.person(name)
    if found is None or found.mailbox is None:
        raise Invalid("hand-over-nobody", person=one_line(name, 80))
    return found


def _check_rights(door: Door, whom: Person | None) -> None:
    """Herself, whoever operates this machine for everybody, or the officer that the policy names. Raises Refused."""
    acting = door.acting
    if whom is not None and acting.id == whom.id:
        return
    if acting.id.startswith("os:") and "*" in door.settings.acting.get(acting.id.removeprefix("os:"), ()):
        return
    if acting.function != door.app.policy.four_eyes.officer:
        raise Refused("hand-over-not-yours", clause=4)


def _to_everyone(door: Door) -> int:
    """Do it here, or look on while a worker does."""
    handed, app = door.app.desk.handed, door.app
    seconds = door.settings.worker.lease_seconds
    worker = f"cli-{socket.gethostname()}-{os.getpid()}"
    waiting = len(handed.never())
    refused: tuple[tuple[str, str], ...] = ()
    if waiting:
        app.sign()
        with progress(door.say("hand-over-working"), waiting) as advance:
            while (taken := handed.begin(worker, seconds)) is None:
                if (left := len(handed.never())) == 0:
                    break
                advance(waiting - left)
                time.sleep(_REST_SECONDS)
            if taken is not None:
                refused = handed.to_everyone(taken, advance, by=door.acting.id, seconds=seconds).refused
        app.sign()
    never, all_ = handed.counted()
    for person, trouble in refused:
        door.tell("hand-over-refused", person=person, why=said_trouble(trouble, door.language))
    document = {"given": waiting - never, "never": never, "all": all_, "refused": [who for who, _ in refused]}
    if door.json:
        put_json(document)
    else:
        put(door.say("hand-over-done", given=waiting - never, never=never, all=all_))
    return Rejected.exit_code if refused else 0


def _write(file: Path, content: bytes) -> None:
    """For its owner alone, and over nothing that is there."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as opened:  # noqa: PTH123 made with its rights, in one step
            opened.write(content)
    except OSError as error:
        raise Invalid("file-unwritable", file=file, what=error.strerror) from None
