"""The settings file: what docs/operate.md shows is read, and every mistake is told with its place."""

import os
from pathlib import Path

import pytest

from locum.app import build
from locum.errors import Invalid, Rejected, Unreachable
from locum.messages import LANGUAGES, catalogue, say
from locum.settings import ManageSieve, Settings, SieveFiles, load, secret

LEAST = """
[organisation]
name = "Voorbeeld BV"
domains = ["Corp.test"]
[people]
csv = "people.csv"
[mail]
relay = "smtp://127.0.0.1:10025"
[connector.dovecot]
kind = "sieve_files"
mailboxes = ["@corp.test"]
directory = "sieve"
"""

WHOLE = """
[organisation]
name = "Voorbeeld BV"
domains = ["corp.test"]
language = "nl"
time_zone = "Europe/Amsterdam"
working_hours = "mon-fri 09:00-17:00"
holidays = "holidays.ics"                    # optional
[store]
url = "sqlite:///locum.db"                  # or postgresql://...
[people]
csv = "people.csv"
[policy]
file = "policy.toml"
[mail]
relay = "smtp://127.0.0.1:10025"
from = "locum@corp.test"
user = "locum"
secret_file = "relay.secret"
[text_messages]
url_file = "/etc/locum/sms.url"
[record]
key_file = "record.key"
[web]
url = "http://127.0.0.1:8080"
listen = "127.0.0.1:8080"
[acting]
root = ["*"]
desk = ["daan"]
[leave]
csv = "leave.csv"
ical = ["leave.ics", "https://cal.corp.test/leave.ics"]
gaps_visible_to = ["hr"]
remind_days = 3
remind_at = "07:30"
[worker]
lease_seconds = 2
watch_minutes = 0.5
[contact]
dpo = "fg@corp.test"
authority = "Autoriteit Persoonsgegevens"
[connector.dovecot]
kind = "sieve_files"
mailboxes = ["@corp.test"]
directory = "/var/lib/locum/sieve"
dovecot_config = "/etc/dovecot/dovecot.conf"
log = "/var/log/dovecot.log"
owner_reader = "legacy"
user = "{address}"
[connector.legacy]
kind = "managesieve"
mailboxes = ["*@old.corp.test", "Info@else.test"]
host = "127.0.0.1"
port = 4190
user = "locum"
secret_file = "/etc/locum/managesieve.secret"
tls = "required"
"""


def read(folder: Path, text: str) -> Settings:
    path = folder / "locum.toml"
    path.write_text(text, "utf-8")
    return load(path)


def mistake(folder: Path, text: str) -> Invalid:
    with pytest.raises(Invalid) as caught:
        read(folder, text)
    for language in LANGUAGES:
        assert say(language, f"errors.{caught.value.key}.sentence", **caught.value.values)
        advice = f"{caught.value.key}.advice"
        if advice in catalogue(language, "errors"):
            assert say(language, f"errors.{advice}", **caught.value.values)
    return caught.value


def test_the_settings_that_the_documentation_shows_are_read(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE)
    assert settings.organisation.holidays == tmp_path / "holidays.ics"
    assert settings.mail.sender == "locum@corp.test"
    assert list(settings.connectors) == ["dovecot", "legacy"]
    assert isinstance(settings.connectors["dovecot"], SieveFiles)
    assert isinstance(settings.connectors["legacy"], ManageSieve)
    assert settings.leave.ical == (str(tmp_path / "leave.ics"), "https://cal.corp.test/leave.ics")
    assert settings.leave.remind_at.isoformat() == "07:30:00"
    assert settings.worker.lease_seconds == 2


def test_everything_but_five_things_has_a_default(tmp_path: Path) -> None:
    settings = read(tmp_path, LEAST)
    assert settings.organisation.domains == ("corp.test",)
    assert settings.organisation.working_hours == "mon-fri 09:00-17:00"
    assert settings.store.url == f"sqlite:///{tmp_path}/locum.db"
    assert settings.record.key_file == tmp_path / "record.key"
    assert settings.policy.file is None
    assert settings.mail.sender == "locum@corp.test"
    assert settings.web.listen == "127.0.0.1:8080"
    assert settings.acting == {"root": ("*",)}
    assert (settings.worker.lease_seconds, settings.worker.watch_minutes) == (60, 60)
    assert settings.leave.remind_days == 7


