"""Looking for one message on a real Cyrus: a grant that the program on its host gives for one look, and takes away with it."""

import imaplib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from locum.absence import Mailbox
from locum.connectors.imap import ImapSearcher
from locum.connectors.imap_cyrus import CyrusGrants
from locum.connectors.imap_grants import Grant
from locum.errors import Invalid, Rejected
from locum.query import Exclusions, Look, Query
from locum.seam import Fruitless
from mailhosts.cyrus import Cyrus

pytestmark = pytest.mark.slow

PASSWORD = "hers"
ANNA, BOB = (Mailbox(address=f"{name}@corp.test") for name in ("anna", "bob"))
LEFT_OUT = Exclusions(subject_tags=("privé",), correspondents=("@arbo.test",))
_ids = count(1)


class Place:
    """The server, and what a searcher needs to know of it."""

    def __init__(self, host: Cyrus, secret: Path) -> None:
        self.host = host
        options = ("--cyrus-admin", "admin", "--cyrus-secret", str(secret), "--cyrus-port", str(host.imap_port))
        files = ("--cyrus-grants", "/lab/var/sasldb-search", "--cyrus-processes", str(host.folder / "var" / "proc"))
        program = ("--saslpasswd2", host.program("/usr/sbin/saslpasswd2"))
        self.command = host.inside(sys.executable, "-m", "locum.mailhost", *options, *files, *program)

    def searcher(self) -> ImapSearcher:
        grants = CyrusGrants(command=self.command)
        return ImapSearcher(name="imap", host="127.0.0.1", port=self.host.search_port, grants=grants, tls="none")

    def owner(self, mailbox: Mailbox = ANNA) -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.host.imap_port, timeout=20)
        client.login(mailbox.address, PASSWORD)
        return client

    def rights(self) -> bytes:
        """Everybody who has rights on anything of hers."""
        with self.host.imap("admin", "admin") as admin:
            names = ("user/anna@corp.test", *(f"user/anna/{one}@corp.test" for one in ("Werk/Orders", "Vakbond")))
            return b" ".join(bytes(admin.getacl(f'"{name}"')[1][0]) for name in names)


def mail(body: str = "De levering is op 3 december.", **headers: str) -> bytes:
    given = {"From": "Klant <klant@else.test>", "Subject": "Offerte 4711", "Message-ID": f"<{next(_ids)}@else.test>"}
    given |= {"Date": "Mon, 23 Nov 2026 10:00:00 +0100"} | headers
    return ("".join(f"{name}: {value}\r\n" for name, value in given.items()) + f"\r\n{body}\r\n").encode()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    secret = tmp_path_factory.mktemp("cyrus") / "secret"
    secret.write_text("admin\n")
    secret.chmod(0o600)
    with Cyrus(users={ANNA.address: PASSWORD, BOB.address: PASSWORD}) as host:
        made = Place(host, secret)
        hers = made.owner()
        for folder in ("Werk", "Werk/Orders", "Vakbond"):
            hers.create(folder)
        for folder, message in (
            ("INBOX", mail()),
            ("INBOX", mail("levering", Subject="=?utf-8?q?Priv=C3=A9=3A_iets?=")),
            ("INBOX", mail("levering", From="arts@arbo.test")),
            ("INBOX", mail("levering, doorgestuurd\r\n> From: arts@arbo.test")),
            ("INBOX", mail("Iets anders.")),
            ("Werk/Orders", mail("De levering is bevestigd.", Subject="Order 12")),
            ("Vakbond", mail("De levering van de vakbond.")),
        ):
            assert hers.append(f'"{folder}"', "", "", message)[0] == "OK"
        hers.logout()
        yield made


@pytest.fixture
def searcher(place: Place) -> ImapSearcher:
    return place.searcher()


def look(*words: str, most: int = 20) -> Look:
    return Look(query=Query(senders=("@else.test",), words=words), exclusions=LEFT_OUT, most=most)


