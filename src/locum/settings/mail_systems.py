"""The tables of the settings file for mail systems: one for each kind of connector, and of search. Frozen values with every default."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from locum.settings.types import STRICT, Address, Many, Pattern, Place, Words, scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class SieveFiles:
    """Dovecot with published scripts: no login at all.

    `user` says how the mail system names a mailbox: {address}, {local}, or a column of people.csv. `helper` is the command
    that answers yes or no about her own script, `script` where her active script lies, both optional. `sample` is a mailbox
    that `locum check` tries with; without one, the first on file. `identities` are names that log in for others, beside those
    of Locum's own connectors: what `log` tells of them is compared with the record.
    """

    __pydantic_config__: ClassVar = STRICT
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

    __pydantic_config__: ClassVar = STRICT
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Exchange Online over Microsoft Graph. `tenant` and `client_id` are of the app registration, `certificate_file` and `key_file`
    of the certificate that was uploaded to it; `login_url` and `graph_url` are those of a national cloud. `mailbox_user` says how
    Graph names a mailbox, `outside` is a mailbox outside the scope, which `locum check` wants to see refused. With two workers,
    `connections` is half of the four that Exchange Online allows.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["graph"]
    mailboxes: tuple[Pattern, ...] = ()
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$")]
    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    certificate_file: Place
    key_file: Place
    login_url: Annotated[str, scheme("https", "http")] = "https://login.microsoftonline.com"
    graph_url: Annotated[str, scheme("https", "http")] = "https://graph.microsoft.com"
    ca_file: Place | None = None
    mailbox_user: Words = "{address}"
    connections: Annotated[int, Field(ge=1, le=4)] = 4
    sample: Address | None = None
    outside: Address | None = None
    log: ClassVar[None] = None
    identities: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Jmap:
    """JMAP (RFC 8620, 8621). `url` is the server, or the address of its session. `on_behalf`: "authorize_as" names the mailbox in a header,
    as Cyrus has it, for `user`, who acts for others; "account" is for a credential that reaches the mailboxes' accounts under its own
    permissions: with `user` a password, without it a token. `mailbox_user` is how the server names a mailbox, or its account.
    `no_scripts` states that nobody there has a filter script; `reads_mail` is what `locum check` has shown of the credential.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["jmap"]
    mailboxes: tuple[Pattern, ...] = ()
    url: Annotated[str, scheme("https", "http")]
    on_behalf: Literal["authorize_as", "account"] = "authorize_as"
    user: Words | None = None
    secret_file: Place
    ca_file: Place | None = None
    mailbox_user: Words = "{address}"
    no_scripts: bool = False
    reads_mail: bool = True
    sample: Address | None = None
    log: ClassVar[None] = None
    identities: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gmail:
    """Google Workspace over the Gmail API. `key_file` is the service account's key as Google hands it out; `mailboxes` are the only ones
    that are ever asked for, and `allow_file`, where it is named, a file of addresses of which each has to be one besides.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["gmail"]
    mailboxes: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    key_file: Place
    allow_file: Place | None = None
    token_url: Annotated[str, scheme("https", "http")] = "https://oauth2.googleapis.com/token"  # noqa: S105  an address
    api_url: Annotated[str, scheme("https", "http")] = "https://gmail.googleapis.com"
    ca_file: Place | None = None
    mailbox_user: Words = "{address}"
    sample: Address | None = None
    log: ClassVar[None] = None
    identities: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ews:
    """An Exchange Server of one's own over Exchange Web Services. `user` is the account that may impersonate: it can read all there is, so
    `can_read_mail` has to say why it is used all the same. `mailbox_user` is the primary address of a mailbox, `outside` a mailbox
    outside the account's scope, which `locum check` wants to see refused.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["ews"]
    mailboxes: tuple[Pattern, ...] = ()
    url: Annotated[str, scheme("https", "http")]
    user: Words
    secret_file: Place
    can_read_mail: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
    ca_file: Place | None = None
    mailbox_user: Words = "{address}"
    sample: Address | None = None
    outside: Address | None = None
    log: ClassVar[None] = None
    identities: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeShell:
    """Exchange by the administrator's own two cmdlets. `command` runs PowerShell with our script, whose place is `{script}`. `connect` says
    how the script gets to Exchange: `none` (it is there already), `server` with `uri`, or `online` with the others.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["exchange_shell"]
    mailboxes: tuple[Pattern, ...] = ()
    command: Annotated[Many, Field(min_length=1)]
    connect: Literal["none", "server", "online"] = "none"
    uri: Annotated[str, scheme("https", "http")] | None = None
    organization: Words | None = None
    app_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] | None = None
    certificate_thumbprint: Annotated[str, Field(pattern=r"^[A-Fa-f0-9]{40}$")] | None = None
    certificate_file: Place | None = None
    mailbox_user: Words = "{address}"
    seconds: Annotated[float, Field(ge=5, le=900)] = 180.0
    sample: Address | None = None
    log: ClassVar[None] = None
    identities: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """An administrator does it, by steps that Locum shows. `folder` is of Locum's own and holds what is to be done, and what was seen;
    `system`: "exchange" (its cmdlets, pasted) or "other" (said in a word).
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["by_hand"]
    mailboxes: tuple[Pattern, ...] = ()
    folder: Place
    system: Literal["exchange", "other"] = "exchange"
    mailbox_user: Words = "{address}"
    sample: ClassVar[None] = None
    log: ClassVar[None] = None
    identities: ClassVar[tuple[str, ...]] = ()


ConnectorTable: TypeAlias = ByHand | ExchangeShell | Ews | Gmail | SieveFiles | ManageSieve | Graph | Jmap


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapSearch:
    """Where one message can be found over IMAP. `connectors` are those whose mailboxes are there; `grants` is the directory that Dovecot
    reads grants from, or `granter` the command that gives them on Cyrus (one of the two), `group` the ACL group that they get, `nets` from where they may be used, `kick` the command that ends
    sessions of `{user}`. `user` says how the server names a mailbox.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["imap"]
    connectors: Annotated[Many, Field(min_length=1, alias="for")]
    host: Words
    port: Annotated[int, Field(ge=1, le=65535)] = 143
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    ca_file: Place | None = None
    grants: Place | None = None
    granter: Many = ()
    group: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")] = "locum-search"
    nets: Annotated[str, Field(pattern=r"^[0-9a-fA-F:./, ]*$")] = ""
    kick: Many = ()
    user: Words = "{address}"
    sample: Address | None = None
