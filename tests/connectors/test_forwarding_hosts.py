"""Forwards through published scripts, on a real Dovecot with the queue of a real Postfix behind it.

The suite of forwards, hers beside ours, circles, and a receiver that refuses, puts off, hangs or is gone. The warrant is in
test_forwarding_warrant.py, what `check` says of a host in test_forwarding_check.py.
"""

import itertools
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from forward_conformance import Copied, Deliver, ForwardConformance, a_reply, wanted
from forwards import OUTSIDE, a_forward
from locum.absence import Mailbox
from locum.connectors.sieve_files import SieveFiles
from locum.demo.host import free_port
from locum.mailhost.following import following
from locum.measure import Forward, Wanted
from locum.seam import Connector
from mailhosts.dovecot import letter
from mailhosts.publishing import HER_FILTER, HER_VACATION, hers, set_script, stored
from mailhosts.queue import NAMES, RECEIVER, ForwardingHost, forwarding

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("postfix") is None, reason="Postfix, and root to start it"),
]

_names = itertools.cycle(NAMES)
FILES_AWAY = b'require ["fileinto", "mailbox"]; fileinto :create "Klanten"; stop;'


@pytest.fixture(scope="module")
def host() -> Iterator[ForwardingHost]:
    with ForwardingHost() as host, ExitStack() as followed:
        for directory in (host.published, host.forwards):
            followed.enter_context(following(directory))
        yield host


@pytest.fixture(autouse=True)
def _quiet(host: ForwardingHost) -> None:
    settled(host)
    host.sink.clear()


@pytest.fixture
def connector(host: ForwardingHost) -> Connector:
    return forwarding(host)


@pytest.fixture
def mailbox(host: ForwardingHost) -> Mailbox:
    address = next(_names)
    return Mailbox(address=address, aliases=(address.replace("@", ".alias@"),))


def deliverer(host: ForwardingHost, mailbox: Mailbox) -> Deliver:
    """Delivers to her, and waits for whatever that sends out."""

    def deliver(sender: str, **headers: str) -> Copied:
        kept, log, before = stored(host, mailbox.address), host.log.stat().st_size, len(host.sink.messages)
        host.deliver(sender, mailbox.address, letter(sender or "mailer-daemon@x.test", mailbox.address, **headers))
        said = host.log.read_bytes()[log:]
        sent = said.count(b": forwarded to <") + said.count(b"sent vacation response to <")
        messages = host.sink.wait_for(before + sent)[before:]
        copies = tuple((one.sender, one.recipients, one.mail) for one in messages if one.sender)
        return Copied(kept=stored(host, mailbox.address) - kept, copies=copies)

    return deliver


@pytest.fixture
def copied(host: ForwardingHost, mailbox: Mailbox) -> Deliver:
    return deliverer(host, mailbox)


class TestSieveFilesForwards(ForwardConformance):
    system = "`sieve_files` with a second directory"

    @pytest.fixture
    def snapshot(self, host: ForwardingHost) -> Callable[[Mailbox], object]:
        return lambda mailbox: hers(host, mailbox.address)

    @pytest.fixture
    def copied(self, host: ForwardingHost, mailbox: Mailbox) -> Deliver:
        return deliverer(host, mailbox)


def forward_of(mailbox: Mailbox, **changes: object) -> Forward:
    return replace(a_forward(mailbox.address), addresses=mailbox.addresses, **changes)  # type: ignore[arg-type]


def set_forward(connector: SieveFiles, mailbox: Mailbox, **changes: object) -> Forward:
    forward = forward_of(mailbox, **changes)
    connector.write(mailbox, wanted(mailbox, forward), connector.read(mailbox))
    return forward


def places(host: ForwardingHost, mailbox: Mailbox) -> list[str]:
    return [name for name in ("before", "after") if (host.forwards / name / f"{mailbox.address}.sieve").exists()]


# hers, beside ours


def test_her_own_filters_still_file_it(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox, copied: Deliver
) -> None:
    set_script(host, mailbox.address, FILES_AWAY)
    set_forward(connector, mailbox)
    done = copied(OUTSIDE)
    filed = list((host.home(mailbox.address) / "Maildir" / ".Klanten" / "new").iterdir())
    assert (done.kept, len(done.copies), len(filed)) == (1, 1, 1)


def test_once_is_once_per_delivery_to_her(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox, copied: Deliver
) -> None:
    set_forward(connector, mailbox)
    assert [(done.kept, len(done.copies)) for done in (copied(OUTSIDE), copied(OUTSIDE))] == [(1, 1), (1, 1)]


def test_one_message_that_comes_twice_is_kept_twice_and_copied_once(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox, copied: Deliver
) -> None:
    set_forward(connector, mailbox)
    done = [copied(OUTSIDE, Message_ID="<the-same@example.net>") for _ in range(2)]
    assert [(one.kept, len(one.copies)) for one in done] == [(1, 1), (1, 0)]


