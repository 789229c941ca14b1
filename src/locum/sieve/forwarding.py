"""Forwards in Sieve: `redirect :copy`, so hers is always kept, and everything that is never forwarded.

Where it errs, it errs towards not forwarding: a copy that is missing is in her mailbox, one too many is in somebody
else's. What must not live here: the script around it (writing.py), who may forward to whom (the policy).
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import combinations

from locum.addresses import canonical, domain, exception
from locum.errors import Unsupported
from locum.measure import Forward, Senders
from locum.sieve.quoting import LISTS, SPAM, all_of, fits, spellings, string, strings, window

EXTENSIONS = ("envelope", "date", "relational", "body", "copy", "regex")

_HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
# A receiver's name: without what a mail server could take for a route (% and !), a list or a pattern.
_RECEIVER = re.compile(r"[a-z0-9](?:[a-z0-9._+'&=-]*[a-z0-9])?")
_LONGEST_MARK = 60
_ROUND_A_MARK = "[](){}<>«»:*#!\"' \t-"

# Whoever sends as one of these sends bounces, or for a list (RFC 2142 and what list servers do). noreply@ and VERP
# senders are not here, unlike among those who are never answered: confirmations of orders come from them.
_RETURNING = (
    *("mailer-daemon*", "mailerdaemon*", "owner-*", "*-owner", "*-request", "listserv*", "majordomo*", "*-return-*"),
    *("*-bounces", "*-bounces+*", "*-bounces-*"),
)
_PEOPLE = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc")
_PERSONAL = ("personal*", "private*", "company-confidential*", "company confidential*")
_NOT_ANSWERS = ("no", "no *", "no;*", "auto-generated", "auto-generated *", "auto-generated;*")
_PKCS7 = ("application/pkcs7-mime*", "application/x-pkcs7-mime*")
_SEALED = ("application/pgp-encrypted", "application/x-microsoft-rpmsg-message")

_NEVER = ",\r\n    ".join(
    (
        'envelope :is "from" ""',
        f'envelope :localpart :matches "from" {strings(_RETURNING)}',
        f'address :localpart :matches "From" {strings(_RETURNING[:2])}',
        f'allof(exists "Auto-Submitted", not header :matches "Auto-Submitted" {strings(_NOT_ANSWERS)})',
        'header :matches ["X-Autoreply", "X-Autorespond"] "*"',
        f'header :matches {strings(LISTS)} "*"',
        'header :is "Precedence" ["bulk", "list", "junk", "auto_reply"]',
        f'header :matches {strings(SPAM)} ["yes", "yes,*", "yes *", "true*", "spam*"]',
        'header :matches "Content-Type" ["multipart/report*", "multipart/encrypted*"]',
        # Without smime-type it may be encrypted (RFC 8551 3.2.2); opaquely signed mail is not.
        f'allof(header :matches "Content-Type" {strings(_PKCS7)}, not header :contains "Content-Type" "signed-data")',
        f'body :content {strings(_SEALED)} :contains ""',
        'body :text :contains "-----BEGIN PGP MESSAGE-----"',
        f'header :matches "Sensitivity" {strings(_PERSONAL)}',
        'exists "X-Locum"',  # our own letters (clause 20); who sends them is besides among `never`
    )
)


def check(forwards: Sequence[Forward]) -> None:
    """Raises Unsupported where a script cannot say these accurately."""
    for forward in forwards:
        _check_one(forward)
    handles = {forward.handle.lower() for forward in forwards}
    twice = any(_meet(one, other) for one, other in combinations(forwards, 2))
    if twice or len(handles) < len(forwards):
        raise Unsupported("sieve-forward-overlap")


def block(forwards: Sequence[Forward]) -> str:
    """The rules that copy, none of which touches what happens to hers; "" for none."""
    if not forwards:
        return ""
    rules = "\r\n  ".join(_rule(forward) for forward in forwards)
    return f"if not anyof(\r\n    {_NEVER})\r\n{{\r\n  {rules}\r\n}}\r\n"


def _meet(one: Forward, other: Forward) -> bool:
    """Two for one receiver at one time: the second says nothing more, or less."""
    return one.to == other.to and one.from_date < other.to_date and other.from_date < one.to_date


def _check_one(forward: Forward) -> None:
    if not _HANDLE.fullmatch(forward.handle):
        raise Unsupported("sieve-handle")
    if not fits(forward.from_date, forward.to_date):
        raise Unsupported("sieve-window")
    inside = [domain(name) for name in forward.internal_domains]
    if not inside:
        raise Unsupported("sieve-no-domains")
    if _receiver(forward.to) in [address for name in forward.addresses for address in spellings(canonical(name))]:
        raise Unsupported("sieve-forward-to-herself")
    if canonical(forward.to).rpartition("@")[2] not in inside:
        raise Unsupported("sieve-forward-outside")
    if any("*" in name for name in forward.never):
        raise Unsupported("sieve-exception")


def _receiver(to: str) -> str:
    """The address as a mail server takes it without SMTPUTF8."""
    if canonical(to) != to:
        raise Unsupported("sieve-forward-to")
    address = spellings(to)[-1]
    if not address.isascii() or not _RECEIVER.fullmatch(address.rpartition("@")[0]):
        raise Unsupported("sieve-forward-to")
    return address


def _rule(forward: Forward) -> str:
    receiver = _receiver(forward.to)
    tests = (
        *window(forward.from_date, forward.to_date),
        *_senders(forward),
        # What was forwarded once goes no further: a circle ends, and a chain is not one measure on top of another.
        f'not header :matches "X-Sieve-Redirected-From" {strings(_inside_anyone(forward))}',
        # He has it: it is his own.
        f'not anyof(envelope :is "from" {string(receiver)}, address :is "From" {string(receiver)})',
        *(f"not {test}" for test in _never(forward.never)),
        *(f"not {test}" for test in _marked(forward.private_marks)),
    )
    return f"if {all_of(tests)}\r\n  {{\r\n    redirect :copy {string(receiver)};\r\n  }}"


def _domains(forward: Forward) -> list[str]:
    return [spelling for name in forward.internal_domains for spelling in spellings(domain(name))]


def _inside_anyone(forward: Forward) -> list[str]:
    return [f"*@{name}*" for name in _domains(forward)]


def _senders(forward: Forward) -> Iterator[str]:
    """Inside and outside by the envelope: the From line is anybody's to write."""
    inside = f'envelope :domain :is "from" {strings(_domains(forward))}'
    if forward.senders is not Senders.EVERYONE:
        yield inside if forward.senders is Senders.INTERNAL else f"not {inside}"


