"""What the values of the settings file may be: the types of its fields, with their checks. Relative paths are made absolute while
reading (`context["folder"]`).
"""

from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from locum import addresses
from locum.errors import LocumError


def by(form: Callable[[str], str]) -> AfterValidator:
    """Text in the one form that `form` gives it; its LocumError becomes the file's mistake."""

    def check(value: str) -> str:
        try:
            return form(value)
        except LocumError as error:
            raise ValueError(value) from error

    return AfterValidator(check)


def judged(judge: Callable[[str], object]) -> AfterValidator:
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


def store_url(value: str, info: ValidationInfo) -> str:
    scheme, _, rest = value.partition(":///")
    if scheme == "sqlite" and rest and rest != ":memory:":
        return f"sqlite:///{_folder(info) / rest}"
    if urlsplit(value).scheme.partition("+")[0] not in {"sqlite", "postgresql"}:
        raise ValueError(value)
    return value


def scheme(*allowed: str) -> AfterValidator:
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


def listen_at(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(value)
    return value


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Place: TypeAlias = Annotated[Path, AfterValidator(_from_settings)]
Domain: TypeAlias = Annotated[str, by(addresses.domain)]
Address: TypeAlias = Annotated[str, by(addresses.canonical)]
Pattern: TypeAlias = Annotated[str, by(_pattern)]
Network: TypeAlias = Annotated[str, judged(ip_network)]
Words: TypeAlias = Annotated[str, Field(min_length=1, max_length=500)]
Many: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]
STRICT: Mapping[str, object] = {"extra": "forbid", "strict": True}
