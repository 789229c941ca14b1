"""What every connector must do, as one shared class of tests: `class TestX(ConnectorConformance)` against X's real server.

A subclass overrides the fixtures (what each must give is in its docstring). A fixture left out means that the
counterpart has no such thing, and its tests are skipped with that sentence. Nothing here knows any mail system.

`deviations` is the table of known deviations: test name to reason. A test named there must fail; one that passes
although it is named there fails the run, as does a name that is no test. So the table is always true.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import ClassVar, Protocol

import pytest

from forward_conformance import ForwardConformance
from hostile import HOSTILE, SUBJECTS
from locum.absence import Mailbox
from locum.errors import Conflict, Garbled, Invalid, LocumError, Rejected, Trouble, Unreachable, Unsupported
from locum.measure import Audience, AutoReply, Can, Standing, Wanted, to_json
from locum.seam import Connector, ManyAtOnce, TellsAccess

NOW = datetime.now(UTC).replace(microsecond=0)


class Answer(Protocol):
    """Deliver a message to the mailbox from this envelope sender, and give back the automatic reply that went out."""

    def __call__(self, sender: str) -> EmailMessage | None: ...


class AnswersAt(Protocol):
    """Whether a message that arrives at this instant (by the server's clock) is answered."""

    def __call__(self, at: datetime) -> bool: ...


Zoned = Callable[[str], AbstractContextManager[tuple[Connector, Mailbox, AnswersAt]]]


def a_reply(mailbox: Mailbox, can: Can = Can(), **changes: object) -> AutoReply:  # noqa: B008  frozen
    """An auto-reply that is live now, inside and outside with different words, as far as the mail system can say that."""
    made = AutoReply(
        handle="case-1",
        from_date=NOW - timedelta(hours=1),
        to_date=NOW + timedelta(days=20),
        subject="Afwezig",
        text_body=INSIDE,
        external_text=OUTSIDE if can.two_texts else INSIDE,
        audience=Audience.EVERYONE,
        addresses=mailbox.addresses if can.aliases else mailbox.addresses[:1],
        internal_domains=(mailbox.domain,),
    )
    made = replace(made, **changes)  # type: ignore[arg-type]
    one_text = not can.two_texts and len({"text_body", "external_text"} & changes.keys()) == 1
    if one_text:  # it is the other as well
        both = changes.get("text_body", changes.get("external_text"))
        made = replace(made, text_body=both or made.text_body, external_text=both)  # type: ignore[arg-type]
    return made


HTML = "<p>Ik ben er <b>even</b> niet.</p>"
INSIDE, OUTSIDE = "Ik ben er even niet. (intern)", "I am away for a while. (extern)"


def wanted(mailbox: Mailbox, can: Can = Can(), **changes: object) -> Wanted:  # noqa: B008  frozen
    return Wanted(replies=(a_reply(mailbox, can, **changes),))


def text_of(message: EmailMessage) -> str:
    """The plain text of a reply, with one kind of line end and none at its end."""
    part = message.get_body(("plain",))
    assert part is not None
    return plain(part.get_content())


def plain(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\n")


def refused_or_written(connector: Connector, mailbox: Mailbox, reply: AutoReply) -> Standing | None:
    """Write it; None where the connector refuses to say it."""
    try:
        return connector.write(mailbox, Wanted(replies=(reply,)), connector.read(mailbox))
    except (Unsupported, Invalid):
        return None


class ConnectorConformance(ForwardConformance):
    """The suite. See the module."""

    deviations: ClassVar[dict[str, str]] = {}

    # what a subclass provides

    @pytest.fixture
    def connector(self) -> Connector:
        """The connector, joined to a real server that is up."""
        raise NotImplementedError

    @pytest.fixture
    def mailbox(self) -> Mailbox:
        """A mailbox that exists there, on which nothing of Locum is set. She has a filter script of her own, if she can."""
        raise NotImplementedError

    @pytest.fixture
    def another_mailbox(self) -> Mailbox:
        """A second one."""
        pytest.skip("this counterpart has one mailbox")

    @pytest.fixture
    def snapshot(self) -> Callable[[Mailbox], object]:
        """Everything on the server that is hers or others' and not Locum's, byte for byte, taken without the connector."""
        raise NotImplementedError

    @pytest.fixture
    def owner_changes(self) -> Callable[[Mailbox], None]:
        """She sets an automatic reply of her own, out of band; a second call changes it again."""
        raise NotImplementedError

    @pytest.fixture
    def answer(self) -> Answer:
        """See Answer; to the mailbox of the fixture `mailbox`."""
        pytest.skip("this counterpart does not deliver mail")

    @pytest.fixture
    def zoned(self) -> Zoned:
        """A counterpart whose own time zone is the given one and whose clock can be set. See AnswersAt."""
        pytest.skip("the clock of this counterpart cannot be set")

    @pytest.fixture
    def troubled(self) -> Callable[[str], Connector]:
        """A connector whose other side is `silent` (time-out, full disk), `refusing` (credentials, rights), `garbled`."""
        pytest.skip("this counterpart cannot be troubled")

    @pytest.fixture
    def teller(self) -> Connector:
        """The connector, where it knows the log in which its counterpart tells who logged in."""
        pytest.skip("this counterpart does not tell who logged in")

    @pytest.fixture
    def as_sent(self) -> Callable[[str, str], str]:
        """How a field ("subject", "text") goes out: as it is. Other letters only where the page for administrators says which."""
        return lambda _field, text: text

    @pytest.fixture
    def secrets(self) -> tuple[str, ...]:
        """What may never be shown."""
        return ()

    @pytest.fixture(autouse=True)
    def _known_deviation(self, request: pytest.FixtureRequest) -> None:
        name = request.node.originalname
        if name in self.deviations:
            request.node.add_marker(pytest.mark.xfail(reason=self.deviations[name], strict=True))

    def test_every_known_deviation_names_a_test(self) -> None:
        assert [name for name in self.deviations if not hasattr(self, name)] == []

    # who logged in

    def test_a_login_is_told_once(self, teller: Connector, mailbox: Mailbox) -> None:
        assert isinstance(teller, TellsAccess)
        place = teller.accesses(b"").place
        teller.read(mailbox)
        told = teller.accesses(place)
        again = teller.accesses(told.place).accesses
        assert ([one.user for one in told.accesses if one.begun], [one for one in again if one.begun]) == (
            [teller.user(mailbox)],
            [],
        )

    def test_nothing_is_told_of_who_logs_in_themselves(
        self, teller: Connector, mailbox: Mailbox, owner_changes: Callable[[Mailbox], None]
    ) -> None:
        assert isinstance(teller, TellsAccess)
        place = teller.accesses(b"").place
        owner_changes(mailbox)
        assert teller.accesses(place).accesses == ()

    # written is read back

    def test_a_mailbox_on_which_nothing_was_set_has_no_replies(self, connector: Connector, mailbox: Mailbox) -> None:
        assert connector.read(mailbox).replies == ()

    def test_what_was_written_is_read_back(self, connector: Connector, mailbox: Mailbox) -> None:
        want = wanted(mailbox, connector.can)
        written = connector.write(mailbox, want, connector.read(mailbox))
        assert written.replies == want.replies

    def test_what_write_gives_back_is_what_read_gives(self, connector: Connector, mailbox: Mailbox) -> None:
        written = connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
        assert connector.read(mailbox) == written

    def test_what_was_written_is_active(self, connector: Connector, mailbox: Mailbox) -> None:
        assert connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox)).active

    def test_every_field_is_read_back(self, connector: Connector, mailbox: Mailbox) -> None:
        full = a_reply(
            mailbox,
            connector.can,
            html_body=HTML if connector.can.html else None,
            external_html=("<p>Away</p>" if connector.can.two_texts else HTML) if connector.can.html else None,
            exceptions=("boss@other.test", "partner.test") if connector.can.exceptions else (),
        )
        written = connector.write(mailbox, Wanted(replies=(full,)), connector.read(mailbox))
        assert [to_json(reply) for reply in written.replies] == [to_json(full)]

    def test_two_replies_that_do_not_overlap_are_both_read_back_in_order(
        self, connector: Connector, mailbox: Mailbox
    ) -> None:
        if connector.can.one_reply:
            pytest.skip("a mailbox has one place for a reply there")
        first = a_reply(mailbox, connector.can, handle="case-1", to_date=NOW + timedelta(days=2))
        second = a_reply(
            mailbox, connector.can, handle="case-2", from_date=NOW + timedelta(days=2), to_date=NOW + timedelta(days=4)
        )
        written = connector.write(mailbox, Wanted(replies=(second, first)), connector.read(mailbox))
        assert written.replies == (first, second)

    def test_where_a_mailbox_has_one_place_a_second_reply_is_refused_and_nothing_happens(
        self, connector: Connector, mailbox: Mailbox, snapshot: Callable[[Mailbox], object]
    ) -> None:
        if not connector.can.one_reply:
            pytest.skip("this connector can say several")
        found, before = snapshot(mailbox), connector.read(mailbox)
        first = a_reply(mailbox, connector.can, handle="case-1", to_date=NOW + timedelta(days=2))
        second = replace(first, handle="case-2", from_date=first.to_date, to_date=NOW + timedelta(days=4))
        with pytest.raises(Unsupported):
            connector.write(mailbox, Wanted(replies=(first, second)), before)
        assert (snapshot(mailbox), connector.read(mailbox)) == (found, before)

    def test_a_mended_text_replaces_the_first(self, connector: Connector, mailbox: Mailbox) -> None:
        first = connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
        second = connector.write(mailbox, wanted(mailbox, connector.can, text_body="Beter gezegd."), first)
        assert [reply.text_body for reply in second.replies] == ["Beter gezegd."]

    def test_writing_twice_is_writing_once(self, connector: Connector, mailbox: Mailbox) -> None:
        first = connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
        assert connector.write(mailbox, wanted(mailbox, connector.can), first) == first

    def test_writing_again_after_a_crash_changes_nothing_more(self, connector: Connector, mailbox: Mailbox) -> None:
        before = connector.read(mailbox)
        first = connector.write(mailbox, wanted(mailbox, connector.can), before)
        with suppress(Conflict):
            connector.write(mailbox, wanted(mailbox, connector.can), before)
        assert connector.read(mailbox) == first

    # put back

    def test_put_back_is_byte_for_byte_what_was_found(
        self, connector: Connector, mailbox: Mailbox, snapshot: Callable[[Mailbox], object]
    ) -> None:
        found = snapshot(mailbox)
        before = connector.read(mailbox)
        written = connector.write(mailbox, wanted(mailbox, connector.can), before)
        connector.write(mailbox, Wanted(restore=before.found), written)
        assert snapshot(mailbox) == found

    def test_after_putting_back_it_stands_as_before(self, connector: Connector, mailbox: Mailbox) -> None:
        before = connector.read(mailbox)
        written = connector.write(mailbox, wanted(mailbox, connector.can), before)
        after = connector.write(mailbox, Wanted(restore=before.found), written)
        assert (after, connector.read(mailbox)) == (before, before)

    def test_putting_back_where_nothing_stands_changes_nothing(
        self, connector: Connector, mailbox: Mailbox, snapshot: Callable[[Mailbox], object]
    ) -> None:
        found = snapshot(mailbox)
        before = connector.read(mailbox)
        assert connector.write(mailbox, Wanted(restore=before.found), before) == before
        assert snapshot(mailbox) == found

    def test_reading_changes_nothing(
        self, connector: Connector, mailbox: Mailbox, snapshot: Callable[[Mailbox], object]
    ) -> None:
        found = snapshot(mailbox)
        connector.read(mailbox)
        assert snapshot(mailbox) == found

    # hers wins

    def test_her_change_between_our_reading_and_our_writing_is_a_conflict(
        self, connector: Connector, mailbox: Mailbox, owner_changes: Callable[[Mailbox], None]
    ) -> None:
        before = connector.read(mailbox)
        owner_changes(mailbox)
        with pytest.raises(Conflict):
            connector.write(mailbox, wanted(mailbox, connector.can), before)

    def test_her_change_between_our_reading_and_our_writing_is_not_overwritten(
        self,
        connector: Connector,
        mailbox: Mailbox,
        owner_changes: Callable[[Mailbox], None],
        snapshot: Callable[[Mailbox], object],
    ) -> None:
        before = connector.read(mailbox)
        owner_changes(mailbox)
        hers = snapshot(mailbox)
        with pytest.raises(Conflict):
            connector.write(mailbox, wanted(mailbox, connector.can), before)
        assert snapshot(mailbox) == hers

    def test_her_change_while_ours_is_live_is_seen(
        self, connector: Connector, mailbox: Mailbox, owner_changes: Callable[[Mailbox], None]
    ) -> None:
        if not connector.can.sees_own:
            pytest.skip("this connector says that it cannot see hers")
        written = connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
        owner_changes(mailbox)
        now = connector.read(mailbox)
        assert (now.own_reply, now.revision == written.revision) == (True, False)

    def test_her_change_while_ours_is_live_survives_our_end(
        self,
        connector: Connector,
        mailbox: Mailbox,
        owner_changes: Callable[[Mailbox], None],
        snapshot: Callable[[Mailbox], object],
    ) -> None:
        before = connector.read(mailbox)
        connector.write(mailbox, wanted(mailbox, connector.can), before)
        owner_changes(mailbox)
        hers = snapshot(mailbox)
        with suppress(Conflict):
            connector.write(mailbox, Wanted(restore=before.found), connector.read(mailbox))
        assert snapshot(mailbox) == hers

    def test_another_mailbox_is_untouched(
        self,
        connector: Connector,
        mailbox: Mailbox,
        another_mailbox: Mailbox,
        snapshot: Callable[[Mailbox], object],
    ) -> None:
        found = snapshot(another_mailbox)
        connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
        assert (snapshot(another_mailbox), connector.read(another_mailbox).replies) == (found, ())

    # refused before anything happens

    @pytest.mark.parametrize("audience", list(Audience))
    def test_an_audience_that_cannot_be_said_is_refused_and_nothing_happens(
        self,
        connector: Connector,
        mailbox: Mailbox,
        snapshot: Callable[[Mailbox], object],
        audience: Audience,
    ) -> None:
        if audience in connector.can.audiences:
            pytest.skip("this connector can say it")
        found, before = snapshot(mailbox), connector.read(mailbox)
        with pytest.raises(Unsupported):
            connector.write(mailbox, wanted(mailbox, connector.can, audience=audience), before)
        assert (snapshot(mailbox), connector.read(mailbox)) == (found, before)

    @pytest.mark.parametrize("field", ["text_body", "external_text", "subject"])
    def test_a_text_that_is_too_long_is_refused_and_nothing_happens(
        self, connector: Connector, mailbox: Mailbox, snapshot: Callable[[Mailbox], object], field: str
    ) -> None:
        found, before = snapshot(mailbox), connector.read(mailbox)
        with pytest.raises(Unsupported):
            connector.write(mailbox, wanted(mailbox, connector.can, **{field: "é" * 600_000}), before)
        assert (snapshot(mailbox), connector.read(mailbox)) == (found, before)

    def test_overlapping_replies_are_refused_and_nothing_happens(
        self, connector: Connector, mailbox: Mailbox, snapshot: Callable[[Mailbox], object]
    ) -> None:
        found, before = snapshot(mailbox), connector.read(mailbox)
        both = (a_reply(mailbox, connector.can, handle="case-1"), a_reply(mailbox, connector.can, handle="case-2"))
        with pytest.raises((Unsupported, Invalid)):
            connector.write(mailbox, Wanted(replies=both), before)
        assert (snapshot(mailbox), connector.read(mailbox)) == (found, before)

    @pytest.mark.parametrize("address", ["../x@corp.test", "a/b@corp.test", "a\0b@corp.test", "a\nb@corp.test", ""])
    def test_a_name_that_could_leave_its_place_is_refused(self, connector: Connector, address: str) -> None:
        with pytest.raises(LocumError):
            connector.read(Mailbox(address=address))

    # what goes out

    @pytest.mark.slow
    def test_an_internal_sender_gets_the_internal_text(
        self, connector: Connector, mailbox: Mailbox, answer: Answer
    ) -> None:
        connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
        reply = answer(f"bob@{mailbox.domain}")
        assert reply is not None
        assert text_of(reply) == INSIDE

    @pytest.mark.slow
    def test_an_external_sender_gets_the_external_text(
        self, connector: Connector, mailbox: Mailbox, answer: Answer
    ) -> None:
        connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
        reply = answer("klant@example.net")
        assert reply is not None
        assert text_of(reply) == (OUTSIDE if connector.can.two_texts else INSIDE)

    @pytest.mark.slow
    def test_an_external_sender_gets_nothing_when_the_audience_is_internal(
        self, connector: Connector, mailbox: Mailbox, answer: Answer
    ) -> None:
        if Audience.INTERNAL not in connector.can.audiences:
            pytest.skip("this connector cannot say this audience, and refuses it")
        want = wanted(mailbox, connector.can, audience=Audience.INTERNAL, external_text=None)
        connector.write(mailbox, want, connector.read(mailbox))
        assert answer("klant@example.net") is None

    @pytest.mark.slow
    @pytest.mark.parametrize("sender", ["klant@sub.{}", "klant@not{}", "klant@{}.example.net"])
    def test_a_domain_that_only_resembles_ours_is_outside(
        self, connector: Connector, mailbox: Mailbox, answer: Answer, sender: str
    ) -> None:
        if not connector.can.two_texts:
            pytest.skip("this connector has one text for all")
        connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
        reply = answer(sender.format(mailbox.domain))
        assert reply is not None
        assert "(intern)" not in reply.as_string()

    @pytest.mark.slow
    def test_the_reply_bears_the_subject(self, connector: Connector, mailbox: Mailbox, answer: Answer) -> None:
        if not connector.can.subject:
            pytest.skip("the replies of this mail system bear a subject of its own")
        connector.write(mailbox, wanted(mailbox, connector.can, subject="Afwezig tot mei"), connector.read(mailbox))
        reply = answer("klant@example.net")
        assert reply is not None
        assert reply["Subject"] == "Afwezig tot mei"

    @pytest.mark.slow
    @pytest.mark.parametrize("exception", ["klant@example.net", "example.net"])
    def test_an_exception_gets_no_reply(
        self, connector: Connector, mailbox: Mailbox, answer: Answer, exception: str
    ) -> None:
        if not connector.can.exceptions:
            pytest.skip("this connector cannot say exceptions, and refuses them")
        connector.write(mailbox, wanted(mailbox, connector.can, exceptions=(exception,)), connector.read(mailbox))
        assert (answer("klant@example.net") is None, answer("klant@example.org") is None) == (True, False)

    @pytest.mark.slow
    def test_after_putting_back_nobody_gets_a_reply(
        self, connector: Connector, mailbox: Mailbox, answer: Answer
    ) -> None:
        before = connector.read(mailbox)
        written = connector.write(mailbox, wanted(mailbox, connector.can), before)
        connector.write(mailbox, Wanted(restore=before.found), written)
        assert answer("klant@example.net") is None

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("zone", "start"),
        [
            ("Pacific/Kiritimati", "2026-12-31T23:59:59+00:00"),
            ("Pacific/Pago_Pago", "2027-02-28T00:00:00+00:00"),
            ("America/New_York", "2027-03-14T06:59:59+00:00"),  # the clock goes forward a second later
            ("Europe/Amsterdam", "2027-10-29T00:59:53+00:00"),  # it ends as the clock goes back
        ],
    )
    def test_the_window_is_exact_to_the_second_whatever_the_zone_of_the_server(
        self, zoned: Zoned, zone: str, start: str
    ) -> None:
        from_date = datetime.fromisoformat(start)
        to_date = from_date + timedelta(days=2, seconds=7)
        second = timedelta(seconds=1)
        with zoned(zone) as (connector, mailbox, answers):
            connector.write(
                mailbox, wanted(mailbox, connector.can, from_date=from_date, to_date=to_date), connector.read(mailbox)
            )
            seen = [answers(at) for at in (from_date - second, from_date, to_date - second, to_date)]
        assert seen == [False, True, True, False]

    # hostile texts

    @pytest.mark.parametrize("hostile", list(HOSTILE))
    @pytest.mark.parametrize("field", ["text_body", "external_text"])
    def test_a_hostile_text_is_read_back_or_refused(
        self, connector: Connector, mailbox: Mailbox, hostile: str, field: str
    ) -> None:
        reply = a_reply(mailbox, connector.can, **{field: HOSTILE[hostile]})
        written = refused_or_written(connector, mailbox, reply)
        assert connector.read(mailbox).replies == (() if written is None else (reply,))

    @pytest.mark.parametrize("hostile", list(SUBJECTS))
    def test_a_hostile_subject_is_read_back_or_refused(
        self, connector: Connector, mailbox: Mailbox, hostile: str
    ) -> None:
        reply = a_reply(mailbox, connector.can, subject=SUBJECTS[hostile])
        written = refused_or_written(connector, mailbox, reply)
        assert connector.read(mailbox).replies == (() if written is None else (reply,))

    @pytest.mark.parametrize("field", ["exceptions", "addresses", "internal_domains", "handle"])
    @pytest.mark.parametrize("hostile", ["quotes", "backslashes", "lone dot", "variables", "controls"])
    def test_a_hostile_address_or_handle_is_read_back_or_refused(
        self, connector: Connector, mailbox: Mailbox, field: str, hostile: str
    ) -> None:
        value = HOSTILE[hostile] if field == "handle" else (HOSTILE[hostile],)
        reply = a_reply(mailbox, connector.can, **{field: value})
        written = refused_or_written(connector, mailbox, reply)
        assert connector.read(mailbox).replies == (() if written is None else (reply,))

    @pytest.mark.slow
    @pytest.mark.parametrize("hostile", list(HOSTILE))
    def test_a_hostile_text_goes_out_as_text_and_nothing_else(
        self, connector: Connector, mailbox: Mailbox, answer: Answer, as_sent: Callable[[str, str], str], hostile: str
    ) -> None:
        if (
            refused_or_written(connector, mailbox, a_reply(mailbox, connector.can, external_text=HOSTILE[hostile]))
            is None
        ):
            assert answer("klant@example.net") is None
            return
        reply = answer("klant@example.net")
        assert reply is not None
        assert text_of(reply) == plain(as_sent("text", HOSTILE[hostile]))

    @pytest.mark.slow
    @pytest.mark.parametrize("hostile", list(SUBJECTS))
    def test_a_hostile_subject_goes_out_as_a_subject_and_nothing_else(
        self, connector: Connector, mailbox: Mailbox, answer: Answer, as_sent: Callable[[str, str], str], hostile: str
    ) -> None:
        if not connector.can.subject:
            pytest.skip("the replies of this mail system bear a subject of its own")
        if refused_or_written(connector, mailbox, a_reply(mailbox, connector.can, subject=SUBJECTS[hostile])) is None:
            return
        reply = answer("klant@example.net")
        assert reply is not None
        words = as_sent("subject", SUBJECTS[hostile]).split()
        assert (reply["Subject"].split(), reply["Bcc"], reply["X-Evil"]) == (words, None, None)

    # many at once

    def test_many_at_once_is_each_in_order_and_one_error_does_not_stop_the_rest(
        self, connector: Connector, mailbox: Mailbox, another_mailbox: Mailbox
    ) -> None:
        if not isinstance(connector, ManyAtOnce):
            pytest.skip("this connector takes one mailbox at a time")
        stale = Standing(revision="stale")
        boxes = (mailbox, Mailbox(address="../x@corp.test"), another_mailbox)
        found = connector.read_many(boxes)
        assert [isinstance(standing, LocumError) for standing in found] == [False, True, False]
        expect = [standing if isinstance(standing, Standing) else stale for standing in found]
        items = [(box, wanted(box, connector.can), standing) for box, standing in zip(boxes, expect, strict=True)]
        done = connector.write_many([*items, (mailbox, wanted(mailbox, connector.can, subject="Other"), stale)])
        assert [type(result) for result in done][::2] == [Standing, Standing]
        assert isinstance(done[1], LocumError)
        assert isinstance(done[3], Conflict)

    # trouble

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("trouble", "kind"), [("silent", Unreachable), ("refusing", Rejected), ("garbled", Garbled)]
    )
    def test_trouble_is_told_apart(
        self, troubled: Callable[[str], Connector], mailbox: Mailbox, trouble: str, kind: type[Trouble]
    ) -> None:
        connector = troubled(trouble)
        with pytest.raises(kind):
            connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))

    @pytest.mark.slow
    @pytest.mark.parametrize("trouble", ["silent", "refusing", "garbled"])
    def test_check_reports_trouble_and_does_not_raise_it(
        self, troubled: Callable[[str], Connector], trouble: str
    ) -> None:
        assert False in [finding.holds for finding in troubled(trouble).check()]

    @pytest.mark.slow
    @pytest.mark.parametrize("trouble", ["silent", "refusing", "garbled"])
    def test_no_secret_is_in_an_error_a_log_or_a_representation(
        self,
        troubled: Callable[[str], Connector],
        mailbox: Mailbox,
        secrets: tuple[str, ...],
        caplog: pytest.LogCaptureFixture,
        trouble: str,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        connector = troubled(trouble)
        with pytest.raises(Trouble) as caught:
            connector.write(mailbox, wanted(mailbox, connector.can), connector.read(mailbox))
        shown = [repr(connector), caplog.text, str(connector.check())]
        error: BaseException | None = caught.value
        while error is not None:
            shown += [repr(error), str(error), str(vars(error))]
            error = error.__cause__ or error.__context__
        texts = [*secrets, INSIDE]
        assert [secret for secret in texts if any(secret in text for text in shown)] == []

    def test_its_standing_shows_nothing_of_what_was_found(self, connector: Connector, mailbox: Mailbox) -> None:
        standing = connector.read(mailbox)
        assert "found=" not in repr(standing)
