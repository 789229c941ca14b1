"""An entry of the record in a few words, for whoever may see its case: what tells most of it, and never a text of people. Pure."""

from collections.abc import Mapping
from typing import Final

from locum.account.accesses import in_words
from locum.entry import Entry, Json
from locum.messages import as_far_as_known, say, says
from locum.phrases import one_line
from locum.shapes import said_trouble

_WORDS: Final = {
    "channel": "channel",
    "outcome": "contact",
    "act": "act",
    "answer": "answer",
    "decision": "decision",
    "why": "outcome",
    "stands": "stands",
    "put_back": "put-back",
    "note": "letter",
    "how": "handed",
    "bucket": "bucket",
    "what": "attending",
}
"""Of an entry's body, what tells most, and the group of words that says it."""
_TEXTS: Final = frozenset({"note"})
"""Where a text of people may stand instead of a word: it is left out."""
_COUNTED: Final = {"clause": "clause", "replies_sent": "replies-sent", "copies_sent": "copies-sent"}


def word(kind: str, value: str, language: str) -> str:
    """A word of the shared catalogue (words.toml), or the value itself where it has none."""
    key = f"words.{kind}.{value}"
    return say(language, key) if says(language, key) else value


def gist(entry: Entry, language: str) -> str:
    """What tells most of an entry, in words."""
    body = entry.body
    if entry.type == "closed":
        return word("closed", str(body.get("why")), language)
    found = [
        _in_words(field, value, language) for field in _WORDS if isinstance(value := body.get(field), str) and value
    ]
    if isinstance(key := body.get("key"), str) and key:
        found.append(said_trouble(key, language, {name: str(one) for name, one in body.items()}))
    if entry.type == "incident":
        known = as_far_as_known(language, f"gate.{body.get('key')}", {"who": _who(body)})
        found = [known or in_words(body, language, "UTC") or str(body.get("key"))]
    if entry.type == "looked":
        found = [as_far_as_known(language, f"reconcile.why.{body.get('why')}", {}) or str(body.get("why"))]
    if "signed" in body:
        found.append(say(language, f"words.signed.{'yes' if body['signed'] else 'no'}"))
    for field, key in _COUNTED.items():
        if isinstance(many := body.get(field), int):
            found.append(say(language, f"cli.{key}", clause=many, many=many))
    return ", ".join(part for part in found if part)


def review_in_words(entry: Entry, language: str) -> str:
    """A decision: whose, which, and whether it was signed."""
    by = entry.body.get("by")
    person = by if isinstance(by, dict) else {}
    signed = say(language, f"words.signed.{'yes' if entry.body.get('signed') else 'no'}")
    said = word("decision", str(entry.body.get("decision", "")), language)
    return one_line(f"{person.get('name') or person.get('id', '')}: {said}, {signed}")


def _who(body: Mapping[str, Json]) -> str:
    return one_line(str(body.get("who") or "…"))


def _in_words(field: str, value: str, language: str) -> str:
    said = word(_WORDS[field], value, language)
    return "" if field in _TEXTS and said == value else said
