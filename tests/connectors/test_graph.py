"""Graph against a stub that keeps state, judged by Microsoft's schema in both directions: the suite, the texts, what `check` says."""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import NOW, Answer, ConnectorConformance, Zoned, a_reply, wanted
from graph_judge import SPEC, GraphJudge, judging
from hostile import HOSTILE
from locum.absence import Mailbox
from locum.connectors import graph_texts
from locum.connectors.graph import Graph
from locum.errors import Conflict, Garbled, Invalid, Unsupported
from locum.measure import Audience, Standing, Wanted
from locum.messages import LANGUAGES, say
from mailhosts.graph import Exchanged, GraphHost, graph_host
from mailhosts.graph_client import Registered, registered, shown
from remembering import remembering
from schemas import schema

_serial = itertools.count(1)
HERS = "<html>\r\n<body>\r\n<p>Ik ben op&nbsp;reis &amp; lees geen mail.</p>\r\n</body>\r\n</html>\r\n"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Registered:
    return registered(tmp_path_factory.mktemp("graph"))


@pytest.fixture(scope="module")
def host(app: Registered) -> Iterator[GraphHost]:
    with graph_host([app.certificate]) as made:
        yield made


@pytest.fixture(autouse=True)
def judge(host: GraphHost) -> Iterator[GraphJudge | None]:
    """Every request of this file, and every answer."""
    host.faults.clear()
    with judging(host) as made:
        yield made


@pytest.fixture
def mailbox(host: GraphHost) -> Mailbox:
    """With a reply of hers that is switched off."""
    return new_mailbox(host)


@pytest.fixture(scope="module")
def graph(app: Registered, host: GraphHost) -> Graph:
    return app.connector(host)


@pytest.fixture
def connector(graph: Graph) -> Any:
    return remembering(graph)


def new_mailbox(host: GraphHost, **changes: Any) -> Mailbox:
    address = f"hers{next(_serial)}@corp.test"
    host.add(address, **{"inside": HERS, "outside": HERS, **changes})
    return Mailbox(address=address, aliases=(f"alias.{address}",))


class TestGraph(ConnectorConformance):
    system = "`graph`"

    @pytest.fixture
    def connector(self, graph: Graph) -> Any:
        return remembering(graph)

    @pytest.fixture
    def mailbox(self, host: GraphHost) -> Mailbox:
        return new_mailbox(host)

    @pytest.fixture
    def another_mailbox(self, host: GraphHost) -> Mailbox:
        return new_mailbox(host)

    @pytest.fixture
    def snapshot(self, host: GraphHost) -> Callable[[Mailbox], object]:
        return lambda mailbox: host.boxes[mailbox.address].kept()

    @pytest.fixture
    def owner_changes(self, host: GraphHost) -> Callable[[Mailbox], None]:
        def change(mailbox: Mailbox) -> None:
            box = host.boxes[mailbox.address]
            box.status, box.window, box.inside = "alwaysEnabled", None, f"<p>Weg, keer {next(_serial)}</p>"

        return change

    @pytest.fixture
    def answer(self, host: GraphHost, mailbox: Mailbox) -> Answer:
        def deliver(sender: str) -> EmailMessage | None:
            html = host.reply(mailbox.address, sender)
            if html is None:
                return None
            message = EmailMessage()
            message.set_content(shown(html))
            return message

        return deliver

    @pytest.fixture
    def zoned(self, graph: Graph, host: GraphHost) -> Zoned:
        @contextmanager
        def made(zone: str) -> Iterator[tuple[Any, Mailbox, Callable[[datetime], bool]]]:
            box = new_mailbox(host, zone=zone)
            yield (
                remembering(graph),
                box,
                lambda at: host.reply(box.address, "klant@example.net", at) is not None,
            )

        return made

    @pytest.fixture
    def troubled(self, app: Registered, host: GraphHost, tmp_path: Path) -> Callable[[str], Graph]:
        def made(trouble: str) -> Graph:
            match trouble:
                case "silent":
                    host.fails("token", kind="silent", times=9)
                    return app.connector(host, answer_seconds=0.2)
                case "garbled":
                    host.fails("token", kind="garbled", times=9)
                    return app.connector(host)
            return registered(tmp_path).connector(host)  # a certificate that nobody uploaded

        return made

    @pytest.fixture
    def secrets(self, app: Registered) -> tuple[str, ...]:
        lines = app.app.key_file.read_text().splitlines()
        return (lines[1], lines[2], "eyJ", "client_assertion=")


