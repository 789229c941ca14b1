"""How each value of the policy is written in a sentence, and which variant of a sentence a policy chooses. Data and small
functions; the words themselves are in messages/<lang>/regulation.toml.

SLOTS: the name in braces -> the path of the setting and how it is written. VARIANTS: the key of a sentence -> which of the
sentences below it is said.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from locum.narrowing import bucket
from locum.phrases import one_line
from locum.policy import Policy


class Words(Protocol):
    """What writing a value takes: the language's words."""

    @property
    def language(self) -> str: ...
    def words(self, key: str, **values: object) -> str: ...
    def word(self, area: str, name: str) -> str: ...


Write = Callable[[Words, object], str]


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


def _unit(one: str, many: str) -> Write:
    def write(words: Words, value: object) -> str:
        number = value if isinstance(value, int | float) else 0
        written = f"{number:g}".replace(".", "," if words.language == "nl" else ".")
        return words.words(f"unit.{one if number == 1 else many}", n=written)

    return write


def _listed(key: str, area: str, nobody: str = "") -> Write:
    """Words in a row. `area` is one of words.toml (`/function`) or of this document (`power`)."""

    def write(words: Words, value: object) -> str:
        names = _texts(value)
        if area.startswith("/"):
            said = [words.word(area[1:], name) for name in names]
        else:
            said = [words.words(f"{area}.{name}") for name in names]
        if not said:
            return words.words(nobody) if nobody else ""
        return words.words(key, first=", ".join(said[:-1]), last=said[-1]) if len(said) > 1 else said[0]

    return write


def _reasons(words: Words, value: object) -> str:
    return "; ".join(words.word("reason", name) for name in _texts(value))


def _one(area: str) -> Write:
    def write(words: Words, value: object) -> str:
        return words.word(area[1:], str(value)) if area.startswith("/") else words.words(f"{area}.{value}")

    return write


def _plain(_words: Words, value: object) -> str:
    return one_line(", ".join(_texts(value)))


def _marks(_words: Words, value: object) -> str:
    """Words that mark a subject, of all languages, each once."""
    lists = value.values() if isinstance(value, dict) else ()
    return ", ".join(dict.fromkeys(one_line(mark) for marks in lists for mark in marks))


def _somebody(words: Words, value: object) -> str:
    """How many others: what is signed is signed by one at least, whatever the policy says."""
    return _unit("person", "persons")(words, max(1, value) if isinstance(value, int) else 1)


def _buckets(_words: Words, value: object) -> str:
    """Every answer that a count can have, as it is told."""
    edges = [one for one in value if isinstance(one, int)] if isinstance(value, list | tuple) else []
    return ", ".join(dict.fromkeys(bucket(number, edges) for number in range(max(edges, default=0) + 1)))


_either, _all = "or-also", "and-also"
_people = _listed(_either, "/function")

