"""The witness against C2SP tlog-witness: every status code, what it keeps, and that it never cosigns two roots for one size."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum import tlog
from locum.errors import Garbled, Invalid, Rejected, Unreachable
from locum.signer import Signer
from locum.tlog.notes import parts
from locum.witness import Witness, evidence_in
from logs import AT, COUNCIL, Log, Told, make_log, make_witness, request


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return make_log(tmp_path)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def witness(tmp_path: Path, log: Log, told: Told) -> Witness:
    return make_witness(tmp_path, log, tell=told)


def brought(witness: Witness, log: Log, old: int, size: int) -> int:
    """The status of an honest request for this log."""
    return witness.add_checkpoint(request(old, log.proof(old, size), log.note(size))).status


def test_the_first_checkpoint_is_cosigned(witness: Witness, log: Log) -> None:
    answer = witness.add_checkpoint(request(0, [], log.note(3)))
    assert tlog.cosigned_at(tlog.with_signatures(log.note(3), answer.body), witness.vkey) == AT


def test_what_goes_on_from_before_is_cosigned(witness: Witness, log: Log) -> None:
    assert [brought(witness, log, *sizes) for sizes in ((0, 3), (3, 8), (8, 8), (8, 100))] == [200] * 4


def test_an_empty_log_is_cosigned(witness: Witness, log: Log) -> None:
    assert brought(witness, log, 0, 0) == 200


def test_an_empty_log_has_the_root_of_no_leaves(witness: Witness, log: Log) -> None:
    note = log.signer.sign(tlog.Checkpoint(log.signer.origin, 0, b"\1" * 32).text())
    assert witness.add_checkpoint(request(0, [], note)).status == 422


NOT_A_REQUEST = {
    "nothing": b"",
    "no old size": b"\n\n",
    "a leading zero": b"old 03",
    "a sign": b"old -1",
    "two spaces": b"old  3",
    "more than a size": b"old 3 4",
    "a proof that is not base64": b"old 0\n!!!!",
    "a proof of another length": b"old 0\nAAAA",
    "an empty line among the proof": b"old 0\n",
    "too many lines": b"old 1" + b"\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" * 64,
    "a carriage return": b"old 0\r",
    "no ASCII": b"old \xd9\xa3",
}


@pytest.mark.parametrize("head", NOT_A_REQUEST.values(), ids=NOT_A_REQUEST)
def test_what_is_no_request_is_answered_with_400(witness: Witness, log: Log, head: bytes) -> None:
    assert witness.add_checkpoint(head + b"\n\n" + log.note(3)).status == 400


@pytest.mark.parametrize("note", [b"", b"x\n", b"corp.test/locum\n3\nAAAA\n\n\xe2\x80\x94 a YWFhYWE=\n"])
def test_what_is_no_checkpoint_is_answered_with_400(witness: Witness, note: bytes) -> None:
    assert witness.add_checkpoint(request(0, [], note)).status == 400


def test_a_size_that_no_log_has_is_answered_with_400(witness: Witness, log: Log) -> None:
    note = log.signer.sign(tlog.Checkpoint(log.signer.origin, 2**63, b"\1" * 32).text())
    assert witness.add_checkpoint(request(0, [], note)).status == 400


def test_an_old_size_above_the_new_one_is_answered_with_400(witness: Witness, log: Log) -> None:
    assert witness.add_checkpoint(request(4, [], log.note(3))).status == 400


def test_a_log_that_it_does_not_know_is_answered_with_404(witness: Witness, tmp_path: Path) -> None:
    assert brought(witness, make_log(tmp_path, "other.test/log"), 0, 3) == 404


def test_another_key_under_the_name_of_the_log_is_answered_with_403(witness: Witness, tmp_path: Path) -> None:
    other = Log(Signer(tmp_path / "other.key", "corp.test/locum"))
    assert brought(witness, other, 0, 3) == 403


def test_a_false_signature_beside_a_good_one_is_answered_with_403(witness: Witness, log: Log) -> None:
    false = log.note(4).rpartition(b"\n\n")[2]
    assert witness.add_checkpoint(request(0, [], log.note(3) + false)).status == 403


def test_signatures_of_others_are_passed_over_and_not_kept(witness: Witness, log: Log, tmp_path: Path) -> None:
    other = make_log(tmp_path, "other.test/log").note(3).rpartition(b"\n\n")[2]
    assert witness.add_checkpoint(request(0, [], log.note(3) + other)).status == 200
    assert kept_notes(tmp_path) == [log.note(3)]


def kept_notes(folder: Path) -> list[bytes]:
    with sqlite3.connect(folder / "witness.db") as connection:
        return [row[0] for row in connection.execute("SELECT note FROM seen ORDER BY size")]


@pytest.mark.parametrize("old", [0, 2, 4])
def test_another_old_size_is_answered_with_the_size_that_was_cosigned(witness: Witness, log: Log, old: int) -> None:
    brought(witness, log, 0, 3)
    answer = witness.add_checkpoint(request(old, log.proof(old, 5), log.note(5)))
    assert (answer.status, answer.kind, answer.body) == (409, "text/x.tlog.size", b"3\n")


def test_a_shorter_log_is_answered_with_the_size_that_was_cosigned(witness: Witness, log: Log) -> None:
    brought(witness, log, 0, 8)
    answer = witness.add_checkpoint(request(3, [], log.note(3)))
    assert (answer.status, answer.body) == (409, b"8\n")


def test_a_proof_that_does_not_hold_is_answered_with_422(witness: Witness, log: Log) -> None:
    brought(witness, log, 0, 3)
    assert witness.add_checkpoint(request(3, log.proof(3, 9), log.note(8))).status == 422


def test_a_proof_from_nothing_is_answered_with_422(witness: Witness, log: Log) -> None:
    assert witness.add_checkpoint(request(0, log.proof(2, 3), log.note(3))).status == 422


def test_another_root_for_the_same_size_is_answered_with_422(witness: Witness, log: Log) -> None:
    brought(witness, log, 0, 3)
    assert brought(witness, log.forked(1), 3, 3) == 422


def test_another_history_that_goes_on_is_answered_with_422(witness: Witness, log: Log) -> None:
    brought(witness, log, 0, 3)
    assert brought(witness, log.forked(1), 3, 5) == 422


def test_a_second_key_of_a_log_counts_like_the_first(tmp_path: Path, log: Log) -> None:
    later = Log(Signer(tmp_path / "later.key", "corp.test/locum"))
    witness = make_witness(tmp_path, log, later)
    assert [brought(witness, log, 0, 3), brought(witness, later, 3, 5)] == [200, 200]


def test_each_log_is_watched_by_itself(tmp_path: Path, log: Log) -> None:
    other = make_log(tmp_path, "other.test/log")
    witness = make_witness(tmp_path, log, other)
    assert [brought(witness, log, 0, 3), brought(witness, other, 0, 7), brought(witness, log, 3, 4)] == [200] * 3


def test_the_time_is_that_of_the_last_cosigning(tmp_path: Path, log: Log) -> None:
    hours = iter(range(9))
    witness = make_witness(tmp_path, log, clock=lambda: AT + timedelta(hours=next(hours)))
    brought(witness, log, 0, 3)
    answer = witness.add_checkpoint(request(3, [], log.note(3)))
    assert tlog.cosigned_at(tlog.with_signatures(log.note(3), answer.body), witness.vkey) == AT + timedelta(hours=1)


# what is kept against a log


def test_two_roots_of_one_size_are_kept_with_both_signatures(witness: Witness, log: Log, tmp_path: Path) -> None:
    brought(witness, log, 0, 3)
    brought(witness, log.forked(1), 3, 3)
    [(_, one)] = evidence_in(tmp_path / "witness.db")
    texts = [tlog.verify(note.encode(), one.vkeys[0]) for note in (one.before, one.after)]
    assert (one.kind, texts) == ("two-roots", [parts(log.note(3))[0], parts(log.forked(1).note(3))[0]])


def test_two_roots_are_seen_for_every_size_that_was_ever_cosigned(witness: Witness, log: Log, tmp_path: Path) -> None:
    for old, size in ((0, 3), (3, 5), (5, 9)):
        brought(witness, log, old, size)
    brought(witness, log.forked(1), 2, 5)
    assert [one.kind for _, one in evidence_in(tmp_path / "witness.db")] == ["two-roots"]


def test_a_way_that_was_not_shown_is_kept_as_a_reason_to_ask(witness: Witness, log: Log, tmp_path: Path) -> None:
    brought(witness, log, 0, 3)
    brought(witness, log.forked(1), 3, 5)
    assert [one.kind for _, one in evidence_in(tmp_path / "witness.db")] == ["no-way"]


def test_the_same_two_are_kept_once(witness: Witness, log: Log, told: Told, tmp_path: Path) -> None:
    brought(witness, log, 0, 3)
    for _ in range(3):
        brought(witness, log.forked(1), 3, 3)
    assert (len(evidence_in(tmp_path / "witness.db")), told.keys.count("two-roots")) == (1, 1)


def test_what_only_came_late_is_not_held_against_anybody(witness: Witness, log: Log, tmp_path: Path) -> None:
    brought(witness, log, 0, 3)
    brought(witness, log, 3, 8)
    brought(witness, log, 3, 3)
    brought(witness, log, 0, 8)
    assert evidence_in(tmp_path / "witness.db") == []


def test_what_cannot_be_kept_is_said_and_refused_all_the_same(witness: Witness, log: Log, told: Told, tmp_path) -> None:
    brought(witness, log, 0, 3)
    (tmp_path / "witness.db.evidence").write_text("in the way")
    assert (brought(witness, log.forked(1), 3, 3), "evidence-lost" in told.keys) == (422, True)


def test_evidence_can_be_read_without_this_program(witness: Witness, log: Log, tmp_path: Path) -> None:
    brought(witness, log, 0, 3)
    brought(witness, log.forked(1), 3, 3)
    [file] = (tmp_path / "witness.db.evidence").iterdir()
    assert json.loads(file.read_text())["after"].encode() == log.forked(1).note(3)


# the key and the notebook


def test_a_witness_goes_on_where_it_was(tmp_path: Path, log: Log) -> None:
    brought(make_witness(tmp_path, log), log, 0, 3)
    again = make_witness(tmp_path, log, name=None)
    assert [brought(again, log, 0, 5), brought(again, log, 3, 5)] == [409, 200]


def test_the_key_is_the_same_at_the_next_start(tmp_path: Path, log: Log) -> None:
    assert make_witness(tmp_path, log).vkey == make_witness(tmp_path, log, name=None).vkey


def test_key_and_notebook_are_their_owners_alone(witness: Witness, tmp_path: Path) -> None:
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("witness.db", "witness.key")] == [0o600] * 2


def test_without_its_notebook_a_witness_does_not_start(witness: Witness, tmp_path: Path, log: Log) -> None:
    (tmp_path / "witness.db").unlink()
    with pytest.raises(Rejected, match="witness-store-lost"):
        make_witness(tmp_path, log)


def test_a_first_start_that_broke_off_is_gone_on_with(tmp_path: Path, log: Log) -> None:
    from locum.witness.notebook import Notebook  # noqa: PLC0415

    Notebook(tmp_path / "witness.db").make()
    assert brought(make_witness(tmp_path, log), log, 0, 3) == 200


def test_another_key_does_not_use_its_notebook(witness: Witness, tmp_path: Path, log: Log) -> None:
    (tmp_path / "witness.key").unlink()
    with pytest.raises(Garbled, match="witness-other-key"):
        make_witness(tmp_path, log)


def test_another_name_is_not_believed(witness: Witness, tmp_path: Path, log: Log) -> None:
    with pytest.raises(Garbled, match="witness-other-name"):
        make_witness(tmp_path, log, name="other")


@pytest.mark.parametrize("name", [None, "", "two words", "a+b"])
def test_a_name_that_is_none_makes_no_key(tmp_path: Path, log: Log, name: str | None) -> None:
    with pytest.raises(Invalid, match="witness-name"):
        make_witness(tmp_path, log, name=name)


def test_the_key_of_a_log_is_none_of_a_witness(tmp_path: Path, log: Log) -> None:
    log.note(1)
    (tmp_path / "corp.test-locum.key").rename(tmp_path / "witness.key")
    with pytest.raises(Garbled, match="key-file-damaged"):
        make_witness(tmp_path, log)


def test_a_notebook_that_is_damaged_cosigns_nothing(witness: Witness, log: Log, tmp_path: Path) -> None:
    (tmp_path / "witness.db").write_bytes(b"x" * 4096)
    with pytest.raises(Unreachable, match="witness-store-unreachable"):
        brought(witness, log, 0, 3)


def test_the_table_itself_holds_one_root_for_a_size(witness: Witness, log: Log, tmp_path: Path) -> None:
    brought(witness, log, 0, 3)
    with sqlite3.connect(tmp_path / "witness.db") as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO seen VALUES (?, 3, ?, ?, 0)", (log.signer.origin, b"\0" * 32, b""))


def test_of_two_histories_at_the_same_moment_one_is_cosigned(tmp_path: Path, log: Log) -> None:
    for size in range(1, 9):
        two = [make_witness(tmp_path, log) for _ in range(2)]  # as two processes would have it: a connection each
        bodies = [request(size - 1, one.proof(size - 1, size), one.note(size)) for one in (log, log.forked(size - 1))]
        with ThreadPoolExecutor(4) as pool:
            found = [pool.submit(two[n % 2].add_checkpoint, bodies[n % 2]) for n in range(4)]
        roots = {tlog.root(one.hashes(size)) for n, one in ((0, log), (1, log.forked(size - 1))) if any(
            found[m].result().status == 200 for m in (n, n + 2))}  # fmt: skip
        if tlog.root(log.hashes(size)) not in roots:
            log = log.forked(size - 1)
        assert len(roots) == 1


DYING = """
import os, signal, sys
from itertools import pairwise
from pathlib import Path
from locum.key_file import SecretKey
from logs import Log, make_log, make_witness, request
folder = Path(sys.argv[1])
log = make_log(folder)
witness = make_witness(folder, log, name=None)
class Dying:
    def sign(self, message):
        os.kill(os.getpid(), signal.SIGKILL)
