"""A mistake in the settings file, told as people can find it: the file, the line, the key, and what was meant instead."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from locum.errors import Invalid
from locum.settings import mail_systems, tables

Location = tuple[int | str, ...]

_ERRORS = {
    "missing": "settings-missing-key",
    "union_tag_not_found": "settings-missing-key",
    "extra_forbidden": "settings-unknown-key",
    "unexpected_keyword_argument": "settings-unknown-key",
}


class Place:
    """A key of the settings file: where it stands, for the two placeholders that every mistake has."""

    def __init__(self, path: Path, text: str, location: Location) -> None:
        self._path, self._text = path, text
        self.names = [str(part) for part in location if isinstance(part, str)]
        self.key = ".".join(self.names)
        line = _line_of(text, self.names)
        self.file = f"{path}:{line}" if line else str(path)

    def below(self, name: str) -> "Place":
        """A key of the table that stands here."""
        return Place(self._path, self._text, (*self.names, name))

    def invalid(self, key: str, **values: str) -> Invalid:
        """Invalid with the message `key`, this place, and other placeholders."""
        return Invalid(key, clause=None, file=self.file, name=self.key, **values)


def mistake(error: ValidationError, path: Path, text: str) -> Invalid:
    """The first mistake that was found, those of what is written before those of what is missing."""
    first = min(error.errors(), key=lambda found: found["type"] == "missing")
    location = _location(first["loc"], first["type"])
    place = Place(path, text, location)
    key = _ERRORS.get(first["type"], "settings-bad-value")
    if key == "settings-missing-key":
        return place.invalid(key)
    if key == "settings-unknown-key":
        return place.invalid(key, known=_known(location))
    # For our own checks pydantic's words say nothing that the value does not.
    what = "" if first["type"] == "value_error" else f" ({first['msg']})"
    return place.invalid(key, value=json.dumps(first["input"], ensure_ascii=False)[:80], what=what)


def _location(found: Location, kind: str) -> Location:
    # pydantic names the kind of the connector too: connector, legacy, managesieve, port.
    location = (*found[:2], *found[3:]) if found[0] == "connector" and len(found) > 3 else found
    return (*location, "kind") if kind == "union_tag_not_found" else location


_TABLES: Mapping[str, type] = {
    "organisation": tables.Organisation,
    "store": tables.StoreTable,
    "people": tables.PeopleTable,
    "policy": tables.PolicyTable,
    "mail": tables.MailTable,
    "text_messages": tables.TextMessages,
    "record": tables.RecordTable,
    "web": tables.WebTable,
    "leave": tables.LeaveTable,
    "worker": tables.WorkerTable,
    "contact": tables.ContactTable,
    "oidc": tables.OidcTable,
}
_INNER: Mapping[tuple[str, str], type] = {("web", "sign_in"): tables.SignInTable}


def _known(location: Location) -> str:
    """The keys that would have been known there, the closest first."""
    if len(location) == 1:
        names = [*_TABLES, "acting", "connector", "search", "witness"]
    elif (table := _INNER.get(_pair(location)) or _TABLES.get(str(location[0]))) is not None:
        names = ["from" if field.name == "sender" else field.name for field in fields(table)]
    elif location[0] == "witness":
        names = [field.name for field in fields(tables.WitnessTable)]
    elif location[0] == "search":
        names = ["for" if field.name == "connectors" else field.name for field in fields(mail_systems.ImapSearch)]
    else:
        names = sorted({field.name for kind in get_args(mail_systems.ConnectorTable) for field in fields(kind)})
    close = get_close_matches(str(location[-1]), names, n=1)
    return ", ".join([*close, *(name for name in names if name not in close)])


def _pair(location: Location) -> tuple[str, str]:
    """The table within a table in which the key stands, if it stands in one."""
    return (str(location[0]), str(location[1])) if len(location) > 2 else ("", "")


def _line_of(text: str, names: list[str]) -> int | None:
    """The line on which the key stands, or else its table begins."""
    best: tuple[int, int] | None = None
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if (header := re.match(r"\s*\[+([^\]]+)\]", line)) is not None:
            table = [part.strip().strip("\"'") for part in header[1].split(".")]
            here = table
        elif (key := re.match(r"\s*([A-Za-z0-9_\"'.-]+)\s*=", line)) is not None:
            here = [*table, *(part.strip("\"'") for part in key[1].split("."))]
        else:
            continue
        if here == names[: len(here)] and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None
