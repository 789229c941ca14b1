"""Whether this mail host may forward: a local queue that takes what Dovecot sends without looking at the recipient.

With a relay in place of a queue, Dovecot answers 451 or stores her mail twice as soon as that relay refuses or is away
(tried): so without a queue nothing is forwarded. Only Postfix is known to take a message without looking. What must not
live here: sending anything, changing anything.
"""

import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from locum import mailhost
from locum.absence import Mailbox
from locum.connectors import sieve_files_places
from locum.connectors.sieve_files_configuration import read_by_dovecot, readable, said
from locum.connectors.sieve_files_forwards import ForwardPlace
from locum.connectors.sieve_files_hers import Seen
from locum.connectors.sieve_files_places import Publishing, finding, name, trouble
from locum.errors import LocumError, Trouble
from locum.seam import Finding, Report

_NAMES = ("{address}", "{local}")
_PATHS = f"{os.defpath}:/usr/sbin:/sbin"
_POSTFIX = ("sendmail_path", "queue_directory", "command_directory", "authorized_submit_users", "message_size_limit")
_ADDED = 10_240  # bytes of headers that a copy has more than what came in, amply


class Forwarder(Publishing, Protocol):
    """What is needed of the connector besides."""

    def user(self, mailbox: Mailbox) -> str: ...
    def look(self, mailbox: Mailbox) -> Seen: ...


def may_forward(connector: Forwarder, mailbox: Mailbox) -> Report:
    """Everything that has to hold before this mailbox's mail is forwarded; Trouble on the way is a finding too."""
    try:
        connector.user(mailbox)
    except LocumError as error:
        return (trouble("forward-trouble", error),)
    if connector.forwards is None:
        return (finding("forward-not-set-up", False),)
    found = (*_host(connector, connector.forwards), *_room(connector, mailbox))
    return tuple(one for one in found if one.holds is not None)  # warnings are `check`'s


def report(connector: Publishing) -> Iterator[Finding]:
    """The same for `locum check`, without a mailbox, and with warnings."""
    if connector.forwards is None:
        yield finding("forward-not-set-up", None)
        return
    yield from _host(connector, connector.forwards)
    yield from _owners(connector, connector.forwards.directory)
    followed = mailhost.is_followed(connector.forwards.directory)
    yield finding("forward-followed" if followed else "forward-not-followed", True if followed else None)
    yield _log(connector)


def _host(connector: Publishing, forwards: ForwardPlace) -> Iterator[Finding]:
    yield from sieve_files_places.directory(forwards.directory)
    yield _publishes(forwards)
    if connector.user_template not in _NAMES:
        yield finding("forward-names", False, column=connector.user_template)
    if connector.dovecot_config is None:
        yield finding("forward-configuration-not-given", False)
        return
    try:
        whole = said(connector, "-n")
        yield from read_by_dovecot(forwards.directory, whole)
        yield from readable(connector, forwards.directory)
        yield _envelope(whole)
        yield from _queue(connector)
    except Trouble as error:
        yield trouble("configuration-trouble", error)


def _publishes(forwards: ForwardPlace) -> Finding:
    """Stage and compile a forward, as the program that writes them; and which approvals that program takes."""
    try:
        tried = mailhost.ask(forwards.publisher, {"do": "try"})[0]
    except LocumError as error:
        tried = error
    if isinstance(tried, LocumError):
        return trouble("forward-does-not-publish", tried)
    if tried == mailhost.UNSIGNED:
        return finding("forward-trial", True)
    return finding("forward-signed", True) if tried == mailhost.SIGNED else finding("forward-needs-signatures", False)


def _envelope(whole: str) -> Finding:
    """A copy keeps who sent it: the sender is whom a bounce goes to, and the receiver's filters judge by it."""
    found = re.findall(r"^\s*sieve_redirect_envelope_from\s*=\s*(\S+)\s*$", whole, re.MULTILINE)
    kept = not found or found[-1] == "sender"
    return finding("forward-keeps-sender" if kept else "forward-changes-sender", kept, value=(found or ["sender"])[-1])


# the queue


def _queue(connector: Publishing) -> Iterator[Finding]:
    protocols = [
        protocol
        for protocol in ("lmtp", "lda")
        if "sieve" in said(connector, "-f", f"protocol={protocol}", "-h", "mail_plugins").split()
    ]
    found = [_handed_to(connector, protocol) for protocol in protocols]
    yield from dict.fromkeys(one for several in found for one in several)


