"""Every tag of the log made anew from the streams' keys: whose leaf each is, and which is nobody's. Reads and never writes.

A tag says to who holds its stream's key: this entry is about this mailbox, and there are no others. So a leaf under another
stream's tag, or two streams with one key, would make somebody's account too long or too short. What an entry says is not known here.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import Connection

from locum import entry
from locum.record import lengths, read_keys, stream_names, streams_of, without_key

_BEYOND = 16
"""A tag may be looked for so far behind the end of a stream: somebody else's entry under it would take the next number."""


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of all streams, as far as they are and a little further. `names` are the streams by what stands for each in the store,
    `same` those that have one key, `lost` what stands for those without.
    """

    keys: dict[str, bytes] = field(repr=False)
    owners: dict[bytes, tuple[str, int]] = field(repr=False)
    names: dict[str, str] = field(repr=False)
    same: tuple[tuple[str, ...], ...]
    lost: tuple[str, ...]

    @classmethod
    def of(cls, connection: Connection) -> "Tags":
        """Made from the keys of the vault."""
        known = stream_names(connection)
        keys = {name: key for (kind, name), key in read_keys(connection, known).items() if kind == "tag"}
        by_key: dict[bytes, list[str]] = defaultdict(list)
        for name, key in keys.items():
            by_key[key].append(name)
        owners = {
            entry.tag(keys[name], seq): (name, seq)
            for name, (length, _) in lengths(connection, known).items()
            for seq in range(length + _BEYOND)
        }
        same = tuple(tuple(sorted(names)) for names in by_key.values() if len(names) > 1)
        names = {place: name for name, place in streams_of(connection, known).items()}
        return cls(keys, owners, names, same, tuple(without_key(connection)))

    def fits(self, place: str, seq: int, leaf: bytes) -> bool:
        """Whether the tag of this leaf is that of the place where it stands: what stands for the stream in the store, and the number."""
        key = self.keys.get(self.names.get(place, ""))
        return key is not None and leaf[1:33] == entry.tag(key, seq)

    def owner(self, leaf: bytes) -> tuple[str, int] | None:
        """Whose tag it is: stream and number; None for nobody's."""
        return self.owners.get(leaf[1:33])
