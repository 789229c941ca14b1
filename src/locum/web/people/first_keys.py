"""The first two keys of an organisation, behind the one-time link: /first-keys/{token}. Two people of two functions, one
sitting: both make a key, then both sign with it, who else was there as well. The link is used up when that is recorded.
"""

import json
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import FastAPI, Form, Request, Response

from locum.absence import Person
from locum.approval import Signed
from locum.desk import ToSign
from locum.entry import Json
from locum.errors import Conflict, Invalid, LocumError
from locum.key_links import FIRST_KEYS
from locum.phrases import one_line
from locum.web.people.keys import as_json, key_made
from locum.web.people.links import LinkDoor
from locum.web.signin.passkeys import CHALLENGE_BYTES, ask_for_key
from locum.web.signing import asked, assertion_of, statement_field, statement_of

_STEPS: Final = 4


class FirstKeys:
    """The routes."""

    def __init__(self, door: LinkDoor) -> None:
        self._door = door

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`."""
        path = f"/{FIRST_KEYS}/{{token}}"
        app.add_api_route(path, self.show, methods=["GET", "HEAD"], response_model=None)
        app.add_api_route(path, self.begin, methods=["POST"], response_model=None)
        app.add_api_route(f"{path}/next", self.next, methods=["POST"], response_model=None)

    def show(self, request: Request, token: str) -> Response:
        """Who are the two?"""
        try:
            self._check(token)
        except LocumError as error:
            return self._door.told(request, error)
        return self._form(request, token)

    def begin(
        self,
        request: Request,
        token: str,
        one: Annotated[str, Form()] = "",
        other: Annotated[str, Form()] = "",
        present: Annotated[str, Form()] = "",
    ) -> Response:
        """The two are named: the first of them makes a key."""
        try:
            self._check(token)
            self._door.party()
        except LocumError as error:
            return self._door.told(request, error)
        said = {"one": one, "other": other, "present": present}
        try:
            both = [self._person(one), self._person(other)]
            line = unicodedata.normalize("NFC", one_line(present, 280))
            if len({person.id for person in both}) < 2 or len({person.function for person in both}) < 2:
                raise Invalid("first-keys-not-two")
            if not line:
                raise Invalid("first-keys-nobody-present")
        except LocumError as error:
            return self._form(request, token, problem=error, **said)
        return self._step(request, token, {"people": [p.id for p in both], "present": line, "keys": [], "signed": []})

    def next(
        self,
        request: Request,
        token: str,
        sitting: Annotated[str, Form()] = "",
        statement: Annotated[str, Form()] = "",
        credential: Annotated[str, Form()] = "",
    ) -> Response:
        """One of them made a key, or signed."""
        try:
            self._check(token)
            state = self._door.kept(FIRST_KEYS, sitting)
            keys, signed = list(_list(state, "keys")), list(_list(state, "signed"))
            if len(keys) < 2:
                keys.append(self._made(state, len(keys), credential))
            else:
                signed.append(Signed(statement_of(statement), assertion_of(credential)).as_json())
            state = {**state, "keys": keys, "signed": signed}
            if len(signed) == 2:
                return self._done(request, token, signed)
            return self._step(request, token, state)
        except Conflict as error:
            return (
                self._form(request, token, problem=error)
                if error.key == "sitting-over"
                else self._door.told(request, error)
            )
        except LocumError as error:
            if error.key.startswith("key-link-"):
                return self._door.told(request, error)
            return self._form(request, token, problem=error)

    def _check(self, token: str) -> None:
        if self._door.purpose(token) != FIRST_KEYS:
            raise Invalid("key-link-unknown")

    def _person(self, text: str) -> Person:
        """By id or address, with a function in people.csv. Raises Invalid."""
        people = self._door.desk.office.people
        found = people.person(text.strip()) or people.owner(text.strip())
        if found is None:
            raise Invalid("unknown-person", person=text.strip()[:80])
        if not found.function:
            raise Invalid("first-keys-no-function", name=found.name)
        return found

    def _made(self, state: Mapping[str, object], place: int, credential: str) -> dict[str, Json]:
        made = key_made(self._door.party(), credential, bytes.fromhex(str(state["challenge"])))
        person = self._person(str(_list(state, "people")[place]))
        return {**as_json(person.id, made), "function": person.function}

    def _step(self, request: Request, token: str, state: dict[str, object]) -> Response:
        """The next of the four steps: a key for each, a signature of each."""
        keys, signed = _list(state, "keys"), _list(state, "signed")
        place = len(keys) + len(signed)
        person = self._person(str(_list(state, "people")[place % 2]))
        values: dict[str, Any] = {"asked": "", "statement": "", "text": ""}
        if place < 2:
            challenge = self._door.inside.entrance.doorway.random(CHALLENGE_BYTES)
            state = {**state, "challenge": challenge.hex()}
            values["asked"] = json.dumps(
                ask_for_key(
                    self._door.party(),
                    challenge,
                    person=person.id,
                    name=person.name,
                    shown=person.mailbox.address if person.mailbox else person.id,
                )
            )
        else:
            to_sign = self._to_sign(request, state, person)
            values |= {"asked": asked(self._door.party(), to_sign), "statement": statement_field(to_sign)}
            values["text"] = to_sign.text
        return self._door.page(
            request,
            "first_keys_step.html",
            token=token,
            sitting=self._door.keep(FIRST_KEYS, state),
            person=person,
            place=place + 1,
            steps=_STEPS,
            creates=place < 2,
            **values,
        )

    def _to_sign(self, request: Request, state: Mapping[str, object], person: Person) -> ToSign:
        what: dict[str, Json] = {"people": list(_list(state, "keys")), "present": str(state["present"])}
        return self._door.desk.founding_to_sign(what, person.id, self._door.language(request))

    def _done(self, request: Request, token: str, signed: list[Json]) -> Response:
        under = [Signed.from_json(one) for one in signed]
        name = self._door.desk.found(under)
        self._door.desk.office.key_links().use(token)
        return self._door.page(request, "first_keys_done.html", founded=name)

    def _form(
        self,
        request: Request,
        token: str,
        *,
        problem: LocumError | None = None,
        one: str = "",
        other: str = "",
        present: str = "",
    ) -> Response:
        values: dict[str, Any] = {"one": one, "other": other, "present": present}
        values["again"] = bool(self._door.desk.register().keys)
        return self._door.page(request, "first_keys.html", problem=problem, token=token, **values)


def _list(state: Mapping[str, object], name: str) -> list[Json]:
    found = state[name]
    return found if isinstance(found, list) else []
