"""The scripts of one mailbox, over an authenticated connection: what stands there, and changing it without a race.

ManageSieve (RFC 5804) has no compare-and-swap: SETACTIVE names what shall be active and cannot say what must have
been. So the one live change goes out in one packet between two looks at everything it depends on; the server runs a
packet's commands one after the other, which leaves microseconds instead of network round trips. If the looks show
anything but what we decided on, the change is undone at once and reported as a Conflict. What slips through even so is
which script was active, never what is in one: hers are only ever read. What must not live here: connecting
(managesieve.py), bytes on the wire (sieve_wire.py).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from locum import sieve
from locum.connectors.sieve_wire import Answer, Wire, command
from locum.errors import Conflict, Garbled, Rejected, Unreachable, Unsupported
from locum.measure import AutoReply, Forward, Standing

OURS = "locum"


@dataclass(frozen=True)
class Stood:
    """What stands in a mailbox: the active script's name ("" for none), and each script looked at (None: there is none)."""

    active: str
    names: frozenset[str] = field(compare=False)
    scripts: Mapping[str, bytes | None] = field(repr=False)

    @cached_property
    def ours(self) -> bytes | None:
        """The script of our name, whoever wrote it."""
        return self.scripts.get(OURS)

    @cached_property
    def parsed(self) -> sieve.Ours | None:
        """What ours says; None where the script of our name is not ours, or not there."""
        if self.ours is None:
            return None
        try:
            return sieve.parse(self.ours)
        except Garbled:
            return None

    @property
    def taken(self) -> bool:
        """Whether a script of our name is there that is not ours, byte for byte."""
        return self.ours is not None and self.parsed is None

    @property
    def live(self) -> bool:
        """Whether ours is what the server runs."""
        return self.active == OURS and self.parsed is not None

    @cached_property
    def replies(self) -> tuple[AutoReply, ...]:
        return self.parsed.replies if self.parsed else ()

    @property
    def forwards(self) -> tuple[Forward, ...]:
        return self.parsed.forwards if self.parsed else ()

    @property
    def hers(self) -> str:
        """The name of her script that runs: the active one, or what ours includes; "" for none."""
        return (self.parsed.include or "") if self.live and self.parsed else self.active

    @cached_property
    def judged(self) -> "sieve.Hers | None":
        """What her script does, other scripts it includes included; None where none of hers runs."""
        script = self.scripts.get(self.hers) if self.hers else None
        return None if script is None else sieve.examine(script, self.scripts.get)

    @property
    def answers(self) -> bool:
        """Whether hers answers or rejects by itself, or may: two answers in one run are an error, and then nobody gets any."""
        return self.judged is not None and (self.judged.vacation or self.judged.reject)

    @property
    def rejects(self) -> bool:
        """Whether hers refuses mail, or may: what she refuses is not to be read by somebody else either."""
        return self.judged is not None and self.judged.reject

    @property
    def in_the_way(self) -> bool:
        """Whether hers keeps ours from running as it says."""
        return self.rejects or (bool(self.replies) and self.answers)

    @property
    def rest(self) -> dict[str, bytes | None]:
        """The scripts that were looked at, without the one of our name."""
        return {name: text for name, text in self.scripts.items() if name != OURS}

    @property
    def revision(self) -> str:
        digests = {name: text and hashlib.sha256(text).hexdigest() for name, text in self.scripts.items()}
        return hashlib.sha256(_json({"active": self.active, "scripts": digests})).hexdigest()

    @property
    def standing(self) -> Standing:
        idle = self.parsed is not None and not self.live
        remarks = {"script-not-active": idle, "script-name-taken": self.taken, "her-script-gone": self.gone}
        return Standing(
            replies=self.replies,
            own_reply=self.answers,
            forwards=self.forwards,
            own_forwards=() if self.judged is None else self.judged.redirects_to,
            active=self.parsed is None or (self.live and not self.in_the_way),
            revision=self.revision,
            found=_json({"active": self.hers}),
            remarks=tuple(key for key, holds in remarks.items() if holds),
        )

    @property
    def gone(self) -> bool:
        """Whether ours includes a script that she has renamed or deleted since."""
        return self.live and bool(self.hers) and self.scripts.get(self.hers) is None


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def restored_name(found: bytes) -> str:
    """The name of the script that `Standing.found` says was active. Raises Garbled where it was not made here."""
    try:
        name = json.loads(found or b'{"active":""}')["active"]
    except (ValueError, KeyError, TypeError) as error:
        raise Garbled("managesieve-found") from error
    if not isinstance(name, str):
        raise Garbled("managesieve-found")
    return name


