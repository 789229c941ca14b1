"""Our replies as one Sieve script, and back. The writer decides all of it, so reading is writing again and comparing.

A script opens with two comments, the second of which holds the replies as data: `# locum:1 <base64 of JSON>`. Texts
go in as quoted-printable or base64 (content.py), names and addresses through one strict syntax (locum.addresses).
Why each test is there: docs/connectors.md.
"""

import base64
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from locum.addresses import domain, exception
from locum.errors import Garbled, LocumError, Unsupported
from locum.measure import Audience, AutoReply, Can, from_json, to_json, unsayable
from locum.sieve.content import MAX_SUBJECT, entity, subject

CAN = Can(max_subject_chars=MAX_SUBJECT)
"""What a script of ours can say; a connector adds what it sees and what its credential could do besides."""

_MAX_BYTES = 1_000_000  # Pigeonhole ends at 1 MiB (sieve_max_script_size)
_OPENING = (
    "# Written by Locum: the automatic replies that were asked for on behalf of this mailbox. Not to be edited.\r\n"
)
_MARK = "# locum:1 "
_REQUIRE = 'require ["vacation", "envelope", "date", "relational", "body"{include}];\r\n\r\n'
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
_LISTS = ("List-Id", "List-Help", "List-Subscribe", "List-Unsubscribe", "List-Post", "List-Owner", "List-Archive")
_SPAM = ("X-Spam", "X-Spam-Flag", "X-Spam-Status", "X-Bogosity", "X-DSPAM-Result", "X-Spambayes-Classification")


def _strings(values: Sequence[str]) -> str:
    return "[" + ", ".join(_string(value) for value in values) + "]"