@pytest.mark.parametrize(
    "gone", ["name = ", "domains = ", "csv = ", "relay = ", "kind = ", "directory = ", "mailboxes = "]
)
def test_what_has_no_default_is_missed_by_name(tmp_path: Path, gone: str) -> None:
    error = mistake(tmp_path, "\n".join(line for line in LEAST.splitlines() if not line.startswith(gone)))
    assert error.key == "settings-missing-key"
    assert error.values["name"].endswith(gone.removesuffix(" = "))


def test_paths_count_from_the_settings_file_and_not_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    settings = read(tmp_path, LEAST)
    assert settings.people.csv == tmp_path / "people.csv"
    table = settings.connectors["dovecot"]
    assert isinstance(table, SieveFiles)
    assert table.directory == tmp_path / "sieve"


def test_an_absolute_or_postgresql_store_stays_as_it_is_written(tmp_path: Path) -> None:
    assert read(tmp_path, LEAST + '[store]\nurl = "sqlite:////var/x.db"').store.url == "sqlite:////var/x.db"
    assert read(tmp_path, LEAST + '[store]\nurl = "postgresql://h/x"').store.url == "postgresql://h/x"


@pytest.mark.parametrize(
    ("more", "name", "line", "meant"),
    [
        ("[mail2]\n", "mail2", 13, "mail"),
        ('[web]\nurll = "x"\n', "web.urll", 14, "url"),
        ("[worker]\nlease_second = 3\n", "worker.lease_second", 14, "lease_seconds"),
    ],
)
def test_an_unknown_key_is_named_with_its_line_and_what_was_meant(
    tmp_path: Path, more: str, name: str, line: int, meant: str
) -> None:
    error = mistake(tmp_path, LEAST + more)
    assert error.key == "settings-unknown-key"
    assert error.values["name"] == name
    assert error.values["file"] == f"{tmp_path}/locum.toml:{line}"
    assert error.values["known"].split(", ")[0] == meant


def test_an_unknown_key_of_a_connector_is_named_with_its_line(tmp_path: Path) -> None:
    error = mistake(tmp_path, LEAST + "pasword = 3\n")
    assert (error.key, error.values["name"]) == ("settings-unknown-key", "connector.dovecot.pasword")
    assert error.values["file"].endswith(":13")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('domains = ["corp.test"]', "domains = []"),
        ('domains = ["corp.test"]', 'domains = ["corp test"]'),
        ('time_zone = "Europe/Amsterdam"', 'time_zone = "Europe/Amsterdm"'),
        ('time_zone = "Europe/Amsterdam"', 'time_zone = "../../etc/passwd"'),
        ('working_hours = "mon-fri 09:00-17:00"', 'working_hours = "always"'),
        ('language = "nl"', 'language = "fr"'),
        ('relay = "smtp://127.0.0.1:10025"', 'relay = "smtp://user:pass@127.0.0.1:10025"'),
        ('relay = "smtp://127.0.0.1:10025"', 'relay = "smtp://127.0.0.1:notaport"'),
        ('relay = "smtp://127.0.0.1:10025"', 'relay = "127.0.0.1"'),
        ('from = "locum@corp.test"', 'from = "Locum <locum@corp.test>"'),
        ('listen = "127.0.0.1:8080"', 'listen = "127.0.0.1"'),
        ("port = 4190", 'port = "4190"'),
        ("port = 4190", "port = 70000"),
        ('tls = "required"', 'tls = "maybe"'),
        ('url = "sqlite:///locum.db"', 'url = "mysql://x/y"'),
        ("lease_seconds = 2", "lease_seconds = 0"),
        ('mailboxes = ["@corp.test"]', 'mailboxes = ["@"]'),
        ('name = "Voorbeeld BV"', "name = 3"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named_with_its_line(tmp_path: Path, old: str, new: str) -> None:
    text = WHOLE.replace(old, new)
    error = mistake(tmp_path, text)
    line = text.splitlines().index(next(row for row in text.splitlines() if row.startswith(new))) + 1
    assert error.key == "settings-bad-value"
    assert error.values["file"].endswith(f":{line}")


def test_a_kind_that_does_not_exist_is_told_with_those_that_do(tmp_path: Path) -> None:
    error = mistake(tmp_path, LEAST.replace("sieve_files", "lotus"))
    assert error.key == "settings-unknown-kind"
    assert "sieve_files" in error.values["kinds"]


def test_an_owner_reader_has_to_be_a_managesieve_connector(tmp_path: Path) -> None:
    error = mistake(tmp_path, LEAST + 'owner_reader = "nobody"\n')
    assert (error.key, error.values["file"][-3:]) == ("settings-owner-reader", ":13")


def test_without_tls_a_credential_goes_no_further_than_this_machine(tmp_path: Path) -> None:
    plain = WHOLE.replace('tls = "required"', 'tls = "none"')
    assert read(tmp_path, plain).route("x@old.corp.test") == "legacy"
    far = plain.replace('host = "127.0.0.1"', 'host = "127.0.0.1.evil.test"')
    assert mistake(tmp_path, far).key == "settings-tls-none"


def test_what_is_not_toml_or_not_there_is_said_so(tmp_path: Path) -> None:
    assert mistake(tmp_path, "[organisation\n").key == "settings-not-toml"
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(Invalid, match="settings-not-toml"):
        load(tmp_path / "latin.toml")
    with pytest.raises(Invalid, match="settings-missing"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("anna@corp.test", "dovecot"),
        ("anna@old.corp.test", "legacy"),
        ("anna@very.old.corp.test", None),
        ("info@else.test", "legacy"),
        ("anna@evilcorp.test", None),
        ("anna@corp.test.evil.test", None),
    ],
)
def test_the_first_pattern_that_matches_says_which_connector(tmp_path: Path, address: str, name: str | None) -> None:
    assert read(tmp_path, WHOLE).route(address) == name


