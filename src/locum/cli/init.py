"""`locum init`: a few questions, a look around, and a commented settings file. What is looked at is in locum.discovery, and what
is written in locum.first_settings. It never writes over anything.
"""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from locum.addresses import domain as domain_of
from locum.cli.door import Door, command, helped
from locum.cli.output import put, put_json
from locum.errors import Invalid

if TYPE_CHECKING:
    from locum.discovery import Sign
    from locum.first_settings import Answers, System

_PEOPLE = "person,name,mailbox,aliases,language,time_zone,function,manager,private_mail,mobile,private_permitted_on\n"
_PORTS = {"managesieve": 4190}
_Domains = Annotated[list[str] | None, typer.Option("--domain", metavar="DOMAIN", help=helped("init-domain"))]
_Name = Annotated[str | None, typer.Option("--name", metavar="TEXT", help=helped("init-name"))]
_Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help=helped("init-output"))]
_Relay = Annotated[str | None, typer.Option("--relay", metavar="URL", help=helped("init-relay"))]
_Url = Annotated[str | None, typer.Option("--url", metavar="URL", help=helped("init-url"))]
_Data = Annotated[str | None, typer.Option("--data", metavar="FOLDER", help=helped("init-data"))]
_Systems = Annotated[list[str] | None, typer.Option("--system", metavar="DOMAIN=KIND", help=helped("init-system"))]
_Offline = Annotated[bool, typer.Option("--offline", help=helped("init-offline"))]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "init")(init)


def init(
    door: Door,
    *,
    name: _Name = None,
    domain: _Domains = None,
    relay: _Relay = None,
    url: _Url = None,
    data: _Data = None,
    system: _Systems = None,
    output: _Output = Path("locum.toml"),
    offline: _Offline = False,
) -> int:
    """Ask, look, and write the first settings."""
    from locum.first_settings import Answers, compose  # noqa: PLC0415

    people = output.with_name("people.csv")
    _refuse_to_replace(output)
    organisation = name or _ask(door, "name", "")
    domains = tuple(_domain(one) for one in domain or _ask(door, "domains", "").replace(",", " ").split())
    if not domains:
        raise Invalid("init-no-answer", what="--domain")
    systems = _systems(door, domains, system or [], offline=offline)
    answers = Answers(
        organisation=organisation,
        domains=domains,
        language=door.language,
        relay=relay or _ask(door, "relay", "smtp://127.0.0.1:25"),
        url=url or _ask(door, "url", "http://127.0.0.1:8080"),
        data=data or _ask(door, "data", "/var/lib/locum/data"),
        systems=systems,
    )
    _write(output, compose(answers))
    has_people = people.exists()
    if not has_people:
        _write(people, _PEOPLE)
    _told(door, output, people, answers, has_people=has_people)
    return 0


def _refuse_to_replace(output: Path) -> None:
    if output.exists():
        raise Invalid("init-file-exists", file=output)
    if not output.absolute().parent.is_dir():
        raise Invalid("init-not-written", file=output, what=f"{output.absolute().parent}")


