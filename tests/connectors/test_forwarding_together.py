"""A reply and a forward of one case in two directories: all or nothing, and what is taken away is gone whatever else fails.

On the real Dovecot's compiler, with directories of the test's own. What mail does is in test_forwarding_hosts.py.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from conformance import a_reply as another_reply
from forward_conformance import a_reply, wanted
from forwards import a_forward
from locum.absence import Mailbox
from locum.connectors.sieve_files import SieveFiles
from locum.demo.host import Dovecot
from locum.errors import Conflict, LocumError, Rejected, Trouble, Unreachable
from locum.mailhost import is_followed
from locum.measure import Forward, Wanted
from mailhosts.publishing import (
    HER_VACATION,
    PUBLISHER,
    SCRIPT,
    as_root,
    as_user,
    disk,
    fill,
    mailhost,
    set_script,
    sieve_files,
    two_places,
)

pytestmark = pytest.mark.slow

Make = Callable[..., SieveFiles]


@pytest.fixture
def replies(tmp_path: Path) -> Path:
    return two_places(tmp_path / "replies")


@pytest.fixture
def forwards(tmp_path: Path) -> Path:
    return two_places(tmp_path / "forwards")


@pytest.fixture
def make(dovecot: Dovecot, replies: Path, forwards: Path) -> Make:
    """A connector for the two directories."""

    def connector(**options: object) -> SieveFiles:
        given = {"forward_directory": forwards, "forward_publisher": program(dovecot, forwards)} | options
        return sieve_files(dovecot, replies, **({"script": None} | given))

    return connector


def program(dovecot: Dovecot, directory: Path, *more: str) -> list[str]:
    options = ["--forwards", "--unsigned-reviews", "--directory", str(directory), "--config", str(dovecot.config_file)]
    return [sys.executable, "-m", "locum.mailhost", *options, *more]


@pytest.fixture
def box(mailbox: str) -> Mailbox:
    return Mailbox(address=mailbox)


@pytest.fixture
def forward(box: Mailbox) -> Forward:
    return a_forward(box.address)


def files(*folders: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for folder in folders for path in sorted(folder.rglob("*.sieve"))}


def raised(act: Callable[[], object]) -> LocumError:
    with pytest.raises(LocumError) as caught:
        act()
    return caught.value


# where one part fails, nothing is set


def test_where_the_forward_is_refused_the_reply_is_taken_back(
    make: Make, replies: Path, forwards: Path, box: Mailbox, forward: Forward
) -> None:
    connector = make()
    before = connector.read(box)
    unallowed = replace(wanted(box, a_reply(forward), forward), warrant=b"")
    error = raised(lambda: connector.write(box, unallowed, before))
    assert (error.key, files(replies, forwards), connector.read(box)) == ("forward-warrant-garbled", {}, before)


def test_where_the_forward_is_refused_another_reply_that_stood_stands_again_byte_for_byte(
    make: Make, replies: Path, forwards: Path, box: Mailbox, forward: Forward
) -> None:
    connector = make()
    other = another_reply(
        box, handle="case-0", from_date=forward.from_date - timedelta(days=1), to_date=forward.from_date
    )
    standing = connector.write(box, Wanted(replies=(other,)), connector.read(box))
    stood = files(replies, forwards)
    unallowed = replace(wanted(box, other, a_reply(forward), forward), warrant=b"")
    raised(lambda: connector.write(box, unallowed, standing))
    assert (files(replies, forwards), connector.read(box)) == (stood, standing)


@pytest.mark.parametrize("publisher", [["false"], ["/nonexistent/program"], ["true"]])
def test_where_the_program_does_not_work_nothing_is_set(
    make: Make, replies: Path, forwards: Path, box: Mailbox, forward: Forward, publisher: list[str]
) -> None:
    connector = make(forward_publisher=publisher)
    error = raised(lambda: connector.write(box, wanted(box, a_reply(forward), forward), connector.read(box)))
    assert (isinstance(error, Trouble), files(replies, forwards)) == (True, {})


@as_root
def test_where_another_user_is_asked_to_write_forwards_nothing_is_set(
    dovecot: Dovecot, make: Make, replies: Path, forwards: Path, box: Mailbox, forward: Forward
) -> None:
    connector = make(forward_publisher=as_user(PUBLISHER, *program(dovecot, forwards)))
    error = raised(lambda: connector.write(box, wanted(box, a_reply(forward), forward), connector.read(box)))
    assert (type(error), files(replies, forwards)) == (Rejected, {})


@as_root
def test_where_the_disk_of_the_forwards_is_full_the_reply_is_taken_back(
    dovecot: Dovecot, make: Make, replies: Path, tmp_path: Path, box: Mailbox, forward: Forward
) -> None:
    with disk(tmp_path / "small") as small:
        fill(small)
        connector = make(forward_directory=small, forward_publisher=program(dovecot, small))
        error = raised(lambda: connector.write(box, wanted(box, a_reply(forward), forward), connector.read(box)))
        assert (type(error), error.key, files(replies, small)) == (Unreachable, "publishing-full", {})


@as_root
def test_where_the_disk_of_the_replies_is_full_no_forward_is_set(
    make: Make, dovecot: Dovecot, forwards: Path, tmp_path: Path, box: Mailbox, forward: Forward
) -> None:
    with disk(tmp_path / "small") as small:
        fill(small)
        given = {"forward_directory": forwards, "forward_publisher": program(dovecot, forwards)}
        connector = sieve_files(dovecot, small, script=None, **given)
        raised(lambda: connector.write(box, wanted(box, a_reply(forward), forward), connector.read(box)))
        assert files(small, forwards) == {}


@pytest.mark.parametrize("place", ["replies", "forwards"])
def test_what_changed_in_either_directory_is_a_conflict_and_nothing_is_set(
    make: Make, replies: Path, forwards: Path, box: Mailbox, forward: Forward, place: str
) -> None:
    connector = make()
    before = connector.read(box)
    later = replace(forward, handle="case-9", to="dirk@corp.test")
    meanwhile = another_reply(box, handle="case-9") if place == "replies" else later
    connector.write(box, wanted(box, meanwhile), before)
    stood = files(replies, forwards)
    error = raised(lambda: connector.write(box, wanted(box, a_reply(forward), forward), before))
    assert (type(error), files(replies, forwards)) == (Conflict, stood)


def test_many_at_once_where_one_forward_is_refused_are_all_or_nothing_each(
    make: Make, forwards: Path, box: Mailbox
) -> None:
    connector = make()
    boxes = [Mailbox(address=f"{n}.{box.address}") for n in range(3)]
    before = connector.read_many(boxes)
    items = []
    for place, (one, stood) in enumerate(zip(boxes, before, strict=True)):
        assert not isinstance(stood, LocumError)
        forward = a_forward(one.address)
        want = wanted(one, a_reply(forward), forward)
        items.append((one, replace(want, warrant=b"") if place == 1 else want, stood))
    done = connector.write_many(items)
    standing = [None if isinstance(one, LocumError) else len(one.measures) for one in connector.read_many(boxes)]
    assert ([isinstance(one, LocumError) for one in done], standing) == ([False, True, False], [2, 0, 2])


# taking away is held up by nothing


def test_a_forward_is_taken_away_although_replies_cannot_be_written(
    make: Make, replies: Path, forwards: Path, box: Mailbox, forward: Forward
) -> None:
    connector = make()
    both = connector.write(box, wanted(box, a_reply(forward), forward), connector.read(box))
    broken = make(publisher=["false"])
    raised(lambda: broken.write(box, Wanted(), both))
    assert (len(files(forwards)), len(files(replies))) == (0, 1)


def test_a_forward_can_be_taken_away_by_a_program_that_takes_no_unsigned_reviews_any_more(
    dovecot: Dovecot, make: Make, forwards: Path, box: Mailbox, forward: Forward
) -> None:
    both = make().write(box, wanted(box, a_reply(forward), forward), make().read(box))
    strict = [one for one in program(dovecot, forwards) if one != "--unsigned-reviews"]
    assert make(forward_publisher=strict).write(box, Wanted(), both).measures == ()


# replies alone


def test_with_replies_alone_the_program_that_writes_forwards_is_never_run(
    make: Make, forwards: Path, box: Mailbox, tmp_path: Path
) -> None:
    connector = make(forward_publisher=["touch", str(tmp_path / "was-run")])
    before = connector.read(box)
    written = connector.write(box, wanted(box, another_reply(box)), before)
    connector.write(box, Wanted(restore=before.found), written)
    left = [path.name for path in forwards.rglob("*") if path.is_file()]
    assert ((tmp_path / "was-run").exists(), left) == (False, [])


@pytest.mark.parametrize("options", [{"forward_directory": None}, {"forward_publisher": None}])
def test_without_both_settings_it_does_not_forward(make: Make, options: dict[str, object]) -> None:
    assert make(**options).can.forwards is False


def test_a_file_that_is_not_ours_among_the_forwards_is_told(make: Make, forwards: Path, box: Mailbox) -> None:
    (forwards / "after" / f"{box.address}.sieve").write_text('redirect "evil@example.net";\r\n')
    assert raised(lambda: make().read(box)).key == "published-not-ours"


# followed


@pytest.fixture
def followed(dovecot: Dovecot, replies: Path, forwards: Path) -> Iterator[None]:
    """The program that follows what she changes, for both directories."""
    places = ("--directory", replies, "--forward-directory", forwards)
    command = mailhost("--follow", *places, "--script", SCRIPT, "--config", dovecot.config_file)
    with subprocess.Popen(command) as program:
        try:
            assert soon(lambda: is_followed(forwards) and is_followed(replies))
            yield
        finally:
            program.terminate()


def soon(holds: Callable[[], bool], seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while not (now := holds()) and time.monotonic() < until:
        time.sleep(0.05)
    return now


def lies(folder: Path, box: Mailbox) -> list[str]:
    return [path.parent.name for path in folder.rglob(f"{box.address}.sieve")]


@pytest.mark.usefixtures("followed")
@pytest.mark.parametrize(
    ("hers", "reply", "forward_"),
    [
        (b'require "reject"; reject "no";', "after", "after"),
        (b'if header :contains "Subject" "spam" { discard; }', "before", "after"),
        (b'require "copy";' + b"".join(b'redirect :copy "h%d@x.test";' % n for n in range(4)), "before", "after"),
        (HER_VACATION, "after", "before"),
        (b'redirect "home@example.org"; stop;', "before", "before"),
    ],
)
def test_what_may_not_run_before_what_she_adds_is_moved_behind_it(
    dovecot: Dovecot, make: Make, replies: Path, forwards: Path, box: Mailbox, hers: bytes, reply: str, forward_: str
) -> None:
    set_script(dovecot, box.address, b"keep;")
    connector = make(script=SCRIPT)
    forward = a_forward(box.address)
    connector.write(box, wanted(box, a_reply(forward), forward), connector.read(box))
    first = (lies(replies, box), lies(forwards, box))
    set_script(dovecot, box.address, hers)
    settled = soon(lambda: (lies(replies, box), lies(forwards, box)) == ([reply], [forward_]))
    time.sleep(1.5 if (reply, forward_) == ("before", "before") else 0)  # it had its look
    assert (first, settled, connector.read(box).measures) == (
        (["before"], ["before"]),
        True,
        (a_reply(forward), forward),
    )
    assert (lies(replies, box), lies(forwards, box)) == ([reply], [forward_])
