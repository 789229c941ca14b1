"""Our replies and forwards as one Sieve script, and back. The writer decides all of it, so reading is writing again and
comparing.

A script opens with two comments, the second of which holds them as data: `# locum:1 <base64 of JSON>`, and `# locum:2`
where there are forwards (forwarding.py). Texts go in as quoted-printable or base64 (content.py), names and addresses
through one strict syntax (locum.addresses). Why each test is there: docs/connectors.md.
"""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from locum.addresses import domain, exception
from locum.errors import Garbled, LocumError, Unsupported
from locum.measure import Audience, AutoReply, Can, Forward, measure_from_json, measure_to_json, unsayable
from locum.sieve import forwarding
from locum.sieve.content import MAX_SUBJECT, entity, subject
from locum.sieve.quoting import LISTS, SPAM, all_of, fits, spellings, string, strings, window

CAN = Can(max_subject_chars=MAX_SUBJECT)
"""What a script of ours can say; a connector adds what it sees and what its credential could do besides."""

_MAX_BYTES = 1_000_000  # Pigeonhole ends at 1 MiB (sieve_max_script_size)
_OPENING = (
    "# Written by Locum: the automatic replies that were asked for on behalf of this mailbox. Not to be edited.\r\n"
)
_OPENING_2 = (
    "# Written by Locum: what was asked for on behalf of this mailbox, forwards included. Not to be edited.\r\n"
)
_MARKS = ((_OPENING, "# locum:1 "), (_OPENING_2, "# locum:2 "))
_EXTENSIONS = ("vacation", "envelope", "date", "relational", "body")
_HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")

# Who and what is never answered. Some of these the mail system knows by itself (RFC 5230 4.6); repeating them costs nothing.
_ROBOTS = (
    *("noreply*", "no-reply*", "no_reply*", "no.reply*", "*-noreply", "*-no-reply", "*_noreply", "*.noreply"),
    *(
        "donotreply*",
        "do-not-reply*",
        "do_not_reply*",
        "do.not.reply*",
        "dontreply*",
        "mailer-daemon*",
        "mailerdaemon*",
    ),
    *("bounce", "bounces", "bounce-*", "bounces-*", "bounce+*", "bounces+*", "*-bounce", "*-bounces", "*-bounces-*"),
    *("owner-*", "*-owner", "*-request", "listserv*", "majordomo*", "*-return-*", "*+*=*"),  # VERP: list+anna=corp.test
)

