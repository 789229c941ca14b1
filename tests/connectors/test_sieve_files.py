"""Published scripts on the real Dovecot: the conformance suite, and what else docs/connectors.md asks of this connector."""

import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from conformance import Answer, ConnectorConformance, Zoned, text_of, wanted
from locum.absence import Mailbox
from locum.connectors import kinds
from locum.connectors.sieve_files import SieveFiles
from locum.demo.host import Dovecot, Received, Sink
from locum.errors import Invalid, LocumError, Rejected
from locum.mailhost import Item
from locum.mailhost.following import following
from locum.measure import Standing
from locum.messages import say
from locum.seam import Connector
from locum.settings import kinds as kinds_with_options
from mailhosts.dovecot import PASSWORD, letter
from mailhosts.publishing import (
    HER_FILTER,
    HER_VACATION,
    PUBLISHER,
    as_root,
    as_user,
    deliver,
    disk,
    fill,
    hers,
    mailhost,
    set_script,
    sieve_files,
    stored,
    two_places,
)

pytestmark = pytest.mark.slow

_serial = itertools.count(1)


@pytest.fixture(autouse=True, scope="module")
def _followed(dovecot: Dovecot) -> Iterator[None]:
    """As if locum-mailhost --follow ran: without it ours is never before hers."""
    with following(dovecot.published):
        yield


class TestSieveFiles(ConnectorConformance):
    system = "`sieve_files`"

    @pytest.fixture
    def connector(self, dovecot: Dovecot) -> Connector:
        return sieve_files(dovecot)

    @pytest.fixture
    def mailbox(self, dovecot: Dovecot, mailbox: str) -> Mailbox:
        set_script(dovecot, mailbox, HER_FILTER)
        return Mailbox(address=mailbox, name="Anna", aliases=(mailbox.replace("@", ".alias@"),))

    @pytest.fixture
    def another_mailbox(self, dovecot: Dovecot) -> Iterator[Mailbox]:
        address = f"other{next(_serial)}@corp.test"
        dovecot.add_user(address, PASSWORD)
        set_script(dovecot, address, HER_VACATION)
        yield Mailbox(address=address)
        (dovecot.published / "after" / f"{address}.sieve").unlink(missing_ok=True)

    @pytest.fixture
    def snapshot(self, dovecot: Dovecot) -> Callable[[Mailbox], object]:
        return lambda mailbox: hers(dovecot, mailbox.address)

    @pytest.fixture
    def owner_changes(self, dovecot: Dovecot) -> Callable[[Mailbox], None]:
        serial = itertools.count()
        return lambda mailbox: set_script(dovecot, mailbox.address, HER_VACATION + b"# %d\r\n" % next(serial))

    @pytest.fixture
    def answer(self, dovecot: Dovecot, sink: Sink, mailbox: Mailbox) -> Answer:
        def deliver(sender: str) -> EmailMessage | None:
            sink.clear()
            dovecot.deliver(sender, mailbox.address, letter(sender, mailbox.address))
            assert [message.recipients for message in sink.messages] in ([], [(sender,)])
            return sink.messages[0].mail if sink.messages else None

        return deliver

    @pytest.fixture
    def zoned(self) -> Zoned:
        @contextmanager
        def start(zone: str) -> Iterator[tuple[Connector, Mailbox, Callable[[datetime], bool]]]:
            with Dovecot(users={"anna@corp.test": PASSWORD}, time_zone=zone, clock=True) as host:

                def answers(at: datetime) -> bool:
                    host.freeze_clock(at)
                    return bool(deliver(host, "anna@corp.test"))

                yield sieve_files(host, script=None), Mailbox(address="anna@corp.test"), answers

        return start

    @pytest.fixture
    def troubled(self, dovecot: Dovecot, mailbox: Mailbox, tmp_path: Path) -> Iterator[Callable[[str], Connector]]:
        """Silent: the disk is full. Refusing: another user publishes, who may not. Garbled: a file that is not ours."""
        if os.geteuid() != 0:
            pytest.skip("small disks and other users need root")
        with ExitStack() as disks:

            def make(trouble: str) -> Connector:
                if trouble == "silent":
                    folder = disks.enter_context(disk(tmp_path / "disk"))
                    fill(folder)
                    return sieve_files(dovecot, folder)
                folder = two_places(tmp_path / "places")
                if trouble == "refusing":
                    command = as_user(PUBLISHER, *mailhost("--directory", dovecot.published))
                    return sieve_files(dovecot, publisher=command)
                (folder / "after" / f"{mailbox.address}.sieve").write_text("keep;\r\n")
                return sieve_files(dovecot, folder, dovecot_config=folder / "none")

            yield make


