"""The main path on Exchange Online: from the settings of the page to a reply that is live, hers seen, and all put back."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.world import World

from locum.demo.sink import Sink
from locum.lifecycle import Case, State
from locum.settings import load
from mailhosts.graph import CLIENT, TENANT, GraphHost, graph_host
from mailhosts.graph_client import Registered, registered, shown

pytestmark = pytest.mark.slow
PAGE = (Path(__file__).parent.parent / "docs" / "connectors" / "graph.md").read_text("utf-8")
HERS = "<html>\r\n<body>\r\n<p>Ik ben op reis.</p>\r\n</body>\r\n</html>\r\n"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Registered:
    return registered(tmp_path_factory.mktemp("graph"))


@pytest.fixture
def host(app: Registered) -> Iterator[GraphHost]:
    with graph_host([app.certificate]) as made:
        for name in ("anna", "bob", "carla", "dirk"):
            made.add(f"{name}@corp.test", inside=HERS, outside=HERS)
        yield made


def on_the_page(app: Registered, host: GraphHost) -> str:
    """The table of the page, with the ids of the stub."""
    block = next(one for one in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "[connector.online]" in one)
    given = {
        "corp.example": "corp.test",
        'tenant = "00000000-0000-0000-0000-000000000000"': f'tenant = "{TENANT}"',
        'client_id = "00000000-0000-0000-0000-000000000000"': f'client_id = "{CLIENT}"',
        '"online.pem"': f'"{app.app.certificate_file}"',
        '"online.key"': f'"{app.app.key_file}"',
        "director@": "nobody@",
    }
    for there, here in given.items():
        assert there in block
        block = block.replace(there, here)
    return f'{block}\nlogin_url = "{host.url}"\ngraph_url = "{host.url}"\n'


@pytest.fixture
def world(app: Registered, host: GraphHost, tmp_path: Path) -> Iterator[World]:
    with Sink() as sink:
        now = datetime.now(UTC).replace(microsecond=0)  # the connector's clock is the machine's
        yield World(tmp_path, sink, now=now, connectors=on_the_page(app, host), policy={"wait_hours": 0})


def live(world: World) -> Case:
    until = (world.now + timedelta(days=10)).date().isoformat()
    case = world.request(until=until, audience="everyone")
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED
    return case


def test_the_settings_of_the_page_are_accepted(world: World) -> None:
    table = load(world.config).connectors["online"]
    assert (table.kind, load(world.config).may_apply("online")) == ("graph", True)


def test_a_reply_goes_live_and_what_was_there_is_put_back_at_its_end(world: World, host: GraphHost) -> None:
    box, before = host.boxes["anna@corp.test"], host.boxes["anna@corp.test"].kept()
    case = live(world)
    reply = world.desk.case(case.id).auto_reply
    assert (shown(box.inside), shown(box.outside), box.audience) == (
        reply.text_body.rstrip("\n"),
        (reply.external_text or "").rstrip("\n"),
        "all",
    )
    world.later(days=11)
    world.work()
    assert (world.desk.case(case.id).state, box.kept()) == (State.ACCOUNTED, before)


def test_what_she_sets_herself_while_ours_is_live_ends_it_and_stays(world: World, host: GraphHost) -> None:
    case, box = live(world), host.boxes["anna@corp.test"]
    box.status, box.window, box.inside = "alwaysEnabled", None, "<p>Ik ben er weer, maar druk.</p>"
    hers = box.kept()
    for _ in range(3):
        world.later(hours=2)
    assert (world.desk.case(case.id).state in (State.ENDED, State.ACCOUNTED), box.kept()) == (True, hers)


def test_a_worker_waits_out_a_storm_and_sets_it_once(world: World, host: GraphHost) -> None:
    host.fails("GET", times=3, status=429, code="ApplicationThrottled", wait="3600")
    case = world.request(until=(world.now + timedelta(days=10)).date().isoformat())
    world.work()
    assert world.desk.case(case.id).state is not State.APPLIED
    for _ in range(5):
        world.later(minutes=2)
    assert (world.desk.case(case.id).state, host.boxes["anna@corp.test"].written) == (State.APPLIED, 1)


def test_check_tries_it_with_the_mailboxes_of_the_settings(world: World) -> None:
    found = {one.key: one.holds for one in world.desk.check(["online"])["online"]}
    assert (found["graph.settings"], found["graph.mail-refused"]) == (True, True)
