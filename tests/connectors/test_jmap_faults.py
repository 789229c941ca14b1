"""JMAP where the other side fails, lies or sends elsewhere, and by a credential that reaches accounts of its own: against a small fake."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from conformance import a_reply, wanted
from locum.absence import Mailbox
from locum.connectors import jmap_texts
from locum.connectors.jmap import Jmap
from locum.errors import Conflict, Garbled, Invalid, LocumError, Rejected, Unreachable, Unsupported
from locum.measure import Standing, Wanted
from mailhosts.fake_jmap import CORE, MAIL, SIEVE, VACATION, FakeJmap

ANNA, BOB = Mailbox(address="anna@corp.test"), Mailbox(address="bob@corp.test")
SECRET, TOKEN = "for-jmap-only", "a-token-of-its-own"


@pytest.fixture
def fake() -> Iterator[FakeJmap]:
    with FakeJmap(ANNA.address, BOB.address) as made:
        yield made


@pytest.fixture
def tokened() -> Iterator[FakeJmap]:
    with FakeJmap(ANNA.address, BOB.address, token=TOKEN) as made:
        yield made


def on_behalf(fake: FakeJmap, **changes: Any) -> Jmap:
    known = {"name": "jmap", "url": fake.url, "user": "locum", "secret": lambda: SECRET, "answer_seconds": 0.5}
    return Jmap(**(known | changes))


def by_account(fake: FakeJmap, **changes: Any) -> Jmap:
    known = {"name": "jmap", "url": fake.url, "secret": lambda: TOKEN, "on_behalf": "account", "answer_seconds": 0.5}
    return Jmap(**(known | changes))


def on(connector: Jmap, mailbox: Mailbox = ANNA, **changes: Any) -> Standing:
    return connector.write(mailbox, wanted(mailbox, connector.can, **changes), connector.read(mailbox))


def raised(connector: Jmap) -> LocumError:
    with pytest.raises(LocumError) as caught:
        on(connector)
    return caught.value


# each trouble is the right error


@pytest.mark.parametrize(
    ("trouble", "kind", "key"),
    [
        ("silent", Unreachable, "jmap-silent"),
        ("busy", Unreachable, "jmap-busy"),
        ("refusing", Rejected, "jmap-refused"),
        ("garbled", Garbled, "jmap-garbled"),
        ("another", Garbled, "jmap-garbled"),
        ("circle", Garbled, "jmap-garbled"),
        ("elsewhere", Rejected, "jmap-elsewhere"),
        ("requests elsewhere", Rejected, "jmap-elsewhere"),
        ("accountNotFound", Rejected, "jmap-account"),
        ("accountReadOnly", Rejected, "jmap-forbidden"),
        ("accountNotSupportedByMethod", Rejected, "jmap-forbidden"),
        ("forbidden", Rejected, "jmap-forbidden"),
        ("serverFail", Unreachable, "jmap-later"),
        ("serverUnavailable", Unreachable, "jmap-later"),
        ("unknownMethod", Rejected, "jmap-no-vacation"),
        ("invalidArguments", Garbled, "jmap-garbled"),
        ("set:serverError", Rejected, "jmap-not-set"),
        ("set:overQuota", Rejected, "jmap-not-set"),
        ("set:invalidProperties", Rejected, "jmap-not-set"),
        ("set:rateLimit", Unreachable, "jmap-later"),
        ("set:stateMismatch", Conflict, "one-place-changed"),
    ],
)
def test_each_trouble_is_the_right_error(fake: FakeJmap, trouble: str, kind: type[LocumError], key: str) -> None:
    fake.trouble = trouble
    error = raised(on_behalf(fake))
    assert (type(error), error.key, fake.account(ANNA.address).vacation["isEnabled"]) == (kind, key, False)


def test_where_nobody_listens_it_is_unreachable(fake: FakeJmap) -> None:
    connector = on_behalf(fake, url="http://127.0.0.1:9")
    assert raised(connector).key == "jmap-unreachable"


def test_where_there_is_no_jmap_that_is_said(fake: FakeJmap) -> None:
    fake.offers.remove(VACATION)
    assert raised(on_behalf(fake)).key == "jmap-no-vacation"


@pytest.mark.parametrize("trouble", ["elsewhere", "requests elsewhere"])
def test_the_credential_goes_to_no_other_place(fake: FakeJmap, trouble: str) -> None:
    fake.trouble = trouble
    error = raised(on_behalf(fake))
    assert (error.values["other"], fake.asked) == ("jmap.example.net", [])


@pytest.mark.parametrize("trouble", ["elsewhere", "garbled", "refusing", "serverFail"])
def test_check_reports_it(fake: FakeJmap, trouble: str) -> None:
    fake.trouble = trouble
    assert False in [finding.holds for finding in on_behalf(fake).check(ANNA)]


# once, whatever happens


def test_what_the_server_did_before_it_fell_silent_is_found_by_reading(fake: FakeJmap) -> None:
    fake.trouble = "lost"
    connector = on_behalf(fake)
    written = on(connector)
    changes = [name for name, _ in fake.asked if name == "VacationResponse/set"]
    assert (written.replies, len(changes)) == ((a_reply(ANNA, connector.can),), 1)


def test_a_change_in_the_last_moment_is_seen_by_the_server(fake: FakeJmap, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look right before and the change itself: `ifInState`."""
    looked, anna = Jmap._looked, fake.account(ANNA.address)

    def then_she_changes_it(self: Jmap, wire: Any) -> Any:
        found = looked(self, wire)
        anna.state += 1
        return found

    connector = on_behalf(fake)
    before = connector.read(ANNA)
    monkeypatch.setattr(Jmap, "_looked", then_she_changes_it)
    with pytest.raises(Conflict):
        connector.write(ANNA, wanted(ANNA, connector.can), before)
    assert anna.vacation == {"id": "singleton", "isEnabled": False}


