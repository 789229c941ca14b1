"""Secrets of the post: the relay's password and the gateway's addresses, from files that are their reader's alone."""

import os
import stat
from pathlib import Path

from locum.errors import Rejected, Unreachable


def read_secret(file: Path) -> str:
    """The text of a secret file; a systemd credential of the same name comes first. Read anew each time, so that a changed
    secret needs no restart. Raises Rejected (`secret-open-to-others`, `secret-unreadable`), Unreachable (`secret-missing`).
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder) / file.name if folder else None
    is_credential = credential is not None and credential.is_file()
    place = credential if credential is not None and is_credential else file
    try:
        with place.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            raw = opened.read(65536)
    except PermissionError:
        raise Rejected("secret-unreadable", file=place) from None
    except OSError as error:
        raise Unreachable("secret-missing", file=place, what=error.strerror) from None
    # systemd gives a unit its credentials by an access list that shows up as the group's bits.
    if mode & (stat.S_IRWXO if is_credential else stat.S_IRWXG | stat.S_IRWXO):
        raise Rejected("secret-open-to-others", file=place)
    return raw.decode("utf-8", "replace").rstrip("\r\n")