def _never(never: Sequence[str]) -> Iterator[str]:
    """Mail from and to these, however the line is written: as addresses, and where it is no proper one, as text."""
    named = [exception(text) for text in never]
    addresses = [spelling for name in named if "@" in name for spelling in spellings(name)]
    hosts = [spelling for name in named if "@" not in name for spelling in spellings(name)]
    people = strings(_PEOPLE)
    if addresses:
        yield f'envelope :is "from" {strings(addresses)}'
        yield f"address :is {people} {strings(addresses)}"
        yield f"header :contains {people} {strings(addresses)}"
    if hosts:
        hosts_and_under = strings([*hosts, *(f"*.{host}" for host in hosts)])
        yield f'envelope :domain :matches "from" {hosts_and_under}'
        yield f"address :domain :matches {people} {hosts_and_under}"
        yield f"header :contains {people} {strings(f'@{host}' for host in hosts)}"


def _marked(marks: Sequence[str]) -> Iterator[str]:
    """A subject that begins with one of these, after any number of `Re:` and [tags], in brackets or not.

    A mark that is given in brackets is a tag: in any brackets, before a colon or a dash, or alone; so that "[private]" is
    not "Private label". Any other mark is a word, whatever follows.
    """
    tags = [spelling for mark in marks if _is_tag(mark) for spelling in _mark(mark)]
    words = [spelling for mark in marks if not _is_tag(mark) for spelling in _mark(mark)]
    # Re: Fwd: AW: Antw: Re[2]: [EXTERN]. Short words only, so that "Question about: private parking" is no prefix and a tag.
    # No piece can be read in two ways, so that no subject takes long; letters beyond ASCII are bytes here.
    before = r"^[[:space:]]*(([[:alpha:]]|[^ -~]){1,6}(\[[0-9]{1,3}\])? ?: *|\[[^]]{0,60}\] *)*[^[:alnum:]:]{0,8}"
    ends = ((tags, r"( *([])}>»\"*!:|]|$)| +[-/–—])"), (words, "([^[:alnum:]]|$)"))
    for spelled, end in ends:
        if spelled:
            yield f'header :regex "Subject" {string(before + "(" + "|".join(dict.fromkeys(spelled)) + ")" + end)}'


def _is_tag(mark: str) -> bool:
    return mark.strip()[:1] in ("[", "(", "{", "<")


def _mark(text: str) -> Iterator[str]:
    """A mark as a regular expression, in each spelling: composed, decomposed, without accents; each in both cases."""
    mark = " ".join(unicodedata.normalize("NFC", text).strip(_ROUND_A_MARK).split())
    if not mark or len(mark) > _LONGEST_MARK or not text.isprintable():
        raise Unsupported("sieve-private-mark")
    apart = unicodedata.normalize("NFD", mark)
    bare = "".join(char for char in apart if not unicodedata.combining(char))
    for spelling in (mark, apart, bare):
        for cased in (spelling,) if spelling.isascii() else (spelling.lower(), spelling.upper(), spelling.capitalize()):
            yield re.sub(r"([\\.^$*+?()\[\]{}|])", r"\\\1", cased).replace(" ", " +")