SLOTS: Mapping[str, tuple[str, Write]] = {
    "preset": ("preset", _one("preset")),
    "known_reply": ("known.auto-reply", _one("known")),
    "known_forward": ("known.forward", _one("known")),
    "requesters_reply": ("requesters.auto-reply", _listed(_either, "/function", "everybody")),
    "requesters_forward": ("requesters.forward", _listed(_either, "/function", "everybody")),
    "reasons": ("auto-reply.reasons", _reasons),
    "max_days": ("auto-reply.max_days", _unit("day", "days")),
    "powers": ("auto-reply.powers", _listed(_either, "power")),
    "channels": ("auto-reply.ask.channels", _listed(_all, "channel")),
    "wait_hours": ("auto-reply.ask.wait_hours", _unit("working-hour", "working-hours")),
    "template_wait_hours": ("auto-reply.ask.template_wait_hours", _unit("working-hour", "working-hours")),
    "count": ("auto-reply.review.count", _unit("person", "persons")),
    "functions": ("auto-reply.review.functions", _people),
    "audience": ("auto-reply.audience", _one("/audience")),
    "batch": ("auto-reply.batch_review_above", _unit("mailbox", "mailboxes")),
    "forward_reasons": ("forward.reasons", _reasons),
    "forward_max_days": ("forward.max_days", _unit("day", "days")),
    "forward_default_days": ("forward.default_days", _unit("day", "days")),
    "forward_powers": ("forward.powers", _listed(_either, "power")),
    "forward_senders": ("forward.senders", _one("/senders")),
    "forward_channels": ("forward.ask.channels", _listed(_all, "channel")),
    "forward_wait_hours": ("forward.ask.wait_hours", _unit("working-hour", "working-hours")),
    "forward_count": ("forward.review.count", _unit("person", "persons")),
    "forward_functions": ("forward.review.functions", _people),
    "overrule_approvers": ("objection.approvers", _unit("person", "persons")),
    "overrule_functions": ("objection.functions", _people),
    "told_of_objection": ("notify.objection", _listed(_all, "/function")),
    "told_of_incident": ("notify.incident", _listed(_all, "/function", "nobody")),
    "officer": ("four-eyes.officer", _one("/function")),
    "officer_for": ("four-eyes.officer_for", _listed(_either, "circumstance")),
    "escalate_hours": ("four-eyes.escalate_hours", _unit("working-hour", "working-hours")),
    "subject_tags": ("private.subject_tags", _marks),
    "protections": ("protections.kinds", _listed(_all, "protection", "nothing-protected")),
    "record_months": ("keeping.record_months", _unit("month", "months")),
    "within_days": ("account.within_days", _unit("day", "days")),
    "departure_reasons": ("departure.reasons", _listed(_either, "/reason")),
    "departure_months": ("departure.months", _unit("month", "months")),
    "departure_max_months": ("departure.max_months", _unit("month", "months")),
    "departure_contact": ("departure.contact", _people),
    "hide_below": ("figures.hide_below", _plain),
    "figures_to": ("figures.to", _listed(_all, "/function", "nobody")),
    "known_search": ("known.search", _one("known")),
    "requesters_search": ("requesters.search", _listed(_either, "/function", "everybody")),
    "search_reasons": ("search.reasons", _reasons),
    "search_powers": ("search.powers", _listed(_either, "power", "nothing-protected")),
    "search_alternatives": ("search.alternatives", _listed(_all, "alternative", "nothing-protected")),
    "search_channels": ("search.ask.channels", _listed(_all, "channel")),
    "search_wait_hours": ("search.ask.wait_hours", _unit("working-hour", "working-hours")),
    "search_count": ("search.review.count", _somebody),
    "search_functions": ("search.review.functions", _people),
    "search_at_least": ("search.at_least", _plain),
    "search_days_before": ("search.days_before", _unit("day", "days")),
    "search_counts_max": ("search.counts_max", _unit("count-one", "count-many")),
    "search_counts_per_month": ("search.counts_per_month", _unit("count-one", "count-many")),
    "search_buckets": ("search.buckets", _buckets),
    "search_most": ("search.too_broad_above", _unit("message", "messages")),
    "private_folders": ("private.folders", _marks),
    "private_sensitivity": ("private.sensitivity", _listed(_either, "sensitivity")),
    "private_labels": ("private.labels", _plain),
    "list_hours": ("keeping.list_hours", _unit("hour", "hours")),
    "list_days": ("keeping.list_days", _unit("day", "days")),
    "gaps_visible_to": ("beforehand.gaps_visible_to", _listed(_all, "/function")),
}


def judged_kinds(policy: Policy, judgement: str) -> list[str]:
    """The kinds of words with this judgement, in the order of the file."""
    return [kind for kind, said in policy.wording.model_dump(by_alias=True).items() if said == judgement]


def _some(value: object) -> str:
    return "some" if value else "none"


