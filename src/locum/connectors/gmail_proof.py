"""What `locum check` says of a Gmail connector: the key, the token's scope, her settings, and that mail is refused.

The proof is by trying: the token that has just read the vacation settings of a mailbox is used to list one message of it, by id
alone. What could not be tried is a warning, never a success. What must not live here: changing anything.
"""

from typing import Protocol
from urllib.parse import urlencode

from locum.absence import Mailbox
from locum.connectors.gmail_token import APART_SECONDS, READING, SCOPE, SHARING, Tokens
from locum.connectors.https_wire import Https, Reply
from locum.connectors.one_place import Kept
from locum.errors import LocumError
from locum.seam import Finding, Report

Values = tuple[tuple[str, str], ...]


class Reached(Protocol):
    """What the proof needs of the connector."""

    @property
    def token_url(self) -> str: ...
    @property
    def https(self) -> Https: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def mailboxes(self) -> tuple[str, ...]: ...

    def user(self, mailbox: Mailbox) -> str: ...
    def ask(self, user: str, method: str, what: str, body: Kept | None = None) -> Reply: ...
    def error(self, reply: Reply, user: str) -> LocumError | None: ...


def report(gmail: Reached, sample: Mailbox | None) -> Report:
    """Everything, as findings; Trouble on the way is a finding too."""
    listed = Finding(key="gmail.allow-list", holds=None, values=(("mailboxes", ", ".join(gmail.mailboxes)),))
    more = (listed, Finding(key="gmail.redirects", holds=None))
    try:
        account = gmail.tokens.account()
    except LocumError as error:
        return (_trouble("gmail.no-key", error, ()), *more)
    values: Values = (("account", account.email),)
    if sample is None:
        return (Finding(key="gmail.no-sample", holds=None, values=values), *more)
    try:
        return (*_tried(gmail, gmail.user(sample), values), *more)
    except LocumError as error:
        return (_trouble("gmail.trouble", error, values), *more)


def _tried(gmail: Reached, user: str, values: Values) -> list[Finding]:
    token = gmail.tokens.get(user)
    values = (*values, ("mailbox", user))
    found = [Finding(key="gmail.token", holds=True, values=values)]
    if abs(token.apart) > APART_SECONDS:
        found.append(Finding(key="gmail.clock", holds=None, values=(("minutes", f"{token.apart / 60:+.0f}"),)))
    error = gmail.error(gmail.ask(user, "GET", "settings/vacation"), user)
    settings = Finding(key="gmail.settings", holds=True, values=values)
    found.append(settings if error is None else _trouble("gmail.settings-refused", error, values))
    mail = _mail(gmail, user, values, seen=error is None)
    return [*found, _scope(gmail, token.value), mail, *_delegation(gmail, user)]


def _delegation(gmail: Reached, user: str) -> list[Finding]:
    """A token says what was asked for, and not all that could be: so each scope that reads mail is asked for, and has to be refused."""
    said = {scope: gmail.tokens.is_delegated(user, scope) for scope in (*READING, SHARING)}
    reads = [scope for scope in READING if said[scope]]
    unknown = any(one is None for one in said.values())
    found = []
    if reads:
        found.append(Finding(key="gmail.delegation-reads", holds=False, values=(("scopes", ", ".join(reads)),)))
    elif unknown:
        found.append(Finding(key="gmail.delegation-not-tried", holds=None))
    else:
        found.append(Finding(key="gmail.delegation-narrow", holds=True))
    if said[SHARING]:
        found.append(Finding(key="gmail.delegation-forwards", holds=None, values=(("scope", SHARING),)))
    return found


def _scope(gmail: Reached, token: str) -> Finding:
    """What Google itself says that the token is good for. It goes in a body, since addresses end up in logs."""
    url = f"{gmail.token_url.removesuffix('/token')}/tokeninfo"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = gmail.https.send("POST", url, urlencode({"access_token": token}).encode(), form)
    scopes = (reply.table or {}).get("scope") if reply.status == 200 else None
    if not isinstance(scopes, str):
        return Finding(key="gmail.scope-unread", holds=None)
    more = sorted(set(scopes.split()) - {SCOPE})
    if more:
        return Finding(key="gmail.scope-more", holds=False, values=(("scopes", ", ".join(more)[:300]),))
    return Finding(key="gmail.scope", holds=True, values=(("scope", SCOPE),))


def _mail(gmail: Reached, user: str, values: Values, *, seen: bool) -> Finding:
    """Whether a message is refused: that counts only where the settings were let see."""
    reply = gmail.ask(user, "GET", "messages?maxResults=1&fields=messages/id")
    if reply.status == 200:
        return Finding(key="gmail.mail-lets-in", holds=False, values=values)
    if reply.status != 403:
        return Finding(key="gmail.mail-not-tried", holds=None, values=values)
    return Finding(
        key="gmail.mail-refused" if seen else "gmail.mail-not-proven", holds=True if seen else None, values=values
    )


def _trouble(key: str, error: LocumError, values: Values) -> Finding:
    return Finding(key=key, holds=False, values=(*error.values.items(), *values, ("error", error.key)))
