"""EWS against a stub that keeps state, judged by Microsoft's schema in both directions: the suite, another client, what `check` says."""

import itertools
import subprocess
import sys
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from exchangelib import BASIC, IMPERSONATION, Account, Configuration, Credentials, OofSettings, Version
from exchangelib.version import EXCHANGE_2016

from conformance import NOW, Answer, ConnectorConformance, Zoned, a_reply, wanted
from ews_judge import SPEC, EwsJudge, judging
from hostile import HOSTILE
from locum.absence import Mailbox
from locum.connectors import ews_texts
from locum.connectors.ews import Ews
from locum.errors import Garbled, Invalid, Unsupported
from locum.measure import Audience, Wanted
from locum.messages import LANGUAGES, say
from mailhosts.ews import PASSWORD, USER, EwsHost, ews_host
from mailhosts.graph_client import shown
from remembering import remembering
from schemas import schema

_serial = itertools.count(1)
HERS = "<html>\r\n<body>\r\n<p>Ik ben op&nbsp;reis &amp; lees geen mail.</p>\r\n</body>\r\n</html>\r\n"
WHY = "exchange_shell cannot be used: no PowerShell reaches this server"


def made(host: EwsHost, **changes: Any) -> Ews:
    known: dict[str, Any] = {
        "name": "own",
        "url": host.url,
        "user": USER,
        "secret": lambda: PASSWORD,
        "can_read_mail": WHY,
        "pause": lambda _: None,
    }
    return Ews(**(known | changes))


@pytest.fixture(scope="module")
def host() -> Iterator[EwsHost]:
    with ews_host() as one:
        yield one


@pytest.fixture(autouse=True)
def judge(host: EwsHost) -> Iterator[EwsJudge | None]:
    """Every request of this file, and every answer."""
    host.faults.clear()
    with judging(host) as one:
        yield one


@pytest.fixture
def mailbox(host: EwsHost) -> Mailbox:
    """With a reply of hers that is switched off."""
    return new_mailbox(host)


@pytest.fixture(scope="module")
def ews(host: EwsHost) -> Ews:
    return made(host)


@pytest.fixture
def connector(ews: Ews) -> Any:
    return remembering(ews)


def new_mailbox(host: EwsHost, **changes: Any) -> Mailbox:
    address = f"hers{next(_serial)}@corp.test"
    host.add(address, **{"inside": HERS, "outside": HERS, "langs": ("nl", "en"), **changes})
    return Mailbox(address=address, aliases=(f"alias.{address}",))


class TestEws(ConnectorConformance):
    system = "`ews`"

    @pytest.fixture
    def connector(self, ews: Ews) -> Any:
        return remembering(ews)

    @pytest.fixture
    def mailbox(self, host: EwsHost) -> Mailbox:
        return new_mailbox(host)

    @pytest.fixture
    def another_mailbox(self, host: EwsHost) -> Mailbox:
        return new_mailbox(host)

    @pytest.fixture
    def snapshot(self, host: EwsHost) -> Callable[[Mailbox], object]:
        return lambda mailbox: host.boxes[mailbox.address].kept()

    @pytest.fixture
    def owner_changes(self, host: EwsHost) -> Callable[[Mailbox], None]:
        def change(mailbox: Mailbox) -> None:
            box = host.boxes[mailbox.address]
            box.state, box.window, box.inside = "Enabled", None, f"<p>Weg, keer {next(_serial)}</p>"

        return change

    @pytest.fixture
    def answer(self, host: EwsHost, mailbox: Mailbox) -> Answer:
        def deliver(sender: str) -> EmailMessage | None:
            html = host.reply(mailbox.address, sender)
            if html is None:
                return None
            message = EmailMessage()
            message.set_content(shown(html))
            return message

        return deliver

    @pytest.fixture
    def zoned(self, ews: Ews, host: EwsHost) -> Zoned:
        @contextmanager
        def there(_zone: str) -> Iterator[tuple[Any, Mailbox, Callable[[datetime], bool]]]:
            box = new_mailbox(host)  # the service knows no zone: instants go and come in UTC
            yield remembering(ews), box, lambda at: host.reply(box.address, "klant@example.net", at) is not None

        return there

    @pytest.fixture
    def troubled(self, host: EwsHost) -> Callable[[str], Ews]:
        def troubled(trouble: str) -> Ews:
            match trouble:
                case "silent":
                    host.fails("Get", kind="silent", times=9)
                    return made(host, answer_seconds=0.2)
                case "garbled":
                    host.fails("Get", kind="garbled", times=9)
                    return made(host)
            return made(host, secret=lambda: "wrong")

        return troubled

    @pytest.fixture
    def secrets(self) -> tuple[str, ...]:
        return (
            PASSWORD,
            b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
            b64encode(f"{USER}:wrong".encode()).decode(),
        )


