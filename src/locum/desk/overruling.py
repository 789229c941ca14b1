"""Overruling an objection (clause 6, GDPR 21): approvers of different functions, each with compelling grounds in writing.

She gets the grounds first; the case goes on in the commit that records that such a letter has left. Who may overrule, and how
many it takes, is the policy's; that one person is not two, and not of the requester's function, is refused here by name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from locum.absence import Channel, Person
from locum.addresses import mask
from locum.desk.asking import proceed, review_wanted
from locum.desk.attempts import channels_of
from locum.desk.departing import path_of
from locum.desk.forms import Acting
from locum.desk.gating import wants_signatures
from locum.desk.judging import facts, function_of, question
from locum.desk.keepers import keeper_copies
from locum.desk.office import Office
from locum.desk.several import Copy, send_copies
from locum.desk.telling import letter_to_owner
from locum.entry import Draft, Entry, Json
from locum.errors import Invalid, Refused
from locum.letter import Letter
from locum.lifecycle import Case, Event, State, advance
from locum.messages import say, says
from locum.phrases import one_line
from locum.policy import Needs, No, Verdict, decide
from locum.store import Change, Job, Link, Taken
from locum.tokens import digest
from locum.wording import normal

OVERRULED = "overruled"
"""The job, and the letter, that bring her the grounds."""
_NOTE = f"letter-{OVERRULED}"
_LEAST_WORDS = 5
_LONGEST = 2000


def overrule(office: Office, acting: Acting, case: Case, because: str) -> Case:
    """One approver's grounds, recorded; with the last that the policy asks for, the letter to her is due. See Desk.overrule."""
    grounds = compelling(because)
    _may(office, acting, case)
    reviews = (*case.reviews, (acting.id, "overrule", case.request))
    who: Json = {"id": acting.id, "name": acting.name, "function": acting.function}
    body: dict[str, Json] = {"decision": "overrule", "by": who, "because": grounds, "signed": False}
    change = with_grounds(office, replace(case, reviews=reviews), body | {"request": case.request})
    return office.store.commit([change])[0]


def with_grounds(office: Office, case: Case, body: Mapping[str, Json]) -> Change:
    """The entry with grounds, and the letter that is due with the last of them. Raises Refused where another clause says no."""
    drafts = (office.draft(case, "reviewed", **body),)
    verdict = _judged(office, case, drafts)
    if isinstance(verdict, No):
        raise Refused(verdict.key, clause=verdict.clause, **{**verdict.values, "mailbox": case.mailbox})
    lacking = _lacking(office, case, drafts) if _is_stopped(verdict) else 0
    entry = office.draft(case, "reviewed", **body, lacking=lacking)
    put = () if lacking else (Job(kind=OVERRULED, case=case.id, due_at=office.clock(), lane="letters"),)
    return Change(case=case, entries=(entry,), put=put)


def compelling(because: str) -> str:
    """The grounds as they are filed. Raises Invalid where they are no sentence: she has to be able to answer them."""
    grounds = normal(because, "because").strip()
    words = [word for word in grounds.split() if any(letter.isalpha() for letter in word)]
    if len(words) < _LEAST_WORDS:
        raise Invalid("grounds-too-short", least=_LEAST_WORDS)
    if len(grounds) > _LONGEST:
        raise Invalid("because-too-long", length=len(grounds))
    return grounds


def _may(office: Office, acting: Acting, case: Case) -> None:
    """Raise Refused where this person may not overrule this objection."""
    if acting.id in (case.requester, case.person):
        raise Refused("own-review", clause=7, case=case.id)
    if wants_signatures(office, case):
        raise Refused("signature-wanted", clause=7, case=case.id, page=office.review_address(case))
    if case.state is not State.OBJECTED:
        raise Refused("no-such-step", case=case.id, state=case.state, event="overrule")
    _check_final(office, case)
    functions = [name for name in _functions(office, case) if name != function_of(office, case.requester)]
    if acting.function not in functions:
        raise Refused("not-an-overruler", clause=6, case=case.id, functions=", ".join(functions))
    before = [who for who, decision, request in case.reviews if (decision, request) == ("overrule", case.request)]
    if acting.id in before:
        raise Refused("overruled-already", clause=6, case=case.id)
    if not _is_stopped(_judged(office, case)):
        raise Refused("overruled-enough", clause=6, case=case.id)
    if acting.function in [function_of(office, who) for who in before]:
        raise Refused("overruled-by-function", clause=6, case=case.id, function=acting.function)


def _functions(office: Office, case: Case) -> list[str]:
    return list(office.policy_of(case).objection.functions)


