"""What is no language: links, mail addresses, bank accounts and telephone numbers, and whether they are the organisation's.

An address is compared as it is written, never folded: a lookalike letter makes another address.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from locum.wording.folding import folded
from locum.wording.kinds import Kind, Known
from locum.wording.lists import every_list

Found = tuple[Kind, int, int]

_FREEMAIL = re.compile(
    r"(?:gmail|googlemail|hotmail|outlook|live|msn|yahoo|ymail|icloud|me|mac|aol|gmx|web|t-online|freenet|posteo|mailbox"
    r"|orange|wanadoo|free|laposte|sfr|neuf|proton|protonmail|pm|ziggo|kpnmail|kpnplanet|planet|xs4all|home|hetnet|upcmail"
    r"|telenet|skynet|proximus|zonnet|casema|quicknet|tutanota|fastmail|hey)\.[a-z.]{2,6}"
)
_TOP = (
    "com|net|org|info|biz|io|app|dev|me|co|eu|nl|be|de|at|ch|fr|lu|uk|ie|us|ca|es|it|pt|pl|cz|dk|se|no|fi|ru|cn|tk|ly|gl"
    "|link|site|online|shop|store|xyz|top|club|help|support|zip|mov|test|example|tel|tv|cc|ws|gg|to|sh|page|cloud|live|pro"
)
_MAIL = re.compile(r"[^\s<>()\[\],;:\"'@/\\]+@[^\s<>()\[\],;:\"'@/]+\.[^\s<>()\[\],;:\"'@/.!?]{2,}")
_LINK = re.compile(
    r"(?:\b[a-z][a-z0-9+-]{1,15}:)?//\S+|\b(?:javascript|data|tel|sms):\S+|\bwww\d?\.\S+"
    rf"|(?<![\w.@-])[^\W_](?:[\w\u200b-\u200d\u00ad-]*\.)+(?:{_TOP})(?![\w@-]|\.\w)(?::\d+)?(?:/\S*)?",
    re.IGNORECASE,
)
_TAIL = ".,;:!?)]}>'\"»”’…"
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[\W_]?\d{2}(?:[\W_]{0,2}[A-Za-z0-9]){11,30}")
_LENGTHS = {
    code: int(length)
    for code, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "NL18BE16DE22FR27LU20AT20CH21LI21GB22IE22ES24PT25IT27DK18SE24NO15FI18EE20LV21LT20PL28CZ24SK24HU28SI19HR21"
        "RO24BG22GR27CY28MT31TR26UA29RS22BA20MK19AL28MD24GE22IL23SA24AE23MC27SM27AD24IS26FO18GL18",
    )
}
_UNSEEN = "\u00ad\u200b-\u200f\u2060\ufeff"
_NUMBER = re.compile(rf"(?<![\w.,])(?:\+|\(\+?)?\d(?:[\s()./·{_UNSEEN}-]{{0,4}}\d){{6,15}}(?!\w)")
_NO_NUMBER = re.compile(
    r"\d{4}-\d\d-\d\d|\d{1,2}[-/.]\d{1,2}[-/.](?:\d\d){1,2}(?!\d)|\d{1,2}[.:]\d\d\s*[-–]\s*\d{1,2}[.:]\d\d"
)


def exact(text: str, known: Known) -> Iterator[Found]:
    """Every link, mail address, bank account and telephone number in `text` that is not the organisation's own."""
    taken = bytearray(len(text))
    for seek in (_links, _mails, _accounts):
        for kind, start, end in seek(text, known, taken):
            taken[start:end] = b"\x01" * (end - start)
            if kind is not None:
                yield kind, start, end
    yield from _numbers(text, known, taken)


def places(text: str) -> list[tuple[int, int]]:
    """Where addresses and numbers of any kind stand, the organisation's own too."""
    return [match.span() for pattern in (_LINK, _MAIL, _IBAN, _NUMBER) for match in pattern.finditer(text)]


_Sought = Iterator[tuple[Kind | None, int, int]]