def test_the_session_is_looked_at_once_for_what_follows_and_anew_after_trouble(fake: FakeJmap) -> None:
    connector = on_behalf(fake)
    on(connector)
    once, fake.trouble = fake.sessions, "serverFail"
    with pytest.raises(Unreachable):
        connector.read(ANNA)
    fake.trouble = ""
    connector.read(ANNA)
    connector.check(ANNA)
    assert (once, fake.sessions) == (1, 3)


# her filter scripts


def test_a_script_of_hers_that_runs_is_left_running(fake: FakeJmap) -> None:
    fake.account(ANNA.address).script = "rules"
    assert (raised(on_behalf(fake)).key, fake.account(ANNA.address).script) == ("jmap-own-script", "rules")


def test_where_her_scripts_cannot_be_seen_nothing_is_set(fake: FakeJmap) -> None:
    fake.offers.remove(SIEVE)
    connector = on_behalf(fake)
    assert (raised(connector).key, holding(connector)["jmap.scripts-unseen"]) == ("jmap-scripts-unseen", False)


def test_where_it_is_stated_that_nobody_has_scripts_they_are_not_looked_at(fake: FakeJmap) -> None:
    fake.offers.remove(SIEVE)
    connector = on_behalf(fake, no_scripts=True)
    assert (len(on(connector).replies), holding(connector)["jmap.scripts-stated"]) == (1, None)


def test_where_a_credential_may_not_look_at_scripts_that_is_rejected(tokened: FakeJmap) -> None:
    tokened.may.discard("SieveScript/get")
    assert raised(by_account(tokened)).key == "jmap-forbidden"


# a credential that reaches accounts under its own permissions


def test_an_account_is_found_by_the_name_of_its_mailbox(tokened: FakeJmap) -> None:
    on(by_account(tokened), BOB)
    assert ({account for _, account in tokened.asked}, tokened.accounts["a1"].vacation["isEnabled"]) == ({"a1"}, True)


def test_an_account_can_be_named_by_a_column_of_people(tokened: FakeJmap) -> None:
    mailbox = Mailbox(address="other@corp.test", columns={"account": "a0"})
    assert len(on(by_account(tokened, user_template="account"), mailbox).replies) == 1


def test_an_account_that_is_not_reached_is_nobody_elses(tokened: FakeJmap) -> None:
    with pytest.raises(Rejected, match="jmap-account"):
        by_account(tokened).read(Mailbox(address="eve@corp.test"))


