"""/policy: the regulation in force in the reader's language, which version was in force when, and its documents as files."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Response

from locum.errors import Invalid, LocumError, Rejected
from locum.phrases import when
from locum.regulation import NAMES
from locum.web.house.shown import attached, language_of, words
from locum.web.inside import Inside
from locum.web.signin.doorway import Signed
from locum.web.signin.who import signed_in

Who = Annotated[Signed, Depends(signed_in)]
_FORMS: Final = ("pdf", "html", "md")
_MANY: Final = 24
_SHOWN: Final = frozenset({"policy-none-yet", "bad-time", "policy-text-lost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A policy that was in force, in words. `until` is empty for the newest."""

    hash: str
    since: str
    until: str


class PolicyPages:
    """The routes over one desk. Printed files are kept, a few of them: the same policy is printed once."""

    def __init__(self, inside: Inside) -> None:
        """Over one desk."""
        self._in = inside
        self._printed: dict[tuple[str, str, str], bytes] = {}

    def join(self, app: FastAPI) -> None:
        """Add the routes."""
        app.add_api_route("/policy", self.show, methods=["GET", "HEAD"], response_model=None)
        app.add_api_route("/policy/{name}.{form}", self.download, methods=["GET", "HEAD"], response_model=None)

    def show(self, who: Who, version: str = "", at: str = "") -> Response:
        """The regulation in force, an earlier one, or the one in force at a moment."""
        house, language = self._in.desk.house, language_of(who)
        problem: LocumError | None = None
        shown = ""
        try:
            shown = house.version_at(at, who.person).hash if at else self._known(version)
            document = house.regulation("regulation", language, shown)
        except (Invalid, Rejected) as error:
            if error.key not in _SHOWN:
                raise
            problem, shown = error, ""
            document = house.regulation("regulation", language)
        return self._in.page(
            who,
            "house/policy.html",
            "policy",
            problem=problem,
            house=words(language),
            document=document,
            names=NAMES if self._in.papers is not None else (),
            versions=self._versions(who, language),
            version=shown or house.version,
            is_newest=shown in ("", house.version),
            at=at,
            trial=house.trial,
        )

    def _known(self, version: str) -> str:
        """A hash of one that was in force, or nothing: no text is looked up by another name."""
        known = {one.hash for one in self._in.desk.house.versions()}
        return version if version in known else ""

    def _versions(self, who: Signed, language: str) -> list[Version]:
        found = self._in.desk.house.versions()
        zone = who.person.time_zone
        ends = ["", *(when(one.since, language, zone) for one in found)]
        return [
            Version(hash=one.hash, since=when(one.since, language, zone), until=ends[place])
            for place, one in enumerate(found)
        ]

    def download(self, who: Who, name: str, form: str, version: str = "") -> Response:
        """A document as a file."""
        if name not in NAMES or form not in _FORMS or self._in.papers is None:
            return self._in.onward("/policy")
        language = language_of(who)
        shown = self._known(version) or self._in.desk.house.version
        document = self._in.desk.house.regulation(name, language, shown)
        if form != "pdf":
            return attached(self._in.papers.regulation([document], form), form, f"{name}-{language}.{form}")
        key = (shown, name, language)
        if key not in self._printed:
            content = self._in.papers.regulation([document], form)
            while len(self._printed) >= _MANY:
                self._printed.pop(next(iter(self._printed)), None)
            self._printed[key] = content
        return attached(self._printed.get(key, b""), form, f"{name}-{language}.{form}")
