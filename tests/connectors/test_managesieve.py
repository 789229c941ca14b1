"""ManageSieve against a real Dovecot: STARTTLS with an authority of our own, a master user for ManageSieve alone."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conformance import Answer, AnswersAt, ConnectorConformance, Zoned, a_reply, wanted
from forward_conformance import Copied, Deliver
from forwards import a_forward
from locum.absence import Mailbox
from locum.connectors.access_log import AccessLog
from locum.connectors.managesieve import ManageSieve
from locum.connectors.sieve_wire import command
from locum.demo.host import Dovecot
from locum.errors import Conflict, Invalid, Rejected, Unsupported
from locum.measure import Standing, Wanted
from locum.messages import LANGUAGES, say
from mailhosts.certificates import Certified, certified
from mailhosts.dovecot import MASTER, MASTER_PASSWORD, PASSWORD, letter
from mailhosts.fake_managesieve import FakeManageSieve
from mailhosts.owner import REAL, RULES, VACATION, Owner, activate

WHO = "\nlogin_log_format_elements = user=<%u> auth_user=<%{auth_user}> method=%m session=<%{session}>\n"
pytestmark = pytest.mark.slow

SETTINGS = """\
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
plugin {{
  sieve_extensions = +vacation-seconds +editheader
}}
# a refused login makes Dovecot answer late, and this address later and later; not what is tried here
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""

MAILBOXES = 1000
_serial = itertools.count(1)


def settings(made: Certified) -> str:
    return SETTINGS.format(certificate=made.certificate, key=made.key)


@dataclass(frozen=True)
class Place:
    """The server and what the connector needs to know."""

    host: Dovecot
    certified: Certified
    secret_file: Path

    def connector(self, **changes: Any) -> ManageSieve:
        known: dict[str, Any] = {
            "name": "legacy",
            "host": "127.0.0.1",
            "port": self.host.sieve_port,
            "user": MASTER,
            "secret_file": self.secret_file,
            "ca_file": self.certified.authority,
            "imap_port": self.host.imap_port,
            "sample": "anna@corp.test",
            "local_queue": True,
        }
        return ManageSieve(**(known | changes))

    def owner(self, mailbox: Mailbox) -> Owner:
        return Owner(self.host.sieve_port, mailbox.address, PASSWORD)

    def new_mailbox(self) -> Mailbox:
        return Mailbox(address=f"hers{next(_serial)}@corp.test")

    def deliver(
        self, mailbox: Mailbox, sender: str = "klant@example.net", subject: str = "Vraag"
    ) -> EmailMessage | None:
        """Deliver a message, and give back the automatic reply to it."""
        self.host.sink.clear()
        self.host.deliver(sender, mailbox.address, letter(sender, mailbox.address, subject))
        return next((kept.mail for kept in self.host.sink.messages if not kept.sender), None)

    def copied(self, mailbox: Mailbox, sender: str, **headers: str) -> Copied:
        """Deliver a message, and give back what became of it."""
        kept = sum(self.folders(mailbox).values())
        self.host.sink.clear()
        self.host.deliver(sender, mailbox.address, letter(sender or "mailer-daemon@x.test", mailbox.address, **headers))
        copies = tuple((one.sender, one.recipients, one.mail) for one in self.host.sink.messages if one.sender)
        return Copied(kept=sum(self.folders(mailbox).values()) - kept, copies=copies)

    def folders(self, mailbox: Mailbox) -> dict[str, int]:
        """How many messages lie in each of her folders."""
        maildir = self.host.home(mailbox.address) / "Maildir"
        return {
            str(folder.relative_to(maildir)): len(list(folder.glob("new/*")))
            for folder in [maildir, *maildir.glob(".*")]
            if (folder / "new").is_dir() and any(folder.glob("new/*"))
        }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("managesieve")
    made = certified(folder)
    secret = folder / "secret"
    secret.write_text(f"{MASTER_PASSWORD}\n")
    secret.chmod(0o600)
    extra = settings(made) + WHO
    names = ["anna", *(f"hers{number}" for number in range(1, MAILBOXES))]  # Dovecot sees a new one only a second later
    users = {f"{name}@corp.test": PASSWORD for name in names}
    with Dovecot(users=users, masters_sieve={MASTER: MASTER_PASSWORD}, extra=extra) as host:
        yield Place(host, made, secret)