def _string(text: str) -> str:
    """A quoted string (RFC 5228 2.4.2). What may be in it is the callers' matter; nothing can leave it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_SILENT = ",\r\n    ".join(
    (
        'envelope :is "from" ""',
        f'envelope :localpart :matches "from" {_strings(_ROBOTS)}',
        'allof(exists "Auto-Submitted", not header :matches "Auto-Submitted" ["no", "no *", "no;*"])',
        f'header :matches {_strings(_LISTS)} "*"',
        'header :is "Precedence" ["bulk", "list", "junk"]',
        'header :contains "X-Auto-Response-Suppress" ["All", "OOF", "AutoReply"]',
        f'header :matches {_strings(_SPAM)} ["yes", "yes,*", "yes *", "true*", "spam*"]',
        'header :matches "Content-Type" ["multipart/report*", "text/calendar*"]',
        'header :contains "Content-Class" "calendarmessage"',
        'body :content "text/calendar" :contains ""',  # an invitation is a part of multipart/alternative
    )
)


def script(replies: Sequence[AutoReply], include: str | None = None) -> bytes:
    """One script that says all `replies`, and after them runs her script `include` (RFC 6609), if named.

    Ours come first: hers may `stop`. Two replies are never executed in one run, that would be an error and nobody
    would be answered. Raises Unsupported where something cannot be said accurately; the keys are `cannot-*` and `sieve-*`.
    """
    ordered = sorted(replies, key=lambda reply: reply.handle)
    _check(ordered)
    rules = "\r\n  els".join(_rule(reply) for reply in sorted(ordered, key=lambda reply: reply.from_date))
    extension, tail = ("", "") if include is None else (', "include"', _include(include))
    text = (
        f"{_OPENING}{_MARK}{_metadata(ordered, include)}\r\n{_REQUIRE.format(include=extension)}"
        f"if not anyof(\r\n    {_SILENT})\r\n{{\r\n  {rules}\r\n}}\r\n{tail}"
    )
    if len(text) > _MAX_BYTES:
        raise Unsupported("sieve-too-long")
    return text.encode()


def parse(text: bytes) -> tuple[AutoReply, ...]:
    """The replies of a script that `script` wrote, ordered by handle.

    Raises Garbled `sieve-not-ours` for anything that `script` would not write again byte for byte.
    """
    return _read(text)[0]


def included(text: bytes) -> str | None:
    """The name of her script that one of ours includes, None if none. Raises Garbled as `parse` does."""
    return _read(text)[1]


def _read(text: bytes) -> tuple[tuple[AutoReply, ...], str | None]:
    try:
        replies, include = _replies(text)
        again = script(replies, include)
    except (LocumError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Garbled("sieve-not-ours") from error
    if again != text:
        raise Garbled("sieve-not-ours")
    return replies, include


def _replies(text: bytes) -> tuple[tuple[AutoReply, ...], str | None]:
    opening = f"{_OPENING}{_MARK}".encode()
    if len(text) > _MAX_BYTES or not text.startswith(opening):
        raise ValueError("no mark of ours")
    data = json.loads(base64.b64decode(text[len(opening) :].split(b"\r\n", 1)[0], validate=True))
    include = data["include"]
    if include is not None and not isinstance(include, str):
        raise TypeError("a name expected")
    return tuple(from_json(item) for item in data["replies"]), include


def _metadata(replies: Sequence[AutoReply], include: str | None) -> str:
    data = {"include": include, "replies": [to_json(reply) for reply in replies]}
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return base64.b64encode(text.encode()).decode()


def _check(replies: Sequence[AutoReply]) -> None:
    if not replies:
        raise Unsupported("sieve-nothing")
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
    instants = (reply.from_date, reply.to_date)
    if any(at.tzinfo is None or at.microsecond for at in instants) or not reply.from_date < reply.to_date:
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
    window = f"{_current('ge', reply.from_date)}, {_current('lt', reply.to_date)}"
    tests = ",\r\n      ".join((window, *(f"not {test}" for test in _exceptions(reply))))
    return f"if allof({tests})\r\n  {{\r\n{_texts(reply)}  }}"


def _current(relation: str, at: datetime) -> str:
    # Without :zone the server's own zone is used (RFC 5260 4.1). No zone in the key: servers write Z or +00:00,
    # and both are longer than the key, which makes the comparison exact to the second with either.
    key = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f'currentdate :zone "+0000" :value "{relation}" "iso8601" "{key}"'


def _exceptions(reply: AutoReply) -> list[str]:
    if any("*" in text for text in reply.exceptions):
        raise Unsupported("sieve-exception")  # legal in an address, but whoever writes it means more than one
    named = [exception(text) for text in reply.exceptions]
    addresses = [spelling for name in named if "@" in name for spelling in _spellings(name)]
    domains = [spelling for name in named if "@" not in name for spelling in _spellings(name)]
    both = (("all", addresses), ("domain", domains))
    return [
        f'{test} :{part} :is "from" {_strings(values)}'
        for part, values in both
        if values
        for test in ("envelope", "address")
    ]


def _texts(reply: AutoReply) -> str:
    """The inside text for senders of our domains, by the envelope, where the reply goes; else the outside text."""
    domains = [spelling for name in reply.internal_domains for spelling in _spellings(domain(name))]
    inside = _vacation(reply, "internal", reply.text_body, reply.html_body)
    rule = f'    if envelope :domain :is "from" {_strings(domains)}\r\n    {{\r\n{inside}    }}\r\n' if domains else ""
    if reply.audience is not Audience.EVERYONE or reply.external_text is None:
        return rule
    outside = _vacation(reply, "external", reply.external_text, reply.external_html)
    return f"{rule}    else\r\n    {{\r\n{outside}    }}\r\n" if rule else outside


def _vacation(reply: AutoReply, side: str, text: str, html: str | None) -> str:
    addresses = [spelling for address in reply.addresses for spelling in _spellings(_address(address))]
    lines = (
        f'vacation :days 7 :handle "{reply.handle}-{side}" :subject {_string(subject(reply.subject))}',
        *((f":addresses {_strings(addresses)}",) if addresses else ()),
        f":mime {_string(entity(text, html))};\r\n",
    )
    return "      " + "\r\n        ".join(lines)


def _address(text: str) -> str:
    named = exception(text)
    if "@" not in named:
        raise Unsupported("sieve-address")
    return named


def _spellings(name: str) -> tuple[str, ...]:
    """A domain, or an address, as it is and as its domain travels in mail without SMTPUTF8 (RFC 5891)."""
    local, at, host = name.rpartition("@")
    if host.isascii():
        return (name,)
    try:
        return name, f"{local}{at}{host.encode('idna').decode()}"
    except UnicodeError:
        return (name,)


def _include(name: str) -> str:
    # :optional (RFC 6609 3.2): if she deletes hers meanwhile, ours still runs.
    # RFC 5804 1.6: what a script's name may not hold.
    odd = any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or char in "\u2028\u2029" for char in name)
    if not name or odd or any(0xD800 <= ord(char) < 0xE000 for char in name):
        raise Unsupported("sieve-include")
    return f"\r\ninclude :personal :optional {_string(name)};\r\n"
