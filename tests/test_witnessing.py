"""A witness of the record: what waits for it, what goes on without it, and what is recorded and told where they do not agree."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from tests.council import Council, council_of
from tests.shelf import ForwardWorld

from locum import tlog
from locum.checkable import File, Trusted, verify
from locum.cosigning import Cosigning
from locum.demo.sink import Sink
from locum.desk.checkable import checkable
from locum.errors import LocumError, Unreachable
from locum.lifecycle import Case, State
from locum.tlog.notes import parts

Make = Callable[..., ForwardWorld]


@pytest.fixture
def council(tmp_path: Path) -> Iterator[Council]:
    made = council_of(tmp_path)
    yield made
    made.goes()


@pytest.fixture
def make(tmp_path: Path, council: Council) -> Iterator[Make]:
    with Sink() as sink:

        def made(**options: object) -> ForwardWorld:
            council.world = ForwardWorld(tmp_path, sink, more=council.settings, **options)  # type: ignore[arg-type]
            council.comes()
            return council.world

        yield made


@pytest.fixture
def world(make: Make) -> ForwardWorld:
    return make()


def cosigning(world: ForwardWorld) -> Cosigning:
    found = world.app.cosigning
    assert found is not None
    return found


def ready(world: ForwardWorld) -> Case:
    """A forward that only has to be set: she agreed, the receiver agreed."""
    case = world.forward()
    world.work()
    world.desk.answer(world.token(), "agree", shown=world.now_of(case).request)
    world.agrees(case)
    return case


def intended_at(world: ForwardWorld, case: Case) -> list[int]:
    return [one.index for one in world.app.store.entries(case=case.id) if one.type == "intended"]


def trouble(world: ForwardWorld, case: Case) -> str:
    [job] = [one for one in world.app.store.jobs(case.id) if one.kind == "apply"]
    return job.trouble


# waiting


def test_a_forward_is_set_once_the_witness_has_signed_what_is_intended(world: ForwardWorld, council: Council) -> None:
    case = world.live_forward()
    note = world.app.store.cosigned()
    assert note is not None
    at = tlog.cosigned_at(note, council.witness.vkey)
    size = tlog.parse_checkpoint(parts(note)[0]).size
    done = next(one.index for one in world.app.store.entries(case=case.id) if one.type == "done")
    assert (at, intended_at(world, case)[0] < size <= done) == (world.now, True)


def test_the_published_checkpoint_carries_the_signature_of_the_witness(world: ForwardWorld, council: Council) -> None:
    world.live_forward()
    published = (world.folder / "log" / "checkpoint").read_bytes()
    assert tlog.cosigned_at(published, council.witness.vkey) == world.now


def test_publishing_again_leaves_the_signature_of_the_witness_where_it_is(
    world: ForwardWorld, council: Council
) -> None:
    world.live_forward()
    world.desk.cosign()
    publisher = world.app.the_publisher()
    publisher.publish()
    world.desk.cosign()
    publisher.publish()
    published = (world.folder / "log" / "checkpoint").read_bytes()
    assert tlog.cosigned_at(published, council.witness.vkey) == world.now


def test_a_forward_waits_while_the_witness_is_away(world: ForwardWorld, council: Council) -> None:
    case = ready(world)
    council.goes()
    world.approved(case)
    assert (world.state(case), world.shelf.standing()) == (State.APPLYING, [])
    assert trouble(world, case) == "witness-unreachable"


def test_it_is_set_when_the_witness_is_back_and_intended_only_once(world: ForwardWorld, council: Council) -> None:
    case = ready(world)
    council.goes()
    world.approved(case)
    for _ in range(3):
        world.later(minutes=2)
    council.comes()
    world.later(minutes=30)
    assert (world.state(case), len(intended_at(world, case))) == (State.APPLIED, 1)


def test_one_that_waited_until_its_end_is_told_why_it_was_never_set(world: ForwardWorld, council: Council) -> None:
    case = ready(world)
    council.goes()
    world.approved(case)
    for days in (1, 15, 1):
        world.later(days=days)
    failed = [one.body["key"] for one in world.app.store.entries(case=case.id) if one.type == "failed"]
    assert (failed, world.shelf.standing()) == (["witness-unreachable"], [])


def test_she_can_stop_what_waits_for_the_witness(world: ForwardWorld, council: Council) -> None:
    case = ready(world)
    council.goes()
    world.approved(case)
    world.desk.end(world.app.acting("bob"), case.id)
    world.later(hours=2)
    assert (world.now_of(case).state, world.shelf.standing()) == (State.ENDED, [])


def test_what_is_live_ends_without_the_witness(world: ForwardWorld, council: Council) -> None:
    case = world.live_forward()
    council.goes()
    world.later(days=15)
    assert (world.state(case) is State.APPLIED, world.shelf.standing()) == (False, [])


def test_a_reply_goes_on_without_the_witness_and_is_signed_later(world: ForwardWorld, council: Council) -> None:
    council.goes()
    case = world.live()
    world.app.the_publisher().publish()
    with pytest.raises(Unreachable):
        world.desk.cosign()
    council.comes()
    world.later(minutes=2)
    world.desk.cosign()
    assert cosigning(world).size() > intended_at(world, case)[0]


def test_a_reply_waits_where_the_policy_says_so(world: ForwardWorld, council: Council) -> None:
    text = (world.folder / "policy.toml").read_text()
    world.write_policy(text.replace("[auto-reply]\n", '[auto-reply]\nwitness = "wait"\n'))
    world.app = world.wired()
    council.goes()
    case = world.request()
    world.work()
    world.later(hours=5)
    assert (world.state(case), world.shelf.standing()) == (State.APPLYING, [])


def test_a_forward_does_not_wait_where_the_policy_says_so(world: ForwardWorld, council: Council) -> None:
    world.write_policy((world.folder / "policy.toml").read_text() + '[forward]\nwitness = "later"\n')
    world.app = world.wired()
    council.goes()
    assert world.live_forward().state is State.APPLIED


def test_a_reply_that_a_forward_joined_waits_with_it(world: ForwardWorld, council: Council) -> None:
    case = world.reply(from_="2026-11-25")
    world.work()
    world.forward(joins=case.id, from_="2026-11-25")
    world.work()
    world.desk.answer(world.token(), "agree", shown=world.now_of(case).request)
    world.agrees(case)
    council.goes()
    world.approved(case)
    world.later(days=2)
    assert (trouble(world, case), world.shelf.standing()) == ("witness-unreachable", [])


def test_without_a_witness_in_the_settings_nothing_waits(tmp_path: Path) -> None:
    with Sink() as sink:
        assert ForwardWorld(tmp_path, sink).live_forward().state is State.APPLIED


def test_each_of_two_witnesses_has_to_sign(tmp_path: Path, make: Make, council: Council) -> None:
    (tmp_path / "dpo").mkdir()
    world = make()
    other = Council(tmp_path / "dpo" / "w", council.log, world=world)
    settings = other.settings.replace("[witness.council]", "[witness.dpo]")
    world.config.write_text(world.config.read_text() + settings)
    world.app = world.wired()
    case = ready(world)
    world.approved(case)
    waited = world.state(case)
    other.comes()
    world.later(minutes=30)
    other.goes()
    assert (waited, world.state(case)) == (State.APPLYING, State.APPLIED)


def test_a_process_without_the_key_leaves_it_to_the_worker(world: ForwardWorld) -> None:
    case = ready(world)
    theirs = world.wired()
    theirs.__dict__["signer"] = None
    worker, world.app = world.app, theirs
    world.approved(case)
    waited = (world.state(case), trouble(world, case))
    world.app = worker
    world.later(minutes=2)
    assert (waited, world.state(case)) == ((State.APPLYING, "witness-unreachable"), State.APPLIED)


# a row of the database vouches for nothing


def test_a_note_in_the_database_that_the_witness_never_signed_counts_for_nothing(
    world: ForwardWorld, council: Council
) -> None:
    case = ready(world)
    council.goes()
    world.approved(case)
    note = world.app.the_publisher().publish()
    forged = tlog.cosignature_line(council.witness.vkey, world.now, b"\0" * 64)
    world.app.store.keep_setting("cosigned", tlog.with_signatures(note, forged))
    world.later(minutes=5)
    assert (world.state(case), world.shelf.standing()) == (State.APPLYING, [])


def test_what_the_witness_signed_for_another_history_counts_for_nothing(world: ForwardWorld, council: Council) -> None:
    case = ready(world)
    other = council.log.forked(0).note(400)
    answer = council.witness.add_checkpoint(b"old 0\n\n" + other)
    council.goes()
    world.approved(case)
    world.app.store.keep_setting("cosigned", tlog.with_signatures(other, answer.body))
    world.later(minutes=5)
    assert (cosigning(world).size(), world.shelf.standing()) == (0, [])


# where they do not agree


def stolen(world: ForwardWorld, council: Council, more: int = 0) -> None:
    """Somebody with the record's key shows the witness another history, as long as ours and some more."""
    size = world.app.store.tree_sizes()[0] + more
    body = b"old 0\n\n" + council.log.forked(0).note(size)
    assert council.witness.add_checkpoint(body).status == 200


