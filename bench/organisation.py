"""A large organisation for the bench: many mailboxes on one real Dovecot, wired as in production."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.world import World

from locum.demo.host import Dovecot
from locum.demo.sink import Sink
from locum.desk import RequestForm
from locum.lifecycle import Case, Contact, State
from locum.store import Change, Job

POLICY = {"wait_hours": 0}
PASSWORD = "bench-only"


def people(count: int) -> str:
    """people.csv for `count` mailboxes, the requester first."""
    head = "person,name,mailbox,aliases,language,time_zone,function,manager,private_mail,mobile,private_permitted_on"
    rows = [f"p{n},Person {n},p{n}@corp.test,,en,Europe/Amsterdam,sales,,,," for n in range(count)]
    return "\n".join([head, "bob,Bob Smit,bob@corp.test,,en,Europe/Amsterdam,it,,,,", *rows]) + "\n"


@contextmanager
def organisation(count: int, more: str = "", url: str = "sqlite:///locum.db") -> Iterator[World]:
    """A world with `count` mailboxes and no mail host, in a folder of its own."""
    with TemporaryDirectory(prefix="locum-bench-") as folder, Sink() as sink:
        world = World(Path(folder), sink, store_url=url, policy=POLICY, people=people(count), more=more)
        policy = world.folder / "policy.toml"
        policy.write_text(
            policy.read_text().replace("[auto-reply.ask]", "batch_review_above = 1000000\n[auto-reply.ask]")
        )
        world.app = world.wired()
        yield world


@contextmanager
def on_dovecot(count: int) -> Iterator[tuple[World, Dovecot]]:
    """The same over a real Dovecot whose published directory is ours."""
    users = {f"p{n}@corp.test": PASSWORD for n in range(count)}
    with (
        Dovecot(domain="corp.test", users=users, masters_sieve={"locum": PASSWORD}) as host,
        organisation(count) as world,
    ):
        text = world.config.read_text().replace('directory = "sieve"', f'directory = "{host.published}"')
        world.config.write_text(text)
        world.app = world.wired()
        yield world, host


def forms(count: int, start: int = 0) -> list[RequestForm]:
    """A closing week for everybody."""
    return [
        RequestForm(
            mailbox=f"p{n}@corp.test",
            reason="closing",
            because="We are closed.",
            until="2026-12-07",
            template="closing",
        )
        for n in range(start, start + count)
    ]


def scheduled(world: World, count: int, start: int = 0) -> None:
    """File `count` requests and put them where only setting them is left, as if all had been asked and none had answered."""
    filed = world.desk.request_each(world.app.acting("bob"), forms(count, start), batch=f"bench-{start}")
    chunk: list[Case] = []
    for number, case in enumerate(filed, 1):
        assert isinstance(case, Case), case
        chunk.append(case)
        if len(chunk) == 200 or number == count:
            world.app.store.commit([_asked(world, one) for one in chunk])
            chunk.clear()


def _asked(world: World, case: Case) -> Change:
    asked = Contact(channel="mailbox", at=world.now, outcome="sent")
    case = replace(case, state=State.SCHEDULED, contacts=(asked,), ask_deadline_at=world.now, answer="unanswered")
    job = Job(kind="apply", case=case.id, due_at=world.now, lane=case.connector)
    return Change(case=case, put=(job,), drop=("ask",))


def apply(world: World, lane: str = "dovecot") -> int:
    """Do the due steps on the mail system; how many there were."""
    done = 0
    while taken := world.app.store.take("bench", seconds=600, lanes=[lane]):
        world.desk.run(taken)
        done += len(taken)
    return done


def apply_by(world: World, workers: int, lane: str = "dovecot") -> float:
    """The same by several processes, as several `locum worker` would; the seconds it took, their start not counted."""
    ready, go = os.pipe(), os.pipe()
    for _ in range(workers):
        if os.fork() == 0:
            code = 1
            try:
                world.app = world.wired()
                world.app.store.next_due()
                os.write(ready[1], b".")
                os.read(go[0], 1)
                apply(world, lane)
                code = 0
            finally:
                os._exit(code)
    for _ in range(workers):
        os.read(ready[0], 1)
    begin = time.perf_counter()
    os.write(go[1], b"." * workers)
    codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(workers)]
    seconds = time.perf_counter() - begin
    assert codes == [0] * workers, codes
    return seconds
