"""The desk: the main path of a case. Each step is the same four moves: load, decide, act, commit.

    filing.py        request                       a form becomes a case, or a clear refusal
    previewing.py    preview                       what would become of it, kept nowhere
    listing.py       listed, part_in               whose cases somebody may see, a page at a time
    asking.py,       ask, contact, answer, lapse,  she is asked first, a channel at a time; what follows from what she says
    attempts.py      review, withdraw, proceed
    handing.py,      hand-over, handed             her key, with which she checks later what was done
    handed.py
    objecting.py,    objection-stands, overrule    her objection: for a later request too, and overruling it (clause 6)
    overruling.py
    departing.py,    keepers, closing              clause 17: what is different by reason; letters to who keeps contact
    keepers.py
    acting.py        apply, watch, end, look       the only place that touches a mail system
    reaching.py      reading and writing many      how acting.py gets there
    telling.py       live, noted, news, account    what she and the requester are told
    checkable.py     checkable                     the account as a file that its owner can check by herself
    escalating.py,   review-wanted                 who is asked to look, one after the other, and told that it is over
    whom.py
    joining.py       request, with another         a measure joins a request that has nothing set yet
    consenting.py    consent, tell-receiver        the receiver of a forward is asked, and told
    signed.py,       to_sign, sign                 what is signed about a case (gating.py: whether that is enough),
    signing.py                                     and about people and keys
    last_look.py     (apply)                       what was filed is judged once more, right before the act
    watching.py      (watch)                       what is read back of what is live
    witnessing.py    (apply), cosign               what waits for a witness; what speaks against one, or against the record
    behind_links.py  look, answer                  what the pages behind links show and do
    registering.py,  propose, sign_deed, found     people and keys: proposed, signed, recorded in org/register, told by letter
    registered.py
    hers.py,         hers                          the same for whoever is signed in, about her own mailbox; what she
    wished.py                                      wishes beforehand: her text, her channels, her protections
    house.py         house                         what everybody may see: the regulation, the figures, who is away
    reconciling.py,  reconcile                     the mail system's own log is compared with what Locum did; looking.py
    looking.py                                     records looks that belong to no case
    auditing.py      audit                         every tag made anew, and what to look at
    forgotten.py     gaps, daily                   who forgot, and the reminder before leave
    keeping.py       erase, daily                  clause 15: what was kept for long enough is erased

The next step is always a job committed in the same transaction; `run` does due jobs. Doors see only this file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from locum.absence import Mailbox
from locum.account import Account
from locum.addresses import canonical
from locum.desk import (
    acting,
    asking,
    auditing,
    behind_links,
    checkable,
    consenting,
    departing,
    escalating,
    filing,
    forgotten,
    handing,
    incidents,
    joining,
    keepers,
    keeping,
    listing,
    looking,
    objecting,
    overruling,
    previewing,
    reaching,
    receipts,
    reconciling,
    reconciling_told,
    recorded,
    registered,
    telling,
    ways_told,
    witnessing,
    witnessing_told,
    worded,
)
from locum.desk.filing import AnyForm
from locum.desk.forms import (
    Acting,
    BothForm,
    ConsentView,
    ForwardForm,
    Gap,
    LinkView,
    OwnText,
    Preview,
    RequestForm,
    SearchForm,
    ToSign,
)
from locum.desk.handed import HandedKeys
from locum.desk.handing import HAND_OVER
from locum.desk.hers import Hers, Living
from locum.desk.house import House
from locum.desk.lanes import CLOSE, LOOK, OPEN, WIPE
from locum.desk.listing import Listed
from locum.desk.office import Office, Organisation
from locum.desk.searching import Searching, attending, opened, opening
from locum.desk.searching import looking as searching_look
from locum.desk.signed import SignedSteps
from locum.entry import Entry
from locum.errors import Invalid, LocumError, Refused
from locum.lifecycle import Case, State
from locum.seam import Connector, Finding, Report
from locum.store import Taken
from locum.wording import Remark

__all__ = [
    "HAND_OVER",
    "Acting",
    "BothForm",
    "ConsentView",
    "Desk",
    "ForwardForm",
    "Gap",
    "Hers",
    "House",
    "LinkView",
    "Listed",
    "Living",
    "Office",
    "Organisation",
    "OwnText",
    "Preview",
    "RequestForm",
    "SearchForm",
    "ToSign",
]

_ALL = 200
REMINDERS = ("remind", "org/reminders")
"""Kind and case of the daily job that looks who forgot."""


class Desk(SignedSteps):
    """The main path. Methods raise LocumError; whatever they raise, nothing is left half."""

    def __init__(self, office: Office) -> None:
        """Work with what `office` has."""
        super().__init__(office)
        self._many: dict[str, Callable[[Sequence[Taken]], None]] = {
            "lapse": lambda taken: asking.lapse(office, list(taken)),
            "apply": partial(acting.apply, office),
            "watch": partial(acting.watch, office),
            "end": partial(acting.end, office),
        }
        self._one: dict[str, Callable[[Taken], None]] = {
            "ask": partial(asking.ask, office),
            "consent": partial(consenting.ask, office),
            "tell-receiver": partial(consenting.told, office),
            "close": partial(asking.close, office),
            "tell-live": partial(keepers.tell_live, office),
            "noted": partial(keepers.noted, office),
            "news": partial(telling.news, office),
            "review-wanted": partial(escalating.review_wanted, office),
            "account": partial(keepers.account, office),
            departing.CONTACT_TOLD: partial(keepers.tell_asked, office),
            departing.REMINDED: partial(keepers.remind_of_closing, office),
            objecting.STANDS: partial(objecting.tell_standing, office),
            overruling.OVERRULED: partial(overruling.tell_overruled, office),
            incidents.INCIDENT: partial(incidents.tell, office),
            "look": partial(acting.look, office),
            OPEN: partial(opening.open_, office),
            CLOSE: partial(opening.close, office),
            LOOK: partial(searching_look.look, office),
            WIPE: partial(opened.wipe, office),
            attending.INVITED: partial(attending.invite, office),
            attending.SAID: partial(attending.tell_said, office),
            "remind": partial(forgotten.daily, office),
            keeping.KIND: partial(keeping.daily, office),
            reconciling.KIND: partial(reconciling.reconcile, office),
            reconciling_told.TOLD: partial(reconciling_told.tell, office),
            HAND_OVER[0]: partial(handing.daily, office),
            receipts.SIGNED: partial(receipts.tell, office),
            registered.TOLD: partial(registered.tell, office),
            ways_told.TOLD: partial(ways_told.tell, office),
            witnessing_told.TOLD: partial(witnessing_told.tell, office),
        }

    # the requester's steps

    def request(
        self,
        acting_: Acting,
        form: AnyForm,
        *,
        batch: str = "",
        joins: str = "",
        once: str = "",
    ) -> Case:
        """File a request. Raises Invalid (nothing recorded), or Refused after recording the refusal (`values["case"]`).

        `joins` is an earlier case that has nothing set yet: the measure is added to it, and she is asked anew about both.
        `once` is a key made for one form: the same form sent twice with it is one case.
        """
        if joins and not isinstance(form, BothForm):
            return self._at(joins, lambda case: joining.join(self.office, acting_, case, form))
        return filing.request(self.office, acting_, form, batch, once)

    def preview(self, acting_: Acting, form: AnyForm) -> Preview:
        """What would become of a request, had it been filed now; nothing is recorded. Raises nothing that is the form's fault."""
        return previewing.preview(self.office, acting_, form)

    def request_many(self, acting_: Acting, forms: Sequence[RequestForm], *, batch: str) -> list[Case | LocumError]:
        """One case each, committed together; an error is a result. A mailbox that already has a case in this batch gives
        that case back, so that a batch can be resumed.
        """
        return list(self.request_each(acting_, forms, batch=batch))

    def request_each(self, acting_: Acting, forms: Sequence[RequestForm], *, batch: str) -> Iterator[Case | LocumError]:
        """As `request_many`, one result after the other: nothing is kept of those before, however many there are."""
        return filing.request_each(self.office, acting_, forms, batch)

    def contact(self, acting_: Acting, case_id: str, *, by: str, outcome: str, because: str) -> Case:
        """Note an attempt to reach her that a person made. by: phone, sms, mail, desk; outcome: reached, unreached,
        agreed, objected. Raises Refused where the case is past it.
        """
        return self._at(case_id, lambda case: asking.contact(self.office, acting_, case, by, outcome, because))

    def review(self, acting_: Acting, case_id: str, *, approve: bool, because: str) -> Case:
        """Record a second person's yes or no; never a signature. Raises Refused with clause 7."""
        return self._at(case_id, lambda case: asking.review(self.office, acting_, case, approve, because))

    def overrule(self, acting_: Acting, case_id: str, *, because: str) -> Case:
        """Record one approver's compelling grounds against her objection; with the last that the policy asks for, she is sent
        them, and then the case goes on. Raises Refused with clause 6 or 7, Invalid `grounds-too-short`.
        """
        return self._at(case_id, lambda case: overruling.overrule(self.office, acting_, case, because))

    def withdraw(self, acting_: Acting, case_id: str) -> Case:
        """Take a request back before anything was set. Raises Refused `no-such-step` once it is live: see `end`."""
        return self._at(case_id, lambda case: asking.withdraw(self.office, acting_, case))

    def end(self, acting_: Acting, case_id: str) -> Case:
        """End a live case now. Raises Refused `no-such-step` where nothing is live."""
        return self._at(case_id, lambda case: self._end(acting_, case))

    def _end(self, acting_: Acting, case: Case) -> Case:
        if case.state not in (State.APPLYING, State.APPLIED):
            raise Refused("no-such-step", case=case.id, state=case.state, event="end")
        entry = self.office.draft(case, "withdrawn", by={"id": acting_.id, "name": acting_.name}, because="")
        change = asking.stopped(self.office, case, asking.by_whom(case, acting_), entry)
        return self.office.store.commit([change])[0]

    # her steps, by link

    def look(self, token: str) -> LinkView | ConsentView:
        """What a link shows, to her or to the receiver of a forward; changes nothing. Raises Invalid `link-unknown` (also for a forged one) or `link-expired`."""
        return behind_links.look(self.office, token)

    def answer(
        self, token: str, answer: str, text: OwnText | None = None, because: str = "", *, shown: str | None = None
    ) -> Case:
        """One of the view's `may`; the case as it was recorded. `shown` is the request that the page showed, None where none did.

        Raises Invalid as `look`, and Conflict: `link-used` where this was already said, `shown-before` where something else
        is asked by now; nothing is recorded then.
        """
        return behind_links.answer(self.office, token, answer, text, because, shown)

    # her own mailbox, signed in

    @property
    def hers(self) -> Hers:
        """What somebody who is signed in sees of her own mailbox, says about it, and wishes beforehand."""
        return Hers(self.office)

    @property
    def handed(self) -> HandedKeys:
        """The keys with which people check what was done: handed over, to everybody or anew."""
        return HandedKeys(self.office)

    @property
    def house(self) -> House:
        """What whoever is signed in may see of the regulation, the figures, and who is away."""
        return House(self.office)

    @property
    def searching(self) -> Searching:
        """The steps of a search: where it stands, the next one, the list."""
        return Searching(self.office)

    # the worker's steps

    def run(self, taken: Sequence[Taken]) -> None:
        """Do these due jobs (one kind and lane). Trouble with the far side puts a job off; a case that moved on meanwhile
        is looked at again; nothing else is caught.
        """
        kind = taken[0].job.kind
        if kind in self._many:
            size = self._together(taken[0].job.lane)
            for start in range(0, len(taken), size):
                self._many[kind](taken[start : start + size])
        else:
            for one in taken:
                self._each(self._one[kind], one)

    def _together(self, lane: str) -> int:
        """How many a mail system takes at once; for other lanes, all."""
        connector = self.office.connectors.get(lane)
        return connector.can.at_once if connector is not None else _ALL

    def _each(self, step: Callable[[Taken], None], one: Taken) -> None:
        try:
            step(one)
        except LocumError as error:
            reaching.put_off(self.office, one, error)

    def cosign(self) -> None:
        """Have what is published of the record signed by the witnesses, where it is not yet. Raises why it was not."""
        witnessing.keep_up(self.office)

    # reading

    def part_in(self, acting_: Acting, case: Case) -> frozenset[str]:
        """What somebody has to do with a case: requester, owner, deciding (it waits for her), decided. Empty: it is not hers to see."""
        return listing.part_in(self.office, acting_, case)

    def listed(self, acting_: Acting, which: str, *, before: str = "", many: int = 20) -> Listed:
        """One page of somebody's cases, newest first: requester, owner, deciding or decided; those filed before the case `before`."""
        return listing.listed(self.office, acting_, which, before, many)

    def warnings(self, case: Case) -> tuple[tuple[str, Remark], ...]:
        """What the policy minds in the words of a case: the text's name (subject, internal, external), the remark."""
        return worded.warnings(self.office, case)

    def history(self, mailbox: str) -> list[Entry]:
        """All entries about a mailbox (address or alias), oldest first. Raises Invalid `bad-address`."""
        return self.office.store.entries(mailbox=self._mailbox(mailbox))

    def _mailbox(self, text: str) -> str:
        """The mailbox that an address or alias belongs to. Raises Invalid `bad-address`."""
        owner = self.office.people.owner(address := canonical(text))
        return owner.mailbox.address if owner is not None and owner.mailbox is not None else address

    def checkable(self, mailbox: str) -> bytes:
        """The account of a mailbox (address or alias) as a file that its owner can check. Raises Invalid or Rejected."""
        return checkable.checkable(self.office, self._mailbox(mailbox))

    def recorded(self, case: Case) -> list[Entry]:
        """The entries of a case, out of the whole stream of its mailbox. Raises Garbled where one is missing or elsewhere."""
        return recorded.entries_of(self.office, case)

    def account(self, case_id: str, *, language: str = "") -> Account:
        """What she reads about a case, in her language or the one asked for."""
        return telling.account_of(self.office, self.case(case_id), language)

    def audit(self, language: str, seen: Callable[[int, int], None] = lambda _done, _of: None) -> Report:
        """The data protection officer's audit of the whole record. `seen` is told how far it is."""
        return auditing.audit(self.office, language, seen)

    def gaps(self, *, within_days: int = 14, remind: bool = False) -> list[Gap]:
        """Who is away now without a reply, will be within some days, or has one still on after the return."""
        return forgotten.gaps(self.office, within_days, remind=remind)

    def check(
        self, names: Sequence[str] = (), samples: Mapping[str, Mailbox] = MappingProxyType({})
    ) -> dict[str, Report]:
        """What each connector reports of itself, and the post under `letters`. A connector tries with the mailbox in
        `samples`, or else with the first person's that it serves. Raises Invalid `no-such-connector`.
        """
        tried = {
            name: one
            for name, one in {**self._first_served(), **samples}.items()
            if name in (names or self.office.connectors)
        }
        looking.noted(self.office, "check", list(tried.values()))
        checks: dict[str, Callable[[], Report]] = {
            name: partial(_checked, one, tried.get(name)) for name, one in self.office.connectors.items()
        }
        checks["letters"] = self.office.post.check
        for name in names:
            if name not in checks:
                raise Invalid("no-such-connector", connector=name, connectors=", ".join(checks))
        return {name: checks[name]() for name in (names or checks)}

    def _first_served(self) -> dict[str, Mailbox]:
        """For each connector, the mailbox of the first person on file whom it serves."""
        found: dict[str, Mailbox] = {}
        for person in self.office.people.everyone():
            if person.mailbox is not None and (name := self.office.route(person.mailbox.address)) is not None:
                found.setdefault(name, person.mailbox)
                if len(found) == len(self.office.connectors):
                    break
        return found


def _checked(connector: Connector, sample: Mailbox | None) -> Report:
    """The connector's own report, without a sample where it has no name for that mailbox; that is a finding too."""
    try:
        return connector.check(sample)
    except LocumError as error:
        values = (*error.values.items(), ("error", error.key))
        return (*connector.check(), Finding(key="sample.trouble", holds=False, values=values))
