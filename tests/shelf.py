"""A small mail system that keeps its settings in files, one for replies and one for forwards per mailbox, and the organisation
of world.py with its mailboxes there. It does what the seam asks, no more, and can be told to fail between the two files.

Mail itself is tried on real servers: test_forward_for_real.py, tests/connectors/test_forwarding_hosts.py.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from tests.world import POLICY, World

from locum.absence import Mailbox
from locum.app import App
from locum.desk import ForwardForm
from locum.errors import Conflict, LocumError, Unreachable
from locum.lifecycle import Case, State
from locum.measure import Can, Measure, Standing, Wanted, measure_from_json, measure_to_json
from locum.seam import Finding, Report

REGULATION = """\
[regulation]
works_council = "none"
register = "R-041"
dpia_on = 2026-08-11
known_on = 2026-09-01
"""
FORWARD = """\
[forward.ask]
wait_hours = {wait_hours}
if_unanswered = "{if_unanswered}"
[confidential]
company-doctor = ["arts@arbo.test"]
"""


@dataclass
class Shelf:
    """The mail system. `lacks` are findings that do not hold; `failed` and `sent` are what its log would tell."""

    folder: Path
    name: str = "dovecot"
    can: Can = field(default_factory=lambda: Can(forwards=True))
    breaks: str = ""
    lacks: tuple[str, ...] = ()
    failed: int | None = None
    sent: int | None = 7
    own_replies: set[str] = field(default_factory=set)
    own_forwards: dict[str, tuple[str, ...]] = field(default_factory=dict)
    away: bool = False

    def user(self, mailbox: Mailbox) -> str:
        return mailbox.address

    def _file(self, mailbox: Mailbox, kind: str) -> Path:
        return self.folder / f"{mailbox.address}.{kind}"

    def _stand(self, mailbox: Mailbox, kind: str) -> tuple[Measure, ...]:
        file = self._file(mailbox, kind)
        return tuple(map(measure_from_json, json.loads(file.read_text()))) if file.exists() else ()

    def _set(self, mailbox: Mailbox, kind: str, measures: tuple[Measure, ...]) -> None:
        file = self._file(mailbox, kind)
        if measures:
            part = file.with_suffix(".part")
            part.write_text(json.dumps([measure_to_json(one) for one in measures]))
            part.replace(file)
        else:
            file.unlink(missing_ok=True)

    def read(self, mailbox: Mailbox) -> Standing:
        if self.away:
            raise Unreachable("store-unreachable", reason="away")
        replies, forwards = self._stand(mailbox, "replies"), self._stand(mailbox, "forwards")
        hers = self.own_forwards.get(mailbox.address, ())
        told = repr((replies, forwards, mailbox.address in self.own_replies, hers))
        return Standing(
            replies=replies,  # type: ignore[arg-type]
            forwards=forwards,  # type: ignore[arg-type]
            own_reply=mailbox.address in self.own_replies,
            own_forwards=hers,
            revision=hashlib.sha256(told.encode()).hexdigest(),
        )

    def write(self, mailbox: Mailbox, wanted: Wanted, expect: Standing) -> Standing:
        if self.read(mailbox).revision != expect.revision:
            raise Conflict("published-changed", user=mailbox.address)
        if wanted.forwards and not wanted.warrant and wanted.forwards != expect.forwards:
            raise Conflict("forward-warrant-garbled")
        self._set(mailbox, "replies", wanted.replies)
        if self.breaks and wanted.forwards:
            raise Unreachable("store-unreachable", reason=self.breaks)
        self._set(mailbox, "forwards", wanted.forwards)
        return self.read(mailbox)

    def check(self, sample: Mailbox | None = None) -> Report:
        return ()

    def may_forward(self, mailbox: Mailbox) -> Report:
        return (Finding(key="forward.there", holds=True), *(Finding(key=key, holds=False) for key in self.lacks))

    def forwards_failed(self, mailbox: Mailbox, to: str, since: datetime) -> int | None:
        return self.failed

    def forwards_sent(self, mailbox: Mailbox, to: str, since: datetime, until: datetime) -> int | None:
        return self.sent

    def standing(self) -> list[str]:
        """The names of the files that are there."""
        return sorted(path.name for path in self.folder.iterdir())


@dataclass
class ForwardWorld(World):
    """The organisation, where mail can be forwarded. `trial`: reviews that are recorded count."""

    trial: bool = True
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "shelf").mkdir(exist_ok=True)
        self.shelf = Shelf(self.folder / "shelf")
        super().__post_init__()
        rules = {"free_text": "review", "wait_hours": 4, "if_unanswered": "proceed", "count": 0} | self.policy
        text = (REGULATION + POLICY + FORWARD).format(**rules)
        self.write_policy(text)
        settings = self.config.read_text()
        file = '[policy]\nfile = "policy.toml"\n'
        self.config.write_text(settings.replace(file, f"{file}unsigned_reviews = {str(self.trial).lower()}\n"))
        self.app = self.wired()

    def write_policy(self, text: str) -> None:
        (self.folder / "policy.toml").write_text(text)

    def wired(self) -> App:
        made = super().wired()
        made.__dict__["connectors"] = {"dovecot": self.shelf}
        return made

    def forward(self, *, joins: str = "", by: str = "bob", **changes: object) -> Case:
        given: dict[str, object] = {
            "mailbox": "anna@corp.test",
            "to": "carla@corp.test",
            "reason": "customer",
            "because": "Orders are waiting.",
        }
        form = ForwardForm(**(given | changes))  # type: ignore[arg-type]
        return self.desk.request(self.app.acting(by), form, joins=joins)

    def reply(self, *, joins: str = "", by: str = "bob", **changes: object) -> Case:
        return self.desk.request(self.app.acting(by), self.form(**({"reason": "customer"} | changes)), joins=joins)

    def now_of(self, case: Case) -> Case:
        return self.desk.case(case.id)

    def state(self, case: Case) -> State:
        return self.now_of(case).state

    def agrees(self, case: Case, who: str = "carla@corp.test") -> None:
        """The receiver agrees, by the newest letter to him."""
        self.desk.answer(self.token(who, "consent"), "accept", shown=self.now_of(case).request)
        self.work()

    def approved(self, case: Case, who: str = "dirk") -> None:
        self.desk.review(self.app.acting(who), case.id, approve=True, because="Fine.")
        self.work()

    def live_forward(self, **changes: object) -> Case:
        """A forward that is live: she agreed, the receiver agreed, somebody looked."""
        return self.made_live(self.forward(**changes))

    def made_live(self, case: Case) -> Case:
        self.work()
        self.desk.answer(self.token(), "agree", shown=self.now_of(case).request)
        forward = self.now_of(case).forward
        assert forward is not None
        self.agrees(case, forward.to)
        self.approved(case)
        case = self.now_of(case)
        assert case.state is State.APPLIED, (case.state, case.trouble)
        return case

    def refused(self, **changes: object) -> LocumError:
        """What comes out where this is refused."""
        try:
            case = self.forward(**changes)
        except LocumError as error:
            return error
        raise AssertionError(f"{case.id} was not refused")

    def said(self, recipient: str, event: str) -> str:
        """The text of the newest such letter."""
        part = self.letters(recipient, event)[-1].mail.get_body(("plain",))
        assert part is not None
        return str(part.get_content())


def without(case: Case, **changes: object) -> Case:
    """The case with other values, for attacks on the store."""
    return replace(case, **changes)  # type: ignore[arg-type]


Values = Mapping[str, object]