@pytest.fixture
def box(dovecot: Dovecot, mailbox: str) -> Mailbox:
    return Mailbox(address=mailbox)


def test_a_missing_file_is_no_reply_and_the_mail_is_delivered(dovecot: Dovecot, box: Mailbox) -> None:
    assert (deliver(dovecot, box), stored(dovecot, box.address)) == ([], 1)


def test_it_counts_the_replies_that_went_out(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot, log_zone=UTC)
    since = datetime.now(UTC)
    time.sleep(1)
    connector.write(box, wanted(box), connector.read(box))
    for sender in ("a@example.net", "b@example.net", "a@example.net"):
        deliver(dovecot, box, sender)
    assert connector.replies_sent(box, since, datetime.now(UTC) + timedelta(seconds=2)) == 2


def test_without_a_log_it_cannot_tell_how_many(dovecot: Dovecot, box: Mailbox) -> None:
    assert sieve_files(dovecot, log=None).replies_sent(box, datetime.now(UTC), datetime.now(UTC)) is None


# before or after her own


@pytest.mark.parametrize(
    ("script", "place"),
    [
        (HER_FILTER, "before"),
        (b'require ["fileinto"]; fileinto "Else"; stop;', "before"),
        (HER_VACATION, "after"),
        (b'require "reject"; reject "no";', "after"),
        (b'require "ereject"; if size :over 10M { ereject "no"; }', "after"),
        (b"what is this", "after"),
        (b'require "include"; include :global "all";', "after"),
    ],
)
def test_ours_runs_before_hers_only_if_hers_has_no_reply_and_no_rejection(
    dovecot: Dovecot, box: Mailbox, script: bytes, place: str
) -> None:
    set_script(dovecot, box.address, script)
    connector = sieve_files(dovecot)
    connector.write(box, wanted(box), connector.read(box))
    assert places(dovecot, box) == [place]


def places(host: Dovecot, box: Mailbox) -> list[str]:
    return [name for name in ("before", "after") if (host.published / name / f"{box.address}.sieve").exists()]


@pytest.mark.parametrize("options", [{"script": None}, {"script": None, "helper": ["false"]}])
def test_ours_runs_after_hers_where_hers_cannot_be_seen(
    dovecot: Dovecot, box: Mailbox, options: dict[str, object]
) -> None:
    connector = sieve_files(dovecot, **options)
    written = connector.write(box, wanted(box), connector.read(box))
    assert (places(dovecot, box), written.own_reply) == (["after"], None)


def test_it_says_that_it_cannot_see_hers(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot, script=None)
    assert (connector.can.sees_own, connector.read(box).remarks) == (False, ("her-own-not-seen",))


def test_another_connector_can_see_hers_for_it(dovecot: Dovecot, box: Mailbox) -> None:
    set_script(dovecot, box.address, HER_VACATION)
    connector = sieve_files(dovecot, script=None, owner_reader=sieve_files(dovecot))
    assert (connector.can.sees_own, connector.read(box).own_reply) == (True, True)


@as_root
def test_the_program_of_the_mail_host_can_see_hers_for_it(dovecot: Dovecot, box: Mailbox) -> None:
    set_script(dovecot, box.address, HER_VACATION)
    script = f"{dovecot.folder}/mail/{{user}}/.dovecot.sieve"
    connector = sieve_files(dovecot, script=None, helper=as_user(dovecot.uid, *mailhost("--script", script)))
    assert connector.read(box).own_reply is True


def test_her_own_vacation_wins_over_ours(dovecot: Dovecot, box: Mailbox) -> None:
    set_script(dovecot, box.address, HER_VACATION)
    connector = sieve_files(dovecot)
    connector.write(box, wanted(box), connector.read(box))
    assert [text_of(sent.mail) for sent in deliver(dovecot, box)] == ["I set this myself."]


