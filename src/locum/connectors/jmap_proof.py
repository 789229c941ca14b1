"""What `locum check` says of a JMAP connector: reach, TLS, vacation responses, filter scripts, and whether it reads mail.

The proof is by trying: the credential that has just been let in to a mailbox's vacation response asks for a list of its mail, none of
it (limit 0). What was not tried is a warning, never a success. What must not live here: changing anything on the mail system.
"""

from collections.abc import Callable

from locum.connectors.jmap_wire import MAIL, VACATION, Server, Session, Wire
from locum.errors import LocumError, Rejected
from locum.seam import Finding, Report

Seen = Callable[[frozenset[str]], str | None]


def report(server: Server, mailbox: str, seen: Seen) -> Report:
    """Everything, as findings; Trouble on the way is a finding too. `mailbox`: whose name to try with, "" for none."""
    values = (("host", server.host),)
    try:
        with Wire(server, mailbox, anew=True) as wire:
            found = [*_reached(server, wire.session, seen), *_acting(server, wire, mailbox)]
    except LocumError as error:
        found = [_trouble("jmap.does-not-reach", error, values)]
    return (*found, Finding(key="jmap.redirects", holds=None))


def _reached(server: Server, session: Session, seen: Seen) -> list[Finding]:
    scripts = seen(session.capabilities)
    key = {None: "jmap.scripts-unseen", "": "jmap.scripts-stated"}.get(scripts, "jmap.scripts")
    values = (("host", server.host),)
    return [
        Finding(key="jmap.reaches", holds=True, values=values),
        Finding(key="jmap.tls" if server.secure else "jmap.no-tls", holds=server.secure or None),
        Finding(key=key, holds=False if scripts is None else True if scripts else None, values=values),
    ]


def _acting(server: Server, wire: Wire, mailbox: str) -> list[Finding]:
    """Look at the vacation response of the mailbox, and then whether the same lets its mail be seen."""
    if not mailbox:
        return [Finding(key="jmap.no-sample", holds=None)]
    values = (("mailbox", mailbox), ("user", server.user or "-"), ("host", server.host))
    try:
        wire.told(wire.ask([VACATION], ("VacationResponse/get", {"ids": ["singleton"]}))[0], "VacationResponse/get")
    except LocumError as error:
        return [_trouble("jmap.login-fails", error, values)]
    reads = _reads_mail(wire)
    keys = {True: "jmap.reads-mail", False: "jmap.mail-refused", None: "jmap.mail-not-tried"}
    login = Finding(key="jmap.login", holds=True, values=values)
    return [login, Finding(key=keys[reads], holds=None if reads is None else not reads, values=values)]


def _reads_mail(wire: Wire) -> bool | None:
    """Ask for a list of the mail; None where the server does not say."""
    try:
        wire.told(wire.ask([MAIL], ("Email/query", {"limit": 0}))[0], "Email/query")
    except Rejected:
        return False
    except LocumError:
        return None
    return True


def _trouble(key: str, error: LocumError, values: tuple[tuple[str, str], ...]) -> Finding:
    return Finding(key=key, holds=False, values=(*error.values.items(), *values, ("error", error.key)))