def test_an_earlier_connector_wins(tmp_path: Path) -> None:
    text = WHOLE.replace('mailboxes = ["@corp.test"]', 'mailboxes = ["*@*"]')
    assert read(tmp_path, text).route("anna@old.corp.test") == "dovecot"


def test_a_user_of_the_system_acts_only_for_those_named(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE)
    assert settings.may_act_as("root", "anyone")
    assert settings.may_act_as("desk", "daan")
    assert not settings.may_act_as("desk", "anna")
    assert not settings.may_act_as("nobody", "daan")


def test_settings_cannot_be_changed_afterwards(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE)
    with pytest.raises(AttributeError):
        settings.web.url = "x"  # type: ignore[misc]


def write_secret(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_secret_loses_one_line_end_and_no_more(tmp_path: Path) -> None:
    assert secret(write_secret(tmp_path / "s", b" pass word \n\n")) == " pass word \n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_secret_that_others_may_touch_is_not_used(tmp_path: Path, mode: int) -> None:
    with pytest.raises(Invalid, match="secret-open-to-others") as caught:
        secret(write_secret(tmp_path / "s", b"hush", mode))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"a\0b", b"\xff\xfe", b"x" * 70_000])
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Invalid, match="secret-empty"):
        secret(write_secret(tmp_path / "s", content))