def test_her_vacation_set_while_ours_is_live_is_what_is_sent(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot, script=None)
    connector.write(box, wanted(box), connector.read(box))
    first = [text_of(sent.mail) for sent in deliver(dovecot, box)]
    set_script(dovecot, box.address, HER_VACATION)
    second = [text_of(sent.mail) for sent in deliver(dovecot, box)]
    assert (first, second) == (["I am away for a while. (extern)"], ["I set this myself."])


def test_her_vacation_set_while_ours_runs_before_it_is_told(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot)
    connector.write(box, wanted(box), connector.read(box))
    set_script(dovecot, box.address, HER_VACATION)
    standing = connector.read(box)
    assert (standing.own_reply, standing.remarks) == (True, ("before-her-own",))


def test_writing_again_moves_ours_behind_hers(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot)
    connector.write(box, wanted(box), connector.read(box))
    set_script(dovecot, box.address, HER_VACATION)
    connector.write(box, wanted(box), connector.read(box))
    assert (places(dovecot, box), len(deliver(dovecot, box))) == (["after"], 1)


def test_her_reject_set_while_we_publish_moves_ours_behind_hers_at_once(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot)
    expect = connector.read(box)
    put = connector._put

    def she_is_quick(items: Sequence[Item]) -> Sequence[str | LocumError]:
        done = put(items)
        set_script(dovecot, box.address, b'require "reject"; reject "no";')
        return done

    connector._put = she_is_quick  # type: ignore[method-assign]
    written = connector.write(box, wanted(box), expect)
    assert (places(dovecot, box), written.remarks) == (["after"], ("behind-her-rules",))


HERS = {
    "reject": b'require "reject"; if header :contains "subject" "Question" { reject "Do not write."; }',
    "vacation": HER_VACATION,
    "stop": b"stop;",
    "redirect": b'redirect "home@example.org";',
    "redirect and keep": b'require "copy"; redirect :copy "home@example.org";',
    "discard": b"discard;",
    "file away": b'require ["fileinto", "mailbox"]; fileinto :create "Else"; stop;',
    "include": b'require "include"; include :personal :optional "another";',
    "error": b'require "fileinto"; nonsense;',
}


@pytest.mark.parametrize("ours", ["seen", "unseen"])
@pytest.mark.parametrize("script", list(HERS))
def test_her_mail_is_stored_rejected_and_sent_on_as_without_us(
    dovecot: Dovecot, box: Mailbox, script: str, ours: str
) -> None:
    set_script(dovecot, box.address, HERS[script])
    without = (hers_sent(deliver(dovecot, box)), stored(dovecot, box.address))
    connector = sieve_files(dovecot, **({} if ours == "seen" else {"script": None}))
    connector.write(box, wanted(box), connector.read(box))
    with_ours = (hers_sent(deliver(dovecot, box)), stored(dovecot, box.address) - without[1])
    assert with_ours == without


@pytest.mark.parametrize("script", list(HERS))
def test_what_she_sets_while_ours_runs_after_hers_is_done_as_without_us(
    dovecot: Dovecot, box: Mailbox, script: str
) -> None:
    connector = sieve_files(dovecot, script=None)
    set_script(dovecot, box.address, HERS[script])
    without = (hers_sent(deliver(dovecot, box)), stored(dovecot, box.address))
    set_script(dovecot, box.address, HER_FILTER)
    connector.write(box, wanted(box), connector.read(box))
    set_script(dovecot, box.address, HERS[script])
    before = stored(dovecot, box.address)
    assert (hers_sent(deliver(dovecot, box)), stored(dovecot, box.address) - before) == without


def hers_sent(messages: list[Received]) -> list[tuple[str, bool]]:
    """What went out that is not our reply: to whom, and whether it is a rejection."""
    ours = [m for m in messages if b"(extern)" in m.content]
    return [
        ("sender" if "klant" in m.recipients[0] else m.recipients[0], b"report" in m.content)
        for m in messages
        if m not in ours
    ]


def test_mail_that_her_rules_file_away_is_answered_if_ours_runs_before(dovecot: Dovecot, box: Mailbox) -> None:
    set_script(dovecot, box.address, HERS["file away"])
    connector = sieve_files(dovecot)
    connector.write(box, wanted(box), connector.read(box))
    assert len(deliver(dovecot, box)) == 1


