"""What `locum check` tries of a search over IMAP: that it is reached, that nobody gets in without a grant, that a grant opens the one
mailbox and shows no private folder, and that the directory of the grants is nobody else's. Not a connector: imap.py is.
"""

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from locum.absence import Mailbox
from locum.connectors.imap_grants import Grant, Grants
from locum.errors import LocumError, Rejected
from locum.narrowing import folder_is_excluded
from locum.query import Exclusions
from locum.seam import Finding, Report

if TYPE_CHECKING:
    from locum.connectors.imap import ImapSearcher


def report(searcher: "ImapSearcher", sample: Mailbox | None) -> Report:
    """All of it, as far as it comes; Trouble on the way is a finding too."""
    findings: list[Finding] = []
    try:
        if isinstance(searcher.grants, Grants):
            findings += _directory(searcher.grants)
        for one in _tried(searcher, sample):
            findings.append(one)
    except LocumError as error:
        findings.append(
            Finding(key="search.trouble", holds=False, values=(*error.values.items(), ("error", error.key)))
        )
    return tuple(findings)


def _directory(grants: Grants) -> Iterator[Finding]:
    directory = grants.directory
    values = (("directory", str(directory)),)
    try:
        mode = directory.stat().st_mode
    except OSError:
        yield Finding(key="search.no-directory", holds=False, values=values)
        return
    if not os.access(directory, os.W_OK | os.X_OK):
        yield Finding(key="search.not-writable", holds=None, values=values)
    is_ours = not stat.S_IMODE(mode) & (stat.S_IWGRP | stat.S_IRWXO)
    yield Finding(
        key="search.directory-is-ours" if is_ours else "search.directory-is-open", holds=is_ours, values=values
    )
    if left := grants.forgotten():
        yield Finding(key="search.left-behind", holds=None, values=(*values, ("many", str(len(left)))))


def _tried(searcher: "ImapSearcher", sample: Mailbox | None) -> Iterator[Finding]:
    values = (("host", searcher.host), ("port", str(searcher.port)))
    with searcher.wire():
        yield Finding(key="search.reached", holds=True, values=values)
    if sample is None:
        yield Finding(key="search.no-sample", holds=None)
        return
    tried = (("mailbox", sample.address),)
    user, grants = searcher.user(sample), searcher.grants
    without = _refuses(searcher, Grant("locum-000000000000", user, b"none", user if isinstance(grants, Grants) else ""))
    yield Finding(key="search.refused-without" if without else "search.open-without", holds=without, values=tried)
    if isinstance(grants, Grants) and not os.access(grants.directory, os.W_OK | os.X_OK):
        return
    failed: list[str] = []
    with grants.grant(user, failed.append) as grant, searcher.wire() as wire:
        wire.authenticate(grant.name, grant.secret, grant.authorize)
        folders = wire.folders(grant.under)
        yield Finding(key="search.opens", holds=True, values=(*tried, ("folders", str(len(folders)))))
        private = [one for one in folders if folder_is_excluded(one.path, Exclusions())]
        key = "search.private-visible" if private else "search.private-hidden"
        yield Finding(key=key, holds=None if private else True, values=(*tried, ("many", str(len(private)))))

    if grants.kick or failed:
        yield Finding(
            key="search.kick-failed" if failed else "search.kicks", holds=None if failed else True, values=tried
        )


def _refuses(searcher: "ImapSearcher", grant: Grant) -> bool:
    with searcher.wire() as wire:
        try:
            wire.authenticate(grant.name, grant.secret, grant.authorize)
        except Rejected:
            return True
        return False
