"""Signing in as `locum serve` does it: settings, a real provider, the real server; and the link for the first two keys.

What was handed to a browser is looked for afterwards in everything that was written: the log, the store, its journals.
"""

import os
import re
import shutil
import subprocess
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import psycopg
import pytest
from real_provider import SECRET, RealProvider, Visitor
from tests.clihouse import House

from locum.demo.host import free_port
from locum.demo.sink import Sink
from locum.sessions import digest
from mailhosts import postgres
from mailhosts.publishing import open_folder

pytestmark = pytest.mark.slow
pytest_plugins = ("tests.stores",)


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[House]:
    with Sink() as sink:
        yield House(tmp_path, sink, capsys)


def wait_for(address: str, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            httpx2.get(address, trust_env=False)
        except httpx2.HTTPError:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return


def holding(secrets: list[bytes], *folders: Path) -> list[tuple[bytes, str]]:
    """Which of these stand in which file below the folders, read as they are; a file that is gone meanwhile is passed over."""
    found: list[tuple[bytes, str]] = []
    for path in (path for folder in folders for path in ([folder] if folder.is_file() else folder.rglob("*"))):
        try:
            content = path.read_bytes() if path.is_file() else b""
        except OSError:
            continue
        found += [(secret, path.name) for secret in secrets if secret in content]
    return found


def files_of(store_url: str) -> list[Path]:
    """Where PostgreSQL keeps this database, its journal and its log; nothing for SQLite, which lies in the house's folder."""
    server = postgres.shared() if store_url.startswith("postgresql") else None
    if server is None:
        return []
    with psycopg.connect(store_url) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
    assert row is not None
    data = server.folder / "data"
    return [data / "base" / str(row[0]), data / "pg_wal", server.folder / "log"]


def test_nothing_that_signs_in_is_written_anywhere(house: House, store_url: str) -> None:
    url = f"http://localhost:{free_port()}"
    provider = RealProvider("https://elsewhere.test/", f"{url}/sign-in/back")
    house.write("oidc.secret", f"{SECRET}\n").chmod(0o600)
    house.settings(
        f'[web]\nurl = "{url}"\nlisten = "127.0.0.1:{urlsplit(url).port}"\n[store]\nurl = "{store_url}"\n'
        f'[oidc]\nissuer = "{provider.issuer}"\nclient_id = "local"\nclient_secret_file = "oidc.secret"\nname = "Corp"\n'
    )
    with house.start("serve") as process, httpx2.Client(base_url=url, trust_env=False) as browser:
        wait_for(f"{url}/healthz", process)
        address = browser.get("/sign-in/provider?to=/signed-in").headers["location"]
        attempt = browser.cookies["locum-attempt"]
        back = Visitor(provider).go(address, "anna")
        assert browser.get(back).status_code == 303
        token = browser.cookies["locum"]
        page = browser.get("/signed-in")
        assert "Dag Anna de Vries" in page.text
        form = page.text.partition('name="form_token" value="')[2].partition('"')[0]
        assert browser.get(back).status_code == 403
        assert browser.post("/sign-out", data={"form_token": "wrong"}).status_code == 403
        secrets = [text.encode() for text in (token, attempt, form, parse_qs(urlsplit(back).query)["code"][0])]
        assert min(map(len, secrets)) > 40
        raw = [urlsafe_b64decode(f"{text}=") for text in (token, attempt)]
        kept = [*secrets, *raw, *(part.hex().encode() for part in raw)]
        places = [house.folder, *files_of(store_url)]
        assert holding([digest(token)], *places), "the places where it would stand"
        assert holding(kept, *places) == []
        assert browser.post("/sign-out", data={"form_token": form, "everywhere": "yes"}).status_code == 303
        assert browser.get("/signed-in").status_code == 303
        process.terminate()
        out, err = process.communicate(timeout=60)
    provider.close()
    assert holding(kept, *places) == []
    assert "sign-in refused" in out + err
    assert not [secret for secret in [*secrets, b"anna"] if secret in (out + err).encode()]


# the link for the first two keys


def test_the_first_worker_writes_the_link_and_a_second_start_none(house: House) -> None:
    file = house.folder / "first-keys.link"
    said = start_and_stop(house)
    link = file.read_text()
    assert re.fullmatch(r"http://127\.0\.0\.1:8080/first-keys/[0-9a-z]{40}\n", link)
    assert file.stat().st_mode & 0o777 == 0o600
    assert str(file) in said
    token = link.strip().rpartition("/")[2]
    assert token not in said
    assert [name for _, name in holding([token.encode()], house.folder)] == [file.name]
    said = start_and_stop(house)
    assert (file.read_text(), str(file) in said) == (link, False)


def start_and_stop(house: House) -> str:
    """A worker's start; what it said."""
    with house.start("worker") as process:
        assert process.stderr is not None
        said = ""
        while "worker-started" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        process.terminate()
        return said + "".join(process.communicate(timeout=60))


def test_a_new_link_takes_the_place_of_the_old_one(house: House) -> None:
    assert house("enrol").code == 0
    file = house.folder / "first-keys.link"
    before = file.read_text()
    ran = house("enrol")
    assert (ran.code, file.read_text() != before, str(file) in ran.err) == (0, True, True)
    assert file.read_text().strip().rpartition("/")[2] not in ran.out + ran.err


def test_a_place_that_cannot_be_written_is_told_and_leaves_no_link(house: House) -> None:
    house.settings('[web.sign_in]\nfirst_keys_file = "nowhere/first.link"\n')
    ran = house("enrol")
    assert (ran.code, "nowhere/first.link" in ran.err) == (5, True)
    house.settings("")
    assert "first-keys.link" in start_and_stop(house)


def test_a_worker_that_cannot_write_the_link_works_all_the_same(house: House) -> None:
    house.settings('[web.sign_in]\nfirst_keys_file = "nowhere/first.link"\n')
    said = start_and_stop(house)
    assert "locum enrol" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look as somebody else")
def test_nobody_else_reads_the_link(house: House) -> None:
    house("enrol")
    reachable = open_folder("locum-link-")
    try:
        os.link(house.folder / "first-keys.link", reachable / "link")
        seen = [
            subprocess.run(
                [*words, reachable / "link"], user="nobody", group="nogroup", capture_output=True, check=False
            )
            for words in (["stat"], ["cat"])
        ]
    finally:
        shutil.rmtree(reachable)
    assert ([one.returncode for one in seen], seen[1].stdout) == ([0, 1], b"")