object.__setattr__(witness._key, "key", Dying())
witness.add_checkpoint(request(3, log.proof(3, 5), log.note(5)))
"""


@pytest.mark.slow
def test_killed_between_writing_and_answering_it_cosigns_no_other_root(tmp_path: Path, log: Log) -> None:
    brought(make_witness(tmp_path, log), log, 0, 3)
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), *sys.path])
    ran = subprocess.run([sys.executable, "-c", DYING, tmp_path], env=os.environ | {"PYTHONPATH": path}, check=False)
    again = make_witness(tmp_path, log, name=None)
    other = log.forked(4)
    found = [brought(again, other, 3, 5), brought(again, other, 5, 5), brought(again, log, 5, 5)]
    assert (ran.returncode, found) == (-signal.SIGKILL, [409, 422, 200])


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 3)), max_size=12))
def test_whatever_is_brought_all_that_is_cosigned_is_one_history(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("w")
    log = make_log(folder)
    witness = make_witness(folder, log)
    histories = [log, log.forked(2), log.forked(5), log.forked(2, 9)]
    cosigned: list[tuple[int, bytes, int]] = []
    for old, size, which in steps:
        one = histories[which]
        proof = one.proof(old, size) if old <= size else []
        if witness.add_checkpoint(request(old, proof, one.note(size))).status == 200:
            cosigned.append((size, tlog.root(one.hashes(size)), which))
    for before, after in pairwise(cosigned):
        goes_on = histories[after[2]]
        assert before[0] <= after[0]
        assert tlog.root(goes_on.hashes(before[0])) == before[1]


def test_the_witness_imports_nothing_but_the_tree_and_its_words() -> None:
    code = "import sys, locum.witness; print(*sorted(m for m in sys.modules if m.split('.')[0] == 'locum'))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {name.split(".")[1] for name in ran.stdout.split() if "." in name}
    assert ours == {"errors", "key_file", "tlog", "witness"}


def test_a_witness_has_the_name_it_was_given(witness: Witness) -> None:
    assert witness.vkey.startswith(f"{COUNCIL}+")