def test_every_request_and_answer_of_this_file_is_judged_by_microsofts_own_schema(
    judge: GraphJudge | None, connector: Any, mailbox: Mailbox
) -> None:
    schema(SPEC)
    assert judge is not None
    before = judge.judged
    connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
    assert judge.judged - before == 4


def test_the_judge_finds_what_is_wrong_on_both_sides() -> None:
    judge = GraphJudge(schema(SPEC))
    ours = {"automaticRepliesSetting": {"status": "enabled"}}
    theirs = {"status": "Scheduled"}
    path = "/users/anna@corp.test/mailboxSettings"
    judge(Exchanged("PATCH", path, json.dumps(ours).encode(), "application/json", 200, b"{}"))
    judge(Exchanged("GET", f"{path}/automaticRepliesSetting", None, "", 200, json.dumps(theirs).encode()))
    assert [one.split(" ")[0] for one in judge.complaints] == ["PATCH", "GET"]


# what is sent


def last_patch(host: GraphHost, graph: Graph, mailbox: Mailbox, want: Wanted) -> dict[str, Any]:
    """What a write puts there."""
    sent: list[bytes] = []
    judged, host.seen = host.seen, lambda one: sent.append(one.sent or b"") if one.method == "PATCH" else None
    graph.write(mailbox, want, graph.read(mailbox))
    host.seen = judged
    body: dict[str, Any] = json.loads(sent[-1])["automaticRepliesSetting"]
    return body


@pytest.mark.parametrize(
    ("audience", "said"), [(Audience.INTERNAL, "none"), (Audience.KNOWN, "contactsOnly"), (Audience.EVERYONE, "all")]
)
def test_both_texts_the_audience_and_the_window_are_always_sent(
    host: GraphHost, graph: Graph, mailbox: Mailbox, audience: Audience, said: str
) -> None:
    external = None if audience is Audience.INTERNAL else "Away & back"
    body = last_patch(host, graph, mailbox, wanted(mailbox, graph.can, audience=audience, external_text=external))
    start = (NOW - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.0000000")
    assert (set(body), body["externalAudience"], body["scheduledStartDateTime"]) == (
        {*graph_texts.KEYS},
        said,
        {"dateTime": start, "timeZone": "UTC"},
    )
    assert body["externalReplyMessage"] == ("" if external is None else "Away &amp; back")


def test_the_text_for_outsiders_of_an_earlier_trip_does_not_stay(
    host: GraphHost, graph: Graph, mailbox: Mailbox
) -> None:
    host.boxes[mailbox.address].outside = "<p>In Peru</p>"
    only = wanted(mailbox, graph.can, audience=Audience.INTERNAL, external_text=None)
    graph.write(mailbox, only, graph.read(mailbox))
    assert host.boxes[mailbox.address].outside == ""


def test_known_senders_are_her_contacts(host: GraphHost, graph: Graph, mailbox: Mailbox) -> None:
    host.boxes[mailbox.address].contacts = ("klant@example.net",)
    graph.write(mailbox, wanted(mailbox, graph.can, audience=Audience.KNOWN), graph.read(mailbox))
    senders = ("klant@example.net", "vreemd@example.net")
    assert [host.reply(mailbox.address, sender) is not None for sender in senders] == [True, False]


def test_only_her_replies_are_read_and_nothing_else_of_her_settings(
    host: GraphHost, graph: Graph, mailbox: Mailbox
) -> None:
    asked: list[str] = []
    judged, host.seen = host.seen, lambda one: asked.append(one.path)
    graph.read(mailbox)
    host.seen = judged
    assert asked == [f"/users/{mailbox.address}/mailboxSettings/automaticRepliesSetting"]


def test_a_name_is_written_so_that_it_stays_one_part_of_the_address(app: Registered, host: GraphHost) -> None:
    graph = app.connector(host, user_template="upn")
    box = Mailbox(address="x@corp.test", columns={"upn": "a_corp.test%23EXT o'b+1@corp.test"})
    assert graph.reading(box).path.startswith("/users/a_corp.test%2523EXT%20o%27b%2B1@corp.test/mailboxSettings")


@pytest.mark.parametrize(
    "name", ["a?b@corp.test", "a#b@corp.test", "$count", "a\\b@corp.test", "\udc00@corp.test", ".."]
)
def test_a_name_that_is_more_than_a_name_is_refused(graph: Graph, name: str) -> None:
    with pytest.raises(Invalid, match="graph-user"):
        graph.user(Mailbox(address=name))


# the one form


FULL = graph_texts.setting(a_reply(Mailbox(address="anna@corp.test")))


@pytest.mark.parametrize(
    "change",
    [
        {"status": "Scheduled", "externalAudience": "All"},
        {"scheduledEndDateTime": {"dateTime": str(FULL["scheduledEndDateTime"]["dateTime"])[:19], "timeZone": "Etc/UTC"}},  # type: ignore[index]
        {"internalReplyMessage": f"<HTML>\r\n<head><meta charset=x><style>p {{}}</style></head><body dir='ltr'>\r\n{FULL['internalReplyMessage']}</body></html>"},
        {"internalReplyMessage": str(FULL["internalReplyMessage"]).replace(" ", "&nbsp;")},
        {"internalReplyMessage": str(FULL["internalReplyMessage"]).replace(" ", "\r\n")},
    ],
)  # fmt: skip
def test_what_exchange_writes_its_own_way_is_no_change(change: dict[str, object]) -> None:
    assert graph_texts.normal({**FULL, **change}) == graph_texts.normal(FULL)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "alwaysEnabled"},
        {"externalAudience": "none"},
        {"externalReplyMessage": "I am away for a While. (extern)"},
        {"internalReplyMessage": "<b>Ik ben er even niet. (intern)</b>"},
        {"scheduledEndDateTime": {"dateTime": "2037-01-01T00:00:00.0000000", "timeZone": "UTC"}},
        {"scheduledEndDateTime": {**FULL["scheduledEndDateTime"], "timeZone": "Europe/Amsterdam"}},  # type: ignore[dict-item]
    ],
)
def test_a_letter_that_she_changes_is_one(change: dict[str, object]) -> None:
    assert graph_texts.normal({**FULL, **change}) != graph_texts.normal(FULL)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "paused"},
        {"status": None},
        {"externalAudience": 7},
        {"internalReplyMessage": ["x"]},
        {"scheduledEndDateTime": None},
        {"scheduledEndDateTime": {"dateTime": "tomorrow", "timeZone": "UTC"}},
        {"scheduledEndDateTime": {"dateTime": "2026-13-41T00:00:00", "timeZone": "UTC"}},
    ],
)
def test_a_setting_that_is_none_is_not_guessed_at(change: dict[str, object]) -> None:
    with pytest.raises(Garbled):
        graph_texts.normal({**FULL, **change})


