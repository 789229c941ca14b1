"""Small pieces of language that everyone uses: an instant in words, and text of people made safe to show. Pure.

No sentences live here (those are in messages/), and no knowledge of cases. Babel is imported when first needed: it is
slow to load and half of the commands say no date.
"""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from locum.entry import bad_character
from locum.measure import parse_instant
from locum.messages import as_far_as_known, say, says
from locum.query import Query

_CLOCK = {
    "nl": "EEEE d MMMM y, HH:mm 'uur'",
    "en": "EEEE d MMMM y, HH:mm",
    "de": "EEEE, d. MMMM y, HH:mm 'Uhr'",
    "fr": "EEEE d MMMM y, HH 'h' mm",
}
_DAY = {"nl": "EEEE d MMMM y", "en": "EEEE d MMMM y", "de": "EEEE, d. MMMM y", "fr": "EEEE d MMMM y"}
_LOCALE = {"nl": "nl_NL", "en": "en_GB", "de": "de_DE", "fr": "fr_FR"}


def when(instant: datetime, language: str, time_zone: str) -> str:
    """An aware instant in words, in her language and zone: "vrijdag 25 december 2026, 00:00 uur".

    Unknown languages read English. Raises zoneinfo.ZoneInfoNotFoundError for an unknown zone.
    """
    from babel.dates import format_datetime  # noqa: PLC0415 (see above)

    language = language if language in _CLOCK else "en"
    there = instant.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)
    return format_datetime(there, _CLOCK[language], locale=_LOCALE[language])


def day(on: date, language: str) -> str:
    """A day in words: "vrijdag 25 december 2026". Unknown languages read English."""
    from babel.dates import format_date  # noqa: PLC0415 (see above)

    language = language if language in _DAY else "en"
    return format_date(on, _DAY[language], locale=_LOCALE[language])


def month_name(first: date, language: str) -> str:
    """A month in words: "december 2026"."""
    from babel.dates import format_date  # noqa: PLC0415 (see above)

    return format_date(first, "LLLL y", locale=_LOCALE.get(language, _LOCALE["en"]))


def weekday_name(on: date, language: str) -> str:
    """The short name of a day: "vr"."""
    from babel.dates import format_date  # noqa: PLC0415 (see above)

    return format_date(on, "EEE", locale=_LOCALE.get(language, _LOCALE["en"]))[:2]


def dates_in_words(values: Mapping[str, str], language: str) -> dict[str, str]:
    """The values of an error as its reader reads them: where they name a `zone`, instants and days among them are in words;
    a `gate` is the sentence for why a signature does not count, and a `field` the name of a text of the reply.
    """
    zone = values.get("zone", "")
    said = {name: _date_in_words(value, language, zone) if zone else value for name, value in values.items()}
    if says(language, key := f"gate.{values.get('gate', '')}"):
        said["gate"] = as_far_as_known(language, key, values)
    return said | ({"field": text_name(values["field"], language)} if "field" in values else {})


def query_in_words(query: Query, language: str, time_zone: str) -> list[str]:
    """The question of a search, one line for each thing that it asks."""
    words = ", ".join(
        f"\N{LEFT DOUBLE QUOTATION MARK}{one_line(word)}\N{RIGHT DOUBLE QUOTATION MARK}" for word in query.words
    )
    found = [
        say(language, "words.query.senders", senders=", ".join(map(one_line, query.senders)))
        if query.senders
        else say(language, "words.query.anybody")
    ]
    if words:
        found.append(say(language, f"words.query.words-{query.words_in}", words=words))
    if query.since is not None:
        found.append(say(language, "words.query.since", since=when(query.since, language, time_zone)))
    if query.before is not None:
        found.append(say(language, "words.query.before", before=when(query.before, language, time_zone)))
    return found


def text_name(field: str, language: str) -> str:
    """What one of the texts of a request is called: subject, internal, external."""
    return say(language, key) if says(language, key := f"words.text.{field}") else field


def _date_in_words(value: str, language: str, zone: str) -> str:
    try:
        if len(value) == len("2026-12-25"):
            return day(date.fromisoformat(value), language)
        return when(parse_instant(value), language, zone)
    except ValueError:
        return value


def legible(text: str) -> str:
    """Text of people as it may be shown: line ends become newlines; control characters, bidirectional marks and lone
    surrogates go, since they could make a reader see something else than what is written.
    """
    text = text.replace("\r\n", "\n")
    if bad_character(text) is None:
        return text
    kept = ("\n" if char in "\r\x85\u2028\u2029" else char for char in text)
    return "".join(char for char in kept if bad_character(char) is None)


def one_line(text: str, limit: int | None = None) -> str:
    """`legible` text on one line, without more than one space in a row; cut to `limit` characters with an ellipsis."""
    line = " ".join(legible(text).split())
    return line if limit is None or len(line) <= limit else line[: limit - 1].rstrip() + "…"
