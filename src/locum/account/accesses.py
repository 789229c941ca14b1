"""What the mail system's own log showed and nothing explained, and looks that belong to no case, in plain words. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from locum.account.story import Body, text
from locum.account.teller import Teller
from locum.entry import Entry
from locum.measure import parse_instant
from locum.messages import as_far_as_known, say, says
from locum.phrases import one_line, when

_SERVICES = frozenset({"imap", "pop3", "managesieve", "submission"})


def is_ours(body: Body) -> bool:
    """Whether an incident is one of these."""
    return says("en", f"reconcile.incident.{body.get('key')}")


def in_words(body: Body, language: str, time_zone: str) -> str:
    """An incident: who or what, when, and how much was read. "" where it is none of these."""
    values = {name: one_line(str(value)) for name, value in body.items() if value is not None}
    for name in ("at", "until"):
        if name in values:
            values[name] = _when(values[name], language, time_zone)
    if (service := text(body, "service")) in _SERVICES:
        values["service"] = say(language, f"reconcile.service.{service}")
    said = [as_far_as_known(language, f"reconcile.incident.{body.get('key')}", values)]
    if isinstance(times := body.get("times"), int) and times > 1:
        said.append(say(language, "reconcile.times", times=times))
    if "bodies" in body:
        said.append(_read(body, language))
    return " ".join(one for one in said if one)


def _read(body: Body, language: str) -> str:
    counts = {name: body.get(name) for name in ("headers", "bodies", "deleted")}
    if body.get("service") == "managesieve":
        return say(language, "reconcile.read.rules")
    if counts["bodies"] is None:
        return say(language, "reconcile.read.not-told" if body.get("until") else "reconcile.read.goes-on")
    if not any(counts.values()):
        return say(language, "reconcile.read.nothing")
    return say(language, "reconcile.read.some", **{name: many or 0 for name, many in counts.items()})


def _when(value: str, language: str, time_zone: str) -> str:
    try:
        return when(parse_instant(value), language, time_zone)
    except ValueError:
        return value


def accesses(teller: Teller, beside: Sequence[Entry]) -> Iterator[tuple[datetime, str, bool]]:
    """When, what, and whether it is an incident: of what stands in her stream and belongs to no case."""
    for entry in beside:
        if entry.type == "incident":
            said = in_words(entry.body, teller.language, teller.time_zone)
            yield (
                entry.time,
                said or teller.known("gate", text(entry.body, "key"), {}) or teller.word("entry", "incident"),
                True,
            )
        elif entry.type == "looked":
            why = teller.known("reconcile", f"why.{text(entry.body, 'why')}", {}) or one_line(text(entry.body, "why"))
            yield entry.time, why, False
