"""What `locum check` says of published scripts: the directory, its rights, the compiler, and Dovecot's configuration.

By trying where it can be tried: a script is compiled where scripts are published, the program that looks at hers is
asked, Dovecot is asked how it names a mailbox. What could not be tried is a warning, never a success. Nothing that is
published is changed. What must not live here: publishing, reading a mailbox.
"""

from collections.abc import Iterator, Sequence

from locum import mailhost
from locum.connectors import sieve_files_queue
from locum.connectors.sieve_files_configuration import configuration
from locum.connectors.sieve_files_places import Publishing, directory, finding, trouble
from locum.errors import LocumError
from locum.seam import Finding, Report


def report(publishing: Publishing, sample: str | None) -> Report:
    """Everything, as findings; Trouble on the way is a finding too. `sample`: a mailbox as Dovecot names it, to try with."""
    return (
        finding("no-credential", True),
        *directory(publishing.directory),
        *_publishes(publishing),
        *_sees(publishing, sample),
        *configuration(publishing, sample),
        *_log(publishing),
        *sieve_files_queue.report(publishing),
    )


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
        yield finding("compiles", True)
    else:
        yield trouble("does-not-compile" if tried.key == "published-not-compiled" else "does-not-publish", tried)


def _sees(publishing: Publishing, sample: str | None) -> Iterator[Finding]:
    users = [sample] if sample else []
    try:
        if publishing.helper:
            answers: Sequence[object] = mailhost.ask(publishing.helper, {"do": "look", "users": users})
        elif publishing.script:
            answers = mailhost.look(users, publishing.script, doveadm=publishing.program("doveadm"))
        else:
            reads = publishing.has_reader
            yield finding("sees-own-by-reader" if reads else "does-not-see-own", True if reads else None)
            return
    except LocumError as error:
        yield trouble("looking-trouble", error)
        return
    errors = [answer for answer in answers if isinstance(answer, LocumError)]
    yield trouble("looking-trouble", errors[0]) if errors else finding("sees-own", True)
    followed = mailhost.is_followed(publishing.directory)
    yield finding("followed" if followed else "not-followed", True if followed else None)


# the log


def _log(publishing: Publishing) -> Iterator[Finding]:
    if publishing.log is None:
        yield finding("log-not-given", None)
        return
    readable = publishing.log.readable()
    yield finding("log" if readable else "log-unreadable", True if readable else None, log=publishing.log.path)
    if publishing.access_log is not None and publishing.access_log.identities:
        yield publishing.access_log.check()
