"""`locum request`: an auto-reply, or many from a file (bulk.py), and a forward; one of them may join an earlier request. A search is
in searching.py; what there is no code path for in refusing.py.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from locum.cli import refusing
from locum.cli.door import Door, command, helped
from locum.cli.following import request_one
from locum.cli.searching import search
from locum.errors import Invalid
from locum.measure import Audience, Senders

_LARGEST_TEXT = 1024 * 1024


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(group, name="request", help=helped("request"))
    command(group, "auto-reply")(auto_reply)
    command(group, "forward")(forward)
    command(group, "search")(search)
    refusing.register(group)


Mailbox = Annotated[str | None, typer.Argument(metavar="MAILBOX", help=helped("mailbox"))]
Reason = Annotated[str, typer.Option(help=helped("reason"))]
Because = Annotated[str, typer.Option(help=helped("because"))]
Until = Annotated[str | None, typer.Option(metavar="T", help=helped("until"))]
From = Annotated[str | None, typer.Option("--from", metavar="T", help=helped("from"))]
To = Annotated[str, typer.Option(metavar="ADDRESS", help=helped("to"))]
ForwardUntil = Annotated[str | None, typer.Option("--until", metavar="T", help=helped("forward-until"))]
FromSenders = Annotated[Senders | None, typer.Option(help=helped("from-senders"))]
Subject = Annotated[str | None, typer.Option(help=helped("subject"))]
Internal = Annotated[Path | None, typer.Option(metavar="FILE", help=helped("internal-file"))]
External = Annotated[Path | None, typer.Option(metavar="FILE", help=helped("external-file"))]
Languages = Annotated[str | None, typer.Option(metavar="nl,en,...", help=helped("languages"))]
Template = Annotated[str | None, typer.Option(metavar="NAME", help=helped("template"))]
WithAudience = Annotated[Audience | None, typer.Option(help=helped("audience"))]
Except = Annotated[list[str] | None, typer.Option("--except", metavar="ADDRESS|DOMAIN", help=helped("except"))]
Mailboxes = Annotated[Path | None, typer.Option(metavar="FILE.csv", help=helped("mailboxes"))]
Batch = Annotated[str | None, typer.Option(metavar="NAME", help=helped("batch"))]
Summary = Annotated[Path | None, typer.Option(metavar="OUT.csv", help=helped("summary"))]
ContactPerson = Annotated[str, typer.Option(metavar="PERSON|ADDRESS", help=helped("contact-person"))]
ClosesOn = Annotated[str, typer.Option(metavar="DATE", help=helped("mailbox-closes-on"))]
With = Annotated[str | None, typer.Option("--with", metavar="CASE", help=helped("with"))]


def auto_reply(
    door: Door,
    *,
    mailbox: Mailbox = None,
    reason: Reason,
    because: Because,
    until: Until = None,
    from_: From = None,
    subject: Subject = None,
    internal_file: Internal = None,
    external_file: External = None,
    template: Template = None,
    languages: Languages = None,
    audience: WithAudience = None,
    except_: Except = None,
    contact_person: ContactPerson = "",
    mailbox_closes_on: ClosesOn = "",
    mailboxes: Mailboxes = None,
    batch: Batch = None,
    summary: Summary = None,
    with_: With = None,
) -> int:
    """Ask for an auto-reply: one with MAILBOX, many with --mailboxes."""
    from locum.desk import RequestForm  # noqa: PLC0415  slow to import

    if (mailbox is None) == (mailboxes is None):
        raise Invalid("usage", what=door.say("usage.one-or-many"))
    if mailboxes is None and (batch is not None or summary is not None):
        raise Invalid("usage", what=door.say("usage.only-many"))
    if mailboxes is None and until is None and with_ is None:
        raise Invalid("usage", what=door.say("usage.until"))
    if mailboxes is not None and with_ is not None:
        raise Invalid("usage", what=door.say("usage.with-one"))
    form = RequestForm(
        mailbox=mailbox or "",
        reason=reason,
        because=because,
        until=until or "",
        from_=_from(from_, with_),
        subject=subject,
        internal_text=None if internal_file is None else read_text(internal_file),
        external_text=None if external_file is None else read_text(external_file),
        template=template,
        languages=tuple(part.strip() for part in (languages or "").split(",") if part.strip()),
        audience=audience,
        exceptions=tuple(except_ or ()),
        contact_person=contact_person,
        mailbox_closes_on=mailbox_closes_on,
    )
    if mailboxes is not None:
        from locum.cli.bulk import request_many  # noqa: PLC0415  only for many

        return request_many(door, form, mailboxes, batch, summary)
    return request_one(door, form, with_)


def forward(
    door: Door,
    *,
    mailbox: Annotated[str, typer.Argument(metavar="MAILBOX", help=helped("mailbox"))],
    to: To,
    reason: Reason,
    because: Because,
    from_: From = None,
    until: ForwardUntil = None,
    from_senders: FromSenders = None,
    with_: With = None,
) -> int:
    """Ask for new mail to be copied to a colleague, or to a functional mailbox."""
    from locum.desk import ForwardForm  # noqa: PLC0415  slow to import

    form = ForwardForm(
        mailbox=mailbox,
        to=to,
        reason=reason,
        because=because,
        from_=_from(from_, with_),
        until=until or "",
        senders=from_senders,
    )
    return request_one(door, form, with_)


def _from(given: str | None, with_: str | None) -> str:
    """When it is to start: now, or with an earlier request, where nothing is said."""
    return given if given is not None else "now" if with_ is None else ""


def read_text(path: Path) -> str:
    """The text in a file, or on standard input where `path` is `-`. Raises Invalid."""
    try:
        if str(path) == "-":
            raw = sys.stdin.buffer.read(_LARGEST_TEXT + 1)
        else:
            with path.open("rb") as file:
                raw = file.read(_LARGEST_TEXT + 1)
    except OSError as error:
        raise Invalid("file-unreadable", file=path, what=error.strerror) from None
    if len(raw) > _LARGEST_TEXT:
        raise Invalid("file-too-large", file=path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("file-not-utf8", file=path) from None
