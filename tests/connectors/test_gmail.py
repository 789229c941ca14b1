"""Gmail against a stub that keeps state, judged by Google's discovery document in both directions: the suite, the list, `check`."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.header import Header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import googleapiclient.discovery
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from googleapiclient.http import HttpRequest
from httplib2 import Http
from jsonschema import Draft202012Validator

from conformance import Answer, ConnectorConformance, Zoned, a_reply, wanted
from locum.absence import Mailbox
from locum.connectors.gmail import Gmail
from locum.errors import Conflict, Garbled, Invalid, LocumError, Rejected, Unreachable, Unsupported
from locum.measure import Audience, Standing, Wanted
from locum.messages import LANGUAGES, say
from locum.settings import secret
from mailhosts.gmail import ACCOUNT, BASIC, FAR, KEY_ID, GmailHost, gmail_host
from remembering import remembering

_serial = itertools.count(1)
HERS = {"responseSubject": "Weg", "responseBodyHtml": "<p>Ik ben op&nbsp;reis &amp; lees <b>geen</b> mail.</p>"}
DISCOVERY = Path(googleapiclient.discovery.__file__).parent / "discovery_cache" / "documents" / "gmail.v1.json"


@dataclass(frozen=True)
class Account:
    """The service account, and the file in which Locum has its key."""

    file: Path
    key: rsa.RSAPrivateKey

    def connector(self, host: GmailHost, **changes: Any) -> Gmail:
        waited: list[float] = []
        known: dict[str, Any] = {
            "name": "workspace",
            "key_file": self.file,
            "mailboxes": ("@corp.test",),
            "secret": secret,
            "token_url": f"{host.url}/token",
            "api_url": host.url,
            "pause": waited.append,
        }
        made = Gmail(**(known | changes))
        made.waited = waited  # type: ignore[attr-defined]  what the stub asked to wait, without waiting
        return made


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file = tmp_path_factory.mktemp("gmail") / "account.json"
    file.touch(0o600)
    told = {"type": "service_account", "client_email": ACCOUNT, "private_key_id": KEY_ID, "private_key": pem}
    file.write_text(json.dumps(told))
    return Account(file, key)


@pytest.fixture(scope="module")
def host(account: Account) -> Iterator[GmailHost]:
    with gmail_host(account.key.public_key()) as made:
        yield made


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    """VacationSettings as Google publishes it, with nothing beside it."""
    told = json.loads(DISCOVERY.read_text("utf-8"))["schemas"]["VacationSettings"]
    properties = {
        name: {"type": one["type"]} | ({"pattern": r"^-?\d{1,19}$"} if one.get("format") == "int64" else {})
        for name, one in told["properties"].items()
    }
    return Draft202012Validator({"type": "object", "properties": properties, "additionalProperties": False})


@pytest.fixture(autouse=True)
def judge(host: GmailHost, schema: Draft202012Validator) -> Iterator[None]:
    """Every request of this file, and every answer."""
    host.faults.clear()
    host.seen.clear()
    host.delegated[:] = [BASIC]
    yield
    settled = [one for one in host.seen if one[1].endswith("settings/vacation")]
    for _, _, sent, _, answer in settled:
        assert sent is None or list(schema.iter_errors(sent)) == []
        assert "error" in answer or list(schema.iter_errors(answer)) == []


@pytest.fixture(scope="module")
def gmail(account: Account, host: GmailHost) -> Gmail:
    return account.connector(host)


@pytest.fixture
def connector(gmail: Gmail) -> Any:
    return remembering(gmail)


def new_mailbox(host: GmailHost, **changes: Any) -> Mailbox:
    address = f"hers{next(_serial)}@corp.test"
    host.boxes[address] = {**HERS, **changes}
    return Mailbox(address=address, aliases=(f"alias.{address}",))


@pytest.fixture
def mailbox(host: GmailHost) -> Mailbox:
    return new_mailbox(host)


class TestGmail(ConnectorConformance):
    system = "`gmail`"

    @pytest.fixture
    def connector(self, gmail: Gmail) -> Any:
        return remembering(gmail)

    @pytest.fixture
    def mailbox(self, host: GmailHost) -> Mailbox:
        return new_mailbox(host)

    @pytest.fixture
    def another_mailbox(self, host: GmailHost) -> Mailbox:
        return new_mailbox(host)

    @pytest.fixture
    def snapshot(self, host: GmailHost) -> Callable[[Mailbox], object]:
        return lambda mailbox: dict(host.boxes[mailbox.address])

    @pytest.fixture
    def owner_changes(self, host: GmailHost) -> Callable[[Mailbox], None]:
        def change(mailbox: Mailbox) -> None:
            hers = {"enableAutoReply": True, "responseBodyHtml": f"<div>Weg, keer {next(_serial)}</div>"}
            host.boxes[mailbox.address] = hers

        return change

    @pytest.fixture
    def answer(self, host: GmailHost, mailbox: Mailbox) -> Answer:
        def deliver(sender: str) -> EmailMessage | None:
            found = host.reply(mailbox.address, sender)
            if found is None:
                return None
            message = EmailMessage()
            message.set_content(found[1])
            head = f"Subject: {Header(found[0], 'utf-8').encode()}\n".encode()
            return BytesParser(EmailMessage, policy=default).parsebytes(head + message.as_bytes())

        return deliver

    @pytest.fixture
    def zoned(self, gmail: Gmail, host: GmailHost) -> Zoned:
        @contextmanager
        def made(zone: str) -> Iterator[tuple[Any, Mailbox, Callable[[datetime], bool]]]:
            if zone != "Pacific/Kiritimati":
                pytest.skip("Gmail's times are milliseconds since 1970, whatever the zone")
            box = new_mailbox(host)
            yield remembering(gmail), box, lambda at: host.reply(box.address, "klant@example.net", at) is not None

        return made

    @pytest.fixture
    def troubled(self, account: Account, host: GmailHost, mailbox: Mailbox) -> Callable[[str], Gmail]:
        def made(trouble: str) -> Gmail:
            sample = mailbox.address
            if trouble == "silent":
                host.fails("token", kind="silent", times=9)
                return account.connector(host, sample=sample, answer_seconds=0.2)
            if trouble == "refusing":
                host.delegated.clear()
                return account.connector(host, sample=sample)
            host.fails("GET", kind="garbled", status=200, times=9)
            return account.connector(host, sample=sample)

        return made

    @pytest.fixture
    def secrets(self, account: Account, host: GmailHost) -> tuple[str, ...]:
        key = json.loads(account.file.read_text())["private_key"].splitlines()[1]
        return (key, "ya29.")


# one text, and whom it is for


def test_a_text_for_colleagues_is_never_sent_to_outsiders(connector: Any, mailbox: Mailbox, host: GmailHost) -> None:
    before = dict(host.boxes[mailbox.address])
    for changes in ({"external_text": "Another one."}, {"external_text": None}):
        reply = replace(a_reply(mailbox, connector.can), **changes)  # type: ignore[arg-type]
        with pytest.raises(Unsupported):
            connector.write(mailbox, Wanted(replies=(reply,)), connector.read(mailbox))
    assert host.boxes[mailbox.address] == before


def test_colleagues_only_is_said_as_the_domain_only(connector: Any, mailbox: Mailbox, host: GmailHost) -> None:
    want = wanted(mailbox, connector.can, audience=Audience.INTERNAL, external_text=None)
    connector.write(mailbox, want, connector.read(mailbox))
    kept = host.boxes[mailbox.address]
    assert (kept.get("restrictToDomain"), type(kept["startTime"])) == (True, str)


def test_the_whole_object_is_always_written(connector: Any, mailbox: Mailbox, host: GmailHost) -> None:
    connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
    (sent,) = [one[2] for one in host.seen if one[0] == "PUT"]
    assert len(sent) == 8


# Locum's own list


@pytest.mark.parametrize("address", ["anna@elsewhere.test", "anna@sub.corp.test", "corp.test@evil.test"])
def test_google_is_asked_nothing_for_who_is_not_on_the_list(gmail: Gmail, host: GmailHost, address: str) -> None:
    asked = len(host.asked_for)
    with pytest.raises(Rejected, match="gmail-not-allowed"):
        gmail.read(Mailbox(address=address))
    assert (len(host.asked_for), host.seen) == (asked, [])


def test_a_column_cannot_name_somebody_who_is_not_on_the_list(account: Account, host: GmailHost) -> None:
    named = account.connector(host, user_template="google_name")
    with pytest.raises(Rejected, match="gmail-not-allowed"):
        named.read(Mailbox(address="anna@corp.test", columns={"google_name": "boss@elsewhere.test"}))


def test_the_file_of_addresses_narrows_it_further_and_fails_closed(
    account: Account, host: GmailHost, mailbox: Mailbox, tmp_path: Path
) -> None:
    file = tmp_path / "allowed"
    named = account.connector(host, allow_file=file)
    with pytest.raises(Rejected, match="gmail-allow-file"):
        named.read(mailbox)
    file.write_text("somebody@corp.test\n")
    with pytest.raises(Rejected, match="gmail-not-allowed"):
        named.read(mailbox)
    file.write_text(f"somebody@corp.test\n{mailbox.address}\n")
    assert named.read(mailbox).own_reply is False


# what an independent client sees


def test_googles_own_client_reads_what_was_written(
    connector: Any, mailbox: Mailbox, gmail: Gmail, host: GmailHost
) -> None:
    connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
    headers = {"Authorization": f"Bearer {gmail.tokens.get(mailbox.address).value}"}

    def request(http: Http, *arguments: Any, **named: Any) -> HttpRequest:
        named["headers"] = {**named.get("headers", {}), **headers}
        return HttpRequest(http, *arguments, **named)

    service = googleapiclient.discovery.build(
        "gmail",
        "v1",
        http=Http(),
        static_discovery=True,
        client_options={"api_endpoint": f"{host.url}/"},
        requestBuilder=request,
    )
    found = service.users().settings().getVacation(userId=mailbox.address).execute()
    assert (found["enableAutoReply"], found["responseBodyPlainText"]) == (
        True,
        a_reply(mailbox, connector.can).text_body,
    )


# what goes wrong


FAULTS: dict[str, tuple[dict[str, Any], type[LocumError], str]] = {
    "delegation taken away": ({"on": "token", "status": 401, "kind": "delegation"}, Rejected, "gmail-delegation"),
    "not Gmail": ({"on": "GET", "status": 400, "reason": "failedPrecondition"}, Rejected, "gmail-not-enabled"),
    "no scope": ({"on": "GET", "status": 403, "reason": "insufficientPermissions"}, Rejected, "gmail-scope"),
    "API off": ({"on": "GET", "status": 403, "reason": "accessNotConfigured"}, Rejected, "gmail-api-off"),
    "policy": ({"on": "GET", "status": 403, "reason": "domainPolicy"}, Rejected, "gmail-domain-policy"),
    "no mailbox": ({"on": "GET", "status": 404, "reason": "notFound"}, Rejected, "gmail-no-mailbox"),
    "away": ({"on": "GET", "status": 502}, Unreachable, "gmail-away"),
    "busy for long": ({"on": "GET", "status": 429, "wait": "3600"}, Unreachable, "gmail-busy"),
    "token away": ({"on": "token", "status": 503}, Unreachable, "gmail-away"),
    "token refused": ({"on": "GET", "status": 401}, Rejected, "gmail-token"),
    "garbled": ({"on": "GET", "status": 200, "kind": "garbled"}, Garbled, "gmail-garbled"),
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_what_google_refuses_is_told_apart_with_advice(
    account: Account, host: GmailHost, mailbox: Mailbox, fault: str
) -> None:
    how, kind, key = FAULTS[fault]
    fresh = account.connector(host)
    if how.get("kind") == "delegation":
        host.delegated[:] = ["https://www.googleapis.com/auth/gmail.labels"]
    else:
        host.fails(times=99, **how)
    with pytest.raises(kind, match=key) as caught:
        fresh.read(mailbox)
    for language in LANGUAGES:
        assert "{" not in say(language, f"errors.{key}.sentence", **caught.value.values)


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded", ""])
def test_what_google_puts_off_is_asked_again(account: Account, host: GmailHost, mailbox: Mailbox, reason: str) -> None:
    fresh = account.connector(host)
    host.fails("GET", status=403 if reason else 429, reason=reason, times=2, wait="" if reason else "7")
    assert fresh.read(mailbox).own_reply is False
    assert fresh.waited == ([2.0, 4.0] if reason else [7.0, 7.0])  # type: ignore[attr-defined]


def test_what_is_put_off_is_not_written_again_without_comparing_anew(
    account: Account, host: GmailHost, mailbox: Mailbox
) -> None:
    fresh = remembering(account.connector(host))
    before = fresh.read(mailbox)
    host.fails("PUT", status=429, wait="7")
    with pytest.raises(Unreachable, match="gmail-busy"):
        fresh.write(mailbox, wanted(mailbox, fresh.can), before)
    host.boxes[mailbox.address] = {"enableAutoReply": True, "responseBodyHtml": "<div>Hers</div>"}
    with pytest.raises(Conflict):
        fresh.write(mailbox, wanted(mailbox, fresh.can), before)


def test_a_silence_after_it_acted_is_settled_by_reading(account: Account, host: GmailHost, mailbox: Mailbox) -> None:
    written = remembering(account.connector(host, answer_seconds=0.3))
    before = written.read(mailbox)
    host.fails("PUT", kind="silent", acts=True)
    done = written.write(mailbox, wanted(mailbox, written.can), before)
    assert (len(done.replies), sum(one[0] == "PUT" for one in host.seen)) == (1, 0)


def test_a_clock_that_is_wrong_is_told_as_that(account: Account, host: GmailHost, mailbox: Mailbox) -> None:
    real = host.now
    host.now = lambda: real() + FAR
    try:
        with pytest.raises(Rejected, match="gmail-clock") as caught:
            account.connector(host).read(mailbox)
    finally:
        host.now = real
    assert caught.value.values["minutes"] == "-20"


def test_a_token_that_is_refused_is_fetched_anew_once(account: Account, host: GmailHost, mailbox: Mailbox) -> None:
    fresh = account.connector(host)
    fresh.read(mailbox)
    host.tokens.clear()
    assert fresh.read(mailbox).own_reply is False


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"private_key": "x", "client_email": "a", "private_key_id": "b"}']
)
def test_a_file_that_is_no_key_says_so(host: GmailHost, mailbox: Mailbox, tmp_path: Path, content: str) -> None:
    file = tmp_path / "key.json"
    file.touch(0o600)
    file.write_text(content)
    with pytest.raises(LocumError) as caught:
        Account(file, rsa.generate_private_key(65537, 2048)).connector(host).read(mailbox)
    assert isinstance(caught.value, Rejected | Invalid)


def test_an_address_that_could_be_read_on_the_way_is_refused(account: Account, host: GmailHost) -> None:
    with pytest.raises(Invalid):
        account.connector(host, api_url="http://gmail.example.net")


def test_her_change_in_between_is_a_conflict_although_there_is_no_etag(connector: Any, mailbox: Mailbox) -> None:
    with pytest.raises(Conflict):
        connector.write(mailbox, wanted(mailbox, connector.can), Standing(revision="before"))


# check


def test_check_proves_that_mail_is_refused(gmail: Gmail, mailbox: Mailbox) -> None:
    found = {one.key: one.holds for one in gmail.check(mailbox)}
    assert found == {
        "gmail.token": True,
        "gmail.settings": True,
        "gmail.scope": True,
        "gmail.mail-refused": True,
        "gmail.delegation-narrow": True,
        "gmail.allow-list": None,
        "gmail.redirects": None,
    }


def test_check_sees_a_delegation_that_reads_mail(account: Account, host: GmailHost, mailbox: Mailbox) -> None:
    host.delegated.append("https://www.googleapis.com/auth/gmail.readonly")
    fresh = account.connector(host)
    found = {one.key: one.holds for one in fresh.check(mailbox)}
    assert (found["gmail.delegation-reads"], fresh.can.reads_mail) == (False, True)
    assert host.seen[-1][1] != "messages"


def test_check_sees_a_delegation_that_forwards(account: Account, host: GmailHost, mailbox: Mailbox) -> None:
    host.delegated.append("https://www.googleapis.com/auth/gmail.settings.sharing")
    found = {one.key: one.holds for one in account.connector(host).check(mailbox)}
    assert (found["gmail.delegation-narrow"], found["gmail.delegation-forwards"]) == (True, None)


def test_a_delegation_that_is_missing_is_told_as_that_whatever_the_clock_says(
    account: Account, host: GmailHost, mailbox: Mailbox
) -> None:
    host.delegated.clear()
    real = host.now
    host.now = lambda: real() + timedelta(minutes=4)
    try:
        with pytest.raises(Rejected, match="gmail-delegation"):
            account.connector(host).read(mailbox)
    finally:
        host.now = real


def test_a_mended_line_break_is_written(connector: Any, mailbox: Mailbox, host: GmailHost) -> None:
    first = connector.write(mailbox, wanted(mailbox, connector.can, text_body="Een. Twee."), connector.read(mailbox))
    connector.write(mailbox, wanted(mailbox, connector.can, text_body="Een.\n\nTwee."), first)
    assert host.boxes[mailbox.address]["responseBodyPlainText"] == "Een.\n\nTwee."


def test_check_without_a_mailbox_tries_nothing_and_says_so(gmail: Gmail, host: GmailHost) -> None:
    assert ([one.holds for one in gmail.check()], host.seen) == ([None, None, None], [])


def test_start_up_does_not_import_it() -> None:
    code = "import sys, locum.cli, locum.parts; sys.exit('locum.connectors.gmail' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
