"""What `locum check` says of published scripts: the directory, its rights, the compiler, and Dovecot's configuration.

By trying where it can be tried: a script is compiled where scripts are published, the program that looks at hers is
asked, Dovecot is asked how it names a mailbox. What could not be tried is a warning, never a success. Nothing that is
published is changed. What must not live here: publishing, reading a mailbox.
"""

import os
import pwd
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from locum import mailhost
from locum.connectors.dovecot_log import DovecotLog
from locum.errors import LocumError, Trouble
from locum.seam import Finding, Report

_REMOTE = re.compile(r"nfs|cifs|smb|ceph|gluster|afs|9p|ncp|lustre|gpfs|fuse\.(?!ext|bind)|virtiofs|ocfs|gfs")
_NO_SUCH_USER = (
    67  # sysexits.h EX_NOUSER; Dovecot tells a user only of mailboxes with its own uid, and says 75 of others
)
_RUNS_PROGRAMS = re.compile(r"vnd\.dovecot\.(?:pipe|execute|filter)|sieve_extprograms")
_SETTING = re.compile(r"^\s*(sieve_(?:before|after)\d*)\s*=\s*(.*?)\s*$", re.MULTILINE)
_BLOCK = re.compile(r"sieve_script\s+\S+\s*\{([^{}]*)\}")  # 2.4
_PLACE = re.compile(r"(?:file:)?(?P<path>[^;]+)(?P<options>.*)", re.DOTALL)
_MAILBOX = re.compile(r"%\{user\}|%u|%Lu|%\{user *\| *lower\}")


class Publishing(Protocol):
    """What the proof needs of the connector."""

    directory: Path
    user_template: str
    helper: tuple[str, ...]
    script: str
    publisher: tuple[str, ...]
    dovecot_config: Path | None
    log: DovecotLog | None

    @property
    def has_reader(self) -> bool: ...
    def program(self, name: str) -> list[str]: ...


def report(publishing: Publishing, sample: str | None) -> Report:
    """Everything, as findings; Trouble on the way is a finding too. `sample`: a mailbox as Dovecot names it, to try with."""
    return (
        _finding("no-credential", True),
        *_directory(publishing),
        *_publishes(publishing),
        *_sees(publishing, sample),
        *_configuration(publishing, sample),
        *_log(publishing),
    )


def _finding(key: str, holds: bool | None, **values: object) -> Finding:
    return Finding(
        key=f"sieve_files.{key}",
        holds=holds,
        values=tuple((name, str(value)[:200]) for name, value in values.items()),
    )


def _trouble(key: str, error: LocumError) -> Finding:
    """A finding that holds an error: its key, and the values with which errors.<key>.sentence can be said."""
    return _finding(key, False, **{**error.values, "error": error.key})


# the directory


def _directory(publishing: Publishing) -> Iterator[Finding]:
    try:
        with mailhost.Places(publishing.directory) as places:
            disks = {os.fstat(opened).st_dev for opened in (places.root, *places.folder.values())}
    except Trouble as error:
        yield _trouble("directory-trouble", error)
        return
    yield _finding("directory", True, directory=publishing.directory)
    if len(disks) > 1:
        yield _finding("two-disks", False, directory=publishing.directory)
    system = file_system(publishing.directory)
    remote = bool(_REMOTE.match(system))
    yield _finding("remote" if remote else "local", not remote, directory=publishing.directory, system=system)
    owner = publishing.directory.stat().st_uid
    open_ones = [str(path) for path in _way(publishing.directory) if _others_write(path, owner)]
    if open_ones:
        yield _finding("rights-open", False, paths=", ".join(open_ones))
    else:
        yield _finding("rights", True, directory=publishing.directory, owner=_name(owner))


def _way(directory: Path) -> list[Path]:
    """The two places, their directory, and all that lead to it, as far as they exist."""
    real = Path(os.path.realpath(directory))
    return [path for path in (*(real / place for place in mailhost.PLACES), real, *real.parents) if path.exists()]


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


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


# publishing and looking, by trying


