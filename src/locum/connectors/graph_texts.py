"""An automatic reply as Exchange Online keeps it: automaticRepliesSetting made from ours, and the one form of what it writes its own way.

Pure. Exchange writes enums in any case, instants with seven digits behind the second, texts as HTML with a wrapper of its own,
spaces as no-break spaces and line ends as it likes; none of that is a change of hers.
"""

import html
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from locum.errors import Garbled, Unsupported
from locum.measure import Audience, AutoReply

Kept = Mapping[str, object]

STATUS, AUDIENCE = "status", "externalAudience"
INSIDE, OUTSIDE = "internalReplyMessage", "externalReplyMessage"
START, END = "scheduledStartDateTime", "scheduledEndDateTime"
KEYS = (STATUS, AUDIENCE, INSIDE, OUTSIDE, START, END)

AUDIENCES = {Audience.INTERNAL: "none", Audience.KNOWN: "contactsOnly", Audience.EVERYONE: "all"}
_STATUSES = {name.lower(): name for name in ("disabled", "alwaysEnabled", "scheduled")}
_SCOPES = {name.lower(): name for name in AUDIENCES.values()}
_UTC = frozenset({"utc", "etc/utc", "etc/gmt", "gmt", "tzone://microsoft/utc"})
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})?(Z?)")
_WRAPPER = frozenset({"html", "/html", "body", "/body", "/head", "meta", "title", "/title", "/br"})
_TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9:-]*)((?:[^a-zA-Z0-9:-].*)?)>", re.DOTALL)
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACES = re.compile(r"[ \t\r\n\f\xa0]+")


def setting(reply: AutoReply) -> Kept:
    """Raises Unsupported for what cannot be said in it."""
    check_characters(reply)
    if reply.from_date >= reply.to_date:
        raise Unsupported("graph-window")
    outside = "" if reply.audience is Audience.INTERNAL else reply.external_text
    if outside is None:  # the inside text is never for outsiders
        raise Unsupported("graph-no-external-text")
    return {
        STATUS: "scheduled",
        AUDIENCE: AUDIENCES[reply.audience],
        INSIDE: as_html(reply.text_body),
        OUTSIDE: as_html(outside),
        START: _utc(reply.from_date),
        END: _utc(reply.to_date),
    }


def nothing() -> Kept:
    """No reply, and no text left that could be switched on by mistake."""
    return {STATUS: "disabled", AUDIENCE: "none", INSIDE: "", OUTSIDE: ""}


def whole(kept: Kept) -> Kept:
    """What there is to be kept and sent: without the annotations of OData, which are no part of it."""
    return {key: kept[key] for key in KEYS if key in kept}


def without_times(kept: Kept) -> Kept:
    """The same, switched off and without its window, for one whose time is over: Exchange takes no window in the past."""
    return {**{key: value for key, value in kept.items() if key not in (START, END)}, STATUS: "disabled"}


def normal(kept: Kept) -> Kept:
    """One form for all that Exchange takes for the same. Raises Garbled."""
    status = _one_of(kept.get(STATUS), _STATUSES)
    form: dict[str, object] = {
        STATUS: status,
        AUDIENCE: "none" if kept.get(AUDIENCE) is None else _one_of(kept[AUDIENCE], _SCOPES),
        INSIDE: visible(_text(kept.get(INSIDE))),
        OUTSIDE: visible(_text(kept.get(OUTSIDE))),
    }
    if status == "scheduled":  # otherwise Exchange fills in whatever day it is
        form |= {key: _instant(kept.get(key)) for key in (START, END)}
    return form


def answers(kept: Kept, now: datetime) -> bool:
    """Whether it answers now or will later. A window in a zone that we do not know counts as one to come."""
    status = _one_of(kept.get(STATUS), _STATUSES)
    if status != "scheduled":
        return status == "alwaysEnabled"
    end = _read(kept.get(END))
    return end is None or end > now


def is_over(kept: Kept, now: datetime) -> bool:
    """Whether its window is known to be over, or there is none in force."""
    return not answers(kept, now)


def as_html(text: str) -> str:
    """Text as HTML that holds nothing but this text and its line ends."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    return "<br>\n".join(_line(line) for line in lines)


def _line(text: str) -> str:
    return re.sub(r"^ | (?= )| $", "&nbsp;", html.escape(text, quote=False))


@lru_cache(maxsize=64)
def visible(text: str) -> str:
    """What a reader sees of HTML, with its tags, in one form: one kind of space, nothing of the wrapper, no comments. It takes one
    look at each letter, whatever she wrote; where she left something open, the rest is text.
    """
    seen: list[str] = []
    words: list[str] = []
    in_head = False
    for piece in _pieces(text):
        name, rest = _tag(piece)
        if name in ("head", "/head", "body"):
            in_head = name == "head"
        if name in _WRAPPER or in_head:
            continue
        if not name:
            words.append(html.unescape(piece))
            continue
        seen += [_plain(words), f"<{name}{rest}>"]
        words.clear()
    seen.append(_plain(words))
    return "\x1f".join(one for one in seen if one)


def _pieces(text: str) -> Iterator[str]:
    """Tags and what is between them, in order, without comments and declarations."""
    place = 0
    while (start := text.find("<", place)) >= 0:
        comment = text.startswith("<!--", start)
        end = text.find("-->", start + 4) if comment else text.find(">", start)
        if end < 0:
            break
        yield text[place:start]
        place = end + (3 if comment else 1)
        if text[start + 1] not in "!?":  # a comment, a declaration: no part of what is seen
            yield text[start:place]
    yield text[place:]


def _tag(piece: str) -> tuple[str, str]:
    """The name of a tag, with / in front at its end, and its attributes; no name for what is none."""
    found = _TAG.fullmatch(piece)
    if found is None:
        return "", ""
    return found[1].lower(), _SPACES.sub(" ", found[2].rstrip("/ \t\r\n"))


def _plain(words: list[str]) -> str:
    text = _SPACES.sub(" ", "".join(words)).strip(" ")
    return f"={text}" if text else ""


def check_characters(reply: AutoReply) -> None:
    """Exchange keeps texts in XML, which has no control characters and no half of a character. Raises Unsupported."""
    for text in (reply.text_body, reply.external_text or ""):
        if (odd := _ODD.search(text.replace("\r\n", "\n"))) is not None:
            raise Unsupported("graph-character", character=f"U+{ord(odd[0]):04X}")


def _utc(at: datetime) -> dict[str, str]:
    naive = at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    return {"dateTime": f"{naive.isoformat()}.0000000", "timeZone": "UTC"}


def _instant(value: object) -> object:
    at = _read(value)
    return value if at is None else at.isoformat()


def _read(value: object) -> datetime | None:
    """An instant; None where its zone is none that we know. Raises Garbled."""
    if not isinstance(value, Mapping):
        raise _garbled("window")
    text, zone = value.get("dateTime"), value.get("timeZone")
    found = _INSTANT.fullmatch(text) if isinstance(text, str) else None
    if found is None or not isinstance(zone, str | None):
        raise _garbled("window")
    try:
        naive = datetime.fromisoformat(found[1])
    except ValueError:
        raise _garbled("window") from None
    if found[2] or (zone or "").lower() in _UTC:
        return naive.replace(tzinfo=UTC)
    try:
        return naive.replace(tzinfo=ZoneInfo(zone or "?")).astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
        return None


def _one_of(value: object, names: Mapping[str, str]) -> str:
    found = names.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise _garbled("setting")
    return found


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _garbled("text")
    return value


def _garbled(what: str) -> Garbled:
    return Garbled("graph-garbled", connector="graph", what=what)
