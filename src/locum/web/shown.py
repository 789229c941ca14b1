"""What the pages show: from a LinkView to the words and parts of a page, and from a template to HTML. Changes nothing.

All text from people is hostile: Jinja escapes every value, and what cannot be seen (controls, bidirectional marks) is
left out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Final
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from locum.desk import LinkView, OwnText
from locum.entry import Entry
from locum.errors import LocumError
from locum.lifecycle import Case, State
from locum.measure import Audience
from locum.messages import LANGUAGES, say, says
from locum.phrases import dates_in_words, legible, when

_PHASES: Final[Mapping[State, str]] = {
    State.REQUESTED: "asked",
    State.ASKING: "asked",
    State.AGREED: "agreed",
    State.UNANSWERED: "unanswered",
    State.AWAITING_REVIEW: "unanswered",
    State.APPROVED: "unanswered",
    State.SCHEDULED: "unanswered",
    State.APPLYING: "live",
    State.APPLIED: "live",
    State.OBJECTED: "objected",
    State.ENDING: "ending",
    State.ENDED: "ended",
    State.ACCOUNTED: "ended",
    State.WITHDRAWN: "withdrawn",
    State.REFUSED: "refused",
    State.EXPIRED: "expired",
    State.FAILED: "failed",
}
_NOT_TO_HER: Final = frozenset(
    {
        "letter-requester",
        "letter-review",
        "letter-review-over",
        "letter-signed",
        "letter-contact-asked",
        "letter-contact-live",
        "letter-closing-due",
        "letter-consent",
        "letter-receiver-live",
        "letter-receiver-ended",
    }
)
_VARIANTS: Final = {"forward": "-forward", "both": "-both", "search": "-search"}
"""Sentences that are other words for a forward, and for a forward together with a reply: the same key with this behind it."""
_TO_COME: Final = frozenset({"asked", "agreed", "agreed-review", "own-text", "unanswered", "overruled", "set"})
_NEVER_SENT: Final = frozenset({"objected", "done-herself", "withdrawn", "refused", "expired", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Whose pages these are, and where they are seen from outside."""

    organisation: str
    language: str
    url: str

    @property
    def root(self) -> str:
        """What goes before our own paths, without a slash at the end."""
        return urlsplit(self.url).path.rstrip("/")

    def reads(self, accept_language: str) -> str:
        """The language of an Accept-Language header, as far as we have it (RFC 9110 12.5.4)."""
        wishes: list[tuple[float, str]] = []
        for part in accept_language.split(",")[:20]:
            name, _, weight = part.partition(";")
            match = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", weight)
            wishes.append((float(match[1]) if match else 1.0, name.strip().lower().partition("-")[0]))
        known = [wish for wish in wishes if wish[1] in LANGUAGES and wish[0] > 0]
        return max(known, key=lambda wish: wish[0])[1] if known else self.language


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One reply as it would be sent: `title` says to whom. `doubted` and `subject_doubted` are the places, from and up to, that
    somebody has to look at.
    """

    title: str
    sender: str
    subject: str
    text: str
    html: str | None = None
    doubted: tuple[tuple[int, int], ...] = ()
    subject_doubted: tuple[tuple[int, int], ...] = ()

    @property
    def pieces(self) -> list[tuple[bool, str]]:
        """The text in pieces, each doubted or not."""
        return in_pieces(self.text, self.doubted)

    @property
    def subject_pieces(self) -> list[tuple[bool, str]]:
        """The same of the subject."""
        return in_pieces(self.subject, self.subject_doubted)


def in_pieces(text: str, places: Iterable[tuple[int, int]]) -> list[tuple[bool, str]]:
    """`text` cut at these places, which may overlap; together the pieces are the text, letter for letter."""
    found: list[tuple[bool, str]] = []
    at = 0
    for start, end in sorted(places):
        if end > at:
            found += [(False, text[at:start]), (True, text[max(start, at) : end])]
            at = end
    return [(doubted, part) for doubted, part in (*found, (False, text[at:])) if part]


def phase(view: LinkView) -> str:
    """Which page this is, a key under `pages.phase.`."""
    if view.case is None:
        return "set" if "set" in view.may else "noted"
    return phase_of(view.case)


def phase_of(case: Case) -> str:
    """How it stands with a case, as she is told: a key under `pages.phase.`."""
    found = _PHASES[case.state]
    if found in ("asked", "unanswered", "agreed") and case.answer in ("agreed", "own-text"):
        waits = case.state is State.AWAITING_REVIEW or (case.forward and case.state is State.AGREED)
        return "agreed-review" if waits else case.answer
    if found == "unanswered" and case.answer == "objected":
        return "overruled"
    if found == "withdrawn" and case.answer == "done-herself":
        return "done-herself"
    return found


def audience(case: Case, language: str) -> str:
    """Who gets a reply, in words. Without an external text nobody outside does, whatever the audience."""
    reply = case.reply
    outside = reply is not None and reply.audience is not Audience.INTERNAL and bool(reply.external_text)
    return say(language, f"words.audience.{reply.audience if reply and outside else Audience.INTERNAL}")


def mails(view: LinkView, text: OwnText, *, html: bool = True) -> list[Mail]:
    """The replies that `text` makes, one or two."""
    told = partial(say, view.language)
    # Her bare address, as the mail system writes it.
    sender = view.owner.mailbox.address if view.owner.mailbox else ""
    measure = view.case.reply if view.case is not None and html else None
    rows = [("internal", text.internal_text, measure.html_body if measure else None)]
    if text.external_text:
        rows.append(("external", text.external_text, measure.external_html if measure else None))
    return [
        Mail(title=told(f"pages.texts.{to}"), sender=sender, subject=text.subject, text=body, html=markup)
        for to, body, markup in rows
    ]


def of_case(case: Case) -> OwnText:
    """The texts as the case holds them."""
    measure = case.reply
    if measure is None:
        return OwnText(subject="", internal_text="")
    return OwnText(subject=measure.subject, internal_text=measure.text_body, external_text=measure.external_text or "")


def deadline(view: LinkView, now_phase: str) -> str:
    """What happens if she does nothing, a key under `pages.deadline.`; empty where nothing more would."""
    if now_phase == "asked":
        return (view.if_unanswered if view.deadline_words else "now") if view.may & {"agree", "object"} else ""
    if now_phase == "unanswered" and "object" in view.may:
        waits = view.case and (view.case.forward or view.case.state is State.AWAITING_REVIEW)
        return "review-decided" if waits else "decided"
    return ""


def start(view: LinkView, now_phase: str) -> str:
    """When it starts, as part of a sentence. A start before the moment that decides is "in a moment"."""
    if view.case is None:
        return say(view.language, "pages.start.at", **{"from": view.from_words})
    decided_at = view.case.answered_at or view.case.ask_deadline_at
    if decided_at is None or view.case.from_date > decided_at:
        return say(view.language, "pages.start.at", **{"from": view.from_words})
    return say(view.language, "pages.start.then" if now_phase == "asked" else "pages.start.soon")


def so_far(view: LinkView) -> list[tuple[str, str]]:
    """What has happened, oldest first: when and what, in words."""
    return [
        (when(entry.time, view.language, view.owner.time_zone), said)
        for entry in view.entries
        if (said := _happened(view, entry))
    ]


def _happened(view: LinkView, entry: Entry) -> str:
    """One entry in words, empty where it says nothing that she would want to know here."""
    note = str(entry.body.get("note") or "")
    if note in _NOT_TO_HER or entry.body.get("outcome") == "sending":
        return ""
    key = f"pages.so_far.{'written' if note.startswith('letter-') else entry.type}"
    if not says(view.language, key):
        return ""
    details = [
        say(view.language, word)
        for area in ("channel", "outcome", "answer", "act")
        if says(view.language, word := f"words.{'contact' if area == 'outcome' else area}.{entry.body.get(area)}")
    ]
    return ": ".join(part for part in (say(view.language, key, requester=view.requester), ", ".join(details)) if part)


def _outcome(view: LinkView) -> str:
    """Why a case ended, in words; empty while it lasts."""
    key = f"words.outcome-hers.{view.case.outcome if view.case else ''}"
    return say(view.language, key) if says(view.language, key) else ""


def filled(view: LinkView, now_phase: str) -> dict[str, str]:
    """What the sentences about a case are filled with."""
    return {
        "name": view.owner.name,
        "requester": view.requester,
        "organisation": view.organisation,
        "from": view.from_words,
        "until": view.until_words,
        "deadline": view.deadline_words,
        "start": start(view, now_phase),
        "receiver": view.forward_to,
    }


def case_page(
    site: Site,
    view: LinkView,
    *,
    status: int = 200,
    problem: "tuple[str, Mapping[str, str]] | None" = None,
    draft: OwnText | None = None,
    preview: bool = False,
) -> HTMLResponse:
    """The page behind a link. `draft` is what she was writing; `preview` shows it; `problem` is an error's key and values."""
    now_phase = phase(view)
    reason = f"words.reason.{view.reason}"
    forward = view.case.forward if view.case is not None else None
    shown = of_case(view.case) if view.case is not None else None
    return page(
        "case.html",
        view.language,
        site,
        status,
        variant=variant(view),
        view=view,
        phase=now_phase,
        forward=forward,
        senders=say(view.language, f"words.senders.{forward.senders}") if forward else "",
        to_come=now_phase in _TO_COME,
        over=now_phase in {*_NEVER_SENT, "ended"},
        texts_title="title_after" if now_phase == "ended" else "title_never" if now_phase in _NEVER_SENT else "title",
        outcome=_outcome(view),
        words=filled(view, now_phase),
        reason=say(view.language, reason) if says(view.language, reason) else view.reason,
        audience=audience(view.case, view.language) if view.case is not None and view.case.reply else "",
        mails=mails(view, shown) if shown is not None and (view.case is None or view.case.reply) else [],
        deadline=deadline(view, now_phase),
        so_far=so_far(view),
        problem=error_words(view.language, *problem) if problem else None,
        draft=draft or view.draft,
        writing=draft is not None,
        preview=mails(view, draft, html=False) if preview and draft is not None else [],
        draft_day=is_day((draft or view.draft).until),
    )


