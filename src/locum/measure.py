"""The measures, what a mail system can say of them, and what is set on a mailbox now. Frozen values only.

AutoReply's fields follow JMAP's VacationResponse (RFC 8621 section 8) and add the second text, the audience
and the exceptions. Forward is a copy of new mail for a colleague. Search sets nothing: it is one message to be found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

from locum.query import Query, WordsIn


class Audience(StrEnum):
    """Who may get a reply, judged by the envelope sender, since that is where the reply goes."""

    INTERNAL = "internal"
    KNOWN = "known"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoReply:
    """An out-of-office with a start and an end.

    `handle` is stable per case: a mended word does not answer everybody again. `from_date` is the first
    instant at which it answers, `to_date` the first at which it no longer does (aware UTC, whole seconds).
    `text_body` goes to senders in `internal_domains`, `external_text` to all others that `audience` names;
    the two never mix. `exceptions` are addresses or domains that get no reply. `addresses` are hers, aliases included.
    """

    handle: str
    from_date: datetime
    to_date: datetime
    subject: str
    text_body: str
    html_body: str | None = None
    external_text: str | None = None
    external_html: str | None = None
    audience: Audience = Audience.INTERNAL
    exceptions: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    internal_domains: tuple[str, ...] = ()


class Senders(StrEnum):
    """Whose mail is forwarded, judged by the envelope sender."""

    INTERNAL = "internal"
    EXTERNAL = "external"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """New mail copied to `to`, always keeping it in hers, from `from_date` until right before `to_date` (aware UTC, whole seconds).

    `to` is a canonical address inside the organisation. `senders` says whose mail, by `internal_domains`. `addresses` are
    hers, aliases included. `never` are addresses and domains whose mail, and mail to whom, is not forwarded (confidential
    correspondents, Locum itself; clauses 12 and 20); `private_marks` are what a subject begins with where she or the
    sender marked it as private (clause 11). Bounces, lists, spam and `Sensitivity` are left out by every connector.
    """

    handle: str
    from_date: datetime
    to_date: datetime
    to: str
    senders: Senders = Senders.EVERYONE
    addresses: tuple[str, ...] = ()
    internal_domains: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    private_marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One business message to be found and handed to `deliver_to` (a canonical address inside the organisation).

    The mailbox may be looked into from `from_date` until right before `to_date` (aware UTC, whole seconds), step by step.
    `query` is what is looked for; `alternatives` are what was tried before, each with its day (clause 5).
    """

    handle: str
    from_date: datetime
    to_date: datetime
    query: Query
    deliver_to: str
    alternatives: tuple[tuple[str, date], ...] = ()


Measure = AutoReply | Forward | Search


def instant(value: datetime) -> str:
    """Write an aware instant as ISO 8601 in UTC with whole seconds: 2026-12-25T00:00:00Z."""
    return f"{value.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()}Z"


def parse_instant(text: str) -> datetime:
    """Read what `instant` writes. Raises ValueError on anything else."""
    if len(text) != _INSTANT or text[-1] != "Z" or text[10] != "T" or not text.isascii():
        raise ValueError("not an instant")
    value = datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)  # strptime asks for the locale each time
    if instant(value) != text:
        raise ValueError("not an instant")
    return value


_INSTANT = len("2026-12-25T00:00:00Z")


def to_json(reply: AutoReply) -> dict[str, object]:
    """The reply as JSON values, complete: `from_json(to_json(x)) == x`."""
    return {
        "measure": "auto-reply",
        "handle": reply.handle,
        "from_date": instant(reply.from_date),
        "to_date": instant(reply.to_date),
        "subject": reply.subject,
        "text_body": reply.text_body,
        "html_body": reply.html_body,
        "external_text": reply.external_text,
        "external_html": reply.external_html,
        "audience": str(reply.audience),
        "exceptions": list(reply.exceptions),
        "addresses": list(reply.addresses),
        "internal_domains": list(reply.internal_domains),
    }


