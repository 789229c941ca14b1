"""Another implementation (npm `@simplewebauthn/server`, with Node) is asked about our stored approvals: it accepts what we
accept, and refuses what we refuse. Where it is looser on purpose, that is named here.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from approvals import Story
from locum.approval import Assertion, NotProven, Site, challenge
from locum.approval.strict import encoded
from registers import key_of
from softkeys import KINDS, SITE, SoftKey

PACKAGE = "@simplewebauthn/server@14"
SCRIPT = Path(__file__).with_name("assertions.mjs")


@dataclass(frozen=True)
class Judge:
    folder: Path

    def ask(self, cases: list["Case"]) -> list[str]:
        done = subprocess.run(
            ["node", SCRIPT, self.folder],
            input=json.dumps([one.told for one in cases]),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        found: list[str] = json.loads(done.stdout)
        return found


@dataclass(frozen=True)
class Case:
    """An assertion, and what is expected of it."""

    assertion: Assertion
    challenge: bytes
    public_key: bytes
    site: Site = SITE
    count: int = 0

    @property
    def told(self) -> dict[str, object]:
        return {
            "assertion": json.loads(self.assertion.dump()),
            "challenge": encoded(self.challenge),
            "origin": self.site.origin,
            "host": self.site.rp_id,
            "key": encoded(self.public_key),
            "count": self.count,
        }

    @property
    def ours(self) -> str:
        try:
            return f"yes {self.assertion.verify(self.public_key, self.challenge, (self.site,), self.count)}"
        except NotProven:
            return "no"


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed: nobody else judges our approvals here")
    with tempfile.TemporaryDirectory() as name:
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", name, PACKAGE]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180, cwd=name)
        except subprocess.TimeoutExpired:
            done = None
        if done is None or done.returncode:
            pytest.skip("npm cannot fetch @simplewebauthn/server here: nobody else judges our approvals")
        yield Judge(Path(name))


def stored(kind: str) -> list[Case]:
    """The approvals of a story, as they stand in the record."""
    story = Story()
    for name in ("maria", "sam"):
        key = SoftKey(f"{name}'s {kind}", kind, count=4)
        story.org.deed("key-added", key_of(name, key), (name, "", key), story.org.me(name))
        story.org.keys[name] = key
    story.both()
    assert story.why() == set()
    register = story.org.fold()
    return [
        Case(found, challenge("approval", one.signed.statement), register.keys[found.credential].public_key, count=5)
        for one in story.approvals
        for found in [Assertion.load(one.signed.assertion)]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_another_implementation_accepts_our_stored_approvals(judge, kind):
    cases = stored(kind)
    assert judge.ask(cases) == [one.ours for one in cases] == ["yes 6", "yes 6"]


def spoiled(kind: str) -> list[Case]:
    """One stored approval, with each thing about it changed that both look at."""
    good = stored(kind)[0]
    key = SoftKey("sam's " + kind, kind)
    said = good.assertion
    cases = [
        replace(good, challenge=bytes(32)),
        replace(good, site=replace(SITE, origin="https://evil.test")),
        replace(good, site=replace(SITE, rp_id="corp.test")),
        replace(good, count=6),
        replace(good, count=7),
        replace(good, public_key=SoftKey("eve", kind).public_key),
        replace(good, assertion=replace(said, signature=stored(kind)[1].assertion.signature)),
    ]
    for flags in (0x00, 0x01, 0x04, 0x15, 0x45, 0x85):
        key.flags = flags
        cases.append(replace(good, count=0, assertion=key.sign(good.challenge)))
    key.flags = 0x05
    for client in (
        {"type": "webauthn.create"},
        {"origin": "http://locum.corp.test"},
        {"origin": None},
        {"challenge": "AAAA"},
        {"topOrigin": "https://evil.test"},
        {"crossOrigin": True, "topOrigin": "https://evil.test"},
    ):
        key.client = client
        cases.append(replace(good, count=0, assertion=key.sign(good.challenge)))
    for part in ("client_data", "authenticator_data", "signature"):
        content = getattr(said, part)
        for at in range(0, len(content), 7):
            changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            cases.append(replace(good, assertion=replace(said, **{part: changed})))
    return cases


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_another_implementation_refuses_what_we_refuse(judge, kind):
    cases = spoiled(kind)
    assert [one.ours for one in cases] == ["no"] * len(cases)
    assert judge.ask(cases) == ["no"] * len(cases)


@pytest.mark.slow
def test_we_refuse_a_frame_that_the_other_lets_pass(judge):
    """Some browsers say crossOrigin without topOrigin, and others accept that; an approval is never signed in a frame."""
    good, key = stored("EdDSA")[0], SoftKey("sam's EdDSA", client={"crossOrigin": True})
    framed = replace(good, count=0, assertion=key.sign(good.challenge))
    assert (framed.ours, judge.ask([framed])) == ("no", ["yes 0"])
