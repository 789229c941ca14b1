"""One letter to several addresses: each copy is recorded before it leaves and after, and tried until it has left or was refused.

What the letter says, who gets it and what follows is the caller's. What has left is known from the entries alone, so that a
later try of the same job sends to nobody twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from locum.absence import Channel
from locum.desk.attempts import ADDRESS_REFUSED
from locum.desk.office import Office
from locum.entry import Json
from locum.errors import Trouble
from locum.letter import Letter
from locum.lifecycle import Case
from locum.store import Change, Taken

_LEFT, _REFUSED = "delivered-to-relay", "refused"
_TRIES = 6
_AGAIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One copy: the way and the address as they are recorded (private ones masked), and how the letter is made when it is due."""

    channel: Channel
    to: str
    make: Callable[[], Letter]


def send_copies(
    office: Office, taken: Taken, case: Case, note: str, copies: Sequence[Copy], since: int = -1
) -> Case | None:
    """Send what has not left yet; entries up to the index `since` are about another letter. Gives back the case when at least
    one copy has left and none is worth another try; None where the job was put off.
    """
    trouble = ""
    for copy in copies:
        if _became(office, case, note, copy, since) not in (_LEFT, _REFUSED):
            case, failed = _send(office, case, note, copy, taken.job.tries)
            trouble = failed or trouble
    became = [_became(office, case, note, copy, since) for copy in copies]
    if _LEFT in became and (not trouble or taken.job.tries >= _TRIES):
        return case
    again = office.clock() + _AGAIN * 2 ** min(taken.job.tries, _TRIES)
    office.store.back_off([taken], again, trouble or "letter-rejected")
    return None


def _became(office: Office, case: Case, note: str, copy: Copy, since: int) -> str:
    """What became of one copy; "refused" where trying again would not help, "" where it was not tried."""
    last = ""
    for entry in office.store.entries(case=case.id):
        body = entry.body
        if entry.index > since and (body.get("note"), body.get("channel"), body.get("to")) == (
            note,
            copy.channel,
            copy.to,
        ):
            last = _REFUSED if body.get("receipt") in ADDRESS_REFUSED else str(body.get("outcome"))
    return last


def _send(office: Office, case: Case, note: str, copy: Copy, tries: int) -> tuple[Case, str]:
    """One copy. Gives back the trouble that is worth another try."""
    case = _record(office, case, note, copy, "sending", "", tries)
    try:
        receipt = office.post.send(copy.make())
    except Trouble as failed:
        case = _record(office, case, note, copy, "failed", failed.key, tries)
        return case, "" if failed.key in ADDRESS_REFUSED else failed.key
    return _record(office, case, note, copy, _LEFT, receipt, tries), ""


def _record(office: Office, case: Case, note: str, copy: Copy, outcome: str, receipt: str, tries: int) -> Case:
    body: dict[str, Json] = {"to": copy.to, "by": "", "receipt": receipt, "note": note, "tries": tries + 1}
    entry = office.draft(case, "asked", channel=copy.channel, outcome=outcome, **body)
    return office.store.commit([Change(case=case, entries=(entry,))])[0]
