"""The ladder of a case from its entries, the first one first. Pure.

What a row of the database says plays no part; an entry that cannot be read is no step, and nothing follows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from locum.entry import Draft, Entry, Json
from locum.ladder import HERE, NOT_NEEDED, NOT_OPENED, Ladder, Limits, Pair, Step, Try
from locum.measure import Search, query_from_json
from locum.query import Query


def spent_in(stream: Sequence[Entry | Draft]) -> tuple[datetime, ...]:
    """When this mailbox was counted, in whatever case: each is a question that was answered, whatever became of the case."""
    return tuple(one.time for one in stream if one.type == "searching" and one.body.get("act") == Step.COUNT)


def ladder_of(
    search: Search, pair: Pair, limits: Limits, lines: Sequence[Entry | Draft], spent: Sequence[datetime]
) -> Ladder:
    """The ladder of a case from its entries, the first one first. An entry that cannot be read is no step, and nothing follows it."""
    fold = _Fold(search=search)
    for one in lines:
        fold.read(one)
    return Ladder(
        search=search,
        pair=pair,
        limits=limits,
        is_open=fold.is_open,
        tries=tuple(fold.tries),
        spent=tuple(spent),
        listed=fold.listed,
        chosen=fold.chosen,
        openings=tuple(fold.openings),
        opened=fold.opened,
        closed=fold.closed,
        delivered=tuple(fold.delivered),
        chosen_at=fold.chosen_at,
        attends_from=fold.attends_from,
        here_at=fold.here_at,
    )


_ENDS: Final = frozenset(
    "refused withdrawn expired failed incident ended accounted".split()
)  # an incident with the record, too: nothing goes on before somebody has looked


@dataclass(slots=True, kw_only=True)
class _Fold:
    search: Search
    is_open: bool = False
    is_over: bool = False
    tries: list[Try] = field(default_factory=list)
    listed: tuple[str, ...] | None = None
    chosen: dict[str, str] = field(default_factory=dict)
    openings: list[tuple[str, str, datetime]] = field(default_factory=list)
    opened: str = ""
    closed: str = ""
    delivered: list[str] = field(default_factory=list)
    chosen_at: datetime | None = None
    attends_from: datetime | None = None
    here_at: datetime | None = None

    def read(self, one: Entry | Draft) -> None:
        act = one.body.get("act")
        if one.type == "objected":  # before it is open an objection may still be overruled
            self.is_open, self.is_over = False, self.is_over or self.is_open
        elif (one.type in _ENDS and act != "account") or (one.type == "intended" and act == "end"):
            self._end()
        elif one.type == "done" and act == "apply":
            self.is_open = not self.is_over
        elif one.type == "searching":
            self._begin(one, one.body)
        elif one.type in ("counted", "listed"):
            self._settle(one.type, one.body)
        else:
            self._seen(one, one.body)

    def _seen(self, one: Entry | Draft, body: Mapping[str, Json]) -> None:
        """What is done with what was listed."""
        match one.type:
            case "chosen":
                self.chosen[_who(body)], self.chosen_at = _text(body, "digest"), one.time
            case "attending":
                self._attends(_text(body, "what"), one.time)
            case "opening":
                self.openings.append((_who(body), _text(body, "digest"), one.time))
            case "opened":
                self.opened = _text(body, "digest") or "?"
                self._outcome("opened")
            case "closed":
                why = _text(body, "why") or "?"
                if self.opened or why not in NOT_OPENED:
                    self.closed = why
                self._outcome(why)
            case "delivered":
                self.delivered.append(_text(body, "to"))
                self._outcome("delivered")

    def _attends(self, what: str, at: datetime) -> None:
        """What she says of being there; what cannot be read is as if she wants to."""
        if what == HERE:
            self.here_at = at
        elif what == NOT_NEEDED:
            self.attends_from = self.here_at = None
        else:
            self.attends_from = self.attends_from or at

    def _end(self) -> None:
        self.is_open, self.is_over = False, True

    def _begin(self, one: Entry | Draft, body: Mapping[str, Json]) -> None:
        act = _text(body, "act")
        if act not in (Step.COUNT, Step.LIST, Step.OPEN, Step.DELIVER):
            self._end()
            return
        step = Step(act)
        number = 1 + sum(before.act is step for before in self.tries)
        self.tries.append(Try(act=step, number=number, by=_who(body), at=one.time, query=self._asked(step, body)))

    def _asked(self, step: Step, body: Mapping[str, Json]) -> Query:
        """The question of this try: narrowed for a count, as it was counted for a list."""
        asked = body.get("query")
        if step is Step.COUNT and asked is not None:
            try:
                return query_from_json(asked)
            except (ValueError, TypeError, KeyError):
                self._end()
        if step is Step.COUNT or not self.tries:
            return self.search.query
        return self.tries[-1].query

    def _settle(self, kind: str, body: Mapping[str, Json]) -> None:
        if kind == "listed":
            hits = body.get("hits")
            found = [one.get("digest") for one in hits if isinstance(one, dict)] if isinstance(hits, list) else []
            self.listed = tuple(one for one in found if isinstance(one, str))
        self._outcome(_text(body, "bucket") if kind == "counted" else "listed")

    def _outcome(self, said: str) -> None:
        if self.tries and not self.tries[-1].outcome:
            last = self.tries.pop()
            self.tries.append(
                Try(act=last.act, number=last.number, by=last.by, at=last.at, query=last.query, outcome=said or "?")
            )


def _text(body: Mapping[str, Json], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _who(body: Mapping[str, Json]) -> str:
    by = body.get("by")
    return _text(by, "id") if isinstance(by, dict) else by if isinstance(by, str) else ""
