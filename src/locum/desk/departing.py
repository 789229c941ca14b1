"""Long absence, departure, death (clause 17): what is different for each reason, as a table, and what a request says besides.

Whom senders turn to, the day on which the mailbox closes, and who keeps the contact. Locum closes nothing: keepers.py reminds
whoever was named. How long it lasts and who looks is the policy's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType

from locum.absence import Person
from locum.addresses import canonical
from locum.desk.forms import ForwardForm, RequestForm, SearchForm
from locum.desk.office import Office
from locum.desk.receiving import receiver_of
from locum.errors import Invalid, Refused
from locum.hours import parse_when
from locum.lifecycle import Case
from locum.measure import instant
from locum.messages import LANGUAGES
from locum.phrases import day, one_line
from locum.store import Job

REMINDED = "closing"
"""The job that reminds of the day on which a mailbox closes."""
CONTACT_TOLD = "keepers"
"""The job that tells those who keep the contact that she is being asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """How a case goes for one reason.

    `asks_her`: she is asked herself. `tells_keepers`: those who keep the contact hear of it at the same time, and may ask her in
    the way agreed with her. `letters_to_her`: what is on, and what was noted, is written to her mailbox. `account_to_her`: so
    is the account; else it goes to the keepers, and never into a mailbox that nobody may open. `closes`: the mailbox closes
    when the reply ends, where no later day is named.
    """

    asks_her: bool = True
    tells_keepers: bool = False
    letters_to_her: bool = True
    account_to_her: bool = True
    closes: bool = False


ORDINARY = Path()
PATHS: Mapping[str, Path] = MappingProxyType(
    {
        "long-absence": Path(tells_keepers=True),
        "departure": Path(tells_keepers=True, account_to_her=False, closes=True),
        "death": Path(asks_her=False, letters_to_her=False, account_to_her=False, closes=True),
    }
)
"""The reasons of clause 17; every other reason goes the ordinary way. tests/test_departure.py holds docs/cases.md to it."""


def path_of(case: Case) -> Path:
    """How this case goes."""
    return PATHS.get(case.reason, ORDINARY)


def keepers(office: Office, case: Case) -> list[Person]:
    """Those who keep the contact with her, or with her family: the functions that the policy names, and after a death the
    data protection officer too. Only people with a mailbox, and never she.
    """
    policy = office.policy_of(case)
    functions = list(policy.departure.contact)
    if not path_of(case).asks_her:
        functions.append(policy.four_eyes.officer)
    found = [person for person in office.people.everyone() if person.function in functions and person.id != case.person]
    return sorted((one for one in found if one.mailbox is not None), key=lambda one: functions.index(one.function))


# what a request says besides -----------------------------------------------------------------------------------------


def template_of(form: RequestForm) -> str:
    """The template where none is named: the one for the reason where clause 17 has it, the plain one for all others."""
    return form.template or (form.reason if form.reason in PATHS else "standard")


def contact_of(office: Office, form: RequestForm, owner: Person) -> str:
    """The address whom senders turn to: a colleague's, or a functional mailbox. "" where none is named. Raises Invalid."""
    given = form.contact_person.strip()
    if not given:
        rules = office.policy
        is_leaving = form.reason in rules.departure.reasons and form.reason in rules.auto_reply.reasons
        if is_leaving or form.mailbox_closes_on.strip():
            raise Invalid("contact-person-missing")
        return ""
    person = office.people.owner(canonical(given)) if "@" in given else office.people.person(given)
    if person is not None and person.id == owner.id:
        raise Invalid("contact-person-herself", contact=given)
    if person is not None and person.mailbox is not None:
        return person.mailbox.address
    if "@" not in given:
        raise Invalid("contact-person-unknown", contact=given)
    address = canonical(given)
    if address.rpartition("@")[2] not in office.organisation.domains:
        raise Invalid("contact-person-outside", contact=address)
    return address


def contact_in_words(office: Office, address: str) -> str:
    """Name and address of a colleague, the address of a functional mailbox."""
    person = receiver_of(office, address) if address else None
    return one_line(f"{person.name} ({address})") if person else address


def closing_of(office: Office, form: RequestForm, owner: Person, to_date: datetime) -> date | None:
    """The day on which the mailbox closes; None where it does not. Raises Invalid for none, or one before the reply ends."""
    zone = office.zone(owner)
    last = to_date.astimezone(zone).date()
    given = form.mailbox_closes_on.strip()
    if not given:
        return last if PATHS.get(form.reason, ORDINARY).closes else None
    try:
        closes_on = date.fromisoformat(given)
    except ValueError:
        raise Invalid("bad-day", text=given[:40]) from None
    if closes_on < last:
        raise Invalid("closes-before-end", closes=closes_on.isoformat(), until=instant(to_date), zone=owner.time_zone)
    return closes_on


def completed(office: Office, case: Case, form: RequestForm | ForwardForm | SearchForm, owner: Person) -> Case:
    """The case with what the form says besides. Raises Invalid as above; Refused where the account would reach nobody."""
    if isinstance(form, RequestForm):
        closes_on = closing_of(office, form, owner, case.to_date)
        case = replace(case, contact_person=contact_of(office, form, owner), closes_on=closes_on)
    rules = office.policy
    is_listed = case.reason in {*rules.auto_reply.reasons, *rules.forward.reasons, *rules.search.reasons}
    if is_listed and not path_of(case).account_to_her and not keepers(office, case):
        raise Refused("nobody-keeps-contact", clause=17, functions=", ".join(rules.departure.contact))
    return case


def template_values(office: Office, form: RequestForm, owner: Person, to_date: datetime) -> dict[str, str]:
    """What a template says of it, in her language."""
    return said_besides(office, owner, contact_of(office, form, owner), closing_of(office, form, owner, to_date))


def said_besides(office: Office, owner: Person, contact_person: str, closes_on: date | None) -> dict[str, str]:
    """The same, where it is known whom senders turn to and when the mailbox closes."""
    spoken = owner.language in LANGUAGES  # a template may be there in a language for which we have no words of dates
    told = {"closes_on": (day(closes_on, owner.language) if spoken else closes_on.isoformat()) if closes_on else ""}
    contact = contact_in_words(office, contact_person)
    return told | ({"contact": contact} if contact else {})


def in_request(case: Case) -> dict[str, str]:
    """What of it is part of the request as it is hashed: only what was said, so that other requests are as they were."""
    said = {"contact_person": case.contact_person, "closes_on": case.closes_on.isoformat() if case.closes_on else ""}
    return {name: value for name, value in said.items() if value}


def first_jobs(office: Office, case: Case, now: datetime) -> tuple[Job, ...]:
    """What follows on a request besides the ask: the keepers hear of it, and on its day somebody is reminded of the closing."""
    jobs = []
    if path_of(case).tells_keepers:
        jobs.append(Job(kind=CONTACT_TOLD, case=case.id, due_at=now, lane="letters"))
    if case.closes_on is not None:
        begins = parse_when(case.closes_on.isoformat(), office.zone(office.people.person(case.person)), now)
        jobs.append(Job(kind=REMINDED, case=case.id, due_at=begins, lane="letters"))
    return tuple(jobs)
