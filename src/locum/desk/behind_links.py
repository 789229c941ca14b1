"""Behind the links: what a page shows, and what her buttons do. Opening a link changes nothing. The page of a forward's
receiver is in consenting.py, and his link answers for nobody else.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from locum.absence import Absence, Person
from locum.desk import asking, consenting, overruling
from locum.desk.filing import new_case_id, overlapping, reworded
from locum.desk.forms import ConsentView, LinkView, OwnText
from locum.desk.judging import if_silent
from locum.desk.office import Office
from locum.desk.recorded import entries_of
from locum.desk.requested import canonical_request
from locum.desk.searching import attending
from locum.desk.telling import values
from locum.entry import Json
from locum.errors import Conflict, Invalid, Refused
from locum.hours import parse_when
from locum.lifecycle import Case, Event, State, advance, may
from locum.measure import Audience, AutoReply, instant
from locum.messages import say
from locum.phrases import when
from locum.store import Change, Link
from locum.tokens import digest, genuine
from locum.wording import from_template, normal

_LIVE = (State.APPLYING, State.APPLIED)
_PERSON = "person/"
_AGREEING = frozenset({"agree", "own-text", "done"})
"""What she says of exactly what she was shown. Objecting and stopping work whatever was shown: they set nothing."""


def look(office: Office, token: str) -> LinkView | ConsentView:
    """What a link shows; see Desk.look."""
    link = _link(office, token)
    if link.case.startswith(_PERSON):
        return _set_view(office, link)
    if link.purpose == consenting.PURPOSE:
        return consenting.view(office, office.store.case(link.case))
    return view(office, office.store.case(link.case), link.purpose)


def _link(office: Office, token: str) -> Link:
    if not genuine(office.link_key(), token):
        raise Invalid("link-unknown")
    link = office.store.link(digest(token))
    if link is None:
        raise Invalid("link-erased")  # it was ours, and goes with its case
    if office.clock() >= link.expires_at:
        raise Invalid("link-expired")
    return link


def view(office: Office, case: Case, purpose: str) -> LinkView:
    """What she is shown of a case, behind a link or signed in."""
    owner = office.owner_or_address(case)
    words = values(office, case, owner, owner.language)
    reply, entries = case.reply, tuple(entries_of(office, case))
    return LinkView(
        purpose=purpose,
        language=owner.language,
        organisation=office.organisation.name,
        owner=owner,
        case=case,
        requester=words["requester"],
        requester_address=words["requester_address"],
        reason=words["reason"],
        from_words=words["from_words"],
        until_words=words["until_words"],
        deadline_words=words["deadline_words"],
        if_unanswered=if_silent(office, case),
        may=(_may(case) if reply else _may(case) - {"own-text"}) | attending.may(office, case, entries),
        request=case.request,
        anew=bool(case.joins),
        forward_to=words["forward_to"],
        trial=case.forward is not None and office.unsigned_reviews,
        draft=OwnText(subject=reply.subject, internal_text=reply.text_body, external_text=reply.external_text or "")
        if reply
        else OwnText(subject="", internal_text=""),
        grounds=_grounds(office, case, owner),
        entries=entries,
        wants_to_attend=attending.wants(entries),
    )


def _grounds(office: Office, case: Case, owner: Person) -> tuple[tuple[str, str], ...]:
    """On which her objection was overruled, once it was: she has them by letter then, too."""
    if case.state is State.OBJECTED or case.answer != "objected":
        return ()
    grounds = overruling.grounds_of(office, case)
    return tuple((overruling.who_overruled(one, owner.language), str(one.body.get("because"))) for one in grounds)


def _may(case: Case) -> frozenset[str]:
    """The buttons that work now. An answer is given once; objecting and stopping work until the case ends."""
    if case.state in _LIVE:
        return frozenset({"stop", "object"})
    if case.state is State.OBJECTED:
        return frozenset({"agree", "own-text", "done"})
    if not may(case, Event.OBJECT) and case.state is not State.REQUESTED:
        return frozenset()
    if case.answer in ("agreed", "own-text"):
        return frozenset({"object", "done"})
    return frozenset({"agree", "object", "own-text", "done"})


def answer(office: Office, token: str, said: str, text: OwnText | None, because: str, shown: str | None) -> Case:
    """A button; see Desk.answer. Nothing follows the commit, so an error always means that nothing was recorded."""
    for _ in range(_TRIES):
        try:
            return _answered(office, _link(office, token), said, text, because, shown)
        except Conflict as conflict:
            if conflict.key != "changed-meanwhile":
                raise
        # A worker was at the case in the same moment: look at it anew, and say it once more.
    return _answered(office, _link(office, token), said, text, because, shown)


def _answered(office: Office, link: Link, said: str, text: OwnText | None, because: str, shown: str | None) -> Case:
    if link.case.startswith(_PERSON):
        return _set(office, link, said, text)
    case = office.store.case(link.case)
    if link.purpose == consenting.PURPOSE:
        return office.store.commit([consenting.answered(office, link, case, said, shown)])[0]
    said_so = Spoken(said=said, text=text, because=because, shown=shown, use=link)
    return office.store.commit([spoken(office, case, said_so)])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What she says of a case, and how it came: by a link (`use`), or signed in (`via`)."""

    said: str
    text: OwnText | None = None
    because: str = ""
    shown: str | None = None
    via: str = "link"
    use: Link | None = None


