"""Where forwards are published: another directory than the replies', with another owner and a program that checks the warrant.

What lives here: what is forwarded now, and asking that program. Whether mail may be forwarded at all is in
sieve_files_queue.py. What must not live here: writing a file, judging a warrant (locum.mailhost does both).

Place: `before` her own script, so that mail she files away is copied too, only while all of hers can be seen, it neither
rejects nor discards, leaves room for our redirects, and a program follows what she changes; otherwise `after` it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from locum import mailhost, sieve
from locum.connectors.sieve_files_hers import Seen
from locum.errors import Conflict, Garbled, LocumError, Trouble
from locum.mailhost import Item, Places, Published
from locum.measure import Forward, Wanted
from locum.sieve import Hers, Ours


@dataclass(frozen=True, slots=True)
class ForwardPlace:
    """`directory` holds before/ and after/; `publisher` is the command of a locum-mailhost with --forwards."""

    directory: Path
    publisher: tuple[str, ...]
    doveconf: tuple[str, ...] = ("doveconf",)

    def item(self, user: str, wanted: Wanted, seen: Seen, expect: str) -> Item | None:
        """What is to be published for her; None where nothing is forwarded, and nothing shall be.

        Raises Conflict where another forward stands than was expected, before anything else is written.
        """
        if not wanted.forwards and not expect:
            return None
        with Places(self.directory) as places:
            now = places.read(user)
        if now.digest != expect and forwards_of(now, user) != wanted.forwards:
            raise Conflict("published-changed", user=user)
        return Item(
            user=user,
            place=self._place(seen.hers, wanted.forwards),
            forwards=wanted.forwards,
            warrant=wanted.warrant,
            expect=expect,
        )

    def put(self, items: Sequence[Item]) -> list[str | LocumError]:
        """Have them published; a digest or an error for each."""
        if not items:
            return []
        try:
            answers = mailhost.ask(self.publisher, mailhost.publish_request(items))
        except Trouble as error:
            return [error for _ in items]
        known = [answer for answer in answers if not isinstance(answer, Hers)]
        return known if len(known) == len(items) else [Garbled("mailhost-garbled") for _ in items]

    def _place(self, hers: Hers | None, forwards: tuple[Forward, ...]) -> str:
        if hers is None or not forwards or not mailhost.is_followed(self.directory):
            return "after"
        most = mailhost.most_redirects(self.doveconf) or 0
        return "after" if mailhost.forward_goes_behind(hers, Ours(forwards=forwards), most) else "before"


def forwards_of(published: Published, user: str) -> tuple[Forward, ...]:
    """What is forwarded. Raises Garbled for a file that is not ours."""
    scripts = [script for script in (published.before, published.after) if script is not None]
    if not scripts:
        return ()
    try:
        return sieve.parse(scripts[0]).forwards
    except Garbled as error:
        raise Garbled("published-not-ours", file=f"{user}.sieve") from error


def remarks(published: Published, seen: Seen) -> dict[str, bool]:
    """What a reader should know of where it lies."""
    hers = seen.hers
    return {
        "forward-behind-her-rules": published.after is not None and published.before is None,
        "forward-before-her-own": published.before is not None and hers is not None and (hers.reject or hers.discard),
    }
