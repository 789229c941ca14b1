"""What a requester's own words may say (clauses 6 and 8): the linter, asked with what is known of the organisation and of her.

Here is who is asked about what; what is objected to is locum.wording's, and what an objection does is the policy's. Words that
are refused are told to whoever wrote them and are kept nowhere. Templates are not read: tests hold them to the same linter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from locum.absence import Person
from locum.desk.forms import RequestForm
from locum.desk.office import Office
from locum.desk.templated import OWN, is_its_template
from locum.errors import Refused
from locum.lifecycle import Case
from locum.measure import AutoReply, Can
from locum.policy import Policy
from locum.policy.measures import REASONS
from locum.wording import LONGEST, Kind, Known, Reader, Remark, Severity, lint, refuse


def check(office: Office, form: RequestForm, owner: Person, to_date: datetime) -> None:
    """Raise Refused `wording-<kind>` (clause 8) where the policy refuses one of the form's own texts. Nothing is recorded."""
    short = [one for one in _texts(form) if len(one.text.encode()) <= Can().max_text_bytes]
    refuse(_remarks(office, office.policy, short, owner, to_date))  # no mail system takes a longer one, and says so


@dataclass(frozen=True, slots=True)
class _Text:
    """One text of a reply: its name, its words, and who reads it."""

    field: str
    text: str
    reader: Reader


def _three(subject: str | None, internal: str | None, external: str | None) -> list[_Text]:
    of_subject: Reader = "external" if external else "internal"
    texts = (
        _Text("subject", subject or "", of_subject),
        _Text("internal", internal or "", "internal"),
        _Text("external", external or "", "external"),
    )
    return [one for one in texts if one.text]


def _texts(form: RequestForm) -> list[_Text]:
    return _three(form.subject, form.internal_text, form.external_text)


def remarks(office: Office, form: RequestForm, owner: Person, to_date: datetime) -> tuple[tuple[str, Remark], ...]:
    """Everything that the policy minds in the form's own texts: the text's name and the remark."""
    return _remarks(office, office.policy, [one for one in _texts(form) if len(one.text) <= LONGEST], owner, to_date)


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


def warnings(office: Office, case: Case) -> tuple[tuple[str, Remark], ...]:
    """What the policy minds in the words of a case that are the requester's own: the text's name and the remark."""
    owner = office.people.person(case.person)
    if case.reply is None or owner is None:
        return ()
    return _remarks(
        office, office.policy_of(case), _own_texts(office, case, case.reply, owner), owner, case.reply.to_date
    )


def doubted(office: Office, case: Case) -> bool:
    """Whether somebody has to look at the requester's own words (Question.words_doubted)."""
    said = office.policy_of(case).wording.model_dump()
    return "review" in said.values() and any(one.severity is Severity.REVIEW for _, one in warnings(office, case))


def _own_texts(office: Office, case: Case, reply: AutoReply, owner: Person) -> list[_Text]:
    """The texts of a case that no template made and she did not write herself."""
    if case.answer == "own-text" or case.template == OWN:
        return []
    if not case.template:
        return _three(reply.subject, reply.text_body, reply.external_text)
    is_fixed = is_its_template(office, case, reply, owner)
    return [] if is_fixed else [_Text("internal", reply.text_body, "internal")]


def _remarks(
    office: Office, policy: Policy, texts: Sequence[_Text], owner: Person, to_date: datetime
) -> tuple[tuple[str, Remark], ...]:
    if not texts:
        return ()
    known = _known(office, owner, "\n".join(one.text for one in texts), to_date)
    return tuple(
        (one.field, remark)
        for one in texts
        for remark in lint(
            one.text, audience=one.reader, known=known, language_hint=owner.language, severities=_severities(policy)
        )
    )


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
