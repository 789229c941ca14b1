"""The linter of clause 8: what in an auto-reply tells too much, word by word, with a wording to use instead. Pure.

It finds and proposes; whether that refuses or warns is the policy's (`severities`). All languages are looked for in
every text, since one reply may be in several. What cannot be read here: irony, hints, pictures.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from locum.errors import Refused
from locum.wording.exact import exact
from locum.wording.folding import Word, name_parts, readings
from locum.wording.kinds import LANGUAGES, PROPOSED, Kind, Known, Reader, Remark, Severity
from locum.wording.language import likely_language
from locum.wording.lists import KindList, every_list, word_list

_CLAUSE = 8
_OUTSIDE_ONLY = frozenset({Kind.RETURN_DATE})
_TOLD_OF_SOMEBODY = (Kind.ILLNESS, Kind.WHEREABOUTS, Kind.DEPARTURE)
_HERS_TO_TELL = frozenset({Kind.RETURN_DATE, Kind.PRIVATE_NUMBER})
_STRICTEST = (Severity.REFUSE, Severity.WARN, Severity.ALLOW)


@dataclass(frozen=True, slots=True)
class _Hit:
    kind: Kind
    start: int
    end: int
    language: str = ""
    sentence: int = -1


def lint(
    text: str,
    *,
    audience: Reader,
    known: Known,
    language_hint: str | None = None,
    severities: Mapping[Kind, Severity] = PROPOSED,
    are_her_own_words: bool = False,
) -> tuple[Remark, ...]:
    """Every objection to `text`, in its order. `severities` is the policy's; a kind it lacks is refused.

    Where the words are her own, a return date and a private number are hers to tell, and nothing else is refused: it
    warns (clause 8: "unless she chose so"). `language_hint` is the language of proposals where the words do not tell.
    """
    hint = language_hint if language_hint in LANGUAGES else likely_language(text) or "en"
    remarks: list[Remark] = []
    for hit in _hits(text, audience, known):
        severity = _severity(severities.get(hit.kind, Severity.REFUSE), hit.kind, are_her_own_words)
        if severity is not Severity.ALLOW:
            remarks.append(_remark(hit, text, hint, known, severity))
    return tuple(remarks)


def refuse(remarks: Sequence[Remark], field: str) -> tuple[Remark, ...]:
    """The warnings among `remarks`. Raises Refused `wording-<kind>` for the first that refuses; `field` names the text."""
    for remark in remarks:
        if remark.severity is Severity.REFUSE:
            raise Refused(
                f"wording-{remark.kind}", clause=remark.clause, field=field, word=remark.word, instead=remark.instead
            )
    return tuple(remarks)


def _severity(said: Severity, kind: Kind, hers: bool) -> Severity:
    if not hers:
        return said
    mild = Severity.ALLOW if kind in _HERS_TO_TELL else Severity.WARN
    return max(said, mild, key=_STRICTEST.index)


def _remark(hit: _Hit, text: str, hint: str, known: Known, severity: Severity) -> Remark:
    proposal = word_list(hit.language or hint).instead[hit.kind]
    return Remark(
        clause=_CLAUSE,
        kind=hit.kind,
        word=" ".join(text[hit.start : hit.end].split()),
        start=hit.start,
        end=hit.end,
        key=f"wording.{hit.kind}",
        instead=proposal.replace("{organisation}", known.organisation),
        severity=severity,
    )


@lru_cache(maxsize=256)  # a closing week is one text for many mailboxes
def _hits(text: str, audience: Reader, known: Known) -> tuple[_Hit, ...]:
    found = [_Hit(kind, start, end) for kind, start, end in exact(text, known)]
    hers = name_parts((known.name,))
    colleagues = name_parts(known.colleagues) - hers
    for words in readings(text, hers, colleagues):
        told = list(_told(words))
        found += told
        found += _about_colleagues(words, told)
        found += _her_return(words, known)
    allowed = {Kind.DEPARTURE} if known.departure_is_public else set[Kind]()
    if audience == "internal":
        allowed |= _OUTSIDE_ONLY
    return tuple(_shortest(hit for hit in found if hit.kind not in allowed))


def _told(words: Sequence[Word]) -> Iterator[_Hit]:
    """What the lists object to. What one language takes back is taken back for all: a text may mix them, and "burn-out"
    is a word of four.
    """
    for kind in Kind:
        found = [(language, one.kinds[kind], *_objections(words, one.kinds[kind])) for language, one in every_list()]
        if not any(strong or weak for _, _, strong, weak in found):
            continue
        allowed = [span for _, said, _, _ in found for span in said.allowed.find(words, longest=True)]
        about = [span for _, said, _, _ in found for span in said.about.find(words, longest=True)]
        for language, _, strong, weak in found:
            spans = [span for span in strong if not _covered(span, allowed)]
            spans += [span for span in weak if not _covered(span, [*allowed, *about])]
            for at, end in spans:
                if end - at > 1 or not _is_foreign(words[at], language, words):
                    yield _Hit(kind, words[at].start, words[end - 1].end, language, words[at].sentence)


def _objections(words: Sequence[Word], said: KindList) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """What counts always, and what counts since a cue stands in the same sentence."""
    weak = list(said.near.find(words))
    cued = {words[at].sentence for at, _ in said.cue.find(words)} if weak else set()
    return list(said.words.find(words)), [span for span in weak if words[span[0]].sentence in cued]


def _is_foreign(word: Word, language: str, words: Sequence[Word]) -> bool:
    """A word of one language that is a small word of another (German "tot", dead; Dutch "tot", until) counts only where
    the text is not in that other language.
    """
    others = [one.common for name, one in every_list() if name != language and word.text in one.common]
    own = sum(each.text in word_list(language).common for each in words)
    return any(sum(each.text in common for each in words) > own for common in others)


def _covered(span: tuple[int, int], by: Sequence[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in by)


def _about_colleagues(words: Sequence[Word], told: Sequence[_Hit]) -> Iterator[_Hit]:
    """A colleague of whom illness, whereabouts or departure is told: somebody else's data."""
    for language, one in every_list():
        for at, end in one.kinds[Kind.THIRD_PERSON_DATA].others.find(words):
            about = words[at]
            if any(
                hit.kind in _TOLD_OF_SOMEBODY and hit.sentence == about.sentence and hit.end >= words[end - 1].start
                for hit in told
            ):
                yield _Hit(Kind.THIRD_PERSON_DATA, about.start, words[end - 1].end, language, about.sentence)


