"""The parts that app.py puts together, each made from its table of the settings. What is slow to import is imported where it is used."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from locum.account import Account
from locum.erasing import Eraser
from locum.flatfile import FlatFile
from locum.herkey import KeyPaper
from locum.ledger import Ledger
from locum.letters import Post
from locum.people.csv import PeopleCsv
from locum.publishing import Publisher
from locum.seam import Connector, Finding, LeaveSource, Report, Searcher, Witness
from locum.settings import ByHand, Ews, ExchangeShell, Gmail, Graph, Jmap, ManageSieve, Settings, SieveFiles, secret
from locum.signer import Signer
from locum.store import Store

if TYPE_CHECKING:
    from locum.web.signin import Provider


def made_flat_file(settings: Settings) -> FlatFile:
    """Where the record is published."""
    return FlatFile(settings.record.folder or settings.record.key_file.with_name("log"))


def made_publisher(settings: Settings, store: Store, signer: Signer, clock: Callable[[], datetime]) -> Publisher:
    """Signs and publishes, when the settings say."""
    table = settings.record
    every = timedelta(minutes=table.every_minutes)
    return Publisher(store, signer, made_flat_file(settings), clock, every, table.block)


def made_post(settings: Settings, clock: Callable[[], datetime]) -> Post:
    """The post, with what the settings say of the relay."""
    return Post(
        relay=settings.mail.relay,
        user=settings.mail.user,
        secret_file=settings.mail.secret_file,
        from_address=settings.mail.sender,
        organisation=settings.organisation.name,
        text_message_url_file=settings.text_messages.url_file,
        ca_file=settings.mail.ca_file,
        clock=clock,
    )


def made_managesieve(
    name: str, table: ManageSieve, notes: Callable[[str, str], None] | None = None, identities: Sequence[str] = ()
) -> Connector:
    """A mail system that is reached by ManageSieve. `notes` is told of each login before it is tried; `identities` log in for others
    there besides.
    """
    from locum.connectors.access_log import AccessLog, not_noted  # noqa: PLC0415  only where it is configured
    from locum.connectors.managesieve import ManageSieve as Connection  # noqa: PLC0415  only where it is configured

    return Connection(
        name=name,
        host=table.host,
        port=table.port,
        user=table.user,
        secret_file=table.secret_file,
        tls=table.tls,
        ca_file=table.ca_file,
        imap_host=table.imap_host,
        imap_port=table.imap_port,
        user_template=table.mailbox_user,
        server=table.server,
        reads_mail=table.reads_mail,
        local_queue=table.local_queue,
        log=None if table.log is None else AccessLog(table.log, (table.user, *identities)),
        notes=notes or not_noted,
    )


def made_sieve_files(
    name: str, table: SieveFiles, others: dict[str, Connector], identities: Sequence[str] = ()
) -> Connector:
    """A mail system with published scripts. `identities` log in for others there."""
    from locum.connectors.sieve_files import SieveFiles as Directory  # noqa: PLC0415  only where it is configured

    return Directory(
        name=name,
        directory=table.directory,
        user=table.user,
        helper=table.helper or None,
        owner_reader=others.get(table.owner_reader) if table.owner_reader else None,
        dovecot_config=table.dovecot_config,
        log=table.log,
        script=table.script,
        forward_directory=table.forward_directory,
        forward_publisher=table.forward_publisher,
        mail_log=table.mail_log,
        identities=identities,
    )


def made_graph(name: str, table: Graph) -> Connector:
    """Exchange Online."""
    from locum.connectors.graph import Graph as Online  # noqa: PLC0415  only where it is configured
    from locum.connectors.graph_token import App  # noqa: PLC0415

    return Online(
        name=name,
        app=App(table.tenant, table.client_id, table.certificate_file, table.key_file),
        secret=secret,
        login_url=table.login_url,
        graph_url=table.graph_url,
        ca_file=table.ca_file,
        user_template=table.mailbox_user,
        outside=table.outside or "",
        at_a_time=table.connections,
    )


def made_jmap(name: str, table: Jmap) -> Connector:
    """A mail system that is reached by JMAP."""
    from locum.connectors.jmap import Jmap as Connection  # noqa: PLC0415  only where it is configured

    return Connection(
        name=name,
        url=table.url,
        user=table.user or "",
        secret=lambda: secret(table.secret_file),
        on_behalf=table.on_behalf,
        ca_file=table.ca_file,
        user_template=table.mailbox_user,
        no_scripts=table.no_scripts,
        reads_mail=table.reads_mail,
    )


def made_gmail(name: str, table: Gmail) -> Connector:
    """Google Workspace."""
    from locum.connectors.gmail import Gmail as Workspace  # noqa: PLC0415  only where it is configured

    return Workspace(
        name=name,
        key_file=table.key_file,
        mailboxes=table.mailboxes,
        secret=secret,
        allow_file=table.allow_file,
        sample=table.sample or "",
        token_url=table.token_url,
        api_url=table.api_url,
        ca_file=table.ca_file,
        user_template=table.mailbox_user,
    )


def made_ews(name: str, table: Ews) -> Connector:
    """An Exchange Server of one's own."""
    from locum.connectors.ews import Ews as Exchange  # noqa: PLC0415  only where it is configured

    return Exchange(
        name=name,
        url=table.url,
        user=table.user,
        secret=lambda: secret(table.secret_file),
        can_read_mail=table.can_read_mail,
        ca_file=table.ca_file,
        user_template=table.mailbox_user,
        outside=table.outside or "",
    )


