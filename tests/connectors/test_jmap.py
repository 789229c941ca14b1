"""JMAP against a real Cyrus 3.10: its own service, a credential that is known there alone, VacationResponse on behalf of the mailbox."""

import imaplib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from tests.world import PEOPLE, World

from conformance import Answer, ConnectorConformance, plain, text_of, wanted
from hostile import HOSTILE, SUBJECTS
from locum.absence import Mailbox
from locum.connectors.jmap import Jmap
from locum.connectors.jmap_wire import VACATION, Wire
from locum.desk import beforehand
from locum.errors import Conflict, Refused, Rejected, Unreachable, Unsupported
from locum.lifecycle import State
from locum.measure import AutoReply, Standing, Wanted, instant
from mailhosts.certificates import Certified, certified
from mailhosts.cyrus import PAGE, Cyrus
from mailhosts.dovecot import letter
from mailhosts.fake_jmap import FakeJmap
from mailhosts.owner import REAL, RULES, Owner, activate
from remembering import remembering

pytestmark = pytest.mark.slow

SIEVE_PASSWORD, JMAP_PASSWORD = "for-sieve-only", "for-jmap-only"
SCRIPT = "urn:ietf:params:jmap:vacationresponse"

AS_SENT = {
    ("text", HOSTILE["lone dot"]): 'before\n .\nredirect "evil@example.net";\n ..\nafter',
    ("text", HOSTILE["text block"]): 'text:\n .\n;\nredirect "evil@example.net";\n',
    ("text", HOSTILE["end of a comment"]): '* / redirect "evil@example.net"; /* # \nstop;',
    ("subject", SUBJECTS["quotes"]): "“ ; redirect “evil@example.net” ; “",
    ("subject", SUBJECTS["backslashes"]): "a＼b ＼” ends with ＼",
    ("subject", SUBJECTS["encoded word"]): "= ?utf-8?q?=22?= ${subject}",
}
"""What docs/connectors/jmap.md says of letters that are changed."""

_serial = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """The server, and her at it: without the connector's own code, but for the wire."""

    host: Cyrus
    certified: Certified

    def connector(self, **changes: Any) -> Jmap:
        known: dict[str, Any] = {
            "name": "cyrus",
            "url": f"http://127.0.0.1:{self.host.jmap_port}",
            "user": "locum",
            "secret": lambda: JMAP_PASSWORD,
        }
        return Jmap(**(known | changes))

    def owner(self, mailbox: Mailbox) -> Owner:
        return Owner(self.host.sieve_port, mailbox.address, SIEVE_PASSWORD, login="locum")

    def new_mailbox(self, **scripts: bytes) -> Mailbox:
        """A mailbox whose owner has these scripts, none of them active."""
        mailbox = Mailbox(address=f"hers{next(_serial)}@corp.test")
        self.host.create_mailbox(mailbox.address)
        self.owner(mailbox).has(scripts, "")
        return mailbox

    def says(self, mailbox: Mailbox, **patch: object) -> None:
        """She sets it herself, as her own mail program does."""
        with Wire(self.connector().server, mailbox.address) as wire:
            (said,) = wire.ask([VACATION], ("VacationResponse/set", {"update": {"singleton": patch}}))
        assert said[1]["updated"] == {"singleton": None}, said

    def hers(self, mailbox: Mailbox) -> object:
        """Her filter scripts byte for byte, which one runs, and what her vacation response says. The script that Cyrus makes of the
        latter is looked through.
        """
        active, scripts = self.owner(mailbox).shelf()
        with Wire(self.connector().server, mailbox.address) as wire:
            (said,) = wire.ask([VACATION], ("VacationResponse/get", {}))
        (there,) = said[1]["list"]  # type: ignore[misc]
        hers = {name: scripts[name] for name in scripts if name != SCRIPT}
        return active.removeprefix(SCRIPT), hers, {key: there[key] for key in there if there[key] is not None}

    def generated(self, mailbox: Mailbox) -> bytes:
        """The filter script that Cyrus made."""
        return self.owner(mailbox).shelf()[1][SCRIPT]

    def deliver(self, mailbox: Mailbox, sender: str = "klant@example.net", to: str = "") -> EmailMessage | None:
        """Deliver a message, and give back the automatic reply to it."""
        self.host.sink.clear()
        self.host.deliver(sender, mailbox.address, letter(sender, to or mailbox.address))
        return next((kept.mail for kept in self.host.sink.messages if not kept.sender), None)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = certified(tmp_path_factory.mktemp("cyrus"))
    sieve, jmap = {"locum": SIEVE_PASSWORD}, {"locum": JMAP_PASSWORD}
    with Cyrus(users={}, proxies=sieve, jmap_proxies=jmap, certificate=made.certificate, key=made.key) as host:
        yield Place(host, made)


