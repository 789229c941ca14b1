"""Signing at the desk: who may, what is signed, what is refused, and that a forward waits until both have."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.signedworld import SignedWorld

from locum.approval import Approval, Log, Site
from locum.cli import main
from locum.demo.sink import Sink
from locum.errors import Conflict, LocumError, Refused
from locum.lifecycle import Case, State
from softkeys import PRESENT, SITE, VERIFIED, SoftKey

pytest_plugins = ("tests.stores",)
Make = Callable[..., SignedWorld]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with Sink() as sink:
        yield lambda **options: SignedWorld(tmp_path, sink, **options)


@pytest.fixture
def world(make: Make) -> SignedWorld:
    return make()


def why(act: Callable[[], object]) -> str:
    """The key of the error that comes out; for a signature that does not count, the gate's reason."""
    try:
        act()
    except LocumError as error:
        return error.values.get("gate", error.key)
    return ""


def signing(
    world: SignedWorld, name: str, case: Case, decision: str, key: SoftKey | None = None, **instead: object
) -> str:
    """Somebody signs, with something in the statement or the key changed; why that is refused."""

    def act() -> None:
        one = world.asked(name, case, decision)
        statement = replace(Approval.load(one.statement), **instead).dump()  # type: ignore[arg-type]
        challenge = replace(one, statement=statement).challenge
        world.desk.sign(world.me(name), case.id, statement, (key or world.keys[name]).sign(challenge).dump())

    return why(act)


# the path


def test_a_forward_is_live_when_both_have_signed(world: SignedWorld) -> None:
    case = world.asked_for()
    assert case.state is State.AWAITING_REVIEW
    world.signs("bob", case, "request")
    assert world.state(case) is State.AWAITING_REVIEW
    world.signs("dirk", case)
    assert (world.state(case), world.shelf.standing()) == (State.APPLIED, ["anna@corp.test.forwards"])


def test_who_approves_may_sign_before_who_asks(world: SignedWorld) -> None:
    case = world.asked_for()
    world.signs("dirk", case)
    assert world.state(case) is State.AWAITING_REVIEW
    world.signs("bob", case, "request")
    assert world.state(case) is State.APPLIED


def test_who_asks_may_sign_as_soon_as_it_is_filed(world: SignedWorld) -> None:
    case = world.forward()
    world.signs("bob", case, "request")
    assert world.state(case) is State.ASKING


def test_without_a_signature_nothing_comes_of_it_and_it_lapses(world: SignedWorld) -> None:
    case = world.asked_for()
    world.signs("bob", case, "request")
    world.later(days=15)
    assert (world.state(case), world.shelf.standing()) == (State.EXPIRED, [])


def test_a_signed_no_ends_it(world: SignedWorld) -> None:
    case = world.asked_for()
    world.signs("dirk", case, "deny", "Not for this.")
    after = world.now_of(case)
    assert (after.state, after.trouble) == (State.REFUSED, "denied")


def test_the_entry_holds_the_signature_and_who_gave_it_in_which_function(world: SignedWorld) -> None:
    case = world.live_forward()
    found = [entry.body for entry in world.app.store.entries(case=case.id) if entry.type == "reviewed"]
    assert [(one["decision"], one["by"]["function"], set(one["signed"])) for one in found] == [  # type: ignore[index,arg-type]
        ("request", "it", {"statement", "assertion"}),
        ("approve", "hr", {"statement", "assertion"}),
    ]


def test_what_is_signed_is_the_text_the_request_the_policy_and_the_history(world: SignedWorld) -> None:
    case = world.asked_for()
    one = world.asked("dirk", case, "approve")
    said = Approval.load(one.statement)
    assert (said.request, said.policy, said.log) == (case.request, case.policy, world.desk.office.log())
    assert "carla@corp.test" in one.text


def test_each_may_sign_what_is_hers_to_decide(world: SignedWorld) -> None:
    case = world.asked_for()
    may = {
        name: world.desk.decisions(world.me(name), case) for name in ("bob", "dirk", "petra", "carla", "anna", "ivo")
    }
    assert may == {
        "bob": ("request",), "dirk": ("approve", "deny"), "petra": ("approve", "deny"), "carla": (), "anna": (), "ivo": (),
    }  # fmt: skip