HERS = {
    "reject": (b'require "reject"; reject "Do not write.";', "after", 0, 0),
    "discard": (b"discard;", "after", 0, 0),
    "not understood": (b"nonsense;", "after", 1, 0),  # by Dovecot neither, which then runs nothing after it
    "vacation": (HER_VACATION, "before", 1, 1),
    "filter": (HER_FILTER, "before", 1, 1),
    "stop": (b"stop;", "before", 1, 1),
    "sends all on": (b'redirect "home@example.org";', "before", 0, 1),
}


@pytest.mark.parametrize("script", list(HERS))
def test_what_she_does_with_her_mail_is_done_and_what_she_does_not_keep_is_not_copied(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox, copied: Deliver, script: str
) -> None:
    text, place, kept, copies = HERS[script]
    set_script(host, mailbox.address, text)
    set_forward(connector, mailbox)
    done = copied(OUTSIDE)
    ours = [one for one in done.copies if one[1] == (RECEIVER,)]
    assert (places(host, mailbox), done.kept, len(ours)) == ([place], kept, copies)


def test_unseen_her_rejection_wins_and_nothing_is_copied(
    host: ForwardingHost, mailbox: Mailbox, copied: Deliver
) -> None:
    set_script(host, mailbox.address, HERS["reject"][0])
    connector = forwarding(host, script=None)
    set_forward(connector, mailbox)
    done = copied(OUTSIDE)
    assert (places(host, mailbox), done) == (["after"], Copied(kept=0))