class TestJmapOnCyrus(ConnectorConformance):
    system = "`jmap` on Cyrus"

    @pytest.fixture
    def connector(self, place: Place) -> Any:
        return remembering(place.connector())

    @pytest.fixture
    def mailbox(self, place: Place) -> Mailbox:
        return place.new_mailbox(rules=RULES)

    @pytest.fixture
    def another_mailbox(self, place: Place) -> Mailbox:
        return place.new_mailbox()

    @pytest.fixture
    def snapshot(self, place: Place) -> Callable[[Mailbox], object]:
        return place.hers

    @pytest.fixture
    def owner_changes(self, place: Place) -> Callable[[Mailbox], None]:
        days = itertools.count(3)
        return lambda mailbox: place.says(mailbox, isEnabled=True, textBody=f"Ik ben er {next(days)} dagen niet.")

    @pytest.fixture
    def answer(self, place: Place, mailbox: Mailbox) -> Answer:
        return lambda sender: place.deliver(mailbox, sender)

    @pytest.fixture
    def as_sent(self) -> Callable[[str, str], str]:
        return lambda field, text: AS_SENT.get((field, text), text)

    @pytest.fixture
    def secrets(self) -> tuple[str, ...]:
        return (JMAP_PASSWORD,)

    @pytest.fixture
    def troubled(self, mailbox: Mailbox) -> Iterator[Callable[[str], Any]]:
        with FakeJmap(mailbox.address) as fake:

            def made(trouble: str) -> Jmap:
                fake.trouble = trouble
                return Jmap(name="fake", url=fake.url, user="locum", secret=lambda: JMAP_PASSWORD, answer_seconds=0.5)

            yield made


@pytest.fixture
def mailbox(place: Place) -> Mailbox:
    return place.new_mailbox(rules=RULES)


def on(connector: Jmap, mailbox: Mailbox, **changes: Any) -> Standing:
    """Write a reply."""
    return connector.write(mailbox, wanted(mailbox, connector.can, **changes), connector.read(mailbox))


# what check says


def test_check_is_honest_that_this_credential_reads_mail(place: Place, mailbox: Mailbox) -> None:
    connector = place.connector(
        url=f"https://127.0.0.1:{place.host.jmaps_port}", ca_file=place.certified.authority, reads_mail=False
    )
    found = {finding.key: finding.holds for finding in connector.check(mailbox)}
    assert (found, connector.can.reads_mail) == (
        {
            "jmap.reaches": True,
            "jmap.tls": True,
            "jmap.scripts": True,
            "jmap.login": True,
            "jmap.reads-mail": False,
            "jmap.redirects": None,
        },
        True,
    )


def test_a_certificate_of_an_unknown_authority_is_refused(place: Place, mailbox: Mailbox) -> None:
    with pytest.raises(Rejected, match="jmap-certificate"):
        place.connector(url=f"https://127.0.0.1:{place.host.jmaps_port}").read(mailbox)


def test_what_sets_auto_replies_is_nobody_for_imap_and_managesieve(place: Place, mailbox: Mailbox) -> None:
    with pytest.raises(imaplib.IMAP4.error), place.host.imap("locum", JMAP_PASSWORD):
        pass
    with pytest.raises(Rejected):
        Owner(place.host.sieve_port, mailbox.address, JMAP_PASSWORD, login="locum").shelf()


@pytest.mark.parametrize(("name", "secret"), [("locum", "wrong"), ("nobody", JMAP_PASSWORD)])
def test_a_wrong_credential_is_rejected(place: Place, mailbox: Mailbox, name: str, secret: str) -> None:
    with pytest.raises(Rejected, match="jmap-refused"):
        place.connector(user=name, secret=lambda: secret).read(mailbox)


def test_a_mailbox_that_does_not_exist_has_no_account(place: Place) -> None:
    with pytest.raises(Rejected, match="jmap-account"):
        place.connector().read(Mailbox(address="nobody@corp.test"))


def test_a_mailbox_without_a_folder_for_filter_scripts_is_told_with_what_to_do(place: Place) -> None:
    fresh = Mailbox(address="fresh@corp.test")
    place.host.create_mailbox(fresh.address)
    with pytest.raises(Unreachable, match="jmap-busy"):
        place.connector().read(fresh)
    assert place.owner(fresh).shelf() == ("", {})  # one login to ManageSieve makes it
    assert place.connector().read(fresh).own_reply is False


