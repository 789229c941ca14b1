"""The settings: one TOML file -> frozen values. An unknown key is an error that names the file, the line and the key.

Relative paths count from the settings file. No secret stands in the settings: `secret` reads one from its own file. No
connector is imported for this; kinds are known by their file names. The tables and their defaults are in tables.py.
"""

import json
import os
import re
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from locum.addresses import matches
from locum.errors import Invalid
from locum.settings.mail_systems import (
    ByHand,
    ConnectorTable,
    Ews,
    ExchangeShell,
    Gmail,
    Graph,
    ImapSearch,
    Jmap,
    ManageSieve,
    SieveFiles,
)
from locum.settings.mistakes import Place, mistake
from locum.settings.secret import secret, secret_is_readable
from locum.settings.tables import (
    ContactTable,
    File,
    LeaveTable,
    MailTable,
    OidcTable,
    Organisation,
    PeopleTable,
    PolicyTable,
    RecordTable,
    StoreTable,
    TextMessages,
    WebTable,
    WitnessTable,
    WorkerTable,
)

__all__ = [
    "ByHand",
    "ConnectorTable",
    "Ews",
    "ExchangeShell",
    "Gmail",
    "Graph",
    "ImapSearch",
    "Jmap",
    "ManageSieve",
    "Settings",
    "SieveFiles",
    "WitnessTable",
    "is_loopback",
    "kinds",
    "load",
    "secret",
    "secret_is_readable",
]

_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an organisation says about itself and its mail systems. `connectors` are in the file's order."""

    path: Path
    organisation: Organisation
    people: PeopleTable
    mail: MailTable
    connectors: Mapping[str, ConnectorTable]
    store: StoreTable
    policy: PolicyTable
    text_messages: TextMessages
    record: RecordTable
    web: WebTable
    acting: Mapping[str, tuple[str, ...]]
    leave: LeaveTable
    worker: WorkerTable
    contact: ContactTable
    witnesses: Mapping[str, WitnessTable]
    oidc: OidcTable | None
    searches: Mapping[str, ImapSearch]

    def route(self, address: str) -> str | None:
        """The name of the connector that serves a canonical address; the first pattern that matches counts."""
        for name, table in self.connectors.items():
            if any(matches(pattern, address) for pattern in table.mailboxes):
                return name
        return None

    def teller(self, connector: str) -> str | None:
        """The connector whose log tells of the logins of this one: itself, or the one it looks for."""
        if self.connectors[connector].log is not None:
            return connector
        return next((name for name, one in self._reading(connector) if one.log is not None), None)

    def identities(self, connector: str) -> tuple[str, ...]:
        """The names that log in for others, of which the log is to tell, beside the connector's own; a search's begin as one."""
        table = self.connectors[connector]
        reader = self.connectors.get(table.owner_reader or "") if isinstance(table, SieveFiles) else None
        looks = (reader.user,) if isinstance(reader, ManageSieve) and reader.log is None else ()
        searches = any(connector in one.connectors for one in self.searches.values())
        return (*looks, *(("locum-*",) if searches else ()), *table.identities)

    def _reading(self, connector: str) -> list[tuple[str, SieveFiles]]:
        tables = self.connectors.items()
        return [(n, one) for n, one in tables if isinstance(one, SieveFiles) and one.owner_reader == connector]

    def may_act_as(self, os_user: str, person: str) -> bool:
        """Whether this user of the operating system may act for this person."""
        allowed = self.acting.get(os_user, ())
        return "*" in allowed or person in allowed

    def may_apply(self, connector: str) -> bool:
        """Whether this process has what the connector needs to set something: its secret, or its directory to write in."""
        table = self.connectors[connector]
        if isinstance(table, ManageSieve | Jmap | Ews):
            return secret_is_readable(table.secret_file)
        if isinstance(table, Gmail | Graph):
            return secret_is_readable(table.key_file)
        if isinstance(table, ByHand):
            return os.access(table.folder, os.W_OK | os.X_OK)
        if isinstance(table, ExchangeShell):
            there = table.certificate_file is None or secret_is_readable(table.certificate_file)
            return there and shutil.which(table.command[0]) is not None
        return os.access(table.directory, os.W_OK | os.X_OK)


