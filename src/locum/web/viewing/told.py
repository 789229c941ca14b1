"""From a case and its room to the values of a page: in which phase it is, who is there, the message while it is shown."""

import re
from hashlib import sha256
from typing import Any, Final

from locum.desk import Desk
from locum.desk.searching.viewing import WHOLE
from locum.gist import word
from locum.ladder import Ladder, Step
from locum.lifecycle import Case, State
from locum.messages import say, says
from locum.phrases import when
from locum.rendering import Rendered
from locum.web.signin import Signed
from locum.web.viewing.found import name_of
from locum.web.viewing.rooms import Rooms

_PART = re.compile(r"message|attachment [1-9][0-9]{0,3}")
_EVERY: Final = 2
"""Seconds between two signs of life."""


def is_a_part(text: str) -> bool:
    """Whether this is something that can be delivered."""
    return _PART.fullmatch(text) is not None


def values(desk: Desk, rooms: Rooms, who: Signed, case: Case) -> dict[str, Any]:
    """What the room is for whoever looks. `mark` changes whenever anything does."""
    ladder, two = desk.viewings.two(case)
    there, room = rooms.there(case.id), rooms.enter(case.id, who.person.id)
    me, language = who.person.id, who.person.language
    signed = ladder.signed_now(desk.office.clock())
    phase = _phase(ladder, case, me, signed, showing=room.is_showing)
    is_hers = me == case.person
    if is_hers and phase in ("choose", "sign"):
        phase = "hers"
    wishes = rooms.wishes(case.id)
    people = [
        {"name": name_of(desk, one), "is_there": one in there, "is_me": one == me, "has_signed": one in signed}
        for one in sorted(two, key=lambda one: (one != me, one))
        if one in there or one in (me, case.person) or one in signed or one in ladder.chosen or len(two) <= _PAIR
    ]
    made: dict[str, Any] = {
        "case": case,
        "phase": phase,
        "is_hers": is_hers,
        "every": _EVERY,
        "people": people,
        "all_there": ladder.pair.is_both(sorted(there)) and (case.person not in two or case.person in there),
        "message": _message(room.shown, who) if phase == "shown" else None,
        "inside": _inside(rooms, case, who) if phase == "shown" else [],
        "wishes": [(name_of(desk, one), one == me, _wish(what, language)) for one, what in sorted(wishes.items())],
        "wished": wishes.get(me, ""),
        "theirs": [what for one, what in wishes.items() if one != me],
        "why": _why(ladder, case, phase, language),
        "deliver_to": case.receives,
        "may_deliver": ladder.may(Step.DELIVER, me, desk.office.clock()),
        "delivered": case.outcome in ("delivered", "not-delivered"),
        "whole": WHOLE,
    }
    told = (phase, people, made["wishes"], ladder.closed, case.state, sorted(rooms.attachments(case.id)))
    return {**made, "mark": sha256(repr(told).encode()).hexdigest()[:16]}


_PAIR: Final = 2


def _why(ladder: Ladder, case: Case, phase: str, language: str) -> str:
    """Why it is closed; where the case is over, how that came."""
    if phase == "over" and case.outcome:
        return word("outcome", case.outcome, language)
    return word("closed", ladder.closed, language) if ladder.closed else ""


def _phase(ladder: Ladder, case: Case, me: str, signed: frozenset[str], *, showing: bool) -> str:
    """choose, sign, signed, opening, shown, closed or over."""
    if ladder.closed:
        return "closed" if case.state is State.APPLIED else "over"
    if case.state is not State.APPLIED:
        return "over"
    if showing:
        return "shown"
    if ladder.opened or ladder.under_way is not None:
        return "opening"
    if not ladder.chosen_by_both:
        return "choose"
    return "signed" if me in signed else "sign"


def _message(shown: Rendered | None, who: Signed) -> dict[str, Any] | None:
    """The message for the template; everything but `frame` is text of strangers, and escaped there."""
    if shown is None:
        return None
    language = who.person.language
    return {
        "from": shown.from_,
        "to": ", ".join(shown.to),
        "cc": ", ".join(shown.cc),
        "at": "" if shown.at is None else when(shown.at, language, who.person.time_zone),
        "subject": shown.subject,
        "text": shown.text,
        "frame": "" if shown.html is None else _FRAME + shown.html,
        "attachments": [(one.n, one.name, one.type, _size(one.size)) for one in shown.attachments],
        "troubles": [say(language, f"rendering.{one}") for one in shown.troubles if says(language, f"rendering.{one}")],
    }


_FRAME: Final = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    '<meta name="color-scheme" content="light">'
)
"""What stands before the HTML in its frame: nothing is fetched from there, whatever the page around it may fetch."""


def _inside(rooms: Rooms, case: Case, who: Signed) -> list[tuple[int, dict[str, Any] | None, str | None]]:
    """The attachments that both opened: a message, or a text, or neither."""
    return [
        (n, _message(one, who) if isinstance(one, Rendered) else None, one if isinstance(one, str) else None)
        for n, one in rooms.attachments(case.id).items()
    ]


def _size(number: int) -> str:
    return f"{max(1, round(number / 1000))} kB"


def _wish(what: str, language: str) -> str:
    kind, _, n = what.partition(" ")
    return say(language, f"pages.viewing.wish.{kind}", n=n)
