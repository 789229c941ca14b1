"""The tables of the settings file, one frozen value each, with every default. pydantic reads them strictly; no more than
field types and their checks live here. Relative paths are made absolute while reading (`context["folder"]`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from locum import addresses
from locum.approval import Site
from locum.errors import LocumError
from locum.hours import WorkingHours
from locum.tlog.cosignatures import read_witness_key


def _by(form: Callable[[str], str]) -> AfterValidator:
    """Text in the one form that `form` gives it; its LocumError becomes the file's mistake."""

    def check(value: str) -> str:
        try:
            return form(value)
        except LocumError as error:
            raise ValueError(value) from error

    return AfterValidator(check)


def _judged(judge: Callable[[str], object]) -> AfterValidator:
    """Text as it stands, once `judge` has accepted it."""

    def check(value: str) -> str:
        try:
            judge(value)
        except (LocumError, ValueError, LookupError, OSError) as error:
            raise ValueError(value) from error
        return value

    return AfterValidator(check)


def _folder(info: ValidationInfo) -> Path:
    folder: Path = (info.context or {})["folder"]
    return folder


def _from_settings(value: Path, info: ValidationInfo) -> Path:
    return _folder(info) / value.expanduser()


def _store_url(value: str, info: ValidationInfo) -> str:
    scheme, _, rest = value.partition(":///")
    if scheme == "sqlite" and rest and rest != ":memory:":
        return f"sqlite:///{_folder(info) / rest}"
    if urlsplit(value).scheme.partition("+")[0] not in {"sqlite", "postgresql"}:
        raise ValueError(value)
    return value