# her own filter script


def test_a_filter_script_of_hers_that_runs_is_not_switched_off(place: Place, mailbox: Mailbox) -> None:
    place.owner(mailbox).has({"main": REAL}, "main")
    hers, connector = place.hers(mailbox), place.connector()
    with pytest.raises(Unsupported, match="jmap-own-script"):
        on(connector, mailbox)
    assert (place.hers(mailbox), connector.read(mailbox).own_reply) == (hers, None)


def test_a_filter_script_that_she_switches_on_meanwhile_is_a_conflict(place: Place, mailbox: Mailbox) -> None:
    connector = place.connector()
    before = connector.read(mailbox)
    place.owner(mailbox).do(activate("rules"))
    with pytest.raises(Conflict):
        connector.write(mailbox, wanted(mailbox, connector.can), before)


def test_a_filter_script_that_she_switches_on_while_ours_is_live_goes_on_running(
    place: Place, mailbox: Mailbox
) -> None:
    connector = remembering(place.connector())
    before = connector.read(mailbox)
    connector.write(mailbox, wanted(mailbox, connector.can), before)
    place.owner(mailbox).do(activate("rules"))
    hers = place.hers(mailbox)
    now = connector.read(mailbox)
    connector.write(mailbox, Wanted(restore=before.found), now)
    assert (now.replies, place.hers(mailbox)) == ((), hers)


# text stays text


SCRIPT_OF = """\
require [ "vacation", "date", "relational" ];

if allof (true,
          currentdate :zone "+0000" :value "ge" "iso8601" "{from_date}",
          currentdate :zone "+0000" :value "lt" "iso8601" "{to_date}")
{{
  vacation :subject "{subject}" text:
{text}
.
;
}}
"""


@pytest.mark.parametrize("hostile", list(HOSTILE))
def test_the_script_that_cyrus_makes_holds_a_hostile_text_as_text(place: Place, mailbox: Mailbox, hostile: str) -> None:
    text = HOSTILE[hostile]
    try:
        (reply,) = on(place.connector(), mailbox, text_body=text).replies
    except Unsupported:
        assert place.owner(mailbox).shelf() == ("", {"rules": RULES})
        return
    sent = AS_SENT.get(("text", text), text)
    assert text_is_all_there_is(place.generated(mailbox), reply, reply.subject, sent)


@pytest.mark.parametrize("hostile", list(SUBJECTS))
def test_the_script_that_cyrus_makes_holds_a_hostile_subject_as_text(
    place: Place, mailbox: Mailbox, hostile: str
) -> None:
    subject = SUBJECTS[hostile]
    try:
        (reply,) = on(place.connector(), mailbox, subject=subject).replies
    except Unsupported:
        assert place.owner(mailbox).shelf() == ("", {"rules": RULES})
        return
    sent = AS_SENT.get(("subject", subject), subject)
    assert text_is_all_there_is(place.generated(mailbox), reply, sent, reply.text_body)


def text_is_all_there_is(script: bytes, reply: AutoReply, subject: str, text: str) -> bool:
    """Whether the script is one comment and then word for word what Cyrus makes of this subject and text, each within its own bounds."""
    comment, _, code = script.decode().replace("\r\n", "\n").partition("*/")
    window = {"from_date": instant(reply.from_date), "to_date": instant(reply.to_date)}
    bounded = '"' not in subject and "\\" not in subject and not any(line == "." for line in text.split("\n"))
    made = SCRIPT_OF.format(subject=subject, text=text, **window)
    return comment.startswith("/* Generated by Cyrus JMAP") and code.strip() == made.strip() and bounded


def test_on_its_own_this_cyrus_runs_what_stands_in_a_text(place: Place, mailbox: Mailbox) -> None:
    """Why letters are changed: with one that mends this, what is above proves less than it seems to."""
    place.says(
        mailbox, isEnabled=True, textBody='x\n.\n;\n}\nredirect "evil@example.net";\nif false {\nvacation text:\ny'
    )
    place.deliver(mailbox)
    assert [kept.recipients for kept in place.host.sink.messages if kept.sender] == [("evil@example.net",)]


