"""What Dovecot's configuration says of published scripts, in 2.3 and in 2.4 spelling, asked of doveconf and doveadm.

What must not live here: changing anything, and what is said of a queue for forwards (sieve_files_queue.py).
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from locum import mailhost, sieve
from locum.connectors import sieve_files_places as directories
from locum.connectors.sieve_files_places import Publishing, finding, name, trouble
from locum.errors import Trouble
from locum.seam import Finding

_NO_SUCH_USER = (
    67  # sysexits.h EX_NOUSER; Dovecot tells a user only of mailboxes with its own uid, and says 75 of others
)
_RUNS_PROGRAMS = re.compile(r"vnd\.dovecot\.(?:pipe|execute|filter)|sieve_extprograms")
_SETTING = re.compile(r"^\s*sieve_(before|default|after)(\d*)\s*=\s*(\S.*?)\s*$", re.MULTILINE)
_BLOCK = re.compile(r"^sieve_script [^\n]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)  # 2.4; values hold braces too
_PLACE = re.compile(r"(?:file:)?(?P<path>[^;]+)(?P<options>.*)", re.DOTALL)
_MAILBOX = re.compile(r"%\{user\}|%u|%Lu|%\{user *\| *lower\}")
_ORDER = {"before": 0, "personal": 1, "default": 1, "after": 2}
_LARGEST = 1 << 20


class Location(NamedTuple):
    """Where Dovecot looks for scripts besides hers. `kind` is before, default or after."""

    kind: str
    path: str
    options: str


def configuration(publishing: Publishing, sample: str | None) -> Iterator[Finding]:
    """Everything of it; `sample` is a mailbox as Dovecot names it."""
    if publishing.dovecot_config is None:
        yield finding("configuration-not-given", None)
        return
    try:
        whole = said(publishing, "-n")
        lda = said(publishing, "-f", "protocol=lda", "-h", "mail_plugins")
        lmtp = said(publishing, "-f", "protocol=lmtp", "-h", "mail_plugins")
        names = said(publishing, "-h", "auth_username_format").strip()
    except Trouble as error:
        yield trouble("configuration-trouble", error)
        return
    yield from read_by_dovecot(publishing.directory, whole)
    yield from _others_scripts(publishing, whole)
    yield from _plugins(lmtp, lda)
    yield from _dangers(whole)
    yield from _names(publishing, names, sample)
    yield from readable(publishing, publishing.directory)


def said(publishing: Publishing, *arguments: str) -> str:
    """What doveconf says. Raises Trouble."""
    done = mailhost.run_program([*publishing.program("doveconf"), *arguments])
    if done.returncode != 0:
        raise Trouble("program-failed", program="doveconf", what=done.stderr.strip()[:200])
    return done.stdout


def locations(whole: str) -> list[Location]:
    """Where Dovecot looks for scripts before and after hers, in the order in which it runs them."""
    old = [
        (kind, int(number or 1), match)
        for kind, number, value in _SETTING.findall(whole)
        if (match := _PLACE.fullmatch(value))
    ]
    in_order = sorted(old, key=lambda one: (_ORDER[one[0]], one[1]))
    found = [Location(kind, str(match["path"]), str(match["options"])) for kind, _, match in in_order]
    blocks = [dict(re.findall(r"(\w+)\s*=\s*(.*?)\s*$", block, re.MULTILINE)) for block in _BLOCK.findall(whole)]
    new = [
        Location(block["type"], str(block.get("path", block.get("driver", ""))), "bindir" * ("bin_path" in block))
        for block in blocks
        if block.get("type") in ("before", "default", "after")
    ]
    return found + sorted(new, key=lambda one: _ORDER[one.kind])


def read_by_dovecot(directory: Path, whole: str) -> Iterator[Finding]:
    """That Dovecot reads both places of a directory, each where it should be."""
    for place in mailhost.PLACES:
        folder = f"{directory.absolute()}/{place}/"
        ours = [one for one in locations(whole) if one.kind == place and one.path.startswith(folder)]
        if not ours:
            yield finding(f"{place}-not-read", False, folder=folder)
            continue
        yield finding(f"{place}-read", True, folder=folder)
        if "bindir" not in ours[0].options:
            yield finding("no-bindir", None, place=place)
        if not _MAILBOX.match(ours[0].path[len(folder) :]) or not ours[0].path.endswith(".sieve"):
            yield finding("file-named-otherwise", False, path=ours[0].path)


def _others_scripts(publishing: Publishing, whole: str) -> Iterator[Finding]:
    """Of the organisation's own: with a reply of ours before it, a rejection would lose the message."""
    if any(re.match(r"(?:dict|ldap|sql):|dict$|ldap$", one.path) for one in locations(whole)):
        yield finding("database", False)
    directories_of_ours = [publishing.directory, *([publishing.forwards.directory] if publishing.forwards else [])]
    folders = tuple(f"{one.absolute()}/" for one in directories_of_ours)
    after_ours = False
    for one in locations(whole):
        if one.path.startswith(folders):
            after_ours = True
        elif after_ours or one.kind != "before":
            yield _judged(one)


