"""One look into one mailbox over IMAP: which messages answer the question once everything is left out that has to be.

The server searches; what it finds is judged here by its headers, read with PEEK and forgotten, the newest first and no further than
is needed to know that there are too many. Then the server is asked twice more, about the few that are left: whether they answer something
that is left out, and whether a confidential correspondent or a mark stands in what was forwarded with them. A server that cannot be asked
in UTF-8 (RFC 3501 section 6.4.4, BADCHARSET) is asked by sender and date alone, and what fits is judged whole here. Not a connector: imap.py is.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from locum.connectors.imap_answers import Folder, Row
from locum.connectors.imap_grants import Grant
from locum.connectors.imap_terms import Part, any_message_id, criteria, either, text, these
from locum.connectors.imap_tokens import Attached
from locum.connectors.imap_wire import BadCharset, Wire
from locum.narrowing import Doubt, Headers, answers, any_is, excluded, excluded_within, folder_is_excluded, read_headers
from locum.query import Exclusions, Look
from locum.rendering import render
from locum.rendering.parts import INLINE_PGP
from locum.seam import Looked

BATCH: Final = 60
_ROUNDS: Final = 8
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_FORWARDED: Final = ("subject:", "onderwerp:", "betreff:", "objet:")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that answers and is not left out: its folder, what was read of it, and its headers."""

    folder: Folder
    validity: int
    row: Row
    headers: Headers


@dataclass
class _Tally:
    """What a look cost and left out so far."""

    excluded: Counter[str] = field(default_factory=Counter)
    headers: int = 0
    bodies: int = 0
    all_judged: bool = True
    remarks: dict[str, None] = field(default_factory=dict)

    def looked(self, grant: str) -> Looked:
        return Looked(
            excluded=tuple(sorted((kind, many) for kind, many in self.excluded.items() if many)),
            all_judged=self.all_judged,
            headers=self.headers,
            bodies=self.bodies,
            grants=(grant,),
            remarks=tuple(self.remarks),
        )


