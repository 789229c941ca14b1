"""The vault, opened with the key of its file: keys come out unwrapped, and names are turned into pseudonyms.

With a key file no row of the store names a person, a mailbox or a batch. A mailbox stands as the pseudonym of its stream,
which follows from K_s and goes with it; who asked, who decided and batches stand as marks, which follow from the vault's key
and are others after every round of erasing. So whatever was written before a round (old copies, the write-ahead log, pages
that the database freed) says nothing any more once the key of then is destroyed. A store without a key file has all of it
in the clear.

Every transaction looks which key the vault is wrapped with before it asks for anything: a process that still holds the key
of yesterday reads the file anew, and never takes "not found" for "not there".
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select, text

from locum.errors import Garbled, Rejected, Unreachable
from locum.schema import vault
from locum.sealing import KEY_BYTES, NONCE_BYTES
from locum.vault_file import ID_BYTES, VaultFile, key_id

ORGANISATION = "org/"
"""What the names of the organisation's own streams begin with; they say nothing of anybody and stand in the clear."""
_PSEUDONYM_BYTES = 16


@dataclass(frozen=True, slots=True)
class Open:
    """The vault under one key; `key` is None for one in the clear."""

    key: bytes | None = field(default=None, repr=False)
    id: bytes | None = field(init=False)
    """What the key is known by."""
    _cipher: AESGCM = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Made once: a closing week wraps thousands of keys with it.
        object.__setattr__(self, "id", None if self.key is None else key_id(self.key))
        object.__setattr__(self, "_cipher", AESGCM(self.key or bytes(KEY_BYTES)))

    def mark(self, what: str, name: str) -> str:
        """What stands for a name: another after every round. `what` is person or batch; no name has no mark."""
        return name if self.key is None or not name else self._pseudonym(f"{what}/{name}")

    def stream(self, name: str, stream_key: bytes) -> str:
        """What stands for a stream, for as long as it has its key."""
        if self.key is None or name.startswith(ORGANISATION):
            return name
        return _short(hmac.digest(stream_key, b"locum/stream/v1\n", "sha256"))

    def wish(self, wish: str, person: str) -> str:
        """What stands for the person beside her sealed wish: another after every round."""
        return person if self.key is None else self.place("wish", f"{wish}/{person}")

    def place(self, kind: str, name: str) -> str:
        """Under which name the vault holds the key of this kind. `name` is a case's id, a stream's pseudonym (of kind
        stream), and the plain name for all others.
        """
        if self.key is None or kind not in ("tag", "wish", "mark") or name.startswith(ORGANISATION):
            return name
        return self._pseudonym(name if kind == "mark" else f"{kind}/{name}")

    def named(self, connection: Connection, mark: str) -> str:
        """The name that a mark of this store stands for. Raises Garbled(`record-key-missing`)."""
        if self.key is None:
            return mark
        query = select(vault.c.key).where(vault.c.kind == "mark", vault.c.name == mark)
        if (wrapped := connection.execute(query).scalar()) is None:
            raise Garbled("record-key-missing", place="mark")
        return self.opened("mark", mark, wrapped)[0].partition("/")[2]

    def row(self, kind: str, name: str, key: bytes) -> dict[str, object]:
        """The row of the vault that holds this key, and its name."""
        place = self.place(kind, name)
        return {"kind": kind, "name": place, "key": self._wrap(kind, place, name, key)}

    def opened(self, kind: str, place: str, wrapped: bytes) -> tuple[str, bytes]:
        """The plain name and the key of a row. Raises Garbled(`record-key-damaged`)."""
        if self.key is None:
            return place, wrapped
        try:
            nonce, sealed = wrapped[ID_BYTES : ID_BYTES + NONCE_BYTES], wrapped[ID_BYTES + NONCE_BYTES :]
            content = self._cipher.decrypt(nonce, sealed, _about(kind, place))
        except (InvalidTag, ValueError) as error:
            raise Garbled("record-key-damaged", kind=kind) from error
        size = 0 if kind == "mark" else KEY_BYTES
        return content[size:].decode(), content[:size]

    def _wrap(self, kind: str, place: str, name: str, key: bytes) -> bytes:
        if self.key is None or self.id is None:
            return key
        # The nonce follows from all that is wrapped: the same row always comes out alike, and no two others share one.
        about = _about(kind, place)
        nonce = hmac.digest(self.key, b"locum/nonce/v1\n" + about + key, "sha256")[:NONCE_BYTES]
        return self.id + nonce + self._cipher.encrypt(nonce, key + name.encode(), about)

    def _pseudonym(self, name: str) -> str:
        return _short(hmac.digest(self.key or b"", b"locum/mark/v1\n" + name.encode(), "sha256"))


def _short(digest: bytes) -> str:
    return digest[:_PSEUDONYM_BYTES].hex()


def _about(kind: str, place: str) -> bytes:
    return f"locum/vault/v1\n{kind}\n{place}".encode()


def marked(connection: Connection, what: str, name: str) -> str:
    """What stands for a name in this store, kept so that `Open.named` finds the name again."""
    opened = keys_of(connection)
    if (mark := opened.mark(what, name)) != name:
        connection.execute(_MARK, opened.row("mark", f"{what}/{name}", b""))
    return mark


_MARK = text("INSERT INTO vault (name, kind, key) VALUES (:name, :kind, :key) ON CONFLICT DO NOTHING")


class Keyring:
    """The vault's keys as this process knows them. Without a file the vault is in the clear. Safe to use from several threads."""

    def __init__(self, file: VaultFile | None = None) -> None:
        self.file = file
        self._known: Mapping[bytes, Open] = {}

    def open(self, connection: Connection) -> Open:
        """The vault as it stands in this transaction.

        Raises Rejected `vault-key-lost` where nothing at hand opens it, and all that VaultFile.read raises.
        """
        current = current_id(connection)
        if current is None:
            return _IN_THE_CLEAR
        if current not in self._known and self.file is not None:
            self._known = {key_id(key): Open(key) for key in self.file.read()}
        if current not in self._known:
            with connection.engine.connect() as another:
                if current_id(another) != current:
                    raise Unreachable("store-unreachable", reason="the vault was wrapped anew just now")
            raise Rejected("vault-key-lost", file=self.file.path if self.file else "")
        return self._known[current]


_IN_THE_CLEAR = Open()
_WITH = select(vault.c.key).where(vault.c.kind == "key", vault.c.name == "")


def current_id(connection: Connection) -> bytes | None:
    """Which key the vault is wrapped with; None where it is in the clear."""
    found: bytes | None = connection.execute(_WITH).scalar()
    return None if found is None else bytes(found)


def keys_of(connection: Connection) -> Open:
    """The vault, for whoever was handed a connection: looked at once in each transaction."""
    transaction = connection.get_transaction()
    known = connection.info.get("vault")
    if known is None or known[0] is not transaction:
        ring: Keyring = connection.get_execution_options()["keyring"]
        known = connection.info["vault"] = (transaction, ring.open(connection))
    found: Open = known[1]
    return found
