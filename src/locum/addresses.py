"""Mail addresses: the strict syntax that Locum accepts, the one form it compares, and what may be shown of one. Pure.

Accepted are dot-atoms (RFC 5322 3.4.1) with the letters of any script (RFC 6531); no quoted local parts, comments,
address literals or slashes. A slash is legal in mail, but a mailbox name becomes a file name in more than one mail system.
"""

import re
import unicodedata
from collections.abc import Iterable
from fnmatch import fnmatchcase

from locum.errors import Invalid

_PLAIN = re.compile(
    r"[a-z0-9!#$%&'*+=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+=?^_`{|}~-]+)*"
    r"@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
).fullmatch
_NUMBER = re.compile(r"\+?[0-9]{6,15}").fullmatch
_ATOM = frozenset("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+=?^_`{|}~-")
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_LONGEST_LOCAL, _LONGEST_LABEL, _LONGEST_DOMAIN, _LONGEST = 64, 63, 253, 254  # RFC 5321 4.5.3.1, octets


def canonical(text: str) -> str:
    """The one form of an address that is compared and kept: NFC, lower case on both sides of the @.

    Where a mail system tells ANNA from anna, `user = "column"` of the connector names its own spelling.
    Raises Invalid `bad-address`.
    """
    address = text.strip().lower()
    if len(address) <= _LONGEST_LOCAL and _PLAIN(address):
        return address
    address = _composed(text)
    local, at, host = address.rpartition("@")
    if at and _is_local(local) and _is_domain(host) and len(address.encode()) <= _LONGEST:
        return address
    raise Invalid("bad-address", address=_shown(text))


def domain(text: str) -> str:
    """The one form of a domain, a leading @ allowed. Raises Invalid `bad-domain`."""
    name = _composed(text).removeprefix("@")
    if not _is_domain(name):
        raise Invalid("bad-domain", domain=_shown(text))
    return name


def exception(text: str) -> str:
    """The one form of an address or a domain that gets no reply: `eva@else.test`, `else.test` or `@else.test`.

    Raises Invalid `bad-address` or `bad-domain`.
    """
    return canonical(text) if "@" in text.strip()[1:] else domain(text)


def number(text: str) -> str:
    """The one form of a telephone number: digits, with a + before them or not. Raises Invalid `bad-number`."""
    digits = re.sub(r"[ ().-]", "", text.strip())
    if _NUMBER(digits) is None:
        raise Invalid("bad-number", number=_shown(text))
    return digits


def in_domains(address: str, domains: Iterable[str]) -> bool:
    """Whether a canonical address is in one of these canonical domains. A subdomain is another domain."""
    return address.rpartition("@")[2] in domains


def mask(address: str) -> str:
    """Enough of an address to recognise one's own: `a…@gmail.com`; of a telephone number its last two digits."""
    local, at, host = address.rpartition("@")
    if not at:
        return f"…{address[-2:]}" if len(address) > 4 else "…"
    return f"{local[:1]}…@{host}"


def _composed(text: str) -> str:
    # Composed before and after: lower case of a composed letter may come out decomposed.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).lower())


def _is_local(local: str) -> bool:
    return len(local.encode()) <= _LONGEST_LOCAL and all(
        atom and all(char in _ATOM or _is_letter(char) for char in atom) for atom in local.split(".")
    )


def _is_domain(host: str) -> bool:
    return len(host.encode()) <= _LONGEST_DOMAIN and all(_is_label(label) for label in host.split("."))


def _is_label(label: str) -> bool:
    inside = all(char in _LABEL or _is_letter(char) for char in label)
    return inside and 0 < len(label.encode()) <= _LONGEST_LABEL and label[0] != "-" and label[-1] != "-"


def _is_letter(char: str) -> bool:
    # Letters, marks and numbers beyond ASCII; no symbols, no format characters (bidirectional marks, joiners).
    return not char.isascii() and unicodedata.category(char)[0] in "LMN"


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in text[:80])


def matches(pattern: str, address: str) -> bool:
    """Whether an address in its canonical form is one of those: "@corp.test" for a domain, "sales-*@corp.test", or one address."""
    if "*" in pattern:
        return fnmatchcase(address, re.sub(r"([\[?])", r"[\1]", pattern))
    return address.endswith(pattern) if pattern.startswith("@") else address == pattern
