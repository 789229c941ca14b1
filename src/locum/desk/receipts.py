"""Whoever signed about a case gets it back at once by letter: the whole text that was signed, and its six words. The worker
sends it, which is another process than the one that showed the page; so a page that lied is found out by whoever reads on.

One job per case; who was told is read from the entries. One that may have left before a crash goes out again under its own
Message-ID. A letter holds no link that does anything.
"""

from collections import Counter
from collections.abc import Sequence

from locum.absence import Channel, Person
from locum.approval import Approval, NotProven, Signed, fingerprint, text_hash
from locum.desk.gating import as_given
from locum.desk.office import Office
from locum.desk.telling import record, try_later
from locum.entry import Draft, Entry
from locum.errors import Rejected, Trouble
from locum.letter import Letter
from locum.lifecycle import Case
from locum.messages import say
from locum.phrases import one_line, when
from locum.store import Change, Job, Taken

SIGNED = "signed-receipt"
_NOTE = "letter-signed"
_SENDING = "sending"


def receipt_wanted(office: Office, case: Case) -> Job:
    """Give whoever signed it back in words."""
    return Job(kind=SIGNED, case=case.id, due_at=office.clock(), lane="letters")


def tell(office: Office, taken: Taken) -> None:
    """A letter for each signature that nobody got one for yet."""
    case = office.store.case(taken.job.case)
    entries = office.store.entries(case=case.id)
    begun, told, number = _so_far(entries), _so_far(entries, begun=False), Counter[str]()
    try:
        for entry in entries:
            who = _signer(entry)
            number[who] += bool(who)
            person = office.people.person(who) if who else None
            if person is None or number[who] <= told[who]:
                continue
            if number[who] > begun[who]:
                record(office, case, _entry(office, case, person, _SENDING))
            _send(office, case, entry, person, number[who])
    except Trouble as trouble:
        try_later(office, taken, trouble)
        return
    office.store.commit([Change(finished=taken)])


def _so_far(entries: Sequence[Entry], *, begun: bool = True) -> Counter[str]:
    """How many such letters were begun for each, or have left or failed."""
    letters = [one.body for one in entries if one.body.get("note") == _NOTE]
    return Counter(str(one.get("whom")) for one in letters if (one.get("outcome") == _SENDING) is begun)


def _signer(entry: Entry) -> str:
    by = entry.body.get("by")
    is_signed = entry.type == "reviewed" and isinstance(entry.body.get("signed"), dict)
    return str(by.get("id", "")) if is_signed and isinstance(by, dict) else ""


def _send(office: Office, case: Case, entry: Entry, person: Person, number: int) -> None:
    try:
        receipt, outcome = office.post.send(_letter(office, case, entry, person, number)), "delivered-to-relay"
    except Rejected as refusal:
        receipt, outcome = refusal.key, "failed"
    record(office, case, _entry(office, case, person, outcome, receipt))


def _entry(office: Office, case: Case, person: Person, outcome: str, receipt: str = "") -> Draft:
    return office.draft(
        case,
        "asked",
        channel=Channel.MAILBOX,
        outcome=outcome,
        to=one_line(person.name),
        whom=person.id,
        by="",
        receipt=receipt,
        note=_NOTE,
        tries=1,
    )


def _letter(office: Office, case: Case, entry: Entry, person: Person, number: int) -> Letter:
    language = person.language
    text, words = _signed(case, entry, language)
    return Letter(
        id=f"{case.id}.signed.{person.id}.{number}",
        event="signed",
        channel=Channel.MAILBOX,
        address=person.mailbox.address if person.mailbox is not None else "",
        name=person.name,
        language=language,
        values={
            "organisation": office.organisation.name,
            "name": person.name,
            "case": case.id,
            "on_words": when(entry.time, language, person.time_zone),
            "text": text,
            "words": words,
            "dpo": office.organisation.dpo or say(language, "words.function.dpo"),
        },
    )


def _signed(case: Case, entry: Entry, language: str) -> tuple[str, str]:
    """The text that was signed and its six words. The text is made anew and is the one whose hash was signed; empty where the
    request is another one by now.
    """
    try:
        signed = Signed.from_json(entry.body.get("signed"))
        said = Approval.load(signed.statement)
    except NotProven:
        return "", ""
    shown = as_given(case, signed, at=entry.time).shown
    text = next((one for one in shown if text_hash(one) == said.display), "")
    return text, fingerprint(said.request, language)
