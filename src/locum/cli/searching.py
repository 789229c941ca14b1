"""`locum request search`, and `locum case`: counting, narrowing, and where a search is. What was found is never written here:
the list, and the message, are for two people on the pages.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from locum.cli.door import Door, command, helped
from locum.cli.following import request_one, wait
from locum.cli.output import put, put_json
from locum.errors import Invalid
from locum.messages import say
from locum.query import WordsIn

if TYPE_CHECKING:
    from locum.desk import SearchForm
    from locum.lifecycle import Case

Senders = Annotated[list[str] | None, typer.Option("--sender", metavar="ADDRESS|DOMAIN", help=helped("sender"))]
Words = Annotated[list[str] | None, typer.Option("--words", metavar="WORDS", help=helped("words"))]
In = Annotated[WordsIn | None, typer.Option("--words-in", help=helped("words-in"))]
Since = Annotated[str, typer.Option("--since", metavar="T", help=helped("since"))]
Before = Annotated[str, typer.Option("--before", metavar="T", help=helped("before"))]
CaseId = Annotated[str, typer.Argument(metavar="CASE", help=helped("case"))]


def register(app: typer.Typer) -> None:
    """Add `locum case` to `app`."""
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(group, name="case", help=helped("searching"))
    command(group, "show", "search-show")(show)
    command(group, "count")(count)
    command(group, "narrow")(narrow)


def search(
    door: Door,
    *,
    mailbox: Annotated[str, typer.Argument(metavar="MAILBOX", help=helped("mailbox"))],
    reason: Annotated[str, typer.Option(help=helped("reason"))],
    because: Annotated[str, typer.Option(help=helped("because"))],
    deliver_to: Annotated[str, typer.Option(metavar="ADDRESS", help=helped("deliver-to"))],
    sender: Senders = None,
    words: Words = None,
    words_in: In = None,
    since: Since = "",
    before: Before = "",
    tried: Annotated[list[str] | None, typer.Option("--tried", metavar="WHAT=DATE", help=helped("tried"))] = None,
    from_: Annotated[str, typer.Option("--from", metavar="T", help=helped("from"))] = "now",
    until: Annotated[str, typer.Option(metavar="T", help=helped("search-until"))] = "",
) -> int:
    """Ask for one message to be looked for."""
    from locum.desk import SearchForm  # noqa: PLC0415  slow to import

    form = SearchForm(
        mailbox=mailbox,
        reason=reason,
        because=because,
        deliver_to=deliver_to,
        senders=tuple(sender or ()),
        words=tuple(words or ()),
        words_in=words_in,
        since=since,
        before=before,
        tried=tuple(_tried(door, one) for one in tried or ()),
        from_=from_,
        until=until,
    )
    _advise(door, form)
    return request_one(door, form, None)


def _tried(door: Door, text: str) -> tuple[str, str]:
    what, equals, on = text.partition("=")
    if not equals:
        raise Invalid("usage", what=door.say("usage.tried"))
    return what.strip(), on.strip()


def _advise(door: Door, form: "SearchForm") -> None:
    """Say what would make the question narrower; nothing stands in the way of filing it as it is."""
    for one in door.app.desk.preview(door.acting, form).advice:
        print(say(door.language, f"narrowing.{one.key}", about=one.about), file=sys.stderr)  # noqa: T201


def show(door: Door, *, case_id: CaseId) -> int:
    """Where a search is."""
    return _told(door, door.app.desk.case(case_id))


def count(door: Door, *, case_id: CaseId) -> int:
    """Have it counted by the question that was signed."""
    case = door.app.desk.case(case_id)
    return _stepped(door, door.app.desk.searching.count(door.acting, case))


def narrow(
    door: Door,
    *,
    case_id: CaseId,
    sender: Senders = None,
    words: Words = None,
    words_in: In = None,
    since: Since = "",
    before: Before = "",
) -> int:
    """Have a narrower question counted."""
    from locum.desk import SearchForm  # noqa: PLC0415  slow to import

    case = door.app.desk.case(case_id)
    form = SearchForm(
        mailbox=case.mailbox,
        reason=case.reason,
        because=case.because,
        deliver_to=case.receives,
        senders=tuple(sender or ()),
        words=tuple(words or ()),
        words_in=words_in,
        since=since,
        before=before,
    )
    searching = door.app.desk.searching
    return _stepped(door, searching.count(door.acting, case, searching.narrower(case, form)))


def _stepped(door: Door, case: "Case") -> int:
    wait(door, case)  # the worker alone looks into a mailbox
    return _told(door, door.app.desk.case(case.id))


def _told(door: Door, case: "Case") -> int:
    from locum.rungs import comes_next, ladder_shape, rungs  # noqa: PLC0415

    ladder, now = door.app.desk.searching.ladder(case), door.app.clock()
    if door.json:
        put_json({"case": case.id, "state": str(case.state), **ladder_shape(ladder, now)})
        return 0
    zone = door.settings.organisation.time_zone
    for rung in rungs(ladder, now, door.language, zone):
        put(f"{'x' if rung.is_done else ' '} {rung.sentence}")
    put(comes_next(ladder, now, door.language))
    return 0
