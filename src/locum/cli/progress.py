"""How far a long command is: a bar on a terminal, lines now and then anywhere else. On standard error, and nothing is decided here."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def spinning(label: str) -> Iterator[None]:
    """Where it cannot be said how far it is."""
    if not sys.stderr.isatty():
        print(label, file=sys.stderr, flush=True)  # noqa: T201
        yield
        return
    from rich.console import Console  # noqa: PLC0415  only on a terminal

    with Console(stderr=True).status(label):
        yield


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; anywhere else a line now and then."""
    if not sys.stderr.isatty():
        said = [-1]

        def line(done: int) -> None:
            if done // max(1, total // 10) != said[0]:
                said[0] = done // max(1, total // 10)
                print(f"{label} {done}/{total}", file=sys.stderr, flush=True)  # noqa: T201

        yield line
        return
    from rich.console import Console  # noqa: PLC0415  only on a terminal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)
