"""Who decides for whom while she is away: /people/delegation. Said by herself alone, ended by either of the two."""

from datetime import UTC, date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, Form, Response

from locum.entry import Json
from locum.errors import Invalid, LocumError
from locum.measure import instant
from locum.register import Delegation, Moment
from locum.web.inside import Inside
from locum.web.people.shown import Words
from locum.web.signin import Signed, signed_in

Who = Annotated[Signed, Depends(signed_in)]


class StandingInPages:
    """The routes."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._desk = inside.desk

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`."""
        app.add_api_route("/people/delegation", self.show, methods=["GET", "HEAD"], response_model=None)
        app.add_api_route("/people/delegation", self.propose, methods=["POST"], response_model=None)
        app.add_api_route("/people/delegation/end", self.end, methods=["POST"], response_model=None)

    def show(self, who: Who) -> Response:
        """Who stands in for her, and for whom she does."""
        return self._page(who)

    def propose(
        self,
        who: Who,
        to: Annotated[str, Form()] = "",
        from_day: Annotated[str, Form()] = "",
        until_day: Annotated[str, Form()] = "",
    ) -> Response:
        """What she wants; on to where she signs it."""
        try:
            what: dict[str, Json] = {
                "to": to,
                "from": instant(self._day(who, from_day)),
                "until": instant(self._day(who, until_day)),
            }
            one = self._desk.propose(who.acting, "delegated", what)
        except LocumError as error:
            return self._page(who, problem=error, to=to, from_day=from_day, until_day=until_day)
        return self._inside.onward(f"/people/proposals/{one.id}")

    def end(self, who: Who, delegation: Annotated[str, Form()] = "") -> Response:
        """End it early; on to where that is signed."""
        try:
            one = self._desk.propose(who.acting, "delegation-ended", {"delegation": delegation})
        except LocumError as error:
            return self._page(who, problem=error)
        return self._inside.onward(f"/people/proposals/{one.id}")

    def _day(self, who: Signed, text: str) -> datetime:
        """The beginning of a day where she is; now, where none is given."""
        try:
            if not text:
                return self._inside.entrance.doorway.clock()
            zone = ZoneInfo(who.person.time_zone)
            return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise Invalid("deed-unreadable") from error

    def _page(
        self,
        who: Signed,
        *,
        problem: LocumError | None = None,
        to: str = "",
        from_day: str = "",
        until_day: str = "",
    ) -> Response:
        now, words = self._inside.entrance.doorway.clock(), Words.of(self._desk, who)
        register, moment = self._desk.register(), Moment(now)
        mine = [
            self._row(one, words, now)
            for one in register.delegations.values()
            if who.person.id in (one.by, one.to) and one.span.ended is None and (one.span.until_at or now) > now
        ]
        others = [person for person in register.people(moment) if person != who.person.id]
        return self._inside.page(
            who,
            "people_delegation.html",
            "people",
            problem=problem,
            mine=mine,
            functions=words.functions(register.functions_of(who.person.id, moment)),
            has_key=bool(register.keys_of(who.person.id, moment)),
            others=sorted(((one, words.name(one)) for one in others), key=lambda pair: pair[1].casefold()),
            to=to,
            from_day=from_day,
            until_day=until_day,
            today=now.astimezone(ZoneInfo(who.person.time_zone)).date().isoformat(),
        )

    def _row(self, one: Delegation, words: Words, now: datetime) -> dict[str, object]:
        return {
            "id": one.id,
            "by": words.name(one.by),
            "to": words.name(one.to),
            "function": words.function(one.function),
            "from": words.when(one.span.from_at),
            "until": words.when(one.span.until_at) if one.span.until_at else "",
            "is_on": one.span.from_at <= now,
        }
