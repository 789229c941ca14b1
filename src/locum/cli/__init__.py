"""The command line: translate, call the desk, translate back. Stable; tests and scripts rely on every word of it.

`main` is here, and turns every error into sentences, a JSON document and an exit code. What a command does lies in
requests.py (asking), cases.py (looking and deciding), policy.py, and house.py (check, gaps, and the processes).
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer._click.exceptions import UsageError  # typer exports no name for it

from locum.cli.by_hand import register as register_by_hand
from locum.cli.cases import register as register_cases
from locum.cli.checking import register as register_checking
from locum.cli.door import As, Config, Json, Lang, current, early_language, helped, open_door
from locum.cli.figures import register as register_figures
from locum.cli.house import register as register_house
from locum.cli.init import register as register_init
from locum.cli.keys import register as register_keys
from locum.cli.output import put_json
from locum.cli.policy import register as register_policy
from locum.cli.record import register as register_record
from locum.cli.requests import register as register_requests
from locum.cli.searching import register as register_searching
from locum.cli.token import register as register_tokens
from locum.cli.witness import register as register_witness
from locum.errors import Invalid, LocumError
from locum.messages import say
from locum.shapes import explained, with_error

app = typer.Typer(
    name="locum", help=helped("locum"), rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False
)


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    *,
    json_: Json = False,
    as_: As = None,
    config: Config = None,
    lang: Lang = None,
    version: Annotated[bool, typer.Option("--version", help=helped("version"))] = False,
) -> None:
    open_door(json_, as_, config, lang)
    if version:
        from importlib.metadata import version as installed  # noqa: PLC0415  slow, and rarely asked

        print(f"locum {installed('locum')}")  # noqa: T201
        raise typer.Exit(0)
    if ctx.invoked_subcommand is None:
        print(ctx.get_help(), file=sys.stderr)  # noqa: T201
        raise typer.Exit(2)


for register in (
    register_requests,
    register_cases,
    register_searching,
    register_by_hand,
    register_checking,
    register_policy,
    register_figures,
    register_record,
    register_tokens,
    register_house,
    register_witness,
    register_keys,
    register_init,
):
    register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and give back its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    current.reset(json="--json" in words)
    try:
        code = app(args=words, prog_name="locum", standalone_mode=False)
        _remark()
        sys.stdout.flush()
    except UsageError as error:
        usage = "" if error.ctx is None else error.ctx.get_usage()
        return _failed(Invalid("usage", what=error.format_message()), usage)
    except LocumError as error:
        return _failed(error)
    except BrokenPipeError:
        # Whoever read us has gone; there is nobody left to tell.
        sys.stdout = open("/dev/null", "w")  # noqa: SIM115, PTH123
        return 1
    return code if isinstance(code, int) else 0


def _remark() -> None:
    """What went wrong beside the command, which was done all the same: a record not signed, a list of people not used."""
    wired = current.__dict__.get("app")
    people = None if wired is None else wired.__dict__.get("people")
    beside = [] if wired is None else [wired.unsigned, None if people is None else people.problem]
    for error in beside:
        if error is not None:
            told = explained(error, current.language)
            print(" ".join(part for part in told.values() if part), file=sys.stderr)  # noqa: T201


def _failed(error: LocumError, usage: str = "") -> int:
    """Tell the error, and give back its exit code."""
    try:
        language = current.language
    except LocumError:
        language = early_language()
    told = explained(error, language)
    lines = [told["sentence"], told["left_as"], told["advice"]]
    if error.clause is not None:
        lines.insert(1, say(language, "cli.clause", clause=error.clause))
    if usage:
        lines = [usage, told["sentence"], told["advice"]]
    print("\n".join(line for line in lines if line), file=sys.stderr)  # noqa: T201
    if current.json:
        put_json(with_error(current.case_of(error), error, language))
    return error.exit_code
