"""Asking a witness: what a good one answers is taken, what a lying, slow, wandering or forgetful one answers is not."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from locum import tlog
from locum.errors import Conflict, Garbled, LocumError, Rejected, Unreachable
from locum.tlog.notes import parts
from locum.witness import Witness
from locum.witness.serving import tls_of
from locum.witnesses import Witness as Asked
from logs import AT, Log, listening, make_log, make_witness, request
from mailhosts.certificates import certified


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return make_log(tmp_path)


@pytest.fixture
def witness(tmp_path: Path, log: Log) -> Witness:
    return make_witness(tmp_path, log)


@pytest.fixture
def asked(witness: Witness) -> Iterator[Asked]:
    with listening(witness) as url:
        yield Asked("council", url, witness.vkey, lambda: AT)


def test_a_good_answer_is_its_line_and_no_more(asked: Asked, log: Log) -> None:
    lines = asked.cosign(log.note(3), 0, [])
    assert (lines.count(b"\n"), tlog.cosigned_at(tlog.with_signatures(log.note(3), lines), asked.vkey)) == (1, AT)


def test_a_proof_takes_it_on(asked: Asked, log: Log) -> None:
    asked.cosign(log.note(3), 0, [])
    assert asked.cosign(log.note(8), 3, log.proof(3, 8))


def test_a_note_that_is_cosigned_already_is_cosigned_anew(asked: Asked, log: Log) -> None:
    note = tlog.with_signatures(log.note(3), asked.cosign(log.note(3), 0, []))
    assert asked.cosign(note, 3, []).count(b"\n") == 1


def test_the_size_that_it_saw_last_is_told(asked: Asked, log: Log) -> None:
    asked.cosign(log.note(3), 0, [])
    with pytest.raises(Conflict, match="witness-holds") as error:
        asked.cosign(log.note(8), 0, [])
    assert error.value.values["size"] == "3"


@pytest.mark.parametrize("size", [3, 5])
def test_another_history_is_told(asked: Asked, log: Log, size: int) -> None:
    asked.cosign(log.note(3), 0, [])
    other = log.forked(1)
    with pytest.raises(Garbled, match="witness-fork"):
        asked.cosign(other.note(size), 3, other.proof(3, size))


def test_a_record_that_it_does_not_know_is_a_matter_for_people(asked: Asked, tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="witness-refuses"):
        asked.cosign(make_log(tmp_path, "other.test/log").note(3), 0, [])


# fakes that speak the wire

Answering = Callable[[bytes], tuple[int, bytes]]


@contextmanager
def faking(answer: Answering, **headers: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def answered(
    witness: Witness, log: Log, answer: Answering, *, old: int = 0, size: int = 3, **headers: str
) -> LocumError:
    with faking(answer, **headers) as url, pytest.raises(LocumError) as error:
        Asked("council", url, witness.vkey, lambda: AT).cosign(log.note(size), old, log.proof(old, size))
    return error.value


def lines_for(witness: Witness, log: Log, size: int) -> bytes:
    return witness.add_checkpoint(request(0, [], log.note(size))).body


def test_a_signature_for_another_checkpoint_is_not_taken(witness: Witness, log: Log) -> None:
    lines = lines_for(witness, log, 2)
    assert answered(witness, log, lambda _: (200, lines)).key == "witness-false"


def test_a_signature_of_somebody_else_is_not_taken(witness: Witness, log: Log, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    lines = lines_for(make_witness(tmp_path / "else", log, name="else.test/w"), log, 3)
    assert answered(witness, log, lambda _: (200, lines)).key == "witness-false"


def test_its_name_over_the_signature_of_another_key_is_not_taken(witness: Witness, log: Log, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    false = lines_for(make_witness(tmp_path / "else", log), log, 3)
    assert answered(witness, log, lambda _: (200, false)).key == "witness-false"


def test_a_good_line_among_those_of_others_is_taken_alone(witness: Witness, log: Log, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    others = lines_for(make_witness(tmp_path / "else", log, name="else.test/w"), log, 3)
    good = lines_for(witness, log, 3)
    with faking(lambda _: (200, others + good)) as url:
        assert Asked("council", url, witness.vkey, lambda: AT).cosign(log.note(3), 0, []) == good


def test_a_false_line_beside_a_good_one_condemns_the_answer(witness: Witness, log: Log) -> None:
    false = lines_for(witness, log, 2)
    good = witness.add_checkpoint(request(2, log.proof(2, 3), log.note(3))).body
    assert answered(witness, log, lambda _: (200, good + false)).key == "witness-false"


@pytest.mark.parametrize("apart", [timedelta(minutes=6), timedelta(minutes=-6), timedelta(days=900)])
def test_an_answer_of_another_time_is_not_taken(tmp_path: Path, log: Log, apart: timedelta) -> None:
    witness = make_witness(tmp_path, log, clock=lambda: AT + apart)
    lines = lines_for(witness, log, 3)
    assert answered(witness, log, lambda _: (200, lines)).key == "witness-clock"


def test_more_than_one_line_of_its_key_is_not_taken(witness: Witness, log: Log) -> None:
    lines = lines_for(witness, log, 3) + tlog.cosignature_line(
        witness.vkey,
        AT + timedelta(seconds=1),
        witness._key.key.sign(tlog.to_cosign(parts(log.note(3))[0], AT + timedelta(seconds=1))),
    )
    assert answered(witness, log, lambda _: (200, lines)).key == "witness-false"


NONSENSE = {
    "nothing": b"",
    "a page": b"<html>sign in</html>\n",
    "a text of its own": b"\n\nother\n3\nAAAA\n\n",
    "no UTF-8": b"\xff\xfe\n",
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_not_taken(witness: Witness, log: Log, body: bytes) -> None:
    assert answered(witness, log, lambda _: (200, body)).key == "witness-false"


def test_an_answer_that_makes_another_text_of_it_is_not_taken(witness: Witness, log: Log) -> None:
    longer = parts(log.note(3))[0] + b"more\n"
    line = tlog.cosignature_line(witness.vkey, AT, witness._key.key.sign(tlog.to_cosign(longer, AT)))
    assert answered(witness, log, lambda _: (200, b"more\n\n" + line)).key == "witness-false"


def test_an_answer_without_end_is_cut_off(witness: Witness, log: Log) -> None:
    assert answered(witness, log, lambda _: (200, b"x" * 20_000)).key == "witness-false"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_it_is_not_sent_on_to_elsewhere(witness: Witness, log: Log, asked: Asked, status: int) -> None:
    error = answered(witness, log, lambda _: (status, b""), Location=f"{asked.url}/add-checkpoint")
    assert (error.key, error.values["status"]) == ("witness-refuses", str(status))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 411, 413])
def test_a_refusal_is_a_matter_for_people(witness: Witness, log: Log, status: int) -> None:
    assert answered(witness, log, lambda _: (status, b"")).key == "witness-refuses"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_fault_of_its_own_is_tried_again(witness: Witness, log: Log, status: int) -> None:
    assert answered(witness, log, lambda _: (status, b"")).key == "witness-no-answer"


SIZES = {
    "nonsense": (b"many\n", 0, "witness-false"),
    "empty": (b"", 0, "witness-false"),
    "a negative one": (b"-1\n", 0, "witness-false"),
    "the one that was asked": (b"2\n", 2, "witness-false"),
    "the one that was asked, and ours": (b"3\n", 3, "witness-fork"),
    "another": (b"2\n", 0, "witness-holds"),
}


@pytest.mark.parametrize(("body", "old", "key"), SIZES.values(), ids=SIZES)
def test_a_size_means_what_the_page_says(witness: Witness, log: Log, body: bytes, old: int, key: str) -> None:
    assert answered(witness, log, lambda _: (409, body), old=old).key == key


def test_nobody_there_is_tried_again(witness: Witness, log: Log) -> None:
    with pytest.raises(Unreachable, match="witness-no-answer"):
        Asked("council", "http://127.0.0.1:9", witness.vkey, lambda: AT).cosign(log.note(3), 0, [])


def test_a_certificate_that_is_not_known_is_not_believed(witness: Witness, log: Log, tmp_path: Path) -> None:
    made = certified(tmp_path)
    with listening(witness, tls=tls_of(made.certificate, made.key)) as url, pytest.raises(Unreachable) as error:
        Asked("council", url, witness.vkey, lambda: AT).cosign(log.note(3), 0, [])
    assert "certificate" in error.value.values["what"]


def test_a_certificate_of_the_authority_in_the_settings_is_believed(witness: Witness, log: Log, tmp_path: Path) -> None:
    made = certified(tmp_path)
    with listening(witness, tls=tls_of(made.certificate, made.key)) as url:
        assert Asked("council", url, witness.vkey, lambda: AT, made.authority).cosign(log.note(3), 0, [])


def test_a_silent_one_is_not_waited_for(witness: Witness, log: Log) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = Asked("council", f"http://127.0.0.1:{silent.getsockname()[1]}", witness.vkey, lambda: AT, seconds=0.2)
        with pytest.raises(Unreachable, match="witness-no-answer"):
            asked.cosign(log.note(3), 0, [])
