"""Automatic replies on Google Workspace, over the Gmail API (settings.vacation), with a service account of the organisation.

Google cannot say for which mailboxes a service account with delegation may act, so Locum's own list does: nothing is asked of Google
for a mailbox that is not on it, no token either. What lives here: reading and writing, what is repeated, what an error means. What must
not: the token (gmail_token.py), what a reply looks like (gmail_vacation.py), `check` (gmail_proof.py), the network (https_wire.py).
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from locum.absence import Mailbox
from locum.addresses import matches
from locum.connectors import gmail_proof, gmail_vacation
from locum.connectors.gmail_token import Secret, Tokens
from locum.connectors.https_wire import Https, Reply, safe_address, waits
from locum.connectors.one_place import Kept, OnePlace, revision
from locum.errors import Garbled, Invalid, LocumError, Rejected, Unreachable
from locum.measure import Audience, AutoReply, Can, Wanted
from locum.seam import Report

PATIENCE = 60.0
"""So many seconds are waited in one call, all in all, where Google asks to; after that the worker comes back later."""
_RATE = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "backendError"})
_REASONS = {
    "insufficientPermissions": "gmail-scope",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "gmail-scope",
    "failedPrecondition": "gmail-not-enabled",
    "accessNotConfigured": "gmail-api-off",
    "SERVICE_DISABLED": "gmail-api-off",
    "domainPolicy": "gmail-domain-policy",
    "delegationDenied": "gmail-delegation",
}
_CAN = Can(
    audiences=frozenset({Audience.INTERNAL, Audience.EVERYONE}),
    two_texts=False,
    html=False,  # Gmail rewrites HTML, so what was written could not be read back
    exceptions=False,
    redirects_mail=True,  # gmail.settings.basic is the right to filters too, which forward where she has confirmed an address
    max_subject_chars=250,
    at_once=20,
    one_reply=True,
)


class Gmail(OnePlace):
    """Google Workspace. Settings, all by keyword:

    `key_file`: the service account's key, as Google hands it out, `secret` reads it; `mailboxes`: whose replies may be set ("@corp.test",
    "sales-*@corp.test" or an address), and `allow_file`: a file of addresses, one a line, of which each has to be one besides; `user_template`: how Google
    names a mailbox ("{address}" or a column of people.csv); `sample`: a mailbox that `check` tries with where it is given none; `pause` waits. Raises Invalid where an address could be read on the way.
    """

    kind = "gmail"

    def __init__(
        self,
        *,
        name: str,
        key_file: Path,
        mailboxes: Sequence[str],
        secret: Secret,
        allow_file: Path | None = None,
        token_url: str = "https://oauth2.googleapis.com/token",  # noqa: S107  an address
        api_url: str = "https://gmail.googleapis.com",
        ca_file: Path | None = None,
        user_template: str = "{address}",
        sample: str = "",
        answer_seconds: float = 30.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self.can, self.mailboxes, self.allow_file = name, _CAN, tuple(mailboxes), allow_file
        self.sample = Mailbox(address=sample) if sample else None
        self.token_url, self.url = safe_address(name, token_url), safe_address(name, api_url)
        self._user_template, self._pause = user_template, pause
        self.https = Https(connector=name, ca_file=ca_file, seconds=answer_seconds)
        self.tokens = Tokens(
            connector=name, key_file=key_file, token_url=self.token_url, https=self.https, secret=secret
        )

    def __repr__(self) -> str:
        return f"Gmail({self.name!r}, {self.url!r})"

    def user(self, mailbox: Mailbox) -> str:
        """How Google names this mailbox. Raises Invalid for a name that could reach another place, Rejected for one that is not on our
        list.
        """
        known = {"{address}": mailbox.address, "{local}": mailbox.local}
        named = known.get(self._user_template) or mailbox.columns.get(self._user_template, "")
        odd = any(ord(sign) < 0x21 or sign in "/\\?#%\x7f" or 0xD800 <= ord(sign) < 0xE000 for sign in named)
        if odd or "@" not in named or named.startswith(".") or len(named) > 254:
            raise Invalid("gmail-user", mailbox=mailbox.address.replace("\0", "?"))
        self._check_allowed(named)
        return named

    def _check_allowed(self, user: str) -> None:
        """Raises Rejected `gmail-not-allowed`, or `gmail-allow-file` where the list cannot be read: then nobody is on it."""
        at = user.lower()
        if not any(matches(one, at) for one in self.mailboxes):
            raise Rejected("gmail-not-allowed", connector=self.name, mailbox=user)
        if self.allow_file is None:
            return
        try:
            lines = self.allow_file.read_text("utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise Rejected("gmail-allow-file", connector=self.name, file=self.allow_file) from error
        if at not in {line.strip().lower() for line in lines}:
            raise Rejected("gmail-not-allowed", connector=self.name, mailbox=user)

    def check(self, sample: Mailbox | None = None) -> Report:
        """Reach, the token's scope, and whether it is refused to list mail. See seam.Connector."""
        report = gmail_proof.report(self, sample or self.sample)
        if any(finding.key in ("gmail.mail-lets-in", "gmail.delegation-reads") for finding in report):
            self.can = replace(self.can, reads_mail=True)
        return report

    # one place for a reply

    def made(self, reply: AutoReply) -> Kept:
        """See OnePlace."""
        return gmail_vacation.settings(reply)

    def off(self) -> Kept:
        """See OnePlace."""
        return gmail_vacation.nothing()

    def normal(self, kept: Kept) -> Kept:
        """See OnePlace."""
        return gmail_vacation.normal(kept)

    def answers(self, kept: Kept, now: datetime) -> bool:
        """See OnePlace."""
        return gmail_vacation.answers(kept, now)

    def revised(self, kept: Kept) -> str:
        """See OnePlace. Gmail has no ETag for it, and cleans HTML as it likes."""
        return revision(self.normal(kept))

    def refuse(self, mailbox: Mailbox, wanted: Wanted) -> None:
        """See OnePlace."""
        self.user(mailbox)
        super().refuse(mailbox, wanted)
        for reply in wanted.replies:
            self.made(reply)

    def get(self, mailbox: Mailbox) -> Kept:
        """See OnePlace."""
        return gmail_vacation.whole(self._read(self.user(mailbox), "settings/vacation"))

    def put(self, mailbox: Mailbox, kept: Kept, before: Kept) -> None:  # noqa: ARG002  there is no ETag
        """See OnePlace. The whole object: a field that is not sent is reset. What Google puts off is not sent again here, since she may
        have set something meanwhile: the worker comes back, and compares anew.
        """
        user = self.user(mailbox)
        error = self.error(self.ask(user, "PUT", "settings/vacation", gmail_vacation.whole(kept)), user)
        if error is not None:
            raise error

    # the wire

    def ask(self, user: str, method: str, what: str, body: Kept | None = None) -> Reply:
        """One request about this mailbox, whatever is answered. A token that is refused is fetched anew once. Raises Trouble."""
        url = f"{self.url}/gmail/v1/users/{quote(user, safe='@')}/{what}"
        content = None if body is None else json.dumps(body).encode()
        for _ in range(2):
            headers = {"Authorization": f"Bearer {self.tokens.get(user).value}", "Content-Type": "application/json"}
            reply = self.https.send(method, url, content, headers)
            if reply.status != 401:
                break
            self.tokens.drop(user)
        return reply

    def _read(self, user: str, what: str) -> Kept:
        """What is there, asked again as long as Google asks for patience: reading changes nothing. Raises Trouble."""
        left, seconds = PATIENCE, 1.0
        while True:
            reply = self.ask(user, "GET", what)
            error = self.error(reply, user)
            if error is None:
                return reply.table or {}
            if not _is_rate(reply):
                raise error
            wait = waits(reply.headers.get("retry-after", ""))
            seconds = wait if wait is not None else seconds * 2
            left -= max(seconds, 1.0)
            if left < 0:
                raise error
            self._pause(seconds)

    def error(self, reply: Reply, user: str) -> LocumError | None:
        """What an answer means; None where it is an object, as asked. What Google says in words plays no part."""
        values = {"connector": self.name, "mailbox": user, "status": str(reply.status)}
        if reply.status == 200 and reply.table is not None:
            return None
        if _is_rate(reply) or reply.status in (408, 429):
            return Unreachable("gmail-busy", clause=None, **values)
        if reply.status >= 500:
            return Unreachable("gmail-away", clause=None, **values)
        for reason in _reasons(reply):
            if reason in _REASONS:
                return Rejected(_REASONS[reason], code=reason, clause=None, **values)
        keys = {401: "gmail-token", 403: "gmail-forbidden", 404: "gmail-no-mailbox", 400: "gmail-refused"}
        if reply.status in keys and reply.table is not None:
            return Rejected(keys[reply.status], clause=None, **values)
        return Garbled("gmail-garbled", connector=self.name, what=f"HTTP {reply.status}")


def _is_rate(reply: Reply) -> bool:
    return reply.status == 429 or (reply.status == 403 and bool(_RATE & set(_reasons(reply))))


def _reasons(reply: Reply) -> list[str]:
    """Every reason that an error names, in either of Google's two forms."""
    error = (reply.table or {}).get("error")
    if not isinstance(error, dict):
        return []
    listed = [*_tables(error.get("errors")), *_tables(error.get("details"))]
    return [str(one["reason"]) for one in listed if "reason" in one]


def _tables(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
