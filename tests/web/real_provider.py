"""A real provider of OpenID Connect (npm oidc-provider), fetched and started for these tests, and a person who uses it."""

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest
from npm import installed as fetched

HERE = Path(__file__).parent
SECRET = "sesame, 100% & more"
PACKAGE = "oidc-provider@9"


def installed() -> Path | str:
    """The folder with the package, or why there is none."""
    return fetched(PACKAGE)


class RealProvider:
    """The running provider. `back` is the address that browsers are sent back to, `local` the same on loopback."""

    def __init__(self, back: str, local: str = "http://localhost:1/sign-in/back", *, in_token: bool = False) -> None:
        folder = installed()
        if isinstance(folder, str):
            pytest.skip(folder)
        command = ["node", str(HERE / "provider.mjs"), str(folder), back, local]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "IN_TOKEN": "1" if in_token else ""},
        )
        assert self.process.stdout is not None
        said = ""
        while not said.startswith("ready "):
            said = self.process.stdout.readline()
            if not said:
                raise RuntimeError(self.process.communicate()[1])
        self.issuer = f"http://127.0.0.1:{said.split()[1]}"

    def close(self) -> None:
        self.process.communicate(timeout=60)


class Visitor:
    """A browser at the provider, without a page: fills in its two forms and stops where it is sent to somewhere else."""

    def __init__(self, provider: RealProvider) -> None:
        self.issuer = provider.issuer
        self.client = httpx2.Client(trust_env=False)
        self.asked = 0

    def go(self, address: str, login: str) -> str:
        """Sign in as `login` and agree. The address at which the browser leaves the provider."""
        answer = self.client.get(address)
        for _ in range(12):
            if answer.is_redirect:
                onward = urljoin(str(answer.url), answer.headers["location"])
                if f"{urlsplit(onward).scheme}://{urlsplit(onward).netloc}" != self.issuer:
                    return onward
                answer = self.client.get(onward)
                continue
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            action = re.search(r'action="([^"]+)"', answer.text)
            assert prompt is not None, answer.text[:2000]
            assert action is not None
            fields = {"prompt": prompt[1]}
            if prompt[1] == "login":
                self.asked += 1
                fields |= {"login": login, "password": "anything"}
            answer = self.client.post(urljoin(str(answer.url), action[1]), data=fields)
        raise AssertionError("the provider sends in circles")
