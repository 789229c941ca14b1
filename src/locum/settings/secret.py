"""Secrets come from files, or from systemd's credentials; never from the settings, the environment or an argument."""

import os
import stat
from pathlib import Path

from locum.errors import Invalid, Rejected, Unreachable

_LARGEST_SECRET = 64 * 1024


def secret(path: Path) -> str:
    """A secret from its file, one line end at its end dropped. A systemd credential of the file's name comes first.

    Raises Invalid `secret-open-to-others` where others than its owner may read the file, `secret-empty`,
    Rejected `secret-unreadable`, Unreachable `secret-missing`. None of them says anything of what it holds.
    """
    credential = _credential(path)
    place = credential or path
    try:
        with place.open("rb") as file:
            status = os.fstat(file.fileno())
            raw = file.read(_LARGEST_SECRET + 1) if stat.S_ISREG(status.st_mode) else b""
    except PermissionError:
        raise Rejected("secret-unreadable", file=place) from None
    except OSError as error:
        raise Unreachable("secret-missing", file=place, what=error.strerror) from None
    # systemd keeps its credentials for the unit alone, by an access list that shows up as the group's bits.
    if status.st_mode & (stat.S_IRWXO if credential else stat.S_IRWXG | stat.S_IRWXO):
        raise Invalid("secret-open-to-others", file=place)
    return _secret_text(raw, place)


def _secret_text(raw: bytes, place: Path) -> str:
    try:
        text = raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        text = ""
    if not text or "\0" in text or len(raw) > _LARGEST_SECRET:
        raise Invalid("secret-empty", file=place)
    return text


def secret_is_readable(path: Path) -> bool:
    """Whether this process may read the secret."""
    return os.access(_credential(path) or path, os.R_OK)


def _credential(path: Path) -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    place = Path(folder) / path.name if folder else None
    return place if place is not None and place.is_file() else None
