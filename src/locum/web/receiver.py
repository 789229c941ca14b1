"""The page of a forward's receiver: who asks, whose mail, from when until when, what he must not do with it, and his answer.

It shows what the desk gives (ConsentView) and no more; shown.py has the pages of the person who is asked herself.
"""

from collections.abc import Mapping

from starlette.responses import HTMLResponse

from locum.desk import ConsentView
from locum.messages import say
from locum.web.shown import Site, error_words, page

_SHARED = "-shared"
"""Sentences that are other words for a mailbox that is nobody's own."""


def consent_page(
    site: Site,
    view: ConsentView,
    *,
    status: int = 200,
    problem: tuple[str, Mapping[str, str]] | None = None,
) -> HTMLResponse:
    """The page behind the link of a receiver. `problem` is an error's key and values."""
    words = {
        "owner": view.owner,
        "mailbox": view.mailbox,
        "receiver": view.receiver or view.address,
        "address": view.address,
        "requester": view.requester,
        "organisation": view.organisation,
        "officer": view.officer,
        "from": view.from_words,
        "until": view.until_words,
    }
    return page(
        "consent.html",
        view.language,
        site,
        status,
        variant=_SHARED if view.shared else "",
        view=view,
        words=words,
        senders=say(view.language, f"words.senders.{view.senders}"),
        problem=error_words(view.language, *problem) if problem else None,
    )
