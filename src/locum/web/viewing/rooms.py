"""What is in the memory of the process that serves the pages while two people look at one message, and nowhere else.

A room is for one case. It has a key pair of its own: the message comes encrypted to it, and both people signed its public half.
Whoever is silent for some seconds is gone; then the message is wiped, and that it is closed is recorded. Other than by the two who
signed (and her, where she is there too) nothing of it can be had.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from locum.desk.searching.sealedto import unseal_with
from locum.errors import Garbled
from locum.rendering import Rendered, attachment, render

_LOG = structlog.get_logger("locum.web")

SILENT: Final = 15.0
"""Seconds without a sign of life after which somebody is gone."""
LEAVING: Final = 10.0
"""Of these, what is over at once for whoever says that she leaves: a page that follows is in time."""
SHOWN: Final = 15 * 60.0
"""Seconds for which a message is shown at most."""
_SWEPT: Final = 1.0
_FORGOTTEN: Final = 3600.0

Closed = Callable[[str, str, int, str], None]
"""Records that a case's message is shown no more: case, why, for how many seconds it was, and who said so."""


@dataclass(slots=True)
class Room:
    """One viewing. `seen` is who gave a sign of life, and when; `both` the two who signed, and whoever has to be there besides."""

    case: str
    key: X25519PrivateKey | None = field(default_factory=X25519PrivateKey.generate, repr=False)
    seen: dict[str, float] = field(default_factory=dict)
    both: frozenset[str] = frozenset()
    content: bytearray = field(default_factory=bytearray, repr=False)
    shown: Rendered | None = field(default=None, repr=False)
    begun: float = 0.0
    why: str = ""
    wishes: dict[str, str] = field(default_factory=dict)
    opened: frozenset[int] = frozenset()

    @property
    def public(self) -> bytes:
        """The public key that both sign; empty where this room showed its message already."""
        return b"" if self.key is None else self.key.public_key().public_bytes_raw()

    @property
    def is_showing(self) -> bool:
        """Whether the message is here now."""
        return self.shown is not None

    def wipe(self) -> None:
        """Nothing of the message is left, nor the key with which another copy could be read."""
        self.content[:] = bytes(len(self.content))
        self.content, self.shown, self.key, self.opened = bytearray(), None, None, frozenset()


