"""Searching over IMAP: the one message is found, listed and handed over with a grant that lives as long as the look (imap_grants.py).

It holds no credential. What a look is, is in imap_looking.py; that nothing is changed by it, is a matter of what imap_wire.py cannot say.
"""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from locum.absence import Mailbox
from locum.connectors.imap_check import report
from locum.connectors.imap_cyrus import CyrusGrants
from locum.connectors.imap_grants import Grant, Grants
from locum.connectors.imap_looking import Candidate, Looking
from locum.connectors.imap_wire import BadCharset, Wire
from locum.errors import Invalid, Rejected
from locum.narrowing import excluded_within, is_doubtful
from locum.query import Look
from locum.seam import Counted, Fetched, Fruitless, Hit, Listed, Report

_SHOWN = 300


class ImapSearcher:
    """See seam.Searcher. `user` says how the server names a mailbox; `tls` is starttls, implicit or none (on this machine only)."""

    def __init__(
        self,
        *,
        name: str,
        host: str,
        port: int,
        grants: Grants | CyrusGrants,
        tls: str = "starttls",
        ca_file: Path | None = None,
        user: str = "{address}",
    ) -> None:
        self.name, self.host, self.port, self.grants = name, host, port, grants
        self._tls, self._ca_file, self._user = tls, ca_file, user

    def user(self, mailbox: Mailbox) -> str:
        """How the mail system names this mailbox. Raises Invalid for a name that could reach another place."""
        known = {"{address}": mailbox.address, "{local}": mailbox.local}
        named = known.get(self._user) or mailbox.columns.get(self._user, "")
        if not named:
            raise Invalid("managesieve-user", mailbox=mailbox.address.replace("\0", "?"))
        return named

    def count(self, mailbox: Mailbox, look: Look) -> Counted:
        """How many answer. Raises Fruitless `too-broad`, Trouble."""
        with self._looking(mailbox, look) as looking:
            found = looking.candidates()
        return Counted(number=len(found), looked=looking.looked)

    def list(self, mailbox: Mailbox, look: Look) -> Listed:
        """From, date and subject. Raises Fruitless `too-broad`, Trouble."""
        with self._looking(mailbox, look) as looking:
            found = looking.candidates()
        if len(found) > look.most:
            raise Fruitless("too-broad", looking.looked)
        return Listed(hits=tuple(map(_hit, found)), looked=looking.looked)

    def fetch(self, mailbox: Mailbox, look: Look, place: str) -> Fetched:
        """The one message. Raises Fruitless `no-longer-there`, Invalid `search-place`, Trouble."""
        with self._looking(mailbox, look) as looking:
            found = looking.candidates(_read_place(place))
            content = looking.message(found[0]) if len(found) == 1 else None
        if content is None or excluded_within(content, look.exclusions) is not None:
            raise Fruitless("no-longer-there", looking.looked)
        return Fetched(content=content, looked=looking.looked)

    def close(self, mailbox: Mailbox) -> None:
        """Take away whatever grant there is."""
        self.grants.withdraw(self.user(mailbox))

    def check(self, sample: Mailbox | None = None) -> Report:
        """See seam.Searcher."""
        return report(self, sample)

    @contextmanager
    def _looking(self, mailbox: Mailbox, look: Look) -> Iterator[Looking]:
        remarks: list[str] = []
        with self.grants.grant(self.user(mailbox), remarks.append) as grant, self.wire() as wire:
            enter(wire, grant)
            looking = Looking(wire, look, grant)
            try:
                yield looking
            except BadCharset:  # what is left out cannot be asked about there, so nothing is told
                raise Rejected("imap-search-refused", host=self.host) from None
        for one in remarks:
            looking.remark(one)

    def wire(self) -> Wire:
        """A connection on which nobody is logged in. Raises Trouble."""
        context = None if self._tls == "none" else self._context()
        return Wire(self.host, self.port, context, at_once=self._tls == "implicit")

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._ca_file)
        except (OSError, ssl.SSLError) as error:
            raise Rejected("imap-certificate", host=self.host, why=str(error)[:200]) from error


def enter(wire: Wire, grant: Grant) -> None:
    """Log in to the mailbox of a grant. Raises Rejected."""
    wire.authenticate(grant.name, grant.secret, grant.authorize)


def _hit(one: Candidate) -> Hit:
    headers = one.headers
    shown = f"{headers.name} <{headers.from_[0]}>" if headers.name else headers.from_[0]
    received = one.row.received or headers.at
    return Hit(
        place=json.dumps([one.folder.path, one.validity, one.row.uid]),
        message_id=headers.message_id,
        from_=shown[:_SHOWN],
        at=received,
        subject=headers.subject[:_SHOWN],
        masked=is_doubtful(headers),
        size=one.row.size,
    )


def _read_place(place: str) -> tuple[str, int, int]:
    try:
        match json.loads(place):
            case [str(path), int(validity), int(uid)]:
                return path, validity, uid
    except ValueError:
        pass
    raise Invalid("search-place")