@pytest.mark.parametrize("hostile", [text for text in HOSTILE.values() if "\x00" not in text and "\r" not in text])
def test_html_of_a_text_holds_no_tag_but_line_ends(hostile: str) -> None:
    assert shown(graph_texts.as_html(hostile).replace("\n", "\r\n")) == hostile.rstrip("\n")


MARKUP = ("xml sections", "entities", "surrogate pairs", "curly quotes", "bidirectional marks", "mime headers")


@pytest.mark.parametrize("text", [HOSTILE[name] for name in MARKUP], ids=MARKUP)
def test_a_text_that_could_be_markup_is_read_back_and_shown_as_it_is(
    host: GraphHost, connector: Any, mailbox: Mailbox, text: str
) -> None:
    reply = a_reply(mailbox, connector.can, text_body=text)
    written = connector.write(mailbox, Wanted(replies=(reply,)), connector.read(mailbox))
    assert (written.replies, shown(host.boxes[mailbox.address].inside)) == ((reply,), text.rstrip("\n"))


@pytest.mark.parametrize(
    "html",
    [
        *("<!--" * 40_000, "<a " * 50_000, "<a b='" * 20_000, "</" * 50_000, "<" * 100_000 + ">", "&" * 100_000),
        *("<p" + "/ " * 50_000 + ">", "<p " + " " * 100_000 + ">", "<![foo[x]]>", "<!", "<", "&#xD800;&#99999999;"),
    ],
    ids=lambda html: html[:8],
)
def test_whatever_she_wrote_is_read_at_one_look(html: str) -> None:
    begun = time.monotonic()
    graph_texts.visible(html)
    assert time.monotonic() - begun < 2


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from(list("\n<>&;\xa0 ")), max_size=60))
def test_any_text_is_shown_as_it_is_and_known_again_in_exchanges_wrapper(text: str) -> None:
    made = graph_texts.as_html(text)
    wrapped = f"<HTML>\r\n<BODY lang=nl>\r\n{made}\r\n</BODY>\r\n</HTML>\r\n".replace("<br>", "<br />")
    assert shown(made.replace("\n", "\r\n")) == text.rstrip("\n").replace("\xa0", " ")
    assert graph_texts.visible(wrapped) == graph_texts.visible(made)


