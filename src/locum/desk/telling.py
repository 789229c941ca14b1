"""Telling: the letters to her and to the requester, and the account. Everything said comes from the case and its entries."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from locum.absence import Channel, Person
from locum.account import Account, Contacts, build
from locum.desk.office import Office
from locum.errors import Rejected, Trouble
from locum.letter import Attachment, Letter
from locum.lifecycle import Case, Event, State, advance
from locum.messages import say, says
from locum.phrases import when
from locum.store import Change, Link, Taken
from locum.tokens import digest

_AGAIN_SECONDS = 300


def values(office: Office, case: Case, owner: Person, language: str) -> dict[str, str]:
    """What a template may say of a case, in `language` and her time zone. Every letter gets all of these."""
    requester = office.people.person(case.requester)
    reply, zone = case.measure, owner.time_zone
    deadline = case.ask_deadline_at
    if deadline is None:
        hours = office.policy_of(case).auto_reply.ask.wait_hours
        deadline = office.organisation.hours.after(office.clock(), hours, office.zone(owner))
    return {
        "organisation": office.organisation.name,
        "name": owner.name,
        "requester": requester.name if requester else case.requester,
        "requester_address": requester.mailbox.address if requester and requester.mailbox else "",
        "case": case.id,
        # A reason that is none of the list is refused, and she is told of that too, in the requester's word.
        "reason": say(language, key) if says(language, key := f"words.reason.{case.reason}") else case.reason,
        "because": case.because,
        "subject": reply.subject,
        "internal_text": reply.text_body,
        "external_text": reply.external_text or "",
        "audience": say(language, f"words.audience.{reply.audience}"),
        "from_words": when(reply.from_date, language, zone),
        "until_words": when(reply.to_date, language, zone),
        "deadline_words": when(deadline, language, zone),
        "unanswered_words": say(language, f"words.unanswered.{office.policy_of(case).auto_reply.ask.if_unanswered}"),
        "link": "",
        "why": say(language, f"words.outcome-hers.{case.outcome}") if case.outcome else "",
        "news": "",
        "account_text": "",
    }


def letter_to_owner(
    office: Office, case: Case, owner: Person, event: str, channel: Channel, *, link: str = "", tries: int = 1
) -> Letter:
    """A letter to her on one channel; an ordinary answer to it reaches the requester, by name."""
    filled = values(office, case, owner, owner.language) | {"link": link}
    return Letter(
        id=f"{case.id}.{event}.{channel}.{tries}",
        event=event,
        channel=channel,
        address=owner.channels[channel],
        name=owner.name,
        language=owner.language,
        values=filled,
        reply_name=filled["requester"],
        reply_address=filled["requester_address"],
    )


def _send(office: Office, taken: Taken, letter: Letter) -> str | None:
    """The receipt; None where it has to be tried again (the job was put off). A refused letter gives `rejected`."""
    try:
        return office.post.send(letter)
    except Rejected:
        return "rejected"
    except Trouble as trouble:
        later = timedelta(seconds=min(3600, _AGAIN_SECONDS * (1 + taken.job.tries)))
        office.store.back_off([taken], office.clock() + later, trouble.key)
        return None


def tell_live(office: Office, taken: Taken) -> None:
    """It is on now: the literal texts, and one click to stop it."""
    case = office.store.case(taken.job.case)
    owner = office.people.person(case.person)
    if case.state is not State.APPLIED or owner is None or Channel.MAILBOX not in owner.channels:
        office.store.commit([Change(finished=taken)])
        return
    token = office.new_token()
    link = Link(token_hash=digest(token), case=case.id, purpose="stop", expires_at=case.measure.to_date)
    office.store.commit([Change(links=(link,))])
    letter = letter_to_owner(office, case, owner, "live", Channel.MAILBOX, link=office.link_address(token))
    if (receipt := _send(office, taken, letter)) is not None:
        _told(office, taken, "live", Channel.MAILBOX, receipt)


def noted(office: Office, taken: Taken) -> None:
    """Her answer was noted, and what that means. Whoever else pressed her button is found out this way."""
    case = office.store.case(taken.job.case)
    owner = office.people.person(case.person)
    if owner is None or Channel.MAILBOX not in owner.channels:
        office.store.commit([Change(finished=taken)])
        return
    event = "objection-noted" if case.answer == "objected" else "answer-noted"
    letter = letter_to_owner(office, case, owner, event, Channel.MAILBOX)
    if _send(office, taken, letter) is not None:
        office.store.commit([Change(finished=taken)])


def _told(office: Office, taken: Taken, event: str, channel: Channel, receipt: str) -> None:
    """A letter besides the ask, as an entry of type asked: it too carries a way to object."""
    case = office.store.case(taken.job.case)
    outcome = "failed" if receipt == "rejected" else "delivered-to-relay"
    entry = office.draft(
        case, "asked", channel=channel, outcome=outcome, to="", by="", receipt=receipt, note=f"letter-{event}", tries=1
    )
    office.store.commit([Change(case=case, entries=(entry,), finished=taken)])


def news(office: Office, taken: Taken) -> None:
    """Tell the requester where the case stands. No text of hers, no words of why she objected."""
    case = office.store.case(taken.job.case)
    requester = office.people.person(case.requester)
    owner = office.people.person(case.person)
    if requester is None or requester.mailbox is None or owner is None:
        office.store.commit([Change(finished=taken)])
        return
    language = requester.language
    told = say(language, f"words.state.{case.state}")
    why = say(language, f"words.outcome.{case.outcome}") if case.outcome else ""
    filled = values(office, case, owner, language) | {"news": f"{told} ({why})" if why else told}
    letter = Letter(
        id=f"{case.id}.news.{case.version}",
        event="requester",
        channel=Channel.MAILBOX,
        address=requester.mailbox.address,
        name=requester.name,
        language=language,
        values=filled,
    )
    if _send(office, taken, letter) is not None:
        office.store.commit([Change(finished=taken)])


def account_of(office: Office, case: Case, language: str) -> Account:
    """The account of one case, from its entries alone."""
    owner = office.people.person(case.person)
    return build(
        office.store.entries(case=case.id),
        case.id,
        language=language or case.language,
        names=_names(office, case),
        time_zone=owner.time_zone if owner else office.organisation.time_zone,
        organisation=office.organisation.name,
        contacts=_contacts(office, case),
        checkpoint=(office.store.checkpoint() or b"").decode(),
    )


def _contacts(office: Office, case: Case) -> Contacts:
    requester = office.people.person(case.requester)
    address = requester.mailbox.address if requester and requester.mailbox else ""
    return Contacts(requester=address, officer=office.organisation.dpo, authority=office.organisation.authority)


def _names(office: Office, case: Case) -> Mapping[str, str]:
    ids = {case.person, case.requester, *(contact.by for contact in case.contacts), *(who for who, *_ in case.reviews)}
    return {person.id: person.name for one in ids if one and (person := office.people.person(one)) is not None}


_FORMS = {"pdf": "application/pdf", "json": "application/json"}


def account(office: Office, taken: Taken) -> None:
    """She receives the account: text, HTML, PDF and JSON, in her language. Then what was found is forgotten."""
    case = office.store.case(taken.job.case)
    if case.accounted_at is not None:
        office.store.commit([Change(finished=taken)])
        return
    owner = office.people.person(case.person)
    if owner is None or Channel.MAILBOX not in owner.channels:
        office.store.back_off([taken], office.clock() + office.watch_every, "unknown-mailbox")
        return
    hers = account_of(office, case, owner.language)
    text = office.render(hers, "text").decode()
    forms = {kind: office.render(hers, kind) for kind in _FORMS}
    letter = letter_to_owner(office, case, owner, "account", Channel.MAILBOX)
    letter = replace(
        letter,
        values={**letter.values, "account_text": text},
        html=office.render(hers, "html").decode(),
        attachments=tuple(
            Attachment(name=f"locum-{case.id}.{kind}", media_type=_FORMS[kind], content=forms[kind]) for kind in forms
        ),
    )
    receipt = _send(office, taken, letter)
    if receipt is None:
        return
    if receipt == "rejected":
        office.store.back_off([taken], office.clock() + office.watch_every, "letter-rejected")
        return
    _accounted(office, case, taken, receipt, hashlib.sha256(forms["json"]).hexdigest())


def _accounted(office: Office, case: Case, taken: Taken, receipt: str, sha256: str) -> None:
    now = office.clock()
    ended = case.state is State.ENDED
    told = advance(case, Event.ACCOUNT, accounted_at=now) if ended else replace(case, accounted_at=now)
    entry = office.draft(told, "accounted", to="mailbox", digest=sha256, receipt=receipt)
    office.store.commit([Change(case=told, entries=(entry,), found=b"", finished=taken)])
