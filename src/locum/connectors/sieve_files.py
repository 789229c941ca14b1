"""Dovecot by published scripts: files that Dovecot reads at each delivery. No login exists at all.

What lives here: where a mailbox's script lies, reading what is published, compare and swap, many at once. What must
not: writing a file (locum.mailhost), what a script says (locum.sieve), `check` (sieve_files_proof.py), where forwards lie
(sieve_files_forwards.py).

Place of a reply: `after` her own script, where her vacation and reject win, unless she is known to have neither; then
`before`, where also mail that her rules file away is answered. With ours in `before` a reject of hers would lose the message.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TypeAlias

from locum import mailhost, sieve
from locum.absence import Mailbox
from locum.connectors import sieve_files_forwards, sieve_files_proof, sieve_files_queue
from locum.connectors.access_log import AccessLog
from locum.connectors.dovecot_log import DovecotLog
from locum.connectors.postfix_log import PostfixLog
from locum.connectors.sieve_files_forwards import ForwardPlace, forwards_of
from locum.connectors.sieve_files_hers import OwnerReader, Seen, seen, seen_by
from locum.errors import Conflict, Garbled, Invalid, LocumError, Trouble, Unsupported
from locum.mailhost import ASCII_LOWER, Item, Places, Published
from locum.measure import AutoReply, Can, Standing, Wanted, unsayable
from locum.seam import Accesses, Report
from locum.sieve import Hers

Replies: TypeAlias = tuple[AutoReply, ...]
_SEEN = {None: "?", True: "y", False: "n"}


@dataclass(frozen=True, slots=True)
class _Work:
    """One mailbox of a write: its place among the items, what to publish, and what stood. `adds`: a forward is new."""

    number: int
    mailbox: Mailbox
    item: Item
    stood: Standing
    forwards: Item | None = None
    adds: bool = False


class SieveFiles:
    """A Dovecot that reads published scripts. Settings, all by keyword:

    `directory` holds before/ and after/. `user`: how Dovecot names a mailbox: "{address}", "{local}" (both in lower case,
    as Dovecot has them unless told otherwise), or a column of people.csv. Of her own script something is known only with
    one of: `helper`, the command of a locum-mailhost that may read it; `script`, where it lies, for this process to
    read ("{home}/.dovecot.sieve"); `owner_reader`. `publisher`: the command of a locum-mailhost that publishes, where this
    process may not. `dovecot_config` lets sievec judge by it and `check` look into it; `log` is read to count replies,
    with times in `log_zone` (this machine's if None).

    Forwards lie in `forward_directory`, where `forward_publisher`, the command of a locum-mailhost with --forwards, writes
    them; without both there are none. `mail_log` is Postfix's log, read to see forwards that fail. `identities` are names that
    log in for others (a reader's, for instance): `log` is read for what they did.
    """

    kind = "sieve_files"

    def __init__(
        self,
        *,
        name: str,
        directory: str | Path,
        user: str = "{address}",
        helper: Sequence[str] | None = None,
        script: str | None = None,
        owner_reader: OwnerReader | None = None,
        publisher: Sequence[str] | None = None,
        dovecot_config: str | Path | None = None,
        log: str | Path | None = None,
        log_zone: tzinfo | None = None,
        forward_directory: str | Path | None = None,
        forward_publisher: Sequence[str] | None = None,
        mail_log: str | Path | None = None,
        identities: Sequence[str] = (),
    ) -> None:
        self.name, self.directory, self.user_template = name, Path(directory), user
        self.helper, self.script, self.owner_reader = tuple(helper or ()), script or "", owner_reader
        self.publisher = tuple(publisher or ())
        self.dovecot_config = None if dovecot_config is None else Path(dovecot_config)
        self.log = None if log is None else DovecotLog(Path(log), log_zone)
        self.access_log = None if log is None else AccessLog(Path(log), identities, log_zone)
        self.mail_log = None if mail_log is None else PostfixLog(Path(mail_log), log_zone)
        self.forwards: ForwardPlace | None = None
        if forward_directory is not None and forward_publisher:
            doveconf = tuple(self.program("doveconf"))
            self.forwards = ForwardPlace(Path(forward_directory), tuple(forward_publisher), doveconf)
        self.can: Can = replace(
            sieve.CAN,
            sees_own=bool(self.helper or self.script or owner_reader is not None),
            owner_reaches=False,
            forwards=self.forwards is not None,
        )

    def __repr__(self) -> str:
        return f"SieveFiles({self.name!r}, {str(self.directory)!r})"

    def user(self, mailbox: Mailbox) -> str:
        """How Dovecot names this mailbox. Raises Invalid for a name that could leave the directory, or none at all."""
        known = {"{address}": mailbox.address, "{local}": mailbox.local}
        if self.user_template in known:
            return mailhost.checked_user(known[self.user_template].translate(ASCII_LOWER))
        named = mailbox.columns.get(self.user_template, "")
        if not named:
            raise Invalid("publishing-column", mailbox=ascii(mailbox.address)[:80], column=self.user_template)
        return mailhost.checked_user(named)

    @property
    def has_reader(self) -> bool:
        """Whether another connector sees her own setting for us."""
        return self.owner_reader is not None

    def program(self, name: str) -> list[str]:
        """One of Dovecot's programs, with our configuration file."""
        return [name] if self.dovecot_config is None else [name, "-c", str(self.dovecot_config)]

    # reading

    def read(self, mailbox: Mailbox) -> Standing:
        """What is published for her, and whether she has her own, where that can be seen. Raises Invalid, Trouble."""
        return _or_raise(self.read_many([mailbox])[0])

    def read_many(self, mailboxes: Sequence[Mailbox]) -> list[Standing | LocumError]:
        """`read` for each."""
        return self._read_all(mailboxes, {})

    def _read_all(self, mailboxes: Sequence[Mailbox], known: Mapping[str, Replies]) -> list[Standing | LocumError]:
        """`known`: what a script of ours with this digest says, so that it need not be taken apart again."""
        all_seen = self._seen(mailboxes)
        there = nullcontext(None) if self.forwards is None else Places(self.forwards.directory)
        try:
            with Places(self.directory) as places, there as forwards:
                both = zip(mailboxes, all_seen, strict=True)
                return [self._read(places, forwards, known, *one) for one in both]
        except Trouble as error:
            return [error for _ in mailboxes]

    def _read(
        self, places: Places, forwards: Places | None, known: Mapping[str, Replies], mailbox: Mailbox, of_hers: Seen
    ) -> Standing | LocumError:
        try:
            user = self.user(mailbox)
            forwarded = Published() if forwards is None else forwards.read(user)
            return _standing(places.read(user), forwarded, of_hers, user, known)
        except LocumError as error:
            return error

    def _seen(self, mailboxes: Sequence[Mailbox]) -> list[Seen]:
        """Whether each has her own. What cannot be seen is unknown, never a reason to stop: ours must be able to end."""
        if self.owner_reader is not None and not (self.helper or self.script):
            return seen_by(self.owner_reader, mailboxes)
        if not (self.helper or self.script):
            return [Seen() for _ in mailboxes]
        users = {number: user for number, mailbox in enumerate(mailboxes) if (user := self._safe_user(mailbox))}
        try:
            domains = {address.rpartition("@")[2] for mailbox in mailboxes for address in mailbox.addresses}
            answers = dict(zip(users, self._look(list(users.values()), sorted(domains)), strict=True))
        except LocumError as error:
            return [Seen(error=error) for _ in mailboxes]
        except ValueError:
            return [Seen(error=Garbled("mailhost-garbled")) for _ in mailboxes]
        return [seen(answers.get(number)) for number in range(len(mailboxes))]

    def _look(self, users: Sequence[str], domains: Sequence[str]) -> Sequence[object]:
        if not users:
            return []
        if self.helper:
            return mailhost.ask(self.helper, {"do": "look", "users": list(users), "domains": list(domains)})
        return mailhost.look(users, self.script, doveadm=self.program("doveadm"), domains=domains)

    def _safe_user(self, mailbox: Mailbox) -> str:
        try:
            return self.user(mailbox)
        except Invalid:
            return ""

    # writing

    def write(self, mailbox: Mailbox, wanted: Wanted, expect: Standing) -> Standing:
        """Publish `wanted` if what is published, and whether she has her own, is as `expect`. Raises as the seam says."""
        return _or_raise(self.write_many([(mailbox, wanted, expect)])[0])

    def write_many(self, items: Sequence[tuple[Mailbox, Wanted, Standing]]) -> list[Standing | LocumError]:
        """`write` for each: staged, judged and made durable together."""
        results: dict[int, Standing | LocumError] = {}
        work: list[_Work] = []
        for number, (item, of_hers) in enumerate(zip(items, self._seen([item[0] for item in items]), strict=True)):
            try:
                work.append(self._work(number, *item, of_hers))
            except LocumError as error:
                results[number] = error
        results |= self._publish(work)
        return [results[number] for number in range(len(items))]

    def _work(self, number: int, mailbox: Mailbox, wanted: Wanted, expect: Standing, of_hers: Seen) -> _Work:
        user = self.user(mailbox)
        for measure in wanted.measures:
            for key in unsayable(self.can, measure):
                raise Unsupported(f"cannot-{key}", mailbox=mailbox.address, connector=self.name)
        digest, own, forwarded = expect.revision.split("/") if expect.revision.count("/") == 2 else ("-", "?", "-")
        if wanted.measures:
            if of_hers.error is not None and of_hers.error.key == "looking-unknown":
                raise of_hers.error
            if own in ("y", "n") and of_hers.own is not None and own != _SEEN[of_hers.own]:
                raise Conflict("own-changed", mailbox=mailbox.address)
        return _Work(
            number,
            mailbox,
            Item(user=user, place=self._place(of_hers), replies=wanted.replies, expect=digest),
            expect,
            self.forwards.item(user, wanted, of_hers, forwarded) if self.forwards else None,
            adds=not set(wanted.forwards) <= set(expect.forwards),
        )

    def _place(self, of_hers: Seen) -> str:
        """Before hers only while a program follows what she changes (locum-mailhost --follow): with ours before it, a
        reject that she adds would lose the mail it rejects.
        """
        return "before" if of_hers.own is False and mailhost.is_followed(self.directory) else "after"

    def _publish(self, work: Sequence[_Work]) -> dict[int, Standing | LocumError]:
        """Publish and read back. Where she set her own meanwhile, ours is moved behind hers at once."""
        results: dict[int, Standing | LocumError] = {}
        while work:
            published = self._put_all(work)
            results |= {number: result for number, result in published.items() if isinstance(result, LocumError)}
            good = [one for one in work if not isinstance(published[one.number], LocumError)]
            known = {
                str(published[one.number]): tuple(sorted(one.item.replies, key=lambda reply: reply.handle))
                for one in good
            }
            read = self._read_all([one.mailbox for one in good], known)
            results |= dict(zip((one.number for one in good), read, strict=True))
            work = list(_misplaced(good, results))
        return results

    def _put_all(self, work: Sequence[_Work]) -> dict[int, str | LocumError]:
        """Replies and forwards, all or nothing where a forward is new: it goes last, since only its warrant may refuse, and
        the replies are then put back. Where forwards are only taken away, they go first: nothing holds that up.
        """
        refused = self._put_forwards([one for one in work if not one.adds])
        left = [one for one in work if one.number not in refused]
        done = dict(zip((one.number for one in left), self._put([one.item for one in left]), strict=True))
        adding = [one for one in left if one.adds and not isinstance(done[one.number], LocumError)]
        late = self._put_forwards(adding)
        back = [_as_it_was(one, str(done[one.number])) for one in adding if one.number in late]
        if back:
            self._put(back)
        return {**done, **refused, **late}

    def _put_forwards(self, work: Sequence[_Work]) -> dict[int, LocumError]:
        """Have forwards published, and give back the errors, by number."""
        theirs = [(one.number, one.forwards) for one in work if one.forwards is not None]
        if self.forwards is None or not theirs:
            return {}
        results = zip(theirs, self.forwards.put([item for _, item in theirs]), strict=True)
        return {number: result for (number, _), result in results if isinstance(result, LocumError)}

    def _put(self, items: Sequence[Item]) -> Sequence[str | LocumError]:
        if not self.publisher:
            return mailhost.publish(self.directory, items, sievec=self.program("sievec"))
        try:
            answers = mailhost.ask(self.publisher, mailhost.publish_request(items))
        except Trouble as error:
            return [error for _ in items]
        known = [answer for answer in answers if not isinstance(answer, Hers)]
        return known if len(known) == len(items) else [Garbled("mailhost-garbled") for _ in items]

    # besides

    def may_forward(self, mailbox: Mailbox) -> Report:
        """Whether this mailbox's mail may be forwarded. Never raises Trouble."""
        return sieve_files_queue.may_forward(self, mailbox)

    def look(self, mailbox: Mailbox) -> Seen:
        """What can be seen of hers."""
        return self._seen([mailbox])[0]

    def forwards_sent(self, mailbox: Mailbox, to: str, since: datetime, until: datetime) -> int | None:
        """How many of her messages the log shows to be copied to `to` in [since, until); None without a log that tells."""
        return None if self.log is None else self.log.redirected(self.user(mailbox), to, since, until)

    def forwards_failed(self, mailbox: Mailbox, to: str, since: datetime) -> int | None:
        """How many copies for `to` neither Dovecot nor Postfix could hand on; None without a log that tells."""
        waiting = None if self.mail_log is None else self.mail_log.not_handed_on(to, since)
        refused = 0 if self.log is None else self.log.redirects_failed(self.user(mailbox), to, since)
        return (waiting or 0) + refused if refused or waiting is not None else None

    @property
    def tells_access(self) -> bool:
        """Whether the log is there to tell who logged in, and what went out."""
        return self.access_log is not None

    def accesses(self, place: bytes) -> Accesses:
        """What is new in the log. See seam.TellsAccess."""
        return Accesses(place=place) if self.access_log is None else self.access_log.accesses(place)

    def check(self, sample: Mailbox | None = None) -> Report:
        """Whether publishing works here, by trying, and what Dovecot's configuration says of it. Never raises Trouble."""
        return sieve_files_proof.report(self, None if sample is None else self.user(sample))

    def replies_sent(self, mailbox: Mailbox, since: datetime, until: datetime) -> int | None:
        """How many replies the log shows in [since, until), ours and hers; None without a log that can be read."""
        return None if self.log is None else self.log.replies_sent(self.user(mailbox), since, until)


def _standing(
    published: Published, forwarded: Published, of_hers: Seen, user: str, known: Mapping[str, Replies]
) -> Standing:
    scripts = [script for script in (published.before, published.after) if script is not None]
    replies = known.get(published.digest)
    if replies is None:
        try:
            replies = sieve.parse(scripts[0]).replies if scripts else ()
        except Garbled as error:
            raise Garbled("published-not-ours", file=f"{user}.sieve") from error
    remarks = {
        "her-own-not-seen": of_hers.own is None,
        "behind-her-rules": published.after is not None and published.before is None,
        "before-her-own": published.before is not None and of_hers.own is True,
        "in-both-places": len(scripts) == len(mailhost.PLACES),
        **sieve_files_forwards.remarks(forwarded, of_hers),
    }
    return Standing(
        replies=replies,
        forwards=forwards_of(forwarded, user),
        own_forwards=of_hers.own_forwards,
        own_reply=of_hers.own,
        revision=f"{published.digest}/{_SEEN[of_hers.own]}/{forwarded.digest}",
        remarks=tuple(key for key, holds in remarks.items() if holds),
    )


def _as_it_was(one: _Work, published: str) -> Item:
    place = "after" if "behind-her-rules" in one.stood.remarks else "before"
    return Item(user=one.item.user, place=place, replies=one.stood.replies, expect=published)


def _misplaced(work: Sequence[_Work], results: dict[int, Standing | LocumError]) -> Iterator[_Work]:
    """What lies before hers although it may not, to be moved behind it."""
    for one in work:
        stood = results[one.number]
        if not isinstance(stood, Standing):
            continue
        digest, _, forwarded = stood.revision.split("/")
        reply = "before-her-own" in stood.remarks and one.item.place == "before"
        forward = one.forwards is not None and "forward-before-her-own" in stood.remarks
        if reply or (forward and one.forwards and one.forwards.place == "before"):
            item = replace(one.item, place="after" if reply else one.item.place, expect=digest)
            behind = None if one.forwards is None else replace(one.forwards, place="after", expect=forwarded)
            yield _Work(one.number, one.mailbox, item, stood, behind)


def _or_raise(result: Standing | LocumError) -> Standing:
    if isinstance(result, LocumError):
        raise result
    return result