def _check_final(office: Office, case: Case) -> None:
    if office.policy_of(case).objection.overrule == "never":
        raise Refused("objection-final", clause=6, case=case.id)


def check_open(office: Office, case: Case) -> None:
    """Raise Refused where an objection that rests here is overruled by nobody, or was."""
    _check_final(office, case)
    if not _is_stopped(_judged(office, case)):
        raise Refused("overruled-enough", clause=6, case=case.id)


def functions_left(office: Office, case: Case) -> tuple[str, ...]:
    """The functions of which somebody may still overrule with a signature: not the requester's, none that did so already."""
    done = {function for _, decision, function in facts(office, case).reviews if decision == "overrule"}
    return tuple(one for one in _functions(office, case) if one not in done | {function_of(office, case.requester)})


def _judged(office: Office, case: Case, drafts: Sequence[Draft] = ()) -> Verdict:
    return decide(office.policy_of(case), question(office, case), facts(office, case, drafts), office.clock())


def _is_stopped(verdict: Verdict) -> bool:
    """Whether the objection still stands: refusals of other clauses are told at the next step."""
    return isinstance(verdict, Needs) and verdict.what == "overrule"


def _lacking(office: Office, case: Case, drafts: Sequence[Draft]) -> int:
    """How many approvers of other functions it still takes."""
    reviews = facts(office, case, drafts).reviews
    functions = {function for _, decision, function in reviews if decision == "overrule"}
    return max(1, office.policy_of(case).objection.approvers - len(functions))


# she receives the grounds, and then it goes on -----------------------------------------------------------------------


def tell_overruled(office: Office, taken: Taken) -> None:
    """The letter with the grounds, on every way she was asked by. When it has left, the case goes on."""
    case = office.store.case(taken.job.case)
    if case.state is not State.OBJECTED or _is_stopped(_judged(office, case)):
        office.store.commit([Change(finished=taken)])
        return
    owner, grounds = office.owner_or_address(case), grounds_of(office, case)
    if path_of(case).asks_her:
        copies = [
            Copy(channel=one, to=mask(owner.channels[one]), make=partial(_letter, office, case, owner, one))
            for one in channels_of(office, case, owner)
        ]
    else:  # the objection of a family, noted by whoever keeps the contact with it
        told_them = _grounds_in_words(office, grounds, office.organisation.language)
        copies = keeper_copies(office, case, "contact-overruled", told=told_them)
    told = send_copies(office, taken, case, _NOTE, copies, since=grounds[-1].index)
    if told is None:
        return
    change = proceed(office, advance(told, Event.OVERRULE, outcome=""), (), finished=taken)
    if change.case is not None and change.case.state is State.AWAITING_REVIEW:
        change = replace(change, put=(*change.put, review_wanted(office, case)))
    office.store.commit([change])


def grounds_of(office: Office, case: Case) -> list[Entry]:
    """The entries with the grounds that count now: those after her last objection."""
    return counting_grounds(office.store.entries(case=case.id))


def counting_grounds(entries: Iterable[Entry]) -> list[Entry]:
    """Of the entries of one case, those with grounds that count: the ones after her last objection."""
    found: list[Entry] = []
    for entry in entries:
        if entry.type == "objected" or entry.body.get("answer") == "objected":
            found = []
        elif entry.type == "reviewed" and entry.body.get("decision") == "overrule":
            found.append(entry)
    return found


def _letter(office: Office, case: Case, owner: Person, channel: Channel) -> Letter:
    grounds = grounds_of(office, case)
    token = office.new_token()
    link = Link(token_hash=digest(token), case=case.id, purpose="ask", expires_at=case.to_date)
    office.store.commit([Change(links=(link,))])
    letter = letter_to_owner(
        office, case, owner, OVERRULED, channel, link=office.link_address(token), tries=grounds[-1].index
    )
    return replace(letter, values={**letter.values, **_grounds_in_words(office, grounds, owner.language)})


def _grounds_in_words(office: Office, grounds: Sequence[Entry], language: str) -> Mapping[str, str]:
    """The grounds word for word, and with whom to complain."""
    house = office.organisation
    said = [f"{who_overruled(entry, language)}:\n{entry.body.get('because')}" for entry in grounds]
    return {
        "grounds": "\n\n".join(said),
        "officer": house.dpo,
        "authority": house.authority or say(language, "account.object.authority"),
    }


def who_overruled(entry: Entry, language: str) -> str:
    """Name and function of the approver who gave these grounds, in words."""
    by = entry.body.get("by")
    person = by if isinstance(by, dict) else {}
    function = str(person.get("function", ""))
    key = f"words.function.{function}"
    return one_line(f"{person.get('name', '')} ({say(language, key) if says(language, key) else function})")
