"""What she wishes beforehand, as values: her text for next time, the ways to reach her, what she wants protected.

Her word counts before people.csv: a way that she withdrew is not used whatever stands there, and one that she permitted is used
as she saw it then, so that nobody has her asked elsewhere by changing the file. Kept by wishes.py; nobody else is shown any of it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Final

from locum.absence import Channel, Person
from locum.addresses import canonical, exception, number
from locum.desk.forms import OwnText
from locum.errors import Garbled, Invalid
from locum.wishes import Wish, Wishes
from locum.wording import LANGUAGES, in_languages, normal, normal_line

PRIVATE: Final = (Channel.MOBILE, Channel.PRIVATE_MAIL)
"""The ways that need her permission (clause 6)."""
PROTECTED: Final = ("senders", "folders", "words")
_LONGEST_TEXT, _LONGEST_LINE, _MOST = 20_000, 300, 200


# her ways


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A private way as she decided on it: permitted for this on that day, or withdrawn on it. `address` is what she permitted."""

    permitted: bool
    on: date
    address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What she decided; nothing where she left it as people.csv has it."""

    ways: Mapping[Channel, Way] = field(default_factory=lambda: MappingProxyType({}))
    reads_along: bool | None = None


def ways_of(wishes: Wishes, person: str) -> Ways:
    """What she decided about being reached. Raises Garbled where it cannot be opened."""
    written = wishes.of(person, Wish.CHANNELS)
    if written is None:
        return Ways()
    kept = json.loads(written)
    found = {
        Channel(name): Way(permitted=way["permitted"], on=date.fromisoformat(way["on"]), address=way["address"])
        for name, way in kept["ways"].items()
    }
    return Ways(ways=MappingProxyType(found), reads_along=kept["reads_along"])


def write_ways(wishes: Wishes, person: str, ways: Ways) -> None:
    """Keep what she decided."""
    kept = {
        "ways": {
            str(channel): {"permitted": way.permitted, "on": way.on.isoformat(), "address": way.address}
            for channel, way in ways.ways.items()
        },
        "reads_along": ways.reads_along,
    }
    wishes.write(person, Wish.CHANNELS, json.dumps(kept).encode())


def decided(wishes: Wishes, person: Person, channel: Channel, way: Way) -> None:
    """She permits or withdraws a way. Raises Invalid for an address that is none."""
    if channel not in PRIVATE:
        raise Invalid("answer-unknown")
    before = ways_of(wishes, person.id)
    kept = replace(way, address=_reached_at(channel, way.address) if way.permitted else "")
    write_ways(wishes, person.id, replace(before, ways=MappingProxyType({**before.ways, channel: kept})))


def wish_to_read_along(wishes: Wishes, person: str, *, wish: bool) -> None:
    """Keep whether she reads along."""
    write_ways(wishes, person, replace(ways_of(wishes, person), reads_along=wish))


def _reached_at(channel: Channel, address: str) -> str:
    return number(address) if channel is Channel.MOBILE else canonical(address)


def reached(wishes: Wishes, person: Person) -> Person:
    """She as she may be reached now. Where her word cannot be opened, no private way is used."""
    try:
        found = ways_of(wishes, person.id)
    except Garbled:
        return replace(person, mobile="", private_mail="", private_permitted_on=None)
    if not found.ways and found.reads_along is None:
        return person
    on_file = person.private_permitted_on
    addresses = {Channel.MOBILE: person.mobile, Channel.PRIVATE_MAIL: person.private_mail}
    days: list[date] = []
    for channel in PRIVATE:
        way = found.ways.get(channel)
        if way is not None:
            addresses[channel] = way.address if way.permitted else ""
        elif on_file is None:
            addresses[channel] = ""
        if addresses[channel] and (since := way.on if way is not None else on_file) is not None:
            days.append(since)
    return replace(
        person,
        mobile=addresses[Channel.MOBILE],
        private_mail=addresses[Channel.PRIVATE_MAIL],
        private_permitted_on=min(days, default=None),
        reads_along=person.reads_along if found.reads_along is None else found.reads_along,
    )


# her text


def texts_of(wishes: Wishes, person: str) -> Mapping[str, OwnText]:
    """Her text for next time, by language; none where she wrote none."""
    written = wishes.of(person, Wish.TEXT)
    return {} if written is None else {name: OwnText(**text) for name, text in json.loads(written).items()}


def write_text(wishes: Wishes, person: str, language: str, text: OwnText | None) -> None:
    """Keep her text in one language, or forget it (None). With the last one nothing is kept. Raises Invalid."""
    if language not in LANGUAGES:
        raise Invalid("no-such-language", language=language[:20], languages=", ".join(LANGUAGES))
    texts = {name: kept for name, kept in texts_of(wishes, person).items() if name != language}
    if text is not None:
        texts[language] = judged(text)
    if not texts:
        wishes.erase(person, Wish.TEXT)
        return
    kept = {
        name: {"subject": one.subject, "internal_text": one.internal_text, "external_text": one.external_text}
        for name, one in texts.items()
    }
    wishes.write(person, Wish.TEXT, json.dumps(kept).encode())


def judged(text: OwnText) -> OwnText:
    """Her text as it is kept. Raises Invalid for one that is empty, too long, or cannot stand in a reply."""
    subject = normal_line(text.subject, "subject")
    internal, external = normal(text.internal_text, "internal").strip(), normal(text.external_text, "external").strip()
    for field_, words in (("subject", subject), ("internal", internal)):
        if not words:
            raise Invalid("text-empty", field=field_)
    for field_, words, longest in (
        ("subject", subject, _LONGEST_LINE), ("internal", internal, _LONGEST_TEXT), ("external", external, _LONGEST_TEXT),
    ):  # fmt: skip
        if len(words) > longest:
            raise Invalid("wish-too-long", field=field_, longest=longest)
    return OwnText(subject=subject, internal_text=internal, external_text=external)


def own_words(wishes: Wishes, owner: Person, languages: Sequence[str]) -> tuple[str, str, str] | None:
    """Subject, internal and external text as she wrote them for next time: in the languages asked for as far as she wrote them,
    otherwise in all of hers, her own language first. None where she wrote none, or where they cannot be opened.
    """
    try:
        texts = texts_of(wishes, owner.id)
    except Garbled:
        return None
    if not texts:
        return None
    asked = [name for name in languages or (owner.language,) if name in texts]
    order = asked or sorted(texts, key=lambda name: (name != owner.language, name))
    subjects = dict.fromkeys(texts[name].subject for name in order)
    internal = in_languages([(name, texts[name].internal_text) for name in order])
    external = in_languages([(name, texts[name].external_text) for name in order])
    return " / ".join(subjects), internal, external


# what she protects


def protections_of(wishes: Wishes, person: str) -> Mapping[str, tuple[str, ...]]:
    """Senders, folders and words that she named, for her alone."""
    written = wishes.of(person, Wish.PROTECTIONS)
    kept = {} if written is None else json.loads(written)
    return {kind: tuple(kept.get(kind, ())) for kind in PROTECTED}


def write_protections(wishes: Wishes, person: str, lines: Mapping[str, str]) -> None:
    """Keep her lists, one name on a line; nothing named is nothing kept. Raises Invalid, which names no line of hers."""
    kept = {kind: _names(kind, lines.get(kind, "")) for kind in PROTECTED}
    if not any(kept.values()):
        wishes.erase(person, Wish.PROTECTIONS)
        return
    wishes.write(person, Wish.PROTECTIONS, json.dumps(kept).encode())


def _names(kind: str, text: str) -> list[str]:
    lines = [line.strip() for line in normal(text, kind).split("\n")]
    names = list(dict.fromkeys(line for line in lines if line))
    if len(names) > _MOST or any(len(name) > _LONGEST_LINE for name in names):
        raise Invalid("wish-too-many", most=_MOST, longest=_LONGEST_LINE)
    return list(dict.fromkeys(map(exception, names))) if kind == "senders" else names