def made_exchange_shell(name: str, table: ExchangeShell) -> Connector:
    """Exchange by its cmdlets."""
    from locum.connectors.exchange_shell import ExchangeShell as Shell  # noqa: PLC0415  only where it is configured

    known = ("uri", "organization", "app_id", "certificate_thumbprint", "certificate_file")
    given = {key: str(value) for key in known if (value := getattr(table, key)) is not None}
    return Shell(
        name=name,
        command=table.command,
        connect={"connect": table.connect, **dict.fromkeys(known, ""), **given},
        user_template=table.mailbox_user,
        sample=table.sample or "",
        seconds=table.seconds,
    )


def made_by_hand(name: str, table: ByHand) -> Connector:
    """What an administrator does."""
    from locum.connectors.by_hand import ByHand as Hand  # noqa: PLC0415  only where it is configured

    return Hand(name=name, folder=table.folder, system=table.system, user_template=table.mailbox_user)


def made_searchers(settings: Settings) -> dict[str, Searcher]:
    """Where one message can be found, by the name of the connector whose mailboxes are there."""
    from locum.connectors.imap import ImapSearcher  # noqa: PLC0415  only where it is configured
    from locum.connectors.imap_cyrus import CyrusGrants  # noqa: PLC0415
    from locum.connectors.imap_grants import Grants  # noqa: PLC0415

    found: dict[str, Searcher] = {}
    for name, table in settings.searches.items():
        searcher = ImapSearcher(
            name=name,
            host=table.host,
            port=table.port,
            grants=CyrusGrants(command=table.granter)
            if table.grants is None
            else Grants(directory=table.grants, group=table.group, nets=table.nets, kick=table.kick),
            tls=table.tls,
            ca_file=table.ca_file,
            user=table.user,
        )
        found |= dict.fromkeys(table.connectors, searcher)
    return found


def check_searchers(settings: Settings, people: PeopleCsv, searchers: Callable[[], Mapping[str, Searcher]]) -> Report:
    """What each search reports of itself, tried with the mailbox that the settings name, or else with the first that it serves."""
    findings: list[Finding] = []
    for connector, searcher in searchers().items():
        table = settings.searches[searcher.name]
        named = people.owner(table.sample) if table.sample else None
        boxes = [one.mailbox for one in ((named,) if named else people.everyone()) if one is not None and one.mailbox]
        findings += searcher.check(next((one for one in boxes if settings.route(one.address) == connector), None))
    return tuple(findings) or (Finding(key="search.none", holds=None),)


