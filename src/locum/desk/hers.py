"""Her own mailbox, once she is signed in: what was done in her name, her say in it, and what she wishes beforehand.

What she may say of a case, and what follows from it, is the same as behind the links in her letters (behind_links.py). Nobody
else's cases are here: for her there are no such cases. Nobody else's wishes either.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from locum.absence import Channel, Person
from locum.account import Account
from locum.desk import asking, behind_links, checkable, telling, wished
from locum.desk.behind_links import Spoken
from locum.desk.forms import Acting, LinkView, OwnText
from locum.desk.office import Office
from locum.desk.ways_told import tell_of_ways
from locum.errors import Conflict, Invalid
from locum.lifecycle import Case, Event, State, may
from locum.store import Change

VIA: Final = "signed-in"
"""How her answer came, as the entry says it."""
_ON: Final = (State.APPLYING, State.APPLIED)
_TRIES = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """What is on in her name, and what is to come: the soonest first. Objected ones rest, and are neither."""

    on: tuple[Case, ...]
    coming: tuple[Case, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaySeen:
    """A private way as she sees it: what people.csv says of it, what she decided, and the address that is used now, if any."""

    channel: Channel
    on_file: str
    decided: wished.Way | None
    used: str


class Hers:
    """Everything that somebody does about herself. `acting` is always she: no method takes a person."""

    def __init__(self, office: Office) -> None:
        """Work with what `office` has."""
        self._office = office

    # what was done in her name

    def living(self, acting: Acting) -> Living:
        """What is on in her name, and what is to come."""
        if not acting.address:
            return Living(on=(), coming=())
        found = [case for case in self._office.store.living_on([acting.address]) if case.person == acting.id]
        found.sort(key=lambda case: (case.from_date, case.filed_at))
        return Living(
            on=tuple(case for case in found if case.state in _ON),
            coming=tuple(case for case in found if case.state is not State.OBJECTED and may(case, Event.WITHDRAW)),
        )

    def look(self, acting: Acting, case_id: str) -> LinkView:
        """A case of hers, as a link in a letter would show it. Raises Invalid `no-such-case`, for anybody else's too."""
        return behind_links.view(self._office, self._case(acting, case_id), VIA)

    def account(self, acting: Acting, case_id: str, language: str = "") -> Account:
        """The account of a case of hers as it stands now. Raises Invalid `no-such-case`."""
        return telling.account_of(self._office, self._case(acting, case_id), language)

    def file_name(self, acting: Acting) -> str:
        """The name of the file that she can check; empty for somebody without a mailbox."""
        return checkable.file_name(acting.address) if acting.address else ""

    def checkable(self, acting: Acting) -> bytes:
        """Everything on record about her mailbox as a file that she can check. Raises Invalid or Rejected."""
        if not acting.address:
            raise Invalid("no-stream", mailbox=acting.id)
        return checkable.checkable(self._office, acting.address)

    def _case(self, acting: Acting, case_id: str) -> Case:
        name = case_id.strip().lower()
        case = self._office.store.case(name)
        if case.person != acting.id:
            raise Invalid("no-such-case", case=name)
        return case

    def answer(
        self,
        acting: Acting,
        case_id: str,
        answer: str,
        text: OwnText | None = None,
        because: str = "",
        *,
        shown: str | None = None,
    ) -> Case:
        """One of the view's `may`. Raises Invalid `no-such-case`, and Conflict as behind a link."""
        one = Spoken(said=answer, text=text, because=because, shown=shown, via=VIA)

        def said() -> Case:
            change = behind_links.spoken(self._office, self._case(acting, case_id), one)
            return self._office.store.commit([change])[0]

        return _anew(said)

    def back(self, acting: Acting) -> tuple[Case, ...]:
        """She is back: end what is on in her name and take back what is to come, all of it or nothing."""

        def ended() -> tuple[Case, ...]:
            found = self.living(acting)
            changes = [*map(self._stopped, found.on), *map(self._withdrawn, found.coming)]
            return self._office.store.commit(changes) if changes else ()

        return _anew(ended)

    def _stopped(self, case: Case) -> Change:
        entry = self._office.draft(case, "withdrawn", by="owner", because="", via=VIA)
        return asking.stopped(self._office, case, "owner", entry)

    def _withdrawn(self, case: Case) -> Change:
        entry = self._office.draft(case, "withdrawn", by="owner", because="", via=VIA)
        return asking.withdrawn(self._office, case, "owner", entry)

    # what she wishes beforehand

    def texts(self, acting: Acting) -> Mapping[str, OwnText]:
        """Her text for next time, by language."""
        return wished.texts_of(self._office.wishes, acting.id)

    def write_text(self, acting: Acting, language: str, text: OwnText | None) -> None:
        """Keep her text in one language, or forget it (None). Raises Invalid."""
        wished.write_text(self._office.wishes, self._she(acting).id, language, text)

    def ways(self, acting: Acting) -> tuple[WaySeen, ...]:
        """Her private ways, as she sees them."""
        she = self._she(acting)
        mine, now = wished.ways_of(self._office.wishes, she.id), self._office.reached(she).channels
        on_file = {Channel.MOBILE: she.mobile, Channel.PRIVATE_MAIL: she.private_mail}
        return tuple(
            WaySeen(channel=one, on_file=on_file[one], decided=mine.ways.get(one), used=now.get(one, ""))
            for one in wished.PRIVATE
        )

    def permit(self, acting: Acting, channel: Channel, address: str) -> None:
        """She permits a private way for this, at this address, from today. Raises Invalid for an address that is none."""
        self._decide(acting, channel, permitted=True, address=address)

    def withdraw(self, acting: Acting, channel: Channel) -> None:
        """She withdraws a private way: it holds for the next question already, and its address is forgotten here."""
        self._decide(acting, channel, permitted=False, address="")

    def _decide(self, acting: Acting, channel: Channel, *, permitted: bool, address: str) -> None:
        she = self._she(acting)
        today = self._office.clock().astimezone(self._office.zone(she)).date()
        wished.decided(self._office.wishes, she, channel, wished.Way(permitted=permitted, on=today, address=address))
        tell_of_ways(self._office, she)

    def reads_along(self, acting: Acting) -> bool:
        """Whether she reads along: she is asked, and nothing is set without her."""
        return self._office.reached(self._she(acting)).reads_along

    def read_along(self, acting: Acting, *, wish: bool) -> None:
        """She wishes to be asked and not overruled by her silence, or wishes it no more."""
        she = self._she(acting)
        wished.wish_to_read_along(self._office.wishes, she.id, wish=wish)
        tell_of_ways(self._office, she)

    def protections(self, acting: Acting) -> Mapping[str, tuple[str, ...]]:
        """What she named to be protected, by kind; the kinds that the policy has."""
        kinds = self._office.policy.protections.kinds
        kept = wished.protections_of(self._office.wishes, acting.id)
        return {kind: names for kind, names in kept.items() if kind in kinds}

    def protect(self, acting: Acting, lines: Mapping[str, str]) -> None:
        """Keep her lists, one name on a line. Raises Invalid."""
        kinds: list[str] = [*self._office.policy.protections.kinds]
        wanted: dict[str, str] = {kind: text for kind, text in lines.items() if kind in kinds}
        wished.write_protections(self._office.wishes, self._she(acting).id, wanted)

    def _she(self, acting: Acting) -> Person:
        person = self._office.people.person(acting.id)
        if person is None:
            raise Invalid("unknown-person", person=acting.id)
        return person


def _anew(act: Callable[[], T]) -> T:
    """Act; where a worker was at the case in the same moment, look at it anew and act once more."""
    for _ in range(_TRIES - 1):
        try:
            return act()
        except Conflict as conflict:
            if conflict.key != "changed-meanwhile":
                raise
    return act()
