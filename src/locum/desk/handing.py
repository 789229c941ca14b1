"""Handing over her key, before anything happens: with the first ask for a plain auto-reply, by a letter of its own before the
ask for a forward, to everybody at once, and anew whenever she lost it. It is always the same key; each time is an entry
`enrolled` in her stream, which belongs to no case and stays when cases are erased.

It goes into her own mailbox or onto her own page, never to another address or by text message (decision 0014), and to nobody
in her place. What the key is, byte for byte, is herkey.py's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from locum.absence import Channel, Person
from locum.desk.departing import path_of
from locum.desk.office import Office
from locum.desk.telling import try_later
from locum.entry import Draft, Entry
from locum.errors import Garbled, Rejected, Trouble
from locum.herkey import MEDIA_TYPE, HerKey, KeyPaper
from locum.letter import Attachment, Letter
from locum.lifecycle import Case
from locum.messages import LANGUAGES, say
from locum.store import Change, Job, Taken
from locum.tlog import EMPTY_ROOT

HAND_OVER = ("hand-over", "org/hand-over")
"""Kind and case of the job that hands everybody's key over: one at a time, whoever does it."""
UNKNOWN = "log-key-unknown"
"""Trouble: this process does not know what the record is signed with, so that there is nothing to check a key with."""
NOT_BEFORE = "key-not-handed-over"
_OF_ONE_ADDRESS = frozenset({"letter-address", "relay-refused"})
_DAILY = timedelta(days=1)
_AT_ONCE = 50
LEASE_SECONDS = 60.0


def enrolments(office: Office, streams: Sequence[str]) -> dict[str, list[Entry]]:
    """Each time that a key was handed over, by mailbox, the first one first."""
    beside = office.beside.entries(streams)
    found = {stream: [one for one in told if one.type == "enrolled"] for stream, told in beside.items()}
    return {stream: told for stream, told in found.items() if told}


def key_of(office: Office, stream: str, earlier: Sequence[Entry]) -> HerKey | None:
    """Her key as it would be handed over now; None where this process does not know what the record is signed with.

    Raises Garbled `her-key-other` where it, or the log, is not the one that was handed over `earlier`.
    """
    if not (vkey := office.vkey()):
        return None
    key = HerKey(
        stream=stream,
        key=office.beside.key(stream),
        vkey=vkey,
        witnesses=office.witnesses,
        checkpoint=office.store.checkpoint() or b"",
    )
    if earlier and not key.is_hers(earlier[0].body):
        raise Garbled("her-key-other", mailbox=stream)
    return key


def enrolled(office: Office, key: HerKey, how: str, *, by: str = "", receipt: str = "") -> Change:
    """That it was handed over, as a change of its own: it is about no case."""
    log = key.log
    size, root = (log.size, log.root) if log is not None else (0, EMPTY_ROOT)
    draft = Draft(
        stream=key.stream,
        type="enrolled",
        time=office.clock(),
        body={
            "key_hash": key.hash,
            "vkey": key.vkey,
            "log": {"origin": key.origin, "size": size, "root": root.hex()},
            "how": how,
            "by": by,
            "receipt": receipt,
        },
    )
    return Change(entries=(draft,))


# with the ask, or before it ------------------------------------------------------------------------------------------


def with_ask(office: Office, case: Case, channel: Channel) -> HerKey | None:
    """The key that goes with this ask: into her mailbox, where she never got it."""
    if channel is not Channel.MAILBOX or (earlier := enrolments(office, [case.mailbox])):
        return None
    return key_of(office, case.mailbox, earlier.get(case.mailbox, ()))


def attached(office: Office, letter: Letter, key: HerKey, owner: Person) -> Letter:
    """The ask with her key: the file, and the QR code as a picture."""
    told = {**letter.values, "key_file": key.file_name}
    return replace(letter, values=told, attachments=_files(office, paper_of(office, key, owner)))


def before_ask(office: Office, taken: Taken, case: Case, owner: Person) -> bool:
    """Hand her key over by a letter of its own where a forward or a search is asked for and she never got it. False where that cannot
    be now: then the ask is put off, and nothing was asked.
    """
    if not case.receives or enrolments(office, [case.mailbox]):
        return True
    try:
        given = give(office, owner, "letter")
    except Trouble as trouble:
        try_later(office, taken, trouble)
        return False
    if not given:
        try_later(office, taken, Trouble(UNKNOWN))
    return given


def came_before_ask(office: Office, case: Case, entries: Sequence[Entry]) -> bool:
    """Whether she had her key before she was asked for this, as the record has it. Where nobody is asked there is nobody to
    give it to.
    """
    if not path_of(case).asks_her:
        return True
    filed = max((one.index for one in entries if one.type == "requested"), default=0)
    asked = min((one.index for one in entries if one.index > filed and _is_ask(one)), default=None)
    found = enrolments(office, [case.mailbox]).get(case.mailbox, ())
    return any(asked is None or one.index < asked for one in found)


def _is_ask(entry: Entry) -> bool:
    """An ask to her, by letter or by a person; no letter about what became of it, and none to others."""
    by_letter = not entry.body.get("by") and str(entry.body.get("note", "")).startswith("letter-")
    return entry.type == "asked" and not by_letter