def test_what_waits_for_somebody_waits_for_her_until_she_has_decided(world: SignedWorld) -> None:
    case = world.asked_for()
    before = [one.id for one in world.desk.waiting(world.me("dirk"))]
    world.signs("dirk", case)
    assert (before, world.desk.waiting(world.me("dirk"))) == ([case.id], [])


def test_two_people_read_the_same_six_words(world: SignedWorld) -> None:
    case = world.forward()
    assert len(world.desk.fingerprint(case, "nl").split()) == 6


def test_where_nothing_was_signed_of_the_record_nothing_can_be_signed(world: SignedWorld) -> None:
    case = world.asked_for()
    key_file = world.folder / "record.key"
    key_file.rename(world.folder / "elsewhere")
    for name in ("signer", "publisher"):
        world.app.__dict__.pop(name, None)
    world.app.store.database  # noqa: B018  opened
    with world.app.store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE tree SET checkpoint = NULL, checkpoint_size = 0, checkpoint_frontier = x''")
    world.app.__dict__["signer"] = world.app.__dict__["publisher"] = None
    assert signing(world, "dirk", case, "approve") == "nothing-signed-yet"


# an objection


def test_an_objection_is_overruled_with_two_signatures_and_grounds(world: SignedWorld) -> None:
    case = world.forward()
    world.signs("bob", case, "request")
    world.desk.answer(world.token(), "object", because="No.")
    world.work()
    grounds = "The customer would lose the order by Friday."
    world.signs("dirk", case, "overrule", grounds)
    assert world.state(case) is State.OBJECTED
    world.signs("petra", case, "overrule", grounds)
    assert world.state(case) is not State.OBJECTED
    world.agrees(case)
    assert (world.state(case), world.shelf.standing()) == (State.APPLIED, ["anna@corp.test.forwards"])


def test_overruling_takes_grounds(world: SignedWorld) -> None:
    case = world.forward()
    world.work()
    world.desk.answer(world.token(), "object", because="No.")
    assert signing(world, "dirk", case, "overrule") == "grounds-too-short"


def test_an_overruling_that_nobody_signed_is_none(world: SignedWorld) -> None:
    case = world.forward()
    world.work()
    world.desk.answer(world.token(), "object", because="No.")
    assert why(lambda: world.desk.overrule(world.me("dirk"), case.id, because="A" * 40)) in {
        "grounds-too-short",
        "signature-wanted",
    }
    grounds = "The customer would lose the order by Friday."
    assert why(lambda: world.desk.overrule(world.me("dirk"), case.id, because=grounds)) == "signature-wanted"


# it must not be possible


def test_nobody_approves_her_own_request(world: SignedWorld) -> None:
    case = world.asked_for()
    assert signing(world, "bob", case, "approve") == "own-review"


def test_nobody_approves_without_a_signature(world: SignedWorld) -> None:
    case = world.asked_for()
    assert why(lambda: world.desk.review(world.me("dirk"), case.id, approve=True, because="x")) == "signature-wanted"
    assert why(lambda: world.desk.review(world.me("bob"), case.id, approve=True, because="x")) == "own-review"


def test_whose_mailbox_it_is_does_not_approve(world: SignedWorld) -> None:
    world.deed("function-given", {"people": [{"person": "anna", "function": "hr"}]}, *world.two)
    case = world.asked_for()
    assert signing(world, "anna", case, "approve") == "own-review"


def test_whoever_gets_the_copies_does_not_approve(world: SignedWorld) -> None:
    case = world.asked_for()
    assert signing(world, "carla", case, "approve") == "receiver-review"


def test_somebody_of_the_requesters_function_does_not_approve(world: SignedWorld) -> None:
    world.deed("function-given", {"people": [{"person": "bob", "function": "hr"}]}, *world.two)
    case = world.asked_for()
    assert (signing(world, "dirk", case, "approve"), signing(world, "petra", case, "approve")) == ("same-function", "")


def test_a_function_that_may_not_decide_does_not(world: SignedWorld) -> None:
    assert signing(world, "ivo", world.asked_for(), "approve") == "not-a-reviewer"


def test_one_person_does_not_decide_twice_in_two_functions(make: Make) -> None:
    world = two_wanted(make)
    world.deed("function-given", {"people": [{"person": "mark", "function": "dpo"}]}, *world.two)
    case = world.asked_for()
    world.signs("bob", case, "request")
    world.signs("mark", case)
    assert (signing(world, "mark", case, "approve"), world.state(case)) == ("signed-already", State.AWAITING_REVIEW)
    world.signs("dirk", case)
    assert world.state(case) is State.APPLIED


