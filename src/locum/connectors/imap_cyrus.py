"""The grants of a search on Cyrus: given and taken away by the small program on the mail host (mailhost/cyrus.py), which is the only one
that may. The secret is made for one look, goes to that program over its standard input, and is forgotten. Not a connector: imap.py is.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from locum.connectors.imap_grants import Grant
from locum.errors import Garbled, LocumError, Trouble
from locum.mailhost import ask

OTHERS = "Other Users/"
"""Where Cyrus shows the folders of others (RFC 2342), with `altnamespace: yes` and `userprefix` as they are by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CyrusGrants:
    """`command` runs locum-mailhost on the mail host, with --cyrus-admin and what goes with it."""

    command: Sequence[str]
    kick: Sequence[str] = ()

    @contextmanager
    def grant(self, user: str, unkicked: Callable[[str], object] = str) -> Iterator[Grant]:
        """A grant for this mailbox, for the length of the block. `unkicked` is told a remark where it could not be taken away: the next
        look does that, or `withdraw`. Raises Trouble, Invalid; then there is none.
        """
        name, secret = f"locum-{secrets.token_hex(6)}", secrets.token_hex(30)
        login = self._said({"do": "grant", "name": name, "user": user, "secret": secret})
        try:
            yield Grant(login, user, secret.encode(), authorize="", under=OTHERS + user.partition("@")[0])
        finally:
            try:
                self.withdraw(user)
            except Trouble:
                unkicked("grant-left")

    def withdraw(self, user: str) -> None:
        """Take away whatever grant there is for this mailbox, and end the sessions that one opened. Raises Trouble."""
        self._said({"do": "withdraw", "user": user})

    def _said(self, request: dict[str, object]) -> str:
        match ask(self.command, request):
            case [str(told)]:
                return told
            case [LocumError() as error]:
                raise error
        raise Garbled("mailhost-garbled")