def test_a_rejection_she_sets_while_we_write_moves_the_forward_behind_hers(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = connector._put_forwards

    def she_is_quick(work: object) -> object:
        done = put(work)  # type: ignore[arg-type]
        set_script(host, mailbox.address, HERS["reject"][0])
        return done

    monkeypatch.setattr(connector, "_put_forwards", she_is_quick)
    set_forward(connector, mailbox)
    assert (places(host, mailbox), connector.read(mailbox).remarks) == (["after"], ("forward-behind-her-rules",))


def test_without_anybody_following_it_comes_after_hers(mailbox: Mailbox) -> None:
    with ForwardingHost(queue=False) as host:
        set_forward(forwarding(host), Mailbox(address=NAMES[0]))
        assert places(host, Mailbox(address=NAMES[0])) == ["after"]


def test_where_she_forwards_to_inside_is_seen_and_outside_only_that_she_does(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox
) -> None:
    none = connector.read(mailbox).own_forwards
    set_script(host, mailbox.address, b'redirect "Bert@corp.test"; redirect "me@home.example";')
    assert (none, connector.read(mailbox).own_forwards) == ((), ("bert@corp.test", "…"))


def test_where_hers_cannot_be_seen_it_is_not_known_where_she_forwards_to(
    host: ForwardingHost, mailbox: Mailbox
) -> None:
    assert forwarding(host, script=None).read(mailbox).own_forwards is None


@pytest.mark.parametrize(("hers_to", "room"), [(3, True), (4, False)])
def test_her_own_forwards_need_their_room(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox, copied: Deliver, hers_to: int, room: bool
) -> None:
    sends = b"".join(b'redirect :copy "h%d@example.org";' % number for number in range(hers_to))
    set_script(host, mailbox.address, b'require "copy";' + sends)
    asked = [finding.holds for finding in connector.may_forward(mailbox) if "room" in finding.key]
    set_forward(connector, mailbox)  # although it may not
    done = copied(OUTSIDE)
    to_hers = [one for one in done.copies if one[1] != (RECEIVER,)]
    assert (asked, done.kept, len(to_hers), len(done.copies)) == ([room], 1, hers_to, hers_to + room)


# circles


def in_inbox(host: ForwardingHost, address: str) -> int:
    return stored(host, address)


def settled(host: ForwardingHost) -> None:
    """Wait until nothing moves any more."""
    until = time.monotonic() + 60
    while host.queue.waiting() and time.monotonic() < until:
        time.sleep(0.1)
    assert host.queue.waiting() == 0


@pytest.mark.parametrize("size", [2, 3])
def test_a_circle_ends_with_one_copy_for_each_neighbour(host: ForwardingHost, connector: SieveFiles, size: int) -> None:
    ring = [Mailbox(address=next(_names)) for _ in range(size)]
    for place, one in enumerate(ring):
        set_forward(connector, one, to=ring[(place + 1) % size].address)
    host.deliver(OUTSIDE, ring[0].address, letter(OUTSIDE, ring[0].address))
    time.sleep(0.5)
    settled(host)
    assert [in_inbox(host, one.address) for one in ring] == [1, 1, *[0] * (size - 2)]


@pytest.mark.parametrize("size", [2, 3])
def test_a_circle_through_her_own_rules_ends_with_one_extra_copy(
    host: ForwardingHost, connector: SieveFiles, size: int
) -> None:
    ring = [Mailbox(address=next(_names)) for _ in range(size)]
    set_forward(connector, ring[0], to=ring[1].address)
    for place, one in enumerate(ring[1:], start=1):
        onward = ring[(place + 1) % size].address.encode()
        set_script(host, one.address, b'require "copy"; redirect :copy "%s";' % onward)
    host.deliver(OUTSIDE, ring[0].address, letter(OUTSIDE, ring[0].address))
    time.sleep(0.5)
    settled(host)
    assert [in_inbox(host, one.address) for one in ring] == [2, *[1] * (size - 1)]


# a receiver that is in trouble


@pytest.fixture(params=["refuses", "puts off", "hangs", "is gone"])
def trouble(host: ForwardingHost, request: pytest.FixtureRequest) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        if request.param in ("refuses", "puts off"):
            host.sink.refusing = "550 5.1.1 no such user" if request.param == "refuses" else "450 4.2.0 later"
        else:
            port = silent.getsockname()[1] if request.param == "hangs" else free_port()
            host.queue.brings_receivers_mail_to(port)
        yield request.param
    host.queue.empty()
    host.sink.clear()
    if request.param not in ("refuses", "puts off"):
        host.queue.brings_receivers_mail_to(host.sink.port)


def test_her_mail_is_neither_delayed_nor_doubled_nor_answered_otherwise(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox, trouble: str
) -> None:
    forward = forward_of(mailbox)
    connector.write(mailbox, wanted(mailbox, a_reply(forward), forward), connector.read(mailbox))
    took: list[float] = []
    for _ in range(3):
        began = time.monotonic()
        host.deliver(OUTSIDE, mailbox.address, letter(OUTSIDE, mailbox.address))
        took.append(time.monotonic() - began)
    said = host.log.read_text().count(f"lmtp({mailbox.address})")
    # what is in trouble is so each time; that the machine is slow for a moment is not
    assert (stored(host, mailbox.address), min(took) < 1, said > 0) == (3, True, True)


def test_her_mail_is_kept_although_postfix_is_stopped(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox
) -> None:
    set_forward(connector, mailbox)
    host.queue.stop()
    try:
        began = time.monotonic()
        host.deliver(OUTSIDE, mailbox.address, letter(OUTSIDE, mailbox.address))
        took = time.monotonic() - began
    finally:
        host.queue.start()
    copies = [one.recipients for one in host.sink.wait_for(1)]
    assert (stored(host, mailbox.address), took < 5, copies) == (1, True, [(RECEIVER,)])


def test_copies_that_fail_are_counted(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox, trouble: str
) -> None:
    if trouble == "hangs":
        pytest.skip("Postfix waits five minutes for a greeting before it says so")
    since = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
    set_forward(connector, mailbox)
    host.deliver(OUTSIDE, mailbox.address, letter(OUTSIDE, mailbox.address))
    until = time.monotonic() + 60
    while not (failed := connector.forwards_failed(mailbox, RECEIVER, since)) and time.monotonic() < until:
        time.sleep(0.2)
    assert failed


def test_copies_that_arrive_are_no_failures(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox, copied: Deliver
) -> None:
    time.sleep(1)  # the log's stamps are whole seconds
    since = datetime.now(UTC).replace(microsecond=0)
    set_forward(connector, mailbox)
    copied(OUTSIDE)
    time.sleep(0.5)
    assert connector.forwards_failed(mailbox, RECEIVER, since) == 0


def test_copies_that_went_out_are_counted(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox, copied: Deliver
) -> None:
    since = datetime.now(UTC).replace(microsecond=0)
    set_forward(connector, mailbox)
    for headers in ({}, {}, {"Sensitivity": "Private"}):
        copied(OUTSIDE, **headers)
    until = datetime.now(UTC) + timedelta(seconds=1)
    counts = [connector.forwards_sent(mailbox, to, since, until) for to in (RECEIVER, "dirk@corp.test")]
    assert (counts, forwarding(host, log=None).forwards_sent(mailbox, RECEIVER, since, until)) == ([2, 0], None)


# together with a reply


def test_a_reply_and_a_forward_are_done_together_and_end_together(
    host: ForwardingHost, connector: SieveFiles, mailbox: Mailbox
) -> None:
    forward = forward_of(mailbox)
    before = connector.read(mailbox)
    both = connector.write(mailbox, wanted(mailbox, a_reply(forward), forward), before)
    host.deliver(OUTSIDE, mailbox.address, letter(OUTSIDE, mailbox.address))
    live = sorted((one.sender, one.recipients[0]) for one in host.sink.wait_for(2))
    connector.write(mailbox, Wanted(restore=before.found), both)
    host.sink.clear()
    host.deliver("other@example.net", mailbox.address, letter("other@example.net", mailbox.address))
    settled(host)
    assert (live, host.sink.messages) == ([("", OUTSIDE), (OUTSIDE, RECEIVER)], [])
