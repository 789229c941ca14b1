"""Questions to a made-up mailbox: as somebody asks who looks for one agreement, and as somebody asks who is after something else."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from officemail.making import Office, Written


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question: at least two of sender, words and window. `wanted` is the id of the message it is about, `aims` whether that is one
    that no search may find.
    """

    senders: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    since: datetime | None = None
    before: datetime | None = None
    wanted: str
    aims: bool


def asked(mailbox: Office, many: int, seed: int) -> list[Asked]:
    """So many questions, two of three about business."""
    rng = random.Random(seed)
    business = [one for one in mailbox.messages if not one.left_out]
    never = [one for one in mailbox.messages if one.left_out]
    return [_about(rng, rng.choice(never if rng.random() < 1 / 3 else business)) for _ in range(many)]


def _about(rng: random.Random, message: Written) -> Asked:
    parts = rng.choice((("sender", "words"), ("words", "window"), ("sender", "window"), ("sender", "words", "window")))
    window = timedelta(days=rng.choice((1, 7, 30)))
    address = message.from_
    words = (message.about,) if rng.random() < 0.6 or not message.words else (message.about, rng.choice(message.words))
    return Asked(
        senders=(rng.choice((address, f"@{address.partition('@')[2]}")),) if "sender" in parts else (),
        words=words if "words" in parts else (),
        since=message.arrived - window if "window" in parts else None,
        before=message.arrived + window if "window" in parts else None,
        wanted=message.id,
        aims=bool(message.left_out),
    )


def matches(mailbox: Office, question: Asked) -> set[str]:
    """The ids of all messages that answer and may be found, by the truth alone."""
    return {one.id for one in mailbox.messages if not one.left_out and _answers(one, question)}


def _answers(one: Written, question: Asked) -> bool:
    domain = one.from_.partition("@")[2]
    if question.senders and not any(s in (one.from_, f"@{domain}") for s in question.senders):
        return False
    if question.since is not None and not question.since <= one.arrived:
        return False
    if question.before is not None and not one.arrived < question.before:
        return False
    return all(word.lower() in one.text.lower() for word in question.words)
