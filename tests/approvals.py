"""A forward of Anna's mail that Sam asks for, and what people sign about it: for the tests and the bench of the gate."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from locum.approval import Approval, Log, Signed, challenge, request_hash, text_hash
from locum.entry import Json, canonical
from locum.gate import Act, Given, Need, Part, Passed, Stopped, Surroundings, gate
from locum.measure import instant
from locum.register import Register
from registers import People, log, nonce
from softkeys import SITE, SoftKey

POLICY = "ef" * 32
SHOWN = ("Post voor Anna gaat twee weken ook naar Bert.", "Mail for Anna also goes to Bert for two weeks.")
REVIEW = Part(count=1, functions=frozenset({"manager", "hr", "dpo"}))
NEED = Need(parts=(REVIEW,), requester_signs=True)


@dataclass
class Story:
    """One request, and what was signed about it. `log_size` is how long the log is by now."""

    org: People = field(default_factory=People)
    need: Need = NEED
    log_size: int = 1000
    approvals: list[Given] = field(default_factory=list)
    request: dict[str, Json] = field(default_factory=dict)
    recorded: str = ""

    def __post_init__(self) -> None:
        self.request = self.request or request(self.org.now + timedelta(days=14))
        self.recorded = self.recorded or request_hash(self.request)

    @property
    def now(self) -> datetime:
        return self.org.now

    @property
    def bytes(self) -> bytes:
        return canonical(self.request)

    def signs(
        self, person: str, function: str, decision: str = "approve", key: SoftKey | None = None, **instead: object
    ) -> Given:
        """Somebody signs, and it is recorded; `instead` changes fields of the statement."""
        said: dict[str, object] = {
            "decision": decision,
            "function": function,
            "approver": person,
            "request": self.recorded,
            "display": text_hash(SHOWN[0]),
            "policy": POLICY,
            "log": log(self.org.size),
            "nonce": nonce(),
        }
        statement = Approval(**{**said, **instead}).dump()  # type: ignore[arg-type]
        assertion = (key or self.org.keys[person]).sign(challenge("approval", statement))
        one = Given(
            signed=Signed(statement, assertion.dump()),
            index=self.org.place(),
            recorded_at=self.now,
            shown=SHOWN,
        )
        self.approvals.append(one)
        return one

    def both(self) -> "Story":
        """Sam signs what he asks for, and Maria approves of it: all that is needed."""
        self.signs("sam", "it", "request")
        self.signs("maria", "hr")
        return self

    @property
    def act(self) -> Act:
        return Act(request=self.bytes, recorded=self.recorded, policy=POLICY, need=self.need)

    @property
    def around(self) -> Surroundings:
        return Surroundings(site=SITE, log=Log("corp.test/locum", self.log_size, "00" * 32))

    def ask(
        self,
        given: Sequence[Given] | None = None,
        register: Register | None = None,
        at: datetime | None = None,
        around: dict[str, object] | None = None,
        **act: object,
    ) -> Passed | Stopped:
        """The gate, with something changed."""
        return gate(
            replace(self.act, **act),  # type: ignore[arg-type]
            self.approvals if given is None else given,
            register or self.org.fold(),
            replace(self.around, **(around or {})),  # type: ignore[arg-type]
            at or self.now,
        )

    def why(self, **changes: object) -> set[str]:
        """The reasons for which the gate is shut; none where it lets through."""
        found = self.ask(**changes)  # type: ignore[arg-type]
        return {one.key for one in found.reasons} if isinstance(found, Stopped) else set()


def request(not_after: datetime, **instead: Json) -> dict[str, Json]:
    """R for a forward, as it is filed."""
    forward: dict[str, Json] = {
        "measure": "forward",
        "to": "bert@corp.test",
        "from_date": "2026-01-07T09:00:00Z",
        "to_date": instant(not_after),
    }
    return {
        "v": 1,
        "nonce": "12" * 16,
        "not_after": instant(not_after),
        "mailbox": "anna@corp.test",
        "person": "anna",
        "requester": "sam",
        "reason": "continuity",
        "because": "Offertes wachten op antwoord — elke dag.",
        "template": "",
        "batch": "",
        "batch_size": 1,
        "policy": POLICY,
        "connector": "dovecot",
        "measures": [forward],
        **instead,
    }
