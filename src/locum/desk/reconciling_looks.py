"""What a search read is compared with what the mail server says that it read: one header or one message more is an incident.

Each look logs in under a name of its own (connectors/imap_grants.py), and the entry that says what came of the look names it, with how
many headers and messages were handed over. The server counts for itself. A look that ended just now may not be recorded yet: it is
asked about once more.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from locum.entry import Entry, Json
from locum.measure import instant, parse_instant
from locum.seam import Access

GRANTS: Final = "locum-*"
"""How the names under which a look logs in are written where the settings list identities."""
_GRANT = re.compile(r"locum-[0-9a-f]{12}")
_RECORDED_WITHIN: Final = timedelta(minutes=5)


def is_look(access: Access) -> bool:
    """Whether this login was a look's."""
    return _GRANT.fullmatch(access.identity) is not None


def waits(entries: Sequence[Entry], access: Access, now: datetime) -> bool:
    """Whether it is too early to say: nothing is recorded of it, and it ended just now."""
    return access.until is not None and now - access.until < _RECORDED_WITHIN and not list(_told(entries, access))


def unexplained(entries: Sequence[Entry], access: Access) -> str:
    """The key of what is wrong with a look, "" where nothing is, or where it goes on."""
    if access.until is None:
        return ""
    if access.deleted:
        return "search-deleted"
    told = list(_told(entries, access))
    if not told:
        return "search-not-in-record" if access.read_mail else ""
    headers, bodies = (sum(_number(one, name) for one in told) for name in ("headers", "bodies"))
    more = (access.headers or 0) > headers or (access.bodies or 0) > bodies
    return "search-read-more" if more else ""


def _told(entries: Sequence[Entry], access: Access) -> Iterator[Entry]:
    for entry in entries:
        grants = entry.body.get("grants")
        if isinstance(grants, list) and access.identity in grants:
            yield entry


def _number(entry: Entry, name: str) -> int:
    value = entry.body.get(name)
    return value if isinstance(value, int) else 0


def kept(access: Access) -> dict[str, Json]:
    """A look that is asked about once more, as JSON."""
    return {
        "user": access.user,
        "identity": access.identity,
        "service": access.service,
        "at": instant(access.at),
        "until": instant(access.until) if access.until is not None else "",
        "headers": access.headers,
        "bodies": access.bodies,
        "deleted": access.deleted,
    }


def from_kept(value: dict[str, Json]) -> Access:
    """Read what `kept` writes. Raises ValueError or KeyError."""
    headers, bodies, deleted = (
        one if isinstance(one := value[name], int) else None for name in ("headers", "bodies", "deleted")
    )
    until = str(value["until"])
    return Access(
        user=str(value["user"]),
        identity=str(value["identity"]),
        service=str(value["service"]),
        at=parse_instant(str(value["at"])),
        until=parse_instant(until) if until else None,
        headers=headers,
        bodies=bodies,
        deleted=deleted,
    )