# a letter of its own -------------------------------------------------------------------------------------------------


def give(office: Office, person: Person, how: str, by: str = "") -> bool:
    """Send her key into her mailbox and record it; False where this process cannot. Raises Trouble where the relay did not
    take it. One that may have left before a crash goes out again under its own Message-ID.
    """
    stream = person.mailbox.address if person.mailbox is not None else ""
    earlier = enrolments(office, [stream]).get(stream, [])
    if not stream or (key := key_of(office, stream, earlier)) is None:
        return False
    receipt = office.post.send(_letter(office, person, key, len(earlier)))
    office.step("key.sent")
    office.store.commit([enrolled(office, key, how, by=by, receipt=receipt)])
    return True


def paper_of(office: Office, key: HerKey, person: Person) -> KeyPaper:
    """What her page to print says, in her language."""
    language = person.language if person.language in LANGUAGES else "en"
    mine = office.own_page(person)
    return KeyPaper(
        key=key,
        name=person.name,
        language=language,
        organisation=office.organisation.name,
        on=office.clock().astimezone(office.zone(person)).date(),
        mine=f"{mine}/key" if mine else "",
        dpo=office.organisation.dpo or say(language, "herkey.officer"),
    )


def _letter(office: Office, person: Person, key: HerKey, number: int) -> Letter:
    paper = paper_of(office, key, person)
    return Letter(
        id=f"her-key.{person.id}.{number + 1}",
        event="her-key",
        channel=Channel.MAILBOX,
        address=key.stream,
        name=person.name,
        language=paper.language,
        values={
            "organisation": paper.organisation,
            "name": person.name,
            "case": "",
            "key_file": key.file_name,
            "again": say(paper.language, "herkey.again") if number else "",
            "key_page": paper.mine,
            "dpo": paper.dpo,
        },
        reply_name=say(paper.language, "herkey.officer") if "@" in office.organisation.dpo else "",
        reply_address=office.organisation.dpo if "@" in office.organisation.dpo else "",
        attachments=_files(office, paper),
    )


def _files(office: Office, paper: KeyPaper) -> tuple[Attachment, ...]:
    """The file, and the same as a QR code. The page to print takes half a second: that is made for whoever wants it."""
    name = f"{say(paper.language, 'herkey.file.qr')}.png"
    return (
        Attachment(name=paper.key.file_name, media_type=MEDIA_TYPE, content=paper.key.dump()),
        Attachment(name=name, media_type="image/png", content=office.key_paper(paper, "png")),
    )


# to everybody --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What came of it: how many got their key now, whose address was refused (by id, with the trouble), how many are left."""

    given: int
    refused: tuple[tuple[str, str], ...]
    left: int


def served(office: Office) -> dict[str, Person]:
    """Whose mailbox a mail system of ours serves, by its address."""
    return {
        person.mailbox.address: person
        for person in office.people.everyone()
        if person.mailbox is not None and office.route(person.mailbox.address) is not None
    }


def never(office: Office) -> list[Person]:
    """Who never got a key, by id."""
    people = served(office)
    known = enrolments(office, sorted(people))
    return sorted((one for address, one in people.items() if address not in known), key=lambda one: one.id)


def to_everyone(
    office: Office,
    taken: Taken,
    many: int | None,
    advance: Callable[[int], None],
    by: str = "",
    seconds: float = LEASE_SECONDS,
) -> HandedOver:
    """Hand over to those who never got theirs, `many` at most, as long as the job is ours. Raises Trouble where the relay does
    not answer; who has it by then has it.
    """
    waiting, given, refused = never(office), 0, []
    renewed_at: datetime | None = None
    for place, person in enumerate(waiting):
        now = office.clock()
        if given == many:
            break
        if renewed_at is None or now - renewed_at >= timedelta(seconds=seconds / 6):
            if not office.store.renew([taken], seconds):
                break
            renewed_at = now
        try:
            if not give(office, person, "letter", by):
                raise Trouble(UNKNOWN)
            given += 1
        except Rejected as refusal:
            if refusal.key not in _OF_ONE_ADDRESS:
                raise
            refused.append((person.id, refusal.key))
        advance(place + 1)
    return HandedOver(given, tuple(refused), len(waiting) - given)


def daily(office: Office, taken: Taken) -> None:
    """The job: some at a time, so that other letters have their turn; then daily, where the settings want that newcomers get theirs."""
    done = to_everyone(office, taken, _AT_ONCE, lambda _: None)
    goes_on = done.left > len(done.refused)
    office.store.commit([Change(put=next_turn(office, goes_on=goes_on), finished=taken)])


def next_turn(office: Office, *, goes_on: bool = False) -> tuple[Job, ...]:
    """When the job is to be done next: at once, tomorrow, or never."""
    if not goes_on and not office.hands_over:
        return ()
    due_at = office.clock() + (timedelta(0) if goes_on else _DAILY)
    return (Job(kind=HAND_OVER[0], case=HAND_OVER[1], due_at=due_at, lane="letters"),)
