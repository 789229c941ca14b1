"""An automatic reply as Exchange Server keeps it: UserOofSettings made from ours, as XML and back, and the one form of what it writes its own way.

Pure. Exchange wraps texts as HTML of its own and fills in the window of what is not scheduled with today; none of that is a change
of hers. What a reader sees of its HTML is the same as on Exchange Online (graph_texts.py).
"""

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from locum.connectors.graph_texts import as_html, check_characters, visible
from locum.errors import Garbled, Unsupported
from locum.measure import Audience, AutoReply

Kept = Mapping[str, object]

STATE, AUDIENCE, START, END, INSIDE, OUTSIDE = (
    "OofState",
    "ExternalAudience",
    "StartTime",
    "EndTime",
    "InternalReply",
    "ExternalReply",
)
LANG = "Lang"
CEILING = "AllowExternalOof"
"""What the administrator lets out at most: it stands beside the setting and is no part of it."""

TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
AUDIENCES = {Audience.INTERNAL: "None", Audience.KNOWN: "Known", Audience.EVERYONE: "All"}
_WIDTHS = {"None": 0, "Known": 1, "All": 2}
_STATES = ("Disabled", "Enabled", "Scheduled")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")


def setting(reply: AutoReply) -> Kept:
    """Raises Unsupported for what cannot be said in it."""
    check_characters(reply)
    if reply.from_date >= reply.to_date:
        raise Unsupported("graph-window")
    outside = "" if reply.audience is Audience.INTERNAL else reply.external_text
    if outside is None:  # the inside text is never for outsiders
        raise Unsupported("graph-no-external-text")
    return {
        STATE: "Scheduled",
        AUDIENCE: AUDIENCES[reply.audience],
        START: _utc(reply.from_date),
        END: _utc(reply.to_date),
        INSIDE: as_html(reply.text_body),
        OUTSIDE: as_html(outside),
    }


def nothing() -> Kept:
    """No reply, and no text left that could be switched on by mistake."""
    return {STATE: "Disabled", AUDIENCE: "None", INSIDE: "", OUTSIDE: ""}


def normal(kept: Kept) -> Kept:
    """One form for all that Exchange takes for the same. Raises Garbled."""
    state = _one_of(kept.get(STATE), _STATES)
    form: dict[str, object] = {
        STATE: state,
        AUDIENCE: _one_of(kept.get(AUDIENCE), AUDIENCES.values()),
        INSIDE: visible(_text(kept.get(INSIDE))),
        OUTSIDE: visible(_text(kept.get(OUTSIDE))),
    }
    if state == "Scheduled":  # otherwise it comes back as today
        form |= {key: _read(kept.get(key)).isoformat() for key in (START, END)}
    return form


def answers(kept: Kept, now: datetime) -> bool:
    """Whether it answers now or will later."""
    state = _one_of(kept.get(STATE), _STATES)
    return _read(kept.get(END)) > now if state == "Scheduled" else state == "Enabled"


def ceiling(kept: Kept) -> str:
    """What may go out at most; where Exchange does not say, nothing is known to be forbidden."""
    return _one_of(kept.get(CEILING, "All"), AUDIENCES.values())


def is_wider(audience: object, than: str) -> bool:
    """Whether this audience is more than may be."""
    return _WIDTHS[_one_of(audience, AUDIENCES.values())] > _WIDTHS[than]


def sendable(kept: Kept, now: datetime) -> Kept:
    """What is put for it: without the ceiling, and switched off where its time is over, since Exchange takes no window in the past."""
    found = {key: value for key, value in kept.items() if key != CEILING}
    if found.get(STATE) == "Scheduled" and not answers(found, now):
        found[STATE] = "Disabled"
    if found.get(STATE) != "Scheduled":
        found = {key: value for key, value in found.items() if key not in (START, END)}
    return found


def is_off(kept: Kept) -> bool:
    """Whether it is switched off."""
    return kept.get(STATE) == _STATES[0]


def far(kept: Kept, now: datetime) -> Kept:
    """The same texts as a reply of one day in ten years: on, and answering nobody."""
    start = now + timedelta(days=3650)
    return {**kept, STATE: "Scheduled", START: _utc(start), END: _utc(start + timedelta(days=1))}


def is_far(kept: Kept, now: datetime) -> bool:
    """Whether it is such a one."""
    return kept.get(STATE) == "Scheduled" and _read(kept.get(START)) > now + timedelta(days=3000)


def as_xml(kept: Kept) -> str:
    """t:UserOofSettings; the order is the schema's."""
    window = "".join(f"<t:{key}>{escaped(_text(kept[key]))}</t:{key}>" for key in (START, END) if key in kept)
    replies = "".join(
        f"<t:{key}{_lang(kept.get(key + LANG))}><t:Message>{escaped(_text(kept[key]))}</t:Message></t:{key}>"
        for key in (INSIDE, OUTSIDE)
        if key in kept
    )
    return (
        f"<t:UserOofSettings><t:{STATE}>{escaped(_text(kept[STATE]))}</t:{STATE}>"
        f"<t:{AUDIENCE}>{escaped(_text(kept[AUDIENCE]))}</t:{AUDIENCE}>"
        f"{f'<t:Duration>{window}</t:Duration>' if window else ''}{replies}</t:UserOofSettings>"
    )


def read(settings: ET.Element, allowed: str | None) -> Kept:
    """What stands in t:OofSettings. Raises Garbled."""
    found: dict[str, object] = {}
    for path in (STATE, AUDIENCE, f"Duration/{START}", f"Duration/{END}"):
        text = settings.findtext("/".join(f"{{{TYPES}}}{name}" for name in path.split("/")))
        if text is not None:
            found[path.rpartition("/")[2]] = text.strip()
    for key in (INSIDE, OUTSIDE):
        reply = settings.find(f"{{{TYPES}}}{key}")
        if reply is None:
            continue
        found[key] = reply.findtext(f"{{{TYPES}}}Message") or ""
        if (lang := reply.get(_LANG)) is not None:
            found[key + LANG] = lang
    if allowed is not None:
        found[CEILING] = allowed.strip()
    normal(found), ceiling(found)
    return found


def escaped(text: str) -> str:
    """As XML that holds this text and nothing else; line ends stay what they are."""
    return html.escape(text).replace("\r", "&#13;")


def _lang(value: object) -> str:
    return f' xml:lang="{escaped(value)}"' if isinstance(value, str) else ""


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()}Z"


def _read(value: object) -> datetime:
    """An instant; without a zone it is in UTC, as Exchange says all of them. Raises Garbled."""
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _garbled("Duration")
    try:
        return datetime.fromisoformat(found[1] + (found[2] or "Z")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _garbled("Duration") from None


def _one_of(value: object, names: object) -> str:
    if not isinstance(value, str) or value not in names:  # type: ignore[operator]
        raise _garbled("UserOofSettings")
    return value


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _garbled("Message")
    return value


def _garbled(what: str) -> Garbled:
    return Garbled("ews-garbled", connector="ews", what=what)
