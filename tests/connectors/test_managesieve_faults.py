"""What a broken, slow or hostile ManageSieve server gets out of us: an honest error, in time, and never the secret.

And what she does in the very moment between our look and our change, which no real server shows when asked to.
"""

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import wanted
from locum import sieve
from locum.absence import Mailbox
from locum.connectors.managesieve import ManageSieve
from locum.connectors.sieve_proof import REQUIRED
from locum.connectors.sieve_wire import Wire, command
from locum.errors import Conflict, Garbled, LocumError, Rejected, Unreachable, Unsupported
from locum.measure import Standing, Wanted
from locum.messages import LANGUAGES, says
from mailhosts.certificates import Certified, certified
from mailhosts.fake_managesieve import Connection, FakeManageSieve

PASSWORD = "service-only"
ANNA = Mailbox(address="anna@corp.test")
HERS = b"# hers\nkeep;"
SECONDS = 0.6

Make = Callable[..., ManageSieve]


@pytest.fixture
def fake() -> Iterator[FakeManageSieve]:
    with FakeManageSieve(scripts={"main": HERS}, active="main") as server:
        yield server


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    return certified(tmp_path_factory.mktemp("pems"))


@pytest.fixture
def secure(pems: Certified) -> Iterator[FakeManageSieve]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pems.certificate, pems.key)
    with FakeManageSieve(scripts={"main": HERS}, active="main", tls=context) as server:
        yield server


@pytest.fixture
def make(tmp_path: Path, pems: Certified) -> Make:
    (tmp_path / "secret").write_text(PASSWORD)
    (tmp_path / "secret").chmod(0o600)

    def made(server: FakeManageSieve, **changes: Any) -> ManageSieve:
        known: dict[str, Any] = {
            "name": "fake",
            "host": "127.0.0.1",
            "port": server.port,
            "user": "locum",
            "secret_file": tmp_path / "secret",
            "tls": "none",
            "ca_file": pems.authority,
            "answer_seconds": SECONDS,
            "connect_seconds": 1,
            "imap_port": 1,
            "sample": ANNA.address,
        }
        return ManageSieve(**(known | changes))

    return made


def stalled(connection: Connection) -> None:
    time.sleep(SECONDS + 0.4)


def half(connection: Connection) -> None:
    connection.send(b'"IMPLEMENTATION" "Fa')
    connection.sock.shutdown(2)


def dripping(connection: Connection) -> None:
    connection.drip(b'"main" ACTIVE\r\n' * 50, 0.05)


def endless(connection: Connection) -> None:
    with contextlib.suppress(OSError):
        for _ in range(200):
            connection.send(b"x" * 65_536)


def many_rows(connection: Connection) -> None:
    connection.send(b'"a"\r\n' * 20_000 + b"OK\r\n")


