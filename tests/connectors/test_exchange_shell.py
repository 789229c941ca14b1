"""Exchange by its cmdlets: the suite over a stand-in for PowerShell, what its errors mean, and the script itself, word by word."""

import html
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

import mailhosts.pwsh
from conformance import Answer, ConnectorConformance, Zoned, wanted
from hostile import HOSTILE
from locum.absence import Mailbox
from locum.connectors.exchange_shell import SCRIPT, ExchangeShell
from locum.errors import Garbled, Invalid, LocumError, Rejected, Unreachable
from locum.messages import LANGUAGES, say
from mailhosts.graph_client import shown
from remembering import remembering

_serial = itertools.count(1)
HERS = "<html>\r\n<body>\r\n<p>Ik ben op&nbsp;reis &amp; lees geen mail.</p>\r\n</body>\r\n</html>\r\n"


class Shell:
    """The stand-in's state, in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._write({"boxes": {}, "faults": [], "more": [], "runs": []})

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text("utf-8"))
        return found

    def _write(self, state: dict[str, Any]) -> None:
        self.file.write_text(json.dumps(state), "utf-8")

    def change(self, **changes: Any) -> None:
        self._write(self.read() | changes)

    def fails(self, kind: str, times: int = 1, **more: Any) -> None:
        self.change(faults=[{"kind": kind, **more}] * times)

    def box(self, address: str, **changes: Any) -> None:
        new = {"state": "Disabled", "audience": "All", "internal": HERS, "external": HERS, "start": 0, "end": 0}
        boxes = self.read()["boxes"]
        self.change(boxes=boxes | {address: boxes.get(address, new) | changes})

    def connector(self, **changes: Any) -> ExchangeShell:
        command = [sys.executable, mailhosts.pwsh.__file__, str(self.file)]
        known: dict[str, Any] = {
            "name": "exchange",
            "command": [*command, "-NoProfile", "-NonInteractive", "-File", "{script}"],
            "connect": {"connect": "none"},
        }
        return ExchangeShell(**(known | changes))

    def reply(self, address: str, sender: str, at: datetime) -> str | None:
        """What Exchange would answer this sender."""
        box = self.read()["boxes"][address]
        inside = sender.rpartition("@")[2] == address.rpartition("@")[2]
        live = box["state"] == "Enabled" or (
            box["state"] == "Scheduled" and box["start"] <= at.timestamp() < box["end"]
        )
        if not live or (not inside and box["audience"] == "None"):
            return None
        return str(box["internal" if inside else "external"]) or None


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("shell") / "state.json")


@pytest.fixture(autouse=True)
def _fresh(shell: Shell) -> None:
    shell.change(faults=[], more=[], runs=[])


def new_mailbox(shell: Shell) -> Mailbox:
    address = f"hers{next(_serial)}@corp.test"
    shell.box(address)
    return Mailbox(address=address, aliases=(f"alias.{address}",))


@pytest.fixture
def mailbox(shell: Shell) -> Mailbox:
    return new_mailbox(shell)


class TestExchangeShell(ConnectorConformance):
    system = "`exchange_shell`"

    @pytest.fixture
    def connector(self, shell: Shell) -> Any:
        return remembering(shell.connector())

    @pytest.fixture
    def mailbox(self, shell: Shell) -> Mailbox:
        return new_mailbox(shell)

    @pytest.fixture
    def another_mailbox(self, shell: Shell) -> Mailbox:
        return new_mailbox(shell)

    @pytest.fixture
    def snapshot(self, shell: Shell) -> Callable[[Mailbox], object]:
        def taken(mailbox: Mailbox) -> object:
            box = shell.read()["boxes"][mailbox.address]
            return box if box["state"] == "Scheduled" else {key: box[key] for key in box if key not in ("start", "end")}

        return taken

    @pytest.fixture
    def owner_changes(self, shell: Shell) -> Callable[[Mailbox], None]:
        return lambda mailbox: shell.box(mailbox.address, state="Enabled", internal=f"<p>Weg, keer {next(_serial)}</p>")

    @pytest.fixture
    def answer(self, shell: Shell, mailbox: Mailbox) -> Answer:
        def deliver(sender: str) -> EmailMessage | None:
            text = shell.reply(mailbox.address, sender, datetime.now().astimezone())
            if text is None:
                return None
            message = EmailMessage()
            message.set_content(shown(text))
            return message

        return deliver

    @pytest.fixture
    def zoned(self, shell: Shell) -> Zoned:
        @contextmanager
        def made(zone: str) -> Iterator[tuple[Any, Mailbox, Callable[[datetime], bool]]]:
            if zone != "Pacific/Kiritimati":
                pytest.skip("instants go to the script as seconds since 1970, whatever the zone")
            box = new_mailbox(shell)
            yield (
                remembering(shell.connector()),
                box,
                lambda at: shell.reply(box.address, "k@else.test", at) is not None,
            )

        return made

    @pytest.fixture
    def troubled(self, shell: Shell) -> Callable[[str], ExchangeShell]:
        def made(trouble: str) -> ExchangeShell:
            if trouble == "silent":
                shell.fails("silent", 9)
                return shell.connector(seconds=0.3)
            if trouble == "refusing":
                shell.fails("error", 9, error="UnauthorizedAccess", category="PermissionDenied")
            else:
                shell.fails("garbled", 9)
            return shell.connector()

        return made


# values, and nothing but values


@pytest.mark.parametrize("hostile", list(HOSTILE))
def test_no_value_is_among_the_words_of_the_command(shell: Shell, mailbox: Mailbox, hostile: str) -> None:
    connector = remembering(shell.connector())
    try:
        connector.write(mailbox, wanted(mailbox, connector.can, text_body=HOSTILE[hostile]), connector.read(mailbox))
    except LocumError:
        return
    runs = shell.read()["runs"]
    assert {run["script"] for run in runs} == {str(SCRIPT)}
    sent = next(run["items"][0]["reply"] for run in runs if run["do"] == "set")
    seen = html.unescape(re.sub(r"<br>\n", "\n", sent["internal"][1:])).replace("\xa0", " ")
    assert seen == HOSTILE[hostile].replace("\r\n", "\n").rstrip("\n")


@pytest.mark.parametrize(
    "address",
    ["-Identity@corp.test", "a b@corp.test", "a;b@corp.test", "$(x)@corp.test", "*@corp.test", "a‘b@corp.test"],
)
def test_a_name_that_is_no_plain_address_goes_nowhere(shell: Shell, address: str) -> None:
    with pytest.raises(Invalid):
        shell.connector().read(Mailbox(address=address))
    assert shell.read()["runs"] == []


def test_many_are_one_run_to_read_and_one_to_write(shell: Shell) -> None:
    boxes = [new_mailbox(shell) for _ in range(20)]
    connector = shell.connector()
    found = connector.read_many(boxes)
    assert [run["do"] for run in shell.read()["runs"]] == ["get"]
    done = connector.write_many([(box, wanted(box, connector.can), one) for box, one in zip(boxes, found, strict=True)])  # type: ignore[misc]
    assert [run["do"] for run in shell.read()["runs"][1:]] == ["get", "set", "get"]
    assert not any(isinstance(one, LocumError) for one in done)


# the script itself

TEXT = SCRIPT.read_text("utf-8")


def test_the_script_makes_no_command_of_a_value() -> None:
    code = "\n".join(line.partition("#")[0] for line in TEXT.splitlines())
    for way in (
        "Invoke-Expression",
        "iex ",
        "ScriptBlock",
        "&$",
        "& $",
        "-Command ",
        "Start-Process",
        "Add-Type",
        ".Invoke(",
    ):
        assert way not in code.replace("Get-Command ", ""), way
    assert '"' not in code  # double quotes are those in which PowerShell looks for variables
    assert not set("‘’‚‛“”„") & set(TEXT)  # which PowerShell takes for quotes


def test_the_script_sets_with_the_one_cmdlet_and_by_parameters_alone() -> None:
    called = set(re.findall(r"\b(?:Set|New|Add|Remove|Enable|Disable)-\w+", re.sub(r"@\(.*?\)", "", TEXT)))
    assert called == {
        *("Set-StrictMode", "Set-Reply", "Set-MailboxAutoReplyConfiguration", "New-Object", "New-PSSession"),
        "Remove-PSSession",
    }
    assert "Set-MailboxAutoReplyConfiguration @Values" in TEXT


# what goes wrong

MEANT = {
    "CommandNotFoundException": (Rejected, "shell-no-role"),
    "[Server=EX1],UnauthorizedAccessException,Set": (Rejected, "shell-denied"),
    "AuthenticationError": (Rejected, "shell-login"),
    "PSRemotingTransportException": (Unreachable, "shell-unreachable"),
    "AdminTransientException": (Unreachable, "shell-busy"),
    "SomethingElse<script>": (Rejected, "shell-refused"),
}


@pytest.mark.parametrize("code", list(MEANT))
def test_what_exchange_refuses_is_told_apart_with_advice(shell: Shell, mailbox: Mailbox, code: str) -> None:
    kind, key = MEANT[code]
    shell.fails("error", error=code)
    with pytest.raises(kind, match=key) as caught:
        shell.connector().read(mailbox)
    assert "<" not in str(caught.value)
    for language in LANGUAGES:
        assert "{" not in say(language, f"errors.{key}.sentence", **caught.value.values)


def test_who_is_not_there_is_told_by_name(shell: Shell) -> None:
    with pytest.raises(Rejected, match="shell-no-mailbox"):
        shell.connector().read(Mailbox(address="nobody@corp.test"))


def test_a_program_that_is_not_there_says_so(shell: Shell, mailbox: Mailbox) -> None:
    with pytest.raises(Rejected, match="shell-no-program"):
        shell.connector(command=["no-such-pwsh"]).read(mailbox)


def test_a_program_that_dies_is_not_believed(shell: Shell, mailbox: Mailbox) -> None:
    shell.fails("dies")
    with pytest.raises(Unreachable, match="shell-no-answer"):
        shell.connector().read(mailbox)


def test_where_it_dies_after_it_acted_it_is_read(shell: Shell, mailbox: Mailbox) -> None:
    connector = remembering(shell.connector())
    before = connector.read(mailbox)
    shell.change(faults=[{}, {"kind": "dies", "acts": True, "status": 255}], runs=[])
    assert len(connector.write(mailbox, wanted(mailbox, connector.can), before).replies) == 1


def test_an_answer_that_does_not_end_is_not_read_to_its_end(shell: Shell, mailbox: Mailbox) -> None:
    shell.fails("endless")
    with pytest.raises(Unreachable):
        shell.connector(seconds=60).read(mailbox)


def test_an_answer_that_is_none_is_garbled(shell: Shell, mailbox: Mailbox) -> None:
    shell.fails("garbled")
    with pytest.raises(Garbled):
        shell.connector().read(mailbox)


def test_a_silence_after_it_acted_is_settled_by_reading(shell: Shell, mailbox: Mailbox) -> None:
    connector = remembering(shell.connector(seconds=1.5))
    before = connector.read(mailbox)
    shell.change(faults=[{}, {"kind": "silent", "acts": True, "seconds": 4}], runs=[])
    done = connector.write(mailbox, wanted(mailbox, connector.can), before)
    assert (len(done.replies), [run["do"] for run in shell.read()["runs"]]) == (1, ["get", "set", "get"])


# check


def test_check_proves_that_the_role_holds_nothing_else(shell: Shell, mailbox: Mailbox) -> None:
    found = {one.key: one.holds for one in shell.connector().check(mailbox)}
    assert found == {"shell.settings": True, "shell.two-cmdlets": True}


@pytest.mark.parametrize(
    ("cmdlets", "powers"),
    [(["New-InboxRule"], (False, True)), (["Add-MailboxPermission", "Set-Mailbox"], (True, True))],
)
def test_check_sees_a_role_that_can_do_more(shell: Shell, mailbox: Mailbox, cmdlets: list[str], powers: object) -> None:
    shell.change(more=cmdlets)
    connector = shell.connector()
    found = {one.key: one.holds for one in connector.check(mailbox)}
    assert (found["shell.more"], (connector.can.reads_mail, connector.can.redirects_mail)) == (False, powers)
