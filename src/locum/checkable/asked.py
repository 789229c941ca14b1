"""What was asked: the request that an act was for, as the entries before it bring it, in the form in which it is hashed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from locum.approval.request import hash_of
from locum.checkable.making import request_in
from locum.entry import Entry, Json, canonical
from locum.measure import Audience, AutoReply, Forward, Measure, Search, Senders, measure_from_json, measure_name
from locum.policy import Question
from locum.query import Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The entry that brought a request, and the request R itself. `at` is when the policy was asked about it."""

    entry: Entry
    request: Mapping[str, Json]
    at: datetime | None = None

    @property
    def bytes(self) -> bytes:
        """R as it is hashed."""
        return canonical(dict(self.request))

    @property
    def hash(self) -> str:
        """Its hash, as the entry has it."""
        return str(self.entry.body.get("request", ""))

    @property
    def policy(self) -> str:
        """The hash of the policy it is under."""
        return self.text("policy")

    @property
    def judged_at(self) -> datetime:
        """When the policy was asked; when it was filed, where that is not known."""
        return self.at or self.entry.time

    def text(self, name: str) -> str:
        """A field as text; empty where it is none."""
        value = self.request.get(name)
        return value if isinstance(value, str) else ""

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is asked for. Raises ValueError where that cannot be read."""
        listed = self.request.get("measures")
        try:
            return tuple(measure_from_json(one) for one in listed if isinstance(one, dict))  # type: ignore[union-attr]
        except (KeyError, TypeError) as error:
            raise ValueError("no measures") from error

    @property
    def forward(self) -> Forward | None:
        """The forward that is asked for, if one is."""
        return next((one for one in self.measures if isinstance(one, Forward)), None)

    def fits(self, stream: str, act: Entry) -> bool:
        """Whether the act is of this request, this request is what its hash says, and it is about this mailbox and case."""
        try:
            handles = {one.handle for one in self.measures}
            same = self.hash == act.body.get("request") == hash_of(self.bytes)
        except ValueError:
            return False
        return same and handles == {act.case} and self.text("mailbox") == stream

    def question(self) -> Question:
        """What the policy is asked, as far as the request itself says it. Raises ValueError."""
        measures, forward = self.measures, self.forward
        reply = next((one for one in measures if isinstance(one, AutoReply)), None)
        search = next((one for one in measures if isinstance(one, Search)), None)
        size = self.request.get("batch_size")
        return Question(
            reason=self.text("reason"),
            from_date=min(one.from_date for one in measures),
            to_date=max(one.to_date for one in measures),
            audience=reply.audience if reply is not None else Audience.INTERNAL,
            external_is_template=bool(self.text("template")) or reply is None,
            batch_size=size if isinstance(size, int) else 0,
            requester=self.text("requester"),
            owner=self.text("person"),
            measures=frozenset(measure_name(one) for one in measures),
            forward_to=forward.to if forward is not None else search.deliver_to if search is not None else "",
            senders=forward.senders if forward is not None else Senders.EVERYONE,
            query=search.query if search is not None else Query(),
            alternatives=search.alternatives if search is not None else (),
        )


def asked_in(before: Sequence[Entry]) -> Asked | None:
    """The request that was asked last among the entries of a case; None where there is none."""
    for one in reversed(before):
        if (request := request_in(one)) is not None:
            return Asked(entry=one, request=request)
    return None
