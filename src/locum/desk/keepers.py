"""Letters to those who keep the contact (clause 17): that she is asked, that it is on, the account, and the closing of the mailbox.

None holds a link: whoever keeps the contact does not answer as if it were she. What she says to them is noted by
`locum contact`; after a death nobody is asked, and these letters take the place of those to her.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from locum.absence import Channel, Person
from locum.addresses import mask
from locum.desk import telling
from locum.desk.departing import contact_in_words, keepers, path_of
from locum.desk.office import Office
from locum.desk.receiving import receiver_of
from locum.desk.several import Copy, send_copies
from locum.desk.telling import account_letter, accounted, letter_to_owner, values, wait_for_signature
from locum.letter import Letter
from locum.lifecycle import Case, State
from locum.messages import say
from locum.phrases import day
from locum.store import Change, Taken

ASKED = "contact-asked"
_NOTHING: Mapping[str, str] = MappingProxyType({})


def keeper_copies(
    office: Office, case: Case, event: str, *, told: Mapping[str, str] = _NOTHING, like: Letter | None = None
) -> list[Copy]:
    """A letter about a case to each of those who keep the contact. `told` are values besides those of every letter, `like` is
    the letter whose content it brings. Whoever asked for it is not told that she is being asked.
    """
    readers = [person for person in keepers(office, case) if event != ASKED or person.id != case.requester]
    return [
        Copy(channel=Channel.MAILBOX, to=address, make=partial(_letter, office, case, person, event, told, like))
        for person in readers
        if (address := person.mailbox.address if person.mailbox else "")
    ]


def _letter(
    office: Office, case: Case, reader: Person, event: str, told: Mapping[str, str], like: Letter | None
) -> Letter:
    address = reader.mailbox.address if reader.mailbox else ""
    language = reader.language
    filled = values(office, case, replace(office.owner_or_address(case), time_zone=reader.time_zone), language)
    filled |= {
        "reader": reader.name,
        "asked_for": say(language, f"words.asked-for.{case.asks_for}"),
        "keeping": say(language, f"words.keeping.{case.reason}", name=filled["name"]),
        **told,
    }
    letter = Letter(
        id=f"{case.id}.{event}.{reader.id}.{case.request[:8]}",
        event=event,
        channel=Channel.MAILBOX,
        address=address,
        name=reader.name,
        language=language,
        values=filled,
        reply_name=filled["requester"],
        reply_address=filled["requester_address"],
    )
    if like is None:
        return letter
    filled |= {"account_text": like.values["account_text"]}
    return replace(letter, values=filled, html=like.html, attachments=like.attachments)


def tell_asked(office: Office, taken: Taken) -> None:
    """She is being asked: whoever keeps the contact may ask her in the way agreed with her, and note what she says."""
    case = office.store.case(taken.job.case)
    waits = case.state in (State.REQUESTED, State.ASKING)
    _send(office, taken, case, f"letter-{ASKED}", keeper_copies(office, case, ASKED) if waits else [])


def tell_live(office: Office, taken: Taken) -> None:
    """It is on: to her, or to the keepers where nobody reads the letters in her mailbox."""
    case = office.store.case(taken.job.case)
    if path_of(case).letters_to_her:
        telling.tell_live(office, taken)
        return
    is_on = case.state is State.APPLIED
    _send(office, taken, case, "letter-contact-live", keeper_copies(office, case, "contact-live") if is_on else [])


def noted(office: Office, taken: Taken) -> None:
    """What was noted is confirmed to her, and to nobody where she cannot have said it."""
    if path_of(office.store.case(taken.job.case)).letters_to_her:
        telling.noted(office, taken)
    else:
        office.store.commit([Change(finished=taken)])


def _send(office: Office, taken: Taken, case: Case, note: str, copies: Sequence[Copy]) -> None:
    if not copies or send_copies(office, taken, case, note, copies) is not None:
        office.store.commit([Change(finished=taken)])


def account(office: Office, taken: Taken) -> None:
    """The account of a case: to her; or to those who keep the contact, and to a private address that she gave for this."""
    case = office.store.case(taken.job.case)
    if path_of(case).account_to_her:
        telling.account(office, taken)
        return
    if case.accounted_at is not None:
        office.store.commit([Change(finished=taken)])
        return
    if wait_for_signature(office, taken, case):
        return
    letter, sha256 = account_letter(office, case)
    copies = [*keeper_copies(office, case, "contact-account", like=letter), *_to_herself(office, case, letter)]
    sent = send_copies(office, taken, case, "letter-account", copies)
    if sent is not None:
        accounted(office, sent, taken, "", sha256, to="contact")


def _to_herself(office: Office, case: Case, letter: Letter) -> list[Copy]:
    owner = office.owner_or_address(case)
    address = owner.channels.get(Channel.PRIVATE_MAIL, "")
    if not path_of(case).asks_her or not address:
        return []
    private = letter_to_owner(office, case, owner, "account", Channel.PRIVATE_MAIL)
    private = replace(private, values=letter.values, html=letter.html, attachments=letter.attachments)
    return [Copy(channel=Channel.PRIVATE_MAIL, to=mask(address), make=lambda: private)]


# the closing of the mailbox ------------------------------------------------------------------------------------------


def remind_of_closing(office: Office, taken: Taken) -> None:
    """On its day: whoever was named hears that the mailbox is to be closed. Locum closes nothing."""
    case = office.store.case(taken.job.case)
    closes = case.applied_at is not None and case.closes_on is not None
    copies = _closing_copies(office, case) if closes else []
    _send(office, taken, case, "letter-closing-due", copies)


def _closing_copies(office: Office, case: Case) -> list[Copy]:
    """To the contact person and to whoever asked for it, each once."""
    asked = office.people.person(case.requester)
    requester = asked.mailbox.address if asked and asked.mailbox else ""
    addresses = dict.fromkeys(one for one in (case.contact_person, requester) if one)
    return [
        Copy(channel=Channel.MAILBOX, to=address, make=partial(_closing_letter, office, case, address, place))
        for place, address in enumerate(addresses)
    ]


def _closing_letter(office: Office, case: Case, address: str, place: int) -> Letter:
    person = receiver_of(office, address)
    language = person.language if person else office.organisation.language
    owner = office.owner_or_address(case)
    filled = values(office, case, owner, language)
    filled |= {"reader": person.name if person else address, "mailbox": case.mailbox}
    filled |= {"contact_person": contact_in_words(office, case.contact_person)}
    filled |= {"closes_words": day(case.closes_on, language) if case.closes_on else ""}
    return Letter(
        id=f"{case.id}.closing-due.{place}",
        event="closing-due",
        channel=Channel.MAILBOX,
        address=address,
        name=filled["reader"],
        language=language,
        values=filled,
    )