def test_where_letters_are_changed_that_is_remarked(place: Place, mailbox: Mailbox) -> None:
    connector = place.connector()
    first = on(connector, mailbox, text_body="Zoals ik het zei, \"zo\".\r\n'Echt.'")
    second = connector.write(mailbox, wanted(mailbox, connector.can, text_body="Weg.\n.\nTot dan."), first)
    assert (first.remarks, second.remarks) == ((), ("jmap-letters-changed",))


HTML = '<p title="a">C:\\temp <b>weg</b></p>\n.\n<i>/* rood */</i>'


def test_html_goes_out_beside_the_text_and_means_the_same(place: Place, mailbox: Mailbox) -> None:
    on(place.connector(), mailbox, text_body="weg", html_body=HTML)
    reply = place.deliver(mailbox)
    part = None if reply is None else reply.get_body(("html",))
    assert part is not None
    assert unescape(plain(part.get_content())) == HTML


# what Cyrus cannot


def test_mail_to_another_address_of_hers_is_not_answered_so_aliases_are_refused(place: Place, mailbox: Mailbox) -> None:
    connector = place.connector()
    with pytest.raises(Unsupported, match="cannot-aliases"):
        on(connector, mailbox, addresses=(mailbox.address, "anna@corp.test"))
    on(connector, mailbox)
    assert place.deliver(mailbox, to="anna@corp.test") is None


# the main path, from the settings of the page

ONE_TEXT = {"subject": "Afwezig", "internal_text": "Ik ben er even niet.", "external_text": "Ik ben er even niet."}


@pytest.fixture
def world(place: Place, mailbox: Mailbox, tmp_path: Path) -> World:
    page = (PAGE.read_text("utf-8").partition("[connector.cyrus]")[2]).partition("```")[0]
    (tmp_path / "jmap.secret").write_text(JMAP_PASSWORD)
    (tmp_path / "jmap.secret").chmod(0o600)
    given = {
        "http://127.0.0.1:8090": f"http://127.0.0.1:{place.host.jmap_port}",
        "/etc/locum/jmap.secret": "jmap.secret",
    }
    for there, here in given.items():
        assert there in page
        page = page.replace(there, here)
    return World(
        tmp_path,
        place.host.sink,
        now=datetime.now(UTC).replace(microsecond=0),
        people=PEOPLE.replace("anna@corp.test,a.devries@corp.test", f"{mailbox.address},"),
        connectors=f"[connector.cyrus]{page}",
        policy={"wait_hours": 0, "free_text": "allowed", "powers": '["redirect-mail", "read-mail"]'},
    )


def test_a_reply_goes_live_and_what_was_there_is_put_back_at_its_end(
    place: Place, world: World, mailbox: Mailbox
) -> None:
    hers = place.hers(mailbox)
    until = (world.now + timedelta(days=10)).date().isoformat()
    case = world.request(mailbox=mailbox.address, until=until, audience="everyone", **ONE_TEXT)
    world.work()
    state, reply = world.desk.case(case.id).state, place.deliver(mailbox)
    assert (state, reply is not None and text_of(reply)) == (State.APPLIED, plain(case.auto_reply.text_body))
    world.later(days=11)
    assert (world.desk.case(case.id).state, place.hers(mailbox)) == (State.ACCOUNTED, hers)


def test_that_mail_to_aliases_is_not_answered_is_said_beforehand(place: Place, world: World, mailbox: Mailbox) -> None:
    people = world.folder / "people.csv"
    people.write_text(people.read_text().replace(f"{mailbox.address},", f"{mailbox.address},a.devries@corp.test"))
    world.app = world.wired()
    until = (world.now + timedelta(days=10)).date().isoformat()
    case = world.request(mailbox=mailbox.address, until=until, audience="everyone", **ONE_TEXT)
    assert case.auto_reply.addresses == (mailbox.address,)
    assert "no-aliases" in beforehand.told(world.desk.office, case)
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED


def test_a_policy_that_does_not_name_reading_mail_refuses_this_credential(
    place: Place, world: World, mailbox: Mailbox
) -> None:
    policy = world.folder / "policy.toml"
    policy.write_text(policy.read_text().replace(', "read-mail"', ""))
    with pytest.raises(Refused, match="power-not-allowed"):
        world.request(mailbox=mailbox.address, audience="everyone", **ONE_TEXT)
    assert "vacationresponse" not in str(place.owner(mailbox).shelf())


def test_colleagues_only_cannot_be_said_and_is_refused_when_it_is_asked_for(world: World, mailbox: Mailbox) -> None:
    with pytest.raises(Unsupported, match="cannot-audience-internal"):
        world.request(mailbox=mailbox.address, audience="internal")
