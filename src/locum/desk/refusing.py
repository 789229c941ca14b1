"""What the policy refuses as it is filed: the verdict, its words, and the entries and the account that follow.

Nothing is asked of her then, and she is told all the same (clause 16).
"""

from collections.abc import Mapping
from datetime import datetime

from locum.absence import Channel
from locum.desk.forms import Acting
from locum.desk.judging import ask_rules, question
from locum.desk.office import Office
from locum.desk.receiving import NOTHING, Seen, look
from locum.entry import Draft
from locum.errors import Refused, Trouble
from locum.lifecycle import Case, Event, State, advance
from locum.policy import Facts, No, decide
from locum.store import Change, Job


def judged(office: Office, case: Case, now: datetime) -> No | None:
    """Why the policy refuses what is asked, None where it does not, or not yet."""
    told = Facts(channels=_channels(office, case))
    verdict = decide(office.policy, question(office, case, _seen(office, case)), told, now)
    return verdict if isinstance(verdict, No) else None


def _channels(office: Office, case: Case) -> frozenset[Channel]:
    """The ways to ask her. What she said of her private ones is looked up only where her mailbox is none of those asked."""
    owner = office.people.person(case.person)
    if owner is None:
        return frozenset()
    is_enough = Channel.MAILBOX in ask_rules(office, case).channels
    return frozenset(owner.channels if is_enough else office.reached(owner).channels)


def _seen(office: Office, case: Case) -> Seen:
    """What his mail system shows of the receiver of a forward, as far as this process may look; it is looked at again right
    before the forward is set.
    """
    try:
        return look(office, case.forward) if case.forward is not None else NOTHING
    except Trouble:
        return NOTHING


def if_refused(office: Office, case: Case, now: datetime) -> Case:
    """The case, refused where the policy does so. Raises Refused where the policy does not want that recorded."""
    verdict = judged(office, case, now)
    if verdict is None:
        return case
    rules = office.policy.rules({"both": "forward"}.get(case.asks_for, case.asks_for))
    if not rules.record_refusals:
        raise Refused(verdict.key, clause=verdict.clause, **{**verdict.values, "mailbox": case.mailbox})
    return advance(case, Event.REFUSE, outcome="policy", clause=verdict.clause, trouble=verdict.key)


def outcome(office: Office, case: Case) -> Case | Refused:
    """A case that was refused as it was filed comes out as the refusal, said anew with the clause's own words."""
    if case.state is not State.REFUSED or case.contacts:
        return case
    values = {**words_of(office, case), "case": case.id, "mailbox": case.mailbox}
    return Refused(case.trouble, clause=case.clause, **values)


def words_of(office: Office, case: Case) -> Mapping[str, str]:
    """What the clause that refused a request says of it."""
    verdict = judged(office, case, case.filed_at)
    return verdict.values if verdict is not None else {}


def refused_change(office: Office, acting: Acting, case: Case, requested: Draft, values: Mapping[str, str]) -> Change:
    """What files a request that is refused at once."""
    refused = office.draft(
        case,
        "refused",
        **{name: value for name, value in values.items() if name not in ("reason", "case", "mailbox")},
        clause=case.clause,
        key=case.trouble,
        requester={"id": acting.id, "name": acting.name},
        reason=case.reason,
        because=case.because,
        mailbox=case.mailbox,
        by="policy",
    )
    account = Job(kind="account", case=case.id, due_at=case.filed_at, lane="letters")
    return Change(case=case, entries=(requested, refused), put=(account,))