def _judged(location: Location) -> Finding:
    path = Path(location.path)
    try:
        scripts = sorted(path.glob("*.sieve")) if path.is_dir() else [path]
        said_of = [sieve.examine(script.read_bytes()[:_LARGEST], lambda _name: None) for script in scripts]
    except (OSError, ValueError):
        return finding("others-script-not-seen", None, path=path)
    if any(one.doubt for one in said_of):
        return finding("others-script-not-seen", None, path=path)
    if any(one.reject for one in said_of):
        return finding("others-script-rejects", False, path=path)
    answers = any(one.vacation for one in said_of)
    return finding("others-script-answers" if answers else "others-script", None if answers else True, path=path)


def _plugins(lmtp: str, lda: str) -> Iterator[Finding]:
    with_lmtp, with_lda = "sieve" in lmtp.split(), "sieve" in lda.split()
    yield finding("lmtp" if with_lmtp else "lmtp-without-sieve", with_lmtp)
    yield finding("lda" if with_lda else "lda-without-sieve", True if with_lda else None)


def _dangers(whole: str) -> Iterator[Finding]:
    lines = [line.strip() for line in whole.splitlines() if _RUNS_PROGRAMS.search(line)]
    globally = [line for line in lines if not line.startswith("managesieve_")]
    yield finding("runs-programs", False, line=globally[0]) if globally else finding("runs-no-programs", True)
    if re.search(r"^\s*quota_full_tempfail\s*=\s*yes", whole, re.MULTILINE):
        yield finding("full-mailbox-retries", None)


def _names(publishing: Publishing, names: str, sample: str | None) -> Iterator[Finding]:
    if sample is None:
        yield _names_compared(publishing, names) or finding("names-not-tried", None, names=names)
        return
    try:
        done = mailhost.run_program([*publishing.program("doveadm"), "user", "-f", "user", sample])
    except Trouble as error:
        yield trouble("names-trouble", error)
        return
    answer = done.stdout.strip() or sample  # it names the user only where that differs from what it was asked
    if done.returncode == _NO_SUCH_USER:
        yield finding("mailbox-unknown", False, user=sample)
    elif done.returncode != 0:
        refused = finding("names-not-told", None, user=sample, owner=name(os.geteuid()), names=names)
        yield _names_compared(publishing, names) or refused
    else:
        fits = answer == sample
        yield finding("names-fit" if fits else "named-otherwise", fits, user=sample, said=answer)


def _names_compared(publishing: Publishing, names: str) -> Finding | None:
    """That the configuration names mailboxes otherwise than we do; None where it seems the same."""
    # %n is the part before the @, %L is lower case (2.4: %{user | username | lower})
    local = bool(re.search(r"%L?n|username", names))
    fits = local == (publishing.user_template == "{local}")
    if publishing.user_template not in ("{address}", "{local}") or fits:
        return None
    return finding("names-differ", False, names=names, ours=publishing.user_template)


def readable(publishing: Publishing, directory: Path) -> Iterator[Finding]:
    """That the mail's user may read a directory, and not write."""
    try:
        settings = ("mail_uid", "mail_gid", "mail_access_groups")
        uid, gid, groups = (said(publishing, "-h", setting).strip() for setting in settings)
    except Trouble as error:
        yield trouble("configuration-trouble", error)
        return
    if not uid:
        yield finding("mail-user-unknown", None)
        return
    yield from directories.mail_user(directory, uid, gid, groups.replace(",", " ").split())
