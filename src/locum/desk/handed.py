"""What doors do about keys: hand them over to everybody, to one person anew, printed, and on her own page. The rest is handing.py's."""

from collections.abc import Callable
from datetime import datetime

from locum.absence import Person
from locum.desk import handing
from locum.desk.forms import Acting
from locum.desk.handing import HAND_OVER, LEASE_SECONDS, HandedOver
from locum.desk.office import Office
from locum.errors import Invalid, Trouble
from locum.herkey import HerKey, KeyPaper
from locum.jobs import Taken
from locum.seam import Finding
from locum.store import Change, Job


class HandedKeys:
    """Who may ask for another's key is the door's matter: whoever operates Locum could read it anyway."""

    def __init__(self, office: Office) -> None:
        """Work with what `office` has."""
        self._office = office

    def never(self) -> list[Person]:
        """Who never got a key, of all whose mailbox is served."""
        return handing.never(self._office)

    def counted(self) -> tuple[int, int]:
        """How many never got one, and of how many."""
        return len(handing.never(self._office)), len(handing.served(self._office))

    def check(self) -> Finding:
        """How many never got the key with which they could check what was done (clause 4)."""
        never, all_ = len(handing.never(self._office)), len(handing.served(self._office))
        values = (("never", str(never)), ("all", str(all_)))
        key = f"record.{'keys-missing' if never else 'keys-handed-over'}"
        return Finding(key=key, holds=None if never else True, values=values)

    def start(self) -> None:
        """Put the daily job that hands newcomers their key, where the settings want it."""
        if self._office.hands_over and not self._office.store.jobs(HAND_OVER[1]):
            self._office.store.commit([Change(put=handing.next_turn(self._office, goes_on=True))])

    def begin(self, worker: str, seconds: float = LEASE_SECONDS) -> Taken | None:
        """Take the one job of handing over to everybody; None while somebody else is at it."""
        (kind, case), store, now = HAND_OVER, self._office.store, self._office.clock()
        if not (taken := store.take(worker, seconds=seconds, case=case)):
            there = store.jobs(case)
            if there and there[0].due_at <= now:
                return None
            store.commit([Change(put=(Job(kind=kind, case=case, due_at=now, lane="letters"),))])
            taken = store.take(worker, seconds=seconds, case=case)
        return taken[0] if taken else None

    def to_everyone(
        self, taken: Taken, advance: Callable[[int], None], *, by: str, seconds: float = LEASE_SECONDS
    ) -> HandedOver:
        """Hand over to everybody who never got one; `advance` is told how many were done. Raises Trouble where the relay does
        not answer: the job is put off, whoever has it keeps it, and the next run goes on there.
        """
        try:
            self._office.beside.check()
            done = handing.to_everyone(self._office, taken, None, advance, by, seconds)
        except Trouble as trouble:
            self._office.store.back_off([taken], self._office.clock(), trouble.key)
            raise
        self._office.store.commit([Change(put=handing.next_turn(self._office), finished=taken)])
        return done

    def send(self, person: Person, *, by: str) -> None:
        """Send somebody her key, for the first time or anew. Raises Invalid `hand-over-nobody`, or Trouble."""
        if person.mailbox is None:
            raise Invalid("hand-over-nobody", person=person.id)
        self._office.beside.check()
        if not handing.give(self._office, person, "letter", by):
            raise Trouble(handing.UNKNOWN)

    def printed(self, person: Person, *, by: str) -> bytes:
        """The page to print, to be handed over by `by`; recorded. Raises Invalid, or Trouble."""
        paper = self._paper(person)
        page = self._office.key_paper(paper, "pdf")
        self._office.store.commit([handing.enrolled(self._office, paper.key, "printed", by=by)])
        return page

    def first_given(self, acting: Acting) -> datetime | None:
        """When she got it first; None where she never did."""
        found = handing.enrolments(self._office, [acting.address]) if acting.address else {}
        return found[acting.address][0].time if found else None

    def fetched(self, acting: Acting, make: Callable[[KeyPaper], bytes]) -> tuple[HerKey, bytes]:
        """Her key, and what `make` makes of it, for herself; recorded. Raises Invalid, or Trouble."""
        person = self._office.people.person(acting.id)
        if person is None:
            raise Invalid("hand-over-nobody", person=acting.id)
        paper = self._paper(person)
        made = make(paper)
        self._office.store.commit([handing.enrolled(self._office, paper.key, "page", by=person.id)])
        return paper.key, made

    def _paper(self, person: Person) -> KeyPaper:
        stream = person.mailbox.address if person.mailbox is not None else ""
        if not stream:
            raise Invalid("hand-over-nobody", person=person.id)
        self._office.beside.check()
        key = handing.key_of(self._office, stream, handing.enrolments(self._office, [stream]).get(stream, ()))
        if key is None:
            raise Trouble(handing.UNKNOWN)
        return handing.paper_of(self._office, key, person)
