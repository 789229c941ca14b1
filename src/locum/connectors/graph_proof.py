"""What `locum check` says of a Graph connector: the application's token and rights, her settings, and that mail is refused.

The proof is by trying: the token that has just read the settings of a mailbox is used to ask for one message of it, by id alone,
and for the settings of a mailbox outside the scope. What could not be tried is a warning, never a success. What must not live
here: changing anything.
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import quote

from cryptography import x509

from locum.connectors.graph_token import APART_SECONDS, App, Token, Tokens, told
from locum.connectors.graph_wire import Answer, Call, GraphWire
from locum.errors import LocumError
from locum.seam import Finding, Report

SOON = timedelta(days=30)
"""So long before its end a certificate is told of."""
EXPECTED = frozenset({"MailboxSettings.ReadWrite", "MailboxSettings.Read"})

Values = tuple[tuple[str, str], ...]


class Reached(Protocol):
    """What the proof needs of the connector."""

    @property
    def app(self) -> App: ...
    @property
    def url(self) -> str: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def wire(self) -> GraphWire: ...


def report(graph: Reached, mailbox: str, outside: str) -> Report:
    """Everything, as findings; Trouble on the way is a finding too. `mailbox`: as Graph names it, "" for none; `outside` likewise."""
    values = (("app", graph.app.client_id), ("host", graph.url))
    redirects = Finding(key="graph.redirects", holds=None)
    try:
        certificate = graph.tokens.certificate()
        token = graph.tokens.get()
    except LocumError as error:
        return (_trouble("graph.no-token", error, values), redirects)
    found = [Finding(key="graph.token", holds=True, values=values), *_certificate(certificate), *_clock(token)]
    return (*found, *_roles(token), *_tried(graph, mailbox), *_outside(graph, outside), redirects)


def _certificate(certificate: x509.Certificate) -> list[Finding]:
    until = certificate.not_valid_after_utc
    if until - datetime.now(UTC) > SOON:
        return []
    return [Finding(key="graph.certificate-ends", holds=None, values=(("until", until.date().isoformat()),))]


def _clock(token: Token) -> list[Finding]:
    if abs(token.apart) <= APART_SECONDS:
        return []
    return [Finding(key="graph.clock", holds=None, values=(("minutes", told(token.apart)),))]


def _roles(token: Token) -> list[Finding]:
    """What the application may everywhere. Rights by RBAC for Applications do not stand there: `_tried` is for those."""
    if token.roles is None:
        return [Finding(key="graph.roles-unread", holds=None)]
    if token.mail_roles:
        return [Finding(key="graph.roles-mail", holds=False, values=(("roles", ", ".join(token.mail_roles)),))]
    found = [Finding(key="graph.roles-without-mail", holds=True)]
    if everywhere := sorted(EXPECTED & set(token.roles)):
        found.append(Finding(key="graph.roles-everywhere", holds=None, values=(("roles", ", ".join(everywhere)),)))
    if more := sorted(set(token.roles) - EXPECTED):
        found.append(Finding(key="graph.roles-more", holds=None, values=(("roles", ", ".join(more)[:300]),)))
    return found


def _tried(graph: Reached, mailbox: str) -> list[Finding]:
    """Her settings, and whether a message is refused: that counts only where the settings were let see."""
    if not mailbox:
        return [Finding(key="graph.no-sample", holds=None)]
    values = (("mailbox", mailbox),)
    error = graph.wire.error(graph.wire.ask_one(_settings(mailbox)), mailbox)
    found = [
        Finding(key="graph.settings", holds=True, values=values)
        if error is None
        else _trouble("graph.settings-refused", error, values)
    ]
    messages = Call("GET", f"/users/{quote(mailbox, safe='@')}/messages?$top=1&$select=id")
    said = graph.wire.ask_one(messages)
    if isinstance(said, Answer) and said.status == 200:
        return [*found, Finding(key="graph.mail-lets-in", holds=False, values=values)]
    if not isinstance(said, Answer) or said.status != 403:
        return [*found, Finding(key="graph.mail-not-tried", holds=None, values=values)]
    key = "graph.mail-refused" if error is None else "graph.mail-not-proven"
    return [*found, Finding(key=key, holds=True if error is None else None, values=values)]


def _outside(graph: Reached, outside: str) -> list[Finding]:
    if not outside:
        return [Finding(key="graph.no-outside", holds=None)]
    said = graph.wire.ask_one(_settings(outside))
    values = (("mailbox", outside),)
    if isinstance(said, Answer) and said.status == 200:
        return [Finding(key="graph.outside-lets-in", holds=False, values=values)]
    if isinstance(said, Answer) and said.status == 403:
        return [Finding(key="graph.outside-refused", holds=True, values=values)]
    return [Finding(key="graph.outside-not-tried", holds=None, values=values)]


def _settings(mailbox: str) -> Call:
    return Call("GET", f"/users/{quote(mailbox, safe='@')}/mailboxSettings/automaticRepliesSetting")


def _trouble(key: str, error: LocumError, values: Values) -> Finding:
    return Finding(key=key, holds=False, values=(*error.values.items(), *values, ("error", error.key)))
