"""With full write access to the database: rows of cases, jobs, entries and the vault are forged, and nothing is set for it.

Each test changes what an administrator of the database could change, and lets the worker do what is due. What the mail system
has in the end is looked at, and what was recorded. On SQLite and on PostgreSQL.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, update
from tests.signedworld import SignedWorld

from locum.approval import Approval, Signed, Site, challenge, request_hash, text_hash
from locum.approval.reading import text_of
from locum.demo.sink import Sink
from locum.desk.requested import canonical_request
from locum.entry import Draft, Entry, Json
from locum.lifecycle import Case, State
from locum.policy import load
from locum.register import STREAM
from locum.schema import entries, key_counts, streams
from locum.store import Change, Job
from registers import key_of, nonce
from softkeys import PRESENT, SITE, SoftKey

pytest_plugins = ("tests.stores",)
pytestmark = pytest.mark.forges
SCHEDULED = {"state": State.SCHEDULED}


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[SignedWorld]:
    with Sink() as sink:
        yield SignedWorld(tmp_path, sink, store_url=store_url)


def forge(world: SignedWorld, case: Case, *drafts: Draft, **changes: object) -> None:
    """Write the row of a case, entries about it, and a job that sets it now; and let the worker work."""
    case = replace(world.now_of(case), **(SCHEDULED | changes))  # type: ignore[arg-type]
    job = Job(kind="apply", case=case.id, due_at=world.now, lane="dovecot")
    world.app.store.commit([Change(case=case, entries=drafts, put=(job,))])
    world.work()


def ends(world: SignedWorld, case: Case) -> tuple[State, list[str], bool]:
    """How it stands: the state, what the mail system has, and whether an incident is on record."""
    return world.state(case), world.shelf.standing(), "incident" in world.types(case)


def as_if_about(case: Case, entry: Entry) -> Draft:
    """The same entry, about another case."""
    return Draft(stream=case.mailbox, type=entry.type, time=entry.time, body={**entry.body, "case": case.id})


REFUSED = (State.REFUSED, [], True)
WAITS = (State.AWAITING_REVIEW, [], False)


def reviewed(
    world: SignedWorld, case: Case, name: str, function: str, decision: str = "approve", **instead: object
) -> Draft:
    """An entry that says that somebody signed, with her own key or with another; `instead` changes what was signed."""
    key = instead.pop("key", None) or world.keys[name]
    said: dict[str, object] = {
        "decision": decision,
        "function": function,
        "approver": name,
        "request": case.request,
        "display": text_hash(text_of(canonical_request(case), decision, "nl")),
        "policy": case.policy,
        "log": world.desk.office.log(),
        "nonce": nonce(),
    }
    statement = Approval(**{**said, **instead}).dump()  # type: ignore[arg-type]
    assert isinstance(key, SoftKey)
    signed = Signed(statement, key.sign(challenge("approval", statement)).dump())
    by: Json = {"id": name, "name": name, "function": function}
    return world.desk.office.draft(case, "reviewed", decision=decision, by=by, because="", signed=signed.as_json())


# rows


def test_reviews_in_the_row_of_a_case_count_for_nothing(world: SignedWorld) -> None:
    case = world.asked_for()
    forge(world, case, reviews=(("bob", "request", case.request), ("dirk", "approve", case.request)))
    assert ends(world, case) == WAITS


def test_reviews_that_are_recorded_and_not_signed_count_for_nothing(world: SignedWorld) -> None:
    case = world.asked_for()
    by: Json = {"id": "dirk", "name": "Dirk", "function": "hr"}
    entry = world.desk.office.draft(case, "reviewed", decision="approve", by=by, because="", signed=False)
    forge(world, case, entry, reviews=(("dirk", "approve", case.request),))
    assert ends(world, case) == WAITS


def test_a_receiver_put_in_another_ones_place_is_an_incident(world: SignedWorld) -> None:
    case = world.ready()
    assert case.forward is not None
    forge(world, case, measures=(replace(case.forward, to="ivo@corp.test"),))
    assert ends(world, case) == REFUSED


def test_the_hash_in_the_row_made_to_fit_is_an_incident_too(world: SignedWorld) -> None:
    case = world.ready()
    assert case.forward is not None
    changed = replace(case, measures=(replace(case.forward, to="ivo@corp.test"),))
    forge(world, case, measures=changed.measures, request=request_hash(canonical_request(changed)))
    assert ends(world, case) == REFUSED


@pytest.mark.parametrize(
    "field", ["because", "reason", "requester", "nonce", "policy", "template", "batch", "connector"]
)
def test_one_changed_field_of_the_request_is_an_incident(world: SignedWorld, field: str) -> None:
    case = world.ready()
    changed = {"policy": "00" * 32, "connector": "dovecot "}.get(field, "bib")
    forge(world, case, **{field: changed})
    assert world.shelf.standing() == []
    assert world.state(case) is not State.APPLIED


def test_a_recorded_request_forged_besides_leaves_it_unsigned(world: SignedWorld) -> None:
    case = world.ready()
    assert case.forward is not None
    changed = replace(case, measures=(replace(case.forward, to="ivo@corp.test"),))
    changed = replace(changed, request=request_hash(canonical_request(changed)))
    asked: dict[str, Json] = {**canonical_request(changed), "requester": {"id": "bob", "name": "Bob"}}
    entry = world.desk.office.draft(changed, "requested", **asked, request=changed.request)
    consents = (("ivo@corp.test", "agreed", changed.request),)
    forge(world, case, entry, measures=changed.measures, request=changed.request, consents=consents)
    assert (world.state(case), world.shelf.standing()) == (State.AWAITING_REVIEW, [])


def test_a_signed_case_copied_under_another_name_is_an_incident(world: SignedWorld) -> None:
    case = world.ready()
    copy = replace(case, id="copy-copy", version=0)
    told = [as_if_about(copy, one) for one in world.app.store.entries(case=case.id)]
    job = Job(kind="apply", case=copy.id, due_at=world.now, lane="dovecot")
    world.app.store.commit([Change(case=copy, entries=tuple(told), put=(job,))])
    world.work()
    assert (world.shelf.standing(), "incident" in world.types(copy)) == ([], True)


def test_what_ended_is_not_set_once_more(world: SignedWorld) -> None:
    case = world.live_forward()
    world.desk.end(world.me("bob"), case.id)
    world.work()
    assert world.shelf.standing() == []
    forge(world, case)
    assert (world.shelf.standing(), "incident" in world.types(case)) == ([], True)


def test_what_was_not_found_there_is_not_put_back(world: SignedWorld) -> None:
    case = world.live_forward()
    world.app.store.commit([Change(case=world.now_of(case), found=b'{"active":"of somebody else"}')])
    world.desk.end(world.me("bob"), case.id)
    world.work()
    ended = [one for one in world.app.store.entries(case=case.id) if one.type == "ended"]
    assert [one.body["put_back"] for one in ended] == ["not-as-kept"]
    assert (world.shelf.standing(), "incident" in world.types(case)) == ([], True)
    assert "is niet teruggezet" in " ".join(world.said("petra@corp.test", "incident").split())


def test_what_was_found_is_put_back(world: SignedWorld) -> None:
    case = world.live_forward()
    world.desk.end(world.me("bob"), case.id)
    world.work()
    ended = [one for one in world.app.store.entries(case=case.id) if one.type == "ended"]
    assert [one.body["put_back"] for one in ended] == ["as-found"]
    assert "incident" not in world.types(case)


def test_an_objection_taken_out_of_the_row_still_counts(world: SignedWorld) -> None:
    case = world.ready()
    world.desk.answer(world.token(), "object", because="No.")
    assert world.state(case) is State.OBJECTED
    forge(world, case, answer="agreed", outcome="")
    assert (world.state(case), world.shelf.standing()) == (State.OBJECTED, [])


def test_a_case_said_to_be_in_the_middle_of_it_is_looked_at_all_the_same(world: SignedWorld) -> None:
    case = world.asked_for()
    forge(world, case, state=State.APPLYING, reviews=(("dirk", "approve", case.request),))
    assert world.shelf.standing() == []
    assert world.state(case) in (State.ENDED, State.ACCOUNTED)


@pytest.mark.parametrize("review", ["signed = false\ncount = 1", 'signed = true\ncount = 1\nfunctions = ["sales"]'])
def test_a_policy_put_in_its_place_that_asks_for_less_is_an_incident(world: SignedWorld, review: str) -> None:
    world.deed("function-given", {"people": [{"person": "mark", "function": "sales"}]}, *world.two)
    case = world.asked_for()
    text = (world.folder / "policy.toml").read_text() + f"[forward.review]\n{review}\n"
    weak = load(text, kept=True)
    world.app.store.setting(f"policy/{weak.hash}", text.encode)
    changed = replace(case, policy=weak.hash)
    changed = replace(changed, request=request_hash(canonical_request(changed)))
    asked: dict[str, Json] = {**canonical_request(changed), "requester": {"id": "bob", "name": "Bob"}}
    entry = world.desk.office.draft(changed, "requested", **asked, request=changed.request)
    both = reviewed(world, changed, "bob", "it", "request"), reviewed(world, changed, "mark", "sales")
    forge(
        world, case, entry, *both, policy=weak.hash, request=changed.request,
        consents=(("carla@corp.test", "agreed", changed.request),),
    )  # fmt: skip
    assert ends(world, case) == REFUSED


# entries that say that somebody signed


def test_a_signature_with_a_key_that_nobody_enrolled_is_an_incident(world: SignedWorld) -> None:
    case = world.asked_for()
    forge(world, case, reviewed(world, case, "dirk", "hr", key=SoftKey("eve's")))
    assert ends(world, case) == REFUSED


def test_a_signature_with_anothers_key_is_an_incident(world: SignedWorld) -> None:
    case = world.asked_for()
    forge(world, case, reviewed(world, case, "dirk", "hr", key=world.keys["bob"]))
    assert ends(world, case) == REFUSED


@pytest.mark.parametrize(
    "change",
    [
        {"site": Site("https://evil.test", SITE.rp_id)},
        {"site": Site(SITE.origin, "corp.test")},
        {"client": {"crossOrigin": True}},
        {"flags": PRESENT},
    ],
    ids=["another-origin", "another-host", "in-a-frame", "not-verified"],
)
def test_a_signature_made_elsewhere_and_written_into_a_row_is_an_incident(
    world: SignedWorld, change: dict[str, object]
) -> None:
    case = world.asked_for()
    elsewhere = replace(world.keys["dirk"], **change)  # type: ignore[arg-type]
    asks = reviewed(world, case, "bob", "it", "request")
    forge(world, case, asks, reviewed(world, case, "dirk", "hr", key=elsewhere))
    assert ends(world, case) == REFUSED


def test_one_person_written_twice_in_two_functions_is_one(world: SignedWorld) -> None:
    text = (world.folder / "policy.toml").read_text()
    world.write_policy(text + '[forward.review]\ncount = 2\nfunctions = ["hr", "dpo"]\n')
    world.app = world.wired()
    world.deed("function-given", {"people": [{"person": "mark", "function": "dpo"}]}, *world.two)
    case = world.asked_for()
    both = [reviewed(world, case, "mark", function) for function in ("hr", "dpo")]
    forge(world, case, reviewed(world, case, "bob", "it", "request"), *both)
    assert ends(world, case) == WAITS


def test_something_that_is_no_signature_at_all_is_an_incident(world: SignedWorld) -> None:
    case = world.asked_for()
    by: Json = {"id": "dirk", "name": "Dirk", "function": "hr"}
    entry = world.desk.office.draft(case, "reviewed", decision="approve", by=by, because="", signed=True)
    forge(world, case, entry)
    assert ends(world, case) == REFUSED


@pytest.mark.parametrize(
    ("name", "function"), [("bob", "it"), ("bob", "hr"), ("anna", "sales"), ("carla", "manager"), ("ivo", "it")]
)
def test_a_true_signature_of_somebody_who_may_not_counts_for_nothing(
    world: SignedWorld, name: str, function: str
) -> None:
    case = world.asked_for()
    asks = reviewed(world, case, "bob", "it", "request")
    forge(world, case, asks, reviewed(world, case, name, function))
    assert ends(world, case) == WAITS


def test_a_signature_under_another_text_than_the_one_that_belongs_to_it_counts_for_nothing(world: SignedWorld) -> None:
    case = world.asked_for()
    asks = reviewed(world, case, "bob", "it", "request")
    forge(world, case, asks, reviewed(world, case, "dirk", "hr", display=text_hash("Only a small thing.")))
    assert ends(world, case) == WAITS


def test_a_no_turned_into_a_yes_is_an_incident(world: SignedWorld) -> None:
    case = world.asked_for()
    draft = reviewed(world, case, "dirk", "hr", "deny")
    signed = draft.body["signed"]
    assert isinstance(signed, dict)
    turned = str(signed["statement"]).replace('"decision":"deny"', '"decision":"approve"')
    body = {**draft.body, "decision": "approve", "signed": {**signed, "statement": turned}}
    forge(world, case, reviewed(world, case, "bob", "it", "request"), replace(draft, body=body))
    assert ends(world, case) == REFUSED


def test_a_signature_of_another_case_is_an_incident(world: SignedWorld) -> None:
    first, second = world.asked_for(), world.forward(mailbox="petra@corp.test")
    world.signs("bob", first, "request")
    world.signs("dirk", first)
    taken = [one for one in world.app.store.entries(case=first.id) if one.type == "reviewed"]
    copied = [as_if_about(second, one) for one in taken]
    forge(world, second, *copied, answer="agreed", consents=(("carla@corp.test", "agreed", second.request),))
    assert world.shelf.standing() == ["anna@corp.test.forwards"]
    assert "incident" in world.types(second)


def test_only_the_approver_is_not_enough_whatever_the_row_says(world: SignedWorld) -> None:
    case = world.asked_for()
    forge(world, case, reviewed(world, case, "dirk", "hr"), reviews=(("bob", "request", case.request),))
    assert ends(world, case) == WAITS


# the register


def test_a_key_written_into_the_register_signs_nothing(world: SignedWorld) -> None:
    eve = SoftKey("eve's")
    body: dict[str, Json] = {"signed": []}
    world.app.store.commit([Change(entries=(Draft(stream=STREAM, type="key-added", time=world.now, body=body),))])
    world.deed("key-added", key_of("dirk", eve), ("dirk", "", eve))
    case = world.asked_for()
    forge(world, case, reviewed(world, case, "dirk", "hr", key=eve))
    assert ends(world, case) == REFUSED


def test_a_function_that_one_person_gave_herself_is_none(world: SignedWorld) -> None:
    given = {"people": [{"person": "ivo", "function": "hr"}]}
    world.deed("function-given", given, ("ivo", "it", world.keys["ivo"]))  # type: ignore[arg-type]
    case = world.asked_for()
    forge(world, case, reviewed(world, case, "bob", "it", "request"), reviewed(world, case, "ivo", "hr"))
    assert ends(world, case) == WAITS


def test_a_second_founding_founds_nothing(world: SignedWorld) -> None:
    one, two = SoftKey("one of eve's"), SoftKey("another of eve's")
    people: list[Json] = [{**key_of("dirk", one), "function": "hr"}, {**key_of("petra", two), "function": "dpo"}]
    world.deed("first-keys", {"people": people, "present": "-"}, ("dirk", "hr", one), ("petra", "dpo", two))
    case = world.asked_for()
    forge(world, case, reviewed(world, case, "dirk", "hr", key=one))
    assert ends(world, case) == REFUSED


def test_a_damaged_register_lets_nothing_through(world: SignedWorld) -> None:
    case = world.ready()
    with world.app.store.database.writing() as connection:
        connection.execute(delete(entries).where(entries.c.stream == STREAM, entries.c.seq == 2))
    world.app = world.wired()
    world.later(days=1)
    assert (world.state(case), world.shelf.standing()) == (State.SCHEDULED, [])


@pytest.mark.parametrize("is_new", [False, True])
def test_a_withdrawal_taken_out_of_the_register_brings_no_key_back(world: SignedWorld, is_new: bool) -> None:
    case = world.ready()
    world.withdraw("dirk")
    world.app.sign()
    world.desk.register()
    roll_back(world)
    if is_new:  # a worker that was started since, and has not seen what stood there
        world.app = world.wired()
    world.later(days=1)
    assert (world.state(case), world.shelf.standing()) == (State.SCHEDULED, [])


def roll_back(world: SignedWorld) -> None:
    """Take the last entry out of the register, and make its stream fit."""
    store = world.app.store
    length, _ = store.length(STREAM)
    last = store.entries(mailbox=STREAM)[-2]
    with store.database.writing() as connection:
        connection.execute(delete(entries).where(entries.c.stream == STREAM, entries.c.seq == length - 1))
        connection.execute(
            update(streams).where(streams.c.name == STREAM).values(length=length - 1, head=last.leaf[33:])
        )


def test_a_copy_of_a_key_is_found_where_its_counter_stands_still(world: SignedWorld) -> None:
    world.keys["dirk"].count = 40
    copied = replace(world.keys["dirk"])
    case = world.asked_for()
    with world.app.store.database.writing() as connection:
        connection.execute(delete(key_counts))
    asks, sees = reviewed(world, case, "bob", "it", "request"), reviewed(world, case, "dirk", "hr")
    forge(world, case, asks, sees, reviewed(world, case, "dirk", "hr", key=copied))
    assert ends(world, case) == REFUSED


# an auto-reply, which nobody signs


def test_a_text_of_an_auto_reply_changed_in_its_row_is_an_incident(world: SignedWorld) -> None:
    case = world.reply(from_="2026-11-27")
    world.work()
    world.later(hours=6)
    assert world.state(case) is State.SCHEDULED
    reply = world.now_of(case).auto_reply
    changed = replace(world.now_of(case), measures=(replace(reply, text_body="I was fired."),))
    forge(world, case, measures=changed.measures, request=request_hash(canonical_request(changed)))
    assert ends(world, case) == REFUSED


def test_the_officer_is_told_and_she_reads_it_in_her_account(world: SignedWorld) -> None:
    case = world.asked_for()
    forge(world, case, reviewed(world, case, "dirk", "hr", key=SoftKey("eve's")))
    assert "dirk" in world.said("petra@corp.test", "incident").lower()
    told = world.desk.office.render(world.desk.account(case.id, language="en"), "text").decode()
    assert "No key like the one that Dirk Bakker signed with is enrolled." in " ".join(told.split())
