"""The small organisation of world.py with its mailboxes on a real Dovecot: by published scripts, or over ManageSieve.

The organisation's clock starts at the real time, which is Dovecot's too; nobody waits for an answer.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.world import PEOPLE, World

from conformance import text_of
from locum.demo.host import Dovecot, Received, Sink
from locum.lifecycle import Case, State
from locum.measure import Audience
from mailhosts.dovecot import MASTER, MASTER_PASSWORD, PASSWORD
from mailhosts.owner import Owner

SCRIPT = "{home}/.dovecot.sieve"
MAIN = (
    b"# Mijn filters\r\n"
    b'require ["include", "fileinto", "mailbox"];\n'
    b'include :personal "rules";\n'
    b'if header :contains "subject" "factuur" { fileinto :create "Facturen"; stop; } # no line end here'
)
RULES = b'require ["fileinto", "mailbox"];\r\nif header :contains "subject" "nieuws" { fileinto :create "Nieuws"; }\r\n'
AT_ONCE: dict[str, object] = {"wait_hours": 0, "free_text": "allowed"}
OURS = "I am away; this is what was asked for."


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def published(host: Dovecot, directory: Path | str = "", script: str = SCRIPT) -> str:
    """Settings of a connector that publishes where `host` reads, and looks at her script (not with `script` "")."""
    lines = (
        '[connector.dovecot]\nkind = "sieve_files"\nmailboxes = ["@corp.test"]',
        f'directory = "{directory or host.published}"',
        f'dovecot_config = "{host.config_file}"\nlog = "{host.log}"',
        f'script = "{script}"' if script else "",
    )
    return "\n".join(lines) + "\n"


def managesieve(host: Dovecot, folder: Path, mailboxes: str = '["@corp.test"]') -> str:
    """Settings of a connector that speaks to `host`, with the master user that exists for this alone."""
    secret = folder / "managesieve.secret"
    secret.write_text(f"{MASTER_PASSWORD}\n")
    secret.chmod(0o600)
    return (
        f'[connector.legacy]\nkind = "managesieve"\nmailboxes = {mailboxes}\nhost = "127.0.0.1"\n'
        f'port = {host.sieve_port}\nuser = "{MASTER}"\nsecret_file = "{secret.name}"\ntls = "none"\n'
    )


def world_of(folder: Path, sink: Sink, connectors: str, *mailboxes: str, **options: object) -> World:
    """The organisation, in which Anna has the first of these mailboxes, and other people have the others."""
    rows = [
        f"p{n},Person {n},{mailbox},,nl,Europe/Amsterdam,sales,carla,,,\n" for n, mailbox in enumerate(mailboxes[1:])
    ]
    people = PEOPLE.replace("anna@corp.test", mailboxes[0]) + "".join(rows)
    given = {"now": now(), "policy": AT_ONCE, "people": people, "connectors": connectors} | options
    return World(folder, sink, **given)  # type: ignore[arg-type]


def asked_for(world: World, mailbox: str, **changes: object) -> Case:
    """A request for everyone, two weeks long, that nobody has worked on."""
    given: dict[str, object] = {
        "mailbox": mailbox,
        "until": (world.now + timedelta(days=14)).isoformat(),
        "audience": Audience.EVERYONE,
        "internal_text": OURS,
        "external_text": OURS,
    }
    return world.request(**(given | changes))


def live(world: World, mailbox: str, **changes: object) -> Case:
    """A reply that is live."""
    case = asked_for(world, mailbox, **changes)
    world.work()
    case = world.desk.case(case.id)
    assert case.state is State.APPLIED, case.state
    return case


def owner(host: Dovecot, mailbox: str) -> Owner:
    """She, at her own filter scripts."""
    return Owner(host.sieve_port, mailbox, PASSWORD)


def replies(messages: list[Received]) -> list[str]:
    """The texts of the automatic replies among these."""
    return [text_of(message.mail) for message in messages if not message.sender and b"report" not in message.content]
