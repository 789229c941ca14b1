"""A small organisation, wired for real: settings, people, a store, published scripts judged by sievec, a relay that keeps
what it is handed. Only the clock is the test's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from locum.app import App, build
from locum.demo.sink import Received, Sink
from locum.desk import Desk, RequestForm
from locum.lifecycle import Case, State
from locum.settings import load

PEOPLE = """\
person,name,mailbox,aliases,language,time_zone,function,manager,private_mail,mobile,private_permitted_on
anna,Anna de Vries,anna@corp.test,a.devries@corp.test,nl,Europe/Amsterdam,sales,carla,anna@home.test,,2026-01-05
bob,Bob Smit,bob@corp.test,,nl,Europe/Amsterdam,it,carla,,,
carla,Carla Jansen,carla@corp.test,,en,Europe/Amsterdam,manager,,,,
dirk,Dirk Bakker,dirk@corp.test,,nl,Europe/Amsterdam,hr,,,,
"""

SETTINGS = """\
[organisation]
name = "Voorbeeld BV"
domains = ["corp.test"]
language = "en"
[store]
url = "{store}"
[people]
csv = "people.csv"
[policy]
file = "policy.toml"
[mail]
relay = "smtp://127.0.0.1:{relay}"
from = "locum@corp.test"
{connectors}
"""

PUBLISHED = """\
[connector.dovecot]
kind = "sieve_files"
mailboxes = ["@corp.test"]
directory = "sieve"
"""

POLICY = """\
[auto-reply]
reasons = ["forgotten", "continuity", "customer", "closing"]
free_text = "{free_text}"
powers = ["redirect-mail"]
[auto-reply.ask]
channels = ["mobile", "private_mail", "mailbox"]
wait_hours = {wait_hours}
if_unanswered = "{if_unanswered}"
[auto-reply.review]
count = {count}
functions = ["manager", "hr"]
"""

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


BUILT: "list[World]" = []
"""The organisations of the test that runs: what their cases recorded is compared with the model (traces.py)."""


@dataclass
class World:
    """The organisation. `now` moves only when told."""

    folder: Path
    sink: Sink
    store_url: str = "sqlite:///locum.db"
    now: datetime = MONDAY
    policy: dict[str, object] = field(default_factory=dict)
    people: str = PEOPLE
    connectors: str = PUBLISHED
    more: str = ""
    step: Callable[[str], None] = lambda _name: None

    def __post_init__(self) -> None:
        rules = {"free_text": "review", "wait_hours": 4, "if_unanswered": "proceed", "count": 0} | self.policy
        written = POLICY.format(**rules).replace('["redirect-mail"]', str(rules.get("powers", '["redirect-mail"]')))
        (self.folder / "people.csv").write_text(self.people)
        (self.folder / "policy.toml").write_text(written)
        settings = SETTINGS.format(store=self.store_url, relay=self.sink.port, connectors=self.connectors) + self.more
        self.config = self.folder / "locum.toml"
        self.config.write_text(settings)
        for place in ("sieve", "sieve/before", "sieve/after"):
            (self.folder / place).mkdir(exist_ok=True)
        self.app: App = self.wired()
        BUILT.append(self)

    def wired(self) -> App:
        """A fresh App over the same settings, as another process would make it."""
        return build(load(self.config), clock=lambda: self.now, step=self.step)

    @property
    def desk(self) -> Desk:
        return self.app.desk

    def form(self, **changes: object) -> RequestForm:
        given: dict[str, object] = {
            "mailbox": "anna@corp.test",
            "reason": "forgotten",
            "because": "Customers are waiting for an answer.",
            "until": "2026-12-07",
        }
        return RequestForm(**(given | changes))  # type: ignore[arg-type]

    def request(self, **changes: object) -> Case:
        return self.desk.request(self.app.acting("bob"), self.form(**changes))

    def work(self, worker: str = "worker-1") -> int:
        """Do everything that is due now; how many jobs that were."""
        done = 0
        while taken := self.app.store.take(worker, seconds=60):
            self.desk.run(taken)
            done += len(taken)
            assert done < 5000, "jobs do not come to an end"
        return done

    def later(self, **span: float) -> None:
        """Move the clock and do what is due."""
        self.now += timedelta(**span)
        self.work()

    def live(self, **changes: object) -> Case:
        """A case whose reply is live."""
        case = self.request(**changes)
        self.work()
        self.later(hours=5)
        case = self.desk.case(case.id)
        assert case.state is State.APPLIED, case.state
        return case

    def published(self) -> dict[str, bytes]:
        """The scripts that stand, by place and name."""
        root = self.folder / "sieve"
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.glob("*/*.sieve"))}

    def letters(self, recipient: str, event: str = "") -> list[Received]:
        return [m for m in self.sink.messages if recipient in m.recipients and event in (m.mail["Message-ID"] or "")]

    def token(self, recipient: str = "anna@home.test", event: str = "ask") -> str:
        """The token of the link in the newest letter to `recipient`."""
        text = self.letters(recipient, event)[-1].mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        found = re.search(r"/l/(\S+)", text)
        assert found is not None, text
        return found[1]

    def types(self, case: Case) -> list[str]:
        return [entry.type for entry in self.app.store.entries(case=case.id)]
