"""The wiring: builds everything once from the settings. The only module that imports everything, and only when needed."""

import os
import pwd
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from locum import served
from locum.absence import Mailbox
from locum.approval import Site
from locum.cosigning import Cosigning, check_witnesses
from locum.desk import REMINDERS, Acting, Desk, Office, Organisation, reconciling
from locum.desk.lanes import SEARCH
from locum.errors import Invalid, LocumError, Refused, Rejected, Trouble
from locum.flatfile import FlatFile
from locum.hours import WorkingHours
from locum.key_links import FIRST_KEYS, KeyLinks, write_link
from locum.logins import KEY as LOGINS_KEY
from locum.logins import Logins
from locum.parts import (
    check_searchers,
    holidays,
    is_gone,
    key_paper,
    made_connectors,
    made_eraser,
    made_flat_file,
    made_leave,
    made_post,
    made_provider,
    made_publisher,
    made_searchers,
    made_witnesses,
    owns,
    rendered,
)
from locum.people.csv import PeopleCsv
from locum.policy import Policy, load
from locum.publishing import Publisher
from locum.seam import Connector, Finding, LeaveSource, Report, Searcher
from locum.sessions import Lasting, Sessions
from locum.settings import Settings, secret_is_readable
from locum.signer import Signer
from locum.store import Change, Job, Store, Taken
from locum.vault_file import VaultFile

if TYPE_CHECKING:
    from locum.documents.papers import Papers
    from locum.web.signin import Doorway

_LEASE_SECONDS = 60


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


