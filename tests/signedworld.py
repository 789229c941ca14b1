"""The organisation of shelf.py where approvals are signed: everybody has a passkey in software, and functions on record.

Bob (it) asks, Anna owns the mailbox, Carla (manager) gets the copies, Dirk (hr), Petra (dpo) and Mark (hr) may look. What is
recorded of people and keys is written as registers.py writes it: the deeds themselves are tried in test_register.py.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from tests.shelf import ForwardWorld
from tests.world import PEOPLE

from locum.approval import Site
from locum.approval.strict import encoded
from locum.desk import Acting, ForwardForm, ToSign
from locum.entry import Draft, Json
from locum.lifecycle import Case, State
from locum.register import STREAM
from locum.store import Change
from registers import Signing, key_of, signed
from softkeys import SITE, SoftKey

MORE = """\
petra,Petra Vos,petra@corp.test,,nl,Europe/Amsterdam,dpo,,,,
mark,Mark Kok,mark@corp.test,,en,Europe/Amsterdam,hr,,,,
ivo,Ivo Bos,ivo@corp.test,,nl,Europe/Amsterdam,it,,,,
"""
GIVEN = {"bob": "it", "carla": "manager", "mark": "hr", "ivo": "it", "anna": "sales"}
WEB = '[web]\nurl = "https://locum.corp.test"\n'


@dataclass
class SignedWorld(ForwardWorld):
    """As ForwardWorld; `keys` are everybody's."""

    trial: bool = False
    people: str = PEOPLE + MORE
    more: str = WEB
    site: Site = SITE
    keys: dict[str, SoftKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.keys = {name: SoftKey(name, site=self.site) for name in ("dirk", "petra", *GIVEN)}
        founders: list[Json] = [{**key_of(name, self.keys[name]), "function": function} for name, function in TWO]
        self.deed("first-keys", {"people": founders, "present": "Nora, works council"}, *self.two)
        for name in GIVEN:
            self.deed("key-added", key_of(name, self.keys[name]), (name, "", self.keys[name]), *self.two)
        people: list[Json] = [{"person": name, "function": function} for name, function in GIVEN.items()]
        self.deed("function-given", {"people": people}, *self.two)
        self.now += timedelta(days=2)
        self.app.sign()

    @property
    def two(self) -> tuple[Signing, Signing]:
        """The two who may change the register together."""
        return tuple((name, function, self.keys[name]) for name, function in TWO)  # type: ignore[return-value]

    def deed(self, kind: str, what: dict[str, Json], *by: Signing) -> None:
        """Record a deed that these people sign."""
        body: dict[str, Json] = {
            "signed": [signed(kind, what, one, self.now, log=self.app.desk.office.log()).as_json() for one in by]
        }
        self.app.store.commit([Change(entries=(Draft(stream=STREAM, type=kind, time=self.now, body=body),))])

    def withdraw(self, name: str) -> None:
        """Somebody withdraws her own key."""
        credential = encoded(self.keys[name].credential)
        what: dict[str, Json] = {"person": name, "credential": credential, "reason": "lost"}
        self.deed("key-withdrawn", what, (name, "", self.keys[name]))

    def a_form(self) -> ForwardForm:
        return ForwardForm(mailbox="anna@corp.test", to="carla@corp.test", reason="customer", because="Orders wait.")

    def me(self, name: str) -> Acting:
        """Somebody who is signed in."""
        return self.app.acting(name)

    def asked(self, name: str, case: Case, decision: str) -> ToSign:
        return self.desk.to_sign(self.me(name), case.id, decision)

    def signs(self, name: str, case: Case, decision: str = "approve", because: str = "Fine.") -> Case:
        """Somebody reads, and signs."""
        one = self.asked(name, case, decision)
        found = self.desk.sign(
            self.me(name), case.id, one.statement, self.keys[name].sign(one.challenge).dump(), because
        )
        self.work()
        return found

    def asked_for(self, **changes: object) -> Case:
        """A forward that she and the receiver agree to, and that waits for signatures."""
        case = self.forward(**changes)
        self.work()
        self.desk.answer(self.token(), "agree", shown=self.now_of(case).request)
        self.agrees(case, self.now_of(case).forward.to)  # type: ignore[union-attr]
        return self.now_of(case)

    def ready(self, **changes: object) -> Case:
        """A forward that all signatures are under, and that begins tomorrow."""
        tomorrow = (self.now + timedelta(days=1)).date().isoformat()
        case = self.asked_for(**({"from_": tomorrow} | changes))
        self.signs("bob", case, "request")
        self.signs("dirk", case)
        case = self.now_of(case)
        assert case.state is State.SCHEDULED, (case.state, case.trouble)
        return case

    def live_forward(self, **changes: object) -> Case:
        case = self.asked_for(**changes)
        self.signs("bob", case, "request")
        self.signs("dirk", case)
        return self.now_of(case)


TWO = (("dirk", "hr"), ("petra", "dpo"))
"""Who founded the register."""
