"""What is said of a mail host before it forwards: the queue, the room, the rights, the program; each wrong in turn.

The wrong ones are real: another configuration for Dovecot, another for Postfix, other owners; and what they would do to
mail is shown beside what is said of them.
"""

import os
import shutil
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from forward_conformance import wanted
from forwards import OUTSIDE, a_forward
from locum import sieve
from locum.absence import Mailbox
from locum.connectors.sieve_files import SieveFiles
from locum.connectors.sieve_files_configuration import locations, read_by_dovecot
from locum.demo.host import Dovecot, Sink, free_port
from locum.mailhost.following import following, is_followed
from locum.messages import say
from locum.seam import Finding
from mailhosts.dovecot import letter
from mailhosts.publishing import PUBLISHER, as_user, set_script, stored
from mailhosts.queue import NAMES, ForwardingHost, forward_publisher, forwarding

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("postfix") is None, reason="Postfix, and root to start it"),
]

ANNA = Mailbox(address=NAMES[0])


@pytest.fixture(scope="module")
def host() -> Iterator[ForwardingHost]:
    with ForwardingHost() as host:
        yield host


@pytest.fixture(autouse=True)
def _its_postfix(host: ForwardingHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of Dovecot's namespace, postconf is told by this where the configuration is."""
    monkeypatch.setenv("MAIL_CONFIG", str(host.queue.configuration))


def told(findings: tuple[Finding, ...]) -> dict[str, bool | None]:
    return {finding.key.removeprefix("sieve_files."): finding.holds for finding in findings}


def wrong(connector: SieveFiles) -> list[str]:
    """What does not hold before Anna's mail is forwarded."""
    return [key for key, holds in told(connector.may_forward(ANNA)).items() if holds is not True]


def other(host: ForwardingHost, folder: Path, more: str) -> Path:
    """Dovecot's configuration with other lines at its end."""
    config = folder / "dovecot.conf"
    config.write_text(host.config_file.read_text() + more + "\n")
    return config


def test_a_good_host_may_forward(host: ForwardingHost) -> None:
    assert wrong(forwarding(host)) == []


def test_check_finds_nothing_wrong_with_a_good_host_and_calls_it_a_trial(host: ForwardingHost) -> None:
    findings = told(forwarding(host).check(ANNA))
    assert ([key for key, holds in findings.items() if holds is False], findings["forward-trial"]) == ([], True)


CONFIGURATIONS = {
    "forward-relay": "submission_host = 127.0.0.1:{port}",
    "forward-no-sendmail": "sendmail_path = /usr/sbin/nothing-there",
    "forward-not-postfix": "sendmail_path = /bin/true",
    "forward-changes-sender": "plugin {{\n  sieve_redirect_envelope_from = postmaster\n}}",
    "forward-no-room": "plugin {{\n  sieve_max_redirects = 0\n}}",
    "before-not-read": "plugin {{\n  sieve_before2 = file:/elsewhere/%{{user}}.sieve\n}}",
    "after-not-read": "plugin {{\n  sieve_after2 =\n}}",
}


@pytest.mark.parametrize("key", list(CONFIGURATIONS))
def test_a_configuration_with_which_it_may_not_forward(host: ForwardingHost, tmp_path: Path, key: str) -> None:
    config = other(host, tmp_path, CONFIGURATIONS[key].format(port=free_port()))
    connector = forwarding(host, dovecot_config=config)
    assert (wrong(connector), told(connector.check()).get(key, False)) == ([key], False)


@pytest.mark.parametrize("protocol", ["lmtp", "lda"])
def test_a_relay_for_one_way_of_delivery_is_seen(host: ForwardingHost, tmp_path: Path, protocol: str) -> None:
    block = f"protocol {protocol} {{\n  mail_plugins = $mail_plugins sieve\n  submission_host = relay.test:25\n}}"
    assert wrong(forwarding(host, dovecot_config=other(host, tmp_path, block))) == ["forward-relay"]


@pytest.mark.parametrize(("redirects", "expected"), [(3, []), (4, ["forward-no-room"])])
def test_her_own_forwards_are_counted(host: ForwardingHost, redirects: int, expected: list[str]) -> None:
    mailbox = Mailbox(address=NAMES[1])
    set_script(host, mailbox.address, b'redirect "a@example.org";' * redirects)
    findings = told(forwarding(host).may_forward(mailbox))
    assert [key for key, holds in findings.items() if not holds] == expected


@pytest.mark.parametrize("options", [{"script": None}, {"script": None, "helper": ["false"]}])
def test_where_hers_cannot_be_seen_that_is_said(host: ForwardingHost, options: dict[str, object]) -> None:
    connector = forwarding(host, **options)
    assert (wrong(connector), told(connector.may_forward(ANNA))["forward-hers-not-seen"]) == ([], True)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"dovecot_config": None}, "forward-configuration-not-given"),
        ({"dovecot_config": "/nonexistent"}, "configuration-trouble"),
        ({"user": "login"}, "forward-names"),
        ({"forward_publisher": ["false"]}, "forward-does-not-publish"),
        ({"forward_directory": "/nonexistent"}, "directory-trouble"),
        ({"forward_directory": None}, "forward-not-set-up"),
    ],
)
def test_without_what_it_needs_it_may_not_forward(host: ForwardingHost, options: dict[str, object], key: str) -> None:
    mailbox = Mailbox(address=ANNA.address, columns={"login": ANNA.address})
    findings = told(forwarding(host, **options).may_forward(mailbox))
    assert findings[key] is False


