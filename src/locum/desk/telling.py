"""Telling: the letters to her and to the requester, and the account. Everything said comes from the case and its entries."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from locum.absence import Channel, Person
from locum.account import Account, Contacts, build
from locum.desk.checkable import with_file
from locum.desk.judging import ask_rules, if_silent
from locum.desk.office import Office
from locum.desk.receiving import receiver_of
from locum.desk.recorded import beside_cases, entries_of
from locum.entry import Draft, Entry, Json
from locum.errors import Conflict, Rejected, Trouble
from locum.letter import Attachment, Letter
from locum.lifecycle import Case, Event, State, advance
from locum.messages import say, says
from locum.phrases import one_line, query_in_words, when
from locum.store import Change, Link, Taken
from locum.tokens import digest

_AGAIN_SECONDS = 300
_LONGEST_AGAIN = timedelta(days=1)
_GIVE_UP = timedelta(days=30)
_TRIES = 5
_REFUSED = "letter-rejected"
TO_RECEIVER = frozenset({"letter-consent", "letter-receiver-live", "letter-receiver-ended"})
_NEWS, _ACCOUNT = "letter-requester", "letter-account"
_VARYING = frozenset({"ask", "live"})
_VARIANTS = {"auto-reply": "", "forward": "-forward", "both": "-both", "search": "-search"}
"""Letters that are other words for a forward, for both together, and for a search."""
_SIGNED_WITHIN, _SIGNED_AT_LAST = timedelta(seconds=1), timedelta(minutes=1)
"""A worker signs about every second; after the longer time nobody signs here."""


def values(office: Office, case: Case, owner: Person, language: str) -> dict[str, str]:
    """What a template may say of a case, in `language` and her time zone. Every letter gets all of these."""
    requester = office.people.person(case.requester)
    reply, zone = case.reply, owner.time_zone
    deadline = case.ask_deadline_at
    if deadline is None:
        hours = ask_rules(office, case).wait_hours
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
        "subject": reply.subject if reply else "",
        "internal_text": reply.text_body if reply else "",
        "external_text": (reply.external_text or "") if reply else "",
        "audience": say(language, f"words.audience.{reply.audience}") if reply else "",
        "asked_words": say(language, f"words.measures.{case.asks_for}"),
        "forward_to": receiver_in_words(office, case),
        "forward_senders": say(language, f"words.senders.{case.forward.senders}") if case.forward else "",
        "search_question": "\n".join(query_in_words(case.search.query, language, zone)) if case.search else "",
        "deliver_to": receiver_in_words(office, case) if case.search else "",
        "trial": say(language, "words.trial") if case.forward and office.unsigned_reviews else "",
        "anew": say(language, "words.anew") if case.joins else "",
        "attend_offered": say(language, "words.attend-offered") if offers_presence(office, case) else "",
        "from_words": when(case.from_date, language, zone),
        "until_words": when(case.to_date, language, zone),
        "deadline_words": when(deadline, language, zone),
        "unanswered_words": say(language, f"words.unanswered.{if_silent(office, case)}"),
        "link": "",
        "key_file": "",
        "mine": office.own_page(owner),
        "why": say(language, f"words.outcome-hers.{case.outcome}") if case.outcome else "",
        "news": "",
        "account_text": "",
        "checkable_file": "",
        "checkable_part": "",
        "checkable_page": "",
    }


def offers_presence(office: Office, case: Case) -> bool:
    """Whether she may be there when a message is opened (clause 10)."""
    return case.search is not None and office.policy_of(case).search.present == "offered"


def receiver_in_words(office: Office, case: Case) -> str:
    """Who gets something of hers: name and address of a person, the address of a functional mailbox; empty where nobody does."""
    if not case.receives:
        return ""
    person = receiver_of(office, case.receives)
    return one_line(f"{person.name} ({case.receives})") if person else case.receives


def letter_to_owner(
    office: Office, case: Case, owner: Person, event: str, channel: Channel, *, link: str = "", tries: int = 1
) -> Letter:
    """A letter to her on one channel; an ordinary answer to it reaches the requester, by name."""
    filled = values(office, case, owner, owner.language) | {"link": link}
    # With the request in it: whoever is asked anew gets a letter that no mail system takes for the one before.
    return Letter(
        id=f"{case.id}.{event}.{channel}.{case.request[:8]}.{tries}",
        event=f"{event}{_VARIANTS[case.asks_for]}" if event in _VARYING else event,
        channel=channel,
        address=owner.channels[channel],
        name=owner.name,
        language=owner.language,
        values=filled,
        reply_name=filled["requester"],
        reply_address=filled["requester_address"],
    )


# sending: recorded before it leaves, and its result after ----------------------------------------------------------


def announce(office: Office, taken: Taken, case: Case, note: str) -> Case:
    """Record that a letter is about to leave, once: a later try of the same job adds nothing."""
    if taken.job.tries and last_outcome(office, case, note) in ("sending", "failed"):
        return case
    return office.store.commit([Change(case=case, entries=(_letter_entry(office, case, note, "sending"),))])[0]


def last_outcome(office: Office, case: Case, note: str) -> str:
    """What last became of this letter about this case, empty where there was none."""
    outcomes = [str(e.body.get("outcome")) for e in office.store.entries(case=case.id) if e.body.get("note") == note]
    return outcomes[-1] if outcomes else ""


def _letter_entry(office: Office, case: Case, note: str, outcome: str, receipt: str = "") -> Draft:
    """A letter besides the ask, as an entry of type asked: those to her carry a way to object too."""
    body: dict[str, Json] = {"to": "", "by": "", "receipt": receipt, "note": note, "tries": 1}
    if case.forward is not None and note in TO_RECEIVER:
        body |= {"to": case.forward.to, "request": case.request}
    return office.draft(case, "asked", channel=Channel.MAILBOX, outcome=outcome, **body)


def record(office: Office, case: Case, entry: Draft, *, finished: Taken | None = None) -> None:
    """An entry about a case, whoever else changes that case in the same moment: the letter has left already."""
    for _ in range(_TRIES):
        try:
            office.store.commit([Change(case=case, entries=(entry,), finished=finished)])
        except Conflict as conflict:
            if conflict.key != "changed-meanwhile":
                raise
            case = office.store.case(case.id)
        else:
            return
    raise Conflict("changed-meanwhile", case=case.id)


def _send(office: Office, taken: Taken, letter: Letter, note: str, *, until: datetime | None = None) -> str | None:
    """The receipt; None where it is tried again (the job was put off). A relay may refuse today and not tomorrow: that
    leaves one entry, and the next try is later and later. `until` is when trying a refused one ends.
    """
    case = office.store.case(taken.job.case)
    try:
        return office.post.send(letter)
    except Rejected as refusal:
        if taken.job.trouble != _REFUSED:
            failed = _letter_entry(office, case, note, "failed", refusal.key)
            record(office, case, failed)
        if until is not None and office.clock() >= until:
            office.store.commit([Change(finished=taken)])
            return None
        again = min(office.watch_every * 2 ** min(taken.job.tries, 5), _LONGEST_AGAIN)
        office.store.back_off([taken], office.clock() + again, _REFUSED)
    except Trouble as trouble:
        try_later(office, taken, trouble)
    return None


def try_later(office: Office, taken: Taken, trouble: Trouble) -> None:
    """The relay has trouble of its own: the job is put off, later and later."""
    later = timedelta(seconds=min(3600, _AGAIN_SECONDS * (1 + taken.job.tries)))
    office.store.back_off([taken], office.clock() + later, trouble.key)


def tell(office: Office, taken: Taken, case: Case, letter: Letter, note: str, until: datetime) -> None:
    """Send a letter whose entry was made, and record that it left."""
    if (receipt := _send(office, taken, letter, note, until=until)) is not None:
        case = office.store.case(case.id)
        sent = _letter_entry(office, case, note, "delivered-to-relay", receipt)
        record(office, case, sent, finished=taken)


def worth_trying_until(case: Case) -> datetime:
    """How long a refused letter about this case is worth another try."""
    return max(case.to_date, case.ended_at or case.filed_at) + _GIVE_UP


# what is told ------------------------------------------------------------------------------------------------------


def tell_live(office: Office, taken: Taken) -> None:
    """It is on now: the literal texts, and one click to stop it."""
    case = office.store.case(taken.job.case)
    if case.state is not State.APPLIED:
        office.store.commit([Change(finished=taken)])
        return
    owner = office.owner_or_address(case)
    case = announce(office, taken, case, "letter-live")
    token = office.new_token()
    link = Link(token_hash=digest(token), case=case.id, purpose="stop", expires_at=case.to_date)
    office.store.commit([Change(links=(link,))])
    letter = letter_to_owner(office, case, owner, "live", Channel.MAILBOX, link=office.link_address(token))
    tell(office, taken, case, letter, "letter-live", worth_trying_until(case))


def noted(office: Office, taken: Taken) -> None:
    """Her answer was noted, and what that means. Whoever else pressed her button is found out this way."""
    case = office.store.case(taken.job.case)
    event = "objection-noted" if case.answer == "objected" else "answer-noted"
    case = announce(office, taken, case, f"letter-{event}")
    letter = letter_to_owner(office, case, office.owner_or_address(case), event, Channel.MAILBOX)
    tell(office, taken, case, letter, f"letter-{event}", worth_trying_until(case))


def news(office: Office, taken: Taken) -> None:
    """Tell the requester where the case stands. No text of hers, no words of why she objected."""
    case = office.store.case(taken.job.case)
    requester = office.people.person(case.requester)
    language = requester.language if requester is not None else office.organisation.language
    told = say(language, f"words.state.{case.state}")
    why = say(language, f"words.outcome.{case.outcome}") if case.outcome else ""
    tell_requester(office, taken, case, f"{told} ({why})" if why else told, f"news.{case.version}")


def tell_requester(office: Office, taken: Taken, case: Case, told: str, letter_id: str) -> None:
    """Tell the requester this, in their language: part of a sentence. Nothing is sent where they have no mailbox."""
    requester = office.people.person(case.requester)
    if requester is None or requester.mailbox is None:
        office.store.commit([Change(finished=taken)])
        return
    case = announce(office, taken, case, _NEWS)
    language = requester.language
    filled = values(office, case, office.owner_or_address(case), language)
    letter = Letter(
        id=f"{case.id}.{letter_id}",
        event="requester",
        channel=Channel.MAILBOX,
        address=requester.mailbox.address,
        name=requester.name,
        language=language,
        values=filled | {"news": told},
    )
    tell(office, taken, case, letter, _NEWS, worth_trying_until(case))


# the account -------------------------------------------------------------------------------------------------------


def account_of(office: Office, case: Case, language: str) -> Account:
    """The account of one case, from the record alone: of its row only the number and the mailbox are used, and entries that do
    not fit them are Garbled. Names and ways are as they are on file now.
    """
    entries = entries_of(office, case)
    ids = _ids(entries)
    owner = office.people.owner(case.mailbox) or office.people.person(ids.get("person", ""))
    return build(
        entries,
        case.id,
        language=language or (owner.language if owner else office.organisation.language),
        names={one.id: one.name for who in ids.values() if (one := office.people.person(who)) is not None},
        time_zone=owner.time_zone if owner else office.organisation.time_zone,
        organisation=office.organisation.name,
        contacts=_contacts(office, ids.get("requester", "")),
        beside=beside_cases(office, case.mailbox),
        checkpoint=(office.store.checkpoint() or b"").decode(),
    )


def _contacts(office: Office, requester_id: str) -> Contacts:
    requester = office.people.person(requester_id)
    address = requester.mailbox.address if requester and requester.mailbox else ""
    return Contacts(requester=address, officer=office.organisation.dpo, authority=office.organisation.authority)


def _ids(entries: Sequence[Entry]) -> dict[str, str]:
    """The persons whom the entries name by number: under `person` and `requester` as they were asked first, the others anyhow."""
    found: dict[str, str] = {}
    for entry in entries:
        for field in ("person", "requester", "by", "who"):
            value = entry.body.get(field)
            who = value.get("id") if isinstance(value, dict) else value
            if isinstance(who, str) and who:
                found.setdefault(field if field in ("person", "requester") else f"{entry.index} {field}", who)
    return found


_FORMS = {"pdf": "application/pdf", "json": "application/json"}


def account(office: Office, taken: Taken) -> None:
    """She receives the account: text, HTML, PDF, JSON, and the file that she can check. Then what was found is forgotten."""
    case = office.store.case(taken.job.case)
    if case.accounted_at is not None:
        office.store.commit([Change(finished=taken)])
        return
    if wait_for_signature(office, taken, case):
        return
    letter, sha256 = account_letter(office, case)
    letter = with_file(office, letter, case.mailbox, office.own_page(office.owner_or_address(case)))
    case = announce(office, taken, case, _ACCOUNT)
    receipt = _send(office, taken, letter, _ACCOUNT)
    if receipt is not None:
        accounted(office, office.store.case(case.id), taken, receipt, sha256)
    elif taken.job.trouble == _REFUSED and office.clock() >= worth_trying_until(case):
        _give_up(office, office.store.case(case.id))


def wait_for_signature(office: Office, taken: Taken, case: Case) -> bool:
    """Put the account off until its entries are under a signed checkpoint, where somebody signs."""
    if not _is_unsigned(office, case):
        return False
    again = replace(taken.job, due_at=office.clock() + _SIGNED_WITHIN)
    office.store.commit([Change(put=(again,), finished=taken)])
    return True


def _is_unsigned(office: Office, case: Case) -> bool:
    """Whether what she will read is not yet under a signed checkpoint. It comes within a second where a worker signs; where
    nobody does, she gets her account without.
    """
    last = office.store.entries(case=case.id)[-1]
    note = office.store.checkpoint()
    return note is not None and last.index >= _size(note) and office.clock() < last.time + _SIGNED_AT_LAST


def _size(note: bytes) -> int:
    """The size of the tree in a checkpoint, its second line (C2SP tlog-checkpoint)."""
    return int(note.split(b"\n")[1])


def account_letter(office: Office, case: Case) -> tuple[Letter, str]:
    """The letter, and the SHA-256 of the account as JSON."""
    owner = office.owner_or_address(case)
    hers = account_of(office, case, owner.language)
    forms = {kind: office.render(hers, kind) for kind in _FORMS}
    letter = letter_to_owner(office, case, owner, "account", Channel.MAILBOX)
    letter = replace(
        letter,
        values={**letter.values, "account_text": office.render(hers, "text").decode()},
        html=office.render(hers, "html").decode(),
        attachments=tuple(
            Attachment(name=f"locum-{case.id}.{kind}", media_type=_FORMS[kind], content=forms[kind]) for kind in forms
        ),
    )
    return letter, hashlib.sha256(forms["json"]).hexdigest()


def _give_up(office: Office, case: Case) -> None:
    """Nobody takes it, for a month: the record says so, and the case stays without the mark that it was accounted for."""
    entry = office.draft(case, "failed", act="account", key=_REFUSED, left_as="")
    office.store.commit([Change(case=case, entries=(entry,), drop=("account",), found=b"")])


def accounted(office: Office, case: Case, taken: Taken, receipt: str, sha256: str, to: str = "mailbox") -> None:
    """She, or whoever gets the account instead (`to`), has it; what was found on the mailbox is forgotten."""
    now = office.clock()
    ended = case.state is State.ENDED
    told = advance(case, Event.ACCOUNT, accounted_at=now) if ended else replace(case, accounted_at=now)
    entry = office.draft(told, "accounted", to=to, digest=sha256, receipt=receipt)
    office.store.commit([Change(case=told, entries=(entry,), found=b"", finished=taken)])