def spoken(office: Office, case: Case, one: Spoken) -> Change:
    """What her answer changes. Raises Conflict `link-used` where it does not count now, `shown-before` where something else is
    asked by now.
    """
    if one.said in attending.ANSWERS:
        return _said_besides(office, case, one)
    if one.said not in _may(case) or (one.said == "own-text" and case.reply is None):
        raise Conflict("link-used", case=case.id)
    if one.said in _AGREEING and one.shown not in (None, case.request):
        raise Conflict("shown-before", case=case.id)
    because = normal(one.because, "because").strip()[:2000]
    one = replace(one, because=because)
    return _live_answer(office, case, one) if case.state in _LIVE else _answer(office, case, one)


def _said_besides(office: Office, case: Case, one: Spoken) -> Change:
    """What changes nothing about the case: a comment, and whether she is there."""
    if one.said not in attending.may(office, case, entries_of(office, case)):
        raise Conflict("link-used", case=case.id)
    return attending.said(office, case, one.said, normal(one.because, "because").strip()[:2000], one.via)


def _live_answer(office: Office, case: Case, one: Spoken) -> Change:
    if one.said == "object":
        objected = office.draft(case, "objected", via=one.via, because=one.because)
        return asking.stopped(office, case, "objection", objected)
    via: dict[str, Json] = {} if one.via == "link" else {"via": one.via}
    withdrawn = office.draft(case, "withdrawn", by="owner", because=one.because, **via)
    return asking.stopped(office, case, "owner", withdrawn)


_TRIES = 3
_WORDS = {"agree": "agreed", "object": "objected", "own-text": "own-text", "done": "done-herself"}


def _answer(office: Office, case: Case, one: Spoken) -> Change:
    if one.said == "own-text":
        if one.text is None:
            raise Invalid("text-empty", field="internal")
        text, until = one.text, _until(office, case, one.text)
        case = reworded(office, case, text.subject, text.internal_text, text.external_text, until)
    if case.state is State.REQUESTED:
        case = advance(case, Event.ASK)
    first = one.use if one.said in _AGREEING and one.use is not None and one.use.used_at is None else None
    said = asking.Said(answer=_WORDS[one.said], via=one.via, because=one.because, use=first)
    return asking.answered(office, case, said)


def _until(office: Office, case: Case, text: OwnText) -> datetime | None:
    if not text.until.strip():
        return None
    until = parse_when(text.until, office.zone(office.people.person(case.person)), office.clock())
    if until > case.to_date:
        raise Refused("longer-than-asked", clause=5, case=case.id)
    return until


# her own reply, from a reminder before leave ------------------------------------------------------------------------


def person_of(link: Link) -> str:
    """The person a `set` link is for."""
    return link.case.removeprefix(_PERSON)


