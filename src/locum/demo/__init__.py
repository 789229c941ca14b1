"""The demo: the story of an absent colleague's out-of-office, on a real mail host. `make demo`, `locum demo [--once]`."""

import os
import sys

from rich.console import Console

from locum.demo import playing
from locum.demo.host import HostTrouble
from locum.demo.observed import Story
from locum.demo.stage import Stage
from locum.demo.story import play


def run(*, once: bool = False) -> int:
    """Play the story; then, unless `once`, have the reader play it until Ctrl-C. 0 only if everything was really observed."""
    if os.geteuid() != 0:
        print(
            "The demo starts a real Postfix, and Postfix can only be started by root: sudo make demo", file=sys.stderr
        )
        return 2
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 80)
    story = Story(console)
    try:
        with Stage(story.tell) as stage:
            play(stage, story)
            console.print(f"\n{_sum(story)}")
            if story.failed:
                console.print(f"The worker's log ends:\n{stage.last_words()}", markup=False, highlight=False)
        if not once:
            playing.play(console)
    except HostTrouble as trouble:
        console.print(f"\nThe demo could not go on: {trouble}", markup=False)
        return 1
    except KeyboardInterrupt:
        return 130
    return 1 if story.failed else 0


def _sum(story: Story) -> str:
    if not story.failed:
        return "[green bold]All of this was observed.[/green bold]"
    return f"[red bold]Not observed: {'; '.join(story.failed)}[/red bold]"