_SILENT = ",\r\n    ".join(
    (
        'envelope :is "from" ""',
        f'envelope :localpart :matches "from" {strings(_ROBOTS)}',
        'allof(exists "Auto-Submitted", not header :matches "Auto-Submitted" ["no", "no *", "no;*"])',
        f'header :matches {strings(LISTS)} "*"',
        'header :is "Precedence" ["bulk", "list", "junk"]',
        'header :contains "X-Auto-Response-Suppress" ["All", "OOF", "AutoReply"]',
        f'header :matches {strings(SPAM)} ["yes", "yes,*", "yes *", "true*", "spam*"]',
        'header :matches "Content-Type" ["multipart/report*", "text/calendar*"]',
        'header :contains "Content-Class" "calendarmessage"',
        'body :content "text/calendar" :contains ""',  # an invitation is a part of multipart/alternative
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What a script of ours says, each ordered by handle. `include` is the name of her script that it runs."""

    replies: tuple[AutoReply, ...] = ()
    forwards: tuple[Forward, ...] = ()
    include: str | None = None


def script(replies: Sequence[AutoReply], include: str | None = None, forwards: Sequence[Forward] = ()) -> bytes:
    """One script that says all `replies` and `forwards`, and after them runs her script `include` (RFC 6609), if named.

    Ours come first: hers may `stop`. Two replies are never executed in one run, that would be an error and nobody
    would be answered. Raises Unsupported where something cannot be said accurately; the keys are `cannot-*` and `sieve-*`.
    """
    ordered = sorted(replies, key=lambda reply: reply.handle)
    copied = sorted(forwards, key=lambda forward: forward.handle)
    if not ordered and not copied:
        raise Unsupported("sieve-nothing")
    _check(ordered)
    forwarding.check(copied)
    opening, mark = _MARKS[bool(copied)]
    text = (
        f"{opening}{mark}{_metadata(ordered, copied, include)}\r\n{_require(ordered, copied, include)}"
        f"{_answers(ordered)}{forwarding.block(copied)}{'' if include is None else _include(include)}"
    )
    if len(text) > _MAX_BYTES:
        raise Unsupported("sieve-too-long")
    return text.encode()


def parse(text: bytes) -> Ours:
    """What a script that `script` wrote says. Raises Garbled `sieve-not-ours` for anything that it would not write again
    byte for byte.
    """
    try:
        ours = _read(text)
        again = script(ours.replies, ours.include, ours.forwards)
    except (LocumError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Garbled("sieve-not-ours") from error
    if again != text:
        raise Garbled("sieve-not-ours")
    return ours


def _read(text: bytes) -> Ours:
    start = next((len(opening + mark) for opening, mark in _MARKS if text.startswith((opening + mark).encode())), 0)
    if len(text) > _MAX_BYTES or not start:
        raise ValueError("no mark of ours")
    data = json.loads(base64.b64decode(text[start:].split(b"\r\n", 1)[0], validate=True))
    include = data["include"]
    if include is not None and not isinstance(include, str):
        raise TypeError("a name expected")
    measures = [measure_from_json(item) for item in (*data["replies"], *data.get("forwards", ()))]
    replies = tuple(one for one in measures if isinstance(one, AutoReply))
    forwards = tuple(one for one in measures if isinstance(one, Forward))
    return Ours(replies=replies, forwards=forwards, include=include)


def _metadata(replies: Sequence[AutoReply], forwards: Sequence[Forward], include: str | None) -> str:
    data: dict[str, object] = {"include": include, "replies": [measure_to_json(reply) for reply in replies]}
    if forwards:
        data["forwards"] = [measure_to_json(forward) for forward in forwards]
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return base64.b64encode(text.encode()).decode()


def _require(replies: Sequence[AutoReply], forwards: Sequence[Forward], include: str | None) -> str:
    needed = (
        *(_EXTENSIONS if replies else ()),
        *(forwarding.EXTENSIONS if forwards else ()),
        *(() if include is None else ("include",)),
    )
    return f"require {strings(dict.fromkeys(needed))};\r\n\r\n"


def _answers(replies: Sequence[AutoReply]) -> str:
    if not replies:
        return ""
    rules = "\r\n  els".join(_rule(reply) for reply in sorted(replies, key=lambda reply: reply.from_date))
    return f"if not anyof(\r\n    {_SILENT})\r\n{{\r\n  {rules}\r\n}}\r\n"


def _check(replies: Sequence[AutoReply]) -> None:
    for reply in replies:
        _check_one(reply)
    handles = [reply.handle.lower() for reply in replies]
    by_time = sorted(replies, key=lambda reply: reply.from_date)
    overlap = any(later.from_date < earlier.to_date for earlier, later in pairwise(by_time))
    if overlap or len(set(handles)) < len(handles):
        raise Unsupported("sieve-overlap")


def _check_one(reply: AutoReply) -> None:
    try:
        missing = unsayable(CAN, reply)
    except UnicodeEncodeError as error:
        raise Unsupported("sieve-character", character="U+D800") from error
    if missing:
        raise Unsupported(f"cannot-{missing[0]}", mailbox=(reply.addresses or ("",))[0], connector="Sieve")
    if not _HANDLE.fullmatch(reply.handle):
        raise Unsupported("sieve-handle")
    if not fits(reply.from_date, reply.to_date):
        raise Unsupported("sieve-window")
    _check_audience(reply)


def _check_audience(reply: AutoReply) -> None:
    # The inside text is never for outsiders: without a second one there is nothing to tell them.
    if reply.audience is Audience.EVERYONE and reply.external_text is None:
        raise Unsupported("sieve-no-external-text")
    if reply.audience is Audience.INTERNAL and not reply.internal_domains:
        raise Unsupported("sieve-no-domains")


def _rule(reply: AutoReply) -> str:
    """`if` for one reply: its window, its exceptions, and one of its texts."""
    at_the_time = ", ".join(window(reply.from_date, reply.to_date))
    tests = (at_the_time, *(f"not {test}" for test in _exceptions(reply)))
    return f"if {all_of(tests)}\r\n  {{\r\n{_texts(reply)}  }}"


def _exceptions(reply: AutoReply) -> list[str]:
    if any("*" in text for text in reply.exceptions):
        raise Unsupported("sieve-exception")  # legal in an address, but whoever writes it means more than one
    named = [exception(text) for text in reply.exceptions]
    addresses = [spelling for name in named if "@" in name for spelling in spellings(name)]
    domains = [spelling for name in named if "@" not in name for spelling in spellings(name)]
    both = (("all", addresses), ("domain", domains))
    return [
        f'{test} :{part} :is "from" {strings(values)}'
        for part, values in both
        if values
        for test in ("envelope", "address")
    ]


def _texts(reply: AutoReply) -> str:
    """The inside text for senders of our domains, by the envelope, where the reply goes; else the outside text."""
    domains = [spelling for name in reply.internal_domains for spelling in spellings(domain(name))]
    inside = _vacation(reply, "internal", reply.text_body, reply.html_body)
    rule = f'    if envelope :domain :is "from" {strings(domains)}\r\n    {{\r\n{inside}    }}\r\n' if domains else ""
    if reply.audience is not Audience.EVERYONE or reply.external_text is None:
        return rule
    outside = _vacation(reply, "external", reply.external_text, reply.external_html)
    return f"{rule}    else\r\n    {{\r\n{outside}    }}\r\n" if rule else outside


def _vacation(reply: AutoReply, side: str, text: str, html: str | None) -> str:
    addresses = [spelling for address in reply.addresses for spelling in spellings(_address(address))]
    lines = (
        f'vacation :days 7 :handle "{reply.handle}-{side}" :subject {string(subject(reply.subject))}',
        *((f":addresses {strings(addresses)}",) if addresses else ()),
        f":mime {string(entity(text, html))};\r\n",
    )
    return "      " + "\r\n        ".join(lines)


def _address(text: str) -> str:
    named = exception(text)
    if "@" not in named:
        raise Unsupported("sieve-address")
    return named


def _include(name: str) -> str:
    # :optional (RFC 6609 3.2): if she deletes hers meanwhile, ours still runs.
    # RFC 5804 1.6: what a script's name may not hold.
    odd = any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or char in "\u2028\u2029" for char in name)
    if not name or odd or any(0xD800 <= ord(char) < 0xE000 for char in name):
        raise Unsupported("sieve-include")
    return f"\r\ninclude :personal :optional {string(name)};\r\n"
