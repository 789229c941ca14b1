"""The commands about the policy: check, show, render. What a policy is and may not be is for locum.policy."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from locum.cli.door import Door, command, helped
from locum.cli.output import put, put_finding, put_json
from locum.errors import Invalid, LocumError
from locum.messages import say
from locum.phrases import one_line, when
from locum.shapes import error_shape, policy_shape

if TYPE_CHECKING:
    from locum.desk.in_force import InForce
    from locum.policy import Checked, Policy
    from locum.regulation import House
    from locum.store import Store


class Paper(StrEnum):
    """The documents that the policy renders into (regulation.NAMES), and all of them in one file."""

    REGULATION = "regulation"
    WORKS_COUNCIL = "works-council"
    DPIA = "dpia"
    REGISTER = "register"
    NOTICE = "notice"
    SUMMARY = "summary"
    ALL = "all"


class Sheet(StrEnum):
    """How a document of the policy is written."""

    MD = "md"
    HTML = "html"
    PDF = "pdf"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(group, name="policy", help=helped("policy"))
    command(group, "check", "policy-check")(policy_check)
    command(group, "show", "policy-show")(policy_show)
    command(group, "render", "policy-render")(policy_render)


def policy_check(door: Door) -> int:
    """Read the policy, and say everything that is wrong with it, and what should be known all the same."""
    from locum.policy import cautions, check  # noqa: PLC0415  pydantic is slow to import
    from locum.regulation import open_warnings  # noqa: PLC0415  only for this

    functions = [person.function for person in door.app.people.everyone()]
    checked = check(_text(door), functions)
    if checked.policy is None:
        return _mistaken(door, checked)
    policy, today = checked.policy, door.app.clock().date()
    known = [(one.name, one.clause, one.sentence(door.language)) for one in cautions(policy, functions, today)]
    warnings = open_warnings(policy, _whose(door), door.language)
    if door.json:
        shown = [
            {"field": w.key, "clause": w.clause, "refused": list(w.refused), "sentence": w.sentence} for w in warnings
        ]
        cautioned = [{"name": name, "clause": clause, "sentence": sentence} for name, clause, sentence in known]
        put_json(
            {
                "holds": True,
                "policy": policy.hash,
                "file": _policy_file(door),
                "preset": policy.preset,
                "mistakes": [],
                "warnings": cautioned,
                "open": shown,
            }
        )
    else:
        put(door.say("policy-holds", file=_policy_file(door) or door.say("policy-shipped"), hash=policy.hash[:16]))
        for sentence in (*(w.sentence for w in warnings), *(sentence for _, _, sentence in known)):
            put_finding(None, sentence)
    return 0


def _mistaken(door: Door, checked: "Checked") -> int:
    """Every mistake with its file, line and clause."""
    file, first = _policy_file(door), checked.mistakes[0]
    error = Invalid(
        "policy-mistakes",
        clause=first.clause,
        count=len(checked.mistakes),
        line=first.line or "?",
        what=first.sentence(door.language),
    )
    if door.json:
        shown = [
            {"file": file, "line": m.line, "clause": m.clause, "name": m.name, "sentence": m.sentence(door.language)}
            for m in checked.mistakes
        ]
        told = error_shape(error, door.language)
        put_json({"holds": False, "policy": None, "file": file, "mistakes": shown, "error": told})
        return Invalid.exit_code
    for mistake in checked.mistakes:
        line = "" if mistake.line is None else f":{mistake.line}"
        clause = "" if mistake.clause is None else _said(door, "clause", clause=mistake.clause)
        put_finding(False, f"{file or door.say('policy-shipped')}{line}: {mistake.sentence(door.language)}{clause}")
    print(_said(door, "mistakes", count=len(checked.mistakes)), file=sys.stderr)  # noqa: T201
    return Invalid.exit_code


def _text(door: Door) -> str:
    from locum.policy import shipped  # noqa: PLC0415  pydantic is slow to import

    file = door.settings.policy.file
    try:
        return shipped() if file is None else file.read_text("utf-8")
    except OSError as error:
        raise Invalid("policy-not-toml", what=f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Invalid("policy-not-toml", what=f"{file}: {error}") from error


At = Annotated[str | None, typer.Option("--at", metavar="DATE", help=helped("at"))]


def policy_show(door: Door, *, at: At = None) -> int:
    """The policy in force now, or at a moment: its text, its hash, and since when it has been in force."""
    from locum.desk import in_force  # noqa: PLC0415  the store is slow to import
    from locum.hours import parse_when  # noqa: PLC0415

    if at is None:
        policy, known = door.app.policy, _history(door)
        last = known[-1] if known else None
        return _shown(door, policy, last if last is not None and last.hash == policy.hash else None, None)
    zone = ZoneInfo(door.settings.organisation.time_zone)
    moment, store = parse_when(at, zone, door.app.clock()), _store(door)
    known = in_force.history(store)
    then = in_force.at(known, moment)
    after = next((one for one in known if one.since > then.since), None)
    return _shown(door, in_force.text_of(store, then.hash), then, after)


def _store(door: Door) -> "Store":
    """The store as it is: looking makes none, and changes none."""
    return door.app.unopened_store()


def _history(door: Door) -> "list[InForce]":
    """What the record tells, nothing where it cannot be read: what is in force is known without."""
    from locum.desk import in_force  # noqa: PLC0415  the store is slow to import

    try:
        return in_force.history(_store(door))
    except LocumError:
        return []


def _shown(door: Door, policy: "Policy", then: "InForce | None", after: "InForce | None") -> int:
    if door.json:
        shape = policy_shape(policy, then, after)
        put_json({"policy": shape.pop("policy"), "file": None if after else _policy_file(door), **shape})
        return 0
    put(policy.text.rstrip())
    for line in _told_beside(door, policy, then, after):
        print(line, file=sys.stderr)  # noqa: T201
    return 0


def _told_beside(door: Door, policy: "Policy", then: "InForce | None", after: "InForce | None") -> list[str]:
    if then is None:
        return [_said(door, "never-used", hash=policy.hash[:16])]
    zone = door.settings.organisation.time_zone
    since = when(then.since, door.language, zone)
    lines = [_said(door, "since", hash=policy.hash[:16], since=since, seen_by=one_line(then.seen_by or "-"))]
    if after is not None:
        lines.append(_said(door, "until", until=when(after.since, door.language, zone)))
    adopted = policy.regulation.adopted_on
    if adopted is not None and adopted < then.since.date():
        lines.append(_said(door, "adopted-before", adopted=adopted.isoformat(), since=since))
    return lines


def _said(door: Door, key: str, **values: object) -> str:
    return say(door.language, f"policy.said.{key}", **values)


def policy_render(
    door: Door,
    *,
    paper: Annotated[Paper, typer.Option("--document", help=helped("document"))] = Paper.REGULATION,
    sheet: Annotated[Sheet, typer.Option("--format", help=helped("sheet"))] = Sheet.MD,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help=helped("output"))] = None,
) -> int:
    """The policy as the documents that an organisation needs, made from what is enforced."""
    from locum.documents.regulation import render  # noqa: PLC0415  only for this
    from locum.regulation import NAMES, document  # noqa: PLC0415

    if sheet is Sheet.PDF and output is None and sys.stdout.isatty():
        raise Invalid("usage", what=door.say("usage.pdf-terminal"))
    policy, whose = door.app.policy, _whose(door)
    names = NAMES if paper is Paper.ALL else (str(paper),)
    made = render([document(policy, whose, name, door.language) for name in names], str(sheet))
    if output is None:
        sys.stdout.buffer.write(made)
        return 0
    try:
        output.write_bytes(made)
    except OSError as error:
        raise Invalid("file-unwritable", file=output, what=error.strerror) from None
    door.tell("written", file=output)
    return 0


def _whose(door: Door) -> "House":
    """Whose regulation it is, from the settings."""
    from locum.regulation import House  # noqa: PLC0415  only for this

    organisation, contact = door.settings.organisation, door.settings.contact
    return House(name=organisation.name, domains=organisation.domains, officer=contact.dpo, authority=contact.authority)


def _policy_file(door: Door) -> str | None:
    file = door.settings.policy.file
    return None if file is None else str(file)
