"""Two people open one message: choosing, signing, what is opened for whom, how it is closed and delivered, and all that is tried
to get more than that.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from tests.mailroom import Message, SearchWorld

from locum.asides import Aside
from locum.demo.sink import Received, Sink
from locum.desk.searching.sealedto import unseal_with
from locum.desk.searching.steps import begin
from locum.errors import LocumError
from locum.ladder import Step
from locum.lifecycle import Case, State
from locum.store import Change

pytest_plugins = ("tests.stores",)


class Viewing:
    """A search that has its list, and a screen."""

    def __init__(self, world: SearchWorld, *more: Message) -> None:
        self.world = world
        world.room.put(Message(), Message(subject="Offerte 4712", at="2026-11-19T10:00:00+00:00"), *more)
        self.case = world.open_search()
        world.counts(self.case)
        world.lists(self.case)
        self.screen = X25519PrivateKey.generate()

    @property
    def now(self) -> Case:
        return self.world.now_of(self.case)

    @property
    def to(self) -> bytes:
        return self.screen.public_key().public_bytes_raw()

    def digest(self, subject: str = "Offerte 4711") -> str:
        kept = self.world.desk.searching.hits(self.world.me("bob"), self.now)
        assert kept is not None
        return next(one.digest for one in kept.hits if one.subject == subject)

    def choose(self, who: str, subject: str = "Offerte 4711") -> None:
        self.world.desk.viewings.choose(self.world.me(who), self.now, self.digest(subject))

    def both_choose(self) -> "Viewing":
        self.choose("bob")
        self.choose("dirk")
        return self

    def sign(self, who: str, *, to: bytes = b"", key: str = "") -> None:
        desk, me = self.world.desk, self.world.me(who)
        one = desk.viewings.to_open(me, self.now, to or self.to)
        made = self.world.keys[key or who].sign(one.challenge)
        desk.viewings.sign(me, self.now, one.statement, made.dump())

    def opened(self) -> "Viewing":
        self.both_choose()
        self.sign("bob")
        self.sign("dirk")
        self.world.work()
        return self

    def content(self, screen: X25519PrivateKey | None = None) -> bytes:
        sealed = self.world.desk.viewings.take(self.now)
        assert sealed is not None
        return unseal_with(screen or self.screen, sealed, self.now.request, self.digest())

    def said(self, kind: str) -> list[dict[str, object]]:
        return self.world.bodies(self.case, kind)


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[SearchWorld]:
    with Sink() as sink:
        yield SearchWorld(tmp_path, sink, store_url=store_url)


@pytest.fixture
def viewing(world: SearchWorld) -> Viewing:
    return Viewing(world)


def delivered(sink: Sink) -> list[Received]:
    """What came to the place that the request names."""
    return [one for one in sink.messages if one.recipients == ("verkoop@corp.test",)]


def why(act: Callable[[], object]) -> str:
    """The key of the error that comes out, and what the gate says."""
    try:
        act()
    except LocumError as error:
        return str(error.values.get("gate") or error.key)
    return ""


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Viewing]:
    """The same on SQLite only: what is tried there is no matter of the store."""
    with Sink() as sink:
        yield Viewing(SearchWorld(tmp_path, sink))


# what passes


def test_two_who_chose_and_signed_see_the_message(viewing: Viewing) -> None:
    assert b"De offerte zit hierbij." in viewing.opened().content()


def test_it_is_delivered_as_it_is_and_the_case_ends(viewing: Viewing) -> None:
    viewing.opened().content()
    viewing.world.desk.viewings.closed(viewing.now, "closed", 40)
    viewing.world.desk.viewings.deliver(viewing.world.me("bob"), viewing.now)
    viewing.world.work()
    assert viewing.now.state in (State.ENDED, State.ACCOUNTED)
    assert viewing.now.outcome == "delivered"
    sent = [one.mail["From"] for one in delivered(viewing.world.sink)]
    assert sent == ["jansen@klant.test"]


def test_who_chose_another_may_choose_again_until_it_is_open(alone):
    alone.choose("bob", "Offerte 4712")
    alone.both_choose()
    assert alone.world.ladder(alone.case).chosen_by_both == alone.digest()


# what is tried to get more


def test_nothing_but_two_signatures_for_one_message_and_one_screen_opens_it(alone):
    desk, me, keys = alone.world.desk, alone.world.me, alone.world.keys
    alone.choose("bob")
    early = why(lambda: alone.sign("bob"))
    alone.choose("dirk", "Offerte 4712")
    differing = why(lambda: alone.sign("bob"))
    alone.choose("dirk")
    ask = desk.viewings.to_open
    others = {why(lambda name=name: ask(me(name), alone.now, alone.to)) for name in ("petra", "ivo", "anna", "mark")}
    one = ask(me("bob"), alone.now, alone.to)
    made = keys["bob"].sign(one.challenge).dump()
    desk.viewings.sign(me("bob"), alone.now, one.statement, made)
    again = why(lambda: desk.viewings.sign(me("bob"), alone.now, one.statement, made))
    alone.sign("bob")
    borrowed = why(lambda: alone.sign("dirk", key="bob"))
    alone.sign("dirk", to=X25519PrivateKey.generate().public_key().public_bytes_raw())
    for name in ("bob", "dirk"):
        alone.choose(name, "Offerte 4712")
    alone.sign("dirk")
    alone.world.work()
    assert (early, differing, others, again, borrowed) == (
        "search-not-both-chose",
        "search-not-both-chose",
        {"search-not-one-of-both"},
        "nonce-used",
        "key-of-another",
    )
    assert (alone.said("opened"), alone.world.room.looks) == ([], ["count", "list"])


def test_signatures_that_waited_too_long_open_nothing_and_may_be_given_anew(alone):
    alone.both_choose()
    alone.sign("bob")
    alone.world.now += timedelta(minutes=6)
    alone.sign("dirk")
    alone.sign("bob")
    alone.world.now += timedelta(minutes=6)
    alone.world.work()
    late = [one["why"] for one in alone.said("closed")]
    alone.sign("bob")
    alone.sign("dirk")
    alone.world.work()
    assert (late, len(alone.said("opened"))) == (["late"], 1)


def test_there_is_no_second_message(alone):
    alone.opened()
    assert why(lambda: alone.choose("bob", "Offerte 4712")) == "search-one-message"
    assert why(lambda: alone.sign("bob")) == "search-one-message"


def test_the_message_is_handed_over_once_and_to_no_other_screen(alone):
    alone.opened()
    with pytest.raises(LocumError, match="record-damaged"):
        alone.content(X25519PrivateKey.generate())
    assert alone.world.desk.viewings.take(alone.now) is None


def test_what_nobody_picks_up_is_gone_after_two_minutes(alone):
    alone.opened()
    alone.world.now += timedelta(minutes=2, seconds=1)
    alone.world.work()
    assert alone.world.app.desk.office.asides.read(alone.case.id, Aside.MESSAGE) is None


def test_a_forged_opening_in_the_record_is_an_incident(alone):
    alone.both_choose()
    alone.sign("bob")
    office = alone.world.app.desk.office
    signed = next(one for one in alone.said("opening"))["signed"]
    forged = office.draft(alone.now, "opening", digest=alone.digest(), by={"id": "dirk", "name": "Dirk"}, signed=signed)
    alone.world.app.store.commit([Change(case=alone.now, entries=(forged,))])
    begin(office, alone.world.me("bob"), alone.now, Step.OPEN)
    alone.world.work()
    assert (alone.said("opened"), alone.said("incident")[0]["key"]) == ([], "nonce-used")


def test_a_withdrawn_key_opens_nothing(alone):
    alone.both_choose()
    alone.sign("bob")
    alone.sign("dirk")
    alone.world.withdraw("dirk")
    alone.world.work()
    assert alone.said("opened") == []


def test_her_objection_while_it_is_on_its_way_leaves_nothing(alone):
    alone.opened()
    alone.world.desk.answer(alone.world.token(), "stop")
    alone.world.work()
    assert alone.world.desk.viewings.take(alone.now) is None


# closing


def test_private_after_all_ends_it_wipes_the_list_and_tells_those_who_are_named(alone):
    alone.opened().content()
    alone.world.desk.viewings.closed(alone.now, "private", 12, "dirk")
    alone.world.work()
    office = alone.world.app.desk.office
    told = [one.mail["Subject"] for one in alone.world.sink.messages]
    assert (alone.now.outcome, office.asides.read(alone.case.id, Aside.HITS)) == ("private", None)
    assert any("incident" in str(one).lower() for one in told)


def test_it_is_closed_once(alone):
    alone.opened().content()
    for reason in ("left", "private"):
        alone.world.desk.viewings.closed(alone.now, reason, 12)
    assert [one["why"] for one in alone.said("closed")] == ["left"]


def test_a_message_that_is_gone_by_now_is_not_opened(alone):
    alone.both_choose()
    alone.sign("bob")
    (alone.world.room.folder / "anna@corp.test.json").write_text("[]")
    alone.sign("dirk")
    alone.world.work()
    assert ([one["why"] for one in alone.said("closed")], alone.said("opened")) == (["gone"], [])


# delivering


def delivers(viewing: Viewing, part: str = "message") -> None:
    viewing.world.desk.viewings.deliver(viewing.world.me("bob"), viewing.now, part)
    viewing.world.work()


def test_nothing_is_delivered_that_was_not_opened(alone):
    alone.both_choose()
    assert why(lambda: delivers(alone)) == "search-not-opened"


def test_it_is_delivered_once(alone):
    delivers(alone.opened())
    assert why(lambda: delivers(alone)) == "search-not-open"


def test_a_message_that_changed_meanwhile_is_not_delivered(alone):
    alone.opened()
    file = alone.world.room.folder / "anna@corp.test.json"
    file.write_text(file.read_text().replace("De offerte zit hierbij.", "Een andere offerte."))
    delivers(alone)
    assert ([one["why"] for one in alone.said("closed")], alone.said("delivered")) == (["gone"], [])


def test_a_relay_that_is_away_for_a_while_is_tried_again_and_gets_it_once(alone):
    alone.opened()
    alone.world.sink.refusing = "451 4.3.0 later"
    delivers(alone)
    alone.world.sink.refusing = ""
    alone.world.now += timedelta(minutes=2)
    alone.world.work()
    sent = delivered(alone.world.sink)
    assert (len(sent), alone.said("delivered")[0]["grants"]) == (1, ["locum-1", "locum-1"])


def test_a_relay_that_refuses_for_good_ends_it(alone):
    alone.opened()
    alone.world.sink.refusing_to = {"verkoop@corp.test": "550 5.1.1 no such user"}
    delivers(alone)
    assert (alone.said("delivered")[0]["receipt"], alone.now.outcome) == ("refused: relay-refused", "not-delivered")


def test_a_delivery_of_which_nothing_was_heard_is_not_tried_again(alone):
    alone.opened()
    note = f"delivering/{alone.case.id}/1"
    alone.world.app.store.keep_setting(note, b'{"cost": {}, "is_begun": true}')
    delivers(alone)
    assert (alone.said("delivered")[0]["receipt"], delivered(alone.world.sink)) == ("unknown", [])


def test_an_answer_to_one_attachment_goes_to_whoever_sent_it(tmp_path):
    headers = (
        "Reply-To: Order <orders@klant.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n"
    )
    text = '--x\r\n\r\nDe offerte.\r\n--x\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename="a.csv"\r\n\r\n1;2\r\n--x--'
    with Sink() as sink:
        viewing = Viewing(SearchWorld(tmp_path, sink), Message(subject="Offerte 5000", headers=headers, text=text))
        for name in ("bob", "dirk"):
            viewing.choose(name, "Offerte 5000")
        viewing.sign("bob")
        viewing.sign("dirk")
        viewing.world.work()
        delivers(viewing, "attachment 1")
        mail = delivered(sink)[0].mail
        found = [one.get_filename() for one in mail.iter_attachments()]
    assert (mail["Reply-To"], found, "De offerte." in mail.as_string()) == ("orders@klant.test", ["a.csv"], False)