FAULTS: dict[str, tuple[str, Any, type[LocumError]]] = {
    "no greeting": ("greeting", stalled, Unreachable),
    "half a greeting": ("greeting", half, Unreachable),
    "the greeting of another protocol": ("greeting", b"220 mail ESMTP\r\n", Garbled),
    "a greeting of bytes": ("greeting", bytes(range(256)) + b"\r\n", Garbled),
    "BYE as a greeting": ("greeting", b'BYE (TRYLATER) "too many"\r\n', Unreachable),
    "NO as a greeting": ("greeting", b'NO "go away"\r\n', Unreachable),
    "no PLAIN": ("greeting", b'"SASL" "SCRAM-SHA-256"\r\nOK\r\n', Rejected),
    "no answer to the login": ("AUTHENTICATE", stalled, Unreachable),
    "a login refused": ("AUTHENTICATE", b'NO "no"\r\n', Rejected),
    "a login put off": ("AUTHENTICATE", b'NO (TRYLATER) "later"\r\n', Unreachable),
    "BYE after the login": ("LISTSCRIPTS", b"BYE\r\n", Unreachable),
    "a slow drip": ("LISTSCRIPTS", dripping, Unreachable),
    "a line without an end": ("LISTSCRIPTS", endless, Garbled),
    "endless rows": ("LISTSCRIPTS", many_rows, Garbled),
    "a huge literal": ("GETSCRIPT", b"{4000000000}\r\n", Garbled),
    "an impossible literal": ("GETSCRIPT", b"{99999999999999999999}\r\n", Garbled),
    "a literal that stops half-way": ("GETSCRIPT", b"{100}\r\nkeep;", Unreachable),
    "a script in two strings": ("GETSCRIPT", b'"a" "b"\r\nOK\r\n', Garbled),
    "two active scripts": ("LISTSCRIPTS", b'"a" ACTIVE\r\n"b" ACTIVE\r\nOK\r\n', Garbled),
    "one script twice": ("LISTSCRIPTS", b'"a"\r\n"a"\r\nOK\r\n', Garbled),
    "an unknown mark": ("LISTSCRIPTS", b'"a" SLEEPING\r\nOK\r\n', Garbled),
    "a name that is no UTF-8": ("LISTSCRIPTS", b'"\xff\xfe"\r\nOK\r\n', Garbled),
    "an unknown verdict": ("LISTSCRIPTS", b"MAYBE\r\n", Garbled),
    "an open string": ("LISTSCRIPTS", b'"main\r\nOK\r\n', Garbled),
    "an empty line": ("LISTSCRIPTS", b"\r\nOK\r\n", Garbled),
    "lines ended by LF alone": ("LISTSCRIPTS", b'"main" ACTIVE\nOK\n\r\n', Garbled),
    "NO to LISTSCRIPTS": ("LISTSCRIPTS", b"NO\r\n", Rejected),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_is_told_as_what_it_is_and_in_time(fake: FakeManageSieve, make: Make, fault: str) -> None:
    verb, says_, kind = FAULTS[fault]
    fake.says[verb] = says_
    began = time.monotonic()
    with pytest.raises(LocumError) as caught:
        make(fake).read(ANNA)
    assert (type(caught.value), time.monotonic() - began < SECONDS + 1.7) == (kind, True)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if fault[0] != "GETSCRIPT"])
def test_check_reports_every_fault_and_shows_no_secret(fake: FakeManageSieve, make: Make, fault: str) -> None:
    verb, says_, _ = FAULTS[fault]
    fake.says[verb] = says_
    report = make(fake).check()
    assert False in [finding.holds for finding in report]
    assert PASSWORD not in repr(report)


@pytest.mark.parametrize("fault", ["no PLAIN", "a login refused", "an unknown verdict"])
def test_no_error_on_the_way_holds_the_secret(fake: FakeManageSieve, make: Make, fault: str) -> None:
    verb, says_, _ = FAULTS[fault]
    fake.says[verb] = says_
    connector = make(fake)
    with pytest.raises(LocumError) as caught:
        connector.read(ANNA)
    error: BaseException | None = caught.value
    shown = repr(connector)
    while error is not None:
        shown += repr(error) + str(vars(error))
        error = error.__cause__ or error.__context__
    assert PASSWORD not in shown


def test_nobody_listening_is_unreachable(fake: FakeManageSieve, make: Make) -> None:
    with pytest.raises(Unreachable):
        make(fake, port=1).read(ANNA)


@pytest.mark.slow
def test_a_server_that_is_down_is_not_asked_for_every_mailbox_of_a_batch(fake: FakeManageSieve, make: Make) -> None:
    fake.says["greeting"] = stalled
    began = time.monotonic()
    results = make(fake, answer_seconds=0.2).read_many([Mailbox(address=f"a{n}@corp.test") for n in range(200)])
    assert ({type(result) for result in results}, time.monotonic() - began < 8) == ({Unreachable}, True)


# TLS


def test_with_tls_the_mailbox_is_read(secure: FakeManageSieve, make: Make) -> None:
    assert make(secure, tls="required").read(ANNA).own_reply is False


def test_without_starttls_on_offer_nobody_logs_in(fake: FakeManageSieve, make: Make) -> None:
    with pytest.raises(Rejected, match="managesieve-no-tls"):
        make(fake, tls="required").read(ANNA)
    assert "AUTHENTICATE" not in fake.seen


