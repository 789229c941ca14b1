"""Automatic replies on Exchange Online, over Microsoft Graph (mailboxSettings), with an application's certificate.

What lives here: reading and writing many mailboxes, and what is repeated. What must not: the token (graph_token.py), the wire
(graph_wire.py, https_wire.py), what a reply looks like there (graph_texts.py), `check` (graph_proof.py). Her rules and folders are
never touched: there is no code that could.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from locum.absence import Mailbox
from locum.connectors import graph_proof, graph_texts
from locum.connectors.graph_token import App, Secret, Token, Tokens
from locum.connectors.graph_wire import AT_A_TIME, Answer, Call, GraphWire
from locum.connectors.https_wire import Https, safe_address
from locum.connectors.one_place import Kept, revision
from locum.connectors.one_place_many import ManyPlaces, Put
from locum.errors import Conflict, Garbled, Invalid, LocumError
from locum.measure import Audience, AutoReply, Can, Wanted
from locum.seam import Report

PATIENCE = 120.0
"""So many seconds are waited in one call, all in all, where Graph asks to; after that the worker comes back later."""
_WITHOUT_ADVICE = 2.0
_CAN = Can(
    audiences=frozenset(Audience),
    html=False,  # Exchange makes the plain text of a reply itself; a second one cannot be given
    exceptions=False,
    redirects_mail=True,  # MailboxSettings.ReadWrite is the right to inbox rules too
    one_reply=True,
    subject=False,
)


class Graph(ManyPlaces):
    """Exchange Online. Settings, all by keyword:

    `app`: the registered application, with its certificate; `secret` reads its key's file; `login_url`, `graph_url`: of the national
    cloud; `ca_file`: an authority of one's own in between; `user_template`: how Graph names a mailbox ("{address}", "{local}" or a
    column of people.csv, such as its object id); `outside`: a mailbox outside the scope, which `check` wants to see refused;
    `at_a_time`: at most so many requests at once; `pause` waits. Raises Invalid where an address could be read on the way.
    """

    kind = "graph"

    def __init__(
        self,
        *,
        name: str,
        app: App,
        secret: Secret,
        login_url: str = "https://login.microsoftonline.com",
        graph_url: str = "https://graph.microsoft.com",
        ca_file: Path | None = None,
        user_template: str = "{address}",
        outside: str = "",
        at_a_time: int = AT_A_TIME,
        answer_seconds: float = 30.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self.app, self.outside, self.can = name, app, outside, _CAN
        login, self.url = safe_address(name, login_url), safe_address(name, graph_url)
        self._user_template, self._pause = user_template, pause
        https = Https(connector=name, ca_file=ca_file, seconds=answer_seconds)
        scope = f"{self.url}/.default"
        self.tokens = Tokens(
            connector=name, app=app, login_url=login, scope=scope, https=https, secret=secret, seen=self._judged
        )
        self.wire = GraphWire(connector=name, url=self.url, https=https, tokens=self.tokens, at_a_time=at_a_time)

    def __repr__(self) -> str:
        return f"Graph({self.name!r}, {self.url!r})"

    def user(self, mailbox: Mailbox) -> str:
        """How Graph names this mailbox. Raises Invalid for a name that could reach another place."""
        known = {"{address}": mailbox.address, "{local}": mailbox.local}
        named = known.get(self._user_template) or mailbox.columns.get(self._user_template, "")
        odd = any(ord(sign) < 0x20 or sign in "/\\?#\x7f" or 0xD800 <= ord(sign) < 0xE000 for sign in named)
        if not named or odd or named.startswith((".", "$")) or len(named) > 255:
            raise Invalid("graph-user", mailbox=mailbox.address.replace("\0", "?"))
        return named

    def check(self, sample: Mailbox | None = None) -> Report:
        """Reach, the application's rights, and whether it is refused to read mail. See seam.Connector."""
        report = graph_proof.report(self, "" if sample is None else self.user(sample), self.outside)
        if any(finding.key == "graph.mail-lets-in" for finding in report):
            self.can = replace(self.can, reads_mail=True)
        return report

    def _judged(self, token: Token) -> None:
        """A right to mail that stands in a token is seen by every process, not by `check` alone."""
        if token.mail_roles:
            self.can = replace(self.can, reads_mail=True)

    # one place for a reply

    def made(self, reply: AutoReply) -> Kept:
        """See OnePlace."""
        return graph_texts.setting(reply)

    def off(self) -> Kept:
        """See OnePlace."""
        return graph_texts.nothing()

    def normal(self, kept: Kept) -> Kept:
        """See OnePlace."""
        return graph_texts.normal(kept)

    def answers(self, kept: Kept, now: datetime) -> bool:
        """See OnePlace."""
        return graph_texts.answers(kept, now)

    def revised(self, kept: Kept) -> str:
        """See OnePlace. Graph has no ETag for it, and fills in the window of what is not scheduled as it likes."""
        return revision(self.normal(kept))

    def refuse(self, mailbox: Mailbox, wanted: Wanted) -> None:
        """See OnePlace."""
        self.user(mailbox)
        for reply in wanted.replies[:1]:
            graph_texts.check_characters(reply)
        super().refuse(mailbox, wanted)
        for reply in wanted.replies:
            self.made(reply)

    def get_each(self, mailboxes: Sequence[Mailbox]) -> list[Kept | LocumError]:
        """See ManyPlaces. What was not done is asked for again, as long as patience lasts: reading changes nothing."""
        found: list[Kept | LocumError] = [Invalid("graph-user", mailbox=box.address) for box in mailboxes]
        asked: list[int] = []
        for place, mailbox in enumerate(mailboxes):
            try:
                self.user(mailbox)
            except Invalid as error:
                found[place] = error
            else:
                asked.append(place)
        patience = Patience(self._pause)
        while asked:
            answers = self.wire.ask([self.reading(mailboxes[place]) for place in asked])
            for place, answer in zip(asked, answers, strict=True):
                found[place] = self._found(answer, mailboxes[place])
            later = [
                (p, one) for p, one in zip(asked, answers, strict=True) if isinstance(one, Answer) and _is_later(one)
            ]
            if not patience.lasts([one for _, one in later]):
                break
            asked = [place for place, _ in later]
        return found

    def reading(self, mailbox: Mailbox) -> Call:
        """The request for what is there, and nothing else of her settings."""
        return Call("GET", f"{self._path(mailbox)}/automaticRepliesSetting")

    def _path(self, mailbox: Mailbox) -> str:
        return f"/users/{quote(self.user(mailbox), safe='@')}/mailboxSettings"

    def _found(self, answer: Answer | LocumError, mailbox: Mailbox) -> Kept | LocumError:
        error = self.wire.error(answer, mailbox.address)
        if error is not None or not isinstance(answer, Answer):
            return error or Garbled("graph-garbled", connector=self.name, what="body")
        kept = graph_texts.whole(answer.body or {})
        try:
            self.normal(kept)
        except LocumError as strange:
            return strange
        return kept

    def look_again(self) -> bool:
        """See ManyPlaces. Another server of theirs may answer, that does not know it yet."""
        self._pause(_WITHOUT_ADVICE)
        return True

    def put_each(self, items: Sequence[Put]) -> list[LocumError | None]:
        """See ManyPlaces. Only what Graph says that it did not do is sent again, and only where nobody changed anything while we waited."""
        results: list[LocumError | None] = [None] * len(items)
        sent = {place: graph_texts.whole(kept) for place, (_, kept, _) in enumerate(items)}
        patience = Patience(self._pause)
        while sent:
            answers = dict(zip(sent, self.wire.ask([self._writing(items[p][0], sent[p]) for p in sent]), strict=True))
            again: dict[int, Kept] = {}
            for place, answer in answers.items():
                results[place] = self.wire.error(answer, items[place][0].address)
                if isinstance(answer, Answer) and (next_ := _once_more(answer, sent[place])) is not None:
                    again[place] = next_
            if not patience.lasts([one for one in answers.values() if isinstance(one, Answer) and one.throttled]):
                break
            sent = self._unchanged(items, again, results)
        return results

    def _writing(self, mailbox: Mailbox, kept: Kept) -> Call:
        return Call("PATCH", self._path(mailbox), {"automaticRepliesSetting": kept})

    def _unchanged(
        self, items: Sequence[Put], again: dict[int, Kept], results: list[LocumError | None]
    ) -> dict[int, Kept]:
        """Those on which it still stands as before; of the others the result."""
        going_on: dict[int, Kept] = {}
        for place, found in zip(again, self.get_each([items[place][0] for place in again]), strict=True):
            mailbox, target, before = items[place]
            if isinstance(found, LocumError):
                results[place] = found
            elif self.same(found, target):
                results[place] = None
            elif self.same(found, before):
                going_on[place] = again[place]
            else:
                results[place] = Conflict("one-place-changed", mailbox=mailbox.address, connector=self.name)
        return going_on


@dataclass(slots=True)
class Patience:
    """How long one call goes on waiting."""

    pause: Callable[[float], None]
    left: float = PATIENCE

    def lasts(self, answers: Sequence[Answer]) -> bool:
        """Wait as long as these answers ask to; False, without waiting, where that is longer than is left."""
        if not answers:
            return True
        seconds = max(_WITHOUT_ADVICE if one.wait is None else one.wait for one in answers)
        self.left -= max(seconds, 1.0)
        if self.left < 0:
            return False
        self.pause(seconds)
        return True


def _is_later(answer: Answer) -> bool:
    """Throttled, or away for a moment."""
    return answer.throttled or (answer.status in (503, 504) and answer.wait is not None)


def _once_more(answer: Answer, kept: Kept) -> Kept | None:
    """What to send again: the same where it was not done, and a window of hers that is over without its times; else None."""
    if answer.throttled:
        return kept
    timed = graph_texts.START in kept and graph_texts.is_over(kept, datetime.now(UTC))
    if answer.status == 400 and timed:
        return graph_texts.without_times(kept)
    return None