def _write(file: Path, text: str) -> None:
    """Make a file, 0640. Raises Invalid where there is one by now, or it cannot be made."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w", encoding="utf-8") as made:
            made.write(text)
    except FileExistsError:
        raise Invalid("init-file-exists", file=file) from None
    except OSError as error:
        raise Invalid("init-not-written", file=file, what=error.strerror) from None


def _ask(door: Door, what: str, default: str) -> str:
    """One question on the terminal. Without one, the default; Invalid where there is none."""
    if not sys.stdin.isatty():
        if default:
            return default
        raise Invalid("init-no-answer", what={"name": "--name", "domains": "--domain"}.get(what, what))
    print(door.say(f"init.ask.{what}"), file=sys.stderr)  # noqa: T201
    print(f"  [{default}] " if default else "  ", end="", file=sys.stderr, flush=True)  # noqa: T201
    answer = sys.stdin.readline().strip()
    if answer or default:
        return answer or default
    raise Invalid("init-no-answer", what=door.say(f"init.ask.{what}"))


def _domain(text: str) -> str:
    return domain_of(text.strip().removeprefix("@"))


def _systems(door: Door, domains: Sequence[str], given: Sequence[str], *, offline: bool) -> "tuple[System, ...]":
    """Which mail system each domain is on: as said on the command line, as asked, or as seen."""
    from locum.first_settings import kinds  # noqa: PLC0415

    said = _said(given, kinds())
    found: list[System] = []
    for domain in domains:
        signs = [] if offline or domain in said else _look(door, domain)
        kind = said.get(domain) or _chosen(door, domain, signs, kinds())
        found.append(_system(domain, kind, signs, found))
    return tuple(found)


def _said(given: Sequence[str], kinds: Sequence[str]) -> dict[str, str]:
    said = {}
    for one in given:
        domain, _, kind = one.partition("=")
        if kind not in kinds:
            raise Invalid("init-unknown-kind", value=one, kinds=", ".join(kinds))
        said[_domain(domain)] = kind
    return said


def _look(door: Door, domain: str) -> "list[Sign]":
    """What is seen of this domain, told as it is looked at; and whether Dovecot is on this machine."""
    from locum.discovery import Network, Sign, look  # noqa: PLC0415

    door.tell("init.looking", domain=domain)
    signs = [*look(domain, Network(), lambda what: door.tell(f"init.look.{what}", domain=domain))]
    if shutil.which("doveconf"):
        signs.insert(0, Sign("sieve_files", "localhost", 0, "here"))
    for sign in signs:
        door.tell(f"init.seen.{sign.seen}", kind=sign.kind, host=sign.host, port=sign.port)
    if not signs:
        door.tell("init.seen.nothing", domain=domain)
    return signs


def _chosen(door: Door, domain: str, signs: "Sequence[Sign]", kinds: Sequence[str]) -> str:
    """The kind for a domain: asked, with what was seen first as the default. Where a kind is seen that is none of ours, that is said."""
    for sign in signs:
        if sign.kind not in kinds:
            door.tell("init.not-ours", kind=sign.kind)
    default = next((sign.kind for sign in signs if sign.kind in kinds), "")
    if not sys.stdin.isatty():
        if default:
            return default
        raise Invalid("init-no-system", domain=domain, kinds=", ".join(kinds))
    door.tell("init.ask.system", domain=domain, kinds=", ".join(kinds))
    print(f"  [{default}] " if default else "  ", end="", file=sys.stderr, flush=True)  # noqa: T201
    answer = sys.stdin.readline().strip() or default
    if answer not in kinds:
        raise Invalid("init-unknown-kind", value=answer, kinds=", ".join(kinds))
    return answer


def _system(domain: str, kind: str, signs: "Sequence[Sign]", before: "Sequence[System]") -> "System":
    """A table of the settings for one domain, with a name of its own."""
    from locum.first_settings import System  # noqa: PLC0415

    seen = next((sign for sign in signs if sign.kind == kind), None)
    base = re.sub(r"[^a-z0-9]", "-", kind)
    many = sum(1 for one in before if one.kind == kind)
    host, port = (seen.host, seen.port) if seen is not None else (f"mail.{domain}", _PORTS.get(kind, 443))
    return System(
        kind=kind, name=base if not many else f"{base}-{many + 1}", mailboxes=(f"@{domain}",), host=host, port=port
    )


def _told(door: Door, output: Path, people: Path, answers: "Answers", *, has_people: bool) -> None:
    made = [output] if has_people else [output, people]
    if door.json:
        systems = [{"name": one.name, "kind": one.kind, "mailboxes": list(one.mailboxes)} for one in answers.systems]
        put_json({"written": [str(file) for file in made], "systems": systems})
        return
    for file in made:
        put(door.say("written", file=file))
    put()
    put(door.say("init.next", file=output, people=people))