def _waits(policy: Policy) -> str:
    ask = policy.auto_reply.ask
    shorter = getattr(ask, "template_wait_hours", None)
    if not ask.wait_hours:
        return "none"
    return "some" if shorter is None or shorter == ask.wait_hours else "both"


VARIANTS: Mapping[str, Callable[[Policy], str]] = {
    "note.3.preset": lambda policy: "own" if policy.preset == "nl" else "example",
    "promise.4.by-whom": lambda policy: _some(policy.requesters.auto_reply or policy.requesters.forward),
    "promise.5.powers": lambda policy: _some(policy.auto_reply.powers),
    "promise.5.forward-powers": lambda policy: _some(policy.forward.powers),
    "promise.6.wait": _waits,
    "promise.6.forward-wait": lambda policy: _some(policy.forward.ask.wait_hours),
    "promise.6.unanswered": lambda policy: policy.auto_reply.ask.if_unanswered,
    "promise.6.forward-unanswered": lambda policy: policy.forward.ask.if_unanswered,
    "promise.6.shorter": lambda policy: policy.hurry.shorter,
    "promise.6.overrule": lambda policy: policy.objection.overrule,
    "duty.6.notify": lambda policy: _some(policy.notify.objection),
    "promise.7.count": lambda policy: _some(policy.auto_reply.review.count),
    "promise.7.forward": lambda policy: _some(policy.forward.review.count),
    "promise.7.signed": lambda policy: "yes" if policy.forward.review.signed else "no",
    "promise.7.officer": lambda policy: _some(policy.four_eyes.officer_for),
    "promise.7.asked": lambda policy: _some(policy.four_eyes.escalate_hours),
    "promise.8.audience": lambda policy: policy.auto_reply.audience,
    "promise.8.free-text": lambda policy: policy.auto_reply.free_text,
    "promise.8.refused-words": lambda policy: _some(judged_kinds(policy, "refuse")),
    "promise.8.reviewed-words": lambda policy: _some(judged_kinds(policy, "review")),
    "promise.8.warned-words": lambda policy: _some(judged_kinds(policy, "warn")),
    "promise.9.consent": lambda policy: policy.forward.consent,
    "promise.9.to-requester": lambda policy: policy.forward.to_requester,
    "promise.12.forward": lambda policy: _some(policy.confidential.never),
    "duty.14.incident": lambda policy: _some(policy.notify.incident),
    "promise.15.witness": lambda policy: policy.auto_reply.witness,
    "promise.15.forward-witness": lambda policy: policy.forward.witness,
    "promise.16.refusals": lambda policy: "yes" if policy.auto_reply.record_refusals else "no",
    "promise.16.forward-refusals": lambda policy: "yes" if policy.forward.record_refusals else "no",
    "promise.6.search-unanswered": lambda policy: policy.search.ask.if_unanswered,
    "promise.10.words-in": lambda policy: policy.search.words_in,
    "promise.10.agreement": lambda policy: policy.search.agreement,
    "promise.10.present": lambda policy: policy.search.present,
    "promise.15.search-witness": lambda policy: policy.search.witness,
    "promise.16.search-refusals": lambda policy: "yes" if policy.search.record_refusals else "no",
    "duty.16.when": lambda policy: policy.account.when,
    "promise.17.forward": lambda policy: policy.departure.forward,
    "duty.18.to": lambda policy: _some(policy.figures.to),
    "promise.19.gaps": lambda policy: _some(policy.beforehand.gaps_visible_to),
    "duty.2.ground": lambda policy: policy.regulation.ground,
    "duty.3.council": lambda policy: "no-council" if policy.regulation.works_council == "none" else "consent",
    "duty.19.private-use": lambda policy: policy.regulation.private_use or "private-use-open",
}
SIBLINGS = frozenset({"duty.2.ground", "duty.3.council", "duty.19.private-use"})
"""Their variants stand beside them, not below."""
