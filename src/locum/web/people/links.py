"""What is behind one-time links for keys: whether a link is good, how often one may guess, and what is kept from one step to
the next. A GET changes nothing, since mail scanners and chat programs open links.
"""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response

from locum.desk import Desk
from locum.errors import Conflict, Invalid, LocumError, Refused, Trouble
from locum.web.guard import GuessLimit, client_of, with_script
from locum.web.inside import Inside, status_of, words_of
from locum.web.shown import error_words, page, problem_page
from locum.web.signin.passkeys import Party

_STATUS = {"key-link-unknown": 404, "key-link-expired": 410, "key-link-used": 409}


class LinkDoor:
    """The door to both kinds of links."""

    def __init__(self, inside: Inside) -> None:
        self.inside = inside
        self._limit = GuessLimit(inside.monotonic)

    @property
    def desk(self) -> Desk:
        """The desk."""
        return self.inside.desk

    def language(self, request: Request) -> str:
        """Of whoever's browser asks."""
        return self.inside.site.reads(request.headers.get("accept-language", ""))

    def party(self) -> Party:
        """For whom keys are made. Raises Refused `no-passkeys-here`."""
        party = self.inside.entrance.doorway.party
        if party is None:
            raise Refused("no-passkeys-here")
        return party

    def purpose(self, token: str) -> str:
        """What a link is for. Raises Invalid, Conflict."""
        return self.desk.office.key_links().purpose(token)

    def keep(self, kind: str, state: Mapping[str, object]) -> str:
        """Keep what was said so far; the token of it."""
        return self.inside.entrance.doorway.sessions.attempt(kind, json.dumps(state).encode())

    def kept(self, kind: str, token: str) -> dict[str, object]:
        """What was kept, once. Raises Conflict `sitting-over`."""
        found = self.inside.entrance.doorway.sessions.answered(kind, token) if token else None
        if found is None:
            raise Conflict("sitting-over")
        state: dict[str, object] = json.loads(found)
        return state

    def page(self, request: Request, template: str, *, problem: LocumError | None = None, **values: Any) -> Response:
        """A page of a link, in the language of the browser."""
        language = self.language(request)
        said = error_words(language, problem.key, words_of(problem)) if problem is not None else None
        status = status_of(problem) if problem is not None else 200
        return with_script(page(template, language, self.inside.site, status, problem=said, **values))

    def told(self, request: Request, error: LocumError) -> Response:
        """A plain page for a link that does not work."""
        language, site = self.language(request), self.inside.site
        if error.key == "key-link-unknown":
            peer = request.client.host if request.client else ""
            forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
            if seconds := self._limit.guessed(client_of(peer, forwarded, self.inside.proxies)):
                values, headers = {"minutes": str(-(-seconds // 60))}, {"Retry-After": str(seconds)}
                return problem_page(site, language, 429, "too-many-guesses", values, headers=headers)
        if isinstance(error, Trouble) or not isinstance(error, Invalid | Conflict | Refused):
            return problem_page(site, language, 503, "try-later", {}, headers={"Retry-After": "30"})
        return problem_page(site, language, _STATUS.get(error.key, status_of(error)), error.key, error.values)
