"""The part of the desk that people sign at: decisions about cases, and deeds about people and keys. Desk is made on top of it.

Signatures come in here as the bytes that a browser gave; doors for whoever cannot sign (the command line, the API) use none of it.
"""

from collections.abc import Callable, Mapping, Sequence

from locum.approval import Signed, fingerprint
from locum.desk import gating, registering, signing
from locum.desk.forms import Acting, ToSign
from locum.desk.office import Office
from locum.desk.searching import Viewings
from locum.entry import Json
from locum.errors import Conflict, Refused
from locum.lifecycle import Case
from locum.proposals import Proposal
from locum.register import Register
from locum.register.differing import Differences
from locum.register.ways import Hand, Way

_TRIES = 4


class SignedSteps:
    """The methods of Desk that have to do with signatures."""

    def __init__(self, office: Office) -> None:
        """Work with what `office` has."""
        self.office = office

    def case(self, case_id: str) -> Case:
        """One case. Raises Invalid `no-such-case`."""
        return self.office.store.case(case_id.strip().lower())

    def register(self) -> Register:
        """The register of people and keys as it stands now."""
        return self.office.register()

    @property
    def viewings(self) -> Viewings:
        """The steps of searches from the list on: choosing, signing, seeing, delivering."""
        return Viewings(self.office)

    def _at(self, case_id: str, act: Callable[[Case], Case]) -> Case:
        """Act on a case. Where a worker was at it in the same moment, look at it anew, and judge and act once more."""
        for _ in range(_TRIES):
            try:
                return act(self.case(case_id))
            except Conflict as conflict:
                if conflict.key != "changed-meanwhile":
                    raise
        return act(self.case(case_id))

    def decisions(self, acting_: Acting, case: Case) -> tuple[str, ...]:
        """What she may sign about this case now: approve, deny, overrule, or request (her own request). Nothing where she may not."""
        return signing.decisions(self.office, acting_, case)

    def wants_signature(self, case: Case) -> bool:
        """Whether decisions about this case are signed, on the page at `review_address`."""
        return gating.wants_signatures(self.office, case)

    def lacking(self, acting_: Acting, case_id: str) -> Refused | None:
        """What keeps somebody from this case whose function in people.csv would decide it: a key or a function on record."""
        return signing.lacking(self.office, acting_, case_id)

    def signs_anew(self, acting_: Acting, case: Case) -> bool:
        """Whether she signed this very request before, and has to do so once more: in other words, or with another key."""
        return any(who == acting_.id for who, *_ in case.reviews) and acting_.id in gating.to_sign_anew(
            self.office, case
        )

    def review_address(self, case: Case) -> str:
        """Where a case is signed."""
        return self.office.review_address(case)

    def waiting(self, acting_: Acting) -> list[Case]:
        """What waits for her signature, the oldest first."""
        return signing.waiting(self.office, acting_)

    def to_sign(self, acting_: Acting, case_id: str, decision: str) -> ToSign:
        """What she signs to make this decision. Raises Refused with clause 6 or 7 where she may not, saying why."""
        return signing.to_sign(self.office, acting_, self.case(case_id), decision)

    def sign(self, acting_: Acting, case_id: str, statement: bytes, assertion: bytes, because: str = "") -> Case:
        """Record a signature, where it counts, and go on. Raises Refused with clause 6 or 7, Conflict `shown-before` where something
        else is asked by now, Invalid `grounds-too-short`.
        """
        signature = signing.Signature(self.office, acting_, Signed(statement, assertion), because)
        return self._at(case_id, signature.record)

    def fingerprint(self, case: Case, language: str) -> str:
        """The request in six words, for two people to compare."""
        return fingerprint(case.request, language)

    # people and keys

    def propose(self, acting_: Acting, kind: str, what: Mapping[str, Json]) -> Proposal:
        """Keep a deed about people and keys until those who must have signed it. Raises Invalid, Refused."""
        return registering.propose(self.office, acting_, kind, what)

    def proposal(self, proposal_id: str) -> Proposal:
        """One of them. Raises Invalid `no-such-proposal`."""
        return registering.proposals(self.office).one(proposal_id)

    def proposals(self) -> list[Proposal]:
        """Those that may still be signed, the oldest first."""
        return registering.proposals(self.office).open()

    def proposals_waiting(self, acting_: Acting) -> list[Proposal]:
        """Those that wait for her signature."""
        return registering.waiting(self.office, acting_.id)

    def hands(self, proposal: Proposal) -> tuple[Hand, ...]:
        """Who signed it so far."""
        return tuple(registering.wish_of(proposal).hands)

    def deed_ways(self, acting_: Acting, proposal: Proposal) -> tuple[Way, ...]:
        """How she may sign it now: in which functions, with which keys. Raises Refused with why not."""
        return registering.ways_of(self.office, proposal, acting_.id)

    def deed_to_sign(self, acting_: Acting, proposal_id: str, function: str = "", *, language: str = "") -> ToSign:
        """What she signs, in her language or the one asked for. Raises Refused with the reason where she may not."""
        person = self.office.people.person(acting_.id)
        language = language or (person.language if person else self.office.organisation.language)
        return registering.to_sign(self.office, acting_, proposal_id, function, language)

    def sign_deed(self, acting_: Acting, proposal_id: str, statement: bytes, assertion: bytes) -> Proposal:
        """Add her signature; with the last that it takes the deed is recorded, and counts. Raises Refused, Conflict."""
        return registering.sign(self.office, acting_, proposal_id, statement, assertion)

    def withdraw_proposal(self, acting_: Acting, proposal_id: str) -> Proposal:
        """Take a proposal back. Raises Refused where it is another's."""
        return registering.withdraw(self.office, acting_, proposal_id)

    def differences(self) -> Differences:
        """What people.csv proposes differently from the record, and waits for no signatures yet."""
        return registering.open_differences(self.office)

    def propose_differences(self, acting_: Acting) -> list[Proposal]:
        """Propose all of that, as deeds that two people sign. Raises Refused."""
        return registering.propose_differences(self.office, acting_)

    def withdraw_leaver(self, acting_: Acting, person: str) -> list[Proposal]:
        """Propose to withdraw all keys and functions of somebody. Raises Refused."""
        return registering.withdraw_leaver(self.office, acting_, person)

    def link_for(self, acting_: Acting, person: str) -> str:
        """The address of a one-time link with which this person makes a key. Raises Refused, Invalid `unknown-person`."""
        return registering.link_for(self.office, acting_, person)

    def founding_to_sign(self, what: Mapping[str, Json], by: str, language: str) -> ToSign:
        """What one of the first two people signs with the key that she just made. Raises Invalid, Refused."""
        return registering.founding_to_sign(self.office, what, by, language)

    def found(self, under: Sequence[Signed]) -> str:
        """Record the first two keys, signed by both. Gives nothing where they count, and where there were keys before, what has to
        stand in the settings before they do. Raises Refused, Conflict.
        """
        return registering.found(self.office, under)
