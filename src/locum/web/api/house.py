"""The API's routes about the house: a mailbox's history, who is away, the figures, the policy, and who has which function."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Path, Query, Security
from starlette.responses import Response

from locum.access_tokens import Scope
from locum.desk import in_force, yearly
from locum.desk.seeing import may_see, sees_everyone, told_of
from locum.entry import Entry
from locum.errors import Invalid, LocumError
from locum.figures import figures_hash, figures_to_json
from locum.hours import parse_when
from locum.lifecycle import Case
from locum.measure import instant
from locum.register import Moment
from locum.shapes import entry_shape, gap_shape, policy_shape
from locum.web.api import told
from locum.web.api.answering import PREFIX, Answering, answered, responses
from locum.web.api.caller import Caller, caller

History = Annotated[Caller, Security(caller, scopes=[Scope.CASES_READ])]
Gaps = Annotated[Caller, Security(caller, scopes=[Scope.GAPS_READ])]
Figures = Annotated[Caller, Security(caller, scopes=[Scope.FIGURES_READ])]
Policy = Annotated[Caller, Security(caller, scopes=[Scope.POLICY_READ])]
People = Annotated[Caller, Security(caller, scopes=[Scope.PEOPLE_READ])]


class HouseRoutes:
    """The routes over one desk."""

    def __init__(self, answering: Answering) -> None:
        self._desk = answering.desk
        self._office = answering.desk.office

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`."""
        routes: tuple[tuple[str, str, Any, dict[int | str, dict[str, Any]]], ...] = (
            ("cases", "/mailboxes/{address}/history", self.history, responses(told.Entries, 400)),
            ("house", "/gaps", self.gaps, responses(told.Gaps)),
            ("house", "/figures/{year}", self.figures, responses(told.Figures, 400, 404)),
            ("house", "/policy", self.policy, responses(told.Policy, 400, 404)),
            ("house", "/people", self.people, responses(told.People)),
        )
        for tag, path, route, found in routes:
            app.add_api_route(
                f"{PREFIX}{path}",
                route,
                methods=["GET"],
                responses=found,
                operation_id=route.__name__,
                tags=[tag],
                response_model=None,
            )

    def history(
        self, who: History, address: Annotated[str, Path(min_length=3, max_length=320, examples=["anna@corp.test"])]
    ) -> Response:
        """What was recorded about a mailbox, oldest first: all of it for her, for others what is of cases they may see."""
        entries = self._desk.history(address)
        owner = self._office.people.owner(address)
        seen: dict[str, Case | None] = {}
        shown = [
            one
            for entry in entries
            if (one := self._shown(who, owner is not None and owner.id == who.person.id, entry, seen))
        ]
        return answered({"entries": [entry_shape(one) for one in shown]})

    def _shown(self, who: Caller, hers: bool, entry: Entry, seen: dict[str, Case | None]) -> Entry | None:
        if hers:
            return entry
        if entry.case not in seen:
            seen[entry.case] = self._visible(who, entry.case)
        case = seen[entry.case]
        return None if case is None else told_of(who.acting, case, entry)

    def _visible(self, who: Caller, case_id: str) -> Case | None:
        try:
            case = self._desk.case(case_id) if case_id else None
        except LocumError:
            return None
        return case if case is not None and may_see(self._office, who.acting, case) else None

    def gaps(self, who: Gaps, within: Annotated[int, Query(ge=0, le=366, description="Days ahead.")] = 14) -> Response:
        """Who is away, or will be, without a reply, and whose is still on after the return: everybody's where the policy shows
        you these, otherwise your own.
        """
        everyone = sees_everyone(self._office, who.acting)
        found = [gap for gap in self._desk.gaps(within_days=within) if everyone or gap.person.id == who.person.id]
        return answered({"everyone": everyone, "gaps": [gap_shape(gap) for gap in found]})

    def figures(self, who: Figures, year: Annotated[int, Path(ge=2000, le=9000)]) -> Response:  # noqa: ARG002  the scope
        """The yearly figures for the works council, as they were issued."""
        issued = yearly.issued(self._office.store, year)
        if issued is None:
            raise Invalid("figures-not-issued", year=year)
        return answered(
            {
                "hash": figures_hash(issued.figures),
                "issued": {"at": instant(issued.at), "by": issued.by},
                "figures": figures_to_json(issued.figures),
            }
        )

    def policy(
        self,
        who: Policy,  # noqa: ARG002  the scope
        at: Annotated[str | None, Query(max_length=40, description="ISO 8601, a bare date, or `now`.")] = None,
    ) -> Response:
        """The policy in force now, or at a moment."""
        office = self._office
        known = in_force.history(office.store)
        if at is None:
            policy, last = office.policy, known[-1] if known else None
            return _policy(policy_shape(policy, last if last is not None and last.hash == policy.hash else None, None))
        moment = parse_when(at, ZoneInfo(office.organisation.time_zone), office.clock())
        then = in_force.at(known, moment)
        after = next((one for one in known if one.since > then.since), None)
        return _policy(policy_shape(in_force.text_of(office.store, then.hash), then, after))

    def people(
        self,
        who: People,  # noqa: ARG002  the scope
        function: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    ) -> Response:
        """Who has which function, and whose manager she is; never anything private."""
        register, now = self._office.register(), Moment(self._office.clock())
        recorded = {person for person, _ in (*register.functions, *((m, p) for p, m in register.managers))}
        on_record = {person: register.functions_of(person, now) for person in recorded}
        found = [
            {
                "person": person.id,
                "name": person.name,
                "function": person.function,
                "functions": sorted(on_record.get(person.id, ())),
                "manager": person.manager,
                "mailbox": person.mailbox.address if person.mailbox else None,
            }
            for person in self._office.people.everyone()
            if (has := {person.function, *on_record.get(person.id, ())} - {""})
            and (function is None or function in has)
        ]
        return answered({"people": found})


def _policy(shape: dict[str, object]) -> Response:
    """A policy, without who happened to act when it was first seen."""
    return answered({name: value for name, value in shape.items() if name != "seen_by"})