class Looking:
    """A look over a connection that is logged in. It is used once."""

    def __init__(self, wire: Wire, look: Look, grant: Grant) -> None:
        self._wire, self._look, self._grant = wire, look, grant
        self._tally = _Tally()
        self._known: dict[str, bool] = {}
        self._here = False  # the server refused UTF-8: words and what is left out are compared here
        self._whole: set[int] = set()  # the UIDs of the folder that is open which were judged whole

    def remark(self, key: str) -> None:
        """Something about this look that a reader should know: a key under `remark.`."""
        self._tally.remarks[key] = None

    @property
    def looked(self) -> Looked:
        """What it cost and left out."""
        return self._tally.looked(self._grant.name)

    def candidates(self, only: tuple[str, int, int] | None = None) -> list[Candidate]:
        """The messages that answer, newest first, at most one more than the look tells apart. `only`: nothing but the message with
        this path, validity and UID. All of them are judged, however many: a limit would tell whether there is much
        that is left out.
        """
        self._folders = self._visible()
        found: list[Candidate] = []
        for folder in self._folders:
            if only is not None and folder.path != only[0]:
                continue
            found += self._in(folder, self._look.most + 1 - len(found), only)
            if len(found) > self._look.most:
                self._tally.all_judged = False
                break
        return sorted(found, key=lambda one: (_received(one.row), one.row.uid), reverse=True)

    def message(self, candidate: Candidate) -> bytes | None:
        """The whole message; None where it has gone."""
        if self._wire.examine(candidate.folder) is None:
            return None
        self._tally.bodies += 1
        return self._wire.message(candidate.row.uid)

    def _visible(self) -> list[Folder]:
        """The folders that may be looked into, INBOX first."""
        folders = self._wire.folders(self._grant.under)
        kept = [one for one in folders if not folder_is_excluded(one.path, self._look.exclusions)]
        if len(kept) < len(folders):
            self.remark("folders-left-out")
        return sorted(kept, key=lambda one: one.path.upper() != "INBOX")

    def _in(self, folder: Folder, room: int, only: tuple[str, int, int] | None) -> list[Candidate]:
        opened = self._wire.examine(folder)
        if opened is None or not opened.messages or (only is not None and only[1] != opened.uid_validity):
            return []
        self._whole.clear()
        uids = self._asked([]) if only is None else [one for one in self._asked([these([only[2]])]) if one == only[2]]
        found: list[Candidate] = []
        for start in range(0, len(uids), BATCH):
            newest = uids[::-1][start : start + BATCH]
            judged = [Candidate(folder, opened.uid_validity, row, headers) for row, headers in self._judged(newest)]
            found += self._settled(folder, judged)
            if len(found) >= room:
                self._tally.all_judged = self._tally.all_judged and start + BATCH >= len(uids)
                return found[:room]
        return found

    def _asked(self, more: Sequence[Part]) -> list[int]:
        """Ask the server. One that does not know the charset is asked without the words, and the words are compared here."""
        query = self._look.query
        if not self._here:
            try:
                return self._wire.search([*more, *criteria(query)])
            except BadCharset:
                self._from_now_on_here()
        return self._wire.search([*more, *criteria(query, words=False)])

    def _from_now_on_here(self) -> None:
        self._here = True
        self.remark("words-compared-here")

    def _judged(self, uids: Sequence[int]) -> Iterator[tuple[Row, Headers]]:
        """Those of these that answer the question by their headers, and are not left out by them."""
        rows = self._read(uids)
        for uid in uids:
            row = rows.get(uid)
            if row is None:
                continue
            try:
                headers = read_headers(row.content)
            except Doubt:
                self._tally.excluded["doubt"] += 1
                continue
            if not self._fits(row, headers):
                continue
            if (kind := excluded(headers, row.flags, self._look.exclusions)) is not None:
                self._tally.excluded[kind] += 1
            elif not self._here or self._answers_here(row, headers):
                yield row, headers

    def _read(self, uids: Sequence[int]) -> dict[int, Row]:
        rows = {row.uid: row for row in self._wire.headers(uids)}
        self._tally.headers += len(rows)
        return rows

    def _fits(self, row: Row, headers: Headers) -> bool:
        """By sender and time of arrival, to the letter."""
        query = self._look.query
        if query.senders and not any_is(headers.from_, query.senders):
            return False
        at = _received(row)
        return not (query.since is not None and at < query.since) and not (
            query.before is not None and at >= query.before
        )

    def _answers_here(self, row: Row, headers: Headers) -> bool:
        """Whether it has the words and nothing of it is left out, by the message as a whole. However many there are: a limit would tell
        how many there are that are left out.
        """
        content = self._read_whole(row.uid)
        if content is None or not answers(self._look.query, headers, _received(row), render(content).text):
            return False
        return not self._left_out_by_its_content(row.uid, content)

    def _read_whole(self, uid: int) -> bytes | None:
        content = self._wire.message(uid)
        self._tally.bodies += content is not None
        return content

    def _left_out_by_its_content(self, uid: int, content: bytes) -> bool:
        self._whole.add(uid)
        kind = excluded_within(content, self._look.exclusions)
        if kind is not None:
            self._tally.excluded[kind] += 1
        return kind is not None

    # what is forwarded in it, and what it answers

    def _settled(self, folder: Folder, found: list[Candidate]) -> list[Candidate]:
        """Those that neither hold something that is left out nor answer it. Where nothing is named, there is nothing to look for."""
        if not found or self._look.exclusions == Exclusions():
            return found
        structures = self._wire.attached([one.row.uid for one in found])
        holding = self._holding([one.row.uid for one in found])
        kept = [
            one for one in found if one.row.uid not in holding and not self._carries(one, structures.get(one.row.uid))
        ]
        tainted = self._tainted([one.headers for one in kept])
        if self._wire.examine(folder) is None:
            return []
        for one in kept:
            if one.headers.references and tainted & set(one.headers.references):
                self._tally.excluded["reply"] += 1
        return [one for one in kept if not tainted & set(one.headers.references)]

    def _holding(self, uids: list[int]) -> set[int]:
        """Those of these in whose text something stands that is left out. The server looks, and nothing of it crosses the wire; where
        it cannot be asked, each is judged here.
        """
        if not self._here:
            try:
                return self._held(uids)
            except BadCharset:
                self._from_now_on_here()
        found = {uid: self._read_whole(uid) for uid in uids if uid not in self._whole}
        gone = {uid for uid, content in found.items() if content is None}
        return gone | {
            uid for uid, content in found.items() if content is not None and self._left_out_by_its_content(uid, content)
        }

    def _held(self, uids: list[int]) -> set[int]:
        held: set[int] = set()
        counted: Counter[str] = Counter()
        for kind, terms in self._terms():
            if left := [uid for uid in uids if uid not in held]:
                found = set(self._wire.search([these(left), *either(terms)])) & set(left)
                counted[kind] += len(found)
                held |= found
        self._tally.excluded += counted
        return held

    def _carries(self, one: Candidate, attached: list[Attached] | None) -> bool:
        """Whether a message that is left out is attached to it, or one that cannot be looked at. Without its structure: doubted."""
        kind = (
            "doubt" if attached is None else next(filter(None, (self._kind_of(one, each) for each in attached)), None)
        )
        if kind is not None:
            self._tally.excluded[kind] += 1
        return kind is not None

    def _kind_of(self, one: Candidate, attached: Attached) -> str | None:
        raw = self._wire.attached_headers(one.row.uid, attached.part) if attached.readable else None
        if raw is None:
            return "doubt"
        self._tally.bodies += 1  # as the server counts a part that was handed over
        try:
            return excluded(read_headers(raw), (), self._look.exclusions)
        except Doubt:
            return "doubt"

    def _terms(self) -> list[tuple[str, list[tuple[bytes, Part]]]]:
        """What may not stand in the text of a message, or of what was forwarded with it."""
        left_out = self._look.exclusions
        marks = [f"{where} {tag}" for where in _FORWARDED for tag in left_out.subject_tags]
        marks += [f"sensitivity: {one}" for one in left_out.sensitivities]
        named = (
            ("correspondent", left_out.correspondents),
            ("own-letter", left_out.own),
            ("protected", left_out.protections.senders),
            ("subject", marks),
            ("encrypted", (INLINE_PGP,)),
            ("sensitivity", ("class:private", "class:confidential")),  # of an event (RFC 5545 section 3.8.1.3)
        )
        return [(kind, [(b"BODY", text(one.removeprefix("@"))) for one in words]) for kind, words in named if words]

    def _tainted(self, found: Sequence[Headers]) -> set[str]:
        """Of all ids that these answer, those of messages that are left out, as far as the folders that may be seen tell; and of what
        those answer in turn.
        """
        wanted = {one for headers in found for one in headers.references}
        answered: dict[str, tuple[str, ...]] = {}
        for _ in range(_ROUNDS):
            unknown = sorted(wanted - self._known.keys())
            if not unknown:
                break
            for headers in self._parents(unknown):
                answered[headers.message_id] = headers.references
                wanted |= set(headers.references)
            for one in unknown:
                self._known.setdefault(one, False)
        self._spread(answered)
        return {one for one in wanted if self._known.get(one)}

    def _parents(self, ids: Sequence[str]) -> Iterator[Headers]:
        """The messages with these ids. Whether each is left out is known from now on; one that cannot be read is."""
        for folder in self._folders:
            opened = self._wire.examine(folder)
            if opened is None or not opened.messages:
                continue
            for start in range(0, len(ids), BATCH):
                some = ids[start : start + BATCH]
                uids = self._with_ids(some)
                rows = self._read(uids)
                if len(rows) < len(uids):  # what is said to be there and not handed over could be left out
                    self._known.update(dict.fromkeys(some, True))
                for row in rows.values():
                    try:
                        headers = read_headers(row.content)
                    except Doubt:
                        self._known.update(dict.fromkeys(some, True))
                        continue
                    left_out = excluded(headers, row.flags, self._look.exclusions) is not None
                    self._known[headers.message_id] = self._known.get(headers.message_id, False) or left_out
                    yield headers

    def _with_ids(self, ids: Sequence[str]) -> list[int]:
        """The messages with these ids. An id that the server cannot be asked about is that of one that is left out."""
        asked = [one for one in ids if one.isascii()] if self._here else ids
        self._known.update(dict.fromkeys(set(ids) - set(asked), True))
        try:
            return self._wire.search(any_message_id(asked)) if asked else []
        except BadCharset:
            if self._here:  # it was asked in US-ASCII, and refuses that too
                raise
            self._from_now_on_here()
            return self._with_ids(ids)

    def _spread(self, answered: dict[str, tuple[str, ...]]) -> None:
        """What answers something that is left out is left out as well."""
        changed = True
        while changed:
            changed = False
            for one, references in answered.items():
                if not self._known.get(one) and any(self._known.get(other) for other in references):
                    self._known[one] = changed = True


def _received(row: Row) -> datetime:
    """When it arrived; for a server that does not say so, never."""
    return _NEVER if row.received is None else row.received


__all__ = ["Candidate", "Exclusions", "Looking"]