def made_connectors(settings: Settings, notes: Callable[[str], Callable[[str, str], None]]) -> dict[str, Connector]:
    """All mail systems, in the file's order. `notes` makes, for a mail system whose log tells of logins, what notes ours."""
    found: dict[str, Connector] = {}
    for name, table in settings.connectors.items():
        if isinstance(table, ManageSieve):
            teller = settings.teller(name)
            found[name] = made_managesieve(name, table, notes(teller) if teller else None, settings.identities(name))
        elif (make := _MADE.get(type(table))) is not None:
            found[name] = make(name, table)
    for name, table in settings.connectors.items():
        if isinstance(table, SieveFiles):
            found[name] = made_sieve_files(name, table, found, settings.identities(name))
    return {name: found[name] for name in settings.connectors}


_MADE: Mapping[type, Callable[..., Connector]] = {
    ByHand: made_by_hand,
    Ews: made_ews,
    ExchangeShell: made_exchange_shell,
    Gmail: made_gmail,
    Graph: made_graph,
    Jmap: made_jmap,
}
"""Those that need nothing but their table."""


def made_leave(settings: Settings, people: PeopleCsv) -> list[LeaveSource]:
    """Where absences come from."""
    from locum.leave import sources  # noqa: PLC0415  icalendar is slow to import

    return sources(settings.leave.csv, settings.leave.ical, people, settings.organisation.time_zone)


def made_provider(settings: Settings) -> "Provider | None":
    """Where colleagues sign in besides passkeys; None where the settings name no provider."""
    from locum.web.signin import Provider, new_client  # noqa: PLC0415  only for the pages, and slow to import

    table = settings.oidc
    if table is None:
        return None
    file = table.client_secret_file
    return Provider(
        issuer=table.issuer,
        client_id=table.client_id,
        secret=None if file is None else lambda: secret(file),
        back=f"{settings.web.url.rstrip('/')}/sign-in/back",
        claim_name=table.claim,
        name=table.name,
        client=new_client(str(table.ca_file) if table.ca_file else None),
        monotonic=time.monotonic,
    )


def made_witnesses(settings: Settings, clock: Callable[[], datetime]) -> list[Witness]:
    """The witnesses of the record, in the file's order."""
    if not settings.witnesses:
        return []
    from locum.witnesses import Witness as Asked  # noqa: PLC0415  only where there is one

    rows = settings.witnesses.items()
    return [Asked(name, table.url, table.key, clock, table.ca_file) for name, table in rows]


def made_eraser(store: Store, folder: Path, clock: Callable[[], datetime], step: Callable[[str], None]) -> Eraser:
    """What erases; its ledger is in the folder of the record."""
    return Eraser(store, Ledger(folder / "erased"), clock, step)


def holidays(file: Path | None) -> frozenset[date]:
    """The days on which nobody works."""
    if file is None:
        return frozenset()
    from locum.leave.ical import days  # noqa: PLC0415  icalendar is slow to import

    return days(file)


def key_paper(paper: KeyPaper, form: str) -> bytes:
    """Somebody's key as a page or a picture."""
    from locum.documents.keys import render  # noqa: PLC0415  WeasyPrint is slow to import, and large

    return render(paper, form)


def rendered(account: Account, form: str) -> bytes:
    """An account in one of its forms."""
    from locum.documents import render  # noqa: PLC0415  WeasyPrint is slow to import, and large

    return render(account, form)


def is_gone(file: Path) -> bool:
    """That it is not there, as far as this process may look."""
    return os.access(file.parent, os.X_OK) and not file.exists()


def owns(folder: Path) -> bool:
    """Whether it is this user's, to write in."""
    try:
        return folder.stat().st_uid == os.geteuid() and os.access(folder, os.W_OK)
    except OSError:
        return False