def test_who_stands_in_for_somebody_and_that_person_are_one(make: Make) -> None:
    world = two_wanted(make)
    delegated(world, "petra", "mark")
    world.deed("function-withdrawn", {"people": [{"person": "mark", "function": "hr"}]}, *world.two)
    case = world.asked_for()
    world.signs("bob", case, "request")
    world.signs("mark", case)
    assert (signing(world, "petra", case, "approve"), world.state(case)) == ("person-twice", State.AWAITING_REVIEW)


def test_nobody_approves_for_somebody_whom_it_concerns(world: SignedWorld) -> None:
    world.deed("function-given", {"people": [{"person": "bob", "function": "dpo"}]}, *world.two)
    delegated(world, "bob", "ivo", "dpo")
    assert signing(world, "ivo", world.asked_for(), "approve") == "same-function"


def two_wanted(make: Make) -> SignedWorld:
    """The organisation where two have to approve of a forward."""
    world = make()
    text = (world.folder / "policy.toml").read_text()
    world.write_policy(text + '[forward.review]\ncount = 2\nfunctions = ["hr", "dpo"]\n')
    world.app = world.wired()
    return world


def delegated(world: SignedWorld, by: str, to: str, function: str = "dpo") -> None:
    start, end = world.now, world.now + timedelta(days=30)
    what = {"to": to, "from": f"{start:%Y-%m-%dT%H:%M:%SZ}", "until": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    world.deed("delegated", what, (by, function, world.keys[by]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"flags": PRESENT}, "person-not-verified"),
        ({"flags": VERIFIED}, "nobody-present"),
        ({"client": {"crossOrigin": True}}, "signature-in-a-frame"),
        ({"client": {"topOrigin": "https://portal.corp.test"}}, "signature-in-a-frame"),
        ({"site": Site("https://evil.test", SITE.rp_id)}, "signature-on-another-page"),
        ({"site": Site(SITE.origin, "corp.test")}, "signature-for-another-host"),
        ({"client": {"type": "webauthn.create"}}, "signature-of-another-kind"),
    ],
)
def test_a_signature_made_otherwise_is_not_recorded(world: SignedWorld, change: dict[str, object], reason: str) -> None:
    case = world.asked_for()
    assert signing(world, "dirk", case, "approve", replace(world.keys["dirk"], **change)) == reason  # type: ignore[arg-type]
    assert "reviewed" not in world.types(case)


def test_a_copied_key_is_not_recorded(world: SignedWorld) -> None:
    first, second = world.asked_for(), world.forward(mailbox="petra@corp.test")
    world.keys["dirk"].count = 40
    copied = replace(world.keys["dirk"])
    world.signs("dirk", first)
    world.signs("bob", second, "request")
    world.work()
    world.desk.answer(world.token("petra@corp.test"), "agree", shown=second.request)
    world.agrees(second)
    assert signing(world, "dirk", second, "approve", copied) == "key-copied"


def test_anothers_key_signs_for_nobody(world: SignedWorld) -> None:
    assert signing(world, "dirk", world.asked_for(), "approve", world.keys["mark"]) == "key-of-another"


def test_nobody_signs_in_anothers_name(world: SignedWorld) -> None:
    assert signing(world, "dirk", world.asked_for(), "approve", approver="petra") == "signed-by-another"


@pytest.mark.parametrize(
    ("instead", "reason"),
    [
        ({"display": "00" * 32}, "text-other"),
        ({"policy": "00" * 32}, "policy-other"),
        ({"function": "dpo"}, "function-not-hers"),
        ({"log": Log("corp.test/locum", 3, "00" * 32)}, "log-other"),
        ({"log": Log("corp.test/locum", 10**6, "00" * 32)}, "log-other"),
        ({"request": "00" * 32}, "shown-before"),
    ],
)
def test_a_statement_that_is_not_the_one_she_was_given_is_not_recorded(
    world: SignedWorld, instead: dict[str, object], reason: str
) -> None:
    assert signing(world, "dirk", world.asked_for(), "approve", **instead) == reason


