"""Published scripts when things go wrong: binaries and clocks, disks and rights, kills, a full mailbox, load.

What docs/connectors.md says of published scripts is a test here or in test_sieve_files.py.
"""

import contextlib
import os
import random
import shutil
import signal
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance import a_reply, text_of, wanted
from locum.absence import Mailbox
from locum.connectors.sieve_files import SieveFiles
from locum.demo.host import Dovecot
from locum.errors import Conflict, LocumError, Rejected, Trouble, Unreachable
from locum.mailhost import AHEAD, Item, publish
from locum.mailhost.following import following
from locum.measure import Standing, Wanted
from mailhosts.dovecot import PASSWORD
from mailhosts.publishing import (
    PUBLISHER,
    as_root,
    as_user,
    deliver,
    disk,
    fill,
    mailhost,
    read_only,
    sieve_files,
    stored,
    two_places,
)

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True, scope="module")
def _followed(dovecot: Dovecot) -> Iterator[None]:
    """As if locum-mailhost --follow ran: without it ours is never before hers."""
    with following(dovecot.published):
        yield


@pytest.fixture
def box(dovecot: Dovecot, mailbox: str) -> Mailbox:
    return Mailbox(address=mailbox)


def set_text(connector: SieveFiles, box: Mailbox, text: str) -> Standing:
    return connector.write(box, wanted(box, external_text=text), connector.read(box))


def answered(host: Dovecot, box: Mailbox) -> list[str]:
    return [text_of(sent.mail) for sent in deliver(host, box)]


def file_of(host: Dovecot, box: Mailbox, place: str = "before") -> Path:
    return host.published / place / f"{box.address}.sieve"


# compiled scripts and clocks


def test_the_new_text_is_what_is_sent_although_the_old_one_was_compiled(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot)
    seen = []
    for text in ("one", "two", "three"):
        set_text(connector, box, text)
        seen += answered(dovecot, box)
    assert seen == ["one", "two", "three"]


def test_a_text_set_again_later_is_what_is_sent(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot)
    set_text(connector, box, "one")
    first = answered(dovecot, box)
    connector.write(box, Wanted(), connector.read(box))
    none = answered(dovecot, box)
    set_text(connector, box, "two")
    assert (first, none, answered(dovecot, box)) == (["one"], [], ["two"])


def test_a_compiled_script_that_is_newer_would_be_run_whatever_the_script_says(dovecot: Dovecot, box: Mailbox) -> None:
    """The danger itself: without this the other tests here would show nothing."""
    connector = sieve_files(dovecot)
    set_text(connector, box, "one")
    file = file_of(dovecot, box)
    os.utime(file, (1, 1))
    answered(dovecot, box)
    file.write_bytes(file.read_bytes().replace(b"one", b"two"))
    os.utime(file, (1, 1))
    assert answered(dovecot, box) == ["one"]


def test_the_clock_set_back_an_hour_does_not_bring_back_the_old_text(dovecot: Dovecot, box: Mailbox) -> None:
    """The old one was compiled half an hour of the clock after it was published, and before the clock was set back."""
    now = time.time()
    (dovecot.published / ".dated").touch()
    os.utime(dovecot.published / ".dated", (1, 1))
    published(dovecot, box, "one", clock=lambda: now - 1800)
    first = answered(dovecot, box)
    published(dovecot, box, "two", clock=lambda: now - 3600)
    assert (first, answered(dovecot, box)) == (["one"], ["two"])


def published(host: Dovecot, box: Mailbox, text: str, clock: Callable[[], float]) -> None:
    digest = sieve_files(host, script=None).read(box).revision.split("/")[0]
    reply = a_reply(box, external_text=text)
    item = Item(user=box.address, place="after", replies=(reply,), expect=digest)
    done = publish(host.published, [item], sievec=["sievec", "-c", str(host.config_file)], clock=clock)
    assert isinstance(done[0], str)


