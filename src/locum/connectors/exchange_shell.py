"""Automatic replies in Exchange by the administrator's own two cmdlets, under a role that holds nothing else: the narrowest there is.

A fixed script (exchange_shell.ps1) is run as a program. It gets its values as JSON on standard input, so nothing is quoted into a
command, and writes what stands afterwards as JSON. What lives here: running it, and what its answers mean. What must not: what a reply
looks like in Exchange (ews_texts.py; graph_texts.py for its HTML).
"""

import json
import os
import re
import select
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import IO

from locum.absence import Mailbox
from locum.connectors import ews_texts
from locum.connectors.by_hand_steps import FIELDS, TIMES, sent
from locum.connectors.one_place import Kept, revision
from locum.connectors.one_place_many import ManyPlaces, Put
from locum.errors import Garbled, Invalid, LocumError, Rejected, Trouble, Unreachable
from locum.measure import Audience, AutoReply, Can, Wanted
from locum.seam import Finding, Report

SCRIPT = Path(str(files("locum.connectors").joinpath("exchange_shell.ps1")))
_LARGEST = 8 * 1024 * 1024
_MAILBOX = re.compile(r"[A-Za-z0-9_+=&][A-Za-z0-9._+=&'-]*@[A-Za-z0-9.-]+")
_READING = frozenset({"Add-MailboxPermission", "Search-Mailbox", "New-MailboxExportRequest", "New-ComplianceSearch"})
_MEANT = (
    ("ManagementObjectNotFound", Rejected, "shell-no-mailbox"),
    ("CommandNotFound", Rejected, "shell-no-role"),
    ("UnauthorizedAccess", Rejected, "shell-denied"),
    ("PermissionDenied", Rejected, "shell-denied"),
    ("SecurityError", Rejected, "shell-denied"),
    ("AuthenticationError", Rejected, "shell-login"),
    ("MsalServiceException", Rejected, "shell-login"),
    ("PSRemotingTransport", Unreachable, "shell-unreachable"),
    ("OpenError", Unreachable, "shell-unreachable"),
    ("ConnectionError", Unreachable, "shell-unreachable"),
    ("ResourceUnavailable", Unreachable, "shell-unreachable"),
    ("TransientException", Unreachable, "shell-busy"),
    ("ServerBusy", Unreachable, "shell-busy"),
)
"""What stands in an error's id, its category or its type; the first that does, counts. Messages play no part."""
_CAN = Can(
    audiences=frozenset(Audience),
    html=False,  # Exchange makes the plain text of a reply itself
    exceptions=False,
    at_once=50,
    one_reply=True,
    subject=False,
)