def _handed_to(connector: Publishing, protocol: str) -> list[Finding]:
    """Where Dovecot hands what it sends: to a relay, or to a program with a queue."""
    lines = said(connector, "-f", f"protocol={protocol}", "-h", "submission_host", "sendmail_path").splitlines()
    host, command = lines if len(lines) == 2 else ("?", "?")
    if host.strip():
        return [finding("forward-relay", False, protocol=protocol, host=host.strip())]
    words = command.split()
    if not words or not os.access(words[0], os.X_OK) or not Path(words[0]).is_file():
        return [finding("forward-no-sendmail", False, program=command)]
    return _postfix(connector, words)


def _postfix(connector: Publishing, words: list[str]) -> list[Finding]:
    settings = _postfix_settings(words)
    if not settings or os.path.realpath(settings["sendmail_path"]) != os.path.realpath(words[0]):
        return [finding("forward-not-postfix", False, program=words[0])]
    uid = said(connector, "-h", "mail_uid").strip()
    if not _may_submit(settings, uid):
        return [finding("forward-may-not-submit", False, user=uid or "?", directory=settings["queue_directory"])]
    return [finding("forward-queue", True, program=words[0]), _size(words, settings)]


def _postfix_settings(words: list[str]) -> dict[str, str]:
    """Postfix's own settings for this sendmail; {} where it is not there."""
    program = shutil.which("postconf", path=_PATHS)
    if program is None:
        return {}
    try:
        done = mailhost.run_program([program, *_configured(words), "-h", *_POSTFIX])
    except Trouble:
        return {}
    lines = done.stdout.splitlines()
    return dict(zip(_POSTFIX, lines, strict=True)) if len(lines) == len(_POSTFIX) else {}


def _configured(words: list[str]) -> list[str]:
    places = [words[place + 1] for place, word in enumerate(words[:-1]) if word == "-C"]
    return ["-c", places[-1]] if places else []


def _may_submit(settings: dict[str, str], uid: str) -> bool:
    """Whether the mail's user may put a message into the queue: Postfix lets it, and the queue's door has the rights."""
    named = settings["authorized_submit_users"].replace(",", " ").split()
    user = name(int(uid)) if uid.isdigit() else uid
    if "static:anyone" not in named and user not in named:
        return False
    try:
        door = (Path(settings["queue_directory"]) / "maildrop").stat()
        program = (Path(settings["command_directory"]) / "postdrop").stat()
    except OSError:
        return False
    lends_group = bool(program.st_mode & stat.S_ISGID) and program.st_gid == door.st_gid
    return bool(door.st_mode & stat.S_IWOTH) or (lends_group and bool(door.st_mode & stat.S_IWGRP))


def _size(words: list[str], settings: dict[str, str]) -> Finding:
    """A copy is somewhat longer than what came in; where both have one limit, the longest message could not be handed on."""
    limit = int(settings["message_size_limit"]) if settings["message_size_limit"].isdigit() else 0
    program = shutil.which("postconf", path=_PATHS) or "postconf"
    try:
        said_so = mailhost.run_program([program, *_configured(words), "-P"]).stdout
    except Trouble:
        said_so = ""
    inward = [int(one) for one in re.findall(r"/inet/message_size_limit = (\d+)$", said_so, re.MULTILINE)]
    fits = not limit or (bool(inward) and all(0 < one <= limit - _ADDED for one in inward))
    return finding("forward-size" if fits else "forward-size-same", True if fits else None, limit=limit)


# hers, and ours


def _room(connector: Forwarder, mailbox: Mailbox) -> Iterator[Finding]:
    """Her redirects and ours share what one delivery may have; one too many stops all of her filters, if ours is first."""
    most = mailhost.most_redirects(connector.program("doveconf"))
    if most is None:
        yield finding("forward-room-unknown", False)
        return
    hers = connector.look(mailbox).hers
    if most < 1:
        yield finding("forward-no-room", False, most=most, hers=0)
    elif hers is None or hers.doubt:
        yield finding(
            "forward-hers-not-seen", True, most=most
        )  # ours then runs after hers, where it takes nothing away
    else:
        fits = hers.redirects < most
        yield finding("forward-room" if fits else "forward-no-room", fits, most=most, hers=hers.redirects)


def _owners(connector: Publishing, directory: Path) -> Iterator[Finding]:
    try:
        forwards, replies = directory.stat(), connector.directory.stat()
    except OSError:
        return  # said already
    same = forwards.st_uid == replies.st_uid
    yield finding(
        "forward-same-owner" if same else "forward-own-owner", None if same else True, owner=name(forwards.st_uid)
    )
    if forwards.st_mode & (stat.S_IROTH | stat.S_IXOTH):
        yield finding("forward-read-by-all", None, directory=directory)


def _log(connector: Publishing) -> Finding:
    if connector.mail_log is None:
        return finding("forward-log-not-given", None)
    readable_now = connector.mail_log.readable()
    key = "forward-log" if readable_now else "forward-log-unreadable"
    return finding(key, True if readable_now else None, log=connector.mail_log.path)
