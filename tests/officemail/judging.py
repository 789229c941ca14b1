"""Searching a made-up mailbox on a real mail server, judged by the truth: what leaked, what was found, how much was seen."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from locum.absence import Mailbox
from locum.connectors.imap_tokens import to_utf7
from locum.errors import Refused
from locum.query import Exclusions, Look, Protections, Query
from locum.seam import Hit, Searcher
from mailhosts.searching import Searched
from officemail.asking import Asked, matches
from officemail.making import Office, Written
from officemail.people import CONFIDENTIAL_NAMED, LOCUM, PROTECTED

TAGS = ("privé", "prive", "persoonlijk", "private", "personal", "privat", "persönlich", "personnel", "privato")
LEFT_OUT = Exclusions(
    folders=TAGS,
    subject_tags=TAGS,
    sensitivities=("personal", "private"),
    labels=("$Private", "Privé", "Private"),
    correspondents=CONFIDENTIAL_NAMED,
    own=(LOCUM,),
    protections=Protections(senders=PROTECTED, folders=("Zangkoor",), words=("scheiding",)),
)
"""What the policy of the made-up organisation and she herself name."""


@dataclass
class Judged:
    """What came of some questions. `leaked` are ids that no search may find, and were found or counted; `missed` ids that were wanted
    and not found.
    """

    asked: int = 0
    wanted: int = 0
    too_broad: int = 0
    seen: int = 0
    headers: int = 0
    leaked: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    too_many: list[Asked] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Of the messages that were wanted and not among too many, how many were found."""
        return 1 - len(self.missed) / self.wanted if self.wanted else 1.0


def put(place: Searched, mailbox: str, messages: Iterable[Written]) -> None:
    """Lay the messages into her maildir, each in its folder, as unseen as they arrived."""
    home = place.host.home(mailbox) / "Maildir"
    made: set[Path] = set()
    for number, one in enumerate(messages):
        folder = home / f".{to_utf7(one.folder).decode().replace('/', '.')}" if one.folder else home
        if folder not in made:
            made.add(folder)
            for name in ("cur", "new", "tmp"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / "dovecot-keywords").write_text("0 $Private\n")
        flags = "a" if one.keywords else ""
        file = folder / "cur" / f"{int(one.arrived.timestamp())}.M{number:06}.test:2,{flags}"
        file.write_bytes(one.content)
        os.utime(file, (one.arrived.timestamp(),) * 2)
    for one in (home.parent, home, *home.rglob("*")):
        os.chown(one, place.host.uid, place.host.gid)


def look(question: Asked, left_out: Exclusions = LEFT_OUT) -> Look:
    query = Query(senders=question.senders, words=question.words, since=question.since, before=question.before)
    return Look(query=query, exclusions=left_out)


def judge(
    searcher: Searcher, mailbox: str, office: Office, questions: Sequence[Asked], left_out: Exclusions = LEFT_OUT
) -> Judged:
    """Ask all of them, and compare each list, and each count that is too long for one, with the truth."""
    found, never = Judged(), office.never
    for question in questions:
        found.asked += 1
        allowed = matches(office, question)
        hits, many = _asked(searcher, mailbox, look(question, left_out), found)
        ids = {hit.message_id for hit in hits}
        found.seen += len(hits)
        found.leaked += sorted(ids & never)
        if many is not None and many > len(allowed):
            found.too_many.append(question)
        if question.aims:
            continue
        if len(allowed) > 20:
            found.too_broad += 1
            continue
        found.wanted += 1
        if question.wanted not in ids:
            found.missed.append(question.wanted)
    return found


def _asked(searcher: Searcher, mailbox: str, asked: Look, found: Judged) -> tuple[Sequence[Hit], int | None]:
    box = Mailbox(address=mailbox)
    try:
        listed = searcher.list(box, asked)
    except Refused:
        try:
            counted = searcher.count(box, asked)
        except Refused:
            return (), None
        found.headers += counted.looked.headers
        return (), counted.number
    found.headers += listed.looked.headers
    return listed.hits, len(listed.hits)
