"""The stage of a story that is played on four mail systems at once: the real Dovecot of all stories, a real Cyrus over JMAP, and the
stubs of Exchange Online and Google Workspace, which their makers' schemas judge. It begins now, since Cyrus' clock is not moved.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailhosts.certificates import certified
from mailhosts.cyrus import Cyrus
from mailhosts.dovecot import letter
from mailhosts.gmail import ACCOUNT, KEY_ID, GmailHost, gmail_host
from mailhosts.graph import CLIENT, TENANT, GraphHost, graph_host
from mailhosts.graph_client import registered, shown
from mailhosts.owner import Owner
from stories.script import Step
from stories.stage import Stage, Untrue

NUMBERS = range(1, 6)
SIEVE, JMAP = "for-sieve-only", "for-jmap-only"

CONNECTORS = """\
[connector.online]
kind = "graph"
mailboxes = ["online-*@corp.test"]
tenant = "{tenant}"
client_id = "{client}"
certificate_file = "app.pem"
key_file = "app.key"
login_url = "{graph}"
graph_url = "{graph}"
[connector.workspace]
kind = "gmail"
mailboxes = ["google-*@corp.test"]
key_file = "workspace.json"
token_url = "{gmail}/token"
api_url = "{gmail}"
[connector.cyrus]
kind = "jmap"
mailboxes = ["cyrus-*@corp.test"]
url = "http://127.0.0.1:{jmap}"
user = "locum"
secret_file = "jmap.secret"
"""


def addresses(system: str) -> list[str]:
    return [f"{system}-{number}@corp.test" for number in NUMBERS]


@dataclass
class Elsewhere:
    """The three mail systems beside Dovecot."""

    graph: GraphHost
    gmail: GmailHost
    cyrus: Cyrus


@contextmanager
def elsewhere(folder: Path) -> Iterator[Elsewhere]:
    """Started, with five mailboxes on each; what Locum needs to know of them is in `folder`."""
    key, made = rsa.generate_private_key(65537, 2048), certified(folder)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    told = {"client_email": ACCOUNT, "private_key_id": KEY_ID, "private_key": pem}
    for name, text in (("workspace.json", json.dumps(told)), ("jmap.secret", JMAP)):
        (folder / name).touch(0o600)
        (folder / name).write_text(text)
    with ExitStack() as stack:
        graph = stack.enter_context(graph_host([registered(folder).certificate]))
        gmail = stack.enter_context(gmail_host(key.public_key()))
        proxies, files = {"locum": SIEVE}, {"certificate": made.certificate, "key": made.key}
        cyrus = stack.enter_context(Cyrus(users={}, proxies=proxies, jmap_proxies={"locum": JMAP}, **files))
        for address in addresses("online"):
            graph.add(address, inside="", outside="")
        gmail.boxes.update({address: {} for address in addresses("google")})
        for address in addresses("cyrus"):
            cyrus.create_mailbox(address)
            Owner(cyrus.sieve_port, address, SIEVE, login="locum").has({}, "")
        yield Elsewhere(graph, gmail, cyrus)


@dataclass
class FourSystems(Stage):
    """The stage with all four."""

    others: Elsewhere = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.move_to(datetime.now(UTC))
        self.others.graph.now = self.others.gmail.now = self.now
        settings = self.folder / "locum.toml"
        urls = {"graph": self.others.graph.url, "gmail": self.others.gmail.url, "jmap": self.others.cyrus.jmap_port}
        connectors = CONNECTORS.format(tenant=TENANT, client=CLIENT, **urls)
        settings.write_text(settings.read_text().replace("[connector.dovecot]\n", f"{connectors}[connector.dovecot]\n"))

    def _writes_to(self, who: str, step: Step) -> None:
        """On each system as it answers: Cyrus by delivering, the stubs by what is set there now."""
        system = step.rest.partition("-")[0]
        if system not in ("online", "google", "cyrus"):
            super()._writes_to(who, step)
            return
        text = getattr(self, f"_from_{system}")(step.rest, who)
        if step.lines == ("nobody answers",):
            if text:
                raise Untrue(f"somebody answered:\n{text}")
            return
        self._see(step, text or "(nobody answered)")

    def _from_online(self, address: str, sender: str) -> str:
        html = self.others.graph.reply(address, sender, self.now())
        return "" if html is None else shown(html)

    def _from_google(self, address: str, sender: str) -> str:
        found = self.others.gmail.reply(address, sender, self.now())
        return "" if found is None else found[1]

    def _from_cyrus(self, address: str, sender: str) -> str:
        sink = self.others.cyrus.sink
        sink.clear()
        self.others.cyrus.deliver(sender, address, letter(sender, address))
        mails = [kept.mail for kept in sink.messages if not kept.sender]
        return next((str(part.get_content()) for mail in mails if (part := mail.get_body(("plain",)))), "")