@pytest.mark.parametrize(
    "text", ["half \ud83d", "\udc00", "pair \ud83d\ude00 in halves", "a\x0bb", "a\ufffeb", "a\x85b"]
)
def test_half_a_character_and_what_exchange_cannot_keep_is_refused(
    graph: Graph, mailbox: Mailbox, host: GraphHost, text: str
) -> None:
    with pytest.raises(Unsupported, match="graph-character"):
        graph.write(mailbox, wanted(mailbox, graph.can, text_body=text), graph.read(mailbox))
    assert host.boxes[mailbox.address].written == 0


def test_the_inside_text_is_never_for_outsiders(graph: Graph, mailbox: Mailbox) -> None:
    want = wanted(mailbox, graph.can, external_text=None)
    with pytest.raises(Unsupported, match="graph-no-external-text"):
        graph.write(mailbox, want, graph.read(mailbox))


def test_the_reader_is_told_that_the_subject_is_exchanges_own(connector: Any, mailbox: Mailbox) -> None:
    before = connector.read(mailbox)
    written = connector.write(mailbox, wanted(mailbox, connector.can), before)
    assert (before.remarks, written.remarks) == ((), ("own-subject",))
    assert all(say(language, "remark.own-subject") for language in LANGUAGES)


# hers


@pytest.mark.parametrize(("hours", "own"), [(2, True), (-2, False)])
def test_a_window_of_hers_counts_until_its_end(graph: Graph, host: GraphHost, hours: int, own: bool) -> None:
    ends = datetime.now(UTC) + timedelta(hours=hours)
    box = new_mailbox(host, status="scheduled", window=(ends - timedelta(days=3), ends))
    assert graph.read(box).own_reply is own


def test_a_window_in_a_zone_that_nobody_knows_counts_as_one_to_come() -> None:
    odd = {**FULL, "scheduledEndDateTime": {"dateTime": "2001-01-01T00:00:00", "timeZone": "Customized Time Zone"}}
    assert graph_texts.answers(odd, datetime.now(UTC))


def test_a_reply_of_hers_that_is_over_meanwhile_is_put_back_without_its_window(graph: Graph, host: GraphHost) -> None:
    ends = datetime.now(UTC) - timedelta(hours=1)
    box = new_mailbox(host, status="scheduled", window=(ends - timedelta(days=3), ends))
    before = graph.read(box)
    written = graph.write(box, wanted(box, graph.can), before)
    assert host.boxes[box.address].inside != HERS
    graph.write(box, Wanted(restore=before.found), graph.recognised(written, written.replies))
    assert host.boxes[box.address].kept() == ("disabled", "all", HERS, HERS, None)


def test_that_the_day_goes_by_is_no_change_of_hers(host: GraphHost, graph: Graph, mailbox: Mailbox) -> None:
    before = graph.read(mailbox)
    now, host.now = host.now, lambda: datetime.now(UTC) + timedelta(days=1)
    try:
        assert graph.write(mailbox, wanted(mailbox, graph.can), before).replies
    finally:
        host.now = now


# many at once


def test_a_hundred_mailboxes_at_once_are_all_set_and_put_back_whatever_the_order_of_the_answers(
    host: GraphHost, graph: Graph
) -> None:
    boxes = [new_mailbox(host) for _ in range(101)]
    host.shuffles, host.most_at_once, host.delay = True, 0, 0.005
    try:
        found = graph.read_many(boxes)
        items = [
            (box, wanted(box, graph.can), one)
            for box, one in zip(boxes, found, strict=True)
            if isinstance(one, Standing)
        ]
        written = graph.write_many(items)
        assert [isinstance(one, Standing) and one.replies for one in written] == [item[1].replies for item in items]
        ending = [
            (box, Wanted(restore=item[2].found), one) for box, item, one in zip(boxes, items, written, strict=True)
        ]
        assert graph.write_many(ending) == found  # type: ignore[arg-type]
    finally:
        host.shuffles, host.delay = False, 0
    assert host.most_at_once == 4


def test_long_texts_are_spread_over_batches_that_graph_takes(host: GraphHost, graph: Graph) -> None:
    boxes = [new_mailbox(host) for _ in range(12)]
    text = "&" * 60_000
    items = [(box, wanted(box, graph.can, text_body=text, external_text=text), graph.read(box)) for box in boxes]
    written = graph.write_many(items)
    assert all(isinstance(one, Standing) and one.replies for one in written)


def test_one_mailbox_twice_in_one_call_is_written_in_turn(host: GraphHost, graph: Graph, mailbox: Mailbox) -> None:
    before = graph.read(mailbox)
    items = [(mailbox, wanted(mailbox, graph.can, text_body=text), before) for text in ("een", "twee")]
    done = graph.write_many(items)
    assert (isinstance(done[0], Standing), isinstance(done[1], Conflict)) == (True, True)
    assert shown(host.boxes[mailbox.address].inside) == "een"