def from_json(value: Mapping[str, object]) -> AutoReply:
    """Read what `to_json` writes. Raises ValueError, KeyError or TypeError on anything else."""
    if value["measure"] != "auto-reply":
        raise ValueError("not an auto-reply")
    return AutoReply(
        handle=_text(value["handle"]),
        from_date=parse_instant(_text(value["from_date"])),
        to_date=parse_instant(_text(value["to_date"])),
        subject=_text(value["subject"]),
        text_body=_text(value["text_body"]),
        html_body=_text_or_none(value["html_body"]),
        external_text=_text_or_none(value["external_text"]),
        external_html=_text_or_none(value["external_html"]),
        audience=Audience(_text(value["audience"])),
        exceptions=_texts(value["exceptions"]),
        addresses=_texts(value["addresses"]),
        internal_domains=_texts(value["internal_domains"]),
    )


def forward_to_json(forward: Forward) -> dict[str, object]:
    """The forward as JSON values, complete: `measure_from_json(forward_to_json(x)) == x`."""
    return {
        "measure": "forward",
        "handle": forward.handle,
        "from_date": instant(forward.from_date),
        "to_date": instant(forward.to_date),
        "to": forward.to,
        "senders": str(forward.senders),
        "addresses": list(forward.addresses),
        "internal_domains": list(forward.internal_domains),
        "never": list(forward.never),
        "private_marks": list(forward.private_marks),
    }


def query_to_json(query: Query) -> dict[str, object]:
    """The question as JSON values, complete: `query_from_json(query_to_json(x)) == x`. A date that is not asked is ""."""
    return {
        "senders": list(query.senders),
        "words": list(query.words),
        "words_in": str(query.words_in),
        "since": "" if query.since is None else instant(query.since),
        "before": "" if query.before is None else instant(query.before),
    }


def query_from_json(value: object) -> Query:
    """Read what `query_to_json` writes. Raises ValueError, KeyError or TypeError on anything else."""
    if not isinstance(value, Mapping) or set(value) != _QUERY:
        raise TypeError("question expected")
    since, before = _text(value["since"]), _text(value["before"])
    return Query(
        senders=_texts(value["senders"]),
        words=_texts(value["words"]),
        words_in=WordsIn(_text(value["words_in"])),
        since=parse_instant(since) if since else None,
        before=parse_instant(before) if before else None,
    )


_QUERY = frozenset({"senders", "words", "words_in", "since", "before"})


def search_to_json(search: Search) -> dict[str, object]:
    """The search as JSON values, complete: `measure_from_json(search_to_json(x)) == x`."""
    return {
        "measure": "search",
        "handle": search.handle,
        "from_date": instant(search.from_date),
        "to_date": instant(search.to_date),
        "query": query_to_json(search.query),
        "deliver_to": search.deliver_to,
        "alternatives": [{"what": what, "on": on.isoformat()} for what, on in search.alternatives],
    }


def measure_to_json(measure: Measure) -> dict[str, object]:
    """Any measure as JSON values; the key `measure` names its kind."""
    match measure:
        case AutoReply():
            return to_json(measure)
        case Forward():
            return forward_to_json(measure)
    return search_to_json(measure)


def measure_from_json(value: Mapping[str, object]) -> Measure:
    """Read what `measure_to_json` writes. Raises ValueError, KeyError or TypeError on anything else."""
    match value["measure"]:
        case "forward":
            return _forward(value)
        case "search":
            return _search(value)
    return from_json(value)


def measure_name(measure: Measure) -> str:
    """The name of its kind, as in the policy and in JSON."""
    match measure:
        case AutoReply():
            return "auto-reply"
        case Forward():
            return "forward"
    return "search"


def _search(value: Mapping[str, object]) -> Search:
    return Search(
        handle=_text(value["handle"]),
        from_date=parse_instant(_text(value["from_date"])),
        to_date=parse_instant(_text(value["to_date"])),
        query=query_from_json(value["query"]),
        deliver_to=_text(value["deliver_to"]),
        alternatives=_alternatives(value["alternatives"]),
    )


def _alternatives(value: object) -> tuple[tuple[str, date], ...]:
    if not isinstance(value, list) or not all(isinstance(one, Mapping) and set(one) == {"what", "on"} for one in value):
        raise TypeError("alternatives expected")
    return tuple((_text(one["what"]), date.fromisoformat(_text(one["on"]))) for one in value)


