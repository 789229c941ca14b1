"""The shapes of --json and of the API: a case, an entry, a gap, the policy, an error. Stable; scripts rely on them. Pure."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from locum.entry import Entry
from locum.errors import LocumError
from locum.lifecycle import Case
from locum.measure import AutoReply, Measure, instant, measure_to_json
from locum.messages import as_far_as_known, say, says
from locum.phrases import dates_in_words, one_line, text_name
from locum.seam import Finding

if TYPE_CHECKING:
    from locum.desk import Gap
    from locum.desk.in_force import InForce
    from locum.jobs import Job
    from locum.policy import Policy
    from locum.wording import Remark


def case_shape(case: Case, *, trial: bool | None = None) -> dict[str, object]:
    """A case, complete; it always has `case`, `state`, `mailbox` and `measures`. `trial`: are reviews recorded and not signed."""
    forward: dict[str, object] = {} if case.forward is None or trial is None else {"trial": trial}
    return {
        "case": case.id,
        "state": str(case.state),
        "mailbox": case.mailbox,
        "measures": [measure_shape(case, one) for one in case.measures],
        "person": case.person,
        "requester": case.requester,
        "reason": case.reason,
        "because": case.because,
        "filed_at": instant(case.filed_at),
        "deadline_at": _instant(case.ask_deadline_at),
        "not_after": instant(case.not_after),
        "connector": case.connector,
        "batch": case.batch,
        "answer": case.answer,
        "answered_at": _instant(case.answered_at),
        "contacts": [
            {
                "channel": c.channel,
                "at": instant(c.at),
                "outcome": c.outcome,
                "by": c.by,
                "note": c.note,
                "tries": c.tries,
            }
            for c in case.contacts
        ],
        "reviews": [{"person": person, "decision": decision} for person, decision, _ in case.reviews],
        "consents": [
            {"to": to, "answer": answer, "counts": request == case.request} for to, answer, request in case.consents
        ],
        "objected_before": case.objected_before,
        "contact_person": case.contact_person,
        "closes_on": None if case.closes_on is None else case.closes_on.isoformat(),
        "outcome": case.outcome,
        "clause": case.clause,
        "trouble": case.trouble,
        "applied_at": _instant(case.applied_at),
        "ended_at": _instant(case.ended_at),
        "accounted_at": _instant(case.accounted_at),
        "request": case.request,
        "joins": case.joins,
        "policy": case.policy,
        **forward,
    }


def measure_shape(case: Case, measure: Measure) -> dict[str, object]:
    """One measure of a case: what the mail systems call it, and its window as the command line does."""
    value = measure_to_json(measure)
    template = {"template": case.template} if isinstance(measure, AutoReply) else {}
    return {"measure": value["measure"], "from": value["from_date"], "until": value["to_date"], **template, **value}


def _instant(value: datetime | None) -> str | None:
    return None if value is None else instant(value)


def job_shape(job: "Job", language: str) -> dict[str, object]:
    """A step that is still to be done; `sentence` is its trouble said in a language, empty where there is none."""
    sentence = said_trouble(job.trouble, language) if job.trouble else ""
    shape = {"step": job.kind, "due_at": instant(job.due_at), "tries": job.tries, "trouble": job.trouble}
    return {**shape, "sentence": sentence}


def entry_shape(entry: Entry) -> dict[str, object]:
    """An entry of the record."""
    return {
        "index": entry.index,
        "stream": entry.stream,
        "seq": entry.seq,
        "type": entry.type,
        "time": instant(entry.time),
        "case": entry.about,
        "body": dict(entry.body),
    }


def gap_shape(gap: "Gap") -> dict[str, object]:
    """Who is away without a reply, or still has one on."""
    mailbox = gap.person.mailbox.address if gap.person.mailbox else None
    return {
        "person": gap.person.id,
        "name": gap.person.name,
        "mailbox": mailbox,
        "gap": gap.kind,
        "from": instant(gap.from_at),
        "until": instant(gap.until_at),
        "reminded": gap.reminded,
    }


def remark_shape(field: str, remark: "Remark", language: str) -> dict[str, str]:
    """A remark of the linter, in words: what it objects to, and a wording to use instead."""
    named = text_name(field, language)
    sentence = say(language, f"errors.wording-{remark.kind}.sentence", field=named, word=remark.word)
    if remark.severity == "review":
        sentence = f"{sentence} {say(language, 'wording.review')}"
    return {
        "field": field,
        "kind": str(remark.kind),
        "word": remark.word,
        "does": str(remark.severity),
        "sentence": sentence,
        "advice": say(language, "wording.advice", instead=remark.instead),
    }


def policy_shape(policy: "Policy", then: "InForce | None", after: "InForce | None") -> dict[str, object]:
    """A policy, the time from which it was in force, and until when where another came after it."""
    from locum.policy import values  # noqa: PLC0415  pydantic is slow to import

    tables = values(policy)
    return {
        "policy": policy.hash,
        "since": then and instant(then.since),
        "until": after and instant(after.since),
        "previous": then and then.previous,
        "seen_by": then and then.seen_by,
        "preset": policy.preset,
        "text": policy.text,
        "auto-reply": policy.auto_reply.model_dump(mode="json", by_alias=True),
        "regulation": policy.regulation.model_dump(mode="json", by_alias=True),
        "values": {path: str(value) if path.endswith("_on") else value for path, value in tables.items()},
    }


def error_shape(error: LocumError, language: str) -> dict[str, object]:
    """An error, said in a language: {code, key, clause, sentence, left_as, advice}."""
    told = explained(error, language)
    return {"code": error.code, "key": error.key, "clause": error.clause, **told}


def explained(error: LocumError, language: str) -> dict[str, str]:
    """The three sentences of an error: what happened, what was left as it was, what to do (empty where there is nothing)."""
    values = {name: one_line(value, 300) for name, value in dates_in_words(error.values, language).items()}
    others = [f"{told['sentence']} {told['advice']}" for told in (explained(one, language) for one in error.others)]
    left_as = f"errors.{error.key}.left_as"
    return {
        "sentence": _said(language, f"errors.{error.key}.sentence", values) or error.key,
        "left_as": _said(language, left_as if says(language, left_as) else "errors.default-left-as", values),
        "advice": "\n".join(one for one in (_said(language, f"errors.{error.key}.advice", values), *others) if one),
    }


def said_finding(finding: Finding, language: str) -> str:
    """The sentence of a finding; its key and values where there is none."""
    values = {name: one_line(value, 300) for name, value in finding.values}
    if "error" in values:
        values["error"] = said_trouble(values["error"], language, values).rstrip(".")
    if said := as_far_as_known(language, f"check.{finding.key}", values):
        return said
    return " ".join([finding.key, *(f"{name}={value}" for name, value in values.items())])


def said_trouble(key: str, language: str, values: Mapping[str, str] = MappingProxyType({})) -> str:
    """A trouble that is known by its message key, as a sentence; with an ellipsis for each value that is not known any more. A
    finding that does not hold is such a key too: `check.<finding>`.
    """
    if key.startswith("check."):
        return as_far_as_known(language, key, values) or key
    return as_far_as_known(language, f"errors.{key}.sentence", values) or key


def _said(language: str, key: str, values: Mapping[str, str]) -> str:
    if not says(language, key):
        return ""
    try:
        return say(language, key, **values)
    except (KeyError, IndexError):
        return ""


def with_error(case: Case | None, error: LocumError, language: str) -> dict[str, object]:
    """{error, case?}: an error, with all of the case it is about where there is one."""
    known: dict[str, object] = {} if case is None else case_shape(case)
    if "case" in error.values:
        known.setdefault("case", error.values["case"])
    return {"error": error_shape(error, language), **known}
