"""An automatic reply as Gmail keeps it: VacationSettings made from ours, and the one form of what it writes its own way. Pure.

Gmail has one text for all, times as strings of milliseconds since 1970, and cleans HTML; a PUT resets every field that is not sent,
so the whole object is always written. Source: Gmail API v1, users.settings.updateVacation (the discovery document's VacationSettings).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from locum.connectors.graph_texts import visible
from locum.errors import Garbled, Unsupported
from locum.measure import Audience, AutoReply

Kept = Mapping[str, object]

ON, SUBJECT, PLAIN, HTML = "enableAutoReply", "responseSubject", "responseBodyPlainText", "responseBodyHtml"
CONTACTS, DOMAIN, START, END = "restrictToContacts", "restrictToDomain", "startTime", "endTime"
FLAGS, TEXTS, TIMES = (ON, CONTACTS, DOMAIN), (SUBJECT, PLAIN, HTML), (START, END)
KEYS = (*FLAGS, *TEXTS, *TIMES)

_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACES = re.compile(r"\s+")
_LAID_OUT = re.compile(r"</?(?:div|p|br|span|wbr)\b[^>]*>")


def settings(reply: AutoReply) -> Kept:
    """Raises Unsupported for what cannot be said in it."""
    for text in (reply.text_body, reply.subject):
        if (odd := _ODD.search(text.replace("\r\n", "\n"))) is not None:
            raise Unsupported("gmail-character", character=f"U+{ord(odd[0]):04X}")
    if "\n" in reply.subject:
        raise Unsupported("gmail-character", character="U+000A")
    if reply.from_date >= reply.to_date:
        raise Unsupported("gmail-window")
    if reply.audience is Audience.EVERYONE and reply.external_text != reply.text_body:
        raise Unsupported("gmail-one-text")  # what is written for colleagues is never sent to outsiders
    return {
        ON: True,
        SUBJECT: reply.subject,
        PLAIN: reply.text_body.replace("\r\n", "\n"),
        HTML: "",
        CONTACTS: False,
        DOMAIN: reply.audience is Audience.INTERNAL,
        START: _milliseconds(reply.from_date),
        END: _milliseconds(reply.to_date),
    }


def nothing() -> Kept:
    """No reply, and no text left that could be switched on by mistake."""
    return {ON: False, SUBJECT: "", PLAIN: "", HTML: "", CONTACTS: False, DOMAIN: False}


def whole(kept: Kept) -> Kept:
    """What there is to be kept and sent. Raises Garbled."""
    found = {key: kept[key] for key in KEYS if key in kept}
    normal(found)
    return found


def normal(kept: Kept) -> Kept:
    """One form for all that Gmail takes for the same. Raises Garbled."""
    form: dict[str, object] = {key: _flag(kept.get(key, False)) for key in FLAGS}
    form[SUBJECT] = _text(kept.get(SUBJECT, ""))
    form["text"] = _seen(_text(kept.get(HTML, "")), _text(kept.get(PLAIN, "")))
    return form | {key: _read(kept.get(key)) for key in TIMES}


def answers(kept: Kept, now: datetime) -> bool:
    """Whether it answers now or will later. Raises Garbled."""
    end = _read(kept.get(END))
    return _flag(kept.get(ON, False)) and (end is None or end > int(now.timestamp() * 1000))


def _seen(laid_out: str, plain: str) -> str:
    """What a reader sees, to the letter where it is plain. HTML wins where there is both; where it is only Gmail's own layout of the plain
    text, that text counts.
    """
    if laid_out:
        pieces = (piece.removeprefix("=") for piece in visible(laid_out).split("\x1f"))
        seen = _in_one_line(" ".join("" if _LAID_OUT.fullmatch(piece) else piece for piece in pieces))
        if seen != _in_one_line(plain):
            return seen
    return "\n".join(line.rstrip() for line in plain.replace("\r\n", "\n").rstrip().split("\n"))


def _in_one_line(text: str) -> str:
    return _SPACES.sub(" ", text.replace("\xa0", " ")).strip()


def _milliseconds(at: datetime) -> str:
    return str(int(at.astimezone(UTC).timestamp()) * 1000)


def _read(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,18}", value):
        raise _garbled("time")
    return int(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _garbled("flag")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _garbled("text")
    return value


def _garbled(what: str) -> Garbled:
    return Garbled("gmail-garbled", connector="gmail", what=what)
