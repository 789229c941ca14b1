"""How well the linter reads the labelled set (tests/data/wording.toml): precision and recall per kind and language.

A goal holds for all languages together; illness and whereabouts may miss nothing at all. What is done about a whole text
(refuse, review, or let it go) is counted over that set and nine more (wording_fresh_*.toml). The lists were tuned by all but
HELD_OUT: only the rows `held-out` say what a new text may expect.
"""

import time
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bench.table import Row
from locum.wording import PROPOSED, Kind, Known, Reader, Severity, lint

SET = Path(__file__).parent.parent / "tests" / "data" / "wording.toml"
PARTS = ("messages", "later", "last")
TUNED_BY = ("messages", "later", *(f"fresh_{number}" for number in range(1, 9)))
HELD_OUT = ("last", "fresh_9")
NEVER_MISSED = (Kind.ILLNESS, Kind.WHEREABOUTS)
PRECISION, RECALL = 0.9, 0.9
GUESSED = 0.8  # the precision of "more than away", which no list knows


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the set. `perhaps` is what counts neither way."""

    language: str
    number: int
    audience: Reader
    kinds: frozenset[str]
    perhaps: frozenset[str]
    text: str

    @property
    def is_held_out(self) -> bool:
        return self.number % 3 == 0


@dataclass(slots=True)
class Count:
    """Messages rightly remarked, wrongly remarked, and missed; each with what was read."""

    right: list[Message] = field(default_factory=list)
    wrong: list[Message] = field(default_factory=list)
    missed: list[Message] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return len(self.right) / (len(self.right) + len(self.wrong) or 1) if self.right or self.wrong else 1.0

    @property
    def recall(self) -> float:
        return len(self.right) / (len(self.right) + len(self.missed) or 1) if self.right or self.missed else 1.0


def messages(part: str = "messages") -> Iterator[Message]:
    """One part of the set (PARTS), or one of the fresh sets: `fresh_1` and so on."""
    file = SET if part in PARTS else SET.with_name(f"wording_{part}.toml")
    read = tomllib.loads(file.read_text("utf-8"))
    for language, rows in (read[part] if part in PARTS else read).items():
        for number, (audience, kinds, text) in enumerate(rows, 1):
            said = kinds.split()
            yield Message(
                language=language,
                number=number,
                audience="external" if audience == "ext" else "internal",
                kinds=frozenset(kind for kind in said if not kind.startswith("?")),
                perhaps=frozenset(kind[1:] for kind in said if kind.startswith("?")),
                text=text,
            )


@cache
def known() -> Known:
    """The organisation of the set."""
    facts = tomllib.loads(SET.read_text("utf-8"))["facts"]
    return Known(**{name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()})


def counted(chosen: Iterable[Message]) -> dict[tuple[str, str], Count]:
    """By (language, kind); language "all" has every language."""
    facts = known()
    counts: dict[tuple[str, str], Count] = defaultdict(Count)
    for message in chosen:
        found = {str(remark.kind) for remark in lint(message.text, audience=message.audience, known=facts)}
        for kind in (found | message.kinds) - message.perhaps:
            for language in (message.language, "all"):
                count = counts[language, kind]
                rightly = kind in message.kinds or (kind == Kind.MORE_THAN_AWAY and message.kinds)
                which = count.missed if kind not in found else count.right if rightly else count.wrong
                which.append(message)
    return counts


def done_about(message: Message) -> str:
    """What happens to a text that says this, as the shipped policy has it: refuse, review, or live."""
    does = {remark.severity for remark in lint(message.text, audience=message.audience, known=known())}
    return "refuse" if Severity.REFUSE in does else "review" if Severity.REVIEW in does else "live"


def unseen(chosen: Iterable[Message]) -> list[Message]:
    """Messages that tell of illness or whereabouts and would go live without her, and without a reviewer."""
    return [one for one in chosen if one.kinds & set(NEVER_MISSED) and done_about(one) == "live"]


def passing(chosen: Iterable[Message]) -> list[Message]:
    """Messages that tell of illness or whereabouts and get no remark at all."""
    facts = known()
    telling = (message for message in chosen if message.kinds & set(NEVER_MISSED))
    return [message for message in telling if not lint(message.text, audience=message.audience, known=facts)]


def wording() -> list[Row]:
    """A row of precision and one of recall for each kind and language, and how long one text takes."""
    every = list(messages())
    begin = time.perf_counter()
    counts = counted(every)
    each = (time.perf_counter() - begin) / len(every) * 1000
    rows = [_row(language, kind, count) for (language, kind), count in sorted(counts.items()) if language != "all"]
    together = [row for kind in Kind if ("all", kind) in counts for row in _together(kind, counts["all", str(kind)])]
    speed = Row(name="wording-linter-speed", unit="ms a text", ours=each, goal="< 50", holds=each < 50)
    acts = [*_acts("tuned-by", TUNED_BY), *_acts("held-out", HELD_OUT)]
    return [*(row for pair in rows for row in pair), *together, *acts, speed]


def _acts(name: str, parts: Iterable[str]) -> Iterator[Row]:
    """What is done about whole texts, in these sets together. A text tells where a kind that the shipped policy does not only
    warn about is among its labels; one that may be taken either way counts for nothing.
    """
    name = f"wording-{name}"
    every = [one for part in parts for one in messages(part)]
    telling = [one for one in every if any(PROPOSED[Kind(kind)] is not Severity.WARN for kind in one.kinds)]
    harmless = [one for one in every if not one.kinds | one.perhaps]
    does = {id(one): done_about(one) for one in (*telling, *harmless)}
    told, idle = (
        {act: [one for one in chosen if does[id(one)] == act] for act in ("refuse", "review", "live")}
        for chosen in (telling, harmless)
    )
    private = [one for one in telling if one.kinds & set(NEVER_MISSED)]
    unnoticed = len(unseen(private))
    yield Row(
        name=f"{name}-illness-whereabouts-unseen", unit=f"of {len(private)} live with nobody asked", ours=unnoticed,
        goal="0", holds=unnoticed == 0,
    )  # fmt: skip
    refused, reviewed = (len(told[act]) + len(idle[act]) for act in ("refuse", "review"))
    left = len(telling) - len(told["refuse"])
    yield _share(f"{name}-refuse-precision", len(told["refuse"]), f"of {refused} refused", refused)
    yield _share(f"{name}-refuse-recall", len(told["refuse"]), f"of {len(telling)} telling", len(telling))
    yield _share(f"{name}-review-precision", len(told["review"]), f"of {reviewed} reviewed", reviewed)
    yield _share(f"{name}-review-recall", len(told["review"]), f"of {left} telling, not refused", left)
    yield _share(f"{name}-harmless-refused", len(idle["refuse"]), f"of {len(harmless)} harmless", len(harmless))
    yield _share(f"{name}-harmless-reviewed", len(idle["review"]), f"of {len(harmless)} harmless", len(harmless))


def _share(name: str, count: int, unit: str, of: int) -> Row:
    return Row(name=name, unit=unit, ours=count / of if of else 1.0)


def _row(language: str, kind: str, count: Count) -> tuple[Row, Row]:
    name = f"wording-linter-{language}-{kind}"
    return (
        Row(name=f"{name}-precision", unit=f"of {len(count.right) + len(count.wrong)} remarked", ours=count.precision),
        Row(name=f"{name}-recall", unit=f"of {len(count.right) + len(count.missed)}", ours=count.recall),
    )


def _together(kind: Kind, count: Count) -> Iterator[Row]:
    name, goal = f"wording-linter-{kind}", 1.0 if kind in NEVER_MISSED else RECALL
    precise = GUESSED if kind is Kind.MORE_THAN_AWAY else PRECISION
    yield Row(
        name=f"{name}-precision", unit=f"of {len(count.right) + len(count.wrong)} remarked", ours=count.precision,
        goal=f">= {precise}", holds=count.precision >= precise,
    )  # fmt: skip
    yield Row(
        name=f"{name}-recall", unit=f"of {len(count.right) + len(count.missed)}", ours=count.recall,
        goal=f">= {goal}", holds=count.recall >= goal,
    )  # fmt: skip
