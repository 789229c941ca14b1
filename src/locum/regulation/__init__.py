"""The regulation and its companions as values, made from the policy that is enforced: so they cannot say anything else.

    values.py     Document, Section, Sentence, Part
    promises.py   PROMISES: each promise, the rule that keeps it, the settings it tells, the tests that show it
    sentences.py  a sentence from its key, filled with the policy's values
    outline.py    which sentences stand in which document
    page.py       docs/policy.md, made from the table

Pure; how a document looks is for locum.documents.
"""

from dataclasses import dataclass

from locum.policy import OpenField, Policy
from locum.regulation.outline import CLAUSES, DEFINITIONS, NAMES, OTHERS, WITHOUT_LIST
from locum.regulation.promise import Promise
from locum.regulation.promises import PROMISES
from locum.regulation.sentences import House, Teller
from locum.regulation.values import Document, Kind, Mark, OpenLine, Part, Section, Sentence, Steps

__all__ = [
    "NAMES",
    "PROMISES",
    "Document",
    "House",
    "Kind",
    "Mark",
    "OpenLine",
    "OpenWarning",
    "Part",
    "Promise",
    "Section",
    "Sentence",
    "Steps",
    "document",
    "open_warnings",
]


def document(policy: Policy, house: House, name: str, language: str) -> Document:
    """The document `name` (one of NAMES) of this policy, in `language` (nl or en)."""
    teller = Teller(policy, house, language)
    is_regulation = name == "regulation"
    return Document(
        name=name,
        language=language,
        title=teller.words(f"document.{name}"),
        organisation=house.name,
        lead=_told(teller, "lead.regulation.what lead.regulation.how lead.regulation.proposals")
        if is_regulation
        else (),
        sections=_articles(teller) if is_regulation else _others(teller, name),
        open_lines=_open_lines(teller),
        made=teller.words("made", hash=policy.hash[:16]),
        steps=_steps(teller) if name in ("summary", "notice", "works-council") else None,
    )


def _told(teller: Teller, keys: str) -> tuple[Sentence, ...]:
    return tuple(teller.sentence(key) for key in keys.split())


def _articles(teller: Teller) -> tuple[Section, ...]:
    definitions = _told(teller, " ".join(f"define.{name}" for name in DEFINITIONS.split()))
    first = Section(teller.words("define.title"), definitions, listed=True)
    return (first, *(_article(teller, number, keys.split()) for number, keys in CLAUSES.items()))


def _article(teller: Teller, number: int, keys: list[str]) -> Section:
    title = teller.words("clause", number=number, title=teller.words(f"article.{number}"))
    return Section(title, tuple(teller.sentence(key, f"{number}.{place}") for place, key in enumerate(keys, 1)))


def _others(teller: Teller, name: str) -> tuple[Section, ...]:
    sections = []
    for key, keys in OTHERS[name]:
        is_risk = key.startswith("dpia.risks.")
        title = (
            f"{teller.words('dpia.risks.title')}: {_lower(teller.words(key))}"
            if is_risk
            else teller.words(f"{key}.title")
        )
        sections.append(Section(title, _told(teller, keys), listed=key not in WITHOUT_LIST))
    return tuple(sections)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _open_fields(teller: Teller) -> list[OpenField]:
    """What is filled in neither in the policy nor, for officer and authority, in the settings."""
    known = {"privacy_officer": teller.house.officer, "authority": teller.house.authority}
    return [one for one in teller.policy.open_fields if not known.get(one.key)]


def _open_lines(teller: Teller) -> tuple[OpenLine, ...]:
    return tuple(
        OpenLine(
            teller.words(f"field.{one.key}"), teller.words(f"short.{one.key}"), _refused_meanwhile(teller, one.refused)
        )
        for one in _open_fields(teller)
    )


def _refused_meanwhile(teller: Teller, measures: tuple[str, ...]) -> str:
    """What is refused while a field is open, in words; "" for nothing."""
    if not measures:
        return ""
    words = [teller.words(f"measure.{measure}") for measure in measures]
    return teller.words("open-refused", measures=teller.words("or-also", first=", ".join(words[:-1]), last=words[-1]))


@dataclass(frozen=True, slots=True)
class OpenWarning:
    """What `policy check` says of a field that is open: its key, its clause, the measures refused meanwhile, in words."""

    key: str
    clause: int
    refused: tuple[str, ...]
    sentence: str


def open_warnings(policy: Policy, house: House, language: str) -> list[OpenWarning]:
    """A warning for each open field, in the order of the clauses."""
    teller = Teller(policy, house, language)
    return [OpenWarning(one.key, one.clause, one.refused, _warning(teller, one)) for one in _open_fields(teller)]


def _warning(teller: Teller, one: OpenField) -> str:
    what = teller.words(f"field.{one.key}")
    said = teller.words("warning", field=one.key, clause=one.clause, what=what)
    refused = _refused_meanwhile(teller, one.refused)
    return f"{said} ({refused})" if refused else said


def _steps(teller: Teller) -> Steps:
    rules = teller.policy.auto_reply
    keys = {
        "request": "request",
        "ask": "ask",
        "answer": "answer-wait" if rules.ask.wait_hours else "answer-no-wait",
        "yes": "yes",
        "silence": f"silence-{rules.ask.if_unanswered}",
        "no": "no",
        "review": "review-always" if rules.review.count else "review",
        "nothing": "nothing",
        "live": "live",
        "end": "end",
        "account": "account",
    }
    boxes = {box: teller.label(key) for box, key in keys.items()}
    told = "; ".join(": ".join(part for part in label if part) for label in boxes.values())
    return Steps(boxes, teller.words("picture", steps=told), rules.ask.if_unanswered == "stop")
