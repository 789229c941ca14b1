"""Every tag of the log made anew from the streams' keys: whose leaf each is, and which is nobody's. Reads and never writes.

A tag says to who holds its stream's key: this entry is about this mailbox, and there are no others. So a leaf under another
stream's tag, or two streams with one key, would make somebody's account too long or too short. What an entry says is not known here.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from locum import entry
from locum.record import read_keys
from locum.schema import streams

_BEYOND = 16
"""A tag may be looked for so far behind the end of a stream: somebody else's entry under it would take the next number."""


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of all streams, as far as they are and a little further. `same` are streams that have one key, `lost` those without."""

    keys: dict[str, bytes] = field(repr=False)
    owners: dict[bytes, tuple[str, int]] = field(repr=False)
    lengths: dict[str, int]
    same: tuple[tuple[str, ...], ...]
    lost: tuple[str, ...]

    @classmethod
    def of(cls, connection: Connection) -> "Tags":
        """Made from the keys of the vault."""
        lengths = {row.name: row.length for row in connection.execute(select(streams.c.name, streams.c.length))}
        keys = {name: key for (kind, name), key in read_keys(connection, lengths).items() if kind == "tag"}
        by_key: dict[bytes, list[str]] = defaultdict(list)
        for name, key in keys.items():
            by_key[key].append(name)
        owners = {
            entry.tag(key, seq): (name, seq) for name, key in keys.items() for seq in range(lengths[name] + _BEYOND)
        }
        same = tuple(tuple(sorted(names)) for names in by_key.values() if len(names) > 1)
        return cls(keys, owners, lengths, same, tuple(sorted(lengths.keys() - keys.keys())))

    def fits(self, stream: str, seq: int, leaf: bytes) -> bool:
        """Whether the tag of this leaf is that of the place where it stands."""
        key = self.keys.get(stream)
        return key is not None and leaf[1:33] == entry.tag(key, seq)

    def owner(self, leaf: bytes) -> tuple[str, int] | None:
        """Whose tag it is: stream and number; None for nobody's."""
        return self.owners.get(leaf[1:33])
