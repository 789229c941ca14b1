"""The steps that an administrator takes by hand, and what comes back from them. Pure.

In Exchange the values stand in the steps as base64, between single quotes, which no text of anybody can end; what the cmdlet then shows
is pasted as JSON. On any other system a person says in one word what is there.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from locum.connectors import ews_texts
from locum.connectors.ews_texts import AUDIENCE, END, INSIDE, OUTSIDE, START, STATE
from locum.errors import Garbled, Invalid

Kept = Mapping[str, object]
LONGEST = 1024 * 1024
FIELDS = {"state": STATE, "audience": AUDIENCE, "internal": INSIDE, "external": OUTSIDE}
TIMES = {"start": START, "end": END}

_VALUES = "$Asked = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('{values}')) | ConvertFrom-Json"
_SET = """\
$Values = @{ Identity = $Asked.mailbox; AutoReplyState = $Asked.state; ExternalAudience = $Asked.audience
  InternalMessage = $Asked.internal.Substring(1); ExternalMessage = $Asked.external.Substring(1); Confirm = $false }
if ($Asked.start) {
  $Values.StartTime = [DateTimeOffset]::FromUnixTimeSeconds($Asked.start).LocalDateTime
  $Values.EndTime = [DateTimeOffset]::FromUnixTimeSeconds($Asked.end).LocalDateTime
}
Set-MailboxAutoReplyConfiguration @Values"""
_GET = """\
$Found = Get-MailboxAutoReplyConfiguration -Identity $Asked.mailbox
@{ mailbox = $Asked.mailbox; state = [string] $Found.AutoReplyState; audience = [string] $Found.ExternalAudience
   internal = [string] $Found.InternalMessage; external = [string] $Found.ExternalMessage
   start = ([DateTimeOffset] [DateTime] $Found.StartTime).ToUnixTimeSeconds()
   end = ([DateTimeOffset] [DateTime] $Found.EndTime).ToUnixTimeSeconds() } | ConvertTo-Json -Compress"""


def sent(kept: Kept) -> dict[str, object]:
    """As a shell takes it: instants as seconds since 1970, and a sign before each text, since PowerShell makes a date of a text that looks
    like one.
    """
    reply: dict[str, object] = {name: kept.get(key, "") for name, key in FIELDS.items()}
    reply |= {name: f"={reply[name]}" for name in ("internal", "external")}
    for name, key in TIMES.items():
        text = kept.get(key)
        reply[name] = None if text is None else int(datetime.fromisoformat(str(text)).timestamp())
    return reply


def powershell(mailbox: str, target: Kept | None) -> str:
    """What is pasted into the Exchange shell: with a `target` it is set first; what stands is shown in any case."""
    values: dict[str, object] = {"mailbox": mailbox} | ({} if target is None else sent(target))
    packed = base64.b64encode(json.dumps(values).encode()).decode()
    lines = [_VALUES.replace("{values}", packed), *([] if target is None else [_SET]), _GET]
    return "\n".join(lines)


def pasted(text: str, mailbox: str) -> Kept:
    """What was shown, as it was pasted: one JSON object, which a terminal may have broken into lines. Raises Invalid; nothing is guessed."""
    if len(text) > LONGEST:
        raise Invalid("by-hand-pasted", mailbox=mailbox, what="> 1 MiB")
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise Invalid("by-hand-pasted", mailbox=mailbox, what="{ }")
    try:
        table = json.loads("".join(text[start : end + 1].splitlines()))
    except (ValueError, RecursionError):
        raise Invalid("by-hand-pasted", mailbox=mailbox, what="JSON") from None
    return _kept(table, mailbox)


def _kept(table: object, mailbox: str) -> Kept:
    if not isinstance(table, dict) or set(table) != {"mailbox", *FIELDS, *TIMES}:
        raise Invalid(
            "by-hand-pasted", mailbox=mailbox, what="mailbox, state, audience, internal, external, start, end"
        )
    if str(table["mailbox"]).lower() != mailbox.lower():
        raise Invalid("by-hand-other-mailbox", mailbox=mailbox)
    kept: dict[str, object] = {}
    for name, key in FIELDS.items():
        kept[key] = "" if table[name] is None else table[name]
        if not isinstance(kept[key], str):
            raise Invalid("by-hand-pasted", mailbox=mailbox, what=name)
    for name, key in TIMES.items():
        seconds = table[name]
        if not isinstance(seconds, int) or isinstance(seconds, bool) or not -(10**11) < seconds < 10**11:
            raise Invalid("by-hand-pasted", mailbox=mailbox, what=name)
        kept[key] = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat() + "Z"
    try:
        ews_texts.normal(kept)
    except Garbled:
        raise Invalid("by-hand-pasted", mailbox=mailbox, what="state, audience") from None
    return kept