def test_nothing_that_waits_is_set_where_the_witness_has_seen_another_record(
    world: ForwardWorld, council: Council
) -> None:
    case = ready(world)
    stolen(world, council)
    world.approved(case)
    assert (world.state(case), world.shelf.standing()) == (State.APPLYING, [])
    assert trouble(world, case) == "witness-refused"


def incidents(world: ForwardWorld) -> list[object]:
    return [one.body["key"] for one in world.app.store.entries(mailbox="org/witness")]


def test_it_is_an_incident_that_is_recorded_once_and_told_to_whom_the_policy_names(
    world: ForwardWorld, council: Council
) -> None:
    (world.folder / "people.csv").write_text(world.people + "fay,Fay Mol,fg@corp.test,,nl,,dpo,,,,\n")
    world.app = world.wired()
    case = ready(world)
    stolen(world, council)
    world.approved(case)
    for _ in range(3):
        world.later(hours=1)
        with suppress(LocumError):
            world.desk.cosign()
    said = world.said("fg@corp.test", "witness")
    assert (incidents(world), len(world.letters("fg@corp.test", "witness"))) == (["witness-fork"], 1)
    assert ("council" in said, "ander register" in said) == (True, True)


def test_the_witness_that_was_shown_more_than_there_is_is_an_incident(world: ForwardWorld, council: Council) -> None:
    case = ready(world)
    stolen(world, council, more=500)
    world.approved(case)
    assert (incidents(world), world.shelf.standing()) == (["witness-ahead"], [])