def test_ours_in_both_places_for_a_moment_is_one_reply(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot)
    connector.write(box, wanted(box), connector.read(box))
    file = dovecot.published / "before" / f"{box.address}.sieve"
    other = dovecot.published / "after" / file.name
    other.write_bytes(file.read_bytes())
    both = (len(deliver(dovecot, box)), connector.read(box).remarks)
    assert both == (1, ("in-both-places",))


def test_ours_in_both_places_is_mended_by_writing_again(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot)
    connector.write(box, wanted(box), connector.read(box))
    file = dovecot.published / "before" / f"{box.address}.sieve"
    (dovecot.published / "after" / file.name).write_bytes(file.read_bytes())
    connector.write(box, wanted(box), connector.read(box))
    assert places(dovecot, box) == ["before"]


# names


@pytest.fixture(scope="module")
def odd_names() -> Iterator[Dovecot]:
    """A Dovecot that takes any letter in a name, knows everybody at corp.test, and delivers by LDA too."""
    with Dovecot() as host:
        host.extra = ODD.format(folder=host.folder, uid=host.uid, gid=host.gid)
        host.restart()
        yield host


ODD = """
auth_username_chars =
recipient_delimiter =
userdb {{
  driver = static
  args = allow_all_users=yes uid={uid} gid={gid} home={folder}/mail/%u
}}
protocol lda {{
  mail_plugins = sieve
}}
"""


@pytest.mark.parametrize("address", ["o'brien", "anna+x", "Anna.Berg", "a.b.c", "a_b-c=d", "%n", "a&b$c", "{user}"])
def test_an_unusual_name_works(odd_names: Dovecot, address: str) -> None:
    box = Mailbox(address=f"{address}@corp.test")
    connector = sieve_files(odd_names)
    connector.write(box, wanted(box, addresses=(box.address.lower(),)), connector.read(box))
    assert len(deliver(odd_names, box)) == 1


@as_root
@pytest.mark.parametrize("address", ["zoë@corp.test", "łukasz'+x@corp.test"])
def test_a_name_in_another_script_works_and_so_does_delivery_without_lmtp(odd_names: Dovecot, address: str) -> None:
    box = Mailbox(address=address, aliases=("alias@corp.test",))
    connector = sieve_files(odd_names)
    connector.write(box, wanted(box), connector.read(box))
    odd_names.sink.clear()
    command = ["/usr/lib/dovecot/dovecot-lda", "-c", str(odd_names.config_file), "-f", "a@example.net", "-d", address]
    command += ["-a", "alias@corp.test", "-r", "alias@corp.test"]  # Dovecot 2.3 knows no SMTPUTF8
    subprocess.run(command, input=letter("a@example.net", "alias@corp.test"), check=True)
    assert [sent.recipients for sent in odd_names.sink.messages] == [("a@example.net",)]


@pytest.mark.parametrize(
    "address", ["../x@corp.test", "a/b@corp.test", "a\0b@corp.test", ".a@corp.test", "", "a\nb@corp.test", "a" * 250]
)
def test_a_name_that_could_leave_its_place_is_refused_and_nothing_is_written(
    dovecot: Dovecot, address: str, tmp_path: Path
) -> None:
    folder = two_places(tmp_path / "places")
    connector = sieve_files(dovecot, folder)
    box = Mailbox(address=address)
    result = connector.write_many([(box, wanted(box), Standing(revision="/?"))])[0]
    assert isinstance(result, Invalid)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["after", "before", "places"]


@pytest.mark.parametrize(
    ("template", "name"), [("{address}", "anna@corp.test"), ("{local}", "anna"), ("login", "A.de.Vries")]
)
def test_the_setting_says_how_dovecot_names_a_mailbox(dovecot: Dovecot, template: str, name: str) -> None:
    box = Mailbox(address="Anna@corp.test", columns={"login": "A.de.Vries"})
    assert sieve_files(dovecot, user=template).user(box) == name


def test_an_empty_column_is_no_name(dovecot: Dovecot, box: Mailbox) -> None:
    with pytest.raises(Invalid):
        sieve_files(dovecot, user="login").user(box)