class Rooms:
    """All rooms of this process. `monotonic` gives seconds; `closed` records. Safe to use from several threads."""

    def __init__(self, monotonic: Callable[[], float], closed: Closed) -> None:
        self._monotonic = monotonic
        self._closed = closed
        self._rooms: dict[str, Room] = {}
        self._lock = threading.RLock()
        self._sweeper: threading.Thread | None = None

    def enter(self, case: str, person: str) -> Room:
        """A sign of life of somebody who may be there."""
        with self._lock:
            self.sweep()
            room = self._rooms.setdefault(case, Room(case=case))
            room.seen[person] = self._monotonic()
            return room

    def leave(self, case: str, person: str) -> None:
        """Somebody's page is gone: if no other follows at once, she left."""
        with self._lock:
            room = self._rooms.get(case)
            if room is not None and person in room.seen:
                room.seen[person] = min(room.seen[person], self._monotonic() - LEAVING)

    def there(self, case: str) -> frozenset[str]:
        """Who is there now."""
        with self._lock:
            room, now = self._rooms.get(case), self._monotonic()
            return frozenset() if room is None else _there(room, now)

    def show(
        self, case: str, both: frozenset[str], take: Callable[[], bytes | None], request: str, digest: str
    ) -> None:
        """Show the message of a case to these, if all of them are there: `take` hands it over, once. Where there is none (any more),
        or it is for another screen, it is closed as left.
        """
        with self._lock:
            room = self._rooms.get(case)
            if room is None or room.is_showing or not both <= _there(room, self._monotonic()):
                return
            sealed = take()
            if sealed is None or room.key is None:
                self._close(room, "left")
                return
            try:
                room.content = bytearray(unseal_with(room.key, sealed, request, digest))
            except Garbled:
                self._close(room, "left")
                return
            room.shown, room.both, room.begun = render(bytes(room.content)), both, self._monotonic()
            self._keep_sweeping()

    def close(self, case: str, why: str, who: str = "") -> None:
        """It is shown no more: wiped here, and recorded."""
        with self._lock:
            if (room := self._rooms.get(case)) and room.is_showing:
                self._close(room, why, who)

    def wish(self, case: str, person: str, what: str) -> list[str]:
        """Somebody wishes something (a part to be delivered, an attachment to be opened). Who wishes just that by now."""
        with self._lock:
            room = self._rooms.setdefault(case, Room(case=case))
            room.wishes[person] = what
            return sorted(one for one, wish in room.wishes.items() if wish == what)

    def forget_wishes(self, case: str) -> None:
        """After they came true, or nobody wishes them any more."""
        with self._lock:
            if room := self._rooms.get(case):
                room.wishes.clear()

    def wishes(self, case: str) -> Mapping[str, str]:
        """Who wishes what."""
        with self._lock:
            room = self._rooms.get(case)
            return {} if room is None else dict(room.wishes)

    def open_attachment(self, case: str, n: int) -> None:
        """Both wish to see this attachment."""
        with self._lock:
            if (room := self._rooms.get(case)) and room.is_showing:
                room.opened = room.opened | {n}

    def attachments(self, case: str) -> Mapping[int, Rendered | str | None]:
        """Those that were opened, by number: a text, a message, or None where it cannot be shown."""
        with self._lock:
            room = self._rooms.get(case)
            if room is None or not room.is_showing:
                return {}
            return {n: _seen(bytes(room.content), n) for n in sorted(room.opened)}

    def end(self) -> None:
        """This process ends: everything is closed."""
        with self._lock:
            for room in list(self._rooms.values()):
                if room.is_showing:
                    self._close(room, "left")
                room.wipe()
            self._rooms.clear()

    def sweep(self) -> bool:
        """Close what nobody may see any more, and forget what is empty. Whether anything is still shown."""
        with self._lock:
            now = self._monotonic()
            for room in list(self._rooms.values()):
                if room.is_showing and not room.both <= _there(room, now):
                    self._close(room, "left")
                elif room.is_showing and now - room.begun >= SHOWN:
                    self._close(room, "time")
                last = max(room.seen.values(), default=now)
                if not room.is_showing and now - last > (_FORGOTTEN if room.why else SILENT):
                    room.wipe()
                    del self._rooms[room.case]
            return any(room.is_showing for room in self._rooms.values())

    def _close(self, room: Room, why: str, who: str = "") -> None:
        seconds = int(self._monotonic() - room.begun) if room.is_showing else 0
        room.wipe()
        room.why = why
        self._closed(room.case, why, seconds, who)

    def _keep_sweeping(self) -> None:
        """A thread that ends with the last message: a browser that is gone asks for nothing any more."""
        if self._sweeper is None or not self._sweeper.is_alive():
            self._sweeper = threading.Thread(target=self._sweep_on, name="viewing", daemon=True)
            self._sweeper.start()

    def _sweep_on(self) -> None:
        waiting = threading.Event()
        while self.sweep():
            waiting.wait(_SWEPT)


def _there(room: Room, now: float) -> frozenset[str]:
    return frozenset(person for person, at in room.seen.items() if now - at < SILENT)


def _seen(content: bytes, n: int) -> Rendered | str | None:
    """An attachment as it may be shown: a message as one, text as text, anything else not at all."""
    found = attachment(content, n)
    if found is None:
        return None
    name, kind, inside = found
    if kind == "message/rfc822" or name.endswith(".eml"):
        return render(inside)
    if not kind.startswith("text/") or kind == "text/html":
        return None
    return render(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + inside).text
