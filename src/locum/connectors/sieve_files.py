"""Auto-replies for Dovecot by published scripts: files that Dovecot reads at each delivery. No login exists at all.

What lives here: where a mailbox's script lies, reading what is published, compare and swap, many at once. What must
not: writing a file (locum.mailhost), what a script says (locum.sieve), `check` (sieve_files_proof.py).

Place: `after` her own script, where her vacation and reject win, unless she is known to have neither; then `before`,
where also mail that her rules file away is answered. With ours in `before` a reject of hers would lose the message.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Protocol, TypeAlias

from locum import mailhost, sieve
from locum.absence import Mailbox
from locum.connectors import sieve_files_proof
from locum.connectors.dovecot_log import DovecotLog
from locum.errors import Conflict, Garbled, Invalid, LocumError, Trouble, Unsupported
from locum.mailhost import Item, Published
from locum.measure import AutoReply, Can, Standing, Wanted, unsayable
from locum.seam import ManyAtOnce, Report
from locum.sieve import Hers

ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
Replies: TypeAlias = tuple[AutoReply, ...]
_SEEN = {None: "?", True: "y", False: "n"}


class OwnerReader(Protocol):
    """What can see her own setting: a managesieve connector, for instance."""

    def read(self, mailbox: Mailbox) -> Standing: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """Has she a vacation or a reject of her own? None where it could not be seen; `error` says why."""

    own: bool | None = None
    error: LocumError | None = None


@dataclass(frozen=True, slots=True)
class _Work:
    """One mailbox of a write: its place among the items, what to publish, and what was seen of hers."""

    number: int
    mailbox: Mailbox
    item: Item


class SieveFiles:
    """A Dovecot that reads published scripts. Settings, all by keyword:

    `directory` holds before/ and after/. `user`: how Dovecot names a mailbox: "{address}", "{local}" (both in lower case,
    as Dovecot has them unless told otherwise), or a column of people.csv. Of her own script something is known only with
    one of: `helper`, the command of a locum-mailhost that may read it; `script`, where it lies, for this process to
    read ("{home}/.dovecot.sieve"); `owner_reader`. `publisher`: the command of a locum-mailhost that publishes, where this
    process may not. `dovecot_config` lets sievec judge by it and `check` look into it; `log` is read to count replies,
    with times in `log_zone` (this machine's if None).
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
    ) -> None:
        self.name, self.directory, self.user_template = name, Path(directory), user
        self.helper, self.script, self.owner_reader = tuple(helper or ()), script or "", owner_reader
        self.publisher = tuple(publisher or ())
        self.dovecot_config = None if dovecot_config is None else Path(dovecot_config)
        self.log = None if log is None else DovecotLog(Path(log), log_zone)
        self.can: Can = replace(
            sieve.CAN, sees_own=bool(self.helper or self.script or owner_reader is not None), owner_reaches=False
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
        seen = self._seen(mailboxes)
        try:
            with mailhost.Places(self.directory) as places:
                return [self._read(places, known, *one) for one in zip(mailboxes, seen, strict=True)]
        except Trouble as error:
            return [error for _ in mailboxes]

    def _read(
        self, places: mailhost.Places, known: Mapping[str, Replies], mailbox: Mailbox, seen: Seen
    ) -> Standing | LocumError:
        try:
            user = self.user(mailbox)
            return _standing(places.read(user), seen, user, known)
        except LocumError as error:
            return error

    def _seen(self, mailboxes: Sequence[Mailbox]) -> list[Seen]:
        """Whether each has her own. What cannot be seen is unknown, never a reason to stop: ours must be able to end."""
        if self.owner_reader is not None and not (self.helper or self.script):
            return _seen_by(self.owner_reader, mailboxes)
        if not (self.helper or self.script):
            return [Seen() for _ in mailboxes]
        users = {number: user for number, mailbox in enumerate(mailboxes) if (user := self._safe_user(mailbox))}
        try:
            answers = dict(zip(users, self._look(list(users.values())), strict=True))
        except LocumError as error:
            return [Seen(error=error) for _ in mailboxes]
        except ValueError:
            return [Seen(error=Garbled("mailhost-garbled")) for _ in mailboxes]
        return [_seen(answers.get(number)) for number in range(len(mailboxes))]

    def _look(self, users: Sequence[str]) -> Sequence[object]:
        if not users:
            return []
        if self.helper:
            return mailhost.ask(self.helper, {"do": "look", "users": list(users)})
        return mailhost.look(users, self.script, doveadm=self.program("doveadm"))

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
        for number, (item, seen) in enumerate(zip(items, self._seen([item[0] for item in items]), strict=True)):
            try:
                work.append(_Work(number, item[0], self._item(*item, seen)))
            except LocumError as error:
                results[number] = error
        results |= self._publish(work)
        return [results[number] for number in range(len(items))]

    def _item(self, mailbox: Mailbox, wanted: Wanted, expect: Standing, seen: Seen) -> Item:
        user = self.user(mailbox)
        for measure in (*wanted.replies, *wanted.forwards):
            for key in unsayable(self.can, measure):
                raise Unsupported(f"cannot-{key}", mailbox=mailbox.address, connector=self.name)
        digest, _, own = expect.revision.rpartition("/")
        if wanted.replies:
            if seen.error is not None and seen.error.key == "looking-unknown":
                raise seen.error
            if own in ("y", "n") and seen.own is not None and own != _SEEN[seen.own]:
                raise Conflict("own-changed", mailbox=mailbox.address)
        return Item(user=user, place=self._place(seen), replies=wanted.replies, expect=digest)

    def _place(self, seen: Seen) -> str:
        """Before hers only while a program follows what she changes (locum-mailhost --follow): with ours before it, a
        reject that she adds would lose the mail it rejects.
        """
        return "before" if seen.own is False and mailhost.is_followed(self.directory) else "after"

    def _publish(self, work: Sequence[_Work]) -> dict[int, Standing | LocumError]:
        """Publish and read back. Where she set her own meanwhile, ours is moved behind hers at once."""
        results: dict[int, Standing | LocumError] = {}
        while work:
            published = self._put([one.item for one in work])
            known: dict[str, Replies] = {}
            good: list[_Work] = []
            for one, result in zip(work, published, strict=True):
                if isinstance(result, LocumError):
                    results[one.number] = result
                else:
                    good.append(one)
                    known[result] = tuple(sorted(one.item.replies, key=lambda reply: reply.handle))
            read = self._read_all([one.mailbox for one in good], known)
            results |= dict(zip((one.number for one in good), read, strict=True))
            work = list(_misplaced(good, results))
        return results

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

    def check(self, sample: Mailbox | None = None) -> Report:
        """Whether publishing works here, by trying, and what Dovecot's configuration says of it. Never raises Trouble."""
        return sieve_files_proof.report(self, None if sample is None else self.user(sample))

    def replies_sent(self, mailbox: Mailbox, since: datetime, until: datetime) -> int | None:
        """How many replies the log shows in [since, until), ours and hers; None without a log that can be read."""
        return None if self.log is None else self.log.replies_sent(self.user(mailbox), since, until)


def _standing(published: Published, seen: Seen, user: str, known: Mapping[str, Replies]) -> Standing:
    scripts = [script for script in (published.before, published.after) if script is not None]
    replies = known.get(published.digest)
    if replies is None:
        try:
            replies = sieve.parse(scripts[0]).replies if scripts else ()
        except Garbled as error:
            raise Garbled("published-not-ours", file=f"{user}.sieve") from error
    remarks = {
        "her-own-not-seen": seen.own is None,
        "behind-her-rules": published.after is not None and published.before is None,
        "before-her-own": published.before is not None and seen.own is True,
        "in-both-places": len(scripts) == len(mailhost.PLACES),
    }
    return Standing(
        replies=replies,
        own_reply=seen.own,
        revision=f"{published.digest}/{_SEEN[seen.own]}",
        remarks=tuple(key for key, holds in remarks.items() if holds),
    )


def _misplaced(work: Sequence[_Work], results: dict[int, Standing | LocumError]) -> Iterator[_Work]:
    for one in work:
        result = results[one.number]
        if isinstance(result, Standing) and "before-her-own" in result.remarks and one.item.place == "before":
            digest = result.revision.rpartition("/")[0]
            item = Item(user=one.item.user, place="after", replies=one.item.replies, expect=digest)
            yield _Work(one.number, one.mailbox, item)


def _seen(answer: object) -> Seen:
    if isinstance(answer, Hers):
        return Seen(own=answer.vacation or answer.reject)
    return Seen(error=answer if isinstance(answer, LocumError) else None)


def _seen_by(reader: OwnerReader, mailboxes: Sequence[Mailbox]) -> list[Seen]:
    if isinstance(reader, ManyAtOnce):
        found = reader.read_many(mailboxes)
    else:
        found = [_caught(reader, mailbox) for mailbox in mailboxes]
    return [Seen(error=one) if isinstance(one, LocumError) else Seen(own=one.own_reply) for one in found]


def _caught(reader: OwnerReader, mailbox: Mailbox) -> Standing | LocumError:
    try:
        return reader.read(mailbox)
    except LocumError as error:
        return error


def _or_raise(result: Standing | LocumError) -> Standing:
    if isinstance(result, LocumError):
        raise result
    return result
