"""What was found, in words: for each question the answers, and a conclusion that claims no more than was checked. Pure.

Everything in a file is hostile text: it is made one legible line wherever it stands in a sentence. The sentences are in
messages/<language>/verify.toml.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from locum.checkable.finding import CHECKS, Finding, Verified
from locum.messages import as_far_as_known, say, says
from locum.phrases import one_line

_AT_MOST = 3
_LISTED = 30
_UNTOLD = frozenset({"not-told-early", "acts-erased"})
"""With one of these nobody can say that every act was allowed."""


@dataclass(frozen=True, slots=True)
class Line:
    """One answer: whether it holds, and the sentence."""

    holds: bool | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A question, what was found, and, where something does not hold, what that means."""

    check: str
    question: str
    lines: tuple[Line, ...]
    means: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing under it does not hold."""
        return all(one.holds is not False for one in self.lines)


def title(found: Verified, language: str) -> str:
    """Whose account it is, and how long."""
    return one_line(say(language, "verify.title", stream=found.stream, entries=found.entries, size=found.size))


def answers(found: Verified, language: str) -> tuple[Answer, ...]:
    """The questions to which there is an answer, in the order in which a person would ask."""
    return tuple(_answer(found, check, language) for check in CHECKS if found.of(check))


def _answer(found: Verified, check: str, language: str) -> Answer:
    lines = tuple(_lines(found.of(check), language))
    fails = any(one.holds is False for one in lines)
    means = say(language, f"verify.means.{check}") if fails else ""
    return Answer(check, say(language, f"verify.question.{check}"), lines, means)


def _lines(findings: Sequence[Finding], language: str) -> Iterator[Line]:
    """A sentence for each, and for what fails of many entries alike only of the first ones."""
    told: dict[str, list[Finding]] = {}
    for one in findings:
        told.setdefault(one.key if one.holds is False else repr(one), []).append(one)
    for alike in told.values():
        some = alike if len(alike) <= _AT_MOST + 1 else alike[:_AT_MOST]
        yield from (Line(one.holds, sentence(one, language)) for one in some)
        rest = [one.seq for one in alike[len(some) :] if one.seq is not None]
        if rest:
            yield Line(False, say(language, "verify.more", count=len(rest), which=_listed(rest)))


def _listed(numbers: Sequence[int]) -> str:
    """Numbers in a row as ranges."""
    ranges: list[list[int]] = []
    for one in numbers:
        if ranges and one == ranges[-1][1] + 1:
            ranges[-1][1] = one
        else:
            ranges.append([one, one])
    said = [f"{first}" if first == last else f"{first}\u2013{last}" for first, last in ranges[:_LISTED]]
    return ", ".join([*said, *(["\u2026"] if len(ranges) > _LISTED else [])])


def sentence(finding: Finding, language: str) -> str:
    """What was found, in one line."""
    values = {name: _value(finding, name, value, language) for name, value in finding.values.items()}
    said = say(language, f"verify.{finding.check}.{finding.key}", **values)
    if finding.check in ("allowed", "signed", "pairs") and finding.holds is not True and finding.seq is not None:
        said = f"{said} {say(language, 'verify.place', seq=finding.seq, index=finding.index)}"
    return one_line(said)


def _value(finding: Finding, name: str, value: str, language: str) -> str:
    match finding.check, name:
        case _, "at":
            said = say(language, "verify.at", when=value[:16].replace("T", " "))
        case _, "act":
            said = _word(language, f"words.act.{value}", value)
        case _, "stream":
            said = _word(language, f"verify.stream.{value.removeprefix('org/')}", value)
        case "signed", "why":
            said = " ".join(_reason(one, language) for one in value.split("\n"))
        case "allowed", "why":
            said = as_far_as_known(language, f"errors.{value}.sentence", finding.values).rstrip(".") or value
        case _, "what":
            said = _what(finding, value, language)
        case _:
            said = value
    return one_line(said)


def _what(finding: Finding, value: str, language: str) -> str:
    if finding.key == "allowed":
        return _word(language, f"words.measures.{'both' if '+' in value else value}", value)
    group = "needs" if finding.key == "policy-needs" else "told"
    return ", ".join(_word(language, f"verify.{group}.{one}", one) for one in value.split(", "))


def _reason(value: str, language: str) -> str:
    key, who, what = (*value.split("\t"), "", "")[:3]
    return as_far_as_known(language, f"gate.{key}", {"who": one_line(who), "what": one_line(what)}) or key


def _word(language: str, key: str, value: str) -> str:
    return say(language, key) if says(language, key) else one_line(value)


def conclusion(found: Verified, language: str, mark: str, remark: str) -> str:
    """What all of it comes to. `mark` is the sign that stands before what does not hold, `remark` before what is to be known."""
    wrong = sum(one.holds is False for one in found.findings)
    if wrong:
        return say(
            language, "verify.conclusion.bad-one" if wrong == 1 else "verify.conclusion.bad", count=wrong, mark=mark
        )
    if not found.has_key:
        return say(language, "verify.conclusion.no-key")
    is_untold = any(one.key in _UNTOLD for one in found.of("allowed"))
    said = say(
        language, f"verify.conclusion.{'good-nothing' if found.is_quiet else 'good-untold' if is_untold else 'good'}"
    )
    is_open = any(one.holds is None for one in found.findings)
    return f"{said} {say(language, 'verify.conclusion.open', mark=remark)}" if is_open else said
