"""What a template says for a request, and whether a text of a case is what its template says.

Only the values are gathered here: the templates are locum.wording's, and what a text of somebody's own may say is worded.py's.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from locum.absence import Person
from locum.desk import departing
from locum.desk.office import Office
from locum.lifecycle import Case
from locum.measure import AutoReply
from locum.phrases import when
from locum.wording import LANGUAGES, from_template, parted

OWN = "own"
"""The template of a request whose text she wrote herself beforehand."""


def texts_in(
    office: Office, name: str, language: str, owner: Person, to_date: datetime, said: Mapping[str, str]
) -> tuple[str, str, str]:
    """Subject, internal and external text of a template; `said` is what departing.py says besides. Raises Invalid."""
    values = {
        "name": owner.name,
        "organisation": office.organisation.name,
        "until": when(to_date, language, owner.time_zone),
    }
    return from_template(name, language, {**values, **said})


def is_its_template(office: Office, case: Case, reply: AutoReply, owner: Person) -> bool:
    """Whether colleagues get what the template of the case says, in whatever languages; outsiders then do (filing.py)."""
    said = departing.said_besides(office, owner, case.contact_person, case.closes_on)
    languages = dict.fromkeys((owner.language if owner.language in LANGUAGES else "en", *LANGUAGES))

    def made() -> Iterable[str]:
        for language in languages:
            yield texts_in(office, case.template, language, owner, reply.to_date, said)[1].strip()

    return all(any(part == text for text in made()) for part in parted(reply.text_body))