def _her_return(words: Sequence[Word], known: Known) -> Iterator[_Hit]:
    """Her day of return, however it is written: 28-12, 2026-12-28, 28 december, December 28th."""
    if known.return_on is None:
        return
    month, day = known.return_on.month, known.return_on.day
    for at, word in enumerate(words):
        if word.is_date and _may_be(word.text, month, day):
            yield _Hit(Kind.RETURN_DATE, word.start, word.end)
        elif word.text.rstrip("sterndh") == str(day):
            for beside in words[max(at - 2, 0) : at + 3]:
                if any(one.months.get(beside.text) == month for _, one in every_list()):
                    first, last = sorted((word, beside), key=lambda each: each.start)
                    yield _Hit(Kind.RETURN_DATE, first.start, last.end)


def _may_be(written: str, month: int, day: int) -> bool:
    parts = [int(part) for part in written.replace("/", "-").replace(".", "-").split("-")]
    if len(str(parts[0])) == 4:
        return parts[1:] == [month, day]
    return parts[:2] in ([day, month], [month, day])


def _shortest(hits: Iterator[_Hit]) -> list[_Hit]:
    """One objection per place and kind: of those that overlap the shortest, since it names the word itself."""
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda each: (each.end - each.start, each.start, each.language)):
        if not any(hit.kind is other.kind and hit.start < other.end and other.start < hit.end for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda each: (each.start, each.end, each.kind))