def test_a_missing_secret_and_a_folder_are_told_apart_from_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="secret-missing"):
        secret(tmp_path / "none")
    with pytest.raises(Unreachable, match="secret-missing"):
        secret(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_a_secret_of_another_user_is_rejected(tmp_path: Path) -> None:
    path = write_secret(tmp_path / "s", b"hush")
    pid = os.fork()
    if pid == 0:
        os.setuid(65534)
        try:
            secret(path)
        except (Rejected, Unreachable) as error:
            os._exit(0 if isinstance(error, Rejected) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_systemd_credential_of_the_same_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    write_secret(folder / "s", b"from systemd", 0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    assert secret(write_secret(tmp_path / "s", b"from the file")) == "from systemd"
    assert secret(write_secret(tmp_path / "other", b"from the file")) == "from the file"


# what `locum serve` and `locum check` are told


def test_proxies_are_addresses_or_networks(tmp_path: Path) -> None:
    assert read(tmp_path, LEAST).web.proxies == ()
    given = read(tmp_path, LEAST + '[web]\nproxies = ["127.0.0.1", "10.0.0.0/8", "::1"]\n')
    assert given.web.proxies == ("127.0.0.1", "10.0.0.0/8", "::1")
    for wrong in ('["proxy.corp.test"]', '["10.0.0.1/8"]', '"127.0.0.1/99"'):
        assert mistake(tmp_path, LEAST + f"[web]\nproxies = {wrong}\n").key == "settings-bad-value"


def test_what_is_known_of_a_credential_reaches_its_connector(tmp_path: Path) -> None:
    more = 'server = "cyrus"\nreads_mail = false\nsample = "Test@corp.test"\n'
    settings = read(tmp_path, WHOLE + more)
    legacy = build(settings).connectors["legacy"]
    assert (legacy.can.reads_mail, settings.connectors["legacy"].sample) == (False, "Test@corp.test".lower())
    assert build(read(tmp_path, WHOLE + 'server = "cyrus"\n')).connectors["legacy"].can.reads_mail
    assert mistake(tmp_path, WHOLE + 'server = "exchange"\n').key == "settings-bad-value"
    assert mistake(tmp_path, WHOLE + 'sample = "nobody"\n').key == "settings-bad-value"


def test_signing_in_has_settings_of_its_own(tmp_path: Path) -> None:
    more = """
[web.sign_in]
idle_minutes = 5
hours = 2.5
[oidc]
issuer = "https://login.corp.test/tenant"
client_id = "locum"
client_secret_file = "oidc.secret"
"""
    settings = read(tmp_path, LEAST + more)
    assert (settings.web.sign_in.idle_minutes, settings.web.sign_in.hours) == (5, 2.5)
    assert settings.oidc is not None
    assert (settings.oidc.claim, settings.oidc.client_secret_file) == ("email", tmp_path / "oidc.secret")
    plain = read(tmp_path, LEAST)
    assert (plain.oidc, plain.web.sign_in.idle_minutes, plain.web.sign_in.hours) == (None, 15, 8)


def test_a_mistake_within_a_table_of_a_table_is_told_with_its_place(tmp_path: Path) -> None:
    error = mistake(tmp_path, LEAST + "[web.sign_in]\nidle_minuts = 5\n")
    assert (error.key, error.values["name"]) == ("settings-unknown-key", "web.sign_in.idle_minuts")
    assert error.values["known"].startswith("idle_minutes")
    assert error.values["file"].endswith(":14")


@pytest.mark.parametrize("issuer", ["http://login.corp.test", "http://127.0.0.1.evil.test"])
def test_a_provider_is_not_spoken_to_in_the_open(tmp_path: Path, issuer: str) -> None:
    error = mistake(tmp_path, LEAST + f'[oidc]\nissuer = "{issuer}"\nclient_id = "locum"\n')
    assert error.key == "settings-oidc-issuer"


WITNESS_KEY = "or.corp.test/getuige+90695ce5+BI5BihotKtTudlkPToz70YiENZnIZ+2iUrwI8ub9sCsv"


def test_witnesses_are_named_in_their_order(tmp_path: Path) -> None:
    more = "".join(f'[witness.{name}]\nurl = "https://{name}.test"\nkey = "{WITNESS_KEY}"\n' for name in ("dpo", "or"))
    assert list(read(tmp_path, LEAST + more).witnesses) == ["dpo", "or"]


@pytest.mark.parametrize("key", ["", "x", WITNESS_KEY.replace("9069", "9068"), "corp.test/locum+c9276c38+ASFS"])
def test_a_key_that_is_none_of_a_witness_is_told_with_its_line(tmp_path: Path, key: str) -> None:
    with pytest.raises(Invalid, match="settings-bad-value") as error:
        read(tmp_path, f'{LEAST}[witness.or]\nurl = "https://or.test"\nkey = "{key}"\n')
    assert error.value.values["name"] == "witness.or.key"


def test_a_witness_is_not_spoken_to_in_the_open(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="settings-witness-url"):
        read(tmp_path, f'{LEAST}[witness.or]\nurl = "http://or.test"\nkey = "{WITNESS_KEY}"\n')