@pytest.fixture
def mailbox(place: Place) -> Mailbox:
    made = place.new_mailbox()
    place.owner(made).has({"main": REAL, "rules": RULES}, "main")
    return made


@pytest.fixture
def connector(place: Place) -> ManageSieve:
    return place.connector()


@pytest.fixture
def owner(place: Place, mailbox: Mailbox) -> Owner:
    return place.owner(mailbox)


class TestManageSieveOnDovecot(ConnectorConformance):
    system = "`managesieve` on Dovecot"

    @pytest.fixture
    def connector(self, place: Place) -> ManageSieve:
        return place.connector()

    @pytest.fixture
    def teller(self, place: Place) -> ManageSieve:
        return place.connector(log=AccessLog(place.host.log, [MASTER], UTC))

    @pytest.fixture
    def mailbox(self, place: Place) -> Mailbox:
        made = place.new_mailbox()
        place.owner(made).has({"main": REAL, "rules": RULES}, "main")
        return made

    @pytest.fixture
    def another_mailbox(self, place: Place) -> Mailbox:
        return place.new_mailbox()

    @pytest.fixture
    def snapshot(self, place: Place) -> Callable[[Mailbox], object]:
        return lambda mailbox: place.owner(mailbox).shelf()

    @pytest.fixture
    def owner_changes(self, place: Place) -> Callable[[Mailbox], None]:
        days = itertools.count(3)
        return lambda mailbox: place.owner(mailbox).replies(next(days))

    @pytest.fixture
    def copied(self, place: Place, mailbox: Mailbox) -> Deliver:
        return partial(place.copied, mailbox)

    @pytest.fixture
    def answer(self, place: Place, mailbox: Mailbox) -> Answer:
        return lambda sender: place.deliver(mailbox, sender)

    @pytest.fixture
    def zoned(self, place: Place) -> Zoned:
        @contextmanager
        def started(zone: str) -> Iterator[tuple[ManageSieve, Mailbox, AnswersAt]]:
            if zone not in ("Pacific/Kiritimati", "Europe/Amsterdam"):
                pytest.skip("the same script is tried in this zone, on the same mail system, by test_sieve_files")
            known = {"anna@corp.test": PASSWORD}
            with Dovecot(users=known, masters_sieve={MASTER: MASTER_PASSWORD}, time_zone=zone, clock=True) as host:
                there = Place(host, place.certified, place.secret_file)
                senders = itertools.count(1)

                def answers(at: datetime) -> bool:
                    host.freeze_clock(at)
                    return (
                        there.deliver(Mailbox(address="anna@corp.test"), f"klant{next(senders)}@example.net")
                        is not None
                    )

                yield there.connector(tls="none"), Mailbox(address="anna@corp.test"), answers

        return started

    @pytest.fixture
    def troubled(self, place: Place) -> Iterator[Callable[[str], ManageSieve]]:
        with FakeManageSieve(password=b"another one") as fake:

            def made(trouble: str) -> ManageSieve:
                if trouble == "silent":
                    fake.says["greeting"] = lambda connection: time.sleep(2)
                if trouble == "garbled":
                    fake.says["greeting"] = b"* OK IMAP4rev1 ready\r\n"
                return place.connector(port=fake.port, tls="none", answer_seconds=0.4, imap_port=1)

            yield made

    @pytest.fixture
    def secrets(self) -> tuple[str, ...]:
        return (MASTER_PASSWORD,)


# hers stays as it was


