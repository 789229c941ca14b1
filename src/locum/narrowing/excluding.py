"""What no search may count, list or open: `excluded` says whether, and of which kind (clauses 11, 12, 13 and 20). Pure.

It is asked of every message before it is counted. What is in a thread with something excluded is for whoever can ask the mail
system (`reply`); what cannot be read is excluded (`doubt`).
"""

import re
from collections.abc import Iterable
from typing import Final

from locum.narrowing.folding import fold, holds_any, words_of
from locum.narrowing.headers import Headers
from locum.narrowing.markers import MARKERS
from locum.query import Exclusions

KINDS: Final = (
    *(
        "folder",
        "label",
        "sensitivity",
        "encrypted",
        "subject",
        "correspondent",
        "own-letter",
        "protected",
        "reply",
        "doubt",
    ),
)
"""Every kind there is, in the order in which they are asked; the first that holds is told."""

CLAUSES: Final = {
    **dict.fromkeys(("folder", "label", "sensitivity", "encrypted", "subject", "doubt"), 11),
    **dict.fromkeys(("correspondent", "reply"), 12),
    "protected": 13,
    "own-letter": 20,
}
"""The clause that each kind is of."""

_PREFIX = re.compile(r"^\s*([^\W\d_][^:\[\]]{0,30}?)\s*(?:\[\d+\]|\(\d+\))?\s*:\s*")
_ENCRYPTED = frozenset(
    {
        *("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"),
        "application/x-microsoft-rpmsg-message",
    }
)
_BUSINESS = frozenset({"company-confidential", "normal", ""})


def folder_is_excluded(path: str, exclusions: Exclusions) -> bool:
    """Whether a folder is left out whole: `path` with "/" between its levels, decoded. One that cannot be read is."""
    if any(not char.isprintable() for char in path):
        return True
    levels = [fold(level) for level in path.split("/")]
    named = [fold(one) for one in (*exclusions.folders, *exclusions.protections.folders)]
    if any(fold(one) == fold(path) for one in exclusions.protections.folders):
        return True
    return any(holds_any(level, (*named, *MARKERS.folders)) for level in levels)


def excluded(headers: Headers, flags: Iterable[str], exclusions: Exclusions) -> str | None:
    """The kind for which this message is left out; None where nothing speaks against it. `flags` are its IMAP flags and keywords."""
    for kind, holds in (
        ("label", _has_label([*flags, *headers.labels], exclusions)),
        ("sensitivity", _is_sensitive(headers, exclusions)),
        ("encrypted", headers.kind in _ENCRYPTED or headers.is_protected or "enveloped-data" in headers.parameters),
        ("subject", _is_tagged(headers.subject, exclusions)),
        ("correspondent", any_is(headers.correspondents, exclusions.correspondents)),
        ("own-letter", any_is(headers.correspondents, exclusions.own)),
        ("protected", _is_protected(headers, exclusions)),
    ):
        if holds:
            return kind
    return None


def is_doubtful(headers: Headers) -> bool:
    """Whether the subject is masked in a list: it may be business, and may be not."""
    said = {_plain(one) for one in headers.sensitivities}
    return bool(said - {"", "normal"}) or holds_any(fold(headers.subject), MARKERS.doubtful)


def any_is(addresses: Iterable[str], named: Iterable[str]) -> bool:
    """Whether any of these addresses is one of those named: as an address, or of a domain (`@corp.test`, or `corp.test`) or below it."""
    wanted = [one.lower().rstrip(".") for one in named]
    whole = {one for one in wanted if "@" in one[1:]}
    domains = tuple(one.removeprefix("@") for one in wanted if "@" not in one[1:])
    for address in addresses:
        domain = address.rpartition("@")[2].rstrip(".")
        if address in whole or any(domain == one or domain.endswith(f".{one}") for one in domains):
            return True
    return False


def _has_label(labels: Iterable[str], exclusions: Exclusions) -> bool:
    named = {fold(one).lstrip("$\\") for one in (*exclusions.labels, "$Private")}
    return any(fold(_utf7(label)).lstrip("$\\") in named for label in labels)


def _utf7(label: str) -> str:
    """An IMAP keyword that was written in the modified UTF-7 of folder names (RFC 3501 section 5.1.3), as some programs do."""
    try:
        return re.sub(r"&([A-Za-z0-9+,]+)-", lambda m: f"+{m[1].replace(',', '/')}-".encode().decode("utf-7"), label)
    except UnicodeDecodeError:
        return label


def _plain(sensitivity: str) -> str:
    return "-".join(words_of(fold(sensitivity)))


def _is_sensitive(headers: Headers, exclusions: Exclusions) -> bool:
    """RFC 2156 knows Personal, Private and Company-Confidential; any other word that somebody put there is taken as private."""
    said = {_plain(one) for one in headers.sensitivities}
    named = {fold(one) for one in exclusions.sensitivities}
    known_as_other = {"personal", "private"} - named
    return bool(said - _BUSINESS - known_as_other)


def _is_tagged(subject: str, exclusions: Exclusions) -> bool:
    folded = fold(subject)
    if holds_any(folded, MARKERS.phrases):
        return True
    start = _without_prefixes(folded)
    return any(_stands_as_tag(start, fold(tag)) for tag in exclusions.subject_tags if fold(tag))


def _without_prefixes(folded: str) -> str:
    """The subject without what answering and forwarding put before it, and without the tag of a mailing list."""
    while True:
        found = _PREFIX.match(folded)
        if found is None or found[1].strip() not in MARKERS.prefixes:
            return folded
        folded = folded[found.end() :]


def _stands_as_tag(subject: str, tag: str) -> bool:
    """At the start as a whole word, in brackets of its own, or after a dash at the end; never as a part of a word or of a name."""
    word = re.escape(tag)
    return bool(
        re.match(rf"[\W_]*{word}(?![^\W_])", subject)
        or re.search(rf"[\[({{<*#!]\s*{word}\s*[\])}}>*!]", subject)
        or re.search(rf"#{word}(?![^\W_])", subject)
        or re.search(rf"[-–—:|/,]\s*{word}\W*$", subject)
    )


def _is_protected(headers: Headers, exclusions: Exclusions) -> bool:
    hers = exclusions.protections
    return any_is(headers.correspondents, hers.senders) or holds_any(
        fold(headers.subject), [fold(one) for one in hers.words]
    )
