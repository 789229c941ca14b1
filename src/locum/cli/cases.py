"""Looking at cases and deciding about them: cases, show, history, contact, review, withdraw, end, account."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from locum.cli.door import Door, command, helped
from locum.cli.following import WAITING_FOR_A_PERSON, follow
from locum.cli.output import put, put_json, put_table
from locum.errors import Invalid, Refused

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from locum.lifecycle import Case

CaseId = Annotated[str, typer.Argument(metavar="CASE", help=helped("case"))]
Because = Annotated[str, typer.Option(help=helped("because"))]


class By(StrEnum):
    """How a person tried to reach her."""

    PHONE = "phone"
    SMS = "sms"
    MAIL = "mail"
    DESK = "desk"


class Outcome(StrEnum):
    """What came of it."""

    REACHED = "reached"
    UNREACHED = "unreached"
    AGREED = "agreed"
    OBJECTED = "objected"


class Form(StrEnum):
    """What an account can be written as."""

    TEXT = "text"
    HTML = "html"
    PDF = "pdf"
    JSON = "json"
    LOCUM = "locum"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for name, work in (
        ("cases", cases),
        ("show", show),
        ("history", history),
        ("contact", contact),
        ("review", review),
        ("withdraw", withdraw),
        ("end", end),
        ("account", account),
    ):
        command(app, name)(work)


def cases(
    door: Door,
    *,
    state: Annotated[str | None, typer.Option(help=helped("state"))] = None,
    mailbox: Annotated[str | None, typer.Option(help=helped("mailbox"))] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help=helped("limit"))] = 1000,
) -> int:
    """List cases, the newest first."""
    from locum.lifecycle import State  # noqa: PLC0415
    from locum.shapes import case_shape  # noqa: PLC0415

    if state is not None and state not in list(State):
        raise Invalid("usage", what=f"--state {state[:40]}: {', '.join(State)}")
    found = door.app.store.find(
        state=None if state is None else State(state),
        mailbox=None if mailbox is None else _address(door, mailbox),
        limit=limit,
    )
    if door.json:
        put_json([case_shape(case) for case in found])
        return 0
    if not found:
        door.tell("no-cases")
        return 0
    columns = ("case", "state", "mailbox", "until", "requester")
    put_table([door.say(f"column.{name}") for name in columns], [_row(door, case) for case in found])
    return 0


def _row(door: Door, case: "Case") -> list[str]:
    until = case.to_date.astimezone(_zone(door, case)).strftime("%Y-%m-%d %H:%M")
    return [case.id, str(case.state), case.mailbox, until, case.requester]


def _zone(door: Door, case: "Case") -> "ZoneInfo":
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    owner = door.app.people.person(case.person)
    return ZoneInfo(owner.time_zone if owner is not None else door.settings.organisation.time_zone)


def _address(door: Door, text: str) -> str:
    """The mailbox that an address or alias belongs to."""
    from locum.addresses import canonical  # noqa: PLC0415

    owner = door.app.people.owner(canonical(text))
    return owner.mailbox.address if owner is not None and owner.mailbox is not None else canonical(text)


def show(door: Door, *, case_id: CaseId) -> int:
    """Show a case: what was asked, what stands, what happens next, and what was recorded."""
    from locum.shapes import case_shape, job_shape  # noqa: PLC0415

    case = door.app.desk.case(case_id)
    jobs = door.app.store.jobs(case.id)
    if door.json:
        shape = case_shape(case, trial=door.settings.policy.unsigned_reviews)
        put_json({**shape, "jobs": [job_shape(job, door.language) for job in jobs]})
        return 0
    from locum.cli.showing import show_case  # noqa: PLC0415

    show_case(door, case, jobs, door.app.desk.recorded(case))
    return 0


def history(door: Door, *, mailbox: Annotated[str, typer.Argument(metavar="MAILBOX", help=helped("mailbox"))]) -> int:
    """Every entry of the record about a mailbox, oldest first."""
    from locum.desk.seeing import without_what_was_seen  # noqa: PLC0415
    from locum.shapes import entry_shape  # noqa: PLC0415

    entries = door.app.desk.history(mailbox)
    if not _is_hers(door, mailbox):
        entries = [without_what_was_seen(entry) for entry in entries]
    if door.json:
        put_json([entry_shape(entry) for entry in entries])
        return 0
    if not entries:
        door.tell("no-entries", mailbox=mailbox)
        return 0
    from locum.cli.showing import entry_rows  # noqa: PLC0415

    owner = door.app.people.owner(mailbox)
    columns = [door.say(f"column.{name}") for name in ("time", "case", "entry", "what")]
    put_table(columns, entry_rows(door, entries, owner))
    return 0


def _is_hers(door: Door, mailbox: str) -> bool:
    owner = door.app.people.owner(_address(door, mailbox))
    return owner is not None and owner.id == door.acting.id


def _check_account(door: Door, mailbox: str, case: "Case | None") -> None:
    """What was seen of her mail in a search is told to nobody but her. Raises Refused (clause 16) `account-hers`."""
    if _is_hers(door, mailbox):
        return
    was_seen = any(entry.type == "listed" for entry in door.app.desk.history(mailbox)) if case is None else case.search
    if was_seen:
        raise Refused("account-hers", clause=16, mailbox=mailbox)


def contact(
    door: Door,
    *,
    case_id: CaseId,
    by: Annotated[By, typer.Option(help=helped("by"))],
    outcome: Annotated[Outcome, typer.Option(help=helped("outcome"))],
    because: Because,
) -> int:
    """Note that somebody tried to reach her, and what came of it."""
    case = door.app.desk.contact(door.acting, case_id, by=str(by), outcome=str(outcome), because=because)
    return follow(door, case)


def review(
    door: Door,
    *,
    case_id: CaseId,
    approve: Annotated[bool, typer.Option("--approve", help=helped("approve"))] = False,
    deny: Annotated[bool, typer.Option("--deny", help=helped("deny"))] = False,
    overrule: Annotated[bool, typer.Option("--overrule", help=helped("overrule"))] = False,
    because: Because,
) -> int:
    """A second person's yes or no, or compelling grounds against her objection."""
    if [approve, deny, overrule].count(True) != 1:
        raise Invalid("usage", what=door.say("usage.approve-or-deny"))
    case = door.app.desk.case(case_id)
    if door.app.desk.wants_signature(case):
        return _sign_there(door, case)
    if overrule:
        return follow(door, door.app.desk.overrule(door.acting, case_id, because=because))
    return follow(door, door.app.desk.review(door.acting, case_id, approve=approve, because=because))