def _forward(value: Mapping[str, object]) -> Forward:
    return Forward(
        handle=_text(value["handle"]),
        from_date=parse_instant(_text(value["from_date"])),
        to_date=parse_instant(_text(value["to_date"])),
        to=_text(value["to"]),
        senders=Senders(_text(value["senders"])),
        addresses=_texts(value["addresses"]),
        internal_domains=_texts(value["internal_domains"]),
        never=_texts(value["never"]),
        private_marks=_texts(value["private_marks"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("list expected")
    return tuple(_text(item) for item in value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Can:
    """What a mail system can say accurately. What it cannot is refused before anything happens.

    `reads_mail` and `redirects_mail`: what the credential could do besides (SECURITY.md, promise 2). `owner_reaches`: she
    herself can change or take away what we set. `at_once`: how many mailboxes are read, and then written, together.
    `forwards`: new mail can be copied to a colleague here (a connector says besides, right before, whether it may: seam.Forwards).
    `one_reply`: a mailbox has one place for a reply (seam.OneReply). `subject`: the reply bears ours, otherwise one of the system's own.
    """

    audiences: frozenset[Audience] = frozenset({Audience.INTERNAL, Audience.EVERYONE})
    two_texts: bool = True
    html: bool = True
    exceptions: bool = True
    aliases: bool = True
    window: bool = True
    max_text_bytes: int = 65536
    max_subject_chars: int = 900
    sees_own: bool = True
    reads_mail: bool = False
    redirects_mail: bool = False
    owner_reaches: bool = True
    at_once: int = 200
    forwards: bool = False
    one_reply: bool = False
    subject: bool = True


def unsayable(can: Can, measure: Measure) -> tuple[str, ...]:
    """Everything about a measure that a system with `can` cannot say: keys under `unsupported.` in errors.toml."""
    match measure:
        case Forward():
            return () if can.forwards else ("forward",)
        case Search():
            return ()  # nothing is set; whether one can look there is the matter of its Searcher (seam.py)
    return _unsayable_reply(can, measure)


def _unsayable_reply(can: Can, reply: AutoReply) -> tuple[str, ...]:
    texts = [t for t in (reply.text_body, reply.html_body, reply.external_text, reply.external_html) if t is not None]
    html = reply.html_body is not None or reply.external_html is not None
    checks = {
        f"audience-{reply.audience}": reply.audience in can.audiences,
        "two-texts": can.two_texts or reply.external_text in (None, reply.text_body),
        "html": can.html or not html,
        "exceptions": can.exceptions or not reply.exceptions,
        "aliases": can.aliases or len(reply.addresses) < 2,
        "window": can.window,
        "text-too-long": all(len(text.encode()) <= can.max_text_bytes for text in texts),
        "subject-too-long": len(reply.subject) <= can.max_subject_chars,
    }
    return tuple(key for key, holds in checks.items() if not holds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is set on a mailbox now.

    `replies` and `forwards` are Locum's, read back from the mail system and ordered by handle. `own_reply`: has she a live reply
    (or a reject) of her own, None where it cannot be seen. `active`: would the mail system run ours at the next delivery.
    `revision` is what compare-and-swap compares, opaque. `found` is what is not ours and has to be put back exactly,
    opaque to all but the connector. `remarks` are message keys under `remark.` that a reader should know. `own_forwards` are
    the addresses to which her own rules forward, empty where there are none, None where that cannot be seen.
    """

    replies: tuple[AutoReply, ...] = ()
    forwards: tuple[Forward, ...] = ()
    own_forwards: tuple[str, ...] | None = None
    own_reply: bool | None = None
    active: bool = True
    revision: str = ""
    found: bytes = field(default=b"", repr=False)
    remarks: tuple[str, ...] = ()

    @property
    def measures(self) -> "tuple[Measure, ...]":
        """All of ours that stands."""
        return (*self.replies, *self.forwards)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What should stand on a mailbox: these replies and forwards and no other of ours. With neither, `restore` is put back,
    the `found` of the first Standing that was read before ours was set. `warrant` is what allows the forwards, for the
    publisher that checks it before it writes one (canonical JSON; desk/warrant.py makes it): opaque to a connector.
    """

    replies: tuple[AutoReply, ...] = ()
    forwards: tuple[Forward, ...] = ()
    warrant: bytes = field(default=b"", repr=False)
    restore: bytes = field(default=b"", repr=False)

    @property
    def measures(self) -> "tuple[Measure, ...]":
        """All that should stand."""
        return (*self.replies, *self.forwards)
