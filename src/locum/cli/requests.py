"""`locum request`: an auto-reply, or many from a file (bulk.py), and a forward; one of them may join an earlier request. What
there is no code path for is in refusing.py.
"""

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from locum.cli import refusing
from locum.cli.door import Door, command, helped
from locum.cli.output import put, put_json
from locum.cli.words import case_in_words
from locum.errors import Invalid, Refused, Trouble, Unsupported
from locum.measure import Audience, Senders
from locum.shapes import case_shape, remark_shape

if TYPE_CHECKING:
    from locum.desk import ForwardForm, RequestForm
    from locum.lifecycle import Case

_LARGEST_TEXT = 1024 * 1024
_WAIT_SECONDS = 10.0
WAITING_FOR_A_PERSON = 7


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(group, name="request", help=helped("request"))
    command(group, "auto-reply")(auto_reply)
    command(group, "forward")(forward)
    command(group, "search", anything=True)(_not_yet)
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
    return _request_one(door, form, with_)


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
    return _request_one(door, form, with_)


def _from(given: str | None, with_: str | None) -> str:
    """When it is to start: now, or with an earlier request, where nothing is said."""
    return given if given is not None else "now" if with_ is None else ""


def _request_one(door: Door, form: "RequestForm | ForwardForm", with_: str | None) -> int:
    try:
        case = door.app.desk.request(door.acting, form, joins=(with_ or "").strip().lower())
    except Refused as error:
        _account_for(door, error)
        raise
    return follow(door, case)


def _account_for(door: Door, error: Refused) -> None:
    """She is told of a refused request too, where the refusal was recorded."""
    case = door.case_of(error)
    if case is not None and case.state == "refused":
        door.tell("recorded-as", case=case.id)
        if door.settings.may_apply(case.connector):
            with suppress(Trouble):  # the refusal is what matters here; a worker tries again
                door.app.run_due(case.id)


def follow(door: Door, case: "Case") -> int:
    """Do the due steps of a case, or wait for a worker to do them; then tell how far it is. Gives back the exit code."""
    trouble: Trouble | None = None
    if door.settings.may_apply(case.connector):
        try:
            door.app.run_due(case.id)
        except Trouble as error:
            trouble = error
    else:
        _wait(door, case)
    case = door.app.desk.case(case.id)
    if trouble is not None:
        raise trouble
    return told(door, case)


def _wait(door: Door, case: "Case") -> None:
    """Up to ten seconds for a worker to take the case to where it rests: until nothing about it is due."""
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        if all(job.due_at > door.app.clock() for job in door.app.store.jobs(case.id)):
            return
        time.sleep(0.2)
    door.tell("no-worker", seconds=int(_WAIT_SECONDS))


def told(door: Door, case: "Case") -> int:
    """Tell how far a case is, to the person and to the script. Gives back the exit code."""
    trial = door.settings.policy.unsigned_reviews
    print("\n".join(case_in_words(case, door.app.people, door.language, trial=trial)), file=sys.stderr)  # noqa: T201
    if not case.is_final and not case.applied_at and door.app.desk.wants_signature(case):
        door.tell("sign-there", page=door.app.desk.review_address(case))
    remarks = [remark_shape(field, remark, door.language) for field, remark in door.app.desk.warnings(case)]
    for remark in remarks:
        print(remark["sentence"], remark["advice"], file=sys.stderr)  # noqa: T201
    if door.json:
        put_json({**case_shape(case, trial=trial), "warnings": remarks})
    else:
        put(f"{case.id} {case.state}")
    return WAITING_FOR_A_PERSON if waits_for_a_person(case) else 0


def waits_for_a_person(case: "Case") -> bool:
    """Whether somebody has to decide: review it, agree to receiving her mail, or overrule an objection that was made before, or
    of which one has begun.
    """
    grounds = any(decision == "overrule" for _, decision, _ in case.reviews)
    receiver = case.forward is not None and case.state in ("agreed", "unanswered")
    overruling = case.state == "objected" and (grounds or bool(case.objected_before))
    return case.state == "awaiting-review" or receiver or overruling


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


def _not_yet(_door: Door) -> int:
    raise Unsupported("not-yet", what="search")