def test_an_approval_is_not_replayed_on_another_case(world: SignedWorld) -> None:
    first = world.asked_for()
    one = world.asked("dirk", first, "approve")
    assertion = world.keys["dirk"].sign(one.challenge).dump()
    world.desk.sign(world.me("dirk"), first.id, one.statement, assertion)
    other = world.forward(mailbox="petra@corp.test")
    with pytest.raises(Conflict, match="shown-before"):
        world.desk.sign(world.me("dirk"), other.id, one.statement, assertion)


def test_an_approval_is_not_replayed_on_a_later_version(world: SignedWorld) -> None:
    case = world.asked_for()
    one = world.asked("dirk", case, "approve")
    world.reply(joins=case.id, until="")
    with pytest.raises(Conflict, match="shown-before"):
        world.desk.sign(world.me("dirk"), case.id, one.statement, world.keys["dirk"].sign(one.challenge).dump())


def test_what_was_signed_for_an_earlier_version_counts_no_more(world: SignedWorld) -> None:
    case = world.asked_for()
    world.signs("bob", case, "request")
    world.reply(joins=case.id, until="")
    world.work()
    world.desk.answer(world.token(), "agree", shown=world.now_of(case).request)
    world.agrees(case)
    world.signs("dirk", world.now_of(case))
    assert world.state(case) is State.AWAITING_REVIEW
    world.signs("bob", world.now_of(case), "request")
    assert world.state(case) is State.APPLIED


def test_nothing_is_signed_after_its_end(world: SignedWorld) -> None:
    case = world.asked_for()
    one = world.asked("dirk", case, "approve")
    world.now += timedelta(days=15)
    with pytest.raises(Refused, match="no-such-step"):
        world.desk.sign(world.me("dirk"), case.id, one.statement, world.keys["dirk"].sign(one.challenge).dump())


@pytest.mark.parametrize("what", ["key", "function"])
def test_what_was_withdrawn_between_signing_and_acting_sends_it_back(world: SignedWorld, what: str) -> None:
    case = world.ready()
    if what == "key":
        world.withdraw("dirk")
    else:
        take = {"people": [{"person": "dirk", "function": "hr"}]}
        world.deed("function-withdrawn", take, ("mark", "hr", world.keys["mark"]), world.two[1])  # type: ignore[arg-type]
    world.later(days=1)
    assert (world.state(case), world.shelf.standing()) == (State.AWAITING_REVIEW, [])
    world.signs("petra", world.now_of(case))
    assert world.state(case) is State.APPLIED


def test_what_was_withdrawn_once_it_is_live_leaves_it(world: SignedWorld) -> None:
    case = world.live_forward()
    world.withdraw("dirk")
    world.later(hours=3)
    assert world.state(case) is State.APPLIED


def test_who_cannot_sign_cannot_ask_for_what_is_signed(world: SignedWorld) -> None:
    nobody = replace(world.me("bob"), id="os:daemon")
    form = world.a_form()
    assert why(lambda: world.desk.request(nobody, form)) == "requester-signs"


def test_somebody_without_a_key_is_told_so(world: SignedWorld) -> None:
    case = world.asked_for()
    world.withdraw("mark")
    assert signing(world, "mark", case, "approve") == "no-key"


# at the command line


@pytest.mark.parametrize("decision", ["--approve", "--deny", "--overrule"])
@pytest.mark.parametrize("name", ["dirk", "bob"])
def test_nothing_typed_is_a_signature_and_the_page_to_sign_on_is_named(
    world: SignedWorld, capsys: pytest.CaptureFixture[str], decision: str, name: str
) -> None:
    case = world.asked_for()
    words = ["--config", str(world.config), "review", case.id, decision, "--because", "I say so.", "--as", name]
    code = main(words)
    said = capsys.readouterr()
    assert (code, said.out.strip()) == (7, f"https://locum.corp.test/cases/{case.id}/review")
    assert "reviewed" not in world.types(case)


def test_show_says_who_signed(world: SignedWorld, capsys: pytest.CaptureFixture[str]) -> None:
    case = world.live_forward()
    main(["--config", str(world.config), "show", case.id, "--lang", "en"])
    assert "Dirk Bakker: approved, signed" in capsys.readouterr().out


def test_she_reads_in_her_account_who_signed(world: SignedWorld) -> None:
    case = world.live_forward()
    told = world.desk.office.render(world.desk.account(case.id, language="en"), "text").decode()
    assert "approved. Signed with a key of their own." in " ".join(told.split())
