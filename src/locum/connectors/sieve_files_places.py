"""What `locum check` says of a directory that Dovecot reads scripts from: its disk, its rights, and who may read it.

Used for the replies' directory and for the forwards'. What must not live here: what Dovecot's configuration says of it.
"""

import grp
import os
import pwd
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from locum import mailhost
from locum.connectors.access_log import AccessLog
from locum.connectors.dovecot_log import DovecotLog
from locum.connectors.postfix_log import PostfixLog
from locum.connectors.sieve_files_forwards import ForwardPlace
from locum.errors import LocumError, Trouble
from locum.seam import Finding

_REMOTE = re.compile(r"nfs|cifs|smb|ceph|gluster|afs|9p|ncp|lustre|gpfs|fuse\.(?!ext|bind)|virtiofs|ocfs|gfs")


class Publishing(Protocol):
    """What the proof needs of the connector."""

    directory: Path
    user_template: str
    helper: tuple[str, ...]
    script: str
    publisher: tuple[str, ...]
    dovecot_config: Path | None
    log: DovecotLog | None
    access_log: AccessLog | None
    mail_log: PostfixLog | None
    forwards: ForwardPlace | None

    @property
    def has_reader(self) -> bool: ...
    def program(self, name: str) -> list[str]: ...


def finding(key: str, holds: bool | None, **values: object) -> Finding:
    """A finding of this connector; `holds` None is a warning."""
    return Finding(
        key=f"sieve_files.{key}",
        holds=holds,
        values=tuple((name, str(value)[:200]) for name, value in values.items()),
    )


def trouble(key: str, error: LocumError) -> Finding:
    """A finding that holds an error: its key, and the values with which errors.<key>.sentence can be said."""
    return finding(key, False, **{**error.values, "error": error.key})


def directory(path: Path) -> Iterator[Finding]:
    """Whether it is there, on a disk of this machine, and nobody but its owner may write in it."""
    try:
        with mailhost.Places(path) as places:
            disks = {os.fstat(opened).st_dev for opened in (places.root, *places.folder.values())}
    except Trouble as error:
        yield trouble("directory-trouble", error)
        return
    yield finding("directory", True, directory=path)
    if len(disks) > 1:
        yield finding("two-disks", False, directory=path)
    system = file_system(path)
    remote = bool(_REMOTE.match(system))
    yield finding("remote" if remote else "local", not remote, directory=path, system=system)
    owner = path.stat().st_uid
    open_ones = [str(one) for one in way(path) if _others_write(one, owner)]
    if open_ones:
        yield finding("rights-open", False, paths=", ".join(open_ones))
    else:
        yield finding("rights", True, directory=path, owner=name(owner))


def way(path: Path) -> list[Path]:
    """The two places, their directory, and all that lead to it, as far as they exist."""
    real = Path(os.path.realpath(path))
    return [one for one in (*(real / place for place in mailhost.PLACES), real, *real.parents) if one.exists()]


def _others_write(path: Path, owner: int) -> bool:
    """Whether anybody but `owner` and root may write here. A sticky folder on the way (/tmp) protects what others own."""
    facts = path.stat()
    shared = bool(facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)) and not facts.st_mode & stat.S_ISVTX
    return shared or facts.st_uid not in (0, owner)


def file_system(path: Path, mounts: str | None = None) -> str:
    """The kind of file system that holds `path`, from the kernel's table of mounts (proc(5), mountinfo)."""
    table = mounts if mounts is not None else Path("/proc/self/mountinfo").read_text("utf-8", "replace")
    real = os.path.realpath(path)
    best, kind = "", "?"
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), fields[4])
        if (real == point or real.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, kind = point, after.split()[0]
    return kind


def name(uid: int) -> str:
    """A user's name, or its number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def mail_user(path: Path, uid: str, gid: str, more_groups: Sequence[str] = ()) -> Iterator[Finding]:
    """That the user of the mail may read there, and may not write. `more_groups`: Dovecot gives it these besides."""
    number, groups = _ids(uid, gid)
    groups |= {_group(one) for one in more_groups}
    closed = [str(one) for one in way(path) if not _may_enter(one, number, groups)]
    if closed:
        yield finding("mail-user-cannot-read", False, user=uid, paths=", ".join(closed))
    else:
        yield finding("mail-user-reads", True, user=uid)
    writes = [str(one) for one in way(path)[:3] if _owns(one, uid)]
    if writes:
        yield finding("mail-user-writes", False, user=uid, paths=", ".join(writes))


def _ids(uid: str, gid: str) -> tuple[int, set[int]]:
    """The mail user's numbers: its own, and of all its groups."""
    try:
        entry = pwd.getpwuid(int(uid)) if uid.isdigit() else pwd.getpwnam(uid)
    except KeyError:
        return (int(uid) if uid.isdigit() else -1), ({int(gid)} if gid.isdigit() else set())
    return entry.pw_uid, {*os.getgrouplist(entry.pw_name, entry.pw_gid), *({int(gid)} if gid.isdigit() else set())}


def _group(named: str) -> int:
    try:
        return int(named) if named.isdigit() else grp.getgrnam(named).gr_gid
    except KeyError:
        return -1


def _may_enter(path: Path, number: int, groups: set[int]) -> bool:
    facts = path.stat()
    if facts.st_uid == number:
        return bool(facts.st_mode & stat.S_IXUSR)
    if facts.st_gid in groups:
        return bool(facts.st_mode & stat.S_IXGRP)
    return bool(facts.st_mode & stat.S_IXOTH)


def _owns(path: Path, uid: str) -> bool:
    number, _ = _ids(uid, "")
    return number > 0 and path.stat().st_uid == number
