"""The API as `locum serve` does it, with a token of `locum token`: real processes, and no trace of the token in anything written."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from calling import ASK
from test_signin_wired import files_of, holding, wait_for
from tests.clihouse import House

from locum.access_tokens import digest
from locum.demo.host import free_port
from locum.demo.sink import Sink

pytestmark = pytest.mark.slow
pytest_plugins = ("tests.stores",)


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[House]:
    with Sink() as sink:
        yield House(tmp_path, sink, capsys)


def test_a_token_of_the_command_line_works_and_is_written_nowhere(house: House, store_url: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    house.settings(f'[web]\nurl = "{url}"\nlisten = "{urlsplit(url).netloc}"\n[store]\nurl = "{store_url}"\n')
    token = house("token", "new", "--for", "bob", "--scope", "cases:write", "--scope", "cases:read").out.strip()
    key = "a-key-that-is-made-by-this-test"
    headers = {"authorization": f"Bearer {token}", "idempotency-key": key}
    with house.start("serve") as process, httpx2.Client(base_url=f"{url}/api/v1", trust_env=False) as client:
        wait_for(f"{url}/healthz", process)
        ask = {**ASK, "reason": "customer", "until": "2030-01-01"}
        answers = [
            client.post("/cases", json={**ask, "mailbox": "nobody@corp.test"}, headers=headers) for _ in range(2)
        ]
        assert {(one.status_code, one.json()["key"]) for one in answers} == {(400, "unknown-mailbox")}
        assert client.get("/cases", headers=headers).json() == {"cases": [], "next": None}
        assert client.get("/cases", headers={"authorization": f"Bearer {token}x"}).status_code == 401
        assert client.get("/openapi.json").json()["servers"] == [{"url": f"{url}/api"}]
        process.terminate()
        out, err = process.communicate(timeout=60)
    places = [house.folder, *files_of(store_url)]
    secrets = [token.encode(), token.removeprefix("locum_").encode(), key.encode()]
    assert holding([digest(token)], *places), "the places where it would stand"
    assert holding(secrets, *places) == []
    assert not [secret for secret in [*secrets, b"nobody@corp.test"] if secret in (out + err).encode()]
    assert "token refused" in out + err