@pytest.fixture
def live(connector: ManageSieve, mailbox: Mailbox) -> Standing:
    """Ours, live beside hers."""
    return connector.write(mailbox, wanted(mailbox), connector.read(mailbox))


def ended(connector: ManageSieve, mailbox: Mailbox, restore: bytes = b"") -> Standing:
    return connector.write(mailbox, Wanted(restore=restore), connector.read(mailbox))


BEHAVIOURS = {
    "stop": b"stop;",
    "discard": b"discard;",
    "redirect": b'redirect "elders@example.org";',
    "redirect with a copy": b'require "copy"; redirect :copy "elders@example.org";',
    "fileinto": b'require ["fileinto", "mailbox"]; fileinto :create "Klanten"; stop;',
    "flags and headers": b'require ["imap4flags", "editheader"]; addflag "\\\\Flagged"; addheader "X-Hers" "1";',
    "include and return": b'require "include"; include :personal "rules"; return;',
}


@pytest.mark.parametrize("behaviour", list(BEHAVIOURS))
def test_what_her_script_does_is_the_same_with_ours_live_and_the_sender_is_answered(
    place: Place, connector: ManageSieve, behaviour: str
) -> None:
    without, beside = place.new_mailbox(), place.new_mailbox()
    seen = []
    for mailbox in (without, beside):
        place.owner(mailbox).has({"main": BEHAVIOURS[behaviour], "rules": RULES}, "main")
        if mailbox is beside:
            connector.write(mailbox, wanted(mailbox), connector.read(mailbox))
        reply = place.deliver(mailbox)
        redirected = sorted(kept.recipients for kept in place.host.sink.messages if kept.sender)
        seen.append((place.folders(mailbox), redirected, reply is not None))
    assert (seen[0][:2], seen[0][2], seen[1][2]) == (seen[1][:2], False, True)


@pytest.mark.parametrize("script", [VACATION % 7, b'require "reject"; reject "nee";'])
def test_beside_a_reply_or_a_reject_of_hers_ours_is_refused_and_nothing_changes(
    connector: ManageSieve, owner: Owner, mailbox: Mailbox, script: bytes
) -> None:
    owner.has({"main": script}, "main")
    before = owner.shelf()
    with pytest.raises(Unsupported):
        connector.write(mailbox, wanted(mailbox), connector.read(mailbox))
    assert (owner.shelf(), connector.read(mailbox).own_reply) == (before, True)


def test_a_reply_in_a_script_that_hers_includes_is_seen(connector: ManageSieve, owner: Owner, mailbox: Mailbox) -> None:
    owner.has({"rules": VACATION % 7}, "main")
    with pytest.raises(Unsupported):
        connector.write(mailbox, wanted(mailbox), connector.read(mailbox))


def test_a_reply_that_she_writes_into_the_included_script_while_ours_is_live_is_seen(
    connector: ManageSieve, owner: Owner, mailbox: Mailbox, live: Standing
) -> None:
    owner.do(command("PUTSCRIPT", b"rules", VACATION % 7))
    now = connector.read(mailbox)
    assert (now.own_reply, now.active, now.replies) == (True, False, live.replies)


def test_after_her_reply_ours_can_be_withdrawn_and_hers_is_sent(
    place: Place, connector: ManageSieve, owner: Owner, mailbox: Mailbox, live: Standing
) -> None:
    owner.do(command("PUTSCRIPT", b"main", VACATION % 7))
    ended(connector, mailbox, live.found)
    reply = place.deliver(mailbox)
    assert reply is not None
    assert "Ik ben er zelf even niet" in reply.as_string()


def test_when_she_made_another_script_active_it_stays_active_at_our_end(
    connector: ManageSieve, owner: Owner, mailbox: Mailbox, live: Standing
) -> None:
    owner.has({"other": b"keep;"}, "other")
    ended(connector, mailbox, live.found)
    assert owner.shelf() == ("other", {"main": REAL, "rules": RULES, "other": b"keep;"})


