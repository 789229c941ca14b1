"""Which mail system serves whom: the part of `locum check` about several of them at once, as in a migration. Looks, and changes nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from locum.lifecycle import Case
from locum.seam import Finding, People, Report
from locum.settings import Settings

_NAMED: Final = 5


def check(settings: Settings, people: People, under_way: Callable[[Sequence[str]], Iterable[Case]]) -> Report:
    """For each connector how many of those on file it serves; whom none serves; and which of the cases that are `under_way` on these
    mailboxes are for one that moved.
    """
    boxes = [one.mailbox.address for one in people.everyone() if one.mailbox is not None]
    many = Counter(map(settings.route, boxes))
    nobody = [address for address in boxes if settings.route(address) is None]
    moved = [case.id for case in under_way(boxes) if settings.route(case.mailbox) not in (case.connector, None)]
    findings = [
        _served(settings, name, many[name]) for name in settings.connectors if settings.connectors[name].mailboxes
    ]
    if nobody:
        findings.append(_some("mailboxes.served-by-none", "mailboxes", nobody))
    if moved:
        findings.append(_some("mailboxes.moved", "cases", moved))
    return tuple(findings)


def check_reviews(settings: Settings) -> Report:
    """What the settings say of reviews: a trial is said so, here as everywhere."""
    trial = settings.policy.unsigned_reviews
    return (Finding(key=f"policy.{'unsigned-reviews' if trial else 'reviews-wait'}", holds=None if trial else True),)


def _served(settings: Settings, name: str, many: int) -> Finding:
    table = settings.connectors[name]
    values = (("connector", name), ("kind", table.kind), ("many", str(many)), ("patterns", ", ".join(table.mailboxes)))
    return Finding(
        key=f"mailboxes.{'served' if many else 'served-nobody'}", holds=True if many else None, values=values
    )


def _some(key: str, what: str, names: Sequence[str]) -> Finding:
    """A warning about many, with the first of them."""
    shown = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    return Finding(key=key, holds=None, values=(("many", str(len(names))), (what, shown)))
