"""A story as text: prose, and indented steps that are played. docs/stories.md tells the words of it; nothing is started here.

$ locum ...         a command; `=> 3` on a line of its own is its exit code (0 where nothing is said), every other line that
                    follows has to stand in what it answers, in this order
clock: +2 hours     every clock moves, and a worker does what is due
...                 any other `word: rest` is a step of the stage (stage.py)
"""

import re
import shlex
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

_STEP = re.compile(r"^ {4}(\S.*)$")
HAPPENS = ("clock", "policy", "people", "file", "settings")
SOMEBODY = ("reads", "gets no letter", "presses", "writes to", "has mail", "has no mail")
_WORD = re.compile(rf"^({'|'.join(HAPPENS)}|\S+@\S+ (?:{'|'.join(SOMEBODY)})):(?: (.*))?$")
_DAY = re.compile(r"^\+(\d+)d$")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a command (`word` is "$"), or something that happens. `lines` are what has to be seen, in order."""

    line: int
    word: str
    rest: str
    lines: tuple[str, ...] = ()
    code: int = 0


@dataclass(frozen=True, slots=True)
class Tale:
    """A story: its title, and its steps."""

    title: str
    steps: tuple[Step, ...]


def read(path: Path) -> Tale:
    """The story in a file. Raises ValueError for a line that is no step."""
    text = path.read_text("utf-8")
    steps: list[Step] = []
    for number, line in enumerate(text.replace("\\\n", "").splitlines(), 1):
        if (found := _STEP.match(line)) is None:
            if line.startswith(" "):
                raise ValueError(f"{path.name}:{number}: neither prose nor a step: {line}")
            continue
        steps = _with(steps, number, found[1])
    return Tale(text.partition("\n")[0].lstrip("# "), tuple(steps))


def _with(steps: list[Step], number: int, told: str) -> list[Step]:
    if told.startswith("$ locum "):
        return [*steps, Step(number, "$", " ".join(told.removeprefix("$ locum ").split()))]
    if (word := _WORD.match(told)) is not None:
        return [*steps, Step(number, word[1], word[2] or "")]
    if not steps:
        raise ValueError(f"line {number}: nothing was done yet: {told}")
    *before, last = steps
    if (code := re.fullmatch(r"=> (\d+)", told)) is not None:
        return [*before, Step(last.line, last.word, last.rest, last.lines, int(code[1]))]
    return [*before, Step(last.line, last.word, last.rest, (*last.lines, told), last.code)]


def words(command: str, today: date, cases: list[str]) -> list[str]:
    """The words of a command: `+14d` is that many days from today, CASE the last case that was named, FIRST the first."""
    given = []
    for word in shlex.split(command):
        day = _DAY.match(word)
        given.append((today + timedelta(days=int(day[1]))).isoformat() if day else named(word, cases))
    return given


def named(text: str, cases: list[str]) -> str:
    """A text with the names of the cases in it."""
    if not cases:
        return text
    return re.sub(r"\bFIRST\b", cases[0], re.sub(r"\bCASE\b", cases[-1], text))


def missing(lines: tuple[str, ...], said: str) -> str:
    """The first of the lines that does not stand in what was said, behind the one before it; "" where all do."""
    flat, at = " ".join(said.split()), 0
    for line in lines:
        at = flat.find(" ".join(line.split()), at)
        if at < 0:
            return line
        at += 1
    return ""
