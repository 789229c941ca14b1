"""Attacks on the record that a witness is there for, and exactly what is and is not caught: docs/security.md, "A stolen key, two
histories, an old copy". Real stores, a real witness; whoever attacks has the database, the key of the record, or both.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.council import Council, council_of
from tests.shelf import ForwardWorld

from locum import tlog
from locum.demo.sink import Sink
from locum.errors import Garbled, LocumError
from locum.lifecycle import Case, State
from locum.signer import Signer
from locum.tlog.notes import parts
from logs import posted, request

pytestmark = pytest.mark.slow


@pytest.fixture
def council(tmp_path: Path) -> Iterator[Council]:
    (tmp_path / "one").mkdir()
    made = council_of(tmp_path / "one")
    yield made
    made.goes()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, council: Council, sink: Sink) -> ForwardWorld:
    council.world = ForwardWorld(tmp_path / "one", sink, more=council.settings)
    council.comes()
    return council.world


def shown(world: ForwardWorld) -> None:
    """Publish, and show it to the witness."""
    world.app.the_publisher().publish()
    with suppress(LocumError):
        world.desk.cosign()


def something(world: ForwardWorld, because: str = "Orders are waiting.") -> None:
    """Some history."""
    case = world.reply(because=because, mailbox="dirk@corp.test")
    world.desk.withdraw(world.app.acting("bob"), case.id)


def copied(world: ForwardWorld, name: str, sink: Sink, council: Council) -> ForwardWorld:
    """All of it, key included, as it is now, on another machine."""
    world.app.store.close()
    folder = world.folder.parent / name
    shutil.copytree(world.folder, folder, ignore=shutil.ignore_patterns("council"))
    return ForwardWorld(folder, sink, more=council.settings, now=world.now)


def tried(world: ForwardWorld) -> Case:
    """A forward, as far as it comes."""
    case = world.forward()
    world.work()
    world.desk.answer(world.token(), "agree", shown=world.now_of(case).request)
    world.agrees(case)
    world.approved(case)
    return world.now_of(case)


def incidents(world: ForwardWorld) -> list[object]:
    return [one.body["key"] for one in world.app.store.entries(mailbox="org/witness")]


# two histories shown to two people


def test_of_two_workers_with_one_key_the_second_history_is_refused(
    world: ForwardWorld, council: Council, sink: Sink
) -> None:
    something(world)
    shown(world)
    other = copied(world, "two", sink, council)
    something(world, "What the works council is shown.")
    shown(world)
    something(other, "What she is shown.")
    something(other, "And more of it.")
    case = tried(other)
    assert (case.state, other.shelf.standing()) == (State.APPLYING, [])
    assert incidents(other) == ["witness-fork"]


def test_both_histories_are_kept_with_the_signature_of_the_log(
    world: ForwardWorld, council: Council, sink: Sink
) -> None:
    shown(world)
    other = copied(world, "two", sink, council)
    for one, because in ((world, "One."), (other, "Another.")):
        something(one, because)
        shown(one)
    [found] = council.evidence()
    points = [
        tlog.parse_checkpoint(tlog.verify(note.encode(), council.log.signer.vkey))
        for note in (found.before, found.after)
    ]
    assert (found.kind, points[0].size == points[1].size, points[0].root != points[1].root) == ("two-roots", True, True)


def test_nobody_can_be_shown_the_second_history_with_the_signature_of_the_witness(
    world: ForwardWorld, council: Council, sink: Sink
) -> None:
    shown(world)
    other = copied(world, "two", sink, council)
    for one, because in ((world, "One."), (other, "Another.")):
        something(one, because)
        shown(one)
    note = (other.folder / "log" / "checkpoint").read_bytes()
    with pytest.raises(Garbled, match="checkpoint-unsigned"):
        tlog.cosigned_at(note, council.witness.vkey)


# an old copy of everything that Locum has


@pytest.mark.parametrize(("more", "key"), [(0, "witness-ahead"), (30, "witness-fork")])
def test_an_old_copy_of_all_that_locum_has_is_noticed(
    world: ForwardWorld, council: Council, sink: Sink, more: int, key: str
) -> None:
    old = copied(world, "old", sink, council)
    for number in range(6):
        something(world, f"Number {number}.")
    shown(world)
    if more:
        old.app.the_publisher().publish()
        while old.app.store.tree_sizes()[0] < world.app.store.tree_sizes()[0] + more:
            something(old, "Written once more.")
    shown(old)
    assert incidents(old) == [key]


# a stolen key of the record


def stolen(council: Council) -> Signer:
    """What the thief has: a copy of the key."""
    return Signer(council.log.signer._path, council.log.signer.origin)


def forged(council: Council, size: int) -> bytes:
    """A history that never was, signed with the stolen key."""
    return stolen(council).sign(
        tlog.Checkpoint("corp.test/locum", size, tlog.root(council.log.forked(0).hashes(size))).text()
    )


def test_after_the_witness_saw_the_record_a_forged_history_is_refused_and_kept(
    world: ForwardWorld, council: Council
) -> None:
    something(world)
    shown(world)
    size = world.app.store.tree_sizes()[0]
    made = council.log.forked(0)
    statuses = [
        posted(council.url, request(size, made.proof(size, size + more), forged(council, size + more)))[0]
        for more in (0, 5)
    ]
    assert (statuses, sorted(one.kind for one in council.evidence())) == ([422, 422], ["no-way", "two-roots"])


def test_the_witness_says_so_loudly_and_the_record_goes_on(world: ForwardWorld, council: Council) -> None:
    something(world)
    shown(world)
    size = world.app.store.tree_sizes()[0]
    posted(council.url, request(size, [], forged(council, size)))
    something(world)
    shown(world)
    assert ("two-roots" in council.told.keys, incidents(world)) == (True, [])


def test_a_forged_history_that_the_witness_never_saw_bears_no_signature_of_it(
    world: ForwardWorld, council: Council
) -> None:
    note = forged(council, 40)
    assert tlog.verify(note, council.log.signer.vkey)
    with pytest.raises(Garbled, match="checkpoint-unsigned"):
        tlog.cosigned_at(note, council.witness.vkey)


def test_before_the_witness_saw_the_record_a_thief_can_have_his_own_cosigned(
    world: ForwardWorld, council: Council
) -> None:
    status, _, lines = posted(council.url, request(0, [], forged(council, 40)))
    note = tlog.with_signatures(forged(council, 40), lines)
    assert (status, tlog.cosigned_at(note, council.witness.vkey)) == (200, world.now)


def test_then_the_true_record_is_refused_at_once_and_nothing_that_waits_is_set(
    world: ForwardWorld, council: Council
) -> None:
    posted(council.url, request(0, [], forged(council, 8)))
    case = tried(world)
    assert (case.state, world.shelf.standing(), incidents(world)) == (State.APPLYING, [], ["witness-fork"])


def test_a_thief_who_goes_on_with_the_true_record_is_noticed_when_it_is_shown_next(
    world: ForwardWorld, council: Council
) -> None:
    something(world)
    shown(world)
    leaves = [tlog.leaf_hash(one) for one in world.app.store.leaves()]
    theirs = [*leaves, *council.log.hashes(24)]
    point = tlog.Checkpoint("corp.test/locum", len(theirs), tlog.root(theirs))
    body = request(len(leaves), tlog.consistency_proof(theirs, len(leaves)), stolen(council).sign(point.text()))
    status = posted(council.url, body)[0]
    something(world)
    shown(world)
    assert (status, incidents(world)) == (200, ["witness-ahead"])


# a witness that was given an old notebook


def test_a_witness_with_an_old_notebook_can_be_shown_another_history(world: ForwardWorld, council: Council) -> None:
    old = council.copied()
    something(world)
    shown(world)
    council.put_back(old)
    assert posted(council.url, request(0, [], forged(council, 40)))[0] == 200


def test_the_worker_that_remembers_what_it_signed_believes_it_no_more(world: ForwardWorld, council: Council) -> None:
    something(world)
    shown(world)
    old = council.copied()
    something(world)
    shown(world)
    council.put_back(old)
    something(world)
    shown(world)
    assert incidents(world) == ["witness-forgot"]


def test_whoever_kept_an_earlier_state_sees_that_the_other_does_not_go_on_from_it(
    world: ForwardWorld, council: Council
) -> None:
    old = council.copied()
    something(world)
    shown(world)
    hers = tlog.parse_checkpoint(parts(world.app.store.cosigned() or b"")[0])
    council.put_back(old)
    made = council.log.forked(0)
    later = tlog.parse_checkpoint(parts(forged(council, hers.size + 8))[0])
    assert posted(council.url, request(0, [], forged(council, later.size)))[0] == 200
    assert not tlog.verify_consistency(hers.size, later.size, hers.root, later.root, made.proof(hers.size, later.size))
