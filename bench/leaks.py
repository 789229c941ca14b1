"""Searching: does anything leak, is what is wanted found, how much is seen, and what does it cost, on a real Dovecot.

The mailbox is made up (tests/officemail), with the truth about each message; the questions are those of somebody who looks for one
agreement, and of somebody who is after something else. Beside it stands what people use today on the same mailbox with the same
questions: an administrator's `doveadm search`, and full access.
"""

import imaplib
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from bench.table import Row
from locum.absence import Mailbox
from locum.query import Exclusions, Look, Query
from mailhosts.dovecot import PASSWORD
from mailhosts.searching import Searched, searched
from officemail import Asked, Office, asked, office
from officemail.judging import LEFT_OUT, Judged, judge, put

ANNA, BIG = "anna@corp.test", "big@corp.test"
MESSAGES, QUESTIONS, COMPARED = 10_000, 1_000, 100
RUNS = 9
IN_PARTS = 50


def leaks() -> list[Row]:
    """A thousand questions, and a hundred of them asked as an administrator asks."""
    mailbox = office(MESSAGES, seed=1)
    questions = asked(mailbox, QUESTIONS, seed=2)
    with searched([ANNA]) as place:
        put(place, ANNA, mailbox.messages)
        found = Judged()
        for start in range(0, QUESTIONS, IN_PARTS):
            print(f"  {start} of {QUESTIONS} questions", file=sys.stderr, flush=True)
            _add(found, judge(place.searcher(), ANNA, mailbox, questions[start : start + IN_PARTS]))
        theirs = [_doveadm(place, question) for question in questions[:COMPARED]]
    never = mailbox.never
    leaked = len(found.leaked) + len(found.too_many)
    leaked_there = sum(len(ids & never) for ids in theirs)
    seen_there = sum(map(len, theirs)) / COMPARED
    seen = found.seen / QUESTIONS
    return [
        Row(name="search-leaks", unit=f"excluded messages counted or listed in {QUESTIONS} questions over {MESSAGES} messages", ours=leaked, peer=leaked_there * QUESTIONS / COMPARED, peer_name=f"doveadm search (from {COMPARED} questions)", goal="0", holds=leaked == 0),
        Row(name="search-recall", unit="of the wanted messages found, where 20 or fewer answer", ours=round(found.recall, 4), goal=">= 0.98", holds=found.recall >= 0.98),
        Row(name="search-seen", unit="messages of which somebody sees anything, per question", ours=round(seen, 2), peer=seen_there, peer_name="doveadm search", ratio=seen / seen_there if seen_there else None),
        Row(name="search-seen-full-access", unit="messages of which somebody sees anything, per question", ours=round(seen, 2), peer=MESSAGES, peer_name="full access", ratio=seen / MESSAGES),
    ]  # fmt: skip


def _add(found: Judged, part: Judged) -> None:
    for name in ("asked", "wanted", "too_broad", "seen", "headers", "leaked", "missed", "too_many"):
        setattr(found, name, getattr(found, name) + getattr(part, name))


def _doveadm(place: Searched, question: Asked) -> set[str]:
    """What an administrator is shown by the same question: all of it, ids instead of subjects so that they can be compared."""
    terms = ["mailbox", "*"]
    for sender in question.senders:
        terms += ["from", sender.removeprefix("@")]
    for word in question.words:
        terms += ["text", word]
    if question.since is not None and question.before is not None:
        terms += [
            "since",
            f"{question.since - timedelta(days=1):%d-%b-%Y}",
            "before",
            f"{question.before + timedelta(days=1):%d-%b-%Y}",
        ]
    told = place.host.doveadm("fetch", "-u", ANNA, "hdr.message-id", *terms)
    return {line.partition(": ")[2].strip() for line in told.splitlines() if line.startswith("hdr.message-id: ")}