@dataclass
class App:
    """Everything wired for one process."""

    settings: Settings
    clock: Callable[[], datetime] = utc_now
    random: Callable[[int], bytes] = os.urandom
    step: Callable[[str], None] = lambda _name: None
    unsigned: LocumError | None = None

    @cached_property
    def store(self) -> Store:
        """The store, brought up to date."""
        store = self.unopened_store()
        store.migrate()
        made_eraser(store, self.flat_file.folder, self.clock, self.step).finish()
        return store

    def unopened_store(self) -> Store:
        """The store, with nothing of it made or changed."""
        table = self.settings.store
        return Store(table.url, self.clock, self.random, VaultFile(table.vault_key_file, self.random, self.step))

    @cached_property
    def people(self) -> PeopleCsv:
        """Who is who."""
        organisation = self.settings.organisation
        return PeopleCsv(
            self.settings.people.csv,
            default_language=organisation.language,
            default_time_zone=organisation.time_zone,
        )

    @cached_property
    def policy(self) -> Policy:
        """The policy in force."""
        file = self.settings.policy.file
        try:
            return load(None if file is None else file.read_text("utf-8"))
        except OSError as error:
            raise Invalid("policy-not-toml", what=f"{file}: {error.strerror}") from error

    @cached_property
    def signer(self) -> Signer | None:
        """Signs checkpoints; None for a process that may not read the key. It is made where nothing was ever signed, and by
        nobody but the owner of its folder: another's key the worker could not read. A lost key is never made anew.
        """
        file = self.settings.record.key_file
        if not secret_is_readable(file) and not self._makes_the_key(file):
            return None
        return Signer(file, f"{self.settings.organisation.domains[0]}/locum")

    def _makes_the_key(self, file: Path) -> bool:
        return is_gone(file) and owns(file.parent) and self.store.checkpoint() is None

    def the_signer(self) -> Signer:
        """The signer, for a process that is nothing without one. Raises Rejected, saying what is in the way."""
        if self.signer is not None:
            return self.signer
        file = self.settings.record.key_file
        if self._key_is_lost():
            raise Rejected("record-key-lost", file=file)
        raise Rejected("record-key-not-made" if is_gone(file) else "secret-unreadable", file=file)

    def _key_is_lost(self) -> bool:
        return is_gone(self.settings.record.key_file) and self.store.checkpoint() is not None

    @cached_property
    def flat_file(self) -> FlatFile:
        """Where leaves and checkpoint are published, for reading; `publisher` writes it."""
        return made_flat_file(self.settings)

    @cached_property
    def publisher(self) -> Publisher | None:
        """Signs and publishes; None for a process that may not read the key."""
        return None if self.signer is None else made_publisher(self.settings, self.store, self.signer, self.clock)

    def the_publisher(self) -> Publisher:
        """The same, for a process that is nothing without one. Raises Rejected, saying what is in the way."""
        return made_publisher(self.settings, self.store, self.the_signer(), self.clock)

    @cached_property
    def cosigning(self) -> Cosigning | None:
        """Has the record signed by its witnesses; None where the settings name none."""
        witnesses = made_witnesses(self.settings, self.clock)
        published = self.flat_file.checkpoint
        return Cosigning(self.store, witnesses, published, self.publisher, self.clock) if witnesses else None

    @cached_property
    def connectors(self) -> dict[str, Connector]:
        """The mail systems, by name, in the file's order."""
        return made_connectors(self.settings, self._notes)

    @cached_property
    def searchers(self) -> dict[str, Searcher]:
        """The mail systems in which one message can be found, by the connector's name."""
        return made_searchers(self.settings)

    @cached_property
    def logins(self) -> Logins:
        """Locum's own logins, to be found again in the mail systems' logs."""
        store = self.store
        return Logins(store.database, lambda: store.setting(LOGINS_KEY, lambda: self.random(32)), self.clock)

    def _notes(self, teller: str) -> Callable[[str, str], None]:
        """Notes a login that the log of the mail system `teller` will tell of."""
        return lambda service, user: self.logins.begins(teller, service, user)

    @cached_property
    def leave(self) -> list[LeaveSource]:
        """Who is away."""
        return made_leave(self.settings, self.people)

    @cached_property
    def desk(self) -> Desk:
        """The main path, with all it needs."""
        table = self.settings
        organisation = Organisation(
            name=table.organisation.name,
            domains=table.organisation.domains,
            language=table.organisation.language,
            time_zone=table.organisation.time_zone,
            hours=WorkingHours.parse(table.organisation.working_hours, holidays(table.organisation.holidays)),
            web_url=table.web.url,
            signs_in=table.oidc is not None,
            dpo=table.contact.dpo,
            authority=table.contact.authority,
            numbers=table.organisation.numbers,
            links=table.organisation.links,
            bank_accounts=table.organisation.bank_accounts,
            sender=table.mail.sender,
        )
        office = Office(
            store=self.store,
            connectors=self.connectors,
            searchers=self.searchers,
            route=table.route,
            people=self.people,
            post=made_post(table, self.clock),
            policy=self.policy,
            organisation=organisation,
            leave=self.leave if table.leave.csv or table.leave.ical else (),
            clock=self.clock,
            random=self.random,
            render=rendered,
            watch_every=timedelta(minutes=table.worker.watch_minutes),
            reconcile_every=timedelta(minutes=table.worker.reconcile_minutes),
            logins=self.logins,
            gaps_visible_to=table.leave.gaps_visible_to,
            remind_days=table.leave.remind_days,
            unsigned_reviews=table.policy.unsigned_reviews,
            site=Site.of(table.web.url),
            earlier_sites=table.web.earlier_sites,
            founded=table.record.founded,
            step=self.step,
            sign=self.sign,
            publish=self.publish,
            flat_file=self.flat_file,
            check_log=self.check_log,
            cosigning=self.cosigning,
            eraser=made_eraser(self.store, self.flat_file.folder, self.clock, self.step),
            vkey=lambda: self.store.vkey() if self.signer is None else self.signer.vkey,
            key_paper=key_paper,
            witnesses=tuple(one.key for one in table.witnesses.values()),
            hands_over=table.record.hand_over,
        )
        return Desk(office)

    @cached_property
    def doorway(self) -> "Doorway":
        """Who may sign in to the pages."""
        from locum.web.signin import Doorway, EnrolledKeys, Party  # noqa: PLC0415  only for the pages, and slow to import

        table = self.settings.web.sign_in
        lasting = Lasting(idle=timedelta(minutes=table.idle_minutes), whole=timedelta(hours=table.hours))
        return Doorway(
            sessions=Sessions(self.store.database, self.clock, self.random, lasting),
            people=self.people,
            keys=EnrolledKeys(self.desk.office.register, self.clock),
            clock=self.clock,
            random=self.random,
            party=Party.of(self.settings.web.url, self.settings.organisation.name),
            provider=made_provider(self.settings),
        )

    @cached_property
    def papers(self) -> "Papers":
        """What makes files for the pages; PDFs in a process of their own, so that serving stays small."""
        from locum.documents.papers import Papers  # noqa: PLC0415  only for the pages

        return Papers(self.settings.organisation.name)

    @cached_property
    def key_links(self) -> KeyLinks:
        """One-time links to enrol keys with."""
        return self.desk.office.key_links()

    def write_first_link(self, *, anew: bool = False) -> Path | None:
        """Write the link with which the first two keys are enrolled to its file, which its owner alone can read. None where
        there was one before; `anew` makes another in its place. Raises Unreachable `key-link-unwritable`.
        """
        token = self.key_links.make(FIRST_KEYS, anew=anew)
        if token is None:
            return None
        file = self.settings.web.sign_in.first_keys_file or self.settings.record.key_file.with_name("first-keys.link")
        try:
            write_link(file, f"{self.settings.web.url.rstrip('/')}/{FIRST_KEYS}/{token}")
        except LocumError:
            self.key_links.withdraw(FIRST_KEYS)
            raise
        return file

    def acting(self, as_person: str | None) -> Acting:
        """Who is acting. Raises Refused `may-not-act-as` or Invalid `unknown-person`."""
        os_user = pwd.getpwuid(os.getuid()).pw_name
        if as_person is None:
            person = self.people.person(os_user)
            if person is None:
                return Acting(id=f"os:{os_user}", name=f"{os_user}@{socket.gethostname()}")
        else:
            person = self.people.person(as_person)
            if person is None:
                raise Invalid("unknown-person", person=as_person[:80])
            if person.id != os_user and not self.settings.may_act_as(os_user, person.id):
                raise Refused("may-not-act-as", user=os_user, person=person.id)
        address = person.mailbox.address if person.mailbox else ""
        return Acting(id=person.id, name=person.name, address=address, function=person.function)

    def run_due(self, case_id: str) -> None:
        """Do the due steps of one case, one after the other, and sign. Raises the Trouble that put a step off; what keeps
        the record from being signed does not hide what was done, and is kept in `unsigned`.
        """
        worker = f"cli-{socket.gethostname()}-{os.getpid()}"
        try:
            while taken := self.store.take(worker, seconds=_LEASE_SECONDS, case=case_id, lanes=self._lanes_here()):
                self.run(taken)
        finally:
            self.sign()
        troubled = [job for job in self.store.jobs(case_id) if job.tries]
        if troubled:
            raise Trouble("step-put-off", case=case_id, step=troubled[0].kind)

    def _lanes_here(self) -> list[str]:
        """What may be done beside a worker: all but looking into mailboxes."""
        return [name for name in self.store.lanes() if name != SEARCH]

    def run(self, taken: Sequence[Taken]) -> None:
        """Have the desk do these due jobs. An account waits for a checkpoint that covers it, so one is signed first."""
        if taken[0].job.kind == "account":
            self.sign()
        self.desk.run(taken)

    def sign(self) -> None:
        """Sign a checkpoint of the record as it stands, where this process holds the key. Why it could not is in `unsigned`:
        what was done before is done, and the worker signs later.
        """
        try:
            if self.publisher is not None:
                self.publisher.sign()
            elif self._key_is_lost():
                self.unsigned = Rejected("record-key-lost", file=self.settings.record.key_file)
        except LocumError as error:
            self.unsigned = error

    def publish(self) -> bytes | None:
        """Sign and publish at once, for what cannot wait: the published note, or None where this process holds no key.
        Raises what keeps the record from being signed, and Unreachable where it cannot be published.
        """
        return None if self.publisher is None else self.publisher.publish()

    def check_log(self) -> None:
        """Raise Garbled where the log is not the one that was signed; for a process that holds the key."""
        if self.signer is not None:
            self.store.check_log(self.signer)

    def check(self, names: Sequence[str] = ()) -> dict[str, Report]:
        """What `locum check` reports: all that Desk.check does, the list of people and the record's key."""
        own: dict[str, Callable[[], Report]] = {
            "people": self.people.check,
            "record": lambda: (*self._record_check(), self.desk.handed.check()),
            "policy": partial(served.check_reviews, self.settings),
        }
        own["witness"] = partial(check_witnesses, self.cosigning)
        own["search"] = partial(check_searchers, self.settings, self.people, lambda: self.desk.office.searchers)
        own["mailboxes"] = partial(served.check, self.settings, self.people, self.store.living_on)
        others = [name for name in names if name not in own]
        reports = self.desk.check(others, self._samples()) if others or not names else {}
        return reports | {name: report() for name, report in own.items() if name in names or not names}

    def _samples(self) -> dict[str, Mailbox]:
        """The mailboxes that the settings name to try with, by connector."""
        named = {name: table.sample for name, table in self.settings.connectors.items() if table.sample}
        owners = {name: self.people.owner(address) for name, address in named.items()}
        return {name: (owner and owner.mailbox) or Mailbox(address=named[name]) for name, owner in owners.items()}

    def _record_check(self) -> Report:
        file = self.settings.record.key_file
        values = (("file", str(file)),)
        if self._key_is_lost():
            return (Finding(key="record.key-lost", holds=False, values=values),)
        if self.signer is None or not file.exists():
            key = "not-made" if self.signer is not None else "not-signed-here"
            return (Finding(key=f"record.{key}", holds=None, values=values),)
        try:
            if self.publisher is not None:
                self.publisher.compare()
            return (Finding(key="record.signs", holds=True, values=(*values, ("vkey", self.signer.vkey))),)
        except LocumError as error:
            return (Finding(key="record.trouble", holds=False, values=(*error.values.items(), ("error", error.key))),)

    def start_reminders(self) -> None:
        """Put the daily job that looks who forgot, at the hour of the settings, if there is a source of leave."""
        kind, case = REMINDERS
        if self.leave and not self.store.jobs(case):
            self.store.commit([Change(put=(Job(kind=kind, case=case, due_at=self.clock(), lane="letters"),))])

    def start_reconciling(self) -> None:
        """Put the job that compares a mail system's own log with the record, for each whose log is known."""
        for case in reconciling.jobs(self.connectors):
            if not self.store.jobs(case):
                job = Job(kind=reconciling.KIND, case=case, due_at=self.clock(), lane=reconciling.LANE)
                self.store.commit([Change(put=(job,))])


def build(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    random: Callable[[int], bytes] = os.urandom,
    step: Callable[[str], None] = lambda _name: None,
) -> App:
    """Everything wired from `settings`; each part is made when it is first needed."""
    return App(settings, clock, random, step)
