"""Her own changes, at any moment of a case, through the whole desk and a real Dovecot: they are never overwritten, her
choice stays, and her mail is stored, sent on or rejected exactly as without us.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.on_dovecot import MAIN, OURS, RULES, asked_for, live, managesieve, owner, published, replies, world_of
from tests.world import PUBLISHED, World

from locum.connectors.sieve_wire import command
from locum.demo.host import Dovecot, Received, Sink
from locum.desk import Desk
from locum.lifecycle import Case, State
from locum.store import Change
from mailhosts.owner import VACATION, Owner, activate
from mailhosts.publishing import HER_FILTER, HER_VACATION, deliver, hers, set_script, stored

pytestmark = pytest.mark.slow


_serial = itertools.count(1500)  # the mailboxes of conftest.py that no other test comes to


@pytest.fixture
def relay() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def put(name: str, script: bytes) -> bytes:
    return command("PUTSCRIPT", name.encode(), script)


CHANGES: dict[str, Callable[[Owner], None]] = {
    "activates another script": lambda her: her.has({"other": b"keep; # another"}, "other"),
    "edits the script that runs": lambda her: her.do(put("main", MAIN + b"\r\n# edited")),
    "edits one that it includes": lambda her: her.do(put("rules", RULES + b"# edited")),
    "sets a vacation": lambda her: her.replies(7),
    "writes a vacation into the script that runs": lambda her: her.do(put("main", VACATION % 3)),
    "switches all off": lambda her: her.do(activate("")),
    "switches all off and removes one": lambda her: her.do(activate(""), command("DELETESCRIPT", b"rules")),
    "uploads one that does not run": lambda her: her.do(put("later", VACATION % 5)),
}
STEPS = (
    "ask.sent",
    "apply.intended",
    "apply.written",
    "apply.committed",
    "end.intended",
    "end.written",
    "end.committed",
)


def stands(her: Owner) -> tuple[str, dict[str, bytes]]:
    """Which script is active, and all there are, ours too."""
    with her._wire() as wire:
        listing = wire.listing(wire.run(command("LISTSCRIPTS"))[0])
        return listing.active, {n: wire.script(wire.run(command("GETSCRIPT", n.encode()))[0]) for n in listing.names}


def on_mail_system(world: World, span: timedelta) -> None:
    """Later, without the letters: what is due on the mail system is done."""
    world.now += span
    while taken := world.app.store.take("worker-1", seconds=60, lanes=["dovecot", "legacy"]):
        world.desk.run(taken)


@pytest.mark.parametrize("step", STEPS)
def test_what_she_changes_at_any_step_is_there_afterwards_and_runs(
    dovecot: Dovecot, relay: Sink, tmp_path: Path, step: str
) -> None:
    addresses = [f"colleague{next(_serial)}@corp.test" for _ in CHANGES]
    world = world_of(tmp_path, relay, managesieve(dovecot, tmp_path), *addresses)
    owners = {address: owner(dovecot, address) for address in addresses}
    for her in owners.values():
        her.has({"main": MAIN, "rules": RULES}, "main")
    cases = {address: asked_for(world, address) for address in addresses}
    left: dict[str, object] = {}

    def she_acts(name: str) -> None:
        if name != step or left:
            return
        for (address, her), change in zip(owners.items(), CHANGES.values(), strict=True):
            change(her)
            left[address] = her.shelf()

    world.step = she_acts
    world.app = world.wired()
    world.work()
    for span in (timedelta(hours=3), timedelta(days=15), timedelta(hours=1)):
        on_mail_system(world, span)
    assert left
    for address, change in zip(addresses, CHANGES, strict=True):
        assert stands(owners[address]) == left[address], change
        state = world.desk.case(cases[address].id).state
        assert state in (State.ENDED, State.FAILED), change
        entries = world.app.store.entries(case=cases[address].id)
        assert not [one for one in entries if one.type == "incident"], (
            change
        )  # what is kept is what was found, whatever she did


@pytest.fixture
def her(dovecot: Dovecot, mailbox: str) -> Owner:
    """She, with filters that run."""
    made = owner(dovecot, mailbox)
    made.has({"main": MAIN, "rules": RULES}, "main")
    return made


def test_the_watch_notices_her_own_reply_and_ours_ends_and_the_account_says_so(
    dovecot: Dovecot, mailbox: str, her: Owner, relay: Sink, tmp_path: Path
) -> None:
    world = world_of(tmp_path, relay, managesieve(dovecot, tmp_path), mailbox)
    case = live(world, mailbox)
    assert replies(deliver(dovecot, mailbox)) == [OURS]
    her.replies(7)
    chosen = her.shelf()
    assert replies(deliver(dovecot, mailbox)) == ["Ik ben er zelf even niet"]
    world.later(hours=2)
    case = world.desk.case(case.id)
    assert (case.state, case.outcome, stands(her)) == (State.ACCOUNTED, "changed-by-owner", chosen)
    account = world.letters(mailbox, "account")[-1].mail.get_body(("plain",))
    assert account is not None
    assert "je hebt zelf iets aan je automatische antwoord veranderd, en dat gaat voor" in " ".join(
        account.get_content().split()
    )


@pytest.mark.parametrize("step", [step for step in STEPS if not step.startswith("end")])
def test_with_published_scripts_her_vacation_is_what_is_sent_whenever_she_sets_it(
    dovecot: Dovecot, mailbox: str, relay: Sink, tmp_path: Path, step: str
) -> None:
    set_script(dovecot, mailbox, HER_FILTER)
    home: list[object] = []

    def she_acts(name: str) -> None:
        if name == step and not home:
            set_script(dovecot, mailbox, HER_VACATION)
            home.append(hers(dovecot, mailbox))

    world = world_of(tmp_path, relay, published(dovecot), mailbox, step=she_acts)
    case = asked_for(world, mailbox)
    world.work()
    world.later(hours=2)
    assert home == [hers(dovecot, mailbox)]
    assert replies(deliver(dovecot, mailbox)) == ["I set this myself."]
    world.later(days=15)
    assert world.desk.case(case.id).state is State.ACCOUNTED
    assert replies(deliver(dovecot, mailbox)) == ["I set this myself."]


def test_where_hers_cannot_be_seen_her_vacation_is_what_is_sent_at_once(
    dovecot: Dovecot, mailbox: str, relay: Sink, tmp_path: Path
) -> None:
    world = world_of(tmp_path, relay, published(dovecot, script=""), mailbox)
    case = live(world, mailbox)
    assert replies(deliver(dovecot, mailbox)) == [OURS]
    set_script(dovecot, mailbox, HER_VACATION)
    assert replies(deliver(dovecot, mailbox)) == ["I set this myself."]
    world.later(days=15)
    case = world.desk.case(case.id)
    assert (case.state, case.outcome) == (State.ACCOUNTED, "time")


@pytest.mark.parametrize(("had", "outcome"), [(b"keep;", "changed-by-owner"), (HER_VACATION, "time")])
def test_a_reply_of_hers_that_could_not_be_seen_when_ours_was_set_is_not_told_as_new(
    dovecot: Dovecot, mailbox: str, relay: Sink, tmp_path: Path, had: bytes, outcome: str
) -> None:
    her = owner(dovecot, mailbox)
    her.has({"main": had}, "main")
    world = world_of(tmp_path, relay, connectors_of(dovecot, tmp_path, KINDS[-1]), mailbox)
    secret, away = tmp_path / "managesieve.secret", tmp_path / "away"
    secret.rename(away)
    case = live(world, mailbox)
    assert case.own_reply_found is None
    away.rename(secret)
    world.later(hours=2)
    assert world.desk.case(case.id).state is State.APPLIED
    her.do(put("main", HER_VACATION))
    world.later(hours=2)
    world.later(days=15)
    assert world.desk.case(case.id).outcome == outcome


@pytest.mark.parametrize("step", ["end", "reached", "objected", "stop by her link"])
def test_what_somebody_decides_in_the_moment_in_which_a_worker_is_at_the_case_is_done(
    relay: Sink, tmp_path: Path, step: str
) -> None:
    world = world_of(tmp_path, relay, PUBLISHED, "anna@corp.test")
    case = live(world, "anna@corp.test")
    token = world.token("anna@corp.test", "live")
    worked: list[Case] = []

    def clock() -> datetime:
        if not worked:
            worked.extend(world.app.store.commit([Change(case=world.app.store.case(case.id))]))
        return world.now

    desk = Desk(replace(world.desk.office, clock=clock))
    bob = world.app.acting("bob")
    match step:
        case "end":
            desk.end(bob, case.id)
        case "stop by her link":
            desk.answer(token, "stop")
        case _:
            desk.contact(bob, case.id, by="phone", outcome=step, because="She called.")
    after = world.desk.case(case.id)
    assert worked
    assert after.state is (State.APPLIED if step == "reached" else State.ENDING)
    assert world.types(case).count("asked" if step in ("reached", "objected") else "withdrawn") >= 1


HERS = {
    "stop": b"stop;",
    "discard": b"discard;",
    "discard some": b'if header :contains "subject" "Question" { discard; stop; }',
    "redirect": b'redirect "home@example.org";',
    "redirect and keep": b'require "copy"; redirect :copy "home@example.org";',
    "file away": b'require ["fileinto", "mailbox"]; fileinto :create "Else"; stop;',
    "include": b'require "include"; include :personal :optional "another"; include :personal "rules";',
    "error": b'require ["variables", "fileinto"]; set "x" "\\x01/../nowhere"; fileinto "${x}";',
}
ANSWERS = {
    "reject": b'require "reject"; if header :contains "subject" "Question" { reject "Do not write."; }',
    "reject and file": b'require ["reject", "fileinto"]; if size :under 1M { reject "No."; stop; } fileinto "INBOX";',
    "vacation": HER_VACATION,
    "vacation and file": b'require ["vacation", "fileinto", "mailbox"]; vacation "Mine."; fileinto :create "Else";',
}
Done = tuple[list[tuple[str, str]], int]


def done(host: Dovecot, mailbox: str) -> Done:
    """What becomes of a message to her besides our reply: what goes out to whom, and how many copies are stored."""
    before = stored(host, mailbox)
    sent = [
        (kind, to_whom) for message in deliver(host, mailbox) if (kind := _kind(message)) for to_whom in _to(message)
    ]
    return sent, stored(host, mailbox) - before


def _kind(message: Received) -> str:
    if message.sender:
        return "sent on"
    return "rejection" if b"report" in message.content else "".join(t for t in replies([message]) if t != OURS)


def _to(message: Received) -> list[str]:
    return ["sender" if one.startswith("klant") else one for one in message.recipients]


def without_us(host: Dovecot, scripts: Mapping[str, bytes]) -> dict[str, Done]:
    found = {}
    for name, script in scripts.items():
        mailbox = f"colleague{next(_serial)}@corp.test"
        owner(host, mailbox).has({"rules": RULES, "main": script}, "main")
        found[name] = done(host, mailbox)
    return found


def all_live(
    host: Dovecot, relay: Sink, folder: Path, connectors: str, scripts: Mapping[str, bytes]
) -> tuple[World, dict[str, str]]:
    """An organisation in which for each of these scripts a mailbox has a reply of ours live, beside harmless filters."""
    mailboxes = {name: f"colleague{next(_serial)}@corp.test" for name in scripts}
    for mailbox in mailboxes.values():
        owner(host, mailbox).has({"rules": RULES, "main": MAIN}, "main")
    world = world_of(folder, relay, connectors, *mailboxes.values())
    cases = [asked_for(world, mailbox) for mailbox in mailboxes.values()]
    world.work()
    assert {world.desk.case(case.id).state for case in cases} == {State.APPLIED}
    return world, mailboxes


def connectors_of(host: Dovecot, folder: Path, kind: str) -> str:
    match kind:
        case "managesieve":
            return managesieve(host, folder)
        case "behind hers":
            return published(host, script="")
        case "before hers":
            return published(host)
    return published(host, script="") + 'owner_reader = "legacy"\n' + managesieve(host, folder, "[]")


KINDS = ("managesieve", "behind hers", "before hers", "before hers by another connector")


@pytest.mark.parametrize("kind", KINDS)
def test_what_she_writes_while_ours_is_live_is_done_as_without_us(
    dovecot: Dovecot, relay: Sink, tmp_path: Path, kind: str
) -> None:
    alone = without_us(dovecot, HERS)
    _, mailboxes = all_live(dovecot, relay, tmp_path, connectors_of(dovecot, tmp_path, kind), HERS)
    for name, mailbox in mailboxes.items():
        owner(dovecot, mailbox).do(put("main", HERS[name]))
        assert done(dovecot, mailbox) == alone[name], name


@pytest.mark.parametrize("kind", KINDS)
def test_a_reply_or_a_reject_that_she_writes_is_done_as_without_us_from_the_watch_on(
    dovecot: Dovecot, relay: Sink, tmp_path: Path, kind: str
) -> None:
    alone = without_us(dovecot, ANSWERS)
    world, mailboxes = all_live(dovecot, relay, tmp_path, connectors_of(dovecot, tmp_path, kind), ANSWERS)
    for name, mailbox in mailboxes.items():
        owner(dovecot, mailbox).do(put("main", ANSWERS[name]))
    on_mail_system(world, timedelta(hours=2))
    for name, mailbox in mailboxes.items():
        assert done(dovecot, mailbox) == alone[name], name


@pytest.mark.parametrize("kind", KINDS)
def test_no_mail_is_lost_between_her_reject_and_the_watch(
    dovecot: Dovecot, relay: Sink, tmp_path: Path, kind: str
) -> None:
    """Stored, or rejected as she wants; never neither."""
    _, mailboxes = all_live(dovecot, relay, tmp_path, connectors_of(dovecot, tmp_path, kind), ANSWERS)
    for name, mailbox in mailboxes.items():
        owner(dovecot, mailbox).do(put("main", ANSWERS[name]))
        sent, kept = done(dovecot, mailbox)
        assert kept == 1 or ("rejection", "sender") in sent, name