def test_every_request_and_answer_of_this_file_is_judged_by_microsofts_own_schema(
    judge: EwsJudge | None, connector: Any, mailbox: Mailbox
) -> None:
    schema(SPEC)
    assert judge is not None
    before = judge.judged
    connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
    assert judge.judged - before == 2 * 5


def test_the_judge_finds_what_is_wrong_on_both_sides(host: EwsHost, ews: Ews, mailbox: Mailbox) -> None:
    judge = EwsJudge(schema(SPEC))
    judged, host.seen = host.seen, lambda sent, answered: pairs.append((sent, answered))
    pairs: list[tuple[bytes, bytes]] = []
    ews.write(mailbox, wanted(mailbox, ews.can, audience=Audience.KNOWN), ews.read(mailbox))
    host.seen = judged
    for sent, answered in pairs:
        judge(sent.replace(b">Known<", b">ContactsOnly<"), answered.replace(b">NoError<", b">Fine<"))
    assert [one.split(" ")[0] for one in judge.complaints].count("request") == 1
    assert [one.split(" ")[0] for one in judge.complaints].count("answer") == len(pairs)


# another client


def outlook(host: EwsHost, mailbox: Mailbox) -> Account:
    """exchangelib, which has never heard of Locum."""
    config = Configuration(
        credentials=Credentials(USER, PASSWORD),
        service_endpoint=host.url,
        auth_type=BASIC,
        version=Version(build=EXCHANGE_2016),
    )
    return Account(mailbox.address, config=config, access_type=IMPERSONATION, autodiscover=False)


