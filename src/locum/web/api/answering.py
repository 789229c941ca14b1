"""What all routes of the API share: the desk, who may see which case, what an answer looks like, and what may go wrong."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from locum.addresses import canonical
from locum.desk import Desk
from locum.desk.seeing import may_see
from locum.errors import Conflict, Invalid, LocumError
from locum.lifecycle import Case
from locum.shapes import case_shape, remark_shape
from locum.web.api import told
from locum.web.api.asking import Strict
from locum.web.api.caller import Caller, challenge_of
from locum.web.problems import ROOT, as_json, is_ours, problem
from locum.web.shown import Site

PREFIX: Final = "/v1"
_CASE: Final = re.compile(r"[a-z2-7]{4}-[a-z2-7]{4}")
_WRONG: Final[Mapping[int, str]] = {
    400: "The desk does not understand it: a date, an address, a reason.",
    401: "No token, or none that works.",
    403: "The policy refuses it, or the token may not.",
    404: "There is none, or none that you may see.",
    408: "It did not arrive in time.",
    409: "Not as things stand.",
    410: "It was erased: the time for which it was kept is over.",
    413: "Too much at once.",
    415: "Not JSON.",
    422: "Not as described here; or something that this mail system cannot say; or a key that came with something else.",
    429: "Too many tokens that do not work.",
    500: "Our fault.",
    503: "Not just now.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """The desk as the API knows it."""

    desk: Desk
    site: Site

    def visible(self, who: Caller, case_id: str) -> Case:
        """The case, where she may see it. Raises Invalid `no-such-case`, also where there is one that is not hers."""
        case = self.desk.case(case_id) if _CASE.fullmatch(case_id) else None
        if case is None or not may_see(self.desk.office, who.acting, case):
            raise Invalid("no-such-case", case=case_id[:20])
        return case

    def mailbox(self, address: str) -> str:
        """The mailbox that an address or alias belongs to. Raises Invalid `bad-address`."""
        owner = self.desk.office.people.owner(canonical(address))
        return owner.mailbox.address if owner is not None and owner.mailbox is not None else canonical(address)

    def refusal(self, who: Caller, error: LocumError, **more: object) -> Response:
        """An error as she may read it."""
        return problem(
            who.language,
            error,
            hidden=self._of_others(who, error),
            headers=challenge_of(error),
            **more,
        )

    def _of_others(self, who: Caller, error: LocumError) -> frozenset[str]:
        """Which values of an error are somebody else's."""
        if "case" not in error.values or error.key == "no-such-case":
            return frozenset()
        try:
            self.visible(who, error.values["case"])
        except LocumError:
            return frozenset({"case"})
        return frozenset()

    def own_case(self, who: Caller, error: LocumError) -> Case | None:
        """The case that an error is about, where she may see it."""
        try:
            return self.visible(who, error.values.get("case", ""))
        except LocumError:
            return None

    def shown(self, who: Caller, error: LocumError) -> LocumError:
        """An error of one among many, without what is somebody else's, and without what is ours to mend."""
        if is_ours(error):
            return Conflict("not-now")
        hidden = dict.fromkeys(self._of_others(who, error), "…")
        return error.with_values(**{**error.values, **hidden})

    def changed(self, who: Caller, case: Case, status: int = 200) -> Response:
        """A case that was just filed, or changed."""
        remarks = [remark_shape(field, remark, who.language) for field, remark in self.desk.warnings(case)]
        answer = answered({**self.shape(case), "warnings": remarks}, status)
        if status == 201:
            answer.headers["Location"] = self.address(f"/cases/{case.id}")
        return answer

    def shape(self, case: Case) -> dict[str, object]:
        """A case."""
        return case_shape(case, trial=self.desk.office.unsigned_reviews)

    def address(self, path: str) -> str:
        """Where something of the API is, seen from outside, without the host."""
        return f"{self.site.root}{ROOT}{PREFIX}{path}"


def answered(document: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(as_json(document), status_code=status, media_type="application/json")


def responses(model: type[Strict] | None, *wrong: int, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """What a route may answer with, for the description: its model, and problems."""
    every: Sequence[int] = (401, 403, 408, 413, 415, 422, 429, 500, 503, *wrong)
    found: dict[int | str, dict[str, Any]] = {} if model is None else {status: {"model": model}}
    return found | {one: {"model": told.Problem, "description": _WRONG[one]} for one in sorted(every)}