# check


def holding(graph: Graph, sample: Mailbox | None = None) -> dict[str, bool | None]:
    return {finding.key.removeprefix("graph."): finding.holds for finding in graph.check(sample)}


def test_check_proves_by_trying_that_the_token_reads_no_mail(
    app: Registered, host: GraphHost, mailbox: Mailbox
) -> None:
    outside = new_mailbox(host, where="outside")
    graph = app.connector(host, outside=outside.address)
    assert holding(graph, mailbox) == {
        "token": True,
        "roles-without-mail": True,
        "settings": True,
        "mail-refused": True,
        "outside-refused": True,
        "redirects": None,
    }
    assert (graph.can.reads_mail, graph.can.redirects_mail) == (False, True)


@contextmanager
def changed(host: GraphHost, **changes: Any) -> Iterator[None]:
    """The host is otherwise for a while."""
    before = {name: getattr(host, name) for name in changes}
    for name, value in changes.items():
        setattr(host, name, value)
    yield
    for name, value in before.items():
        setattr(host, name, value)


def test_check_sees_a_right_to_mail_for_the_whole_organisation(
    app: Registered, host: GraphHost, mailbox: Mailbox
) -> None:
    with changed(host, roles=["Mail.Read", "MailboxSettings.ReadWrite"]):
        graph = app.connector(host)
        graph.read(mailbox)
        assert graph.can.reads_mail
        graph = app.connector(host)
        assert (holding(graph, mailbox)["roles-mail"], graph.can.reads_mail) == (False, True)


def test_check_sees_a_right_to_mail_that_no_token_tells_of(app: Registered, host: GraphHost, mailbox: Mailbox) -> None:
    with changed(host, reads_mail=True):
        graph = app.connector(host)
        assert (holding(graph, mailbox)["mail-lets-in"], graph.can.reads_mail) == (False, True)


def test_check_warns_of_a_consent_that_holds_for_everybody_and_of_rights_that_are_not_needed(
    app: Registered, host: GraphHost, mailbox: Mailbox
) -> None:
    with changed(host, roles=["MailboxSettings.ReadWrite", "User.Read.All"]):
        said = holding(app.connector(host, outside=new_mailbox(host).address), mailbox)
    assert (said["roles-everywhere"], said["roles-more"], said["outside-lets-in"]) == (None, None, False)


def test_a_refusal_proves_nothing_where_the_settings_are_refused_too(graph: Graph, host: GraphHost) -> None:
    said = holding(graph, new_mailbox(host, where="outside"))
    host.fails("GET", times=2, code="InternalServerError", status=500)
    assert (said["settings-refused"], said["mail-not-proven"], holding(graph, new_mailbox(host))["mail-not-tried"]) == (
        False,
        None,
        None,
    )


def test_check_without_a_sample_says_so_and_changes_nothing(graph: Graph, host: GraphHost, mailbox: Mailbox) -> None:
    assert (holding(graph)["no-sample"], holding(graph)["no-outside"]) == (None, None)
    assert host.boxes[mailbox.address].written == 0


def test_every_finding_has_a_sentence(app: Registered, host: GraphHost, mailbox: Mailbox, tmp_path: Path) -> None:
    soon = registered(tmp_path, days=5)
    host.certificates.append(soon.certificate)
    with changed(host, roles=["User.Read.All"], now=lambda: datetime.now(UTC) + timedelta(minutes=4)):
        connectors = [soon.connector(host, outside="nobody@corp.test"), registered(tmp_path, name="b").connector(host)]
        findings = [one for graph in connectors for one in graph.check(mailbox)]
    assert {"graph.certificate-ends", "graph.clock", "graph.outside-not-tried", "graph.no-token"} <= {
        one.key for one in findings
    }
    for finding in findings:
        assert all(say(language, f"check.{finding.key}", **dict(finding.values)) for language in LANGUAGES)


# start-up


def test_starting_without_it_imports_none_of_it() -> None:
    code = (
        "import sys, locum.cli, locum.app, locum.settings; print([m for m in sys.modules if 'connectors.graph' in m])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_token_is_kept_until_shortly_before_its_end(app: Registered, host: GraphHost, mailbox: Mailbox) -> None:
    graph, before = app.connector(host), len(host.used)
    for _ in range(3):
        graph.read(mailbox)
    kept = graph.tokens.get()
    assert len(host.used) - before == 1
    assert 3200 < kept.until - time.monotonic() < 3300
    graph.tokens._token = replace(kept, until=time.monotonic() - 1)
    graph.read(mailbox)
    assert len(host.used) - before == 2