def search_numbers() -> list[Row]:
    """What a count costs beside the bare SEARCH with the same terms on the same server, and a list of twenty."""
    rows = []
    with searched([ANNA, BIG]) as place:
        for who, many in ((ANNA, MESSAGES), (BIG, 10 * MESSAGES)):
            mailbox = office(many, seed=1)
            put(place, who, mailbox.messages)
            rows += _counted(place, who, many, mailbox)
        rows.append(_listed(place))
    return rows


def _counted(place: Searched, who: str, many: int, mailbox: Office) -> list[Row]:
    business = [one for one in mailbox.messages if not one.left_out]
    queries = [
        Query(words=(one.about,), since=one.arrived - timedelta(days=300), before=one.arrived + timedelta(days=100))
        for one in business[: RUNS * 40 : 40]
    ]
    bare, plain, whole = [], [], []
    _bare(place, who, queries[0])  # both begin with the server's index warm
    for query in queries:
        bare.append(_timed(lambda query=query: _bare(place, who, query)))
        plain.append(_timed(lambda query=query: _count(place, who, query, Exclusions())))
        whole.append(_timed(lambda query=query: _count(place, who, query, LEFT_OUT)))
    theirs = statistics.median(bare)
    name = f"{many:,} messages"
    found = []
    for what, ours, most in (
        ("count", statistics.median(plain), 1.2),
        ("count-with-exclusions", statistics.median(whole), 2.0),
    ):
        ratio = ours / theirs
        found.append(Row(name=f"search-{what}-{many}", unit=f"s, {name}, a word in 400 days", ours=round(ours, 3), peer=round(theirs, 3), peer_name="bare IMAP SEARCH", ratio=ratio, goal=f"<= {most} times", holds=ratio <= most))  # fmt: skip
    return found


def _listed(place: Searched) -> Row:
    content = b"From: <klant@twenty.test>\nTo: <anna@corp.test>\nSubject: Offerte\nDate: Mon, 23 Nov 2026 10:00:00 +0100\nMessage-ID: <%d@twenty.test>\n\ntekst\n"
    place.put(ANNA, [content % number for number in range(20)])
    look = Look(query=Query(senders=("@twenty.test",), words=("tekst",)), exclusions=LEFT_OUT)
    place.searcher().list(Mailbox(address=ANNA), look)
    seconds = statistics.median(_timed(lambda: place.searcher().list(Mailbox(address=ANNA), look)) for _ in range(RUNS))
    return Row(name="search-list-20", unit=f"s, headers of 20 hits among {MESSAGES:,}", ours=round(seconds, 3), ratio=seconds / 0.5, goal="< 0.5", holds=seconds < 0.5)  # fmt: skip


def _timed(act: Callable[[], object]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def _count(place: Searched, who: str, query: Query, left_out: Exclusions) -> int:
    return place.searcher().count(Mailbox(address=who), Look(query=query, exclusions=left_out)).number


def _bare(place: Searched, who: str, query: Query) -> int:
    """Log in as she does, and count in every folder that ours looks into."""
    client = imaplib.IMAP4("127.0.0.1", place.host.imap_port)
    client.login(who, PASSWORD)
    many = 0
    for folder in _folders(client.list()[1]):
        client.select(folder, readonly=True)
        terms: Sequence[str] = (
            "SINCE",
            f"{query.since:%d-%b-%Y}",
            "BEFORE",
            f"{query.before:%d-%b-%Y}",
            "TEXT",
            f'"{query.words[0]}"',
        )
        client.uid("SEARCH", "RETURN", "(COUNT)", *terms)
        many += len(client.response("ESEARCH")[1])
    client.logout()
    return many


def _folders(listed: Iterable[object]) -> list[str]:
    names = [
        one.decode().rpartition(" ")[2] if b'"' not in one.rpartition(b") ")[2][4:] else one.decode().split('"')[-2]
        for one in listed
        if isinstance(one, bytes)
    ]
    private = ("Priv", "Perso", "OR", "Vakbond", "Zang")
    return [
        f'"{name.strip(chr(34))}"'
        for name in names
        if not any(level.startswith(private) for level in name.strip('"').split("."))
    ]