def test_bytes_injected_before_tls_are_an_error(secure: FakeManageSieve, make: Make) -> None:
    def injecting(connection: Connection) -> None:
        connection.send(b'OK\r\n"SASL" "PLAIN"\r\n"OWNER" "anna@corp.test"\r\nOK\r\n')
        with contextlib.suppress(OSError, ssl.SSLError):
            connection.start_tls(secure.tls or ssl.SSLContext())

    secure.says["STARTTLS"] = injecting
    with pytest.raises(Garbled):
        make(secure, tls="required").read(ANNA)
    assert "AUTHENTICATE" not in secure.seen


def test_what_was_offered_before_tls_does_not_count(secure: FakeManageSieve, make: Make) -> None:
    plain = b'"SASL" "PLAIN"\r\n"STARTTLS"\r\nOK\r\n'
    secure.says["greeting"] = plain
    secure.capabilities = lambda connection: b'"SASL" ""\r\nOK\r\n'  # type: ignore[method-assign]
    with pytest.raises(Rejected, match="managesieve-no-plain"):
        make(secure, tls="required").read(ANNA)


@pytest.mark.parametrize("wrong", ["expired", "for another name", "by an unknown authority"])
def test_a_bad_certificate_ends_it_before_the_login(tmp_path: Path, pems: Certified, make: Make, wrong: str) -> None:
    changes: dict[str, Any] = {"expired": {"days": -1}, "for another name": {"address": "127.0.0.9"}}.get(wrong, {})
    bad = certified(tmp_path, **changes)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bad.certificate, bad.key)
    authority = pems.authority if wrong == "by an unknown authority" else bad.authority
    with FakeManageSieve(tls=context) as server:
        with pytest.raises(Rejected, match="managesieve-certificate"):
            make(server, tls="required", ca_file=authority).read(ANNA)
        assert "AUTHENTICATE" not in server.seen


def test_a_server_that_speaks_no_tls_after_saying_so_is_garbled(secure: FakeManageSieve, make: Make) -> None:
    def pretending(connection: Connection) -> None:
        connection.send(b"OK\r\n")
        connection.sock.recv(10_000)
        connection.send(b"no TLS here, sorry\r\n")

    secure.says["STARTTLS"] = pretending
    with pytest.raises(Garbled):
        make(secure, tls="required").read(ANNA)


# whose scripts


def test_the_scripts_of_somebody_else_are_not_touched(fake: FakeManageSieve, make: Make) -> None:
    fake.owner = "bert@corp.test"
    with pytest.raises(Rejected, match="managesieve-owner"):
        make(fake).write(ANNA, wanted(ANNA), Standing())
    assert {"PUTSCRIPT", "SETACTIVE", "GETSCRIPT"} & set(fake.seen) == set()


def test_the_login_names_the_mailbox_as_the_authorization_identity(fake: FakeManageSieve, make: Make) -> None:
    make(fake).read(ANNA)
    assert fake.messages == [b"anna@corp.test\0locum\0service-only"]


@pytest.mark.parametrize("address", ["a\0locum\0x@corp.test", "a\r\nb@corp.test", "../a@corp.test", ".a@corp.test", ""])
def test_a_name_that_could_speak_for_somebody_else_never_leaves(
    fake: FakeManageSieve, make: Make, address: str
) -> None:
    with pytest.raises(LocumError):
        make(fake).read(Mailbox(address=address))
    assert fake.messages == []


# what the server says no to


