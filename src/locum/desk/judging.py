"""What the policy is asked and told about a case: the question, the facts, and what follows for asking and reviewing.

From the case, the people, other cases and the lists of leave. Nothing here decides, and nothing is written.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from locum.absence import Channel
from locum.desk import gating, worded
from locum.desk.asked_for import away_since
from locum.desk.office import Office
from locum.desk.receiving import NOTHING, Seen, circle, is_away, receiver_of
from locum.entry import Draft
from locum.errors import Trouble
from locum.gate import Need, Passed, Stopped, need_of
from locum.lifecycle import Case
from locum.measure import Audience, Senders
from locum.policy import Allowed, Facts, Needs, No, Question, Verdict, ask_of, decide, reviewing
from locum.policy.measures import Ask
from locum.query import Query

_MOMENT = timedelta(seconds=1)


def outline(office: Office, case: Case) -> Question:
    """What is asked for, and by whom; without a look at how the receiver of a forward is placed."""
    can = office.connector(case).can
    requester = office.people.person(case.requester)
    powers = {"read-mail": can.reads_mail, "redirect-mail": can.redirects_mail}
    forward, search = case.forward, case.search
    if search is not None:  # another credential, which is there only while it looks
        powers = {"read-mail": True}
    receiver = receiver_of(office, case.receives) if case.receives else None
    return Question(
        reason=case.reason,
        from_date=case.from_date,
        to_date=case.to_date,
        audience=case.reply.audience if case.reply else Audience.INTERNAL,
        external_is_template=bool(case.template) or case.reply is None,
        batch_size=case.batch_size,
        words_doubted=worded.doubted(office, case),
        requester=case.requester,
        owner=case.person,
        requester_function=requester.function if requester else "",
        powers=frozenset(power for power, has in powers.items() if has),
        measures=gating.measure_names(case),
        reviews_are="trial" if office.unsigned_reviews else "unsigned" if office.site is None else "signed",
        forward_to=case.receives,
        forward_to_person=receiver.id if receiver else "",
        forward_inside=bool(case.receives) and case.receives.rpartition("@")[2] in office.organisation.domains,
        senders=forward.senders if forward else Senders.EVERYONE,
        query=search.query if search else Query(),
        alternatives=search.alternatives if search else (),
        away_since=_away_since(office, case) if search else None,
    )


def _away_since(office: Office, case: Case, *, fully: bool = False) -> datetime:
    """When her absence began, by the lists of leave as they are now; when it was asked, where none has it."""
    found = away_since(office, case.person, case.filed_at, fully=fully)
    return (found or case.filed_at).replace(microsecond=0)


def question(office: Office, case: Case, seen: Seen = NOTHING, *, fully: bool = False) -> Question:
    """What the policy is asked about a case. `seen` is what the mail systems show of the receiver of a forward.

    A list of leave that cannot be read is passed over; with `fully`, right before the act, it raises its Trouble.
    """
    asked = outline(office, case)
    if case.search is not None:
        return replace(asked, away_since=_away_since(office, case, fully=fully))
    if case.forward is None:
        return asked
    try:
        away = is_away(office, case, case.forward, seen, since=max(case.from_date, office.clock()))
    except Trouble:
        if fully:
            raise
        away = False
    return replace(asked, forward_circle=circle(office, case, case.forward, seen), receiver_away=away)


def facts(office: Office, case: Case, drafts: Sequence[Draft] = ()) -> Facts:
    """What has happened so far, as the policy wants to know it. Functions are those of now; channels those of when she was
    asked; a review, and the receiver's consent, count only for the very request they were given for. Where approvals are to be
    signed, reviews are those that pass the gate, with the ones in `drafts`, which are about to be recorded.
    """
    if gating.wants_signatures(office, case):
        return _signed_facts(office, case, drafts)
    return _facts(office, case)


def _signed_facts(office: Office, case: Case, drafts: Sequence[Draft]) -> Facts:
    """Reviews, and whether she objects, as the record has them."""
    told = gating.recorded(office, case, drafts)
    found = gating.passing(office, case, gating.NOBODY, told, gating.given(case, told))
    if isinstance(found, Passed):
        reviews = found.reviews
    else:
        reviews = tuple((one.who, "deny", one.what) for one in found.reasons if one.key == "denied")
    answer = "objected" if told.is_objected else case.answer
    return replace(_facts(office, case), reviews=reviews, answer=answer)


def verdict(office: Office, case: Case, asked: Question, drafts: Sequence[Draft] = ()) -> Verdict:
    """What the policy says now; where approvals are to be signed, it allows nothing that the gate does not let through."""
    return judged(office, case, asked, drafts)[0]


def judged(office: Office, case: Case, asked: Question, drafts: Sequence[Draft] = ()) -> tuple[Verdict, Facts]:
    """The same, and the facts that the policy was told."""
    told = facts(office, case, drafts)
    found = decide(office.policy_of(case), asked, told, office.clock())
    if not isinstance(found, Allowed) or not gating.wants_signatures(office, case):
        return found, told
    passed = through_gate(office, case, need_for(office, case, asked, told), drafts)
    return (found if isinstance(passed, Passed) else Needs("review", found.clauses)), told


def through_gate(office: Office, case: Case, need: Need, drafts: Sequence[Draft] = ()) -> Passed | Stopped:
    """The gate over a case as the record has it. Raises Garbled."""
    recorded = gating.recorded(office, case, drafts)
    return gating.passing(office, case, need, recorded, gating.given(case, recorded))


def need_for(office: Office, case: Case, asked: Question, told: Facts) -> Need:
    """What has to be signed, by the policy that the case is under; by the one in force, where that one asks for no signature."""
    own, now = (need_of(policy, asked, told) for policy in (office.policy_of(case), office.policy))
    return own if own.requester_signs else now


def _facts(office: Office, case: Case) -> Facts:
    owner = office.people.person(case.person)
    owner = office.reached(owner) if owner is not None else None
    tried = {contact.channel: contact.outcome for contact in case.contacts if not contact.by}
    on_file = frozenset(owner.channels) if owner else frozenset()
    asked = frozenset(Channel(name) for name, outcome in tried.items() if outcome in ("sent", "failed"))
    return Facts(
        channels=on_file if case.ask_deadline_at is None else asked,
        asked=asked,
        deadline_at=case.ask_deadline_at,
        answer=case.answer,
        heard_by=case.answered_by,
        reads_along=bool(owner and owner.reads_along),
        reviews=tuple(
            (who, decision, function_of(office, who))
            for who, decision, request in case.reviews
            if request == case.request
        ),
        consent=consent(case),
    )


def consent(case: Case) -> str:
    """What the receiver of this forward last answered to this very request: "", agreed or declined."""
    to = case.forward.to if case.forward else ""
    said = [answer for address, answer, request in case.consents if (address, request) == (to, case.request)]
    return said[-1] if said else ""


def wants_consent(office: Office, case: Case) -> bool:
    """Whether the receiver has to agree, and has not been heard (clause 9)."""
    asked = outline(office, case)
    if case.forward is None or asked.forward_to_person == case.requester or consent(case):
        return False
    return bool(asked.forward_to_person) or office.policy_of(case).forward.consent == "everyone"


def ask_rules(office: Office, case: Case) -> Ask:
    """How she is asked: the strictest of what the policy says of each measure."""
    return ask_of(office.policy_of(case), outline(office, case))


def if_silent(office: Office, case: Case) -> str:
    """What follows where she does not answer in time, the receiver's agreement aside: proceed, review or stop."""
    now = office.clock()
    silent = replace(facts(office, case), answer="unanswered", deadline_at=now - _MOMENT, consent="agreed", reviews=())
    silent = replace(silent, asked=silent.channels)
    match decide(office.policy_of(case), outline(office, case), silent, now):
        case No():
            return "stop"
        case Needs():
            return "review"
    return "proceed"


def approvals(office: Office, case: Case) -> int:
    """How many others have to say yes even where she agrees herself."""
    now = office.clock()
    agreed = replace(facts(office, case), answer="agreed", deadline_at=now, consent="agreed", reviews=())
    asked, policy = outline(office, case), office.policy_of(case)
    if not isinstance(decide(policy, asked, agreed, now), Needs):
        return 0
    return max(1, *(policy.rules(name).review.count for name in asked.measures))


def reviewers(office: Office, case: Case) -> tuple[str, ...]:
    """The functions whose review of this case can count."""
    return reviewing(office.policy_of(case), outline(office, case))


def function_of(office: Office, who: str) -> str:
    """The function of a person now, empty where there is none."""
    person = office.people.person(who)
    return person.function if person else ""