def _publishes(publishing: Publishing) -> Iterator[Finding]:
    """Compile a script that uses all we ever use, where scripts are staged, as whoever publishes."""
    try:
        if publishing.publisher:
            tried = mailhost.ask(publishing.publisher, {"do": "try"})[0]
        else:
            tried = mailhost.try_out(publishing.directory, sievec=publishing.program("sievec"))
    except LocumError as error:
        tried = error
    if not isinstance(tried, LocumError):
        yield _finding("compiles", True)
    else:
        yield _trouble("does-not-compile" if tried.key == "published-not-compiled" else "does-not-publish", tried)


def _sees(publishing: Publishing, sample: str | None) -> Iterator[Finding]:
    users = [sample] if sample else []
    try:
        if publishing.helper:
            answers: Sequence[object] = mailhost.ask(publishing.helper, {"do": "look", "users": users})
        elif publishing.script:
            answers = mailhost.look(users, publishing.script, doveadm=publishing.program("doveadm"))
        else:
            reads = publishing.has_reader
            yield _finding("sees-own-by-reader" if reads else "does-not-see-own", True if reads else None)
            return
    except LocumError as error:
        yield _trouble("looking-trouble", error)
        return
    errors = [answer for answer in answers if isinstance(answer, LocumError)]
    yield _trouble("looking-trouble", errors[0]) if errors else _finding("sees-own", True)
    followed = mailhost.is_followed(publishing.directory)
    yield _finding("followed" if followed else "not-followed", True if followed else None)


# Dovecot's configuration


def _configuration(publishing: Publishing, sample: str | None) -> Iterator[Finding]:
    if publishing.dovecot_config is None:
        yield _finding("configuration-not-given", None)
        return
    try:
        whole = _said(publishing, "-n")
        lda = _said(publishing, "-f", "protocol=lda", "-h", "mail_plugins")
        lmtp = _said(publishing, "-f", "protocol=lmtp", "-h", "mail_plugins")
        names = _said(publishing, "-h", "auth_username_format").strip()
    except Trouble as error:
        yield _trouble("configuration-trouble", error)
        return
    yield from _places(publishing, whole)
    yield from _plugins(lmtp, lda)
    yield from _dangers(whole)
    yield from _names(publishing, names, sample)
    yield from _mail_user(publishing)


def _said(publishing: Publishing, *arguments: str) -> str:
    done = mailhost.run_program([*publishing.program("doveconf"), *arguments])
    if done.returncode != 0:
        raise Trouble("program-failed", program="doveconf", what=done.stderr.strip()[:200])
    return done.stdout


def _locations(whole: str) -> list[tuple[str, str]]:
    """Where Dovecot looks for scripts before and after hers: (location, options), in 2.3 and in 2.4 spelling."""
    found = [_PLACE.fullmatch(value) for _, value in _SETTING.findall(whole)]
    old = [(match["path"], match["options"]) for match in found if match]
    blocks = [dict(re.findall(r"(\w+)\s*=\s*(.*?)\s*$", block, re.MULTILINE)) for block in _BLOCK.findall(whole)]
    new = [
        (block.get("path", block.get("driver", "")), "bindir" if "bin_path" in block else "")
        for block in blocks
        if block.get("type") in mailhost.PLACES
    ]
    return old + new


def _places(publishing: Publishing, whole: str) -> Iterator[Finding]:
    locations = _locations(whole)
    for place in mailhost.PLACES:
        folder = f"{publishing.directory.absolute()}/{place}/"
        ours = [(path, options) for path, options in locations if path.startswith(folder)]
        if not ours:
            yield _finding(f"{place}-not-read", False, folder=folder)
            continue
        path, options = ours[0]
        yield _finding(f"{place}-read", True, folder=folder)
        if "bindir" not in options:
            yield _finding("no-bindir", None, place=place)
        if not _MAILBOX.match(path[len(folder) :]) or not path.endswith(".sieve"):
            yield _finding("file-named-otherwise", False, path=path)
    if any(re.match(r"(?:dict|ldap|sql):|dict$|ldap$", path) for path, _ in locations):
        yield _finding("database", False)
    if re.search(r"^\s*sieve_default\s*=\s*\S", whole, re.MULTILINE):
        yield _finding("default-script", None)


def _plugins(lmtp: str, lda: str) -> Iterator[Finding]:
    with_lmtp, with_lda = "sieve" in lmtp.split(), "sieve" in lda.split()
    yield _finding("lmtp" if with_lmtp else "lmtp-without-sieve", with_lmtp)
    yield _finding("lda" if with_lda else "lda-without-sieve", True if with_lda else None)