def set_link(token: str, absence: Absence) -> Link:
    """The link of a reminder: it lets her set her own reply until the absence ends."""
    return Link(token_hash=digest(token), case=f"{_PERSON}{absence.person}", purpose="set", expires_at=absence.until_at)


def _set_view(office: Office, link: Link) -> LinkView:
    owner = _absent(office, link)
    subject, internal, external = from_template(
        "standard",
        owner.language,
        {
            "name": owner.name,
            "organisation": office.organisation.name,
            "until": when(link.expires_at, owner.language, owner.time_zone),
        },
    )
    used = link.used_at is not None
    until = link.expires_at.astimezone(office.zone(owner)).date().isoformat()
    return LinkView(
        purpose="set",
        language=owner.language,
        organisation=office.organisation.name,
        owner=owner,
        case=None,
        requester=owner.name,
        requester_address="",
        reason=say(owner.language, "words.reason.forgotten"),
        from_words="",
        until_words=when(link.expires_at, owner.language, owner.time_zone),
        deadline_words="",
        may=frozenset() if used else frozenset({"set"}),
        draft=OwnText(subject=subject, internal_text=internal, external_text=external, until=until),
    )


def _absent(office: Office, link: Link) -> Person:
    owner = office.people.person(person_of(link))
    if owner is None or owner.mailbox is None:
        raise Invalid("link-unknown")
    return owner


def _set(office: Office, link: Link, said: str, text: OwnText | None) -> Case:
    """She sets her own reply: her words, her decision, no waiting."""
    if said != "set" or link.used_at is not None:
        raise Conflict("link-used", case="")
    if text is None:
        raise Invalid("text-empty", field="internal")
    owner = _absent(office, link)
    office.keep_policy(owner.id)
    now = office.clock()
    until = parse_when(text.until, office.zone(owner), now) if text.until.strip() else link.expires_at
    case = _own_case(office, owner, until, now)
    case = reworded(office, case, text.subject, text.internal_text, text.external_text, until)
    who: Json = {"id": owner.id, "name": owner.name}
    asked: dict[str, Json] = {**canonical_request(case), "request": case.request, "requester": who}
    filed = office.draft(case, "requested", **asked)
    case = advance(case, Event.ASK)
    change = asking.answered(office, case, asking.Said(answer="own-text", via="link", use=link))
    return office.store.commit([replace(change, entries=(filed, *change.entries))])[0]


def _own_case(office: Office, owner: Person, until: datetime, now: datetime) -> Case:
    mailbox = owner.mailbox
    connector = office.route(mailbox.address) if mailbox else None
    if mailbox is None or connector is None:
        raise Invalid("no-connector", mailbox=owner.id)
    case_id = new_case_id(office)
    leave = next(iter(_leaves(office, owner, now, until)), None)
    from_date = max(now.replace(microsecond=0), leave.from_at if leave else now)
    if until <= from_date:
        raise Invalid("end-before-start", until=instant(until), zone=owner.time_zone)
    reply = AutoReply(
        handle=case_id,
        from_date=from_date.replace(microsecond=0),
        to_date=until,
        subject="-",
        text_body="-",
        audience=Audience.INTERNAL,
        addresses=mailbox.addresses,
        internal_domains=office.organisation.domains,
    )
    case = Case(
        id=case_id,
        state=State.REQUESTED,
        mailbox=mailbox.address,
        person=owner.id,
        requester=owner.id,
        reason="forgotten",
        because=say(owner.language, "words.own-request"),
        measures=(reply,),
        filed_at=now,
        not_after=until,
        request="",
        nonce="",
        policy=office.policy.hash,
        connector=connector,
        language=owner.language,
    )
    if (clash := overlapping(office, case, office.store.living_on([mailbox.address]))) is not None:
        raise Refused("overlapping", case=clash.id, mailbox=mailbox.address)
    return case


def _leaves(office: Office, owner: Person, now: datetime, until: datetime) -> list[Absence]:
    found = [a for source in office.leave for a in source.absences(now, until) if a.person == owner.id]
    return sorted(found, key=lambda absence: absence.from_at)