def test_a_program_that_can_check_no_signatures_may_not_forward(host: ForwardingHost) -> None:
    assert wrong(forwarding(host, forward_publisher=forward_publisher(host))) == ["forward-needs-signatures"]


def test_a_program_that_checks_signatures_itself_may(host: ForwardingHost) -> None:
    checks = forward_publisher(host, "--site", "https://locum.corp.test")
    assert told(forwarding(host, forward_publisher=checks).may_forward(ANNA))["forward-signed"] is True


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"authorized_submit_users": "root"}, "forward-may-not-submit"),
        ({"command_directory": "/usr/lib"}, "forward-may-not-submit"),
        ({"sendmail_path": "/usr/sbin/other"}, "forward-not-postfix"),
    ],
)
def test_a_postfix_that_does_not_take_it(
    host: ForwardingHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], key: str
) -> None:
    copied_to = shutil.copytree(host.queue.configuration, tmp_path / "etc")
    named = [f"{name}={value}" for name, value in settings.items()]
    subprocess.run(["postconf", "-c", copied_to, "-e", *named], check=True)
    monkeypatch.setenv("MAIL_CONFIG", str(copied_to))
    assert wrong(forwarding(host)) == [key]


def test_a_door_of_the_queue_that_is_shut_is_seen(host: ForwardingHost) -> None:
    door = host.queue.folder / "queue" / "maildrop"
    door.chmod(0o700)
    try:
        assert wrong(forwarding(host)) == ["forward-may-not-submit"]
    finally:
        door.chmod(0o1730)


@pytest.mark.parametrize(("inward", "holds"), [("", None), ("10230000", None), ("10000000", True)])
def test_the_longest_message_has_to_fit_as_a_copy(
    host: ForwardingHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inward: str, holds: bool | None
) -> None:
    copied_to = shutil.copytree(host.queue.configuration, tmp_path / "etc")
    if inward:
        master = copied_to / "master.cf"
        master.write_text(master.read_text().replace(" smtpd\n", f" smtpd -o message_size_limit={inward}\n"))
    monkeypatch.setenv("MAIL_CONFIG", str(copied_to))
    findings = told(forwarding(host).check())
    assert [findings[key] for key in findings if key.startswith("forward-size")] == [holds]


# rights


