"""Who has which function and key in the record, what people.csv proposes differently, who left, and what waits for signatures:
/people; and the same of one person: /people/of/{id}.
"""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, FastAPI, Form, Response

from locum.errors import Invalid, LocumError
from locum.messages import say
from locum.register import Moment
from locum.web.inside import Inside
from locum.web.people.shown import Words, everybody, keys_of
from locum.web.signin import Signed, signed_in

Who = Annotated[Signed, Depends(signed_in)]
_SHOWN = 100


class OverviewPages:
    """The routes."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._desk = inside.desk

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`."""
        app.add_api_route("/people", self.show, methods=["GET", "HEAD"], response_model=None)
        app.add_api_route("/people/of/{person}", self.one, methods=["GET", "HEAD"], response_model=None)
        for path, do in (
            ("/people/differences", self.propose),
            ("/people/leaver", self.leaver),
            ("/people/find", self.find),
            ("/people/link", self.link),
            ("/people/function", self.function),
        ):
            app.add_api_route(path, do, methods=["POST"], response_model=None)

    # looking
    def show(self, who: Who, said: str = "", q: str = "") -> Response:
        """Everybody, and what waits."""
        return self._page(who, said=said, q=q)

    def one(self, who: Who, person: str) -> Response:
        """One person."""
        return self._person(who, person)

    # doing
    def propose(self, who: Who) -> Response:
        """Propose what people.csv says differently."""
        try:
            self._desk.propose_differences(who.acting)
        except LocumError as error:
            return self._page(who, problem=error)
        return self._inside.onward("/people?said=proposed")

    def leaver(self, who: Who, person: Annotated[str, Form()] = "") -> Response:
        """Propose to withdraw all that somebody has."""
        try:
            self._desk.withdraw_leaver(who.acting, person)
        except LocumError as error:
            return self._page(who, problem=error)
        return self._inside.onward("/people?said=proposed")

    def find(self, who: Who, person: Annotated[str, Form()] = "") -> Response:
        """On to the page of one person, by id or address."""
        people = self._desk.office.people
        found = people.person(person.strip()) or people.owner(person.strip())
        if found is None:
            return self._page(who, problem=Invalid("unknown-person", person=person.strip()[:80]))
        return self._inside.onward(f"/people/of/{quote(found.id, safe='')}")

    def link(self, who: Who, person: Annotated[str, Form()] = "") -> Response:
        """Make a one-time link for somebody, and show it this once."""
        try:
            return self._person(who, person, link=self._desk.link_for(who.acting, person))
        except LocumError as error:
            return self._person(who, person, problem=error)

    def function(
        self,
        who: Who,
        person: Annotated[str, Form()] = "",
        function: Annotated[str, Form()] = "",
        kind: Annotated[str, Form()] = "function-given",
    ) -> Response:
        """Propose one function for one person, or to take one away."""
        try:
            if kind not in ("function-given", "function-withdrawn"):
                raise Invalid("deed-unreadable")
            what = {"people": [{"person": person, "function": function.strip()}]}
            one = self._desk.propose(who.acting, kind, what)  # type: ignore[arg-type]
        except LocumError as error:
            return self._person(who, person, problem=error)
        return self._inside.onward(f"/people/proposals/{one.id}")

    # what they share
    def _page(self, who: Signed, *, said: str = "", q: str = "", problem: LocumError | None = None) -> Response:
        now, words = self._inside.entrance.doorway.clock(), Words.of(self._desk, who)
        everyone = everybody(self._desk, words, now, q, _SHOWN)
        waiting = self._desk.proposals_waiting(who.acting)
        mine = {one.id for one in waiting}
        found = self._desk.differences()
        return self._inside.page(
            who,
            "people.html",
            "people",
            problem=problem,
            said=said if said in ("proposed", "withdrawn") else "",
            q=q[:80],
            waiting=[words.proposal(one) for one in waiting],
            others=[words.proposal(one) for one in self._desk.proposals() if one.id not in mine],
            people=everyone.shown,
            more=everyone.found - len(everyone.shown),
            all=everyone.all,
            differences=found,
            given=[(words.name(p), words.function(f)) for p, f in found.given[:20]],
            withdrawn=[(words.name(p), words.function(f)) for p, f in found.withdrawn[:20]],
            managers=[(words.name(p), words.name(m) if m else "") for p, m in found.managers[:20]],
            leavers=[(person, words.name(person)) for person in found.leavers],
            ignored=[
                (say(who.person.language, f"gate.{one.key}", who=words.name(one.who), what=""), one.type)
                for one in self._desk.register().ignored
            ],
            may_propose=self._may_propose(who),
        )

    def _may_propose(self, who: Signed) -> bool:
        register, moment = self._desk.register(), Moment(self._inside.entrance.doorway.clock())
        return bool(register.keys_of(who.person.id, moment) and register.functions_of(who.person.id, moment))

    def _person(self, who: Signed, person_id: str, *, link: str = "", problem: LocumError | None = None) -> Response:
        person = self._desk.office.people.person(person_id)
        now, words = self._inside.entrance.doorway.clock(), Words.of(self._desk, who)
        register, moment = self._desk.register(), Moment(now)
        keys = keys_of(self._desk, person_id)
        functions = sorted(register.functions_of(person_id, moment))
        if person is None and not keys and not functions:
            return self._page(who, problem=problem or Invalid("unknown-person", person=person_id[:80]))
        manager = register.manager_of(person_id, moment)
        return self._inside.page(
            who,
            "people_person.html",
            "people",
            problem=problem,
            person=person_id,
            name=words.name(person_id),
            address=person.mailbox.address if person is not None and person.mailbox else "",
            on_file=person is not None,
            functions=[(one, words.function(one)) for one in functions],
            withdrawable=[
                one for one in functions if any(s.holds(moment) for s in register.functions.get((person_id, one), ()))
            ],
            manager=words.name(manager) if manager else "",
            keys=[words.key(key, now) for key in keys],
            link=link,
            itself=person_id == who.person.id,
            may_propose=self._may_propose(who),
        )