def _mails(text: str, known: Known, taken: bytearray) -> _Sought:
    for match in _MAIL.finditer(text):
        if any(taken[match.start() : match.end()]):
            continue
        domain = match[0].rpartition("@")[2].lower()
        if _is_own(domain, known) or match[0].lower() in _lowered(known.links):
            yield None, match.start(), match.end()
        else:
            private = _FREEMAIL.fullmatch(domain) is not None
            yield Kind.PRIVATE_NUMBER if private else Kind.LINK, match.start(), match.end()


def _links(text: str, known: Known, _taken: bytearray) -> _Sought:
    for match in _LINK.finditer(text):
        written = match[0].rstrip(_TAIL)
        start, end = match.start(), match.start() + len(written)
        if written:
            yield None if _is_own_link(written, known) else Kind.LINK, start, end


def _is_own_link(written: str, known: Known) -> bool:
    lowered = written.lower()
    if any(lowered == link or lowered.startswith(f"{link.rstrip('/')}/") for link in _lowered(known.links)):
        return True
    if "\\" in written or re.match(r"(?!https?:)[a-z][a-z0-9+-]*:(?!\d)", lowered):
        return False
    try:
        parts = urlsplit(written if "//" in written else f"//{written}")
        return "@" not in parts.netloc and _is_own(parts.hostname or "", known)
    except ValueError:
        return False


def _is_own(domain: str, known: Known) -> bool:
    return any(domain == own or domain.endswith(f".{own}") for own in _lowered(known.domains))


def _lowered(values: tuple[str, ...]) -> list[str]:
    return [value.lower() for value in values]


def _accounts(text: str, known: Known, taken: bytearray) -> _Sought:
    own = {_plain(account) for account in known.bank_accounts}
    for match in _IBAN.finditer(text):
        length = _LENGTHS.get(_plain(match[0])[:2], 0)
        end = _end_of(match[0], length)
        if end is None or any(taken[match.start() : match.start() + end]):
            continue
        account = _plain(match[0][:end])
        if _checks(account) or re.search(r"\d{6}", account):
            yield None if account in own else Kind.BANK_ACCOUNT, match.start(), match.start() + end


def _plain(account: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", account.upper())


def _end_of(written: str, length: int) -> int | None:
    """Where the first `length` letters and digits of `written` end."""
    places = [place for place, char in enumerate(written) if char.isalnum()]
    return places[length - 1] + 1 if 0 < length <= len(places) else None


def _checks(account: str) -> bool:
    """ISO 7064 mod 97-10, as IBANs have it (ISO 13616)."""
    return int("".join(str(int(char, 36)) for char in account[4:] + account[:4])) % 97 == 1


def _numbers(text: str, known: Known, taken: bytearray) -> Iterator[Found]:
    for match in _NUMBER.finditer(text):
        if any(taken[match.start() : match.end()]) or _NO_NUMBER.match(match[0]):
            continue
        if any(_same(match[0], own) for own in known.numbers):
            continue
        if _is_called(text[max(match.start() - 80, 0) : match.start()], match[0]):
            yield Kind.PRIVATE_NUMBER, match.start(), match.end()


def _is_called(before: str, number: str) -> bool:
    """Whether it is a telephone number: it begins as one, or a word for telephoning goes before it, and none for
    invoices and the like goes directly before it.
    """
    words = [folded(word) for word in re.findall(r"[^\W\d_]+", before)]
    lists = [words_of for _, words_of in every_list()]
    if words and any(words[-1] in one.not_a_number_after for one in lists):
        return False
    begins = number.startswith(("+", "(+", "0", "(0"))
    return begins or any(word in one.a_number_after for word in words[-5:] for one in lists)


def _same(number: str, own: str) -> bool:
    """Whether two numbers are one, with and without country code and trunk zero."""
    (abroad, core), (own_abroad, own_core) = _core(number), _core(own)
    if abroad == own_abroad:
        return core == own_core
    longer, shorter = (core, own_core) if abroad else (own_core, core)
    return len(shorter) > 5 and longer.endswith(shorter) and len(longer) - len(shorter) <= 3


def _core(number: str) -> tuple[bool, str]:
    """Whether a number has its country code, and its digits without what stands for "abroad" or "in this country"."""
    digits = re.sub(r"\D", "", number.replace("(0)", ""))
    abroad = number.lstrip(" (").startswith("+") or digits.startswith("00")
    return abroad, digits.lstrip("0")