def _scheme(*allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in allowed or not parts.hostname or parts.username or parts.password:
            raise ValueError(value)
        parts.port  # noqa: B018  raises ValueError where the port is none
        return value

    return AfterValidator(check)


def _pattern(value: str) -> str:
    if "*" in value and "@" in value:
        return value.lower()
    return f"@{addresses.domain(value)}" if value.startswith("@") else addresses.canonical(value)


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(value)
    return value


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Place: TypeAlias = Annotated[Path, AfterValidator(_from_settings)]
Domain: TypeAlias = Annotated[str, _by(addresses.domain)]
Address: TypeAlias = Annotated[str, _by(addresses.canonical)]
Pattern: TypeAlias = Annotated[str, _by(_pattern)]
Network: TypeAlias = Annotated[str, _judged(ip_network)]
Words: TypeAlias = Annotated[str, Field(min_length=1, max_length=500)]
Many: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]
_STRICT: Mapping[str, object] = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Who this is for. `language` is that of the command line and the default of a person."""

    __pydantic_config__: ClassVar = _STRICT
    name: Words
    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]
    language: Literal["nl", "en"] = "nl"
    time_zone: Annotated[str, _judged(ZoneInfo)] = "Europe/Amsterdam"
    working_hours: Annotated[str, _judged(WorkingHours.parse)] = "mon-fri 09:00-17:00"
    holidays: Place | None = None
    numbers: Many = ()
    links: Many = ()
    bank_accounts: Many = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTable:
    """Where cases, entries and jobs are kept, and the file with the key that opens the keys among them: readable by the
    worker's user and the pages', beside the record's key unless said otherwise.
    """

    __pydantic_config__: ClassVar = _STRICT
    url: Annotated[str, AfterValidator(_store_url)]
    vault_key_file: Place = Path()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleTable:
    """Who is who."""

    __pydantic_config__: ClassVar = _STRICT
    csv: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTable:
    """The policy's file; None is the one that comes with Locum. `unsigned_reviews` accepts reviews that are recorded and not
    signed, as a trial.
    """

    __pydantic_config__: ClassVar = _STRICT
    file: Place | None = None
    unsigned_reviews: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTable:
    """The relay that letters leave by."""

    __pydantic_config__: ClassVar = _STRICT
    relay: Annotated[str, _scheme("smtp", "smtps")]
    sender: Annotated[Address, Field(alias="from")] = ""
    user: str | None = None
    secret_file: Place | None = None
    ca_file: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMessages:
    """The file that holds the gateway's address for text messages (it holds a token); None: no text messages."""

    __pydantic_config__: ClassVar = _STRICT
    url_file: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTable:
    """The key that signs checkpoints; made at first use, 0600, the worker's alone. `founded` names later foundings of the
    register that count: for whoever lost so many keys that nobody can add one. `folder` is where leaves and checkpoint are
    published; None is a folder `log` beside the key. `every_minutes` and `block` say when, and to a multiple of how many.
    `hand_over`: whoever is new on file gets her key by a daily letter.
    """

    __pydantic_config__: ClassVar = _STRICT
    key_file: Place
    folder: Place | None = None
    every_minutes: Annotated[int, Field(ge=1, le=1440)] = 240
    block: Annotated[int, Field(ge=1, le=1000)] = 8
    founded: Annotated[tuple[str, ...], Field(strict=False)] = ()
    hand_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessTable:
    """A witness of the record, run by others: where it is, and the key that it shows at its start."""

    __pydantic_config__: ClassVar = _STRICT
    url: Annotated[str, _scheme("http", "https")]
    key: Annotated[str, _judged(read_witness_key)]
    ca_file: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInTable:
    """How long a session lasts: without a request, and in all. `first_keys_file` is where the one-time link is written with
    which the first two keys are enrolled; None is beside the record's key.
    """

    __pydantic_config__: ClassVar = _STRICT
    idle_minutes: Annotated[float, Field(ge=1, le=480, strict=False)] = 15
    hours: Annotated[float, Field(gt=0, le=24, strict=False)] = 8
    first_keys_file: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTable:
    """An address that the pages had, and the last day (UTC) on which they were there."""

    __pydantic_config__: ClassVar = _STRICT
    url: Annotated[str, _scheme("http", "https")]
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class WebTable:
    """Where the pages are: `url` as people type it (the links in letters), `listen` as the program binds it. `proxies` are
    addresses or networks whose X-Forwarded-For is believed. `earlier` are addresses where people signed before.
    """

    __pydantic_config__: ClassVar = _STRICT
    url: Annotated[str, _scheme("http", "https")] = "http://127.0.0.1:8080"
    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8080"
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

    __pydantic_config__: ClassVar = _STRICT
    issuer: Annotated[str, _scheme("http", "https")]
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

    __pydantic_config__: ClassVar = _STRICT
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

    __pydantic_config__: ClassVar = _STRICT
    lease_seconds: Annotated[float, Field(gt=0, le=3600, strict=False)] = 60
    watch_minutes: Annotated[float, Field(gt=0, le=1440, strict=False)] = 60
    reconcile_minutes: Annotated[float, Field(gt=0, le=1440, strict=False)] = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTable:
    """To whom she can turn: the data protection officer, and the supervisory authority."""

    __pydantic_config__: ClassVar = _STRICT
    dpo: str = ""
    authority: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SieveFiles:
    """Dovecot with published scripts: no login at all.

    `user` says how the mail system names a mailbox: {address}, {local}, or a column of people.csv. `helper` is the command
    that answers yes or no about her own script, `script` where her active script lies, both optional. `sample` is a mailbox
    that `locum check` tries with; without one, the first on file. `identities` are names that log in for others, beside those
    of Locum's own connectors: what `log` tells of them is compared with the record.
    """

    __pydantic_config__: ClassVar = _STRICT
    kind: Literal["sieve_files"]
    mailboxes: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    directory: Place
    dovecot_config: Place | None = None
    log: Place | None = None
    owner_reader: str | None = None
    user: Words = "{address}"
    helper: Many = ()
    script: str | None = None
    sample: Address | None = None
    forward_directory: Place | None = None
    forward_publisher: Many = ()
    mail_log: Place | None = None
    identities: Many = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageSieve:
    """ManageSieve (RFC 5804). `user` is the login name, `mailbox_user` how the server names a mailbox. `reads_mail` states
    what this credential can do, where `server` does not say it; `sample`, `log` and `identities` as for sieve_files.
    """

    __pydantic_config__: ClassVar = _STRICT
    kind: Literal["managesieve"]
    mailboxes: tuple[Pattern, ...] = ()
    host: Words
    port: Annotated[int, Field(ge=1, le=65535)] = 4190
    user: Words
    secret_file: Place
    tls: Literal["required", "none"] = "required"
    ca_file: Place | None = None
    imap_host: Words | None = None
    imap_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    mailbox_user: Words = "{address}"
    server: Literal["auto", "dovecot", "cyrus"] = "auto"
    reads_mail: bool | None = None
    local_queue: bool = False
    sample: Address | None = None
    log: Place | None = None
    identities: Many = ()


ConnectorTable: TypeAlias = SieveFiles | ManageSieve


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The whole file, as it is written."""

    __pydantic_config__: ClassVar = _STRICT
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