def may_enter(searcher: ImapSearcher, grant: Grant) -> bool:
    try:
        with searcher.wire() as wire:
            wire.authenticate(grant.name, grant.secret, grant.authorize)
    except Rejected:
        return False
    return True


def is_ended(session: imaplib.IMAP4, within: float) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            session.noop()
        except (imaplib.IMAP4.error, OSError):
            return True
        time.sleep(0.05)
    return False


def test_what_answers_is_counted_in_all_folders_that_are_not_private(searcher: ImapSearcher) -> None:
    told = searcher.count(ANNA, look("levering"))
    assert (told.number, dict(told.looked.excluded)) == (2, {"subject": 1, "correspondent": 1})


def test_the_list_shows_them_and_the_one_message_is_handed_over(searcher: ImapSearcher) -> None:
    listed = searcher.list(ANNA, look("levering"))
    assert sorted(hit.subject for hit in listed.hits) == ["Offerte 4711", "Order 12"]
    place = next(hit.place for hit in listed.hits if hit.subject == "Order 12")
    assert b"De levering is bevestigd." in searcher.fetch(ANNA, look("levering"), place).content


def test_words_beyond_ascii_are_asked_of_the_server(searcher: ImapSearcher) -> None:
    assert searcher.count(ANNA, look("première")).number == 0


def test_nothing_is_seen_or_made_un_recent(place: Place, searcher: ImapSearcher) -> None:
    with place.host.imap(BOB.address, PASSWORD) as hers:
        hers.append("INBOX", "", "", mail())
    for act in (searcher.count, searcher.list):
        act(BOB, look("levering"))
    searcher.fetch(BOB, look("levering"), searcher.list(BOB, look("levering")).hits[0].place)
    hers = place.owner(BOB)
    hers.select("INBOX", readonly=True)
    flags = hers.fetch("1", "(FLAGS)")[1][0]
    hers.logout()
    assert (b"\\Recent" in flags, b"\\Seen" in flags) == (True, False)


def test_there_is_no_grant_before_a_look_and_none_after_it(place: Place, searcher: ImapSearcher) -> None:
    assert b"locum-" not in place.rights()
    with searcher.grants.grant(ANNA.address) as grant:
        assert may_enter(searcher, grant)
        assert b"locum-" in place.rights()
    assert (may_enter(searcher, grant), b"locum-" in place.rights()) == (False, False)


def test_it_shows_one_mailbox_read_only_and_no_private_folder(place: Place, searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA.address) as grant:
        thief = imaplib.IMAP4("127.0.0.1", place.host.search_port, timeout=20)
        thief.login(grant.name, grant.secret.decode())
        names = b" ".join(one for one in thief.list()[1] if isinstance(one, bytes))
        assert (b"Werk/Orders" in names, b"Vakbond" in names, b"bob" in names) == (True, False, False)
        assert thief.select('"Other Users/bob"', readonly=True)[0] == "NO"
        assert thief.select('"Other Users/anna/Vakbond"', readonly=True)[0] == "NO"
        with pytest.raises(imaplib.IMAP4.readonly):
            thief.select('"Other Users/anna"')
        thief.select('"Other Users/anna"', readonly=True)
        assert thief.store("1", "+FLAGS", "\\Seen")[0] == "NO"
        assert thief.store("1", "+FLAGS", "\\Deleted")[0] == "NO"
        assert thief.append('"Other Users/anna"', "", "", mail())[0] == "NO"
        thief.logout()


def test_it_is_good_for_no_other_service(place: Place, searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA.address) as grant:
        other = imaplib.IMAP4("127.0.0.1", place.host.imap_port, timeout=20)
        with pytest.raises(imaplib.IMAP4.error):
            other.login(grant.name, grant.secret.decode())
        other.shutdown()