def test_when_she_switched_all_scripts_off_none_is_active_at_our_end(
    connector: ManageSieve, owner: Owner, mailbox: Mailbox, live: Standing
) -> None:
    owner.do(activate(""))
    ended(connector, mailbox, live.found)
    assert owner.shelf()[0] == ""


def test_what_she_edited_while_ours_was_live_is_active_as_she_left_it(
    connector: ManageSieve, owner: Owner, mailbox: Mailbox, live: Standing
) -> None:
    owner.do(command("PUTSCRIPT", b"main", b"# beter\nkeep;"))
    ended(connector, mailbox, live.found)
    assert owner.shelf() == ("main", {"main": b"# beter\nkeep;", "rules": RULES})


def test_when_she_removed_the_included_script_none_is_active_at_our_end(
    connector: ManageSieve, owner: Owner, mailbox: Mailbox, live: Standing
) -> None:
    owner.do(command("DELETESCRIPT", b"main"))
    assert "her-script-gone" in connector.read(mailbox).remarks
    ended(connector, mailbox, live.found)
    assert owner.shelf() == ("", {"rules": RULES})


def test_mail_is_stored_and_answered_when_she_removed_the_included_script(
    place: Place, owner: Owner, mailbox: Mailbox, live: Standing
) -> None:
    owner.do(command("DELETESCRIPT", b"main"))
    assert (place.deliver(mailbox) is not None, place.folders(mailbox)) == (True, {".": 1})


def test_a_stale_expectation_is_a_conflict_at_our_end_too(
    connector: ManageSieve, owner: Owner, mailbox: Mailbox, live: Standing
) -> None:
    owner.has({"other": b"keep;"}, "other")
    with pytest.raises(Conflict):
        connector.write(mailbox, Wanted(restore=live.found), live)
    assert owner.shelf()[0] == "other"


def test_a_script_of_our_name_that_is_hers_is_never_overwritten(
    connector: ManageSieve, owner: Owner, mailbox: Mailbox
) -> None:
    owner.do(command("PUTSCRIPT", b"locum", b"# hers\nkeep;"))
    with pytest.raises(Rejected):
        connector.write(mailbox, wanted(mailbox), connector.read(mailbox))
    ended(connector, mailbox)
    with place_wire(owner) as script:
        assert script == b"# hers\nkeep;"


@contextmanager
def place_wire(owner: Owner) -> Iterator[bytes | None]:
    with owner._wire() as wire:
        yield wire.script(wire.run(command("GETSCRIPT", b"locum"))[0])


def test_a_script_of_ours_that_she_changed_is_hers(
    connector: ManageSieve, owner: Owner, mailbox: Mailbox, live: Standing
) -> None:
    with place_wire(owner) as script:
        changed = (script or b"") + b"# een regel van mij\n"
    owner.do(command("PUTSCRIPT", b"locum", changed))
    assert connector.read(mailbox).replies == ()
    ended(connector, mailbox, live.found)
    with place_wire(owner) as script:
        assert script == changed


def test_where_no_script_was_active_none_is_afterwards(place: Place, connector: ManageSieve) -> None:
    mailbox = place.new_mailbox()
    connector.write(mailbox, wanted(mailbox), connector.read(mailbox))
    assert place.deliver(mailbox) is not None
    ended(connector, mailbox)
    assert place.owner(mailbox).shelf() == ("", {})


@pytest.mark.parametrize("name", ["met spaties", 'aanhaling"en\\', "é ünï 🏖", "a.b-c_d"])
def test_a_script_of_hers_with_any_name_is_put_back(place: Place, connector: ManageSieve, name: str) -> None:
    mailbox = place.new_mailbox()
    owner = place.owner(mailbox)
    owner.has({name: b"# hers\nkeep;"}, name)
    found = connector.read(mailbox).found
    connector.write(mailbox, wanted(mailbox), connector.read(mailbox))
    assert place.deliver(mailbox) is not None
    ended(connector, mailbox, found)
    assert owner.shelf() == (name, {name: b"# hers\nkeep;"})