def test_a_mailbox_that_dovecot_does_not_know_is_refused(dovecot: Dovecot) -> None:
    box = Mailbox(address="nobody@elsewhere.test")
    connector = sieve_files(dovecot)
    with pytest.raises(Rejected):
        connector.write(box, wanted(box), connector.read(box))


# check


def keys(connector: SieveFiles, sample: Mailbox | None = None) -> dict[str, bool | None]:
    return {finding.key.removeprefix("sieve_files."): finding.holds for finding in connector.check(sample)}


def test_check_finds_nothing_wrong_with_a_good_host(dovecot: Dovecot, box: Mailbox) -> None:
    assert [key for key, holds in keys(sieve_files(dovecot), box).items() if holds is False] == []


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_finding_can_be_said(dovecot: Dovecot, box: Mailbox, language: str, tmp_path: Path) -> None:
    good, bad = sieve_files(dovecot), sieve_files(dovecot, tmp_path, helper=["false"])
    bare = sieve_files(dovecot, script=None, dovecot_config=None, log=None)
    findings = [*good.check(box), *bad.check(), *bare.check()]
    said = [say(language, f"check.{finding.key}", **dict(finding.values)) for finding in findings]
    assert all(sentence.endswith(".") for sentence in said)


EXTRA = {
    "before-not-read": "plugin {\n  sieve_before = file:/elsewhere/%{user}.sieve\n}",
    "no-bindir": "plugin {\n  sieve_before = file:@/published/before/%{user}.sieve\n}",
    "file-named-otherwise": "plugin {\n  sieve_before = file:@/published/before/%d.sieve\n}",
    "database": "plugin {\n  sieve_before2 = dict:file:/tmp/x;name=y\n}",
    "runs-programs": "plugin {\n  sieve_plugins = sieve_extprograms\n  sieve_global_extensions = +vnd.dovecot.pipe\n}",
    "lmtp-without-sieve": "protocol lmtp {\n  mail_plugins =\n}",
    "names-differ": "auth_username_format = %Ln",
    "others-script-not-seen": "plugin {\n  sieve_default = /etc/nowhere.sieve\n}",
}


@pytest.mark.parametrize("key", list(EXTRA))
def test_check_finds_what_is_wrong_in_the_configuration(dovecot: Dovecot, tmp_path: Path, key: str) -> None:
    text = dovecot.config_file.read_text() + EXTRA[key].replace("@", str(dovecot.folder)) + "\n"
    config = tmp_path / "dovecot.conf"
    config.write_text(text)
    findings = keys(sieve_files(dovecot, dovecot_config=config))
    assert (key in findings, findings.get(key, True)) in ((True, False), (True, None))


def test_check_says_that_no_login_exists(dovecot: Dovecot) -> None:
    assert keys(sieve_files(dovecot))["no-credential"]


def test_check_says_where_dovecot_names_a_mailbox_otherwise(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot, user="login")
    assert "mailbox-unknown" in keys(connector, Mailbox(address=box.address, columns={"login": "nobody"}))


@pytest.mark.parametrize(
    ("template", "expected"), [("{address}", ("names-not-told", None)), ("{local}", ("names-differ", False))]
)
def test_check_does_not_call_a_mailbox_unknown_because_dovecot_tells_this_user_nothing(
    dovecot: Dovecot, box: Mailbox, tmp_path: Path, template: str, expected: tuple[str, bool | None]
) -> None:
    """Its auth-userdb tells users only of mailboxes with their own uid; here it cannot be reached at all, same exit code."""
    config = tmp_path / "dovecot.conf"
    config.write_text(dovecot.config_file.read_text() + f"base_dir = {tmp_path}\n")
    findings = keys(sieve_files(dovecot, dovecot_config=config, user=template), box)
    assert expected in findings.items()
    assert "mailbox-unknown" not in findings


def test_check_changes_nothing(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot)
    connector.write(box, wanted(box), connector.read(box))
    before = tree(dovecot.published)
    connector.check(box)
    assert tree(dovecot.published) == before


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def test_the_kinds_are_the_files_that_say_so_and_have_options() -> None:
    assert set(kinds()) == set(kinds_with_options())