def test_the_times_of_scripts_strictly_increase_also_when_the_clock_is_set_back(dovecot: Dovecot, box: Mailbox) -> None:
    start, times = time.time(), []
    for number, shift in enumerate((0, 0, -3600, -7200, 5)):
        published(dovecot, box, f"text {number}", clock=lambda shift=shift: start + shift)  # type: ignore[misc]
        times.append(file_of(dovecot, box, "after").stat().st_mtime)
    assert times == sorted(set(times))
    assert times[0] > start + AHEAD - 1


# the directory


@as_root
@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_disk_that_cannot_be_written_to_is_told_and_nothing_is_left_half(
    dovecot: Dovecot, box: Mailbox, tmp_path: Path, fault: str
) -> None:
    with disk(tmp_path / "disk") as folder:
        connector = sieve_files(dovecot, folder)
        stood = set_text(connector, box, "one")
        (fill if fault == "full" else read_only)(folder)
        with pytest.raises(Unreachable) as caught:
            set_text(connector, box, "two")
        assert caught.value.key == f"publishing-{fault}"
        assert (connector.read(box), names(folder)) == (
            stood,
            {".dated", "ballast", file_of(dovecot, box).name} - ({"ballast"} if fault != "full" else set()),
        )


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() or path.name.startswith(".")}


@as_root
def test_an_auto_reply_ends_although_the_disk_is_full(dovecot: Dovecot, box: Mailbox, tmp_path: Path) -> None:
    with disk(tmp_path / "disk") as folder:
        connector = sieve_files(dovecot, folder)
        set_text(connector, box, "one")
        fill(folder)
        assert connector.write(box, Wanted(), connector.read(box)).replies == ()


@as_root
def test_a_full_disk_for_some_is_told_for_each_and_the_rest_stand(dovecot: Dovecot, tmp_path: Path) -> None:
    boxes = [Mailbox(address=f"c{number}@corp.test") for number in range(60)]
    with disk(tmp_path / "disk", kilobytes=128) as folder:
        connector = sieve_files(dovecot, folder, script=None)
        done = connector.write_many([(box, wanted(box), connector.read(box)) for box in boxes])
        told = [isinstance(result, Unreachable) for result in done]
        live = [bool(connector.read(box).replies) for box in boxes]
        assert (any(told), live) == (True, [not one for one in told])