def test_a_session_opened_with_a_copied_secret_is_ended_with_the_look(place: Place, searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA.address) as grant:
        thief = imaplib.IMAP4("127.0.0.1", place.host.search_port, timeout=20)
        thief.login(grant.name, grant.secret.decode())
        thief.select('"Other Users/anna"', readonly=True)
    assert is_ended(thief, within=10)


def test_what_a_crash_left_is_taken_away_by_the_next_look_and_by_close(place: Place, searcher: ImapSearcher) -> None:
    for taken_away in (lambda: searcher.count(ANNA, look("levering")), lambda: searcher.close(ANNA)):
        left = searcher.grants.grant(ANNA.address)
        grant = left.__enter__()
        assert may_enter(searcher, grant)
        taken_away()
        assert (may_enter(searcher, grant), b"locum-" in place.rights()) == (False, False)
        left.__exit__(None, None, None)


def test_a_folder_that_somebody_else_opened_to_all_is_not_hers(place: Place, searcher: ImapSearcher) -> None:
    his = place.owner(BOB)
    his.create("Levering")
    his.append("Levering", "", "", mail("De levering van Bob."))
    his.setacl("Levering", "anyone", "lr")
    his.logout()
    assert searcher.count(ANNA, look("levering")).number == 2


def test_a_mailbox_without_a_domain_is_not_the_one_of_that_name_in_a_domain(
    place: Place, searcher: ImapSearcher
) -> None:
    with place.host.imap("admin", "admin") as admin:
        for name in ("user/anna", "user/anna/Inkoop"):
            admin.create(name)
        with searcher.grants.grant("anna"):
            assert b"locum-" in bytes(admin.getacl("user/anna/Inkoop")[1][0])
            assert b"locum-" not in place.rights()


def test_a_login_that_cannot_be_removed_is_said_and_found_again(place: Place, searcher: ImapSearcher) -> None:
    left = searcher.grants.grant(ANNA.address)
    grant = left.__enter__()
    broken = [one.replace("sasldb-search", "nowhere/sasldb") for one in place.command]
    with pytest.raises(Rejected, match="program-failed"):
        CyrusGrants(command=broken).withdraw(ANNA.address)
    searcher.close(ANNA)
    assert (may_enter(searcher, grant), b"locum-" in place.rights()) == (False, False)
    left.__exit__(None, None, None)


def test_where_its_folders_are_not_shown_nothing_is_answered(searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA.address) as grant, searcher.wire() as wire:
        wire.authenticate(grant.name, grant.secret, grant.authorize)
        with pytest.raises(Rejected, match="cyrus-no-mailbox"):
            wire.folders("Elsewhere/anna")


@pytest.mark.parametrize(
    "user", ["nobody@corp.test", "anna*@corp.test", 'anna"@corp.test', "%@corp.test", "a/b@corp.test", ""]
)
def test_a_name_that_is_no_mailbox_gets_none(place: Place, searcher: ImapSearcher, user: str) -> None:
    with pytest.raises((Invalid, Rejected)), searcher.grants.grant(user):
        pass
    assert b"locum-" not in place.rights()


def test_the_program_gives_nothing_that_is_not_named_as_a_grant(place: Place) -> None:
    asked = '{"do": "grant", "name": "anna", "user": "anna@corp.test", "secret": "x"}\n'
    done = subprocess.run(place.command, input=asked, capture_output=True, text=True, check=False)
    assert ("mailhost-garbled" in done.stdout, b"anna lr" in place.rights()) == (True, False)


def test_check_tries_it(searcher: ImapSearcher) -> None:
    found = {one.key: one.holds for one in searcher.check(ANNA)}
    assert found == dict.fromkeys(
        ("search.reached", "search.refused-without", "search.opens", "search.private-hidden"), True
    )


def test_a_look_that_finds_too_much_says_so_and_leaves_nothing(place: Place, searcher: ImapSearcher) -> None:
    with pytest.raises(Fruitless):
        searcher.list(ANNA, replace(look("levering"), most=1))
    assert b"locum-" not in place.rights()
