"""What `locum check` says of an EWS connector: her automatic reply, what may go out at most, and where the account's rights end.

It is honest that this account can read mail; that is not tried, since Locum has no code for it. What was not tried is a warning,
never a success. What must not live here: changing anything.
"""

from typing import Protocol

from locum.connectors import ews_texts
from locum.connectors.ews_wire import EwsWire
from locum.errors import LocumError
from locum.seam import Finding, Report

_REFUSED = frozenset({"ews-impersonation", "ews-not-allowed"})
_NOBODY = "locum-check@nobody.invalid"
"""No mailbox: that Exchange knows none of this name, it says to whom it let in."""


class Reached(Protocol):
    """What the proof needs of the connector."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def outside(self) -> str: ...
    @property
    def wire(self) -> EwsWire: ...


def report(ews: Reached, mailbox: str) -> Report:
    """Everything, as findings; Trouble on the way is a finding too. `mailbox`: to try with, "" for none."""
    values = (("user", ews.account), ("reason", ews.reason))
    return (
        *_tried(ews, mailbox),
        *_outside(ews),
        Finding(key="ews.reads-mail", holds=None, values=values),
        Finding(key="ews.redirects", holds=None, values=values[:1]),
    )


def _tried(ews: Reached, mailbox: str) -> list[Finding]:
    if not mailbox:
        return [_reached(ews), Finding(key="ews.no-sample", holds=None)]
    values = (("mailbox", mailbox), ("user", ews.account), ("host", ews.url))
    try:
        answer = ews.wire.get(mailbox)
        if (error := ews.wire.error(answer, mailbox)) is not None:
            raise error
        most = ews_texts.ceiling(ews.wire.kept(answer))
    except LocumError as error:
        told = (*error.values.items(), *values, ("error", error.key))
        return [Finding(key="ews.settings-refused", holds=False, values=told)]
    key, holds = ("ews.all-let-out", True) if most == "All" else ("ews.ceiling", None)
    return [
        Finding(key="ews.settings", holds=True, values=values),
        Finding(key=key, holds=holds, values=(*values, ("allowed", most))),
    ]


def _reached(ews: Reached) -> Finding:
    values = (("user", ews.account), ("host", ews.url))
    try:
        error = ews.wire.error(ews.wire.get(_NOBODY), _NOBODY)
    except LocumError as trouble:
        error = trouble
    if error is None or error.key in _REFUSED | {"ews-no-mailbox"}:
        return Finding(key="ews.reaches", holds=True, values=values)
    return Finding(key="ews.does-not-reach", holds=False, values=(*error.values.items(), *values, ("error", error.key)))


def _outside(ews: Reached) -> list[Finding]:
    if not ews.outside:
        return [Finding(key="ews.no-outside", holds=None)]
    values = (("mailbox", ews.outside), ("user", ews.account))
    try:
        error = ews.wire.error(ews.wire.get(ews.outside), ews.outside)
    except LocumError as trouble:
        error = trouble
    if error is None:
        return [Finding(key="ews.outside-lets-in", holds=False, values=values)]
    if error.key in _REFUSED:
        return [Finding(key="ews.outside-refused", holds=True, values=values)]
    return [Finding(key="ews.outside-not-tried", holds=None, values=values)]
