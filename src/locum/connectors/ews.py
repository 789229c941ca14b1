"""Automatic replies on an Exchange Server of one's own, over Exchange Web Services, by an account that may act for mailboxes.

Such an account can read everything in them: the connector is made only where the settings say so, with the reason, and the policy
has to allow it by name (Can.reads_mail). What lives here: what is repeated, and the administrator's ceiling. What must not: SOAP
(ews_wire.py), what a reply looks like there (ews_texts.py), `check` (ews_proof.py).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from locum.absence import Mailbox
from locum.connectors import ews_proof, ews_texts
from locum.connectors.ews_wire import Answer, EwsWire
from locum.connectors.graph_texts import check_characters
from locum.connectors.https_wire import Https, safe_address
from locum.connectors.one_place import Kept, OnePlace, revision
from locum.errors import Conflict, Invalid, LocumError, Unreachable, Unsupported
from locum.measure import Audience, AutoReply, Can, Standing, Wanted
from locum.seam import Report

PATIENCE = 120.0
"""So many seconds are waited in one call, all in all, where Exchange asks to; after that the worker comes back later."""
TRIES = 3
"""So often a setting is put at most, where Exchange says yes and what was there stays."""
_WITHOUT_ADVICE = 2.0
_ONLINE = ("office365.com", "outlook.com", "office365.us", "office.com", "partner.outlook.cn", "outlook.de")
_CAN = Can(
    audiences=frozenset(Audience),
    html=False,  # Exchange makes the plain text of a reply itself; a second one cannot be given
    exceptions=False,
    reads_mail=True,  # impersonation is the right to all there is
    redirects_mail=True,
    one_reply=True,
    subject=False,
)


class Ews(OnePlace):
    """An Exchange Server. Settings, all by keyword:

    `url`: its EWS address; `user` and `secret`: the account that may impersonate, by Basic over TLS; `can_read_mail`: why this account
    is used, although it could read mail; `ca_file`: an authority of one's own; `user_template`: the primary address of a mailbox
    ("{address}" or a column of people.csv); `outside`: a mailbox outside the scope, which `check` wants to see refused; `pause` waits.
    Raises Invalid where the reason is not said, the address is Exchange Online's, or it could be read on the way.
    """

    kind = "ews"

    def __init__(
        self,
        *,
        name: str,
        url: str,
        user: str,
        secret: Callable[[], str],
        can_read_mail: str,
        ca_file: Path | None = None,
        user_template: str = "{address}",
        outside: str = "",
        answer_seconds: float = 30.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        if not can_read_mail.strip():
            raise Invalid("ews-unstated", connector=name)
        if not user or ":" in user or not user.isprintable():
            raise Invalid("ews-account", connector=name)
        self.name, self.url, self.reason, self.outside, self.can = (
            name,
            safe_address(name, url),
            can_read_mail.strip(),
            outside,
            _CAN,
        )
        host = (urlsplit(url).hostname or "").rstrip(".")
        if any(host == one or host.endswith(f".{one}") for one in _ONLINE):
            raise Invalid("ews-online", connector=name, host=host)
        self.account, self._user_template, self._pause = user, user_template, pause
        https = Https(connector=name, ca_file=ca_file, seconds=answer_seconds)
        self.wire = EwsWire(connector=name, url=self.url, https=https, user=user, secret=secret)

    def __repr__(self) -> str:
        return f"Ews({self.name!r}, {self.url!r})"

    def user(self, mailbox: Mailbox) -> str:
        """The primary address of this mailbox. Raises Invalid for what is none."""
        known = mailbox.address if self._user_template == "{address}" else mailbox.columns.get(self._user_template, "")
        odd = any(not 0x20 < ord(sign) < 0x7F for sign in known)
        if odd or not 3 <= len(known) <= 320 or not 0 < known.find("@") < len(known) - 1:
            raise Invalid("ews-user", mailbox=mailbox.address.replace("\0", "?"))
        return known

    def check(self, sample: Mailbox | None = None) -> Report:
        """Reach, the account's rights and their scope, and what may go out at most. See seam.Connector."""
        return ews_proof.report(self, "" if sample is None else self.user(sample))

    # one place for a reply

    def made(self, reply: AutoReply) -> Kept:
        """See OnePlace."""
        return ews_texts.setting(reply)

    def off(self) -> Kept:
        """See OnePlace."""
        return ews_texts.nothing()

    def normal(self, kept: Kept) -> Kept:
        """See OnePlace."""
        return ews_texts.normal(kept)

    def answers(self, kept: Kept, now: datetime) -> bool:
        """See OnePlace."""
        return ews_texts.answers(kept, now)

    def revised(self, kept: Kept) -> str:
        """See OnePlace. Exchange has no ETag for it, and fills in the window of what is not scheduled with today."""
        return revision(self.normal(kept))

    def refuse(self, mailbox: Mailbox, wanted: Wanted) -> None:
        """See OnePlace."""
        self.user(mailbox)
        for reply in wanted.replies[:1]:
            check_characters(reply)
        super().refuse(mailbox, wanted)
        for reply in wanted.replies:
            self.made(reply)

    def decided(self, mailbox: Mailbox, wanted: Wanted, expect: Standing, before: Kept) -> Kept | None:
        """See OnePlace. What the administrator lets out is the ceiling: more is refused, and what was hers is put back under it. Where
        putting back stopped half way (`_put_texts`), it goes on, whatever it is taken for.
        """
        if wanted.restore and not wanted.replies and self._is_half_put_back(before, self._restored(wanted.restore)):
            return self._restored(wanted.restore)
        target, most = super().decided(mailbox, wanted, expect, before), ews_texts.ceiling(before)
        if target is None or not ews_texts.is_wider(target.get(ews_texts.AUDIENCE), most):
            return target
        if wanted.replies:
            raise Unsupported("ews-ceiling", mailbox=mailbox.address, connector=self.name, allowed=most)
        return {**target, ews_texts.AUDIENCE: most}

    def _is_half_put_back(self, kept: Kept, target: Kept) -> bool:
        """Whether her texts lie there as a reply of ours that is years away."""
        return (
            ews_texts.is_off(target)
            and ews_texts.is_far(kept, datetime.now(UTC))
            and self.same({**kept, ews_texts.STATE: target[ews_texts.STATE]}, target)
        )

    def get(self, mailbox: Mailbox) -> Kept:
        """See OnePlace. A busy server is asked again, as long as patience lasts: reading changes nothing."""
        return self._got(mailbox, Patience(self._pause))

    def put(self, mailbox: Mailbox, kept: Kept, before: Kept) -> None:
        """See OnePlace. Exchange may say yes and keep what was there: it is read back, and put again while nothing else stands there."""
        sent, patience = ews_texts.sendable(kept, datetime.now(UTC)), Patience(self._pause)
        for last in (False,) * (TRIES - 1) + (True,):
            answer = self.wire.set(self.user(mailbox), sent)
            while answer.busy and patience.lasts(answer):
                if self._became(mailbox, sent, before, patience):
                    return
                answer = self.wire.set(self.user(mailbox), sent)
            self._raise(answer, mailbox)
            found = self._got(mailbox, patience)
            if ews_texts.is_off(found) and ews_texts.is_off(sent) and not self.same(found, sent):
                self._put_texts(mailbox, sent, patience)
                return
            if self.same(found, sent) or not self.same(found, before):
                return  # the read-back tells what it made of it
            if last or not patience.lasts(answer):
                break
            if self._became(mailbox, sent, before, patience):
                return
        raise Unreachable("ews-not-kept", connector=self.name, mailbox=mailbox.address)

    def _put_texts(self, mailbox: Mailbox, sent: Kept, patience: "Patience") -> None:
        """Exchange may ignore the texts of what is off: they go there as one that is far away, and that is switched off."""
        user = self.user(mailbox)
        if self.wire.set(user, ews_texts.far(sent, datetime.now(UTC))).code:
            return  # it is off, and the read-back tells what it has
        answer = self.wire.set(user, sent)
        while answer.busy and patience.lasts(answer):
            answer = self.wire.set(user, sent)
        self._raise(answer, mailbox)

    def _became(self, mailbox: Mailbox, sent: Kept, before: Kept, patience: "Patience") -> bool:
        """After a wait: whether it is done meanwhile. Raises Conflict where somebody changed it."""
        found = self._got(mailbox, patience)
        if self.same(found, sent):
            return True
        if not self.same(found, before):
            raise Conflict("one-place-changed", mailbox=mailbox.address, connector=self.name)
        return False

    def _got(self, mailbox: Mailbox, patience: "Patience") -> Kept:
        answer = self.wire.get(self.user(mailbox))
        while answer.busy and patience.lasts(answer):
            answer = self.wire.get(self.user(mailbox))
        self._raise(answer, mailbox)
        return self.wire.kept(answer)

    def _raise(self, answer: Answer, mailbox: Mailbox) -> None:
        error: LocumError | None = self.wire.error(answer, mailbox.address)
        if error is not None:
            raise error


@dataclass(slots=True)
class Patience:
    """How long one call goes on waiting."""

    pause: Callable[[float], None]
    left: float = PATIENCE

    def lasts(self, answer: Answer) -> bool:
        """Wait as long as this answer asks to; False, without waiting, where that is longer than is left."""
        seconds = _WITHOUT_ADVICE if answer.wait is None else answer.wait
        self.left -= max(seconds, 1.0)
        if self.left < 0:
            return False
        self.pause(seconds)
        return True
