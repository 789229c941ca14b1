"""`locum record`: the record itself, for whoever runs Locum and whoever checks it. Nothing here is about one case."""

import typer

from locum.cli.door import Door, command, helped
from locum.cli.output import put, put_json


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(group, name="record", help=helped("record"))
    command(group, "publish", "record-publish")(publish)


def publish(door: Door) -> int:
    """Sign the record and publish it now, and show the checkpoint."""
    note = door.app.the_publisher().publish().decode()
    if door.json:
        put_json({"checkpoint": note})
    else:
        put(note.removesuffix("\n"))
    return 0
