"""How values stand in a script: strings that nothing can leave, names in every spelling that mail has, windows in UTC.

What is refused about a value, and what a script says with it, lives with its measure (writing.py, forwarding.py).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

LISTS = ("List-Id", "List-Help", "List-Subscribe", "List-Unsubscribe", "List-Post", "List-Owner", "List-Archive")
SPAM = ("X-Spam", "X-Spam-Flag", "X-Spam-Status", "X-Bogosity", "X-DSPAM-Result", "X-Spambayes-Classification")


def string(text: str) -> str:
    """A quoted string (RFC 5228 2.4.2). What may be in it is the callers' matter; nothing can leave it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def strings(values: Iterable[str]) -> str:
    """A list of quoted strings."""
    return "[" + ", ".join(string(value) for value in values) + "]"


def spellings(name: str) -> tuple[str, ...]:
    """A domain, or an address, as it is and as its domain travels in mail without SMTPUTF8 (RFC 5891)."""
    local, at, host = name.rpartition("@")
    if host.isascii():
        return (name,)
    try:
        return name, f"{local}{at}{host.encode('idna').decode()}"
    except UnicodeError:
        return (name,)


def window(from_date: datetime, to_date: datetime) -> tuple[str, str]:
    """The tests that it is not before the first instant, and before the second."""
    return _current("ge", from_date), _current("lt", to_date)


def fits(from_date: datetime, to_date: datetime) -> bool:
    """Whether a script can say this window: aware, whole seconds, not empty."""
    whole = all(at.tzinfo is not None and not at.microsecond for at in (from_date, to_date))
    return whole and from_date < to_date


def all_of(tests: Sequence[str]) -> str:
    """`allof`, a test on each line."""
    return "allof(" + ",\r\n      ".join(tests) + ")"


def _current(relation: str, at: datetime) -> str:
    # Without :zone the server's own zone is used (RFC 5260 4.1). No zone in the key: servers write Z or +00:00,
    # and both are longer than the key, which makes the comparison exact to the second with either.
    key = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f'currentdate :zone "+0000" :value "{relation}" "iso8601" "{key}"'