def _dangers(whole: str) -> Iterator[Finding]:
    lines = [line.strip() for line in whole.splitlines() if _RUNS_PROGRAMS.search(line)]
    globally = [line for line in lines if not line.startswith("managesieve_")]
    yield _finding("runs-programs", False, line=globally[0]) if globally else _finding("runs-no-programs", True)
    if re.search(r"^\s*quota_full_tempfail\s*=\s*yes", whole, re.MULTILINE):
        yield _finding("full-mailbox-retries", None)


def _names(publishing: Publishing, names: str, sample: str | None) -> Iterator[Finding]:
    if sample is None:
        yield _names_compared(publishing, names) or _finding("names-not-tried", None, names=names)
        return
    try:
        done = mailhost.run_program([*publishing.program("doveadm"), "user", "-f", "user", sample])
    except Trouble as error:
        yield _trouble("names-trouble", error)
        return
    said = done.stdout.strip() or sample  # it names the user only where that differs from what it was asked
    if done.returncode == _NO_SUCH_USER:
        yield _finding("mailbox-unknown", False, user=sample)
    elif done.returncode != 0:
        refused = _finding("names-not-told", None, user=sample, owner=_name(os.geteuid()), names=names)
        yield _names_compared(publishing, names) or refused
    else:
        yield _finding("names-fit" if said == sample else "named-otherwise", said == sample, user=sample, said=said)


def _names_compared(publishing: Publishing, names: str) -> Finding | None:
    """That the configuration names mailboxes otherwise than we do; None where it seems the same."""
    # %n is the part before the @, %L is lower case (2.4: %{user | username | lower})
    local = bool(re.search(r"%L?n|username", names))
    fits = local == (publishing.user_template == "{local}")
    if publishing.user_template not in ("{address}", "{local}") or fits:
        return None
    return _finding("names-differ", False, names=names, ours=publishing.user_template)


def _mail_user(publishing: Publishing) -> Iterator[Finding]:
    try:
        uid, gid = (_said(publishing, "-h", name).strip() for name in ("mail_uid", "mail_gid"))
    except Trouble as error:
        yield _trouble("configuration-trouble", error)
        return
    if not uid:
        yield _finding("mail-user-unknown", None)
        return
    closed = [str(path) for path in _way(publishing.directory) if not _may_enter(path, uid, gid)]
    if closed:
        yield _finding("mail-user-cannot-read", False, user=uid, paths=", ".join(closed))
    else:
        yield _finding("mail-user-reads", True, user=uid)
    writes = [str(path) for path in _way(publishing.directory)[:3] if _owns(path, uid)]
    if writes:
        yield _finding("mail-user-writes", False, user=uid, paths=", ".join(writes))


def _ids(uid: str, gid: str) -> tuple[int, set[int]]:
    """The mail user's numbers: its own, and of all its groups."""
    try:
        entry = pwd.getpwuid(int(uid)) if uid.isdigit() else pwd.getpwnam(uid)
    except KeyError:
        return (int(uid) if uid.isdigit() else -1), ({int(gid)} if gid.isdigit() else set())
    return entry.pw_uid, {*os.getgrouplist(entry.pw_name, entry.pw_gid), *({int(gid)} if gid.isdigit() else set())}


def _may_enter(path: Path, uid: str, gid: str) -> bool:
    facts = path.stat()
    number, groups = _ids(uid, gid)
    if facts.st_uid == number:
        return bool(facts.st_mode & stat.S_IXUSR)
    if facts.st_gid in groups:
        return bool(facts.st_mode & stat.S_IXGRP)
    return bool(facts.st_mode & stat.S_IXOTH)


def _owns(path: Path, uid: str) -> bool:
    number, _ = _ids(uid, "")
    return number > 0 and path.stat().st_uid == number


# the log


def _log(publishing: Publishing) -> Iterator[Finding]:
    if publishing.log is None:
        yield _finding("log-not-given", None)
        return
    readable = publishing.log.readable()
    yield _finding("log" if readable else "log-unreadable", True if readable else None, log=publishing.log.path)