def test_put_back_is_what_was_found(tokened: FakeJmap) -> None:
    anna = tokened.account(ANNA.address)
    anna.vacation |= {"subject": 'Mijn "eigen"', "textBody": "a\\b\n.\n", "fromDate": "2026-01-01T00:00:00Z"}
    hers, connector = dict(anna.vacation), by_account(tokened)
    before = connector.read(ANNA)
    connector.write(ANNA, Wanted(restore=before.found), on(connector))
    assert {key: value for key, value in anna.vacation.items() if value is not None} == hers


def test_a_reply_of_hers_is_left(tokened: FakeJmap) -> None:
    tokened.account(ANNA.address).vacation |= {"isEnabled": True, "textBody": "Ik ben er niet."}
    assert raised(by_account(tokened)).key == "one-place-own-reply"


# what check proves


def holding(connector: Jmap) -> dict[str, bool | None]:
    return {finding.key: finding.holds for finding in connector.check(ANNA)}


def test_check_proves_by_trying_that_mail_is_refused(tokened: FakeJmap) -> None:
    tokened.may.discard("Email/query")
    connector = by_account(tokened)
    found = holding(connector)
    assert (found["jmap.mail-refused"], connector.can.reads_mail) == (True, False)


def test_check_takes_back_what_was_stated_where_mail_can_be_read(tokened: FakeJmap) -> None:
    connector = by_account(tokened, reads_mail=False)
    assert (holding(connector)["jmap.reads-mail"], connector.can.reads_mail) == (False, True)


def test_check_asks_for_none_of_the_mail(fake: FakeJmap) -> None:
    on_behalf(fake).check(ANNA)
    (call,) = [one for body in fake.bodies if MAIL in body["using"] for one in body["methodCalls"]]
    assert call == ["Email/query", {"accountId": ANNA.address, "limit": 0}, "0"]


def test_nothing_else_asks_for_mail(fake: FakeJmap) -> None:
    connector = on_behalf(fake)
    connector.write(ANNA, Wanted(restore=b""), on(connector))
    assert {name for body in fake.bodies for name in body["using"]} == {CORE, VACATION, SIEVE}


# what cannot be meant


@pytest.mark.parametrize(
    "url",
    ["http://mail.corp.test", "ftp://127.0.0.1", "https://a:b@mail.corp.test", "https://", "https://mail.corp.test/?x"],
)
def test_an_address_where_somebody_could_read_along_is_refused(fake: FakeJmap, url: str) -> None:
    with pytest.raises(Invalid, match="jmap-url"):
        on_behalf(fake, url=url)


@pytest.mark.parametrize("user", ["", "lo:cum"])
def test_a_proxy_user_has_a_name(fake: FakeJmap, user: str) -> None:
    with pytest.raises(Invalid, match="jmap-no-user"):
        on_behalf(fake, user=user)


@pytest.mark.parametrize("token", ["to\nken", "tökén", ""])
def test_a_token_that_is_none_is_not_sent(tokened: FakeJmap, token: str) -> None:
    assert raised(by_account(tokened, secret=lambda: token)).key == "jmap-token"


def test_no_secret_is_shown(fake: FakeJmap) -> None:
    fake.trouble = "refusing"
    connector = on_behalf(fake)
    shown = repr((connector, connector.server, connector.check(ANNA), raised(connector), vars(raised(connector))))
    assert [one for one in (SECRET, base64.b64encode(f"locum:{SECRET}".encode()).decode()) if one in shown] == []


# letters


@pytest.mark.parametrize("change", [jmap_texts.subject, jmap_texts.body, jmap_texts.html])
@pytest.mark.parametrize("sign", ["\0", "\x1b", "\r", "\x7f", "\ud800"])
def test_control_characters_are_refused(change: Any, sign: str) -> None:
    with pytest.raises(Unsupported, match="jmap-controls"):
        change(f"a{sign}b", "jmap")


def test_quotes_become_those_that_open_and_close() -> None:
    said = jmap_texts.subject('"Weg" ("even"), zei "ik": 5" breed', "jmap")
    assert said == "“Weg” (“even”), zei “ik”: 5” breed"


def test_what_was_changed_is_not_changed_again() -> None:
    once = jmap_texts.body('..\\*/"\n.x', "jmap")
    assert jmap_texts.body(once, "jmap") == once
