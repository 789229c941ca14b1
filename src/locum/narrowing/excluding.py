"""What no search may count, list or open: `excluded` says whether, and of which kind (clauses 11, 12, 13 and 20). Pure.

It is asked of every message before it is counted. What is in a thread with something excluded is for whoever can ask the mail
system (`reply`); what cannot be read is excluded (`doubt`).
"""

from collections.abc import Iterable
from typing import Final

from locum.narrowing import marking
from locum.narrowing.folding import fold, fold_known, holds_any
from locum.narrowing.headers import Headers
from locum.query import Exclusions

KINDS: Final = (
    *("folder", "label", "sensitivity", "encrypted", "subject"),
    *("correspondent", "own-letter", "protected", "reply", "doubt"),
)
"""Every kind there is, in the order in which they are asked; the first that holds is told."""

CLAUSES: Final = {
    **dict.fromkeys(("folder", "label", "sensitivity", "encrypted", "subject", "doubt"), 11),
    **dict.fromkeys(("correspondent", "reply"), 12),
    "protected": 13,
    "own-letter": 20,
}
"""The clause that each kind is of."""

_ENCRYPTED = frozenset(
    {
        *("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"),
        "application/x-microsoft-rpmsg-message",
    }
)
_BUSINESS = frozenset({"company-confidential", "normal", ""})


def folder_is_excluded(path: str, exclusions: Exclusions) -> bool:
    """Whether a folder is left out whole: `path` with "/" between its levels, decoded. One that cannot be read is."""
    if not path.isprintable():
        return True
    hers = [fold_known(one) for one in exclusions.protections.folders]
    if fold(path) in hers or any(holds_any(fold(level), hers) for level in path.split("/")):
        return True
    return marking.folder_is_marked(path, exclusions.folders)


def excluded(headers: Headers, flags: Iterable[str], exclusions: Exclusions) -> str | None:
    """The kind for which this message is left out; None where nothing speaks against it. `flags` are its IMAP flags and keywords."""
    confidential, own = exclusions.correspondents, exclusions.own
    labels = (*exclusions.labels, *exclusions.sensitivities, *exclusions.subject_tags)
    for kind, holds in (
        ("label", marking.has_label([*flags, *headers.labels], labels)),
        ("sensitivity", _is_sensitive(headers, exclusions)),
        ("encrypted", headers.kind in _ENCRYPTED or headers.is_protected),
        ("subject", marking.is_tagged(headers.subject, exclusions.subject_tags)),
        ("correspondent", any_is(headers.correspondents, confidential)),
        ("own-letter", any_is(headers.correspondents, own)),
        ("protected", _is_protected(headers, exclusions)),
        ("reply", any_is(headers.answered, (*confidential, *own, *exclusions.protections.senders))),
    ):
        if holds:
            return kind
    return None


def is_doubtful(headers: Headers) -> bool:
    """Whether the subject is masked in a list: it may be business, and may be not."""
    said = {marking.sensitivity_of(one) for one in headers.sensitivities}
    return bool(said - {"", "normal"}) or marking.is_doubtful(headers.subject)


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


def _is_sensitive(headers: Headers, exclusions: Exclusions) -> bool:
    """RFC 2156 knows Personal, Private and Company-Confidential; any other word that somebody put there is taken as private."""
    said = {marking.sensitivity_of(one) for one in headers.sensitivities}
    named = {fold_known(one) for one in exclusions.sensitivities}
    known_as_other = {"personal", "private"} - named
    return bool(said - _BUSINESS - known_as_other)


def _is_protected(headers: Headers, exclusions: Exclusions) -> bool:
    hers = exclusions.protections
    return any_is(headers.correspondents, hers.senders) or holds_any(
        fold(headers.subject), [fold_known(one) for one in hers.words]
    )
