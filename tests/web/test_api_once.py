"""A request that acts is done once, through the whole API and on both stores: sent again, by two at once, after a failure."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from calling import ASK, Calling, told
from tests.world import World

from locum.demo.sink import Sink
from locum.errors import Unreachable
from locum.repeats import Asked

pytest_plugins = ("tests.stores",)

KEY = {"idempotency-key": "0b9d5c1e-2f60-4c3a-9a52-6a3c1f0f7a11"}


@pytest.fixture
def calling(tmp_path: Path, store_url: str) -> Iterator[Calling]:
    with Sink() as sink:
        yield Calling(World(tmp_path, sink, store_url=store_url))


def requested(calling: Calling) -> int:
    return [entry.type for entry in calling.world.app.store.entries(mailbox="anna@corp.test")].count("requested")


def test_the_same_request_again_is_the_same_answer_and_one_case(calling):
    first, again = (calling.post("/cases", json=ASK, headers=KEY) for _ in range(2))
    assert (first.status_code, again.status_code, again.text) == (201, 201, first.text)
    assert (again.headers["location"], again.headers["idempotency-replayed"]) == (first.headers["location"], "true")
    assert ("idempotency-replayed" in first.headers, requested(calling)) == (False, 1)


def test_a_refusal_is_recorded_once_too(calling):
    first, again = (calling.post("/cases", json={**ASK, "reason": "revenge"}, headers=KEY) for _ in range(2))
    assert told(first) == told(again) == (403, "reason-not-listed")
    assert (again.json(), requested(calling)) == (first.json(), 1)


def test_two_at_once_are_one_case(calling):
    token, answers = calling.token(), []

    def send() -> None:
        answers.append(calling.call("POST", "/cases", token=token, json=ASK, headers=KEY))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {told(one) for one in answers if one.status_code != 201} <= {(409, "repeat-at-work")}
    assert len({one.text for one in answers if one.status_code == 201}) == 1
    assert requested(calling) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [("/cases", {**ASK, "because": "Another reason."}), ("/batches", {"batch": "b", "requests": [ASK]})],
)
def test_the_same_key_with_another_body_or_address_is_refused(calling, path, body):
    calling.post("/cases", json=ASK, headers=KEY)
    assert told(calling.post(path, json=body, headers=KEY)) == (422, "repeat-differs")
    assert requested(calling) == 1


def test_the_key_of_one_person_is_not_that_of_another(calling):
    calling.post("/cases", json=ASK, headers=KEY)
    answer = calling.post("/cases", "dirk", json={**ASK, "mailbox": "carla@corp.test"}, headers=KEY)
    assert answer.status_code == 201


@pytest.mark.parametrize("key", ["", "short", "x" * 201, "a key with spaces in it", "0b9d5c1e-2f60-4c3a-9a52-é"])
def test_what_acts_needs_a_key_that_can_be_one(calling, key):
    answer = calling.post("/cases", json=ASK, headers={"idempotency-key": key.encode("latin-1")})
    assert told(answer) == (400, "repeat-key")
    assert requested(calling) == 0


@pytest.mark.parametrize("act", ["withdraw", "end", "contact"])
def test_every_act_needs_a_key(calling, act):
    body = (
        {"json": {"by": "desk", "outcome": "reached", "because": "She is back on Monday."}} if act == "contact" else {}
    )
    headers = {"authorization": f"Bearer {calling.token()}"}
    assert told(calling.client.post(f"/api/v1/cases/aaaa-aaaa/{act}", headers=headers, **body)) == (400, "repeat-key")


def test_a_contact_is_noted_once(calling):
    name = calling.filed()
    body = {"by": "phone", "outcome": "unreached", "because": "No answer."}
    for _ in range(3):
        assert calling.post(f"/cases/{name}/contact", json=body, headers=KEY).status_code == 200
    assert [one.note for one in calling.world.desk.case(name).contacts] == ["No answer."]


def test_taken_back_twice_is_taken_back_once_and_said_twice(calling):
    name = calling.filed()
    answers = [calling.post(f"/cases/{name}/withdraw", headers=KEY) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert told(calling.post(f"/cases/{name}/withdraw")) == (409, "no-such-step")


def test_after_a_crash_in_between_the_same_request_is_still_one_case(calling):
    first = calling.post("/cases", json=ASK, headers=KEY)
    body = calling.client.build_request("POST", "/api/v1/cases", json=ASK).content
    other = {"idempotency-key": "after-a-crash-in-between"}
    crashed = Asked(person="bob", key=other["idempotency-key"], said=b"POST /api/v1/cases\n" + body)
    name = calling.post(f"/cases/{first.json()['case']}/withdraw").json()["case"]
    done = calling.world.desk.request(
        calling.world.app.acting("bob"), calling.world.form(), once=f"bob/{other['idempotency-key']}"
    )
    assert calling.repeats.begin(crashed, safely=True) is None
    assert told(calling.post("/cases", json=ASK, headers=other)) == (409, "repeat-at-work")
    calling.world.later(minutes=3)
    answer = calling.post("/cases", json=ASK, headers=other)
    assert (answer.status_code, answer.json()["case"], name == done.id) == (201, done.id, False)
    assert requested(calling) == 2


def test_what_fails_for_a_reason_of_ours_can_be_sent_again(calling):
    desk = calling.world.desk
    real = desk.request

    def failing(*_given: object, **_more: object) -> None:
        raise Unreachable("store-unreachable", reason="tried by a test")

    desk.request = failing
    assert told(calling.post("/cases", json=ASK, headers=KEY)) == (503, "not-now")
    desk.request = real
    assert calling.post("/cases", json=ASK, headers=KEY).status_code == 201


def test_what_is_not_safe_to_do_twice_is_not_tried_again_where_it_may_have_been_done(calling):
    name, desk = calling.filed(), calling.world.desk
    real, body = desk.contact, {"by": "phone", "outcome": "unreached", "because": "No answer."}

    def failing(*given: object, **more: object) -> None:
        real(*given, **more)
        raise Unreachable("store-unreachable", reason="the answer was lost")

    desk.contact = failing
    assert told(calling.post(f"/cases/{name}/contact", json=body, headers=KEY)) == (503, "not-now")
    desk.contact = real
    assert told(calling.post(f"/cases/{name}/contact", json=body, headers=KEY)) == (409, "repeat-at-work")
    calling.world.now += timedelta(minutes=3)
    assert told(calling.post(f"/cases/{name}/contact", json=body, headers=KEY)) == (409, "repeat-unknown")
    assert len(desk.case(name).contacts) == 1