def test_a_witness_that_has_forgotten_is_not_believed(world: ForwardWorld, council: Council) -> None:
    world.app.the_publisher().publish()
    world.desk.cosign()
    old = council.copied()
    case = ready(world)
    world.app.the_publisher().publish()
    world.desk.cosign()
    council.put_back(old)
    world.approved(case)
    assert (incidents(world), world.shelf.standing()) == (["witness-forgot"], [])


def test_a_witness_that_is_away_for_long_is_told_once(world: ForwardWorld, council: Council) -> None:
    council.goes()
    for _ in range(5):
        world.later(hours=12)
        world.app.the_publisher().publish()
        with suppress(LocumError):
            world.desk.cosign()
    assert incidents(world) == ["witness-silent"]


def test_a_witness_that_was_away_for_a_moment_is_no_incident(world: ForwardWorld, council: Council) -> None:
    council.goes()
    world.app.the_publisher().publish()
    with suppress(LocumError):
        world.desk.cosign()
    council.comes()
    world.later(minutes=2)
    world.desk.cosign()
    assert incidents(world) == []


def test_a_record_that_has_nothing_new_asks_nobody(world: ForwardWorld, council: Council) -> None:
    world.app.the_publisher().publish()
    world.desk.cosign()
    asked = len(council.told.keys)
    for _ in range(5):
        world.desk.cosign()
    assert len(council.told.keys) == asked


# what `locum check` says


def checked(world: ForwardWorld) -> tuple[str, bool | None, dict[str, str]]:
    [found] = world.app.check(["witness"])["witness"]
    return found.key, found.holds, dict(found.values)


def test_check_says_that_a_witness_answers_and_with_which_key(world: ForwardWorld, council: Council) -> None:
    world.app.the_publisher().publish()
    world.desk.cosign()
    world.now += timedelta(hours=1)
    key, holds, values = checked(world)
    assert (key, holds, values["vkey"]) == ("witness.signs", True, council.witness.vkey)
    assert values["at"] == world.now.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_check_says_that_a_witness_was_shown_nothing_yet(world: ForwardWorld) -> None:
    assert checked(world)[:2] == ("witness.nothing-yet", None)


def test_check_says_why_a_witness_does_not_sign(world: ForwardWorld, council: Council) -> None:
    world.app.the_publisher().publish()
    world.desk.cosign()
    council.goes()
    key, holds, values = checked(world)
    assert (key, holds, values["error"]) == ("witness.trouble", False, "witness-no-answer")


def test_check_says_that_nobody_looks_along(tmp_path: Path) -> None:
    with Sink() as sink:
        assert checked(ForwardWorld(tmp_path, sink))[:2] == ("witness.none", None)


def test_check_says_the_key_of_the_record(world: ForwardWorld, council: Council) -> None:
    found = {one.key: dict(one.values) for one in world.app.check(["record"])["record"]}
    assert found["record.signs"]["vkey"] == council.log.signer.vkey


def test_what_does_not_wait_is_set_although_something_beside_it_waits(world: ForwardWorld, council: Council) -> None:
    case = ready(world)
    other = world.request(mailbox="dirk@corp.test")
    world.work()
    council.goes()
    world.desk.review(world.app.acting("dirk"), case.id, approve=True, because="Fine.")
    world.later(hours=5)
    assert (world.state(other), world.state(case)) == (State.APPLIED, State.APPLYING)


# what her account says


def test_her_account_bears_the_signature_of_the_witness(world: ForwardWorld, council: Council) -> None:
    world.live_forward()
    world.app.the_publisher().publish()
    world.desk.cosign()
    file = File.load(checkable(world.desk.office, "anna@corp.test"))
    found = verify(file, Trusted(witnesses=[council.witness.vkey]))
    assert [one.holds for one in found.of("origin") if one.key == "witnessed"] == [True]