class ExchangeShell(ManyPlaces):
    """Exchange by its cmdlets. Settings, all by keyword:

    `command`: the program and its words, with `{script}` for the place of our script; `connect`: how the script is to connect (values that
    it knows: connect, uri, app_id, organization, certificate_thumbprint, certificate_file); `user_template`: how Exchange names a mailbox
    ("{address}" or a column of people.csv); `sample`: a mailbox that `check` tries with where it is given none; `seconds`: how long one run may take.
    """

    kind = "exchange_shell"

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str],
        connect: Mapping[str, str],
        user_template: str = "{address}",
        sample: str = "",
        seconds: float = 180.0,
    ) -> None:
        self.name, self.can = name, _CAN
        self._command = [word.replace("{script}", str(SCRIPT)) for word in command]
        self._connect, self._user_template, self._seconds = dict(connect), user_template, seconds
        self._sample = Mailbox(address=sample) if sample else None

    def __repr__(self) -> str:
        return f"ExchangeShell({self.name!r}, {self._command[:1]!r})"

    def user(self, mailbox: Mailbox) -> str:
        """How Exchange names this mailbox. Raises Invalid for a name that is not a plain address."""
        named = mailbox.address if self._user_template == "{address}" else mailbox.columns.get(self._user_template, "")
        if not _MAILBOX.fullmatch(named) or len(named) > 254:
            raise Invalid("shell-user", mailbox=mailbox.address.replace("\0", "?"))
        return named

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
        """See OnePlace. Exchange has no ETag for it, and fills in the window of what is not scheduled as it likes."""
        return revision(self.normal(kept))

    def refuse(self, mailbox: Mailbox, wanted: Wanted) -> None:
        """See OnePlace."""
        self.user(mailbox)
        super().refuse(mailbox, wanted)
        for reply in wanted.replies:
            self.made(reply)

    def get_each(self, mailboxes: Sequence[Mailbox]) -> list[Kept | LocumError]:
        """See ManyPlaces. One run for all."""
        found: dict[int, Kept | LocumError] = {}
        asked: dict[int, dict[str, object]] = {}
        for place, mailbox in enumerate(mailboxes):
            try:
                asked[place] = {"mailbox": self.user(mailbox)}
            except Invalid as error:
                found[place] = error
        found |= dict(zip(asked, self._each("get", list(asked.values())), strict=True))
        return [found[place] for place in range(len(mailboxes))]

    def put_each(self, items: Sequence[Put]) -> list[LocumError | None]:
        """See ManyPlaces. One run for all; what was not answered is read by whoever called."""
        now = datetime.now(UTC)
        asked: list[dict[str, object]] = [
            {"mailbox": self.user(mailbox), "reply": sent(ews_texts.sendable(kept, now))} for mailbox, kept, _ in items
        ]
        return [one if isinstance(one, LocumError) else None for one in self._each("set", asked)]

    def check(self, sample: Mailbox | None = None) -> Report:
        """Reach, and the proof that the role holds the two cmdlets and none that could do more. See seam.Connector."""
        mailbox = sample or self._sample
        values = (("program", self._command[0] if self._command else ""),)
        try:
            items = [] if mailbox is None else [{"mailbox": self.user(mailbox)}]
            result = self._run("check", items)
            more = result.get("more")
            if not isinstance(more, list):
                raise self._garbled("more")
            kept = [self._kept(one, str(items[0]["mailbox"])) for one in self._answers(result, items)]
        except LocumError as error:
            return (
                Finding(
                    key="shell.trouble", holds=False, values=(*error.values.items(), *values, ("error", error.key))
                ),
            )
        names = sorted(str(one)[:60] for one in more)
        if names:
            reads = bool(_READING & set(names))
            self.can = replace(self.can, reads_mail=self.can.reads_mail or reads, redirects_mail=True)
        return (*_seen(kept, mailbox), *_role(names))

    # the program

    def _each(self, do: str, items: list[dict[str, object]]) -> list[Kept | LocumError]:
        """An answer for each; trouble with the run is the result of all."""
        if not items:
            return []
        try:
            answers = self._answers(self._run(do, items), items)
        except Trouble as error:
            return [error.with_values(**error.values) for _ in items]
        found: list[Kept | LocumError] = []
        for item, answer in zip(items, answers, strict=True):
            try:
                found.append(self._kept(answer, str(item["mailbox"])))
            except LocumError as error:
                found.append(error)
        return found

    def _run(self, do: str, items: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
        """Run it once. Raises Unreachable, Rejected, Garbled. ASCII goes in, so no locale can change a letter of it."""
        asked = json.dumps({"do": do, "items": list(items), **self._connect}, ensure_ascii=True)
        values = {"connector": self.name, "program": self._command[0] if self._command else ""}
        try:
            program = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise Rejected("shell-no-program", clause=None, **values) from error
        output, status = _answered(program, asked.encode(), self._seconds)
        if status is None:
            raise Unreachable("shell-silent", clause=None, **values)
        result = _table(output)
        if result is None:  # where it died, it may have acted: that is read
            kind = Unreachable if status else Garbled
            raise kind("shell-no-answer", clause=None, status=str(status), **values)
        if "error" in result:
            raise self._meant(result, "")
        return result

    def _answers(self, result: Mapping[str, object], items: Sequence[Mapping[str, object]]) -> list[object]:
        answers = result.get("answers")
        if not isinstance(answers, list) or len(answers) != len(items):
            raise self._garbled("answers")
        return answers

    def _kept(self, answer: object, mailbox: str) -> Kept:
        """What stands there. Raises Garbled, and what the error of one mailbox means."""
        if not isinstance(answer, dict):
            raise self._garbled("answer")
        if "error" in answer:
            raise self._meant(answer, mailbox)
        kept: dict[str, object] = {key: answer.get(name, "") for name, key in FIELDS.items()}
        for name, key in TIMES.items():
            if isinstance(seconds := answer.get(name), int) and not isinstance(seconds, bool):
                try:
                    kept[key] = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat() + "Z"
                except (OverflowError, ValueError, OSError):
                    raise self._garbled("time") from None
        self.normal(kept)
        return kept

    def _meant(self, failure: Mapping[str, object], mailbox: str) -> LocumError:
        told = [str(failure.get(name, "")) for name in ("error", "category", "type")]
        code = re.sub(r"[^A-Za-z0-9_.,-]", "", told[0])[:80] or "?"
        values = {"connector": self.name, "mailbox": mailbox, "code": code}
        if failure.get("done") is True:  # it was set, and what stands now could not be shown
            return Unreachable("shell-no-answer", clause=None, program="", status=code, connector=self.name)
        for sign, kind, key in _MEANT:
            if any(sign in one for one in told):
                return kind(key, clause=None, **values)
        return Rejected("shell-refused", clause=None, **values)

    def _garbled(self, what: str) -> Garbled:
        return Garbled("shell-garbled", connector=self.name, what=what)


def _answered(program: "subprocess.Popen[bytes]", given: bytes, seconds: float) -> tuple[bytes, int | None]:
    """What it wrote, and its status; no status where it was not done in time, or wrote more than it should. Then it is killed, where that
    is allowed, and not waited for.
    """
    if program.stdin is None or program.stdout is None:
        return b"", None
    threading.Thread(target=_fed, args=(program.stdin, given), daemon=True).start()
    until, output, pipe = time.monotonic() + seconds, bytearray(), program.stdout.fileno()
    while (left := until - time.monotonic()) > 0 and len(output) <= _LARGEST:
        if not select.select([pipe], [], [], left)[0]:
            break
        if not (some := os.read(pipe, 65536)):
            program.stdout.close()
            with suppress(subprocess.TimeoutExpired):
                return bytes(output), program.wait(max(left, 1.0))
            break
        output += some
    with suppress(OSError):
        program.kill()
    threading.Thread(target=program.wait, daemon=True).start()  # so that nothing of it stays
    return b"", None


def _fed(pipe: IO[bytes], given: bytes) -> None:
    with suppress(OSError):
        pipe.write(given)
        pipe.close()


def _table(output: bytes) -> Mapping[str, object] | None:
    """The last line that the program wrote, where it is a JSON object: modules of PowerShell say hello on lines of their own."""
    lines = output[-_LARGEST:].decode("utf-8", "replace").lstrip("\ufeff").strip().splitlines()
    try:
        value = json.loads(lines[-1]) if lines else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _seen(kept: Sequence[Kept], mailbox: Mailbox | None) -> list[Finding]:
    if mailbox is None or not kept:
        return [Finding(key="shell.no-sample", holds=None)]
    return [Finding(key="shell.settings", holds=True, values=(("mailbox", mailbox.address),))]


def _role(more: Sequence[str]) -> list[Finding]:
    if not more:
        return [Finding(key="shell.two-cmdlets", holds=True)]
    return [Finding(key="shell.more", holds=False, values=(("cmdlets", ", ".join(more)),))]
