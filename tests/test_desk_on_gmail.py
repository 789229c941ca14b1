"""The main path on Google Workspace, from the settings of its page: one text for all, said beforehand, set and taken away again."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.world import World

from locum.demo.sink import Sink
from locum.desk import beforehand
from locum.errors import Unsupported
from locum.lifecycle import Case, State
from locum.measure import Audience, AutoReply
from locum.messages import LANGUAGES, say
from mailhosts.gmail import ACCOUNT, KEY_ID, GmailHost, gmail_host

PAGE = (Path(__file__).parent.parent / "docs" / "connectors" / "gmail.md").read_text("utf-8")
HERS: dict[str, Any] = {"responseSubject": "Weg", "responseBodyHtml": "<p>Ik ben op reis.</p>"}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def host(key: rsa.RSAPrivateKey) -> Iterator[GmailHost]:
    with gmail_host(key.public_key()) as made:
        made.boxes.update({f"{name}@corp.test": dict(HERS) for name in ("anna", "bob", "carla", "dirk")})
        yield made


@pytest.fixture
def world(key: rsa.RSAPrivateKey, host: GmailHost, tmp_path: Path) -> Iterator[World]:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file = tmp_path / "workspace.json"
    file.touch(0o600)
    file.write_text(json.dumps({"client_email": ACCOUNT, "private_key_id": KEY_ID, "private_key": pem}))
    table = next(one for one in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "[connector.workspace]" in one)
    table = table.replace("corp.example", "corp.test").replace('"workspace.json"', f'"{file}"')
    urls = f'token_url = "{host.url}/token"\napi_url = "{host.url}"\n'
    with Sink() as sink:
        now = datetime.now(UTC).replace(microsecond=0)  # the connector's clock is the machine's
        policy = {"wait_hours": 0}
        yield World(tmp_path, sink, now=now, connectors=table + urls, policy=policy)


def asked(world: World, **changes: Any) -> Case:
    until = (world.now + timedelta(days=10)).date().isoformat()
    return world.request(**({"until": until, "audience": Audience.EVERYONE} | changes))


def reply_of(case: Case) -> AutoReply:
    assert case.reply is not None
    return case.reply


def test_the_text_for_outsiders_is_the_one_text_and_that_is_said_beforehand(world: World) -> None:
    case = asked(world)
    reply = reply_of(case)
    assert reply.text_body == reply.external_text
    assert beforehand.told(world.desk.office, case) == ("one-text",)
    assert all(say(language, "remark.one-text") for language in LANGUAGES)


def test_for_colleagues_alone_the_text_for_colleagues_stays_and_nothing_is_to_be_said(world: World) -> None:
    case = asked(world, audience=Audience.INTERNAL)
    reply = reply_of(case)
    assert (reply.external_text, beforehand.told(world.desk.office, case)) == (None, ())


def test_a_text_for_colleagues_that_somebody_wrote_is_not_sent_to_outsiders(world: World) -> None:
    with pytest.raises(Unsupported, match="cannot-two-texts"):
        asked(world, internal_text="Bel Bob op toestel 12.", external_text="Anna is er even niet.")


def test_a_reply_goes_live_and_what_was_there_is_put_back_at_its_end(world: World, host: GmailHost) -> None:
    case = asked(world)
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED
    seen = [host.reply("anna@corp.test", sender) for sender in ("klant@else.test", "bob@corp.test")]
    assert seen == [(reply_of(case).subject, reply_of(case).external_text)] * 2
    world.later(days=11)
    world.work()
    assert (host.boxes["anna@corp.test"], host.boxes["bob@corp.test"]) == (HERS, HERS)


def test_what_she_changes_herself_ends_ours_and_stays(world: World, host: GmailHost) -> None:
    case = asked(world)
    world.work()
    hers = {"enableAutoReply": True, "responseBodyHtml": "<div>Tot later!</div>"}
    host.boxes["anna@corp.test"] = dict(hers)
    world.later(hours=1)
    world.work()
    ended = world.desk.case(case.id)
    assert (ended.outcome, host.boxes["anna@corp.test"]) == ("changed-by-owner", hers)
