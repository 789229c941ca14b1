"""A key for somebody who has none: /new-key/{token}, behind a link that a colleague with a function made. She makes the key
and signs with it; then two others have to, and it waits a day. The link is used up when the new key has signed.
"""

import json
from typing import Annotated

from fastapi import FastAPI, Form, Request, Response

from locum.absence import Person
from locum.desk import Acting
from locum.desk.registering import NEW_KEY
from locum.errors import Invalid, LocumError
from locum.register.reading import key_words
from locum.web.people.keys import as_json, key_made
from locum.web.people.links import LinkDoor
from locum.web.people.shown import keys_of
from locum.web.signin.passkeys import CHALLENGE_BYTES, ask_for_key
from locum.web.signing import asked, assertion_of, statement_field, statement_of


class NewKeyPages:
    """The routes."""

    def __init__(self, door: LinkDoor) -> None:
        self._door = door

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`."""
        path = f"/{NEW_KEY}/{{token}}"
        app.add_api_route(path, self.show, methods=["GET", "HEAD"], response_model=None)
        app.add_api_route(path, self.begin, methods=["POST"], response_model=None)
        app.add_api_route(f"{path}/made", self.made, methods=["POST"], response_model=None)
        app.add_api_route(f"{path}/signed", self.signed, methods=["POST"], response_model=None)

    def show(self, request: Request, token: str) -> Response:
        """Whose key it is going to be. Changes nothing."""
        return self._begin(request, token)

    def _begin(self, request: Request, token: str, problem: LocumError | None = None) -> Response:
        try:
            person = self._person(token)
        except LocumError as error:
            return self._door.told(request, error)
        return self._door.page(request, "new_key.html", problem=problem, token=token, person=person, step="begin")

    def begin(self, request: Request, token: str) -> Response:
        """She is ready: what the browser is asked to make."""
        try:
            person, party = self._person(token), self._door.party()
        except LocumError as error:
            return self._door.told(request, error)
        challenge = self._door.inside.entrance.doorway.random(CHALLENGE_BYTES)
        to_make = ask_for_key(
            party,
            challenge,
            person=person.id,
            name=person.name,
            shown=person.mailbox.address if person.mailbox else person.id,
            existing=[key.credential for key in keys_of(self._door.desk, person.id)],
        )
        sitting = self._door.keep(NEW_KEY, {"challenge": challenge.hex(), "person": person.id})
        return self._door.page(
            request, "new_key.html", token=token, person=person, step="make", sitting=sitting, asked=json.dumps(to_make)
        )  # fmt: skip

    def made(
        self,
        request: Request,
        token: str,
        sitting: Annotated[str, Form()] = "",
        credential: Annotated[str, Form()] = "",
    ) -> Response:
        """The key is there: it signs that it is hers."""
        try:
            person = self._person(token)
            state = self._door.kept(NEW_KEY, sitting)
            if state["person"] != person.id:
                raise Invalid("key-link-unknown")
            key = key_made(self._door.party(), credential, bytes.fromhex(str(state["challenge"])))
            one = self._door.desk.propose(_acting(person), "key-added", as_json(person.id, key))
            to_sign = self._door.desk.deed_to_sign(_acting(person), one.id, language=self._door.language(request))
            ask = asked(self._door.party(), to_sign)
        except LocumError as error:
            return self._failed(request, token, error)
        return self._door.page(
            request,
            "new_key.html",
            token=token,
            person=person,
            step="sign",
            sitting=self._door.keep(
                NEW_KEY, {"proposal": one.id, "person": person.id, "credential": key.credential.hex()}
            ),
            asked=ask,
            statement=statement_field(to_sign),
            text=to_sign.text,
        )

    def signed(
        self,
        request: Request,
        token: str,
        sitting: Annotated[str, Form()] = "",
        statement: Annotated[str, Form()] = "",
        credential: Annotated[str, Form()] = "",
    ) -> Response:
        """It signed: the link is used up, and two others look at it."""
        try:
            person = self._person(token)
            state = self._door.kept(NEW_KEY, sitting)
            if state["person"] != person.id or "proposal" not in state:
                raise Invalid("key-link-unknown")
            signed = statement_of(statement), assertion_of(credential)
            self._door.desk.office.key_links().use(token)
            self._door.desk.sign_deed(_acting(person), str(state["proposal"]), *signed)
        except LocumError as error:
            return self._failed(request, token, error)
        words = key_words(bytes.fromhex(str(state["credential"])), self._door.language(request))
        return self._door.page(request, "new_key.html", token=token, person=person, step="done", words=words)

    def _failed(self, request: Request, token: str, error: LocumError) -> Response:
        if error.key.startswith("key-link-"):
            return self._door.told(request, error)
        return self._begin(request, token, error)

    def _person(self, token: str) -> Person:
        """Whose link this is. Raises Invalid, Conflict."""
        kind, _, person_id = self._door.purpose(token).partition(":")
        person = self._door.desk.office.people.person(person_id)
        if kind != NEW_KEY or person is None:
            raise Invalid("key-link-unknown")
        return person


def _acting(person: Person) -> Acting:
    return Acting(id=person.id, name=person.name, address=person.mailbox.address if person.mailbox else "")
