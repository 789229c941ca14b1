"""The linter of clause 8: what in an auto-reply tells too much, word by word, with a wording to use instead. Pure.

It finds and proposes; whether that refuses, wants somebody to look, or warns is the policy's (`severities`). All languages are looked for in
every text, since one reply may be in several. What cannot be read here: irony, hints, pictures.
"""

from collections.abc import Mapping, Sequence

from locum.errors import Invalid, Refused
from locum.wording.finding import Hit, hits
from locum.wording.kinds import LANGUAGES, PROPOSED, Kind, Known, Reader, Remark, Severity
from locum.wording.language import likely_language
from locum.wording.lists import word_list

_CLAUSE = 8
_HERS_TO_TELL = frozenset({Kind.RETURN_DATE, Kind.PRIVATE_NUMBER, Kind.MORE_THAN_AWAY})
_STRICTEST = (Severity.REFUSE, Severity.REVIEW, Severity.WARN, Severity.ALLOW)


_TOLD_AT_ONCE = 20
LONGEST = 20_000  # characters; no reply is as long, and reading more would keep a page waiting


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
    Raises Invalid `wording-too-long` for more than LONGEST characters.
    """
    if len(text) > LONGEST:
        raise Invalid("wording-too-long", length=len(text), most=LONGEST)
    hint = language_hint if language_hint in LANGUAGES else likely_language(text) or "en"
    remarks: list[Remark] = []
    for hit in hits(text, audience, known):
        severity = _severity(severities.get(hit.kind, Severity.REFUSE), hit.kind, are_her_own_words)
        if severity is not Severity.ALLOW:
            remarks.append(_remark(hit, text, hint, known, severity))
    return tuple(remarks)


def refuse(remarks: Sequence[tuple[str, Remark]]) -> tuple[tuple[str, Remark], ...]:
    """The `remarks`, each with the name of its text, where none of them refuses. Raises Refused `wording-<kind>` for the first
    that does, one that has a name before one that is only more than away; with all the others, so that they are told at once.
    """
    ordered = sorted(
        remarks, key=lambda each: (_STRICTEST.index(each[1].severity), each[1].kind is Kind.MORE_THAN_AWAY)
    )
    if not ordered or ordered[0][1].severity is not Severity.REFUSE:
        return tuple(remarks)
    first, *others = dict.fromkeys((remark.kind, field, remark.word, remark.instead) for field, remark in ordered)
    refused = _refused(*first)
    refused.others = tuple(_refused(*one) for one in others[:_TOLD_AT_ONCE])
    raise refused


def _refused(kind: Kind, field: str, word: str, instead: str) -> Refused:
    return Refused(f"wording-{kind}", clause=_CLAUSE, field=field, word=word, instead=instead)


def _severity(said: Severity, kind: Kind, hers: bool) -> Severity:
    if not hers:
        return said
    return max(said, Severity.ALLOW if kind in _HERS_TO_TELL else Severity.WARN, key=_STRICTEST.index)


def _line(text: str, hit: Hit) -> str:
    """The line that it stands in: a reply in several languages has each on lines of its own, and a word may be of several."""
    before, after = text[: hit.start].rpartition("\n")[2], text[hit.end :].partition("\n")[0]
    return before + text[hit.start : hit.end] + after


def _remark(hit: Hit, text: str, hint: str, known: Known, severity: Severity) -> Remark:
    found_in = (
        "" if hit.kind is Kind.MORE_THAN_AWAY else hit.language
    )  # no list found a word: any language may be meant
    proposal = word_list(likely_language(_line(text, hit)) or found_in or hint).instead[hit.kind]
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
