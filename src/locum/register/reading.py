"""The text of a deed as whoever signs it is shown it: made from `what` alone, in each language, so that it can be made again
by anybody. Pure. People and functions are named as they stand in what is signed.
"""

import hashlib
from collections.abc import Mapping

from locum.approval import fingerprint, text_hash
from locum.approval.strict import decoded
from locum.entry import Json
from locum.messages import LANGUAGES, say
from locum.phrases import when
from locum.register.signers import people
from locum.register.ways import instants


def text_of(kind: str, what: Mapping[str, Json], language: str, *, about: str = "") -> str:
    """The text, in lines. `about`: only what it says of this person (for telling her; never what is signed)."""
    rows = [row for row in people(what) if not about or about in (row.get("person"), row.get("manager"))]
    told = [say(language, f"deeds.{kind}.head", **_words(kind, what, language))]
    if "people" in what:
        told += [_row(kind, row, language) for row in rows]
    return "\n".join([*told, say(language, f"deeds.{kind}.means", **_words(kind, what, language))])


def hashes(kind: str, what: Mapping[str, Json]) -> frozenset[str]:
    """What may stand under `display`: the hash of the text in each language."""
    return frozenset(text_hash(text_of(kind, what, language)) for language in LANGUAGES)


def key_words(credential: bytes, language: str) -> str:
    """Six words for a key, for two people to compare."""
    return fingerprint(hashlib.sha256(credential).hexdigest(), language)


def _row(kind: str, row: Mapping[str, Json], language: str) -> str:
    ending = "-none" if row.get("manager") == "" else ""
    return say(language, f"deeds.{kind}.row{ending}", **_words(kind, row, language))


def _words(kind: str, what: Mapping[str, Json], language: str) -> dict[str, str]:
    found = {name: value for name, value in what.items() if isinstance(value, str)}
    if "credential" in found:
        found["words"] = key_words(decoded(found["credential"]), language)
    if "reason" in found:
        found["why"] = say(language, f"deeds.reason.{found['reason']}")
    if kind == "delegated":
        start, end = instants(what)
        found |= {"from": when(start, language, "UTC"), "until": when(end, language, "UTC")}
    return found
