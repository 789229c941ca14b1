"""Whose leave is it? An event of a leave calendar names its person by address or by name. Pure.

What else the words of an event say (why she is away) is looked at for nothing but this, and kept nowhere.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from locum.absence import Person

_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*")
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:]+@[^\s<>()\[\]\",;:]+")
_LONGEST_NAME = 8


class Whose:
    """An index of persons by address and by the words of their names, in any order ("Vries, Anna de")."""

    def __init__(self, persons: Iterable[Person]) -> None:
        """Index these persons."""
        self._by_address: dict[str, Person] = {}
        names: dict[tuple[str, ...], list[Person]] = defaultdict(list)
        for person in persons:
            for address in person.mailbox.addresses if person.mailbox else ():
                self._by_address[address] = person
            names[_key(_words(person.name))].append(person)
        # Two people of the same name: a name tells nothing, only an address does.
        self._by_name = {key: found[0] for key, found in names.items() if key and len(found) == 1}

    def named(self, attendees: Iterable[str], organizer: str, summary: str) -> tuple[Person, ...]:
        """The persons an event is about: its attendees (its organizer aside), else those whom its summary names by address
        or full name, else its organizer.
        """
        coming = self._addressed(attendees)
        others = tuple(person for person in coming if person is not self._by_address.get(organizer.lower()))
        return others or self._summarised(summary) or coming or self._addressed([organizer])

    def _addressed(self, addresses: Iterable[str]) -> tuple[Person, ...]:
        found = (self._by_address.get(unicodedata.normalize("NFC", address.strip()).lower()) for address in addresses)
        return tuple({person.id: person for person in found if person is not None}.values())

    def _summarised(self, summary: str) -> tuple[Person, ...]:
        summary = summary[:1000]
        addressed = self._addressed(match.strip(".") for match in _ADDRESS.findall(summary))
        return addressed or self._by_words(_words(_ADDRESS.sub(" ", summary)))

    def _by_words(self, words: list[str]) -> tuple[Person, ...]:
        found: dict[str, Person] = {}
        at = 0
        while at < len(words):
            step = 1
            for size in range(min(_LONGEST_NAME, len(words) - at), 0, -1):
                person = self._by_name.get(_key(words[at : at + size]))
                if person is not None:
                    found[person.id] = person
                    step = size
                    break
            at += step
        return tuple(found.values())


def _words(text: str) -> list[str]:
    return [word.strip(".").casefold() for word in _WORD.findall(unicodedata.normalize("NFC", text))]


def _key(words: list[str]) -> tuple[str, ...]:
    return tuple(sorted(words))
