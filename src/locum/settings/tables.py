"""The tables of the settings file, one frozen value each, with every default. pydantic reads them strictly. The types of their fields
are in types.py, the tables for mail systems in mail_systems.py.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from locum.approval import Site
from locum.hours import WorkingHours
from locum.settings.mail_systems import ConnectorTable, ImapSearch
from locum.settings.types import (
    STRICT,
    Address,
    Domain,
    Many,
    Network,
    Place,
    Words,
    judged,
    listen_at,
    scheme,
    store_url,
)
from locum.tlog.cosignatures import read_witness_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Who this is for. `language` is that of the command line and the default of a person."""

    __pydantic_config__: ClassVar = STRICT
    name: Words
    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]
    language: Literal["nl", "en"] = "nl"
    time_zone: Annotated[str, judged(ZoneInfo)] = "Europe/Amsterdam"
    working_hours: Annotated[str, judged(WorkingHours.parse)] = "mon-fri 09:00-17:00"
    holidays: Place | None = None
    numbers: Many = ()
    links: Many = ()
    bank_accounts: Many = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTable:
    """Where cases, entries and jobs are kept, and the file with the key that opens the keys among them: readable by the
    worker's user and the pages', beside the record's key unless said otherwise.
    """

    __pydantic_config__: ClassVar = STRICT
    url: Annotated[str, AfterValidator(store_url)]
    vault_key_file: Place = Path()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleTable:
    """Who is who."""

    __pydantic_config__: ClassVar = STRICT
    csv: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTable:
    """The policy's file; None is the one that comes with Locum. `unsigned_reviews` accepts reviews that are recorded and not
    signed, as a trial.
    """

    __pydantic_config__: ClassVar = STRICT
    file: Place | None = None
    unsigned_reviews: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTable:
    """The relay that letters leave by."""

    __pydantic_config__: ClassVar = STRICT
    relay: Annotated[str, scheme("smtp", "smtps")]
    sender: Annotated[Address, Field(alias="from")] = ""
    user: str | None = None
    secret_file: Place | None = None
    ca_file: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMessages:
    """The file that holds the gateway's address for text messages (it holds a token); None: no text messages."""

    __pydantic_config__: ClassVar = STRICT
    url_file: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTable:
    """The key that signs checkpoints; made at first use, 0600, the worker's alone. `founded` names later foundings of the
    register that count: for whoever lost so many keys that nobody can add one. `folder` is where leaves and checkpoint are
    published; None is a folder `log` beside the key. `every_minutes` and `block` say when, and to a multiple of how many.
    `hand_over`: whoever is new on file gets her key by a daily letter.
    """

    __pydantic_config__: ClassVar = STRICT
    key_file: Place
    folder: Place | None = None
    every_minutes: Annotated[int, Field(ge=1, le=1440)] = 240
    block: Annotated[int, Field(ge=1, le=1000)] = 8
    founded: Annotated[tuple[str, ...], Field(strict=False)] = ()
    hand_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessTable:
    """A witness of the record, run by others: where it is, and the key that it shows at its start."""

    __pydantic_config__: ClassVar = STRICT
    url: Annotated[str, scheme("http", "https")]
    key: Annotated[str, judged(read_witness_key)]
    ca_file: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInTable:
    """How long a session lasts: without a request, and in all. `first_keys_file` is where the one-time link is written with
    which the first two keys are enrolled; None is beside the record's key.
    """

    __pydantic_config__: ClassVar = STRICT
    idle_minutes: Annotated[float, Field(ge=1, le=480, strict=False)] = 15
    hours: Annotated[float, Field(gt=0, le=24, strict=False)] = 8
    first_keys_file: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTable:
    """An address that the pages had, and the last day (UTC) on which they were there."""

    __pydantic_config__: ClassVar = STRICT
    url: Annotated[str, scheme("http", "https")]
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class WebTable:
    """Where the pages are: `url` as people type it (the links in letters), `listen` as the program binds it. `proxies` are
    addresses or networks whose X-Forwarded-For is believed. `earlier` are addresses where people signed before.
    """

    __pydantic_config__: ClassVar = STRICT
    url: Annotated[str, scheme("http", "https")] = "http://127.0.0.1:8080"
    listen: Annotated[str, AfterValidator(listen_at)] = "127.0.0.1:8080"
    proxies: Annotated[tuple[Network, ...], Field(strict=False)] = ()
    sign_in: SignInTable = SignInTable()
    earlier: Annotated[tuple[EarlierTable, ...], Field(strict=False)] = ()

    @property
    def earlier_sites(self) -> tuple[Site, ...]:
        """Where signatures of before count, up to the end of their last day."""
        found = (Site.of(one.url, datetime.combine(one.until, time(), UTC) + timedelta(days=1)) for one in self.earlier)
        return tuple(one for one in found if one is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcTable:
    """The organisation's own provider (OpenID Connect). `issuer` exactly as it calls itself; `claim` is the one that holds
    the address of a mailbox on people.csv, `name` how people know it.
    """

    __pydantic_config__: ClassVar = STRICT
    issuer: Annotated[str, scheme("http", "https")]
    client_id: Words
    client_secret_file: Place | None = None
    claim: Words = "email"
    name: str = ""
    ca_file: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveTable:
    """Who is away. `ical` are files or addresses; a file whose name ends in .url holds an address that is itself a secret.

    `gaps_visible_to` are ids of persons, or functions; everybody else sees only her own line.
    """

    __pydantic_config__: ClassVar = STRICT
    csv: Place | None = None
    ical: Many = ()
    gaps_visible_to: Many = ()
    remind_days: Annotated[int, Field(ge=0, le=366)] = 7
    remind_at: time = time(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTable:
    """The worker's pace: how long a job is leased, how often what stands is read back, and how often mail systems' logs are
    compared with the record.
    """

    __pydantic_config__: ClassVar = STRICT
    lease_seconds: Annotated[float, Field(gt=0, le=3600, strict=False)] = 60
    watch_minutes: Annotated[float, Field(gt=0, le=1440, strict=False)] = 60
    reconcile_minutes: Annotated[float, Field(gt=0, le=1440, strict=False)] = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTable:
    """To whom she can turn: the data protection officer, and the supervisory authority."""

    __pydantic_config__: ClassVar = STRICT
    dpo: str = ""
    authority: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The whole file, as it is written."""

    __pydantic_config__: ClassVar = STRICT
    organisation: Organisation
    people: PeopleTable
    mail: MailTable
    connector: Annotated[
        dict[
            Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")],
            Annotated[ConnectorTable, Field(discriminator="kind")],
        ],
        Field(min_length=1),
    ]
    store: StoreTable
    policy: PolicyTable = PolicyTable()
    text_messages: TextMessages = TextMessages()
    record: RecordTable
    web: WebTable = WebTable()
    acting: dict[str, Many] = field(default_factory=lambda: {"root": ("*",)})
    leave: LeaveTable = LeaveTable()
    worker: WorkerTable = WorkerTable()
    contact: ContactTable = ContactTable()
    witness: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")], WitnessTable] = field(default_factory=dict)
    oidc: OidcTable | None = None
    search: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")], ImapSearch] = field(default_factory=dict)
