"""What the mail system's own log showed and nothing explained, and looks that belong to no case, in plain words. Pure."""

from collections.abc import Iterator, Sequence

from locum.account.shape import Kind, Row
from locum.account.story import Body, Story, plain, text
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
    if not is_ours(body):
        return ""
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


def other_access(teller: Teller, story: Story, beside: Sequence[Entry]) -> Iterator[Row]:
    """What stands in her stream and belongs to no case: each incident, looks by their reason, or that there is nothing."""
    for entry in beside:
        if entry.type == "incident":
            said = in_words(entry.body, teller.language, teller.time_zone)
            plain_form = teller.quote("; ".join(f"{name}: {plain(value)}" for name, value in entry.body.items()))
            yield Row(label=teller.when(entry.time), text=said or plain_form, kind=Kind.WARNING)
    looks: dict[str, list[Entry]] = {}
    for entry in beside:
        if entry.type == "looked":
            looks.setdefault(text(entry.body, "why"), []).append(entry)
    for why, found in looks.items():
        yield Row(label=teller.when(found[0].time), text=teller.known("reconcile", f"why.{why}", {}) or one_line(why))
        if len(found) > 1:
            yield Row(text=teller.say("access.days", days=len(found), last=teller.when(found[-1].time)))
    if not beside:
        yield Row(text=teller.say("access.none"))
    for entry in story.of("ended")[:1]:
        if isinstance(compared := entry.body.get("access_told"), bool):
            yield Row(text=teller.say("access.compared" if compared else "access.not-told"), kind=Kind.NOTE)