FAULTS: dict[str, tuple[Callable[[Path], object], type[Trouble]]] = {
    "missing": (shutil.rmtree, Rejected),
    "one place missing": (lambda folder: shutil.rmtree(folder / "after"), Rejected),
    "a file": (lambda folder: (shutil.rmtree(folder / "before"), (folder / "before").write_text("x")), Rejected),
    "a symlink": (
        lambda folder: ((folder / "after").rename(folder / "x"), (folder / "after").symlink_to("x")),
        Rejected,
    ),
    "itself a symlink": (lambda folder: (folder.rename(folder.with_name("real")), folder.symlink_to("real")), Rejected),
    "a loop": (lambda folder: (shutil.rmtree(folder / "after"), (folder / "after").symlink_to("after")), Rejected),
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_directory_that_is_none_is_told_and_check_finds_it(
    dovecot: Dovecot, box: Mailbox, tmp_path: Path, fault: str
) -> None:
    folder = two_places(tmp_path / "places")
    connector = sieve_files(dovecot, folder)
    expect = connector.read(box)
    break_it, kind = FAULTS[fault]
    break_it(folder)
    with pytest.raises(kind):
        connector.write(box, wanted(box), expect)
    assert [f.holds for f in connector.check() if f.key == "sieve_files.directory-trouble"] == [False]


@pytest.mark.parametrize("odd", ["symlink", "directory", "pipe", "text"])
def test_a_file_that_is_not_ours_is_left_as_it_is(dovecot: Dovecot, box: Mailbox, tmp_path: Path, odd: str) -> None:
    folder = two_places(tmp_path / "places")
    file = folder / "before" / f"{box.address}.sieve"
    match odd:
        case "symlink":
            file.symlink_to(tmp_path / "secret")
        case "directory":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
        case _:
            file.write_text("keep;")
    connector = sieve_files(dovecot, folder)
    result = connector.write_many([(box, wanted(box), Standing(revision="/n"))])[0]
    assert isinstance(result, LocumError)
    assert os.path.lexists(file)
    assert not (tmp_path / "secret").exists()


def test_a_script_that_the_compiler_refuses_is_never_published_and_the_others_are(
    dovecot: Dovecot, tmp_path: Path
) -> None:
    """A Sieve without the extension that dates need: the mail administrator took it away."""
    config = tmp_path / "dovecot.conf"
    config.write_text(dovecot.config_file.read_text() + "plugin {\n  sieve_extensions = -date\n}\n")
    box = Mailbox(address="someone@corp.test")
    connector = sieve_files(dovecot, two_places(tmp_path / "places"), dovecot_config=config, script=None)
    with pytest.raises(Rejected) as caught:
        connector.write(box, wanted(box), connector.read(box))
    assert (caught.value.key, connector.read(box).replies) == ("published-not-compiled", ())
    assert "sieve_files.does-not-compile" in [finding.key for finding in connector.check()]


def test_one_bad_script_among_many_does_not_stop_the_others(tmp_path: Path) -> None:
    """`sievec DIR` stops at the first bad one; this compiler does so too, and its exit status says nothing."""
    sievec = tmp_path / "sievec"
    sievec.write_text(COMPILER)
    sievec.chmod(0o755)
    boxes = [Mailbox(address=f"c{number}@corp.test") for number in range(9)]
    items = [
        Item(user=box.address, place="after", replies=(a_reply(box, handle="bad" if n == 4 else "good"),), expect="")
        for n, box in enumerate(boxes)
    ]
    done = publish(two_places(tmp_path / "places"), items, sievec=[str(sievec)])
    assert [isinstance(result, Rejected) for result in done] == [n == 4 for n in range(9)]


COMPILER = """#!/bin/sh
[ -d "$1" ] || { grep -q '"bad-' "$1" && echo "Fatal: failed to compile sieve script" >&2 && exit 89; cp "$1" "$2"; exit 0; }
for file in "$1"/*.sieve; do grep -q '"bad-' "$file" && exit 0; cp "$file" "${file%.sieve}.svbin"; done
"""


def test_a_compiler_that_does_not_come_as_far_as_the_script_is_told_apart(tmp_path: Path) -> None:
    item = Item(user="anna", place="after", replies=(a_reply(Mailbox(address="anna@corp.test")),), expect="")
    done = publish(two_places(tmp_path / "places"), [item], sievec=["sh", "-c", "echo no such setting >&2; exit 89"])
    assert isinstance(done[0], Rejected)
    assert (done[0].key, done[0].values["what"]) == ("program-failed", "no such setting")


def test_a_compiler_that_writes_nothing_and_says_that_all_is_well_is_not_believed(tmp_path: Path) -> None:
    box = Mailbox(address="anna@corp.test")
    item = Item(user=box.address, place="after", replies=(a_reply(box),), expect="")
    done = publish(two_places(tmp_path / "places"), [item], sievec=["true"])
    assert isinstance(done[0], Unreachable)


# rights


@as_root
def test_another_user_publishes_and_only_it_may_write(dovecot: Dovecot, box: Mailbox, own_places: Path) -> None:
    command = as_user(PUBLISHER, *mailhost("--directory", own_places, "--config", dovecot.config_file))
    connector = sieve_files(dovecot, own_places, publisher=command)
    set_text(connector, box, "one")
    facts = (own_places / "before" / f"{box.address}.sieve").stat()
    assert (facts.st_uid, oct(facts.st_mode & 0o777)) == (PUBLISHER, "0o644")


@as_root
def test_a_place_closed_to_others_makes_scripts_for_its_group_alone(
    dovecot: Dovecot, box: Mailbox, own_places: Path
) -> None:
    for place in ("before", "after"):
        os.chown(own_places / place, 0, dovecot.gid)
        (own_places / place).chmod(0o750)
    connector = sieve_files(dovecot, own_places)
    set_text(connector, box, "one")
    facts = (own_places / "before" / f"{box.address}.sieve").stat()
    assert (facts.st_gid, oct(facts.st_mode & 0o777)) == (dovecot.gid, "0o640")


@pytest.fixture
def own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Places that belong to the publisher, in a folder that every user may enter."""
    folder = two_places(Path("/tmp") / f"locum-places-{os.getpid()}")
    for path in (folder, *folder.iterdir()):
        os.chown(path, PUBLISHER, PUBLISHER)
        path.chmod(0o755)
    with following(folder):
        yield folder
    shutil.rmtree(folder)


@as_root
def test_the_user_of_the_mail_cannot_publish(dovecot: Dovecot, box: Mailbox, own_places: Path) -> None:
    command = as_user(dovecot.uid, *mailhost("--directory", own_places, "--config", dovecot.config_file))
    connector = sieve_files(dovecot, own_places, publisher=command)
    with pytest.raises(Rejected):
        set_text(connector, box, "one")


@as_root
@pytest.mark.parametrize(
    ("path", "mode", "key"),
    [
        ("before", 0o777, "rights-open"),
        (".", 0o775, "rights-open"),
        ("after", 0o700, "mail-user-cannot-read"),
        (".", 0o750, "mail-user-cannot-read"),
    ],
)
def test_check_finds_rights_that_are_wrong(dovecot: Dovecot, own_places: Path, path: str, mode: int, key: str) -> None:
    (own_places / path).chmod(mode)
    findings = {finding.key: finding.holds for finding in sieve_files(dovecot, own_places).check()}
    assert findings.get(f"sieve_files.{key}") is False


@as_root
def test_check_finds_places_that_belong_to_the_user_of_the_mail(dovecot: Dovecot, own_places: Path) -> None:
    os.chown(own_places / "after", dovecot.uid, dovecot.gid)
    findings = {finding.key: finding.holds for finding in sieve_files(dovecot, own_places).check()}
    assert (findings["sieve_files.mail-user-writes"], findings["sieve_files.rights-open"]) == (False, False)


@as_root
def test_a_script_that_dovecot_may_not_read_is_never_made(dovecot: Dovecot, box: Mailbox) -> None:
    """Dovecot would skip her own filters then (seen); so whoever may enter the place may read what is in it."""
    old = os.umask(0o077)
    try:
        set_text(sieve_files(dovecot), box, "one")
    finally:
        os.umask(old)
    assert answered(dovecot, box) == ["one"]


# compare and swap, kills, load


def test_of_many_who_write_at_once_exactly_one_wins(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot, script=None)
    expect = connector.read(box)
    results: list[Standing | LocumError] = []

    def write(number: int) -> None:
        results.extend(connector.write_many([(box, wanted(box, external_text=f"text {number}"), expect)]))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [result for result in results if isinstance(result, Standing)]
    assert len(winners) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 7
    assert connector.read(box) == winners[0]


KILLED = """
import os, signal, sys, time
sys.path[:0] = {paths!r}
from pathlib import Path
from locum.absence import Mailbox
from locum.mailhost import Item, Places, publish
from conformance import a_reply

folder, sievec, stop, text = Path(sys.argv[1]), sys.argv[2:5], int(sys.argv[5]), sys.argv[6]
boxes = [Mailbox(address=f"c{{n}}@corp.test") for n in range(5)]
with Places(folder) as places:
    items = [
        Item(user=b.address, place="after", replies=(a_reply(b, external_text=text),), expect=places.read(b.address).digest)
        for b in boxes
    ]
left = stop
for _ in (0,):
    while True:
        pid = os.fork()
        if pid == 0:
            def step(name):
                global left
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1
            publish(folder, items, sievec=sievec, step=step)
            os._exit(0)
        os.waitpid(pid, 0)
        break
"""


@pytest.mark.parametrize("step", range(8))
def test_a_kill_at_any_step_leaves_the_old_or_the_new_and_the_next_one_goes_on(
    dovecot: Dovecot, tmp_path: Path, step: int
) -> None:
    folder = two_places(tmp_path / "places")
    boxes = [Mailbox(address=f"c{number}@corp.test") for number in range(5)]
    connector = sieve_files(dovecot, folder, script=None)
    old = connector.write_many([(box, wanted(box, external_text="old"), connector.read(box)) for box in boxes])
    assert all(isinstance(standing, Standing) for standing in old)
    run_killed(dovecot, folder, step, "new")
    texts = {connector.read(box).replies[0].external_text for box in boxes}
    done = connector.write_many([(box, wanted(box, external_text="new"), connector.read(box)) for box in boxes])
    whole = [isinstance(r, Standing) and r.replies[0].external_text == "new" for r in done]
    assert (texts <= {"old", "new"}, all(whole), names(folder)) == (
        True,
        True,
        {".dated", *(f"{box.address}.sieve" for box in boxes)},
    )


def run_killed(host: Dovecot, folder: Path, step: int, text: str) -> None:
    program = KILLED.format(paths=[str(Path(__file__).parents[1])])
    command = [sys.executable, "-c", program, folder, "sievec", "-c", host.config_file, step, text]
    subprocess.run([str(part) for part in command], check=True)


def test_a_kill_at_a_random_moment_leaves_the_old_or_the_new(dovecot: Dovecot, tmp_path: Path) -> None:
    folder = two_places(tmp_path / "places")
    boxes = [Mailbox(address=f"c{number}@corp.test") for number in range(40)]
    connector = sieve_files(dovecot, folder, script=None)
    connector.write_many([(box, wanted(box, external_text="0"), connector.read(box)) for box in boxes])
    chance = random.Random(1)
    for turn in range(1, 16):
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                items = [(box, wanted(box, external_text=str(turn)), connector.read(box)) for box in boxes]
                connector.write_many(items)
            os._exit(0)
        time.sleep(chance.uniform(0, 0.15))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        standing = [connector.read(box) for box in boxes]
        assert all(
            len(one.replies) == 1 and one.replies[0].external_text in map(str, range(turn + 1)) for one in standing
        )


def test_every_delivery_is_accepted_while_scripts_are_replaced_and_removed(dovecot: Dovecot, box: Mailbox) -> None:
    connector = sieve_files(dovecot, script=None)
    over = threading.Event()
    accepted: list[int] = []

    def post(number: int) -> None:
        with smtplib.LMTP("127.0.0.1", dovecot.lmtp_port) as client:
            while not over.is_set():
                message = f"From: <s{number}@example.net>\r\nTo: <{box.address}>\r\nSubject: x\r\n\r\nx\r\n"
                client.sendmail(f"s{number}@example.net", [box.address], message)
                accepted.append(number)

    threads = [threading.Thread(target=post, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    turn, until = 0, time.monotonic() + 60
    while len(accepted) < 300 and time.monotonic() < until and all(thread.is_alive() for thread in threads):
        turn += 1
        want = wanted(box, external_text=f"text {turn}") if turn % 3 else Wanted()
        connector.write(box, want, connector.read(box))
    over.set()
    for thread in threads:
        thread.join()
    assert len(accepted) >= 300
    assert stored(dovecot, box.address) == len(accepted)


def test_her_mailbox_being_full_is_refused_by_dovecot_as_without_us(tmp_path: Path) -> None:
    extra = "protocol lmtp {\n  mail_plugins = sieve quota\n}\n"
    extra += "plugin {\n  quota = maildir:User\n  quota_rule = *:storage=1k\n}\n"
    box = Mailbox(address="anna@corp.test")
    with Dovecot(users={"anna@corp.test": PASSWORD}, extra=extra) as host:
        connector = sieve_files(host)
        with pytest.raises(smtplib.SMTPResponseException) as without:
            big(host, box)
        connector.write(box, wanted(box), connector.read(box))
        with pytest.raises(smtplib.SMTPResponseException) as with_ours:
            big(host, box)
        assert with_ours.value.smtp_code == without.value.smtp_code == 552


def big(host: Dovecot, box: Mailbox) -> None:
    message = f"From: <a@example.net>\nTo: <{box.address}>\nSubject: x\n\n" + "x" * 4000 + "\n"
    host.deliver("a@example.net", box.address, message.encode())
