"""Publishing: measures as scripts in DIRECTORY/before and DIRECTORY/after, each whole or not at all, many at once.

Replies go into one directory and forwards into another, which takes them only with a warrant. Values come in, never Sieve. The scripts are judged by Pigeonhole's compiler in a private folder on the same disk, made
durable, dated so that no compiled script is ever newer, and renamed into place if what is there is what was expected.
What must not live here: reading anything of hers, any credential, anything of a case.
"""

import ctypes
import math
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from locum import sieve
from locum.errors import Conflict, Garbled, Invalid, LocumError, Rejected, Trouble
from locum.mailhost.judging import judge
from locum.mailhost.places import PLACES, STAGED, Places, Published, trouble
from locum.mailhost.warranting import Forwarding, warranted
from locum.measure import Audience, AutoReply, Forward, Senders

AHEAD = 400 * 86400
"""Scripts are dated this far ahead. Dovecot runs a compiled script that is newer than its source whatever the source
says, and that one lies in her home, unseen by us. One dated ahead is never older than a compiled one, also when the
clock is set back or forth. Dovecot then compiles at each delivery, which costs it about a tenth of its speed."""

_FEW = 8

_SAMPLE = AutoReply(
    handle="locum-check",
    from_date=datetime(2026, 1, 1, tzinfo=UTC),
    to_date=datetime(2026, 1, 2, tzinfo=UTC),
    subject="…",
    text_body="…",
    html_body="<p>…</p>",
    external_text="…",
    audience=Audience.EVERYONE,
    exceptions=("someone@example.org", "example.net"),
    addresses=("someone@example.com",),
    internal_domains=("example.com",),
)

