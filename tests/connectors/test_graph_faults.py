"""Graph when it does not do its part: throttled, half answered, silent after it acted, and credentials that are no more."""

import itertools
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from conformance import a_reply, wanted
from graph_judge import judging
from locum.absence import Mailbox
from locum.connectors import graph as graphs
from locum.connectors import https_wire
from locum.connectors.graph import PATIENCE, Graph
from locum.errors import Conflict, Garbled, Invalid, LocumError, Rejected, Trouble, Unreachable
from locum.measure import Standing
from locum.messages import LANGUAGES, say
from mailhosts.certificates import certified
from mailhosts.graph import Box, Fault, GraphHost, graph_host
from mailhosts.graph_client import Registered, registered

pytestmark = pytest.mark.slow
_serial = itertools.count(1)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Registered:
    return registered(tmp_path_factory.mktemp("graph"))


@pytest.fixture(scope="module")
def _shared(app: Registered) -> Iterator[GraphHost]:
    with graph_host([app.certificate]) as made:
        yield made


@pytest.fixture
def host(_shared: GraphHost, app: Registered) -> Iterator[GraphHost]:
    """As it is when all is well; what goes to and fro is judged."""
    _shared.faults.clear()
    _shared.enabled, _shared.certificates, _shared.delay = True, [app.certificate], 0
    _shared.now = lambda: datetime.now(UTC)
    with judging(_shared):
        yield _shared


@pytest.fixture
def graph(app: Registered, host: GraphHost) -> Graph:
    return app.connector(host)


def boxes_of(host: GraphHost, count: int, **changes: Any) -> list[Mailbox]:
    made = [Mailbox(address=f"box{next(_serial)}@corp.test") for _ in range(count)]
    for one in made:
        host.add(one.address, **changes)
    return made


def items_of(graph: Graph, boxes: list[Mailbox]) -> list[Any]:
    return [(box, wanted(box, graph.can), one) for box, one in zip(boxes, graph.read_many(boxes), strict=True)]


def there(host: GraphHost, box: Mailbox) -> Box:
    return host.boxes[box.address]


def keys(results: list[Any]) -> list[str]:
    """What became of each: "set" or the error."""
    return [one.key if isinstance(one, LocumError) else "set" if one.replies else "nothing" for one in results]


# too many requests


def test_after_a_storm_of_429_all_are_applied_and_each_of_them_once(host: GraphHost, graph: Graph) -> None:
    boxes = boxes_of(host, 60)
    items = items_of(graph, boxes)
    for _ in range(3):
        host.fails("batch", status=429, code="ApplicationThrottled", wait="3")
    host.fails("item PATCH", times=70, status=429, code="ApplicationThrottled", wait="2")
    host.fails("item GET", times=25, status=429, code="", wait="7")
    assert keys(graph.write_many(items)) == ["set"] * 60
    assert {there(host, box).written for box in boxes} == {1}
    assert all(fault.times == 0 for fault in host.faults)
    assert 0 < sum(graph.waited) <= PATIENCE * 4  # type: ignore[attr-defined]


def test_a_storm_that_goes_on_is_left_to_the_worker_and_nothing_was_done(host: GraphHost, graph: Graph) -> None:
    (box,) = boxes_of(host, 1)
    items = items_of(graph, [box])
    host.fails("PATCH", times=1000, status=429, code="ApplicationThrottled", wait="10")
    (error,) = graph.write_many(items)
    assert isinstance(error, Unreachable)
    assert (error.key, error.values["seconds"], there(host, box).written) == ("graph-throttled", "10", 0)
    assert sum(graph.waited) <= PATIENCE  # type: ignore[attr-defined]


def test_an_hour_is_not_waited_here(host: GraphHost, graph: Graph) -> None:
    (box,) = boxes_of(host, 1)
    host.fails("GET", status=429, code="ApplicationThrottled", wait="3600")
    with pytest.raises(Unreachable, match="graph-throttled"):
        graph.read(box)
    assert graph.waited == []  # type: ignore[attr-defined]