@pytest.fixture
def own_places(host: ForwardingHost) -> Iterator[Path]:
    """The forwards' directory, as its own user's; put back afterwards."""
    paths = [host.forwards, *(host.forwards / place for place in ("before", "after"))]
    for path in paths:
        os.chown(path, PUBLISHER, PUBLISHER)
    yield host.forwards
    for path in paths:
        os.chown(path, 0, 0)
        path.chmod(0o755)


def test_a_user_of_its_own_writes_forwards(host: ForwardingHost, own_places: Path) -> None:
    command = as_user(PUBLISHER, *forward_publisher(host, "--unsigned-reviews"))
    connector = forwarding(host, forward_publisher=command)
    connector.write(ANNA, wanted(ANNA, a_forward(ANNA.address)), connector.read(ANNA))
    (file,) = own_places.rglob(f"{ANNA.address}.sieve")
    mine = (file.stat().st_uid, told(connector.check())["forward-own-owner"])
    connector.write(ANNA, wanted(ANNA), connector.read(ANNA))
    assert (mine, list(own_places.rglob("*.sieve"))) == ((PUBLISHER, True), [])


def test_one_user_for_both_is_warned_of(host: ForwardingHost) -> None:
    assert told(forwarding(host).check())["forward-same-owner"] is None


def test_a_directory_that_others_write_is_found(host: ForwardingHost, own_places: Path) -> None:
    (own_places / "before").chmod(0o777)
    assert wrong(forwarding(host)) == ["rights-open"]


def test_who_publishes_replies_may_not_write_forwards(host: ForwardingHost, own_places: Path) -> None:
    someone = PUBLISHER + 1
    command = as_user(someone, *forward_publisher(host, "--unsigned-reviews"))
    connector = forwarding(host, forward_publisher=command)
    assert "forward-does-not-publish" in wrong(connector)


def test_a_group_that_dovecot_gives_its_mail_user_is_enough_to_read_forwards(tmp_path: Path) -> None:
    with ForwardingHost(extra="mail_access_groups = postdrop\n") as host:
        for path in (host.forwards, *(host.forwards / place for place in ("before", "after"))):
            shutil.chown(path, PUBLISHER, "postdrop")
            path.chmod(0o2750)
        connector = forwarding(host)
        connector.write(ANNA, wanted(ANNA, a_forward(ANNA.address)), connector.read(ANNA))
        host.deliver(OUTSIDE, ANNA.address, letter(OUTSIDE, ANNA.address))
        findings = told(connector.check())
        assert (len(host.sink.wait_for(1)), findings["mail-user-reads"], "forward-read-by-all" in findings) == (
            1,
            True,
            False,
        )