_FORWARD_SAMPLE = Forward(
    handle="locum-check",
    from_date=datetime(2026, 1, 1, tzinfo=UTC),
    to_date=datetime(2026, 1, 2, tzinfo=UTC),
    to="someone@example.com",
    senders=Senders.EXTERNAL,
    internal_domains=("example.com",),
    never=("someone@example.org", "example.net"),
    private_marks=("[privé]",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One mailbox: these measures are to lie in `place` and nowhere else; none of them: no script. `expect` is the digest
    read. `warrant` is what allows the forwards that do not stand yet (warranting.py).
    """

    user: str
    place: str
    replies: tuple[AutoReply, ...] = ()
    forwards: tuple[Forward, ...] = ()
    warrant: bytes = b""
    expect: str


# --- publishing


def publish(
    directory: Path,
    items: Sequence[Item],
    *,
    forwarding: Forwarding | None = None,
    sievec: Sequence[str] = ("sievec",),
    clock: Callable[[], float] = time.time,
    step: Callable[[str], None] = lambda _name: None,
) -> list[str | LocumError]:
    """Publish, or remove, for many mailboxes at once; durable on return.

    Gives back, in order, the digest of what is then published, or an error: Invalid, Unsupported, Conflict where something
    else is published than expected, Trouble. An error is that mailbox's alone unless the whole disk is troubled.
    With `forwarding` this is a directory of forwards and of nothing else, without it one of replies.
    `step` is called between the steps, for tests that stop there.
    """
    try:
        with Places(directory, writing=True) as places, places.locked():
            return _Batch(places, sievec, clock, step, forwarding).run(items)
    except OSError as error:
        found: Trouble = trouble(error, directory)
    except Trouble as error:
        found = error
    return [found for _ in items]


def try_out(
    directory: Path, *, forwarding: Forwarding | None = None, sievec: Sequence[str] = ("sievec",)
) -> str | LocumError:
    """Stage and compile a script that uses all we ever use, and remove it again; "" if that works, else the error."""
    try:
        with Places(directory, writing=True) as places, places.locked(), places.staging() as staged:
            sample = sieve.script([], forwards=[_FORWARD_SAMPLE]) if forwarding else sieve.script([_SAMPLE])
            _make_durable(places.root, [_write(staged / "0.sieve", sample)])
            return judge({0: sample}, staged, sievec).get(0, "")
    except OSError as error:
        return trouble(error, directory)
    except Trouble as error:
        return error


class _Batch:
    """One call of `publish`, under the lock."""

    def __init__(
        self,
        places: Places,
        sievec: Sequence[str],
        clock: Callable[[], float],
        step: Callable[[str], None],
        forwarding: Forwarding | None,
    ) -> None:
        self.places, self.sievec, self.clock, self.step, self.forwarding = places, sievec, clock, step, forwarding
        self.results: dict[int, str | LocumError] = {}

    def run(self, items: Sequence[Item]) -> list[str | LocumError]:
        self._sweep()
        scripts = self._decide(items)
        texts = {number: script for number, script in scripts.items() if script is not None}
        # No folder is made to remove scripts only: that has to work on a full disk too.
        with self.places.staging() if texts else nullcontext(self.places.directory) as staged:
            with ThreadPoolExecutor(max_workers=1) as compiler:  # the disk and the compiler work side by side
                judged = compiler.submit(judge, texts, staged, self.sievec)
                self._stage(staged, items, texts)
                self.step("staged")
                self.results |= judged.result()
            self.step("judged")
            self._swap(staged, items, {n: script for n, script in scripts.items() if n not in self.results})
        return [self.results[number] for number in range(len(items))]

    def _sweep(self) -> None:
        """Remove what a publisher that was killed left behind; we hold the lock, so nobody is using it."""
        for name in os.listdir(self.places.root):  # noqa: PTH208  the folder that is held open
            if name.startswith(STAGED):
                shutil.rmtree(self.places.directory / name, ignore_errors=True)

    def _decide(self, items: Sequence[Item]) -> dict[int, bytes | None]:
        """The scripts to write (None: to remove), by the number of the item. What stands already is a result."""
        scripts: dict[int, bytes | None] = {}
        users: set[str] = set()
        for number, item in enumerate(items):
            try:
                script = self._wanted(item, again=item.user in users)
            except LocumError as error:
                self.results[number] = error
                continue
            users.add(item.user)
            if isinstance(script, str):
                self.results[number] = script
            else:
                scripts[number] = script
        return scripts

    def _wanted(self, item: Item, *, again: bool) -> bytes | str | None:
        now = self.places.read(item.user)
        if item.place not in PLACES:
            raise Invalid("publishing-place", place=ascii(item.place)[:40])
        if item.replies if self.forwarding else item.forwards:
            raise Rejected("mailhost-not-allowed", what="replies" if self.forwarding else "forwards")
        script = sieve.script(item.replies, forwards=item.forwards) if item.replies or item.forwards else None
        want = _want(item, script)
        if now.digest == want.digest and now.dated_at > self.clock():
            return want.digest
        if now.digest != item.expect or again:
            raise Conflict("published-changed", user=item.user)
        self._check_warrant(item, now)
        return script

    def _check_warrant(self, item: Item, now: Published) -> None:
        """Of forwards that do not stand already; taking one away, or moving it behind her own script, needs none."""
        standing = _forwards_of(now) if item.forwards else ()
        new = [forward for forward in item.forwards if forward not in standing]
        if new and self.forwarding is not None:
            warranted(item.warrant, item.user, new, self.forwarding, datetime.fromtimestamp(self.clock(), UTC))

    def _stage(self, staged: Path, items: Sequence[Item], texts: Mapping[int, bytes]) -> None:
        dated = self._next_date() if texts else 0
        rights = {place: _rights(folder) for place, folder in self.places.folder.items()}
        for number, text in texts.items():
            _write(staged / f"{number}.sieve", text, dated, *rights[items[number].place])

    def _next_date(self) -> int:
        """A date for these scripts, later than every one given before; the last is kept as the time of a file."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        opened = os.open(".dated", flags, 0o600, dir_fd=self.places.root)
        try:
            facts = os.fstat(opened)
            ahead = math.ceil(self.clock()) + AHEAD
            dated = max(ahead, math.floor(facts.st_mtime) + 1)
            os.utime(opened, (dated, dated))
        finally:
            os.close(opened)
        return dated

    def _swap(self, staged: Path, items: Sequence[Item], scripts: Mapping[int, bytes | None]) -> None:
        """Contents durable, then the names, then the directories durable."""
        _make_durable(self.places.root, [staged / f"{n}.sieve" for n, script in scripts.items() if script is not None])
        self.step("durable")
        for number, script in scripts.items():
            item = items[number]
            try:
                self._place(staged / f"{number}.sieve", item, script)
            except OSError as error:
                self.results[number] = trouble(error, self.places.directory)
            else:
                self.results[number] = _want(item, script).digest
            self.step("swapped")
        for folder in self.places.folder.values():
            os.fsync(folder)

    def _place(self, staged: Path, item: Item, script: bytes | None) -> None:
        name = f"{item.user}.sieve"
        if script is not None:
            os.rename(staged, name, dst_dir_fd=self.places.folder[item.place])
        # Ours in both places at once is one reply, the first one's (tried); in neither would be none. So: put, then remove.
        for place, folder in self.places.folder.items():
            if script is None or place != item.place:
                try:
                    os.unlink(name, dir_fd=folder)
                except FileNotFoundError:
                    continue


def _write(path: Path, text: bytes, dated: int = 0, mode: int = 0o600, group: int = -1) -> Path:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(text)
        file.flush()
        if group not in (-1, os.fstat(opened).st_gid):
            os.fchown(opened, -1, group)
        os.fchmod(opened, mode)
        os.utime(opened, (dated, dated))
    return path


def _forwards_of(now: Published) -> tuple[Forward, ...]:
    """What is forwarded already. Of a script that is not ours, nothing."""
    try:
        scripts = [text for text in (now.before, now.after) if text is not None]
        return tuple(forward for text in scripts for forward in sieve.parse(text).forwards)
    except Garbled:
        return ()


def _want(item: Item, script: bytes | None) -> Published:
    if script is None:
        return Published()
    return Published(before=script) if item.place == "before" else Published(after=script)


def _rights(folder: int) -> tuple[int, int]:
    """Mode and group of a script: those may read it who may enter its directory. Nobody but we may write it."""
    facts = os.fstat(folder)
    return (0o644 if facts.st_mode & 0o005 else 0o640), facts.st_gid


def _make_durable(root: int, files: Sequence[Path]) -> None:
    """Write contents through to the disk: a few files one by one, many with one syncfs."""
    if not files:
        return
    if len(files) > _FEW and _syncfs(root):
        return
    for file in files:
        opened = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _syncfs(opened: int) -> bool:
    """One syncfs(2); False where the C library has none. Raises OSError where it fails."""
    try:
        call = ctypes.CDLL(None, use_errno=True).syncfs
    except AttributeError:
        return False
    if call(opened) != 0:
        raise OSError(ctypes.get_errno(), "syncfs")
    return True
