"""She is told by letter that the ways in which she is asked were changed: whoever sat at her screen does not change them unseen.

The letter goes to her mailbox, and where a private address was taken away or replaced, she reads there that it is so. It says what
holds now, addresses masked, and holds no link that does anything. The queue names nobody: the job has a mark in place of her.
"""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

from locum.absence import Channel, Person
from locum.addresses import mask
from locum.desk import wished
from locum.desk.office import Office
from locum.errors import Trouble
from locum.letter import Letter
from locum.messages import say
from locum.phrases import when
from locum.store import Change, Job, Taken

TOLD: Final = "ways-told"
_GIVE_UP: Final = timedelta(days=30)


def tell_of_ways(office: Office, person: Person) -> None:
    """Put the letter in the queue."""
    now = office.clock()
    job = Job(kind=TOLD, case=f"{_mark(_key(office), person)}/{int(now.timestamp())}", due_at=now, lane="letters")
    office.store.commit([Change(put=(job,))])


def _key(office: Office) -> bytes:
    return office.store.setting("ways-told-key", lambda: office.random(32))


def _mark(key: bytes, person: Person) -> str:
    return hmac.digest(key, person.id.encode(), "sha256")[:16].hex()


def tell(office: Office, taken: Taken) -> None:
    """Send it."""
    mark, _, seconds = taken.job.case.rpartition("/")
    key = _key(office)
    person = next((one for one in office.people.everyone() if _mark(key, one) == mark), None)
    at = datetime.fromtimestamp(int(seconds), UTC)
    if person is not None and person.mailbox is not None and office.clock() < at + _GIVE_UP:
        try:
            office.post.send(_letter(office, person, person.mailbox.address, at))
        except Trouble as trouble:
            again = office.clock() + timedelta(minutes=5 * 2 ** min(taken.job.tries, 6))
            office.store.back_off([taken], again, trouble.key)
            return
    office.store.commit([Change(finished=taken)])


def _letter(office: Office, person: Person, address: str, at: datetime) -> Letter:
    language, stamp = person.language, int(at.timestamp())
    return Letter(
        id=f"ways-changed.{person.id}.{stamp}",
        event="ways-changed",
        channel=Channel.MAILBOX,
        address=address,
        name=person.name,
        language=language,
        values={
            "name": person.name,
            "organisation": office.organisation.name,
            "case": "/mine/channels",
            "on_words": when(at, language, person.time_zone),
            "ways": "\n".join(_ways(office, person)),
            "dpo": office.organisation.dpo or say(language, "words.function.dpo"),
        },
    )


def _ways(office: Office, person: Person) -> list[str]:
    """What holds now, a line for each private way and one for reading along."""
    reached, language = office.reached(person), person.language
    lines = []
    for channel in wished.PRIVATE:
        used = reached.channels.get(channel, "")
        said = (
            say(language, "letters.ways.used", address=mask(used)) if used else say(language, "letters.ways.not-used")
        )
        lines.append(f"{say(language, f'words.channel.{channel}')}: {said}")
    lines.append(say(language, f"letters.ways.{'reads-along' if reached.reads_along else 'reads-along-not'}"))
    return lines
