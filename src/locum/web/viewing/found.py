"""The list: from, date and subject of at most twenty messages, for the two who take the steps. Both choose one.

A masked subject is shown only where both ask for it. Nothing here is kept by the browser.
"""

from dataclasses import dataclass

from locum.absence import Person
from locum.desk import Desk
from locum.desk.searching import Kept
from locum.ladder import Ladder
from locum.lifecycle import Case
from locum.phrases import one_line, when
from locum.web.signin import Signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message on the list. `chosen` and `asked` are the names of who chose it, and who asked to see its masked subject."""

    digest: str
    from_: str
    at: str
    subject: str
    is_masked: bool
    chosen: tuple[str, ...]
    is_mine: bool
    asked: tuple[str, ...]
    is_asked: bool


def lines(desk: Desk, who: Signed, case: Case, kept: Kept, ladder: Ladder) -> list[Line]:
    """The list as it is shown to one of the two."""
    reader = who.person
    unmasked, asked = desk.viewings.unmasked(case), desk.viewings.asked_to_unmask(case)
    found = []
    for one in kept.hits:
        masked = one.masked and one.digest not in unmasked
        chosen = [person for person, digest in ladder.chosen.items() if digest == one.digest]
        wish = asked.get(one.digest, frozenset())
        found.append(
            Line(
                digest=one.digest,
                from_=one.from_,
                at=when(one.at, reader.language, reader.time_zone),
                subject="" if masked else one.subject,
                is_masked=masked,
                chosen=tuple(name_of(desk, person) for person in chosen if person != reader.id),
                is_mine=reader.id in chosen,
                asked=tuple(name_of(desk, person) for person in sorted(wish) if person != reader.id),
                is_asked=reader.id in wish,
            )
        )
    return found


def name_of(desk: Desk, person: str) -> str:
    """Somebody by her name."""
    found: Person | None = desk.office.people.person(person)
    return one_line(found.name) if found is not None else person
