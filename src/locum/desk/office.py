"""What the desk has around it: the store, the mail systems, the people, the post, the policy, a clock. Built by app.py."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

from locum import tokens
from locum.absence import Mailbox, Person
from locum.account import Account
from locum.approval import Log, Site
from locum.asides import Asides
from locum.beside import Beside
from locum.cosigning import Cosigning
from locum.desk import in_force, wished
from locum.entry import Draft, Json
from locum.erasing import Eraser
from locum.errors import Conflict, Garbled, Invalid, LocumError, Refused, Rejected
from locum.flatfile import FlatFile
from locum.herkey import KeyPaper
from locum.hours import WorkingHours
from locum.key_links import KeyLinks
from locum.lifecycle import Case
from locum.logins import Logins
from locum.policy import Policy
from locum.register import STREAM, Growing, Grown, Moment, Register, grown
from locum.seam import Connector, LeaveSource, People, Post, Searcher
from locum.store import Change, Store
from locum.tlog import parse_checkpoint
from locum.wishes import Wishes

APPLY_AHEAD = timedelta(minutes=10)
"""Ours is set this long before its start: the rule itself keeps the exact second, a busy worker may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """What the settings say of the organisation. `web_url` is where the links in letters lead, `sender` whom letters are from.
    `signs_in`: a provider signs everybody in.
    """

    name: str
    domains: tuple[str, ...]
    language: str
    time_zone: str
    hours: WorkingHours
    web_url: str
    dpo: str = ""
    authority: str = ""
    numbers: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    bank_accounts: tuple[str, ...] = ()
    sender: str = ""
    signs_in: bool = False


_AWAY_KEPT = timedelta(minutes=5)


def _absent(source: LeaveSource, now: datetime) -> list[str]:
    try:
        return [one.person for one in source.absences(now, now + timedelta(seconds=1))]
    except LocumError:
        return []


def _kept(store: Store, hash_: str) -> Policy | None:
    try:
        return in_force.kept(store, hash_)
    except LocumError:  # nothing is judged by a text that was changed
        return None


def _nothing_to_sign_with() -> None:
    """This process signs no checkpoints."""


def _nothing_to_publish_with() -> bytes | None:
    """This process publishes nothing."""


def _not_known() -> str:
    """This process does not know what the record is signed with."""
    return ""


def _no_paper(_paper: KeyPaper, _form: str) -> bytes:
    """Nothing prints."""
    return b""


