"""What a requester's own words may say (clauses 6 and 8): the linter, asked with what is known of the organisation and of her.

Here is who is asked about what; what is objected to is locum.wording's, and what an objection does is the policy's. Words that
are refused are told to whoever wrote them and are kept nowhere. Templates are not read: tests hold them to the same linter.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from locum.absence import Person
from locum.desk.forms import RequestForm
from locum.desk.office import Office
from locum.errors import Refused
from locum.lifecycle import Case
from locum.measure import Can
from locum.policy import Policy
from locum.policy.measures import REASONS
from locum.wording import LONGEST, Kind, Known, Reader, Remark, Severity, lint, refuse


def check(office: Office, form: RequestForm, owner: Person, to_date: datetime) -> None:
    """Raise Refused `wording-<kind>` (clause 8) for the first of the form's own texts that the policy refuses. Nothing is recorded."""
    for field, text, reader in _texts(form):
        if text and len(text.encode()) <= Can().max_text_bytes:  # no mail system takes a longer one, and says so
            refuse(_remarks(office, office.policy, text, reader, owner, to_date), field)


def _texts(form: RequestForm) -> tuple[tuple[str, str | None, Reader], ...]:
    return (
        ("subject", form.subject, "external" if form.external_text else "internal"),
        ("internal", form.internal_text, "internal"),
        ("external", form.external_text, "external"),
    )


def remarks(office: Office, form: RequestForm, owner: Person, to_date: datetime) -> Iterator[tuple[str, Remark]]:
    """Everything that the policy minds in the form's own texts: the text's name and the remark."""
    for field, text, reader in _texts(form):
        if text and len(text) <= LONGEST:
            for remark in _remarks(office, office.policy, text, reader, owner, to_date):
                yield field, remark


def check_why(office: Office, reason: str, because: str, owner: Person) -> None:
    """Raise Refused `because-tells-illness` (clause 6): why somebody is away is never stored. A reason that is none of the
    list is recorded as it was refused, so it is read too, as a word about her.
    """
    texts = (because,) if reason in REASONS else (f"{owner.name}: {reason}", because)
    only_illness = dict.fromkeys(Kind, Severity.ALLOW) | {Kind.ILLNESS: Severity.REFUSE}
    for text in texts:
        known = _known(office, owner, text, None)
        for remark in lint(
            text, audience="internal", known=known, language_hint=owner.language, severities=only_illness
        ):
            raise Refused("because-tells-illness", clause=6, word=remark.word)


def warnings(office: Office, case: Case) -> Iterator[tuple[str, Remark]]:
    """What the policy only warns about in the words of a case that are no template's: the text's name and the remark."""
    reply, owner = case.reply, office.people.person(case.person)
    if reply is None or owner is None or case.template:
        return
    texts: tuple[tuple[str, str | None, Reader], ...] = (
        ("subject", reply.subject, "external" if reply.external_text else "internal"),
        ("internal", reply.text_body, "internal"),
        ("external", reply.external_text, "external"),
    )
    for field, text, reader in texts:
        for remark in _remarks(office, office.policy_of(case), text or "", reader, owner, reply.to_date):
            yield field, remark


def _remarks(
    office: Office, policy: Policy, text: str, reader: Reader, owner: Person, to_date: datetime
) -> tuple[Remark, ...]:
    known = _known(office, owner, text, to_date)
    return lint(text, audience=reader, known=known, language_hint=owner.language, severities=_severities(policy))


def _severities(policy: Policy) -> Mapping[Kind, Severity]:
    said = policy.wording.model_dump(by_alias=True)
    return {Kind(kind): Severity(does) for kind, does in said.items()}


def _known(office: Office, owner: Person, text: str, to_date: datetime | None) -> Known:
    own = office.organisation
    said = {word.strip(".,;:!?()").casefold() for word in text.split()}
    named = (person.name for person in office.people.everyone() if person.id != owner.id)
    return Known(
        organisation=own.name,
        name=owner.name,
        colleagues=tuple(name for name in named if any(part.casefold() in said for part in name.split())),
        domains=own.domains,
        numbers=own.numbers,
        links=own.links,
        bank_accounts=own.bank_accounts,
        return_on=None if to_date is None else to_date.astimezone(office.zone(owner)).date(),
    )