def load(path: Path) -> Settings:
    """Read the settings from `path`.

    Raises Invalid (`settings-missing`, `settings-not-toml`, `settings-unknown-key`, `settings-missing-key`,
    `settings-bad-value`, ...), naming the file, the line where it can be found, and the key.
    """
    path = path.absolute()
    text = _read(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid("settings-not-toml", file=path, what=error) from None
    _defaults(table)
    _check_kinds(table, path, text)
    try:
        read = TypeAdapter(File).validate_json(json.dumps(table, default=str), context={"folder": path.parent})
    except ValidationError as error:
        raise mistake(error, path, text) from None
    return _settled(read, path, text)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise Invalid("settings-missing", file=path, what=error.strerror) from None
    if len(raw) > _LARGEST:
        raise Invalid("settings-not-toml", file=path, what=f"> {_LARGEST} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("settings-not-toml", file=path, what=error) from None


def _defaults(table: dict[str, object]) -> None:
    # Those that are paths: they have to pass through the same door as what is written in the file.
    for name, key, value in (("store", "url", "sqlite:///locum.db"), ("record", "key_file", "record.key")):
        inner = table.setdefault(name, {})
        if isinstance(inner, dict):
            inner.setdefault(key, value)


def _settled(read: File, path: Path, text: str) -> Settings:
    mail = read.mail if read.mail.sender else replace(read.mail, sender=f"locum@{read.organisation.domains[0]}")
    for name, table in read.connector.items():
        if isinstance(table, SieveFiles):
            reader = read.connector.get(table.owner_reader) if table.owner_reader else None
            if table.owner_reader and not isinstance(reader, ManageSieve):
                place = Place(path, text, ("connector", name, "owner_reader"))
                raise place.invalid("settings-owner-reader", value=table.owner_reader)
        elif isinstance(table, ManageSieve) and table.tls == "none" and not is_loopback(table.host):
            raise Place(path, text, ("connector", name, "tls")).invalid("settings-tls-none", host=table.host)
    for name, search in read.search.items():
        _check_search(read, Place(path, text, ("search", name)), search)
    for name, witness in read.witness.items():
        if not _is_safe(witness.url):
            raise Place(path, text, ("witness", name, "url")).invalid("settings-witness-url", value=witness.url)
    if read.oidc is not None and not _is_safe(read.oidc.issuer):
        raise Place(path, text, ("oidc", "issuer")).invalid("settings-oidc-issuer", value=read.oidc.issuer)
    return Settings(
        path=path,
        organisation=read.organisation,
        people=read.people,
        mail=mail,
        connectors=MappingProxyType(read.connector),
        store=_with_key(read),
        policy=read.policy,
        text_messages=read.text_messages,
        record=read.record,
        web=read.web,
        acting=MappingProxyType(read.acting),
        leave=replace(read.leave, ical=tuple(_ical_place(entry, path.parent) for entry in read.leave.ical)),
        worker=read.worker,
        contact=read.contact,
        witnesses=MappingProxyType(read.witness),
        oidc=read.oidc,
        searches=MappingProxyType(read.search),
    )


def _check_search(read: File, place: Place, search: ImapSearch) -> None:
    """Raises Invalid where it is for no connector that there is, for one that another is for too, or would go over a network in the clear."""
    for connector in search.connectors:
        for_it = [one for one in read.search.values() if connector in one.connectors]
        if connector not in read.connector or len(for_it) > 1:
            raise place.below("for").invalid("settings-search-for", value=connector)
    if (search.grants is None) is not bool(search.granter):
        raise place.below("grants").invalid("settings-search-grants")
    if search.tls == "none" and not is_loopback(search.host):
        raise place.below("tls").invalid("settings-tls-none", host=search.host)


def _with_key(read: File) -> StoreTable:
    given = read.store.vault_key_file.name
    return read.store if given else replace(read.store, vault_key_file=read.record.key_file.with_name("vault.key"))


def _is_safe(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def _ical_place(entry: str, folder: Path) -> str:
    return entry if re.match(r"[A-Za-z]+://", entry) else str(folder / Path(entry).expanduser())


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine, so that what goes there passes no network."""
    return host in {"localhost", "::1"} or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def kinds() -> tuple[str, ...]:
    """The kinds of connectors there are: files of locum.connectors that have their options here."""
    folder = files("locum").joinpath("connectors")
    there = {Path(item.name).stem for item in folder.iterdir() if item.name.endswith(".py")}
    return tuple(
        kind
        for kind in ("sieve_files", "managesieve", "graph", "jmap", "gmail", "ews", "exchange_shell", "by_hand")
        if kind in there
    )


def _check_kinds(table: dict[str, object], path: Path, text: str) -> None:
    connectors = table.get("connector")
    for name, options in connectors.items() if isinstance(connectors, dict) else ():
        kind = options.get("kind") if isinstance(options, dict) else None
        if kind is not None and kind not in kinds():
            place = Place(path, text, ("connector", name, "kind"))
            raise place.invalid("settings-unknown-kind", value=str(kind), kinds=", ".join(kinds()))