def _no_step(_name: str) -> None:
    """Nobody watches the steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The desk's surroundings. `step` is told the name of each step of applying and ending as it is passed. `unsigned_reviews`:
    the settings accept reviews that are recorded and not signed, as a trial. `site` is where is signed, None where the address
    makes no passkeys; `sign` signs the record as it
    stands, `publish` signs and publishes it at once and gives back the note, or raises, `logins` are Locum's own at the mail systems, `flat_file` is where it is published,
    `check_log` raises Garbled where it is not the one that was signed, both where this process holds the key; `cosigning` is there where the settings name a witness; `founded` are later foundings of the register that count, too.
    `vkey` is what the record's checkpoints are verified with, empty where this process does not know, `witnesses` the keys of those who
    look on; `searchers` are those mail systems in which one message can be found, by the connector's name; `key_paper` makes a page, or a picture, of somebody's key; `hands_over`: newcomers get theirs by themselves.
    """

    store: Store
    connectors: Mapping[str, Connector]
    route: Callable[[str], str | None]
    people: People
    post: Post
    policy: Policy
    organisation: Organisation
    leave: Sequence[LeaveSource]
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]
    render: Callable[[Account, str], bytes]
    watch_every: timedelta = timedelta(hours=1)
    reconcile_every: timedelta = timedelta(minutes=5)
    logins: Logins | None = None
    gaps_visible_to: tuple[str, ...] = ()
    remind_days: int = 7
    unsigned_reviews: bool = False
    step: Callable[[str], None] = field(default=_no_step)
    sign: Callable[[], None] = field(default=_nothing_to_sign_with)
    publish: Callable[[], bytes | None] = field(default=_nothing_to_publish_with)
    check_log: Callable[[], None] = field(default=_nothing_to_sign_with)
    cosigning: Cosigning | None = None
    eraser: Eraser | None = None
    flat_file: FlatFile | None = None
    site: Site | None = None
    earlier_sites: tuple[Site, ...] = ()
    founded: tuple[str, ...] = ()
    vkey: Callable[[], str] = field(default=_not_known)
    witnesses: tuple[str, ...] = ()
    key_paper: Callable[[KeyPaper, str], bytes] = field(default=_no_paper)
    hands_over: bool = False
    searchers: Mapping[str, Searcher] = field(default_factory=dict)
    _earlier: dict[str, Policy] = field(default_factory=dict, repr=False)
    _away: list[tuple[datetime, frozenset[str]]] = field(default_factory=list, repr=False)
    _registers: list[tuple[Grown, Register]] = field(default_factory=list, repr=False)
    _reading: Lock = field(default_factory=Lock, repr=False)

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where signatures may have been made: where the pages are, if that address makes passkeys, and where they were before."""
        return self.earlier_sites if self.site is None else (self.site, *self.earlier_sites)

    def register(self) -> Register:
        """The register of people and keys as it stands now."""
        return self._register_now()[1]

    def growing_register(self) -> tuple[int, Growing]:
        """How many entries the register's stream has, and what they say together, to try a further one on. Raises Garbled."""
        found = self._register_now()[0]
        return found.length, found.growing

    def _register_now(self) -> tuple[Grown, Register]:
        """Only what is new is read. A withdrawal that was taken out of the database since this process read it brings no key
        back. Raises Garbled `record-incomplete`.
        """
        if (now := self._register_as_read()) is None:
            with self._reading:  # once, however many pages ask in that moment
                now = self._register_as_read() or self._read_on()
        return now

    def _register_as_read(self) -> tuple[Grown, Register] | None:
        known = next(iter(self._registers), None)  # before the head is read, which is never behind it then
        head = self.store.length(STREAM)
        return known if known is not None and (known[0].length, known[0].before) == head else None

    def _read_on(self) -> tuple[Grown, Register]:
        known = next(iter(self._registers), None)
        head = self.store.length(STREAM)
        self.check_log()
        onto = known[0] if known is not None else Grown()
        if known is not None and head[0] <= onto.length:
            raise Garbled("record-incomplete", stream=STREAM)
        found = grown(onto, self.store.entries(mailbox=STREAM, since=onto.length), self.sites, founded=self.founded)
        now = found, found.growing.register
        self._registers[:] = [now]
        return now

    def log(self) -> Log:
        """The latest checkpoint, as whoever signs is shown it; an empty log where nothing was signed yet."""
        note = self.store.checkpoint()
        if note is None:
            return Log(f"{self.organisation.domains[0]}/locum", 0, hashlib.sha256(b"").hexdigest())
        checkpoint = parse_checkpoint(note)
        return Log(checkpoint.origin, checkpoint.size, checkpoint.root.hex())

    def log_to_sign(self, case_id: str) -> Log:
        """The same, remembered as shown; signed first where nothing was. Raises Refused `nothing-signed-yet`."""
        if self.log().size == 0:
            self.sign()
        log = self.log()
        if log.size == 0:
            raise Refused("nothing-signed-yet", clause=7, case=case_id)
        self.store.setting(f"shown-root/{log.size}", log.root.encode)
        return log

    def was_shown(self, log: Log) -> bool:
        """Whether this is what somebody was shown, and no other history of that length."""
        return self.store.kept_setting(f"shown-root/{log.size}") == log.root.encode()

    def keep_policy(self, seen_by: str = "") -> None:
        """Keep the policy in force and record it where it is new: a case is judged by the policy under which it was filed."""
        if self.policy.hash not in self._earlier:
            in_force.keep(self.store, self.policy, self.clock(), seen_by)
            self._earlier[self.policy.hash] = self.policy

    def policy_of(self, case: Case) -> Policy:
        """The policy under which a case was filed. Raises Rejected `policy-lost` where its text is not kept, and
        Garbled `policy-text-changed` where another one is kept in its place.
        """
        if case.policy == self.policy.hash:
            return self.policy
        if case.policy not in self._earlier:
            if (policy := in_force.kept(self.store, case.policy)) is None:
                raise Rejected("policy-lost", case=case.id)
            self._earlier[case.policy] = policy
        return self._earlier[case.policy]

    @property
    def beside(self) -> Beside:
        """What streams have besides their cases: keys, and that they were handed over."""
        return Beside(self.store.database, self.random)

    @property
    def wishes(self) -> Wishes:
        """What people wish for themselves."""
        return Wishes(self.store.database, self.clock, self.random)

    @property
    def asides(self) -> Asides:
        """What lies sealed beside searches for a short while."""
        return Asides(self.store.database, self.clock, self.random)

    def searcher(self, case: Case) -> Searcher:
        """What looks into the mailbox of a case. Raises Rejected `no-searcher` where the settings have none (any more)."""
        if case.connector not in self.searchers:
            raise Rejected("no-searcher", mailbox=case.mailbox, connector=case.connector)
        return self.searchers[case.connector]

    def reached(self, person: Person) -> Person:
        """A person with the ways that she herself permitted or withdrew: what counts wherever she is asked."""
        return wished.reached(self.wishes, person)

    def policies(self) -> Iterator[Policy]:
        """The policy in force, and every earlier one whose text is kept."""
        yield self.policy
        for one in in_force.history(self.store):
            if one.hash not in self._earlier and (policy := _kept(self.store, one.hash)) is not None:
                self._earlier[one.hash] = policy
            if one.hash in self._earlier and one.hash != self.policy.hash:
                yield self._earlier[one.hash]

    def owner(self, case: Case) -> Person:
        """The person whose mailbox a case is about. Raises Invalid `unknown-mailbox` where she is not on file any more."""
        person = self.people.person(case.person)
        if person is None or person.mailbox is None:
            raise Invalid("unknown-mailbox", mailbox=case.mailbox)
        return self.reached(person)

    def mailbox(self, case: Case) -> Mailbox:
        """The mailbox of a case, as it is on file; by its bare address where she is not on file any more."""
        person = self.people.person(case.person)
        if person is not None and person.mailbox is not None and person.mailbox.address == case.mailbox:
            return person.mailbox
        return Mailbox(address=case.mailbox)

    def connector(self, case: Case) -> Connector:
        """The mail system of a case. Raises Rejected `no-connector` where the settings have it no more."""
        if case.connector not in self.connectors:
            raise Rejected("no-connector", mailbox=case.mailbox, connector=case.connector)
        return self.connectors[case.connector]

    def owner_or_address(self, case: Case) -> Person:
        """The person whose mailbox a case is about; what the case says of her where she is not on file any more."""
        person = self.people.person(case.person)
        if person is not None and person.mailbox is not None:
            return self.reached(person)
        name = person.name if person is not None else case.mailbox
        zone = self.organisation.time_zone
        box = Mailbox(address=case.mailbox)
        return Person(id=case.person, name=name, mailbox=box, language=case.language, time_zone=zone)

    def zone(self, person: Person | None) -> ZoneInfo:
        """Her time zone, the organisation's where none is on file."""
        return ZoneInfo(person.time_zone if person is not None else self.organisation.time_zone)

    def away_now(self) -> frozenset[str]:
        """Who is away at this moment, by the lists of leave, as they were a few minutes ago at the earliest: a thousand cases
        that wait ask a calendar once. A list that cannot be read is passed over.
        """
        now = self.clock()
        for at, away in self._away:
            if at <= now < at + _AWAY_KEPT:
                return away
        away = frozenset(who for source in self.leave for who in _absent(source, now))
        self._away[:] = [(now, away)]
        return away

    def key_links(self) -> KeyLinks:
        """One-time links to enrol keys with; their tokens are signed with a key of their own."""
        key = self.store.setting("key-link-key", lambda: self.random(32))
        return KeyLinks(self.store.database, key, self.clock, self.random)

    def link_key(self) -> bytes:
        """The key that links are signed with, made once per organisation."""
        return self.store.setting("link-key", lambda: self.random(32))

    def own_page(self, person: Person) -> str:
        """The address of her own page, where she can sign in; empty where she cannot. It holds nothing secret."""
        signs_in = self.organisation.signs_in or bool(self.register().keys_of(person.id, Moment(self.clock())))
        return f"{self.organisation.web_url.rstrip('/')}/mine" if signs_in else ""

    def new_token(self) -> str:
        """A fresh token for a link."""
        return tokens.new(self.link_key(), self.random)

    def link_address(self, token: str) -> str:
        """The address of the page behind a token."""
        return f"{self.organisation.web_url.rstrip('/')}/l/{token}"

    def commit_each(self, changes: Sequence[Change]) -> list[Case | None]:
        """Commit all together; where a case among them changed meanwhile, each by itself. None for those that changed:
        their jobs are given back at once, to be looked at anew.
        """
        try:
            return list(self.store.commit(changes))
        except Conflict:
            return [self._commit_or_give_back(change) for change in changes]

    def _commit_or_give_back(self, change: Change) -> Case | None:
        try:
            written = self.store.commit([change])
        except Conflict as conflict:
            if change.finished is not None:
                self.store.back_off([change.finished], self.clock(), conflict.key)
            return None
        return written[0] if written else None

    def review_address(self, case: Case) -> str:
        """The address of the page on which a case is signed."""
        return f"{self.organisation.web_url.rstrip('/')}/cases/{case.id}/review"

    def draft(self, case: Case, kind: str, **body: Json) -> Draft:
        """An entry about a case, in the stream of its mailbox."""
        return Draft(stream=case.mailbox, type=kind, time=self.clock(), body={"case": case.id, **body})
