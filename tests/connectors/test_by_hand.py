"""By hand: the suite, with somebody who takes the steps; what is pasted, and what is not believed; and a whole case."""

import base64
import itertools
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from tests.world import World

from conformance import Answer, ConnectorConformance, Zoned, a_reply, wanted
from hostile import HOSTILE
from locum.absence import Mailbox
from locum.connectors.by_hand import ByHand
from locum.connectors.by_hand_steps import pasted, powershell, sent
from locum.connectors.ews_texts import nothing, setting
from locum.demo.sink import Sink
from locum.errors import Invalid, Rejected, Unreachable, Unsupported
from locum.lifecycle import Case, State
from locum.measure import Audience, Standing, Wanted
from mailhosts.graph_client import shown
from remembering import remembering

_serial = itertools.count(1)
OFF = {"state": "Disabled", "audience": "All", "internal": "<p>Weg</p>", "external": "", "start": 0, "end": 86400}


class Administrator:
    """Exchange, and somebody at its shell who does what Locum's steps say, and pastes what they print."""

    def __init__(self, connector: ByHand) -> None:
        self.connector = connector
        self.boxes: dict[str, dict[str, Any]] = {}
        self.ran: list[str] = []

    def works(self) -> int:
        """Everything on the list."""
        tasks = list(self.connector.tasks.waiting())
        for task in tasks:
            self.ran.append(task.do)
            self.connector.done(task.mailbox, "petra", self.run(self.connector.steps(task)))
        return len(tasks)

    def run(self, steps: str) -> str:
        """As PowerShell would: the values out of their quotes, set where the steps set, and what stands then."""
        (packed,) = re.findall(r"FromBase64String\('([A-Za-z0-9+/=]*)'\)", steps)
        asked = json.loads(base64.b64decode(packed))
        box = self.boxes.setdefault(asked["mailbox"], dict(OFF))
        if "Set-MailboxAutoReplyConfiguration" in steps:
            box.update({key: asked[key] for key in ("state", "audience", "start", "end") if asked[key] is not None})
            box.update({key: asked[key].removeprefix("=") for key in ("internal", "external")})
        today = {} if box["state"] == "Scheduled" else {"start": OFF["start"], "end": OFF["end"]}
        said = json.dumps({"mailbox": asked["mailbox"], **box, **today})
        return "PS C:\\> \n" + "\n".join(said[n : n + 80] for n in range(0, len(said), 80)) + "\nPS C:\\> "

    def reply(self, address: str, sender: str, at: datetime) -> str | None:
        box = self.boxes.get(address, OFF)
        inside = sender.rpartition("@")[2] == address.rpartition("@")[2]
        live = box["state"] == "Enabled" or (
            box["state"] == "Scheduled" and box["start"] <= at.timestamp() < box["end"]
        )
        if not live or (not inside and box["audience"] == "None"):
            return None
        return str(box["internal" if inside else "external"]) or None


class Attended:
    """The connector, with somebody there who does what is on the list as soon as it is."""

    def __init__(self, administrator: Administrator) -> None:
        self._administrator, self._connector = administrator, administrator.connector

    def __getattr__(self, name: str) -> object:
        return getattr(self._connector, name)

    def read(self, mailbox: Mailbox) -> Standing:
        self._look_anew(mailbox)
        return self._connector.read(mailbox)

    def write(self, mailbox: Mailbox, wanted: Wanted, expect: Standing) -> Standing:
        self._connector.refuse(mailbox, wanted)
        self._look_anew(mailbox)
        with suppress(Rejected):
            return self._connector.write(mailbox, wanted, expect)
        self._administrator.works()
        return self._connector.write(mailbox, wanted, expect)

    def _look_anew(self, mailbox: Mailbox) -> None:
        user = self._connector.user(mailbox)
        steps = powershell(user, None)
        self._connector.done(user, "petra", self._administrator.run(steps))


@pytest.fixture
def hand(tmp_path: Path) -> ByHand:
    (tmp_path / "hand").mkdir()
    return ByHand(name="hand", folder=tmp_path / "hand")


@pytest.fixture
def administrator(hand: ByHand) -> Administrator:
    return Administrator(hand)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox(address=f"hers{next(_serial)}@corp.test")


class TestByHand(ConnectorConformance):
    system = "`by_hand`"

    @pytest.fixture
    def connector(self, administrator: Administrator) -> Any:
        return remembering(Attended(administrator))

    @pytest.fixture
    def mailbox(self) -> Mailbox:
        return Mailbox(address=f"hers{next(_serial)}@corp.test")

    @pytest.fixture
    def another_mailbox(self) -> Mailbox:
        return Mailbox(address=f"hers{next(_serial)}@corp.test")

    @pytest.fixture
    def snapshot(self, administrator: Administrator) -> Callable[[Mailbox], object]:
        def taken(mailbox: Mailbox) -> object:
            box = administrator.boxes.get(mailbox.address, dict(OFF))
            return {key: box[key] for key in box if key not in ("start", "end") or box["state"] == "Scheduled"}

        return taken

    @pytest.fixture
    def owner_changes(self, administrator: Administrator) -> Callable[[Mailbox], None]:
        def change(mailbox: Mailbox) -> None:
            hers = OFF | {"state": "Enabled", "internal": f"<p>Weg, keer {next(_serial)}</p>"}
            administrator.boxes[mailbox.address] = hers

        return change

    @pytest.fixture
    def answer(self, administrator: Administrator, mailbox: Mailbox) -> Answer:
        def deliver(sender: str) -> EmailMessage | None:
            text = administrator.reply(mailbox.address, sender, datetime.now(UTC))
            if text is None:
                return None
            message = EmailMessage()
            message.set_content(shown(text.replace("\n", "\r\n")))
            return message

        return deliver

    @pytest.fixture
    def zoned(self, administrator: Administrator) -> Zoned:
        @contextmanager
        def made(zone: str) -> Iterator[tuple[Any, Mailbox, Callable[[datetime], bool]]]:
            if zone != "Pacific/Kiritimati":
                pytest.skip("instants stand in the steps as seconds since 1970, whatever the zone")
            box = Mailbox(address="zoned@corp.test")
            yield (
                remembering(Attended(administrator)),
                box,
                lambda at: administrator.reply(box.address, "k@else.test", at) is not None,
            )

        return made


# somebody is needed, and nothing happens before


def test_nothing_is_known_before_somebody_looked(hand: ByHand, mailbox: Mailbox) -> None:
    with pytest.raises(Rejected, match="by-hand-look"):
        hand.read(mailbox)
    assert [(task.mailbox, task.do) for task in hand.tasks.waiting()] == [(mailbox.address, "look")]


def test_it_waits_until_what_was_pasted_is_what_was_asked(
    hand: ByHand, administrator: Administrator, mailbox: Mailbox
) -> None:
    with pytest.raises(Rejected):
        hand.read(mailbox)
    administrator.works()
    want, before = wanted(mailbox, hand.can), hand.read(mailbox)
    for _ in range(2):
        with pytest.raises(Rejected, match="by-hand-set"):
            hand.write(mailbox, want, before)
    (task,) = hand.tasks.waiting()
    administrator.connector.done(mailbox.address, "petra", administrator.run(powershell(mailbox.address, None)))
    with pytest.raises(Rejected, match="by-hand-set"):
        hand.write(mailbox, want, before)
    administrator.works()
    assert (hand.write(mailbox, want, before).replies, task.seen_by) == (want.replies, "petra")


def test_who_did_it_and_when_is_kept(hand: ByHand, administrator: Administrator, mailbox: Mailbox) -> None:
    with pytest.raises(Rejected):
        hand.read(mailbox)
    administrator.works()
    task = hand.tasks.of(mailbox.address)
    assert (task.seen_by, task.age() < timedelta(minutes=1), "by-hand" in hand.read(mailbox).remarks) == (
        "petra",
        True,
        True,
    )


def test_before_anything_is_taken_away_somebody_looks_anew(
    hand: ByHand, administrator: Administrator, mailbox: Mailbox
) -> None:
    attended = remembering(Attended(administrator))
    before = attended.read(mailbox)
    written = attended.write(mailbox, wanted(mailbox, hand.can), before)
    task = hand.tasks.of(mailbox.address)
    hand.tasks.keep(replace(task, seen_at=(datetime.now(UTC) - timedelta(days=9)).isoformat()))
    ours = hand.recognised(hand.read(mailbox), written.replies)  # what Locum had set counts until the end
    with pytest.raises(Rejected, match="by-hand-look"):
        hand.write(mailbox, Wanted(restore=before.found), ours)
    administrator.boxes[mailbox.address] = OFF | {"state": "Enabled", "internal": "<p>Hers</p>"}
    administrator.works()
    now = hand.recognised(hand.read(mailbox), written.replies)
    hand.write(mailbox, Wanted(restore=before.found), now)
    assert (now.replies, list(hand.tasks.waiting())) == ((), [])


def test_a_file_that_was_spoiled_says_nothing(hand: ByHand, administrator: Administrator, mailbox: Mailbox) -> None:
    with pytest.raises(Rejected):
        hand.read(mailbox)
    administrator.works()
    (file,) = (hand._folder).glob("*.json")
    file.write_text("{")
    with pytest.raises(Rejected, match="by-hand-look"):
        hand.read(mailbox)


def test_a_folder_that_is_not_there_says_so(tmp_path: Path, mailbox: Mailbox) -> None:
    away = ByHand(name="hand", folder=tmp_path / "none")
    with pytest.raises(Unreachable, match="by-hand-folder"):
        away.read(mailbox)
    assert away.check()[0].holds is False


def test_others_cannot_read_what_is_kept(hand: ByHand, mailbox: Mailbox) -> None:
    with pytest.raises(Rejected):
        hand.read(mailbox)
    assert {file.stat().st_mode & 0o777 for file in hand._folder.iterdir()} == {0o600}


# what the steps hold, and what is pasted


@pytest.mark.parametrize("hostile", list(HOSTILE))
def test_no_text_ends_the_quotes_that_it_stands_in(hostile: str, mailbox: Mailbox) -> None:
    try:
        kept = setting(a_reply(mailbox, text_body=HOSTILE[hostile], audience=Audience.EVERYONE))
    except Unsupported:
        pytest.skip("a text that is refused")
    steps = powershell(mailbox.address, kept)
    outside = re.sub(r"FromBase64String\('[A-Za-z0-9+/=]+'\)", "", steps)
    assert outside == re.sub(
        r"FromBase64String\('[A-Za-z0-9+/=]+'\)",
        "",
        powershell("x@corp.test", nothing() | kept | {"InternalReply": "x"}),
    )


GOOD = json.dumps({"mailbox": "anna@corp.test", **OFF})
BAD = {
    "nothing": "",
    "no object": "Get-MailboxAutoReplyConfiguration : The operation couldn't be performed",
    "half of it": GOOD[:40],
    "a list": f"[{GOOD}]",
    "more than that": GOOD[:-1] + ', "x": 1}',
    "less": json.dumps({"mailbox": "anna@corp.test", "state": "Disabled"}),
    "another mailbox": GOOD.replace("anna", "bob"),
    "an odd state": GOOD.replace("Disabled", "Off"),
    "a time in words": GOOD.replace("86400", '"12/25/2026"'),
    "a time far away": GOOD.replace("86400", "9" * 30),
    "a text that is none": GOOD.replace('"<p>Weg</p>"', "[1]"),
    "very deep": "{" * 100_000 + "}" * 100_000,
    "very long": "{" + "x" * 2_000_000 + "}",
}


@pytest.mark.parametrize("case", list(BAD))
def test_what_was_not_shown_by_the_steps_is_refused_and_changes_nothing(hand: ByHand, case: str) -> None:
    if case == "a list":
        pytest.skip("its one object is taken; another mailbox's is not")
    before = hand.tasks.of("anna@corp.test")
    with pytest.raises(Invalid):
        hand.done("anna@corp.test", "petra", BAD[case])
    assert hand.tasks.of("anna@corp.test") == before


def test_what_a_terminal_broke_into_lines_is_read(mailbox: Mailbox) -> None:
    broken = "\r\n".join(GOOD[n : n + 7] for n in range(0, len(GOOD), 7))
    assert sent(pasted(f"PS> x\n{broken}\nPS>", "anna@corp.test"))["internal"] == "=<p>Weg</p>"


# another system, in a word


def test_another_system_is_said_in_a_word(tmp_path: Path, mailbox: Mailbox) -> None:
    other = ByHand(name="old", folder=tmp_path, system="other")
    with pytest.raises(Rejected, match="by-hand-look"):
        other.read(mailbox)
    with pytest.raises(Invalid):
        other.done(mailbox.address, "petra", said="as-shown")
    other.done(mailbox.address, "petra", said="nothing")
    want, before = wanted(mailbox, other.can), other.read(mailbox)
    with pytest.raises(Rejected, match="by-hand-set"):
        other.write(mailbox, want, before)
    assert other.steps(other.tasks.of(mailbox.address)) == ""
    other.done(mailbox.address, "petra", said="as-shown")
    assert other.write(mailbox, want, before).replies == want.replies


def test_a_reply_of_hers_is_hers(tmp_path: Path, mailbox: Mailbox) -> None:
    other = ByHand(name="old", folder=tmp_path, system="other")
    other.done(mailbox.address, "petra", said="hers")
    assert other.read(mailbox).own_reply is True


# a whole case

TABLE = '[connector.hand]\nkind = "by_hand"\nmailboxes = ["@corp.test"]\nfolder = "hand"\n'


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "hand").mkdir()
    with Sink() as sink:
        now = datetime.now(UTC).replace(microsecond=0)  # the connector's clock is the machine's
        yield World(tmp_path, sink, now=now, connectors=TABLE, policy={"wait_hours": 0})


def test_a_case_goes_its_way_by_hand_from_the_request_to_the_account(world: World) -> None:
    connector = world.app.connectors["hand"]
    assert isinstance(connector, ByHand)
    somebody = Administrator(connector)
    until = (world.now + timedelta(days=10)).date().isoformat()
    case: Case = world.request(until=until, audience=Audience.EVERYONE)
    world.work()
    assert "by-hand-look" in {job.trouble for job in world.app.store.jobs(case.id)}
    for _ in range(2):
        somebody.works()
        world.later(hours=2)
    assert (world.desk.case(case.id).state, somebody.boxes["anna@corp.test"]["state"]) == (State.APPLIED, "Scheduled")
    world.later(days=11)
    for _ in range(2):
        somebody.works()
        world.later(hours=2)
    ended = world.desk.case(case.id)
    assert (ended.state, somebody.boxes["anna@corp.test"]["state"]) == (State.ACCOUNTED, "Disabled")
    assert somebody.boxes["anna@corp.test"]["internal"] == OFF["internal"]


def test_at_the_command_line(world: World) -> None:
    until = (world.now + timedelta(days=10)).date().isoformat()
    world.request(until=until, audience=Audience.EVERYONE)
    world.work()

    def locum(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(Path(os.sys.executable).with_name("locum")), "by-hand", *words, "--config", str(world.config)]  # type: ignore[attr-defined]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False)

    assert "anna@corp.test" in locum("list").stdout
    steps = locum("show", "anna@corp.test")
    connector = world.app.connectors["hand"]
    assert isinstance(connector, ByHand)
    shown_there = Administrator(connector).run(steps.stdout)
    assert "FromBase64String" in steps.stdout
    refused = locum("done", "anna@corp.test", "--as", "bob", given="nonsense")
    assert (refused.returncode, "anna@corp.test" in locum("list").stdout) == (2, True)
    assert locum("done", "anna@corp.test", "--as", "bob", given=shown_there).returncode == 0
    assert (connector.tasks.of("anna@corp.test").seen_by, locum("list").stdout) == ("bob", "")
    assert locum("show", "nobody@corp.test").returncode == 0
