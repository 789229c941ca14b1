"""What no search counts, lists or opens, as the policy, she and Locum itself have it (clauses 11, 12, 13 and 20)."""

from locum.absence import Person
from locum.desk import wished
from locum.desk.office import Office
from locum.lifecycle import Case
from locum.policy import Policy
from locum.query import Exclusions, Protections


def exclusions(office: Office, case: Case) -> Exclusions:
    """Of this case: by the policy it is under and the one in force, both. Raises Garbled where what she protects cannot be
    opened: then nothing is looked at.
    """
    policies = (office.policy_of(case), office.policy)
    return Exclusions(
        folders=_all(*(_marks(policy.private.folders) for policy in policies)),
        subject_tags=_all(*(_marks(policy.private.subject_tags) for policy in policies)),
        sensitivities=_all(*(tuple(policy.private.sensitivity) for policy in policies)),
        labels=_all(*(tuple(policy.private.labels) for policy in policies)),
        correspondents=_all(*(_confidential(policy) for policy in policies)),
        own=(office.organisation.sender,) if office.organisation.sender else (),
        protections=_hers(office, office.people.person(case.person)),
    )


def _all(*lists: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for each in lists for one in each))


def _marks(marks: dict[str, list[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for words in marks.values() for word in words))


def _confidential(policy: Policy) -> tuple[str, ...]:
    return policy.confidential.never


def _hers(office: Office, owner: Person | None) -> Protections:
    if owner is None:
        return Protections()
    kept = wished.protections_of(office.wishes, owner.id)
    return Protections(senders=kept["senders"], folders=kept["folders"], words=kept["words"])
