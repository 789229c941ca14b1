"""The main path on Exchange Server: refused until the policy allows a credential that reads mail; then live, hers seen, all put back."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.world import World

from locum.demo.sink import Sink
from locum.errors import Invalid, Refused
from locum.lifecycle import State
from locum.settings import load
from mailhosts.ews import PASSWORD, EwsHost, ews_host
from mailhosts.graph_client import shown

pytestmark = pytest.mark.slow
PAGE = (Path(__file__).parent.parent / "docs" / "connectors" / "ews.md").read_text("utf-8")
HERS = "<html>\r\n<body>\r\n<p>Ik ben op reis.</p>\r\n</body>\r\n</html>\r\n"
POWERS = '["read-mail", "redirect-mail"]'


@pytest.fixture
def host() -> Iterator[EwsHost]:
    with ews_host() as made:
        for name in ("anna", "bob", "carla", "dirk"):
            made.add(f"{name}@corp.test", inside=HERS, outside=HERS, langs=("nl", "nl"))
        made.add("director@corp.test", where="outside")
        yield made


def on_the_page(host: EwsHost, folder: Path) -> str:
    """The table of the page, with the address of the stub."""
    block = next(one for one in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "[connector.exchange]" in one)
    password = folder / "exchange.secret"
    password.touch(0o600)
    password.write_text(PASSWORD)
    for there, here in {
        "https://mail.corp.example/EWS/Exchange.asmx": host.url,
        "corp.example": "corp.test",
        '"exchange.secret"': f'"{password}"',
        'ca_file = "corp-ca.pem"': "",
    }.items():
        assert there in block
        block = block.replace(there, here)
    return block


def world_with(host: EwsHost, folder: Path, sink: Sink, **policy: object) -> World:
    now = datetime.now(UTC).replace(microsecond=0)  # the connector's clock is the machine's
    return World(folder, sink, now=now, connectors=on_the_page(host, folder), policy={"wait_hours": 0, **policy})


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as made:
        yield made


def test_without_a_word_of_the_policy_it_is_refused(host: EwsHost, tmp_path: Path, sink: Sink) -> None:
    world = world_with(host, tmp_path, sink)
    with pytest.raises(Refused, match="power-not-allowed"):
        world.request(until=(world.now + timedelta(days=10)).date().isoformat())
    assert host.boxes["anna@corp.test"].written == 0


def test_without_a_reason_the_settings_are_none(host: EwsHost, tmp_path: Path, sink: Sink) -> None:
    world = world_with(host, tmp_path, sink, powers=POWERS)
    text = world.config.read_text("utf-8")
    for reason in ("", 'can_read_mail = ""', 'can_read_mail = " "'):
        world.config.write_text(re.sub(r"can_read_mail = .*", reason, text), "utf-8")
        with pytest.raises(Invalid, match="can_read_mail"):
            load(world.config)


def test_a_reply_goes_live_and_what_was_there_is_put_back_at_its_end(host: EwsHost, tmp_path: Path, sink: Sink) -> None:
    world = world_with(host, tmp_path, sink, powers=POWERS)
    box, before = host.boxes["anna@corp.test"], host.boxes["anna@corp.test"].kept()
    host.fails("Set", kind="unkept")
    case = world.request(until=(world.now + timedelta(days=10)).date().isoformat(), audience="everyone")
    world.work()
    if world.desk.case(case.id).state is not State.APPLIED:
        world.later(minutes=5)
    reply = world.desk.case(case.id).auto_reply
    assert (world.desk.case(case.id).state, shown(box.inside), box.audience) == (
        State.APPLIED,
        reply.text_body.rstrip("\n"),
        "All",
    )
    world.later(days=11)
    world.work()
    assert (world.desk.case(case.id).state, box.kept()) == (State.ACCOUNTED, before)


def test_check_tries_it_with_the_mailboxes_of_the_settings(host: EwsHost, tmp_path: Path, sink: Sink) -> None:
    world = world_with(host, tmp_path, sink, powers=POWERS)
    found = {one.key: one.holds for one in world.desk.check(["exchange"])["exchange"]}
    assert (found["ews.settings"], found["ews.outside-refused"]) == (True, True)
