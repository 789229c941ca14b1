"""Following: what lies before her own script is moved behind it as soon as hers has what it may not run before.

With a reply before it, a reject she adds would lose the message; with a forward before it, mail she rejects or discards
would be copied all the same, and one redirect too many would stop all her filters. Whoever published looks again now and then; this looks
each second, so `locum-mailhost --follow` belongs wherever scripts are published `before`. It needs the rights to publish
and to look. What must not live here: publishing anything that was not published already.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from locum import sieve
from locum.errors import LocumError, Unreachable
from locum.mailhost.looking import paths
from locum.mailhost.places import Places, trouble
from locum.mailhost.publishing import Item
from locum.sieve import Hers, Ours

Look: TypeAlias = Callable[[Sequence[str]], Sequence[Hers | LocumError]]
Publish: TypeAlias = Callable[[Sequence[Item]], Sequence[str | LocumError]]
_SUFFIX = ".sieve"
_MARK = ".following"


@contextmanager
def following(directory: Path) -> Iterator[None]:
    """While this holds, `is_followed` says so. Raises Trouble, Unreachable where another is following already."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(directory / _MARK, flags, 0o644), "wb") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(mark.fileno(), 0o644)  # whoever publishes has to see it, whatever the umask
            yield
    except BlockingIOError as error:
        raise Unreachable("publishing-busy", place=directory / _MARK) from error
    except OSError as error:
        raise trouble(error, directory) from error


def is_followed(directory: Path) -> bool:
    """Whether a program is following here now."""
    try:
        with (directory / _MARK).open("rb") as mark:
            fcntl.flock(mark, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def reply_goes_behind(hers: Hers, _ours: Ours, _most: int) -> bool:
    """Hers wins: her own answer, and her rejection."""
    return hers.vacation or hers.reject


def forward_goes_behind(hers: Hers, ours: Ours, most: int) -> bool:
    """What she does not keep is not copied, and hers needs her redirects out of the `most` that one delivery may have."""
    return hers.reject or hers.discard or hers.redirects + len(ours.forwards) > most


class Follower:
    """Remembers how her scripts were when they were last looked at. `goes_behind` says when ours may not be before hers."""

    def __init__(
        self,
        directory: Path,
        script: str,
        doveadm: Sequence[str],
        look: Look,
        publish: Publish,
        goes_behind: Callable[[Hers, Ours, int], bool] = reply_goes_behind,
        most_redirects: int = 0,
    ) -> None:
        self._directory, self._script, self._doveadm = directory, script, doveadm
        self._look, self._publish, self._goes_behind, self._most = look, publish, goes_behind, most_redirects
        self._paths: dict[str, Path] = {}
        self._traces: dict[str, object] = {}

    def follow(self) -> int:
        """Look at each script of hers that changed, and move ours behind it where it has to be. How many were moved."""
        with Places(self._directory) as places:
            users = [
                name.removesuffix(_SUFFIX)
                for name in os.listdir(f"/proc/self/fd/{places.folder['before']}")  # noqa: PTH208
                if name.endswith(_SUFFIX)
            ]
            changed = self._changed(users)
            if not changed:
                return 0
            seen = zip(changed, self._look(changed), strict=True)
            items = [self._behind(places, user, hers) for user, hers in seen if isinstance(hers, Hers)]
        done = self._publish([item for item in items if item is not None]) if items else ()
        return sum(isinstance(result, str) for result in done)

    def _changed(self, users: Sequence[str]) -> list[str]:
        unknown = [user for user in users if user not in self._paths]
        if unknown:
            self._paths |= paths(unknown, self._script, self._doveadm)
        traces = {user: _trace(self._paths[user]) for user in users if user in self._paths}
        changed = [user for user, trace in traces.items() if self._traces.get(user) != trace]
        self._traces = traces
        return changed

    def _behind(self, places: Places, user: str, hers: Hers) -> Item | None:
        try:
            now = places.read(user)
            ours = sieve.parse(now.before) if now.before is not None else Ours()
        except LocumError:
            return None
        if not (ours.replies or ours.forwards) or not self._goes_behind(hers, ours, self._most):
            return None
        return Item(user=user, place="after", replies=ours.replies, forwards=ours.forwards, expect=now.digest)


def _trace(active: Path) -> object:
    """What changes when she activates, replaces or edits a script, or one that it includes."""
    target = Path(os.path.realpath(active))
    return [_facts(path, follow=follow) for path, follow in ((active, False), (target, True), (target.parent, True))]


def _facts(path: Path, *, follow: bool) -> tuple[int, int, int] | None:
    try:
        facts = path.stat(follow_symlinks=follow)
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns
