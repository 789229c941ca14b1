"""The pages behind signing in, as a browser gets them from a real `locum serve`: how fast with 100,000 cases in the store and 50
requests a second, how large, and whether a thousand cases that wait slow anybody down.

Cases are filed for one mailbox in earnest and copied for all others: rows, entries and all, only without the letters.
"""

import gzip
import http.client
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from tests.world import World

from bench.organisation import forms, organisation
from bench.table import Row
from locum.approval import request_hash
from locum.demo.host import free_port
from locum.desk import Acting
from locum.desk.requested import canonical_request
from locum.entry import Draft, Json
from locum.lifecycle import Case, State
from locum.sessions import How
from locum.store import Change, Job

CASES, REQUESTERS, MAILBOXES = 100_000, 100, 5_000
PER_SECOND, SECONDS, LIMIT_MS = 50, 20, 150
LARGEST = 60_000
_AT_ONCE = 500
_FULL, _TIMES = 50, 1.5
_STATES = (State.ACCOUNTED,) * 17 + (State.APPLIED, State.ASKING, State.WITHDRAWN)
_LOCUM = str(Path(sys.executable).with_name("locum"))
_PAGES = ("/cases", "/cases/{case}", "/mine", "/cases/{case}", "/cases", "/calendar", "/cases/ask", "/people")
"""What is asked for, again and again in this order."""
_OTHERS = (
    "/", "/sign-in", "/signed-in", "/policy", "/figures", "/people/keys", "/mine/text", "/mine/channels", "/mine/protections",
)  # fmt: skip
"""What is weighed besides."""
_SETTINGS = """
[web]
url = "http://localhost:{port}"
listen = "127.0.0.1:{port}"
[oidc]
issuer = "http://127.0.0.1:1"
client_id = "bench"
"""


@dataclass
class Browser:
    """One who is signed in, over one connection that is kept open."""

    address: str
    cookie: str
    case: str
    connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> tuple[int, bytes, str]:
        """Status, body as it came over the wire, and its encoding."""
        headers = {"Cookie": f"locum={self.cookie}", "Accept-Encoding": "gzip", "Accept-Language": "en"}
        while True:
            kept = self.connection is not None
            if self.connection is None:
                self.connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=30)
            try:
                self.connection.request("GET", path.format(case=self.case), headers=headers)
                answer = self.connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.connection = None  # it was kept too long; a browser asks anew
                if not kept:
                    raise
            else:
                break
        return answer.status, answer.read(), answer.headers.get("Content-Encoding", "")

    def weight(self, path: str) -> int:
        """The bytes of a page, its headers aside, with the stylesheet and the scripts it names."""
        status, body, encoding = self.get(path)
        if status != 200:  # not for her, and small
            return len(body)
        text = (gzip.decompress(body) if encoding == "gzip" else body).decode()
        named = re.findall(r'<(?:link|script|img)[^>]*(?:href|src)="([^"]+)"', text)
        return len(body) + sum(len(self.get(urlsplit(urljoin(self.address, one)).path)[1]) for one in set(named))


def pages() -> list[Row]:
    """How fast, and how large."""
    with organisation(MAILBOXES, _SETTINGS.format(port=free_port())) as world:
        begin = time.perf_counter()
        _fill(world, CASES)
        print(f"{CASES} cases: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
        with _serving(world) as browsers:
            for path in dict.fromkeys(_PAGES):  # what is read once: templates, catalogues, the register
                browsers[0].get(path)
            times = _steadily(browsers, PER_SECOND, SECONDS)
            sizes = {path: browsers[0].weight(path) for path in dict.fromkeys((*_PAGES, *_OTHERS))}
    p95 = sorted(times)[int(len(times) * 0.95)] * 1000
    largest = max(sizes, key=lambda path: sizes[path])
    return [
        Row(
            name="pages-p95", unit=f"ms at {PER_SECOND} a second, {CASES} cases", ours=p95, ratio=p95 / LIMIT_MS,
            goal=f"< {LIMIT_MS}", holds=p95 < LIMIT_MS,
        ),
        Row(
            name="pages-median", unit=f"ms at {PER_SECOND} a second, {CASES} cases", ours=statistics.median(times) * 1000,
        ),
        Row(
            name="page-bytes", unit=f"bytes of {largest} with its stylesheet and script", ours=sizes[largest],
            ratio=sizes[largest] / LARGEST, goal=f"< {LARGEST}", holds=sizes[largest] < LARGEST,
        ),
    ]  # fmt: skip


def waiting() -> list[Row]:
    """The same pages, and a worker's next case, with fifty cases that wait for a review (a full page) and with a thousand: in
    turn, so that what else the machine does slows both.
    """
    with _with_waiting(_FULL) as few, _with_waiting(1000) as many:
        page = [(_timed(few[0], "/cases"), _timed(many[0], "/cases")) for _ in range(60)]
        work = [(_one(few[1], _FULL + n), _one(many[1], 1000 + n)) for n in range(40)]
    return [
        _beside("waiting-1000-page", "ms, median of /cases of an approver", page),
        _beside("waiting-1000-worker", "ms from request to live, median", work),
    ]


def _beside(name: str, unit: str, pairs: Sequence[tuple[float, float]]) -> Row:
    few, many = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    return Row(
        name=name, unit=unit, ours=many, peer=few, peer_name=f"ms with {_FULL}", ratio=many / few,
        goal=f"<= {_TIMES:g} times", holds=many <= few * _TIMES,
    )  # fmt: skip


@contextmanager
def _with_waiting(count: int) -> Iterator[tuple[Browser, World]]:
    with organisation(count + 100, _SETTINGS.format(port=free_port())) as world:
        people = world.folder / "people.csv"
        people.write_text(
            people.read_text() + "hr0,Hannah Roos,hr0@corp.test,,en,Europe/Amsterdam,hr,,,,\n"
            "hr1,Henk Roos,hr1@corp.test,,en,Europe/Amsterdam,hr,,,,\n"
        )
        world.app = world.wired()
        _fill(world, count, state=State.AWAITING_REVIEW, job="review-wanted")
        while taken := world.app.store.take("bench", seconds=600, lanes=["letters"]):
            world.desk.run(taken)
        with _serving(world, ["hr1"]) as (browser,):
            browser.get("/cases")
            yield browser, world


def _one(world: World, number: int) -> float:
    """From a request until its reply is live, whatever else waits."""
    begin = time.perf_counter()
    case = world.desk.request(world.app.acting("bob"), forms(1, number)[0])
    while taken := world.app.store.take("bench", seconds=60, lanes=["letters", "desk", "dovecot"]):
        world.desk.run(taken)
        if taken[0].job.kind == "apply":
            break
    took = time.perf_counter() - begin
    assert world.desk.case(case.id).state is State.APPLIED
    return took


# a store full of cases ---------------------------------------------------------------------------------------------


def _fill(world: World, count: int, *, state: State | None = None, job: str = "") -> None:
    """`count` cases over all mailboxes, asked for by REQUESTERS people in turn. Without a state, a mix of them."""
    filed = world.desk.request(Acting(id="p0", name="Person 0"), forms(1, 99)[0])
    world.desk.withdraw(Acting(id="p0", name="Person 0"), filed.id)
    template, done = world.desk.case(filed.id), 0
    mailboxes = sum(1 for _ in world.app.people.everyone()) - 3
    while done < count:
        some = range(done, min(done + _AT_ONCE, count))
        world.app.store.commit([_copy(template, n, n % mailboxes, state, job) for n in some])
        done = some.stop


def _copy(template: Case, number: int, place: int, state: State | None, job: str) -> Change:
    case = replace(
        template, id=f"{number:08x}", version=0, mailbox=f"p{place}@corp.test", person=f"p{place}",
        requester="bob" if job else f"p{number % REQUESTERS}", state=state or _STATES[number % len(_STATES)],
        filed_at=template.filed_at - timedelta(minutes=number), nonce=f"{number:032x}", outcome="",
    )  # fmt: skip
    case = replace(case, request=request_hash(canonical_request(case)))
    who: Json = {"id": case.requester, "name": "Somebody"}
    body: dict[str, Json] = {**canonical_request(case), "requester": who, "request": case.request, "case": case.id}
    sent: dict[str, Json] = {
        "case": case.id, "channel": "mailbox", "outcome": "delivered-to-relay", "to": "p•••@corp.test", "by": "",
        "receipt": "250 ok", "note": "", "tries": 1,
    }  # fmt: skip
    drafts = (
        Draft(stream=case.mailbox, type="requested", time=case.filed_at, body=body),
        Draft(stream=case.mailbox, type="asked", time=case.filed_at, body=sent),
    )
    jobs = (Job(kind=job, case=case.id, due_at=template.filed_at, lane="letters"),) if job else ()
    return Change(case=case, entries=drafts, put=jobs)


@contextmanager
def _serving(world: World, people: Sequence[str] = ()) -> Iterator[list[Browser]]:
    """A `locum serve` of its own, and a browser for each of these people; by default those who asked for most."""
    command, environment = [_LOCUM, "serve"], {**os.environ, "LOCUM_CONFIG": str(world.config)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    world.now = datetime.now(UTC)  # that of the other process
    try:
        address, sessions = world.app.settings.web.url, world.app.doorway.sessions
        _wait_for(address)
        yield [
            Browser(address, sessions.begin(who, How.PROVIDER, proved_at=world.now), _case_of(who))
            for who in people or [f"p{number}" for number in range(40)]
        ]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_for(address: str) -> None:
    for _ in range(100):
        try:
            assert Browser(address, "", "").get("/healthz")[0] == 200
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"nothing answers at {address}")


def _case_of(who: str) -> str:
    return f"{int(who[1:]):08x}" if who[1:].isdigit() else f"{0:08x}"


def _timed(browser: Browser, path: str) -> float:
    begin = time.perf_counter()
    assert browser.get(path)[0] == 200, path
    return time.perf_counter() - begin


def _steadily(browsers: Sequence[Browser], per_second: int, seconds: int) -> list[float]:
    """The seconds of each request, from the moment it was due: who has to wait for a free connection has waited too."""
    begin = time.perf_counter() + 0.1
    free = list(browsers)

    def ask(number: int) -> float:
        due = begin + number / per_second
        time.sleep(max(0.0, due - time.perf_counter()))
        browser = free.pop()
        try:
            status = browser.get(_PAGES[number % len(_PAGES)])[0]
        finally:
            free.append(browser)
        assert status == 200, (_PAGES[number % len(_PAGES)], status)
        return time.perf_counter() - due

    with ThreadPoolExecutor(len(browsers)) as pool:
        return list(pool.map(ask, range(per_second * seconds)))
