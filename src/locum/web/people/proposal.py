"""One proposal: exactly what it says, who signed, and the forms to sign it: /people/proposals/{id}."""

from typing import Annotated

from fastapi import Depends, FastAPI, Form, Response

from locum.errors import LocumError, Refused
from locum.messages import say
from locum.proposals import Proposal
from locum.register.reading import text_of
from locum.web.guard import with_script
from locum.web.inside import Inside, words_of
from locum.web.people.shown import Words
from locum.web.shown import error_words
from locum.web.signin import Signed, signed_in
from locum.web.signing import asked, assertion_of, statement_field, statement_of

_NAMED = 20
Who = Annotated[Signed, Depends(signed_in)]


class ProposalPages:
    """The routes."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._desk = inside.desk

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`."""
        path = "/people/proposals/{proposal}"
        app.add_api_route(path, self.show, methods=["GET", "HEAD"], response_model=None)
        app.add_api_route(f"{path}/sign", self.sign, methods=["POST"], response_model=None)
        app.add_api_route(f"{path}/withdraw", self.withdraw, methods=["POST"], response_model=None)

    def show(self, who: Who, proposal: str, said: str = "") -> Response:
        """What it says, and how she may sign it."""
        try:
            return self._page(who, self._desk.proposal(proposal), said=said)
        except LocumError as error:
            return self._gone(who, error)

    def sign(
        self,
        who: Who,
        proposal: str,
        statement: Annotated[str, Form()] = "",
        credential: Annotated[str, Form()] = "",
    ) -> Response:
        """Her signature."""
        try:
            one = self._desk.sign_deed(who.acting, proposal, statement_of(statement), assertion_of(credential))
        except LocumError as error:
            return self._again(who, proposal, error)
        return self._inside.onward(f"/people/proposals/{one.id}?said=signed")

    def withdraw(self, who: Who, proposal: str) -> Response:
        """Take it back."""
        try:
            self._desk.withdraw_proposal(who.acting, proposal)
        except LocumError as error:
            return self._again(who, proposal, error)
        return self._inside.onward("/people?said=withdrawn")

    def _again(self, who: Signed, proposal: str, error: LocumError) -> Response:
        try:
            return self._page(who, self._desk.proposal(proposal), problem=error)
        except LocumError as worse:
            return self._gone(who, worse)

    def _gone(self, who: Signed, error: LocumError) -> Response:
        return self._inside.page(who, "people_gone.html", "people", problem=error)

    def _page(self, who: Signed, one: Proposal, *, said: str = "", problem: LocumError | None = None) -> Response:
        words, is_open = Words.of(self._desk, who), one.is_open(self._inside.entrance.doorway.clock())
        forms, why_not = self._forms(who, one, words) if is_open else ([], None)
        language = who.person.language
        hands = self._desk.hands(one)
        shown = self._inside.page(
            who,
            "people_proposal.html",
            "people",
            problem=problem,
            one=one,
            title=say(language, f"deeds.{one.kind}.title"),
            text=text_of(one.kind, one.what, language),
            by=words.name(one.by),
            named=[(person, words.named(person)) for person in sorted(words.persons(one))[:_NAMED]],
            span=words.span(one),
            made=words.when(one.made_at),
            until=words.when(one.not_after),
            state=one.state if one.state != "open" or is_open else "expired",
            hands=[(words.name(hand.person), words.function(hand.function), hand.is_new) for hand in hands],
            forms=forms,
            why_not=error_words(language, why_not.key, words_of(why_not)) if why_not is not None else None,
            may_withdraw=is_open
            and who.person.id in {one.by, one.what.get("person") if one.kind == "key-added" else ""},
            said=said == "signed",
            waits=one.kind == "key-added" and len(hands) == 3,
        )
        return with_script(shown)

    def _forms(self, who: Signed, one: Proposal, words: Words) -> tuple[list[dict[str, object]], LocumError | None]:
        party = self._inside.entrance.doorway.party
        try:
            if party is None:
                raise Refused("no-passkeys-here")  # noqa: TRY301  told like any other
            found: list[dict[str, object]] = []
            for way in self._desk.deed_ways(who.acting, one):
                to_sign = self._desk.deed_to_sign(who.acting, one.id, way.function)
                found.append(
                    {
                        "function": words.function(way.function),
                        "is_new": way.is_new,
                        "statement": statement_field(to_sign),
                        "asked": asked(party, to_sign),
                    }
                )
        except Refused as error:
            return [], error
        return found, None