def test_until_when_may_be_said_as_a_date(host: GraphHost, graph: Graph) -> None:
    (box,) = boxes_of(host, 1)
    host.fails("GET", status=429, wait=format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    graph.read(box)
    (seconds,) = graph.waited  # type: ignore[attr-defined]
    assert 25 < seconds <= 30


def test_what_she_changes_while_we_wait_is_not_overwritten(app: Registered, host: GraphHost) -> None:
    (box,) = boxes_of(host, 1)

    def she_changes(_: float) -> None:
        there(host, box).status, there(host, box).inside = "alwaysEnabled", "<p>Van mij</p>"

    graph = app.connector(host, pause=she_changes)
    items = items_of(graph, [box])
    host.fails("PATCH", status=429, wait="5")
    (error,) = graph.write_many(items)
    assert isinstance(error, Conflict)
    assert (there(host, box).inside, there(host, box).written) == ("<p>Van mij</p>", 0)


def test_four_requests_are_under_way_at_most_whoever_asks(host: GraphHost, graph: Graph) -> None:
    boxes, host.delay, host.most_at_once = boxes_of(host, 100), 0.01, 0
    threads = [threading.Thread(target=graph.read_many, args=(boxes,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert host.most_at_once == 4


# batches


def test_a_batch_that_is_half_answered_says_nothing_of_the_rest(host: GraphHost, graph: Graph) -> None:
    boxes = boxes_of(host, 5)
    for place in (1, 3):
        host.fails("item GET", kind="missing", who=boxes[place].address)
    assert keys(graph.read_many(boxes)) == ["nothing", "graph-unanswered", "nothing", "graph-unanswered", "nothing"]


def test_whether_an_unanswered_one_was_done_is_read(host: GraphHost, graph: Graph) -> None:
    boxes = boxes_of(host, 4)
    items = items_of(graph, boxes)
    host.fails("item PATCH", kind="missing", who=boxes[1].address, acts=True)
    host.fails("item PATCH", kind="missing", who=boxes[2].address)
    assert keys(graph.write_many(items)) == ["set", "set", "graph-unanswered", "set"]
    assert [there(host, box).written for box in boxes] == [1, 1, 0, 1]


def test_an_answer_that_is_none_stands_for_its_mailbox_alone(host: GraphHost, graph: Graph) -> None:
    boxes = boxes_of(host, 4)
    host.fails("item GET", kind="strange", who=boxes[0].address)
    host.fails("item GET", kind="twice", who=boxes[2].address)
    found = graph.read_many(boxes)
    assert keys(found) == ["graph-garbled", "nothing", "graph-garbled", "nothing"]


def test_each_status_inside_a_batch_is_the_error_that_it_would_be_alone(host: GraphHost, graph: Graph) -> None:
    outside, away, throttled, broken, fine = (
        boxes_of(host, 1, where=where)[0] for where in ("outside", "away", "online", "online", "online")
    )
    nobody = Mailbox(address="nobody@corp.test")
    for on in ("item GET", "GET"):
        host.fails(on, who=throttled.address, times=1000, status=429, code="", wait="50")
    host.fails("item GET", who=broken.address, status=500, code="")
    boxes = [outside, away, throttled, broken, fine, nobody]
    assert keys(graph.read_many(boxes)) == [
        "graph-not-allowed",
        "graph-not-online",
        "graph-throttled",
        "graph-not-done",
        "nothing",
        "graph-no-mailbox",
    ]


def test_a_code_that_is_empty_tells_nothing_and_is_no_trouble(host: GraphHost, graph: Graph) -> None:
    boxes = boxes_of(host, 2)
    host.fails("item GET", who=boxes[0].address, status=403, code="")
    refused, fine = graph.read_many(boxes)
    assert isinstance(refused, Rejected)
    assert isinstance(fine, Standing)
    assert refused.values["code"] == "403"


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        ({"status": 503}, "graph-not-done"),
        ({"status": 403, "code": "ErrorAccessDenied"}, "graph-not-allowed"),
        ({"kind": "garbled"}, "graph-garbled"),
        ({"kind": "dropped"}, "https-silent"),
        ({"kind": "moved"}, "graph-garbled"),
    ],
)
def test_what_is_wrong_with_a_batch_is_wrong_with_each_in_it(
    host: GraphHost, graph: Graph, fault: dict[str, Any], key: str
) -> None:
    boxes = boxes_of(host, 3)
    graph.tokens.get()
    host.fails("batch", **fault)
    assert keys(graph.read_many(boxes)) == [key] * 3


# one mailbox


@pytest.mark.parametrize(
    ("where", "key"), [("outside", "graph-not-allowed"), ("away", "graph-not-online"), ("", "graph-no-mailbox")]
)
def test_whoever_reads_the_error_is_told_what_to_do(host: GraphHost, graph: Graph, where: str, key: str) -> None:
    box = boxes_of(host, 1, where=where)[0] if where else Mailbox(address="nobody@corp.test")
    with pytest.raises(Rejected, match=key) as caught:
        graph.read(box)
    values = caught.value.values
    said = [
        say(language, f"errors.{key}.{part}", **values) for language in LANGUAGES for part in ("sentence", "advice")
    ]
    assert all(said)
    assert box.address in said[0]


def test_away_for_a_moment_is_asked_again(host: GraphHost, graph: Graph) -> None:
    (box,) = boxes_of(host, 1)
    host.fails("GET", status=503, wait="4")
    graph.read(box)
    assert graph.waited == [4.0]  # type: ignore[attr-defined]


def test_an_error_of_theirs_at_writing_is_settled_by_reading_and_not_sent_again(host: GraphHost, graph: Graph) -> None:
    done, undone = boxes_of(host, 2)
    host.fails("PATCH", who=done.address, status=504, acts=True)
    host.fails("PATCH", who=undone.address, status=504)
    assert graph.write(done, wanted(done, graph.can), graph.read(done)).replies
    with pytest.raises(Unreachable, match="graph-not-done"):
        graph.write(undone, wanted(undone, graph.can), graph.read(undone))
    assert (there(host, done).written, there(host, undone).written) == (1, 0)


@pytest.mark.parametrize("kind", ["silent", "dropped"])
def test_silence_after_it_acted_is_settled_by_reading(app: Registered, host: GraphHost, kind: str) -> None:
    graph = app.connector(host, answer_seconds=0.25)
    done, undone = boxes_of(host, 2)
    host.fails("PATCH", kind=kind, who=done.address, acts=True)
    host.fails("PATCH", kind=kind, who=undone.address)
    reply = a_reply(done, graph.can)
    assert graph.write(done, wanted(done, graph.can), graph.read(done)).replies == (reply,)
    with pytest.raises(Unreachable, match="https-silent"):
        graph.write(undone, wanted(undone, graph.can), graph.read(undone))
    assert (there(host, done).written, there(host, undone).written) == (1, 0)


def test_what_is_shown_late_is_looked_at_once_more(host: GraphHost, graph: Graph) -> None:
    late, never = boxes_of(host, 2)
    before = [graph.read(late), graph.read(never)]
    host.faults += [Fault("GET", "fine", who=box.address) for box in (late, never)]
    host.faults += [Fault("GET", "stale", who=late.address), Fault("GET", "stale", times=2, who=never.address)]
    written = [graph.write(box, wanted(box, graph.can), one) for box, one in zip((late, never), before, strict=True)]
    assert [bool(one.replies) for one in written] == [True, False]
    assert [there(host, box).written for box in (late, never)] == [1, 1]


def test_silence_of_a_whole_batch_that_was_done_is_settled_by_reading(host: GraphHost, graph: Graph) -> None:
    boxes = boxes_of(host, 3)
    items = items_of(graph, boxes)
    host.fails("batch", kind="missing", times=0)
    for one in boxes:
        host.fails("item PATCH", kind="missing", who=one.address, acts=True)
    assert keys(graph.write_many(items)) == ["set"] * 3
    assert {there(host, box).written for box in boxes} == {1}


def test_what_exchange_refuses_is_told_with_its_own_word(host: GraphHost, graph: Graph) -> None:
    (box,) = boxes_of(host, 1)
    host.fails("PATCH", status=400, code="ErrorInvalidTimeSettings")
    with pytest.raises(Rejected, match="graph-refused") as caught:
        graph.write(box, wanted(box, graph.can), graph.read(box))
    assert caught.value.values["code"] == "ErrorInvalidTimeSettings"


def test_a_body_without_end_is_not_read_to_its_end(
    host: GraphHost, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.tokens.get()
    monkeypatch.setattr(https_wire, "LARGEST", 100)
    with pytest.raises(Garbled, match="https-garbled"):
        graph.read(boxes_of(host, 1)[0])


# credentials


def test_a_token_that_is_taken_no_more_is_fetched_anew_once(host: GraphHost, graph: Graph) -> None:
    (box,) = boxes_of(host, 1)
    graph.read(box)
    host.tokens.clear()
    before = len(host.used)
    graph.read(box)
    assert len(host.used) - before == 1


def test_a_token_that_is_refused_again_needs_a_person(host: GraphHost, graph: Graph) -> None:
    host.fails("GET", times=2, status=401, code="InvalidAuthenticationToken")
    with pytest.raises(Rejected, match="graph-token-refused"):
        graph.read(boxes_of(host, 1)[0])


def switched_off(host: GraphHost) -> None:
    host.enabled = False


def taken_off(host: GraphHost) -> None:
    host.certificates = []


def slow(host: GraphHost) -> None:
    host.now = lambda: datetime.now(UTC) + timedelta(minutes=20)


def fast(host: GraphHost) -> None:
    host.now = lambda: datetime.now(UTC) - timedelta(minutes=20)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (switched_off, "graph-app-disabled"),
        (taken_off, "graph-certificate-unknown"),
        (slow, "graph-clock"),
        (fast, "graph-clock"),
    ],
)
def test_credentials_that_are_no_more_are_told_with_what_to_do(
    host: GraphHost, graph: Graph, change: Callable[[GraphHost], None], key: str
) -> None:
    change(host)
    with pytest.raises(Rejected, match=key) as caught:
        graph.read(boxes_of(host, 1)[0])
    values = caught.value.values
    assert all(say(language, f"errors.{key}.advice", **values) for language in LANGUAGES)
    assert values["minutes"] == {slow: "-20", fast: "+20"}.get(change, "+0")


def test_a_certificate_that_has_ended_is_not_even_tried(app: Registered, host: GraphHost, tmp_path: Path) -> None:
    ended = registered(tmp_path, days=-1)
    before = len(host.used)
    with pytest.raises(Rejected, match="graph-certificate-ended"):
        ended.connector(host).read(boxes_of(host, 1)[0])
    assert len(host.used) == before


def test_a_key_of_another_certificate_is_noticed_here(app: Registered, host: GraphHost, tmp_path: Path) -> None:
    other = registered(tmp_path)
    other.app.certificate_file.write_bytes(app.app.certificate_file.read_bytes())
    with pytest.raises(Rejected, match="graph-key-other"):
        other.connector(host).read(boxes_of(host, 1)[0])


def others_may_read(app: Registered) -> None:
    app.app.key_file.chmod(0o644)


def no_key(app: Registered) -> None:
    app.app.key_file.write_text("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n")


def missing(app: Registered) -> None:
    app.app.key_file.unlink()


def no_certificate(app: Registered) -> None:
    app.app.certificate_file.write_text("x")


@pytest.mark.parametrize(
    ("change", "kind", "key"),
    [
        (others_may_read, Invalid, "secret-open-to-others"),
        (no_key, Rejected, "graph-key"),
        (missing, Unreachable, "secret-missing"),
        (no_certificate, Rejected, "graph-certificate-file"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_named(
    host: GraphHost, tmp_path: Path, change: Callable[[Registered], None], kind: type[LocumError], key: str
) -> None:
    made = registered(tmp_path)
    change(made)
    with pytest.raises(kind, match=key):
        made.connector(host).read(boxes_of(host, 1)[0])


def test_a_new_certificate_counts_without_starting_anew(host: GraphHost, tmp_path: Path) -> None:
    first, second = registered(tmp_path), registered(tmp_path, name="second")
    host.certificates = [first.certificate]
    graph = first.connector(host)
    (box,) = boxes_of(host, 1)
    graph.read(box)
    host.certificates, _ = [second.certificate], host.tokens.clear()
    second.app.certificate_file.replace(first.app.certificate_file)
    second.app.key_file.replace(first.app.key_file)
    assert graph.read(box).replies == ()


@pytest.mark.parametrize("fault", [{"status": 503}, {"kind": "dropped"}, {"kind": "silent"}])
def test_a_token_that_cannot_be_had_now_is_tried_again_later(
    app: Registered, host: GraphHost, fault: dict[str, Any]
) -> None:
    graph = app.connector(host, answer_seconds=0.25)
    host.fails("token", **fault)
    with pytest.raises(Unreachable):
        graph.read(boxes_of(host, 1)[0])
    assert graph.read(boxes_of(host, 1)[0]).active


# who is on the other side


@pytest.fixture(scope="module")
def encrypted(app: Registered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GraphHost, Path]]:
    folder = tmp_path_factory.mktemp("tls")
    made = certified(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made.certificate, made.key)
    with graph_host([app.certificate], tls) as host:
        yield host, made.authority


def test_an_authority_of_ones_own_can_be_named(app: Registered, encrypted: tuple[GraphHost, Path]) -> None:
    host, authority = encrypted
    assert app.connector(host, ca_file=authority).read(boxes_of(host, 1)[0]).active


def test_a_certificate_that_nobody_vouches_for_is_refused_and_nothing_sent(
    app: Registered, encrypted: tuple[GraphHost, Path]
) -> None:
    host, _ = encrypted
    before = len(host.used)
    with pytest.raises(Rejected, match="https-certificate"):
        app.connector(host).read(boxes_of(host, 1)[0])
    assert len(host.used) == before


def test_a_certificate_for_another_name_is_refused(app: Registered, encrypted: tuple[GraphHost, Path]) -> None:
    host, authority = encrypted
    there = host.url.replace("127.0.0.1", "localhost")
    with pytest.raises(Rejected, match="https-certificate"):
        app.connector(host, ca_file=authority, login_url=there).read(boxes_of(host, 1)[0])


@pytest.mark.parametrize(
    "url",
    ["http://graph.corp.test", "https://user:pw@graph.corp.test", "ftp://127.0.0.1", "https://x/?a=b", "https://"],
)
@pytest.mark.parametrize("which", ["login_url", "graph_url"])
def test_an_address_on_which_others_could_read_along_is_refused(
    app: Registered, host: GraphHost, which: str, url: str
) -> None:
    with pytest.raises(Invalid, match="https-needed"):
        app.connector(host, **{which: url})


def test_nobody_there_is_tried_again_later(app: Registered) -> None:
    here = {"login_url": "http://127.0.0.1:9", "graph_url": "http://127.0.0.1:9"}
    with pytest.raises(Unreachable, match="https-unreachable"):
        app.connector(GraphHost([]), **here).read(Mailbox(address="anna@corp.test"))


def test_every_trouble_names_the_connector(host: GraphHost, graph: Graph) -> None:
    host.fails("GET", status=500)
    with pytest.raises(Trouble) as caught:
        graph.read(boxes_of(host, 1)[0])
    assert caught.value.values["connector"] == "online"
    assert graphs.Graph.kind == "graph"