def test_two_cases_compose_into_one_script_and_the_first_can_end_alone(
    place: Place, connector: ManageSieve, owner: Owner, mailbox: Mailbox
) -> None:
    now = a_reply(mailbox)
    later = replace(now, handle="case-2", from_date=now.to_date, to_date=now.to_date.replace(year=now.to_date.year + 1))
    both = connector.write(mailbox, Wanted(replies=(now, later)), connector.read(mailbox))
    one = connector.write(mailbox, Wanted(replies=(later,)), both)
    assert (one.replies, one.found, place.deliver(mailbox), owner.shelf()[0]) == ((later,), both.found, None, "main")


def test_a_second_message_a_list_and_a_bounce_get_no_reply(place: Place, mailbox: Mailbox, live: Standing) -> None:
    host = place.host
    host.sink.clear()
    host.deliver("klant@example.net", mailbox.address, letter("klant@example.net", mailbox.address))
    host.deliver("klant@example.net", mailbox.address, letter("klant@example.net", mailbox.address, "Nogmaals"))
    host.deliver(
        "list@example.net", mailbox.address, letter("x@example.net", mailbox.address, List_Id="<l.example.net>")
    )
    host.deliver("", mailbox.address, letter("mailer-daemon@example.net", mailbox.address))
    assert [kept.recipients for kept in host.sink.messages] == [("klant@example.net",)]


# the credential


def holding(connector: ManageSieve) -> dict[str, bool | None]:
    return {finding.key: finding.holds for finding in connector.check()}


def test_check_shows_by_trying_that_imap_refuses_what_managesieve_accepts(connector: ManageSieve) -> None:
    assert holding(connector) == {
        "managesieve.reaches": True,
        "managesieve.tls": True,
        "managesieve.extensions": True,
        "managesieve.login": True,
        "managesieve.no-owner": None,  # Dovecot does not say whose scripts it opened
        "managesieve.imap-refuses": True,
        "managesieve.redirects": None,
        "access.not-given": None,
    }


def test_check_tells_when_the_login_works_for_imap_too(place: Place) -> None:
    both = {MASTER: MASTER_PASSWORD}
    users, extra = {"anna@corp.test": PASSWORD}, settings(place.certified)
    with Dovecot(users=users, masters_sieve=both, masters_imap=both, extra=extra) as host:
        there = Place(host, place.certified, place.secret_file).connector(tls="none")
        assert (holding(there)["managesieve.imap-lets-in"], there.can.reads_mail) == (False, True)


def test_check_says_when_imap_could_not_be_tried(place: Place) -> None:
    assert holding(place.connector(imap_port=1))["managesieve.imap-not-tried"] is None


def test_check_claims_nothing_when_managesieve_refuses_the_login_too(place: Place) -> None:
    said = holding(place.connector(user="nobody"))
    assert (said["managesieve.login-fails"], said["managesieve.imap-not-proven"]) == (False, None)


