"""What every connector that forwards must do, and what every other must not: a part of the suite in conformance.py.

The fixtures `connector`, `mailbox`, `snapshot` and the like are those of the suite. A subclass whose connector forwards
overrides `copied` besides, and makes its server such that forwarding is allowed. Nothing here knows any mail system.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from typing import ClassVar, Protocol

import pytest

from forwards import OUTSIDE, a_forward, a_request, a_warrant
from locum.absence import Mailbox
from locum.errors import Conflict, Invalid, Unsupported
from locum.measure import Audience, AutoReply, Forward, Measure, Senders, Standing, Wanted, measure_to_json
from locum.seam import Connector, Forwards
from matrix import matrix, row

HOSTILE_RECEIVERS = (
    '" ; redirect "evil@example.net" ; "',
    'bert"@{domain}',
    "bert@{domain}, evil@example.net",
    "bert@{domain}>\r\nRCPT TO:<evil@example.net",
    "bert%evil.example@{domain}",
    "evil.example!bert@{domain}",
    "|cat@{domain}",
    "*@{domain}",
    "${{to}}@{domain}",
    "evil@example.net",
    "",
)
HOSTILE = ('" ; redirect "evil@example.net" ; "', "a\\b \\", "text:\n.\n", "${to}", "a\x00b", "union.test\r\nstop;")


@dataclass(frozen=True)
class Copied:
    """One message was delivered: how many more are in hers now, and the copies that went out, with their envelopes."""

    kept: int
    copies: tuple[tuple[str, tuple[str, ...], EmailMessage], ...] = field(default=(), repr=False)


class Deliver(Protocol):
    """Deliver a message to the mailbox from this envelope sender, with these headers (underscores for dashes)."""

    def __call__(self, sender: str, **headers: str) -> Copied: ...


def wanted(mailbox: Mailbox, *measures: Measure) -> Wanted:
    """These measures, with what allows the forwards among them."""
    replies = tuple(one for one in measures if isinstance(one, AutoReply))
    forwards = tuple(one for one in measures if isinstance(one, Forward))
    try:
        allowed = a_warrant(a_request(mailbox.address, measures))
    except ValueError:  # nobody could have approved it: such values have no hash
        allowed = b""
    return Wanted(replies=replies, forwards=forwards, warrant=allowed)


def a_reply(forward: Forward) -> AutoReply:
    """The reply that stands and falls with a forward."""
    return AutoReply(
        handle=forward.handle,
        from_date=forward.from_date,
        to_date=forward.to_date,
        subject="Afwezig",
        text_body="Bert leest mee.",
        external_text="Bert reads this meanwhile.",
        audience=Audience.EVERYONE,
        addresses=forward.addresses,
        internal_domains=forward.internal_domains,
    )


class ForwardConformance:
    """The suite for forwards. See the module."""

    system: ClassVar[str] = ""
    """Its row in the matrix of docs/connectors.md."""

    @pytest.fixture
    def copied(self) -> Deliver:
        """See Deliver."""
        pytest.skip("this counterpart does not deliver mail")

    @pytest.fixture
    def forwarding(self, connector: Connector) -> Connector:
        """The connector, where it forwards."""
        if not connector.can.forwards:
            pytest.skip("this connector says that it cannot forward")
        return connector

    @pytest.fixture
    def forward(self, mailbox: Mailbox) -> Forward:
        return replace(a_forward(mailbox.address), addresses=mailbox.addresses)

    # what is told of it

    def test_the_matrix_says_what_it_can(self, connector: Connector, mailbox: Mailbox) -> None:
        connector.read(mailbox)  # some know only then what they are connected to
        true = row(self.system, connector.can)
        assert matrix().get(self.system) == true, f"| {' | '.join(true)} |"

    # where it cannot

    def test_a_forward_that_cannot_be_said_is_refused_and_nothing_happens(
        self, connector: Connector, mailbox: Mailbox, forward: Forward, snapshot: Callable[[Mailbox], object]
    ) -> None:
        if connector.can.forwards:
            pytest.skip("this connector can say it")
        found, before = snapshot(mailbox), connector.read(mailbox)
        with pytest.raises(Unsupported):
            connector.write(mailbox, wanted(mailbox, a_reply(forward), forward), before)
        assert (snapshot(mailbox), connector.read(mailbox)) == (found, before)

    # written is read back

    @pytest.mark.parametrize("senders", list(Senders))
    def test_a_forward_that_was_written_is_read_back(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward, senders: Senders
    ) -> None:
        want = replace(forward, senders=senders)
        written = forwarding.write(mailbox, wanted(mailbox, want), forwarding.read(mailbox))
        assert [measure_to_json(one) for one in written.measures] == [measure_to_json(want)]

    def test_what_write_gives_back_of_a_forward_is_what_read_gives(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward
    ) -> None:
        written = forwarding.write(mailbox, wanted(mailbox, forward), forwarding.read(mailbox))
        assert (forwarding.read(mailbox), written.active) == (written, True)

    def test_writing_a_forward_twice_is_writing_it_once(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward
    ) -> None:
        first = forwarding.write(mailbox, wanted(mailbox, forward), forwarding.read(mailbox))
        assert forwarding.write(mailbox, wanted(mailbox, forward), first) == first

    def test_a_reply_and_a_forward_stand_together(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward
    ) -> None:
        both = (a_reply(forward), forward)
        written = forwarding.write(mailbox, wanted(mailbox, *both), forwarding.read(mailbox))
        assert (written.measures, forwarding.read(mailbox).measures) == (both, both)

    def test_a_forward_can_be_taken_away_beside_a_reply(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward
    ) -> None:
        reply = a_reply(forward)
        both = forwarding.write(mailbox, wanted(mailbox, reply, forward), forwarding.read(mailbox))
        assert forwarding.write(mailbox, Wanted(replies=(reply,)), both).measures == (reply,)

    def test_a_reply_can_be_taken_away_beside_a_forward(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward
    ) -> None:
        both = forwarding.write(mailbox, wanted(mailbox, a_reply(forward), forward), forwarding.read(mailbox))
        assert forwarding.write(mailbox, Wanted(forwards=(forward,)), both).measures == (forward,)

    def test_a_second_case_leaves_the_forward_of_the_first(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward
    ) -> None:
        first = forwarding.write(mailbox, wanted(mailbox, forward), forwarding.read(mailbox))
        reply = replace(a_reply(forward), handle="case-2")
        written = forwarding.write(mailbox, Wanted(replies=(reply,), forwards=(forward,)), first)
        assert written.measures == (reply, forward)

    # put back

    @pytest.mark.parametrize("beside", [False, True])
    def test_after_putting_back_it_stands_as_before_the_forward(
        self,
        forwarding: Connector,
        mailbox: Mailbox,
        forward: Forward,
        snapshot: Callable[[Mailbox], object],
        beside: bool,
    ) -> None:
        found, before = snapshot(mailbox), forwarding.read(mailbox)
        measures = (a_reply(forward), forward) if beside else (forward,)
        written = forwarding.write(mailbox, wanted(mailbox, *measures), before)
        after = forwarding.write(mailbox, Wanted(restore=before.found), written)
        assert (after, forwarding.read(mailbox), snapshot(mailbox)) == (before, before, found)

    def test_a_forward_is_not_written_over_what_has_changed(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward
    ) -> None:
        before = forwarding.read(mailbox)
        first = forwarding.write(mailbox, wanted(mailbox, forward), before)
        other = replace(forward, handle="case-2", senders=Senders.INTERNAL)
        with pytest.raises(Conflict):
            forwarding.write(mailbox, wanted(mailbox, other), before)
        assert forwarding.read(mailbox) == first

    # hostile values

    @pytest.mark.parametrize("receiver", HOSTILE_RECEIVERS)
    def test_a_hostile_receiver_is_refused_and_nothing_happens(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward, receiver: str
    ) -> None:
        before = forwarding.read(mailbox)
        hostile = replace(forward, to=receiver.format(domain=mailbox.domain))
        with pytest.raises((Unsupported, Invalid)):
            forwarding.write(mailbox, wanted(mailbox, hostile), before)
        assert forwarding.read(mailbox) == before

    @pytest.mark.parametrize("name", ["never", "private_marks", "addresses", "internal_domains", "handle"])
    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_a_hostile_value_of_a_forward_is_read_back_or_refused(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward, name: str, hostile: str
    ) -> None:
        value = hostile if name == "handle" else (hostile, *getattr(forward, name))
        want = replace(forward, **{name: value})  # type: ignore[arg-type]
        written: Sequence[Forward] = ()
        try:
            written = forwarding.write(mailbox, wanted(mailbox, want), forwarding.read(mailbox)).forwards
        except (Unsupported, Invalid):
            assert forwarding.read(mailbox).forwards == ()
        assert written in ((), (want,))

    # what goes out

    @pytest.mark.slow
    def test_it_may_forward_where_all_is_well(self, forwarding: Connector, mailbox: Mailbox) -> None:
        if not isinstance(forwarding, Forwards):
            pytest.skip("this connector is not asked whether it may")
        assert [finding for finding in forwarding.may_forward(mailbox) if finding.holds is not True] == []

    @pytest.mark.slow
    @pytest.mark.parametrize("beside", [False, True])
    def test_a_message_is_copied_once_as_it_is_and_kept_in_hers(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward, copied: Deliver, beside: bool
    ) -> None:
        measures = (a_reply(forward), forward) if beside else (forward,)
        forwarding.write(mailbox, wanted(mailbox, *measures), forwarding.read(mailbox))
        done = copied(OUTSIDE, From=f"Klant <{OUTSIDE}>", Subject="Bestelling 12")
        assert [(one[0], one[1], one[2]["From"], one[2]["Subject"]) for one in done.copies] == [
            (OUTSIDE, (forward.to,), f"Klant <{OUTSIDE}>", "Bestelling 12")
        ]
        assert done.kept == 1

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("sender", "headers"),
        [
            ("", {}),
            (OUTSIDE, {"List_Id": "<news.example.net>"}),
            (OUTSIDE, {"X_Spam_Flag": "YES"}),
            (OUTSIDE, {"Sensitivity": "Private"}),
            (OUTSIDE, {"Subject": "Re: [Privé] salaris"}),
            (OUTSIDE, {"Cc": "<doctor@health.test>"}),
            ("someone@union.test", {}),
            (OUTSIDE, {"X_Locum": "letter"}),
        ],
    )
    def test_what_is_never_forwarded_is_kept_in_hers_alone(
        self,
        forwarding: Connector,
        mailbox: Mailbox,
        forward: Forward,
        copied: Deliver,
        sender: str,
        headers: dict[str, str],
    ) -> None:
        forwarding.write(mailbox, wanted(mailbox, forward), forwarding.read(mailbox))
        assert copied(sender, **headers) == Copied(kept=1)

    @pytest.mark.slow
    @pytest.mark.parametrize("senders", [Senders.INTERNAL, Senders.EXTERNAL])
    def test_only_mail_of_those_it_is_for_is_copied(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward, copied: Deliver, senders: Senders
    ) -> None:
        forwarding.write(mailbox, wanted(mailbox, replace(forward, senders=senders)), forwarding.read(mailbox))
        inside, outside = (len(copied(sender).copies) for sender in (f"carla@{mailbox.domain}", OUTSIDE))
        assert (inside, outside) == ((1, 0) if senders is Senders.INTERNAL else (0, 1))

    @pytest.mark.slow
    def test_outside_its_time_nothing_is_copied(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward, copied: Deliver
    ) -> None:
        later = replace(forward, from_date=forward.from_date + timedelta(days=2))
        forwarding.write(mailbox, wanted(mailbox, later), forwarding.read(mailbox))
        assert copied(OUTSIDE) == Copied(kept=1)

    @pytest.mark.slow
    def test_after_putting_back_nothing_is_copied(
        self, forwarding: Connector, mailbox: Mailbox, forward: Forward, copied: Deliver
    ) -> None:
        before: Standing = forwarding.read(mailbox)
        written = forwarding.write(mailbox, wanted(mailbox, forward), before)
        forwarding.write(mailbox, Wanted(restore=before.found), written)
        assert copied(OUTSIDE) == Copied(kept=1)