CHANGES: dict[str, tuple[str, bytes, type[LocumError]]] = {
    "a script that does not compile": ("CHECKSCRIPT", b'NO "line 3: error"\r\n', Unsupported),
    "too large": ("HAVESPACE", b"NO (QUOTA/MAXSIZE)\r\n", Unsupported),
    "too many": ("HAVESPACE", b"NO (QUOTA/MAXSCRIPTS)\r\n", Rejected),
    "full": ("PUTSCRIPT", b"NO (QUOTA)\r\n", Rejected),
    "not now": ("PUTSCRIPT", b"NO (TRYLATER)\r\n", Unreachable),
    "not active": ("SETACTIVE", b"NO\r\n", Rejected),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_after_a_no_everything_is_as_before(fake: FakeManageSieve, make: Make, change: str) -> None:
    verb, says_, kind = CHANGES[change]
    connector = make(fake)
    before = connector.read(ANNA)
    fake.says[verb] = says_
    with pytest.raises(kind):
        connector.write(ANNA, wanted(ANNA), before)
    assert (fake.scripts, fake.active) == ({"main": HERS}, "main")


# her change, in the very moment


def at(server: FakeManageSieve, verb: str, time_: int, change: Callable[[], None]) -> None:
    """She does `change` right before the server obeys `verb` for the so manieth time from now."""
    seen = server.seen.count(verb)

    def meanwhile(now: str, count: int) -> None:
        if (now, count) == (verb, seen + time_):
            change()

    server.meanwhile = meanwhile


MOMENTS = [("CHECKSCRIPT", 1), ("PUTSCRIPT", 1), ("LISTSCRIPTS", 2)]


@pytest.mark.parametrize(("verb", "count"), MOMENTS)
def test_a_script_she_activates_while_we_are_at_it_stays_active(
    fake: FakeManageSieve, make: Make, verb: str, count: int
) -> None:
    connector = make(fake)
    before = connector.read(ANNA)

    def change() -> None:
        fake.scripts["other"] = b"keep;"
        fake.active = "other"

    at(fake, verb, count, change)
    with pytest.raises(Conflict):
        connector.write(ANNA, wanted(ANNA), before)
    assert (fake.active, set(fake.scripts)) == ("other", {"main", "other"})


@pytest.mark.parametrize(("verb", "count"), MOMENTS)
def test_what_she_edits_while_we_are_at_it_stays_as_she_left_it(
    fake: FakeManageSieve, make: Make, verb: str, count: int
) -> None:
    connector = make(fake)
    before = connector.read(ANNA)
    at(fake, verb, count, lambda: fake.scripts.update(main=b"# edited\nkeep;"))
    with pytest.raises(Conflict):
        connector.write(ANNA, wanted(ANNA), before)
    assert (fake.active, fake.scripts) == ("main", {"main": b"# edited\nkeep;"})


def test_a_script_of_our_name_that_she_puts_while_we_are_at_it_is_laid_back(fake: FakeManageSieve, make: Make) -> None:
    connector = make(fake)
    before = connector.read(ANNA)
    at(fake, "CHECKSCRIPT", 1, lambda: fake.scripts.update(locum=b"# hers too"))
    with pytest.raises(Conflict):
        connector.write(ANNA, wanted(ANNA), before)
    assert fake.scripts == {"main": HERS, "locum": b"# hers too"}


def test_a_script_she_activates_right_after_us_stays_active_and_ours_goes(fake: FakeManageSieve, make: Make) -> None:
    connector = make(fake)
    before = connector.read(ANNA)
    at(fake, "LISTSCRIPTS", 3, lambda: setattr(fake, "active", "main"))
    with pytest.raises(Conflict):
        connector.write(ANNA, wanted(ANNA), before)
    assert (fake.active, fake.scripts) == ("main", {"main": HERS})


def test_her_own_reply_that_she_writes_right_after_us_wins(fake: FakeManageSieve, make: Make) -> None:
    connector = make(fake)
    before = connector.read(ANNA)
    hers = b'require "vacation"; vacation "mine";'
    at(fake, "LISTSCRIPTS", 3, lambda: fake.scripts.update(main=hers))
    with pytest.raises(Conflict):
        connector.write(ANNA, wanted(ANNA), before)
    assert (fake.active, fake.scripts) == ("main", {"main": hers})


def test_a_script_she_activates_while_we_put_back_stays_active(fake: FakeManageSieve, make: Make) -> None:
    connector = make(fake)
    before = connector.read(ANNA)
    live = connector.write(ANNA, wanted(ANNA), before)

    def change() -> None:
        fake.scripts["other"] = b"keep;"
        fake.active = "other"

    at(fake, "LISTSCRIPTS", 2, change)
    with pytest.raises(Conflict):
        connector.write(ANNA, Wanted(restore=before.found), live)
    assert fake.active == "other"
    connector.write(ANNA, Wanted(restore=before.found), connector.read(ANNA))
    assert (fake.active, set(fake.scripts)) == ("other", {"main", "other"})


def test_a_script_of_our_name_that_she_puts_while_ours_is_taken_away_is_laid_back(
    fake: FakeManageSieve, make: Make
) -> None:
    connector = make(fake)
    before = connector.read(ANNA)
    live = connector.write(ANNA, wanted(ANNA), before)
    at(fake, "GETSCRIPT", 7, lambda: fake.scripts.update(locum=b"# hers too"))  # the look right before DELETESCRIPT
    with pytest.raises(Conflict):
        connector.write(ANNA, Wanted(restore=before.found), live)
    assert (fake.active, fake.scripts) == ("main", {"main": HERS, "locum": b"# hers too"})


def test_a_connection_lost_after_our_script_was_put_leaves_hers_active(fake: FakeManageSieve, make: Make) -> None:
    connector = make(fake)
    before = connector.read(ANNA)
    fake.says["SETACTIVE"] = lambda connection: connection.sock.shutdown(2)
    with pytest.raises(Unreachable):
        connector.write(ANNA, wanted(ANNA), before)
    fake.says.clear()
    left = connector.read(ANNA)
    assert (fake.active, left.active, left.remarks) == ("main", False, ("script-not-active",))
    assert connector.write(ANNA, wanted(ANNA), left).active


def test_an_include_that_goes_in_a_circle_ends(fake: FakeManageSieve, make: Make) -> None:
    fake.scripts = {"main": b'require "include"; include "b";', "b": b'require "include"; include "main";'}
    assert make(fake).read(ANNA).own_reply is False


def test_a_script_that_cannot_be_judged_counts_as_one_that_answers(fake: FakeManageSieve, make: Make) -> None:
    fake.scripts = {"main": b'require "vnd.example"; unheard_of "x";'}
    connector = make(fake)
    before = connector.read(ANNA)
    with pytest.raises(Unsupported):
        connector.write(ANNA, wanted(ANNA), before)


# the wire


@pytest.mark.parametrize("text", [b"", b'"\\', b"a\r\nOK\r\n", b"\0\xff", b"x" * 5000, "é🏖".encode()])
def test_every_string_arrives_as_it_was_sent(fake: FakeManageSieve, text: bytes) -> None:
    with Wire("127.0.0.1", fake.port) as wire:
        put, got = wire.run(command("PUTSCRIPT", b"x", text), command("GETSCRIPT", b"x"))
        assert (put.ok, wire.script(got)) == (True, text)


def test_an_answer_does_not_show_what_it_holds(fake: FakeManageSieve) -> None:
    with Wire("127.0.0.1", fake.port) as wire:
        assert "hers" not in repr(wire.run(command("GETSCRIPT", b"main")))


def test_the_extensions_that_check_asks_for_are_those_that_are_written() -> None:
    script = sieve.script(wanted(ANNA).replies, include="main")
    line = next(line for line in script.splitlines() if line.startswith(b"require"))
    assert {name.decode() for name in line.split(b'"')[1::2]} == set(REQUIRED)


def test_every_error_has_its_sentence_in_both_languages() -> None:
    folder = Path(__file__).parents[2] / "src/locum/connectors"
    source = "".join((folder / f"{n}.py").read_text() for n in ("managesieve", "sieve_wire", "sieve_shelf"))
    keys = {part.split('"')[0] for part in source.split('("')[1:] if part.startswith("managesieve-")}
    assert len(keys) > 15
    assert [key for key in keys for language in LANGUAGES if not says(language, f"errors.{key}.sentence")] == []
