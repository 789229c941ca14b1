"""The worker and the pages as two users: what the pages' user can do, and what it cannot read. And the units that ship."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clihouse import ASK, SETTINGS, SOON, House

from locum.demo.host import free_port
from locum.demo.sink import Sink

UNITS = Path(__file__).parent.parent / "systemd"
WORKER, PAGES = "daemon", "nobody"
"""Two users of every Debian; they share the group of the second."""
MOST_EXPOSED = {
    "locum-serve.service": 1.5,
    "locum-worker.service": 1.8,
    "locum-follow.service": 2.2,
    "locum-witness.service": 1.2,
}
"""What docs/operate.md says of each unit."""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as other users")


@pytest.fixture
def outside() -> Iterator[House]:
    """An organisation whose folders belong to the worker's user, as docs/operate.md has it."""
    folder = Path(tempfile.mkdtemp(prefix="locum-two-users-"))
    group, owner = pwd.getpwnam(PAGES).pw_gid, pwd.getpwnam(WORKER).pw_uid
    with Sink() as sink:
        house = House(folder, sink)
        port = free_port()
        more = (
            f'[web]\nurl = "http://127.0.0.1:{port}"\nlisten = "127.0.0.1:{port}"\n'
            '[store]\nurl = "sqlite:///data/locum.db"\n[record]\nkey_file = "data/record.key"\n'
            f'[acting]\n{WORKER} = ["bob"]\n'
        )
        house.write("locum.toml", SETTINGS.format(relay=sink.port) + more)
        house.policy(wait_hours=4)
        for name in ("data", "sieve", "sieve/before", "sieve/after"):
            (folder / name).mkdir(exist_ok=True)
            os.chown(folder / name, owner, group)
        (folder / "data").chmod(0o2770)
        (folder / "sieve").chmod(0o750)
        (folder / "relay.secret").write_text("sesame\n")
        (folder / "relay.secret").chmod(0o600)
        os.chown(folder / "relay.secret", owner, group)
        folder.chmod(0o755)
        if not house.runs_as(PAGES, group=group):
            pytest.skip("another user cannot run this checkout")
        yield house
    shutil.rmtree(folder)


def start(house: House, command: str, user: str) -> subprocess.Popen[str]:
    group = pwd.getpwnam(PAGES).pw_gid
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return house.start(command, user=user, group=group, extra_groups=[], umask=0o007, **quiet)


def answered(address: str, **fields: str) -> tuple[int, str]:
    data = urllib.parse.urlencode(fields).encode() if fields else None
    origin = "/".join(address.split("/")[:3])
    asked = urllib.request.Request(address, data=data, headers={"Origin": origin} if fields else {})
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(asked, timeout=60) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def can_read(path: Path, user: str) -> bool:
    group = pwd.getpwnam(PAGES).pw_gid
    ran = subprocess.run(
        ["head", "-c1", str(path)], user=user, group=group, extra_groups=[], capture_output=True, check=False
    )
    return ran.returncode == 0 and bool(ran.stdout)


@as_root
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("sievec") is None, reason="sievec is not installed")
def test_her_answer_on_the_pages_of_one_user_is_carried_out_by_the_worker_of_another(outside: House) -> None:
    worker, pages = start(outside, "worker", WORKER), start(outside, "serve", PAGES)
    try:
        group = pwd.getpwnam(PAGES).pw_gid
        until = time.monotonic() + 60
        while not (outside.folder / "data" / "record.key").exists() and time.monotonic() < until:
            time.sleep(0.05)
        ran = outside.run(*ASK, *SOON, "--json", user=WORKER, group=group, extra_groups=[])
        assert ran.code == 0, ran.err
        bodies = [one.mail.get_body(("plain",)) for one in outside.sink.wait_for(1)]
        letters = [str(body.get_content()) for body in bodies if body is not None]
        link = re.search(r"http://127\.0\.0\.1:\d+/l/\S+", "\n".join(letters))
        assert link is not None
        assert answered(link[0])[0] == 200
        asked = str(ran.json["request"])
        assert answered(link[0], answer="agree", request=asked)[0] == 200
        until = time.monotonic() + 60
        while not list((outside.folder / "sieve").glob("*/anna@corp.test.sieve")) and time.monotonic() < until:
            time.sleep(0.1)
        assert list((outside.folder / "sieve").glob("*/anna@corp.test.sieve"))
        assert can_read(outside.folder / "data" / "vault.key", PAGES)
        assert (outside.folder / "data" / "vault.key").stat().st_mode & 0o7777 == 0o640
        for secret in ("data/record.key", "relay.secret"):
            assert can_read(outside.folder / secret, WORKER), secret
            assert not can_read(outside.folder / secret, PAGES), secret
        wrote = subprocess.run(
            ["touch", str(outside.folder / "sieve" / "after" / "x.sieve")], user=PAGES, group=group, extra_groups=[],
            capture_output=True, check=False,
        )  # fmt: skip
        assert wrote.returncode != 0
    finally:
        for process in (worker, pages):
            process.terminate()
            process.wait(timeout=60)