def _sign_there(door: Door, case: "Case") -> int:
    """Nothing that is typed here is a signature, whoever types it: the page to sign on."""
    page = door.app.desk.review_address(case)
    door.tell("review-there", case=case.id, page=page)
    if door.json:
        from locum.shapes import case_shape  # noqa: PLC0415

        put_json({**case_shape(case, trial=False), "page": page})
    else:
        put(page)
    return WAITING_FOR_A_PERSON


def withdraw(door: Door, *, case_id: CaseId) -> int:
    """Take a request back before anything was set."""
    return follow(door, door.app.desk.withdraw(door.acting, case_id))


def end(door: Door, *, case_id: CaseId) -> int:
    """End what is live, now."""
    return follow(door, door.app.desk.end(door.acting, case_id))


def account(
    door: Door,
    *,
    case_id: Annotated[str, typer.Argument(metavar="[CASE]", help=helped("case"))] = "",
    mailbox: Annotated[str | None, typer.Option(metavar="ADDRESS", help=helped("account-mailbox"))] = None,
    form: Annotated[Form | None, typer.Option("--format", help=helped("format"))] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help=helped("output"))] = None,
) -> int:
    """What she is told about a case; or everything about a mailbox, as a file that she can check."""
    if door.json and form not in (None, Form.JSON):
        raise Invalid("usage", what=door.say("usage.json-account"))
    chosen = form or (Form.JSON if door.json else Form.TEXT)
    if (mailbox is None) == (chosen is Form.LOCUM) or (mailbox is None) == (not case_id):
        raise Invalid("usage", what=door.say("usage.account-of"))
    if chosen is Form.PDF and output is None and sys.stdout.isatty():
        raise Invalid("usage", what=door.say("usage.pdf-terminal"))
    desk = door.app.desk
    if mailbox is not None:
        _check_account(door, mailbox, None)
        document = desk.checkable(mailbox)
    else:
        _check_account(door, (case := desk.case(case_id)).mailbox, case)
        document = desk.office.render(desk.account(case_id, language=door.lang or ""), str(chosen))
    if output is None:
        sys.stdout.buffer.write(document)
        return 0
    try:
        output.write_bytes(document)
    except OSError as error:
        raise Invalid("file-unwritable", file=output, what=error.strerror) from None
    door.tell("written", file=output)
    return 0
