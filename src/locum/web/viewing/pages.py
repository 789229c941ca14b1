"""The routes under /cases/{case_id}/found and /cases/{case_id}/viewing. Every answer is for one of the two, and no-store.

A page of the room gives a sign of life every few seconds and gets back what changed; where it gets none, the script blanks it.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

import structlog
from fastapi import Depends, FastAPI, Form, Request, Response

from locum.errors import Conflict, Invalid, LocumError, Refused
from locum.gist import word
from locum.ladder import Step
from locum.lifecycle import Case
from locum.web.files import PageFile
from locum.web.guard import with_script
from locum.web.inside import Inside
from locum.web.shown import page
from locum.web.signin import Signed, look_along, require_recent, signed_in
from locum.web.signin.who import NotSignedIn
from locum.web.signing import asked, assertion_of, statement_field, statement_of
from locum.web.viewing import found, told
from locum.web.viewing.rooms import Room, Rooms

_LOG = structlog.get_logger("locum.web")

ACTIVE: Final = "cases"
MINUTES: Final = 10
_SLACK: Final = 5
_TRIES: Final = 4


class ViewingPages:
    """The list and the room. `hers` gives a case to whoever may see it."""

    def __init__(self, inside: Inside, hers: Callable[[Signed, str], Case]) -> None:
        self._in = inside
        self._hers = hers
        self._script = PageFile("viewing.js", "text/javascript")
        self.rooms = Rooms(inside.monotonic, self._closed)

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`; `app.state.rooms` is closed where the process ends."""
        app.state.rooms = self.rooms
        at = "/cases/{case_id}"
        for path, show in (
            (f"{at}/found", self.found),
            (f"{at}/viewing", self.room),
            ("/static/viewing.js", self.script),
        ):
            app.add_api_route(path, show, methods=["GET", "HEAD"], response_model=None)
        for path, act in (
            (f"{at}/found", self.note),
            (f"{at}/viewing", self.act),
            (f"{at}/viewing/sign", self.sign),
            (f"{at}/viewing/here", self.here),
        ):
            app.add_api_route(path, act, methods=["POST"], response_model=None)

    def script(self, request: Request) -> Response:
        """The script of the room."""
        return self._script.answer(request)

    # the list

    def found(self, case_id: str, who: Annotated[Signed, Depends(signed_in)]) -> Response:
        """From, date and subject of what was found."""
        try:
            return self._found(who, self._hers(who, case_id))
        except LocumError as error:
            return self._in.page(who, "cases_none.html", ACTIVE, problem=error)

    def note(
        self,
        case_id: str,
        who: Annotated[Signed, Depends(signed_in)],
        do: Annotated[str, Form()] = "",
        digest: Annotated[str, Form()] = "",
    ) -> Response:
        """Choose one, or ask to see a masked subject."""
        try:
            case = self._hers(who, case_id)
            steps = {"choose": self._in.desk.viewings.choose, "unmask": self._in.desk.viewings.unmask}
            if do not in steps:
                raise Refused("no-such-step", case=case.id, state=case.state, event=do[:20])
            self._again(lambda: steps[do](who.acting, self._hers(who, case_id), digest))
        except LocumError as error:
            return self._failed(who, case_id, self._found, error)
        return self._in.onward(f"/cases/{case.id}/found")

    def _found(self, who: Signed, case: Case, problem: LocumError | None = None) -> Response:
        desk = self._in.desk
        kept, ladder = desk.searching.hits(who.acting, case), desk.searching.ladder(case)
        return self._in.page(
            who,
            "viewing/found.html",
            ACTIVE,
            problem=problem,
            case=case,
            lines=[] if kept is None else found.lines(desk, who, case, kept, ladder),
            may_choose=not ladder.opened,
            both=bool(ladder.chosen_by_both),
            opened=bool(ladder.opened),
        )

    # the room

    def room(self, case_id: str, who: Annotated[Signed, Depends(signed_in)], sign: str = "") -> Response:
        """The room, as it is now for whoever looks."""
        try:
            case = self._entered(who, case_id)
            return self._room(who, case, signs=bool(sign))
        except LocumError as error:
            return self._in.page(who, "cases_none.html", ACTIVE, problem=error)

    def here(
        self,
        case_id: str,
        who: Annotated[Signed, Depends(look_along)],
        seen: Annotated[str, Form()] = "",
        leaving: Annotated[str, Form()] = "",
    ) -> Response:
        """A sign of life: what changed since `seen`, or 204. `leaving`: her page is gone."""
        if leaving:
            self.rooms.leave(case_id, who.person.id)
            return Response(status_code=204)
        try:
            case = self._entered(who, case_id)
            values = self._values(who, case)
        except LocumError as error:
            return Response(status_code=404 if isinstance(error, Refused | Invalid) else 503)
        if values["mark"] == seen:
            return Response(status_code=204)
        return page("viewing/room_part.html", who.person.language, self._in.site, 200, who=who, **values)

    def sign(
        self,
        case_id: str,
        who: Annotated[Signed, Depends(require_recent(MINUTES + _SLACK))],
        statement: Annotated[str, Form()] = "",
        credential: Annotated[str, Form()] = "",
    ) -> Response:
        """She signs to open it; the second signature has it opened."""
        try:
            self._check_both(self._entered(who, case_id))
            made, answer = statement_of(statement), assertion_of(credential)
            self._again(lambda: self._in.desk.viewings.sign(who.acting, self._hers(who, case_id), made, answer))
        except LocumError as error:
            return self._failed(who, case_id, self._room, error)
        return self._in.onward(f"/cases/{case_id}/viewing")

    def act(
        self,
        case_id: str,
        who: Annotated[Signed, Depends(signed_in)],
        do: Annotated[str, Form()] = "",
        part: Annotated[str, Form()] = "",
    ) -> Response:
        """Close it, say that it is private after all, or wish that it is delivered, or that an attachment is opened."""
        try:
            case = self._entered(who, case_id)
            if do in ("closed", "private"):
                self.rooms.close(case.id, do, who.person.id)
            elif do == "deliver":
                self._deliver(who, case, part)
            elif do == "attachment" and part.isascii() and part.isdigit():
                pair = self._in.desk.searching.ladder(case).pair
                if pair.is_both(self.rooms.wish(case.id, who.person.id, f"see {part}")):
                    self.rooms.open_attachment(case.id, int(part))
                    self.rooms.forget_wishes(case.id)
            elif do == "wish-nothing":
                self.rooms.forget_wishes(case.id)
            else:
                raise Refused("no-such-step", case=case.id, state=case.state, event=do[:20])
        except LocumError as error:
            return self._failed(who, case_id, self._room, error)
        return self._in.onward(f"/cases/{case.id}/viewing")

    def _deliver(self, who: Signed, case: Case, part: str) -> None:
        """Delivered where both wish the same part; what is shown is closed first."""
        ladder = self._in.desk.searching.ladder(case)
        ladder.check(Step.DELIVER, who.person.id, self._in.desk.office.clock())
        if not told.is_a_part(part):
            raise Refused("no-such-step", case=case.id, state=case.state, event="deliver")
        if not ladder.pair.is_both(self.rooms.wish(case.id, who.person.id, part)):
            return
        self.rooms.close(case.id, "closed")
        self._again(lambda: self._in.desk.viewings.deliver(who.acting, self._hers(who, case.id), part))
        self.rooms.forget_wishes(case.id)

    def _entered(self, who: Signed, case_id: str) -> Case:
        """The case, for whoever may be in its room: a sign of life of hers. The message is shown where all are there."""
        case, desk = self._hers(who, case_id), self._in.desk
        ladder, two = desk.viewings.two(case)
        if who.person.id not in two:
            raise Refused("search-not-one-of-both", clause=10, case=case.id)
        room = self.rooms.enter(case.id, who.person.id)
        if ladder.opened and not ladder.closed and not room.is_showing:
            signed = frozenset(person for person, digest, _ in ladder.openings if digest == ladder.opened)
            take = lambda: desk.viewings.take(case)  # noqa: E731
            self.rooms.show(case.id, (signed | {case.person}) & two, take, case.request, ladder.opened)
        return case

    def _room(self, who: Signed, case: Case, problem: LocumError | None = None, *, signs: bool = False) -> Response:
        values = self._values(who, case)
        if signs and values["phase"] == "sign":
            if not who.proved_within(self._in.entrance.doorway.clock(), MINUTES):
                raise NotSignedIn("again")
            values |= self._signing(who, case, self.rooms.enter(case.id, who.person.id))
        shown = self._in.page(who, "viewing/room.html", ACTIVE, problem=problem, **values)
        return with_script(shown)

    def _check_both(self, case: Case) -> None:
        """Nobody signs while the other is not there."""
        ladder, two = self._in.desk.viewings.two(case)
        there = self.rooms.there(case.id)
        if not ladder.pair.is_both(sorted(there)) or (case.person in two and case.person not in there):
            raise Refused("search-not-both-there", clause=10, case=case.id)

    def _signing(self, who: Signed, case: Case, room: Room) -> dict[str, Any]:
        """What the form needs with which she signs."""
        party = self._in.entrance.doorway.party
        if party is None:
            raise Refused("no-passkeys-here")
        self._check_both(case)
        to_sign = self._in.desk.viewings.to_open(who.acting, case, room.public)
        return {
            "phase": "signing",
            "to_sign": to_sign,
            "asked": asked(party, to_sign),
            "statement": statement_field(to_sign),
            "function": word("function", to_sign.function, who.person.language),
        }

    def _values(self, who: Signed, case: Case) -> dict[str, Any]:
        return told.values(self._in.desk, self.rooms, who, case)

    def _failed(
        self, who: Signed, case_id: str, show: Callable[[Signed, Case, LocumError], Response], error: LocumError
    ) -> Response:
        try:
            return show(who, self._hers(who, case_id), error)
        except LocumError as worse:
            return self._in.page(who, "cases_none.html", ACTIVE, problem=worse)

    def _again(self, act: Callable[[], object]) -> None:
        """Act; where the other did something in the same moment, once more."""
        for _ in range(_TRIES):
            try:
                act()
            except Conflict as conflict:
                if conflict.key != "changed-meanwhile":
                    raise
            else:
                return
        act()

    def _closed(self, case_id: str, why: str, seconds: int, who: str) -> None:
        """Recorded, whatever else fails: what is shown is wiped already."""
        try:
            desk = self._in.desk
            desk.viewings.closed(desk.case(case_id), why, seconds, who)
        except LocumError as error:
            _LOG.warning("closing not recorded", key=error.key)