SECRETS = ("relay.secret", "sms.url", "managesieve.secret", "data/record.key", "forwards/after/anna@corp.test.sieve")


def with_every_secret(house: House) -> None:
    """Every credential of mail that there can be, each for the worker's user alone, and a directory of forwards."""
    text = (house.folder / "locum.toml").read_text()
    relay = '\nuser = "locum"\nsecret_file = "relay.secret"\n'
    text = text.replace("\n[worker]", f"{relay}[worker]").replace("smtp://", "smtps://")
    text = text.replace(
        'directory = "sieve"\n',
        'directory = "sieve"\nforward_directory = "forwards"\nforward_publisher = ["/bin/false"]\n',
    )
    text = text.replace('url = "http://127.0.0.1', 'url = "http://localhost')
    house.write(
        "locum.toml",
        f'{text}[text_messages]\nurl_file = "sms.url"\n[connector.legacy]\nkind = "managesieve"\n'
        'mailboxes = ["*@old.corp.test"]\nhost = "127.0.0.1"\nuser = "locum"\nsecret_file = "managesieve.secret"\n'
        'tls = "none"\n',
    )
    owner = pwd.getpwnam(WORKER).pw_uid
    (house.folder / "forwards" / "after").mkdir(parents=True)
    for name in SECRETS:
        file = house.folder / name
        file.write_text("sesame\n")
        file.chmod(0o600)
    for place in ("forwards", "forwards/after", *SECRETS):
        os.chown(house.folder / place, owner, 0)
    (house.folder / "forwards").chmod(0o750)


@as_root
@pytest.mark.slow
def test_the_pages_do_their_work_without_any_secret_of_mail(outside: House) -> None:
    with_every_secret(outside)
    address = re.search(r'url = "(http://[^"]+)"', (outside.folder / "locum.toml").read_text())
    assert address is not None
    outside.run("cases", user=PAGES, group=pwd.getpwnam(PAGES).pw_gid, extra_groups=[], umask=0o007)
    pages = start(outside, "serve", PAGES)
    try:
        assert [answered(f"{address[1]}{path}")[0] for path in ("/healthz", "/", "/sign-in")] == [200] * 3
        assert answered(f"{address[1]}/l/none")[0] == 404
        # Something that is kept: the question to a browser's passkeys.
        code, asked = answered(f"{address[1]}/sign-in/ask", to="/cases")
        assert (code, "challenge" in asked) == (200, True)
        assert pages.poll() is None
        opened = [str(one.readlink()) for one in Path(f"/proc/{pages.pid}/fd").iterdir()]
        assert not [name for name in opened for secret in SECRETS if name.endswith(secret)]
    finally:
        pages.terminate()
        pages.wait(timeout=60)
    for secret in SECRETS:
        assert can_read(outside.folder / secret, WORKER), secret
        assert not can_read(outside.folder / secret, PAGES), secret


def test_the_unit_of_the_pages_hides_the_folders_of_mail_and_has_no_credentials() -> None:
    unit = (UNITS / "locum-serve.service").read_text("utf-8")
    hidden = re.search(r"^InaccessiblePaths=(.*)$", unit, re.MULTILINE)
    assert hidden is not None
    assert {"-/var/lib/locum/sieve", "-/var/lib/locum-forwards", "-/var/mail"} <= set(hidden[1].split())
    assert "LoadCredential" not in unit
    assert re.search(r"^User=locum-web$", unit, re.MULTILINE)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", sorted(MOST_EXPOSED))
def test_a_unit_is_no_more_exposed_than_the_docs_say(unit: str, tmp_path: Path) -> None:
    alone = shutil.copy(UNITS / unit, tmp_path)  # without the drop-in for sudo
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(alone)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for \S+: ([\d.]+)", ran.stdout)
    assert found is not None, ran.stderr
    assert float(found[1]) <= MOST_EXPOSED[unit]


@pytest.mark.parametrize("unit", sorted(MOST_EXPOSED))
def test_the_docs_say_the_figure_of_each_unit(unit: str) -> None:
    docs = (UNITS.parent / "docs" / "operate.md").read_text("utf-8")
    assert f"| `{unit}` | {MOST_EXPOSED[unit]} |" in docs