def test_check_tells_that_others_may_read_the_secret(place: Place, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(MASTER_PASSWORD)
    secret.chmod(0o644)
    assert holding(place.connector(secret_file=secret))["managesieve.secret-open"] is False


def test_check_changes_nothing(place: Place, connector: ManageSieve) -> None:
    anna = place.owner(Mailbox(address="anna@corp.test"))
    before = anna.shelf()
    connector.check()
    assert anna.shelf() == before


def test_every_finding_has_a_sentence(place: Place) -> None:
    connectors = [
        place.connector(),
        place.connector(user="nobody"),
        place.connector(port=1),
        place.connector(sample=""),
    ]
    for finding in (finding for connector in connectors for finding in connector.check()):
        assert [say(language, f"check.{finding.key}", **dict(finding.values)) for language in LANGUAGES]


def test_a_certificate_that_no_known_authority_signed_is_refused(place: Place) -> None:
    with pytest.raises(Rejected, match="managesieve-certificate"):
        place.connector(ca_file=None).read(Mailbox(address="anna@corp.test"))


def test_a_certificate_for_another_name_is_refused(place: Place) -> None:
    with pytest.raises(Rejected, match="managesieve-certificate"):
        place.connector(host="localhost").read(Mailbox(address="anna@corp.test"))


def test_no_tls_is_for_this_machine_only(place: Place) -> None:
    with pytest.raises(Invalid):
        place.connector(host="mail.example.net", tls="none")


def test_a_mailbox_that_does_not_exist_is_rejected(connector: ManageSieve) -> None:
    with pytest.raises(Rejected):
        connector.read(Mailbox(address="nobody@corp.test"))


# how the mail system names a mailbox


def test_a_mailbox_is_named_by_its_address_its_local_part_or_a_column(place: Place) -> None:
    mailbox = Mailbox(address="o'brien+x@corp.test", columns={"login": "obrien"})
    named = [place.connector(user_template=t).user(mailbox) for t in ("{address}", "{local}", "login")]
    assert named == ["o'brien+x@corp.test", "o'brien+x", "obrien"]


# many at once


def test_forty_mailboxes_at_once_are_all_set_and_put_back(place: Place, connector: ManageSieve) -> None:
    mailboxes = [place.new_mailbox() for _ in range(40)]
    found = connector.read_many(mailboxes)
    items = [(m, wanted(m), s) for m, s in zip(mailboxes, found, strict=True) if isinstance(s, Standing)]
    written = connector.write_many(items)
    assert [isinstance(s, Standing) and s.active and len(s.replies) for s in written] == [1] * 40
    ending = [(m, Wanted(restore=b.found), s) for (m, _, b), s in zip(items, written, strict=True)]
    assert connector.write_many(ending) == found


# forwards


def test_without_the_statement_of_a_queue_nothing_is_forwarded(place: Place, mailbox: Mailbox) -> None:
    connector = place.connector(local_queue=False)
    assert not connector.can.forwards
    findings = {finding.key: finding.holds for finding in connector.may_forward(mailbox)}
    assert findings["managesieve.forward-queue-unknown"] is False
    with pytest.raises(Unsupported, match="cannot-forward"):
        connector.write(mailbox, Wanted(forwards=(a_forward(mailbox.address),)), connector.read(mailbox))


@pytest.mark.parametrize(("hers", "key"), [(3, "managesieve.forward-room"), (4, "managesieve.forward-no-room")])
def test_her_own_forwards_need_their_room(place: Place, mailbox: Mailbox, hers: int, key: str) -> None:
    lines = "".join(f'redirect :copy "to{number}@corp.test";\r\n' for number in range(hers))
    place.owner(mailbox).has({"main": f'require "copy";\r\n{lines}'.encode()}, "main")
    connector = place.connector()
    assert key in {finding.key for finding in connector.may_forward(mailbox)}
    assert connector.read(mailbox).own_forwards == tuple(f"to{number}@corp.test" for number in range(hers))


def test_a_forward_may_stand_beside_her_own_reply_but_not_beside_her_rejection(place: Place, mailbox: Mailbox) -> None:
    connector, owner = place.connector(), place.owner(mailbox)
    owner.has({"main": VACATION % 7}, "main")
    forward = Wanted(forwards=(a_forward(mailbox.address),))
    assert connector.write(mailbox, forward, connector.read(mailbox)).active
    owner.has({"main": b'require "reject";\r\nreject "no";\r\n'}, "main")
    assert not connector.read(mailbox).active
    with pytest.raises((Unsupported, Conflict)):
        connector.write(mailbox, forward, connector.read(mailbox))