def test_who_follows_is_seen_whatever_its_umask(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    before = os.umask(0o077)
    try:
        with following(tmp_path):
            assert (is_followed(tmp_path), (tmp_path / ".following").stat().st_mode & 0o777) == (True, 0o644)
    finally:
        os.umask(before)


# what it would do: the reason why it is refused


@pytest.mark.parametrize("trouble", ["relay is away", "relay puts off", "no program"])
@pytest.mark.parametrize("script", [b"", b'require ["fileinto", "mailbox"]; fileinto :create "Else";'])
def test_without_a_queue_her_mail_would_be_refused_or_doubled_and_so_it_may_not_forward(
    trouble: str, script: bytes
) -> None:
    with Sink() as relay:
        relay.refusing = "450 4.2.0 later"
        port = relay.port if trouble == "relay puts off" else free_port()
        lines = "" if trouble == "no program" else f"submission_host = 127.0.0.1:{port}"
        with ForwardingHost(queue=False, extra=f"sendmail_path = /nonexistent\n{lines}") as host:
            if script:
                set_script(host, ANNA.address, script)
            text = sieve.script([], forwards=[a_forward(ANNA.address)])
            (host.forwards / "before" / f"{ANNA.address}.sieve").write_bytes(text)
            delivered = delivery(host, ANNA.address)
            stored_in_all = stored(host, ANNA.address)
            refused = wrong(forwarding(host))
        assert (delivered, stored_in_all) != (True, 1)
        assert refused in (["forward-relay"], ["forward-no-sendmail"])


def delivery(host: Dovecot, address: str) -> bool:
    """Whether Dovecot took a message for her."""
    try:
        host.deliver(OUTSIDE, address, letter(OUTSIDE, address))
    except smtplib.SMTPException:
        return False
    return True


# in words


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_finding_can_be_said(host: ForwardingHost, tmp_path: Path, language: str) -> None:
    connectors = [
        forwarding(host),
        *(
            forwarding(host, dovecot_config=other(host, tmp_path, text.format(port=9)))
            for text in CONFIGURATIONS.values()
        ),
        *(forwarding(host, **one) for one in ({"mail_log": None}, {"mail_log": tmp_path / "no"}, {"script": None})),
    ]
    findings = [one for connector in connectors for one in (*connector.check(ANNA), *connector.may_forward(ANNA))]
    said = [say(language, f"check.{finding.key}", **dict(finding.values)) for finding in findings]
    assert all(sentence.endswith(".") for sentence in said)


LATER = {
    b"keep;": ("others-script", True),
    b'require "reject"; reject "no";': ("others-script-rejects", False),
    b'require "vacation"; vacation "x";': ("others-script-answers", None),
    b"nonsense;": ("others-script-not-seen", None),
}


@pytest.mark.parametrize("script", list(LATER))
@pytest.mark.parametrize("setting", ["sieve_default", "sieve_before3", "sieve_after"])
def test_the_organisations_scripts_that_run_after_ours_are_looked_at(
    host: ForwardingHost, tmp_path: Path, script: bytes, setting: str
) -> None:
    (tmp_path / "all.sieve").write_bytes(script)
    place = str(tmp_path) if setting == "sieve_after" else f"file:{tmp_path}/all.sieve"
    config = other(host, tmp_path, f"plugin {{\n  {setting} = {place}\n}}")
    findings = told(forwarding(host, dovecot_config=config).check())
    key, holds = LATER[script]
    assert findings[key] is holds


def test_one_that_runs_before_ours_is_not(host: ForwardingHost, tmp_path: Path) -> None:
    (tmp_path / "spam.sieve").write_bytes(b'require "reject"; reject "spam";')
    before = f"file:{host.folder}/published/before/%{{user}}.sieve;bindir=~/.locum-bin"
    lines = f"plugin {{\n  sieve_before = file:{tmp_path}/spam.sieve\n  sieve_before3 = {before}\n}}"
    findings = told(forwarding(host, dovecot_config=other(host, tmp_path, lines)).check())
    assert [key for key in findings if key.startswith("others-script")] == []


AS_2_4_SAYS_IT = """\
# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf
protocol lmtp {
  mail_plugins {
    sieve = yes
  }
}
sieve_script personal {
  active_path = ~/.dovecot.sieve
  path = ~/sieve
  type = personal
}
sieve_script spam {
  path = /etc/dovecot/spam.sieve
  type = before
}
sieve_script locum_forwards_before {
  bin_path = ~/.locum-bin
  path = /var/lib/locum-forwards/before/%{user}.sieve
  type = before
}
sieve_script locum_forwards_after {
  path = /var/lib/locum-forwards/after/%{user}.sieve
  type = after
}
"""


def test_the_configuration_of_2_4_is_read_too() -> None:
    found = [(one.kind, one.path, bool(one.options)) for one in locations(AS_2_4_SAYS_IT)]
    assert found == [
        ("before", "/etc/dovecot/spam.sieve", False),
        ("before", "/var/lib/locum-forwards/before/%{user}.sieve", True),
        ("after", "/var/lib/locum-forwards/after/%{user}.sieve", False),
    ]


def test_where_2_4_reads_forwards_is_found() -> None:
    said = told(tuple(read_by_dovecot(Path("/var/lib/locum-forwards"), AS_2_4_SAYS_IT)))
    assert said == {"before-read": True, "after-read": True, "no-bindir": None}