def is_day(text: str) -> bool:
    """Whether a date field can show this."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return not text


def problem_page(
    site: Site,
    language: str,
    status: int,
    key: str,
    values: Mapping[str, str],
    *,
    hers: OwnText | None = None,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """A plain page for what went wrong; `hers` is what she had written, so that it is not lost."""
    title = "page" if key == "page-unknown" else str(status)
    shown = page(
        "problem.html",
        language,
        site,
        status,
        title=say(language, f"pages.problem.title-{title}"),
        problem=error_words(language, key, values),
        hers=[text for text in (hers.subject, hers.internal_text, hers.external_text) if text] if hers else [],
    )
    shown.headers.update(headers or {})
    return shown


def home_page(site: Site, language: str) -> HTMLResponse:
    """What this is, for whoever comes without a link."""
    return page("home.html", language, site, 200)


def problem_words(error: LocumError, language: str) -> list[str]:
    """An error in words, with all that is wrong besides."""
    others = [words for one in error.others for words in problem_words(one, language)[::2]]
    return [*error_words(language, error.key, {name: str(value) for name, value in error.values.items()}), *others]


def error_words(language: str, key: str, values: Mapping[str, str]) -> list[str]:
    """Sentence, what was left as it was, and advice, as far as there are any."""
    values = dates_in_words(values, language)
    found = [say(language, f"errors.{key}.sentence", **values)]
    left_as = f"errors.{key}.left_as"
    found.append(say(language, left_as if says(language, left_as) else "errors.default-left-as", **values))
    advice = f"errors.{key}.advice"
    said = say(language, advice, **values) if says(language, advice) else ""
    return [*found, said] if said and not _COMMAND.search(said) else found


_COMMAND = re.compile(r": locum [a-z]")
"""Advice that is a command to type is for whoever is at the command line."""


def variant(view: LinkView) -> str:
    """What is put behind a key for what this page is about; see page."""
    return _VARIANTS.get(view.case.asks_for, "") if view.case is not None else ""


def page(template: str, language: str, site: Site, status: int, *, variant: str = "", **values: object) -> HTMLResponse:
    """A template as a page; `say` in it takes keys under `pages.`, of which it takes the variant where there is one."""

    def told(key: str, **given: object) -> str:
        path = f"pages.{key}{variant}"
        return say(language, path if says(language, path) else f"pages.{key}", **given)

    content = _templates().get_template(template).render(say=told, language=language, site=site, **values)
    return HTMLResponse(content, status_code=status, headers={"Content-Language": language})


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("locum.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
    )
    made.filters["capitalize_first"] = lambda text: str(text)[:1].upper() + str(text)[1:]
    made.filters["mailto"] = lambda address: "mailto:" + quote(str(address), safe="@+")
    return made


def _seen(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return legible(value)
    return value