class Shelf:
    """The scripts of one mailbox. `mailbox` is for errors only. Any method may raise Trouble."""

    def __init__(self, wire: Wire, mailbox: str, listed: Answer) -> None:
        """Take over an authenticated connection and the answer to LISTSCRIPTS."""
        self._wire, self._mailbox, self._listed = wire, mailbox, listed

    def look(self) -> Stood:
        """What stands: the active script, ours, and all that hers includes."""
        listing = self._wire.listing(self._listed)
        first = list(dict.fromkeys([OURS, *([listing.active] if listing.active else [])]))
        scripts = dict(zip(first, self._get(first), strict=True))
        hers = Stood(listing.active, frozenset(listing.names), scripts).hers
        self._follow(hers, scripts)
        return Stood(listing.active, frozenset(listing.names), scripts)

    def _follow(self, name: str, scripts: dict[str, bytes | None]) -> None:
        """Fetch `name` and what it includes, and so on; `examine` asks for what it needs."""

        def resolve(wanted: str) -> bytes | None:
            if wanted not in scripts:
                scripts[wanted] = self._get([wanted])[0]
            return scripts[wanted]

        if name and (script := resolve(name)) is not None:
            sieve.examine(script, resolve)

    def _get(self, names: list[str]) -> list[bytes | None]:
        return [self._wire.script(one) for one in self._wire.run(*(_named("GETSCRIPT", name) for name in names))]

    def set(self, stood: Stood, script: bytes) -> Stood:
        """Make `script` the live one in place of what stands. Raises Conflict, Unsupported, Rejected; then nothing changed."""
        self._judge(script)
        if stood.live:
            return self._swap(stood, _put(script))
        self._place(stood, script)
        placed = Stood(stood.active, stood.names | {OURS}, {**stood.scripts, OURS: script})
        try:
            after = self._swap(placed, _named("SETACTIVE", OURS))
        except (Conflict, Rejected):
            self._replace(script, stood.ours)
            raise
        if after.active != OURS:  # she switched right after us: hers wins
            self._replace(script, stood.ours)
            raise self._conflict()
        return after

    def put_back(self, stood: Stood, names: tuple[str, ...]) -> Stood:
        """Activate the first of `names` that still exists, or nothing, in place of ours; then take ours away."""
        if stood.active == OURS:
            name = next((one for one in names if one in stood.names and one != OURS), "")
            stood = self._swap(stood, _named("SETACTIVE", name))
        self._replace(stood.ours or b"", None)
        scripts = {**stood.scripts, OURS: None}
        return Stood(stood.active, stood.names - {OURS}, scripts)

    def _judge(self, script: bytes) -> None:
        room = command("HAVESPACE", OURS.encode(), len(script))  # Cyrus says QUOTA here, and a bare NO to CHECKSCRIPT
        space, answer = self._wire.run(room, command("CHECKSCRIPT", script))
        if space.code.startswith("QUOTA"):
            self._obeyed(space, "HAVESPACE")
        if not answer.ok and not answer.code:
            raise Unsupported("managesieve-script-refused", mailbox=self._mailbox)
        self._obeyed(answer, "CHECKSCRIPT")

    def _place(self, stood: Stood, script: bytes) -> None:
        """Put ours on the shelf, where it does nothing yet."""
        before, done = self._wire.run(_named("GETSCRIPT", OURS), _put(script))
        self._obeyed(done, "PUTSCRIPT")
        was = self._wire.script(before)
        if was != stood.ours:
            self._replace(script, was)
            raise self._conflict()

    def _replace(self, script: bytes, by: bytes | None) -> None:
        """Take `script` away, or lay `by` in its place, unless another one has come there meanwhile."""
        change = _named("DELETESCRIPT", OURS) if by is None else _put(by)
        before, done = self._wire.run(_named("GETSCRIPT", OURS), change)
        was = self._wire.script(before)
        if done.ok and was not in (None, script):
            self._obeyed(self._wire.run(_put(was or b""))[0], "PUTSCRIPT")
            raise self._conflict()
        if was is not None:
            self._obeyed(done, "DELETESCRIPT")

    def _swap(self, stood: Stood, change: bytes) -> Stood:
        """Make one live change if all still stands as `stood`; see the top of this file."""
        names = sorted(stood.scripts)
        contents = [_named("GETSCRIPT", name) for name in names]
        listing = command("LISTSCRIPTS")  # right beside the change: what is active is what a change could overwrite
        answers = self._wire.run(*contents, listing, change, listing, *contents)
        size = len(names)
        was = self._seen(names, answers[size], answers[:size])
        done = answers[size + 1]
        now = self._seen(names, answers[size + 2], answers[size + 3 :])
        if was != stood or now.rest != stood.rest:
            if done.ok:
                self._undo(was, now)
            raise self._conflict()
        self._obeyed(done, "SETACTIVE")
        return now

    def _undo(self, was: Stood, now: Stood) -> None:
        """Lay back what stood right before our change, as far as it is still our change that stands."""
        if now.ours != was.ours and was.ours is not None:
            self._obeyed(self._wire.run(_put(was.ours))[0], "PUTSCRIPT")
        if now.active != was.active:
            self._obeyed(self._wire.run(_named("SETACTIVE", was.active))[0], "SETACTIVE")

    def _seen(self, names: list[str], listed: Answer, answers: list[Answer]) -> Stood:
        listing = self._wire.listing(listed)
        scripts = [self._wire.script(one) for one in answers]
        return Stood(listing.active, frozenset(listing.names), dict(zip(names, scripts, strict=True)))

    def _obeyed(self, answer: Answer, verb: str) -> None:
        if answer.ok:
            return
        if answer.code == "TRYLATER":
            raise Unreachable("managesieve-later", host=self._wire.host)
        if answer.code == "QUOTA/MAXSIZE":
            raise Unsupported("managesieve-too-large", mailbox=self._mailbox)
        if answer.code.startswith("QUOTA"):
            raise Rejected("managesieve-quota", mailbox=self._mailbox)
        raise Rejected("managesieve-no", command=verb, code=answer.code or "-")

    def _conflict(self) -> Conflict:
        return Conflict("managesieve-changed", mailbox=self._mailbox)


def _named(verb: str, name: str) -> bytes:
    return command(verb, name.encode())


def _put(script: bytes) -> bytes:
    return command("PUTSCRIPT", OURS.encode(), script)
