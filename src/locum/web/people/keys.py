"""My keys, and making another: /people/keys. A new key is signed for by itself and by an older one, or by two others."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, FastAPI, Form, Request, Response
from fastapi.responses import JSONResponse

from locum.approval.strict import encoded
from locum.entry import Json
from locum.errors import Invalid, LocumError, Refused
from locum.web.guard import with_script
from locum.web.inside import Inside
from locum.web.people.shown import Words, keys_of
from locum.web.signin import Signed, signed_in
from locum.web.signin.passkeys import CHALLENGE_BYTES, NewKey, NoProof, Party, ask_for_key, new_key
from locum.web.signing import NO_PASSKEYS

Who = Annotated[Signed, Depends(signed_in)]
_ATTEMPT = "new-key"


def as_json(person: str, made: NewKey) -> dict[str, Json]:
    """A new key as it stands in a deed."""
    return {
        "person": person,
        "credential": encoded(made.credential),
        "key": encoded(made.public_key),
        "sign_count": made.sign_count,
    }


def key_made(party: Party, answer: str, challenge: bytes) -> NewKey:
    """What the browser made. Raises Refused `key-not-made`."""
    try:
        return new_key(party, answer, challenge)
    except NoProof as error:
        raise Refused("key-not-made") from error


class KeyPages:
    """The routes."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._desk = inside.desk

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`."""
        app.add_api_route("/people/keys", self.show, methods=["GET", "HEAD"], response_model=None)
        for path, do in (
            ("/people/keys/ask", self.ask),
            ("/people/keys/new", self.new),
            ("/people/keys/withdraw", self.withdraw),
        ):
            app.add_api_route(path, do, methods=["POST"], response_model=None)

    def show(self, who: Who) -> Response:
        """Her keys."""
        return self._page(who)

    def ask(self, who: Who) -> Response:
        """What the script asks the browser to make."""
        doorway = self._inside.entrance.doorway
        if doorway.party is None:
            return JSONResponse({}, status_code=403)
        challenge, person = doorway.random(CHALLENGE_BYTES), who.person
        asked = ask_for_key(
            doorway.party,
            challenge,
            person=person.id,
            name=person.name,
            shown=person.mailbox.address if person.mailbox else person.id,
            existing=[key.credential for key in keys_of(self._desk, person.id)],
        )
        answer = JSONResponse(asked)
        cookies = self._inside.entrance.cookies
        token = doorway.sessions.attempt(_ATTEMPT, challenge + person.id.encode())
        cookies.keep(answer, cookies.attempt, token, seconds=600)
        return answer

    def new(self, request: Request, who: Who, credential: Annotated[str, Form()] = "") -> Response:
        """What the browser made: on to where it is signed for."""
        doorway, cookies = self._inside.entrance.doorway, self._inside.entrance.cookies
        try:
            kept = doorway.sessions.answered(_ATTEMPT, cookies.read(request, cookies.attempt))
            if doorway.party is None or kept is None or kept[CHALLENGE_BYTES:].decode() != who.person.id:
                raise Refused("key-not-made")
            made = key_made(doorway.party, credential, kept[:CHALLENGE_BYTES])
            one = self._desk.propose(who.acting, "key-added", as_json(who.person.id, made))
        except LocumError as error:
            return self._page(who, problem=error)
        answer = self._inside.onward(f"/people/proposals/{one.id}")
        cookies.drop(answer, cookies.attempt)
        return answer

    def withdraw(
        self,
        who: Who,
        key: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
    ) -> Response:
        """Propose to withdraw a key, hers or another's; on to where it is signed."""
        try:
            one = self._desk.propose(who.acting, "key-withdrawn", self._withdrawal(key, reason))
        except LocumError as error:
            return self._page(who, problem=error)
        return self._inside.onward(f"/people/proposals/{one.id}")

    def _withdrawal(self, key: str, reason: str) -> Mapping[str, Json]:
        try:
            found = self._desk.register().keys[bytes.fromhex(key)]
        except (KeyError, ValueError) as error:
            raise Invalid("deed-unreadable") from error
        return {"person": found.person, "credential": encoded(found.credential), "reason": reason}

    def _page(self, who: Signed, *, problem: LocumError | None = None) -> Response:
        doorway, words = self._inside.entrance.doorway, Words.of(self._desk, who)
        now = doorway.clock()
        return with_script(
            self._inside.page(
                who,
                "people_keys.html",
                "people",
                problem=problem or (NO_PASSKEYS if doorway.party is None else None),
                keys=[words.key(key, now) for key in keys_of(self._desk, who.person.id)],
                has_party=doorway.party is not None,
            )
        )