def test_what_another_client_sets_is_hers_and_what_we_set_another_client_reads(
    host: EwsHost, connector: Any, mailbox: Mailbox
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        account = outlook(host, mailbox)
        account.oof_settings = OofSettings(
            state="Enabled", external_audience="Known", internal_reply="Ik ben weg & zo", external_reply="Away"
        )
        hers = connector.read(mailbox)
        account.oof_settings = OofSettings(state="Disabled", external_audience="All")
        connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
        read = account.oof_settings
    assert (hers.own_reply, hers.replies) == (True, ())
    reply = a_reply(mailbox, connector.can)
    assert (read.state, read.external_audience, read.end) == ("Scheduled", "All", reply.to_date)
    assert (shown(read.internal_reply), shown(read.external_reply)) == (
        reply.text_body.rstrip("\n"),
        (reply.external_text or "").rstrip("\n"),
    )


# what is sent


def test_it_acts_in_the_name_of_the_mailbox_and_asks_for_nothing_but_the_reply(
    host: EwsHost, ews: Ews, mailbox: Mailbox
) -> None:
    sent: list[bytes] = []
    judged, host.seen = host.seen, lambda one, _: sent.append(one)
    ews.write(mailbox, wanted(mailbox, ews.can), ews.read(mailbox))
    ews.check(mailbox)
    host.seen = judged
    operations = {one.partition(b"<s:Body><m:")[2].partition(b">")[0] for one in sent}
    assert operations == {b"GetUserOofSettingsRequest", b"SetUserOofSettingsRequest"}
    named = f"<t:PrimarySmtpAddress>{mailbox.address}</t:PrimarySmtpAddress>".encode()
    assert all(named in one for one in sent)
    assert host.heads[-1]["X-AnchorMailbox"] == mailbox.address


@pytest.mark.parametrize(
    ("audience", "said"), [(Audience.INTERNAL, "None"), (Audience.KNOWN, "Known"), (Audience.EVERYONE, "All")]
)
def test_both_texts_the_audience_and_the_window_are_always_sent(
    host: EwsHost, ews: Ews, mailbox: Mailbox, audience: Audience, said: str
) -> None:
    external = None if audience is Audience.INTERNAL else "Away & back"
    ews.write(mailbox, wanted(mailbox, ews.can, audience=audience, external_text=external), ews.read(mailbox))
    box = host.boxes[mailbox.address]
    assert (box.audience, shown(box.outside)) == (said, external or "")
    assert box.window == (NOW - timedelta(hours=1), NOW + timedelta(days=20))


@pytest.mark.parametrize("name", ["xml sections", "entities", "surrogate pairs", "curly quotes", "bidirectional marks"])
def test_a_text_that_could_be_markup_is_read_back_and_shown_as_it_is(
    host: EwsHost, connector: Any, mailbox: Mailbox, name: str
) -> None:
    reply = a_reply(mailbox, connector.can, text_body=HOSTILE[name])
    written = connector.write(mailbox, Wanted(replies=(reply,)), connector.read(mailbox))
    assert (written.replies, shown(host.boxes[mailbox.address].inside)) == ((reply,), HOSTILE[name].rstrip("\n"))


def test_a_name_is_the_primary_address_and_never_markup(host: EwsHost) -> None:
    ews = made(host, user_template="primary")
    known = Mailbox(address="x@corp.test", columns={"primary": "o'b&c<d>@corp.test"})
    host.add("o'b&c<d>@corp.test")
    assert ews.read(known).own_reply is False
    for odd in ("", "no at", "a@b\r\nX: y", "é@corp.test", "@corp.test"):
        with pytest.raises(Invalid, match="ews-user"):
            ews.user(Mailbox(address="x@corp.test", columns={"primary": odd}))


# the ceiling


@pytest.mark.parametrize(
    ("allowed", "asked", "goes"),
    [
        ("Known", Audience.EVERYONE, False),
        ("None", Audience.KNOWN, False),
        ("Known", Audience.KNOWN, True),
        ("None", Audience.INTERNAL, True),
    ],
)
def test_more_than_the_administrator_lets_out_is_refused_and_nothing_changes(
    host: EwsHost, ews: Ews, allowed: str, asked: Audience, goes: bool
) -> None:
    box = new_mailbox(host, allowed=allowed, audience=allowed)
    before = host.boxes[box.address].kept()
    want = wanted(box, ews.can, audience=asked, **({"external_text": None} if asked is Audience.INTERNAL else {}))
    if goes:
        assert ews.write(box, want, ews.read(box)).replies
        return
    with pytest.raises(Unsupported, match="ews-ceiling") as caught:
        ews.write(box, want, ews.read(box))
    assert (host.boxes[box.address].kept(), caught.value.values["allowed"]) == (before, allowed)


def test_a_ceiling_that_came_meanwhile_holds_for_hers_too(host: EwsHost, ews: Ews) -> None:
    box = new_mailbox(host)
    before = ews.read(box)
    written = ews.write(box, wanted(box, ews.can, audience=Audience.INTERNAL, external_text=None), before)
    host.boxes[box.address].allowed = "Known"
    ews.write(box, Wanted(restore=before.found), written)
    assert host.boxes[box.address].kept() == ("Disabled", "Known", HERS, HERS, ("nl", "en"), None)


# hers


def test_that_the_day_goes_by_is_no_change_of_hers(host: EwsHost, ews: Ews) -> None:
    box = new_mailbox(host, state="Disabled")
    before = ews.read(box)
    now, host.now = host.now, lambda: datetime.now(UTC) + timedelta(days=1)
    try:
        assert ews.write(box, wanted(box, ews.can), before).replies
    finally:
        host.now = now


def test_a_reply_of_hers_that_is_over_meanwhile_is_put_back_without_its_window(host: EwsHost, ews: Ews) -> None:
    ends = datetime.now(UTC) - timedelta(hours=1)
    box = new_mailbox(host, state="Scheduled", window=(ends - timedelta(days=3), ends))
    before = ews.read(box)
    written = ews.write(box, wanted(box, ews.can), before)
    ews.write(box, Wanted(restore=before.found), written)
    assert host.boxes[box.address].kept() == ("Disabled", "All", HERS, HERS, ("nl", "en"), None)


def test_her_text_is_put_back_where_a_server_ignores_what_is_off_and_nobody_is_answered_meanwhile(
    host: EwsHost, ews: Ews
) -> None:
    box = new_mailbox(host, forgets=True)
    there = host.boxes[box.address]
    before, kept = ews.read(box), there.kept()
    written = ews.write(box, wanted(box, ews.can), before)
    states: list[object] = []
    judged, host.seen = host.seen, lambda *_: states.append((there.state, host.reply(box.address, "a@example.net")))
    ended = ews.write(box, Wanted(restore=before.found), written)
    host.seen = judged
    assert (there.kept(), ended.revision) == (kept, before.revision)
    assert ("Scheduled", None) in states
    ended_again = ews.write(box, Wanted(restore=before.found), ended)
    assert (ended_again.revision, there.written) == (before.revision, 4)


@pytest.mark.parametrize(
    "change",
    [
        {"OofState": "Paused"},
        {"OofState": None},
        {"ExternalAudience": "ContactsOnly"},
        {"InternalReply": ["x"]},
        {"EndTime": "tomorrow"},
        {"EndTime": "2026-13-41T00:00:00Z"},
    ],
)
def test_a_setting_that_is_none_is_not_guessed_at(change: dict[str, object]) -> None:
    full = ews_texts.setting(a_reply(Mailbox(address="anna@corp.test")))
    with pytest.raises(Garbled):
        ews_texts.normal({**full, **change})


# why at all


@pytest.mark.parametrize("why", ["", "  "])
def test_it_is_not_made_where_the_settings_do_not_say_why_an_account_that_reads_mail_is_used(
    host: EwsHost, why: str
) -> None:
    with pytest.raises(Invalid, match="ews-unstated"):
        made(host, can_read_mail=why)


def test_it_counts_as_one_that_can_read_mail_so_the_policy_has_to_allow_that(ews: Ews) -> None:
    assert (ews.can.reads_mail, ews.can.redirects_mail) == (True, True)


@pytest.mark.parametrize("name", ["outlook.office365.com", "OUTLOOK.office365.com.", "eu.outlook.com"])
def test_exchange_online_is_refused(host: EwsHost, name: str) -> None:
    with pytest.raises(Invalid, match="ews-online"):
        made(host, url=f"https://{name}/EWS/Exchange.asmx")


@pytest.mark.parametrize("url", ["http://mail.corp.test/EWS/Exchange.asmx", "https://u:p@mail.corp.test/EWS"])
def test_an_address_that_could_be_read_on_the_way_is_refused(host: EwsHost, url: str) -> None:
    with pytest.raises(Invalid, match="https-needed"):
        made(host, url=url)


# check


def holding(ews: Ews, sample: Mailbox | None = None) -> dict[str, bool | None]:
    return {finding.key.removeprefix("ews."): finding.holds for finding in ews.check(sample)}


def test_check_is_honest_that_this_account_can_read_mail_and_tries_its_scope(host: EwsHost, mailbox: Mailbox) -> None:
    outside = new_mailbox(host, where="outside")
    ews = made(host, outside=outside.address)
    assert holding(ews, mailbox) == {
        "settings": True,
        "all-let-out": True,
        "outside-refused": True,
        "reads-mail": None,
        "redirects": None,
    }
    (told,) = (one for one in ews.check(mailbox) if one.key == "ews.reads-mail")
    assert WHY in say("nl", f"check.{told.key}", **dict(told.values))


def test_check_shows_the_ceiling_and_a_scope_that_is_none(host: EwsHost) -> None:
    box = new_mailbox(host, allowed="None", audience="None")
    found = holding(made(host, outside=new_mailbox(host).address), box)
    assert (found["ceiling"], found["outside-lets-in"]) == (None, False)


def test_every_finding_has_a_sentence(host: EwsHost, mailbox: Mailbox) -> None:
    low = new_mailbox(host, allowed="Known", audience="Known")
    outside = new_mailbox(host, where="outside").address
    findings = [
        *made(host).check(None),
        *made(host, secret=lambda: "wrong").check(None),
        *made(host, outside=mailbox.address).check(low),
        *made(host, outside=outside).check(mailbox),
        *made(host, outside="nobody@corp.test", secret=lambda: "wrong").check(mailbox),
    ]
    assert {one.key for one in findings} == {
        f"ews.{key}"
        for key in (
            *(
                "reaches",
                "does-not-reach",
                "settings",
                "settings-refused",
                "all-let-out",
                "ceiling",
                "no-sample",
                "reads-mail",
                "redirects",
            ),
            *("outside-refused", "outside-lets-in", "outside-not-tried", "no-outside"),
        )
    }
    for finding in findings:
        assert all(say(language, f"check.{finding.key}", **dict(finding.values)) for language in LANGUAGES)


def test_starting_without_it_imports_none_of_it() -> None:
    code = "import sys, locum.cli, locum.app, locum.settings; print([m for m in sys.modules if 'connectors.ews' in m])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
