r"""Her key: the file that she is handed before anything happens, and the same as a QR code (docs/spec/key.md). Pure.

With it, and with nothing of ours, she sees later that no entry about her mailbox is missing. Its hash stands in her first
entry `enrolled`, so that a lost key can be replaced by the same one, and another one is noticed:
`key hash = SHA-256("locum/key/v1\n" || K_s)`. Who gets it, when and how, is the desk's matter (handing.py).
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeGuard

from locum.entry import Json, canonical, check_json
from locum.errors import Garbled, LocumError
from locum.tlog import Checkpoint, key_id, parse_checkpoint, verify
from locum.tlog.notes import from_base64, is_name

SUFFIX = ".locum-key"
MEDIA_TYPE = "application/octet-stream"
"""So that a mail program keeps the file as it is, instead of showing or mending it."""
KEY_BYTES = 32
LONGEST = 65_536
_KIND, _QR = "locum-key", "locum-key/v1"
_LOG_KEY, _WITNESS_KEY = 0x01, 0x04
_HEX = re.compile(f"[0-9a-f]{{{2 * KEY_BYTES}}}")
_MOST_WITNESSES = 16
_LINE = re.compile(r"[^\s](?:[^\n]{0,398}[^\s])?")


def key_hash(key: bytes) -> str:
    """What the record holds of a key, in hexadecimal."""
    return hashlib.sha256(b"locum/key/v1\n" + key).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class HerKey:
    """`stream` is her mailbox, `key` K_s; `vkey` is what the log's checkpoints are verified with, `witnesses` the keys of its
    witnesses; `checkpoint` is the newest signed note when it was handed over, empty where nothing was signed yet, or where
    the key was read from a QR code.
    """

    stream: str
    key: bytes = field(repr=False)
    vkey: str
    witnesses: tuple[str, ...] = ()
    checkpoint: bytes = b""

    @property
    def origin(self) -> str:
        """The name of the log: that of its key."""
        return self.vkey.partition("+")[0]

    @property
    def hash(self) -> str:
        """What the record holds of this key."""
        return key_hash(self.key)

    @property
    def file_name(self) -> str:
        """The name of the file: the mailbox before the @, in characters that every system takes."""
        plain = re.sub(r"[^a-z0-9._-]+", "-", self.stream.rpartition("@")[0].lower()).strip(".-")
        return f"{plain[:60] or 'key'}{SUFFIX}"

    @property
    def log(self) -> Checkpoint | None:
        """How far the log was when it was handed over."""
        return parse_checkpoint(verify(self.checkpoint, self.vkey)) if self.checkpoint else None

    def is_hers(self, enrolled: Mapping[str, Json]) -> bool:
        """Whether this is the key, and this the log, that an entry `enrolled` of hers speaks of."""
        told = enrolled.get("key_hash"), enrolled.get("vkey")
        return all(isinstance(one, str) for one in told) and hmac.compare_digest(
            f"{told[0]} {told[1]}".encode(), f"{self.hash} {self.vkey}".encode()
        )

    def dump(self) -> bytes:
        """The file."""
        value: dict[str, Json] = {
            "v": 1,
            "kind": _KIND,
            "stream": self.stream,
            "key": self.key.hex(),
            "vkey": self.vkey,
            "witnesses": list(self.witnesses),
            "checkpoint": self.checkpoint.decode(),
        }
        return canonical(value) + b"\n"

    def qr_text(self) -> str:
        """What a QR code of it says: enough to check with, without the checkpoint."""
        return f"{_QR}\n{self.stream}\n{self.key.hex()}\n{self.vkey}"

    @classmethod
    def load(cls, content: bytes) -> "HerKey":
        """Read a file, or what a QR code said; space around it, which mail programs and editors add, does not matter.

        Raises Garbled `her-key-damaged`. The content itself is told nowhere.
        """
        if len(content) > LONGEST:
            raise Garbled("her-key-damaged")
        try:
            text = content.decode("utf-8-sig").strip()
            return cls._from_qr(text) if text.startswith(_QR) else cls._from_file(text)
        except (ValueError, RecursionError, LocumError):
            raise Garbled("her-key-damaged") from None

    @classmethod
    def _from_qr(cls, text: str) -> "HerKey":
        kind, stream, key, vkey = (line.rstrip("\r") for line in text.split("\n"))
        if kind != _QR:
            raise ValueError("no such version")
        return cls._checked(stream, key, vkey, [], "")

    @classmethod
    def _from_file(cls, text: str) -> "HerKey":
        value: Json = json.loads(text)
        check_json(value)
        if not _is_object(value) or canonical(value).decode() != text:
            raise ValueError("no object, or not as it is written")
        if set(value) != {"v", "kind", "stream", "key", "vkey", "witnesses", "checkpoint"}:
            raise ValueError("other keys")
        if type(value["v"]) is not int or (value["v"], value["kind"]) != (1, _KIND):
            raise ValueError("no such kind or version")
        return cls._checked(*(value[name] for name in ("stream", "key", "vkey", "witnesses", "checkpoint")))

    @classmethod
    def _checked(cls, stream: Json, key: Json, vkey: Json, witnesses: Json, note: Json) -> "HerKey":
        if not _is_line(stream) or not (_is_line(key) and _HEX.fullmatch(key)) or not _is_vkey(vkey, _LOG_KEY):
            raise ValueError("no stream, no key, or no key of a log")
        if not isinstance(witnesses, list) or len(witnesses) > _MOST_WITNESSES or not isinstance(note, str):
            raise ValueError("no list, or no note")
        seen = tuple(one for one in witnesses if _is_vkey(one, _WITNESS_KEY))
        if len(seen) != len(witnesses):
            raise ValueError("no key of a witness")
        made = cls(stream=stream, key=bytes.fromhex(key), vkey=vkey, witnesses=seen, checkpoint=note.encode())
        if (log := made.log) is not None and log.origin != made.origin:
            raise ValueError("of another log")
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPaper:
    """Her key as it is put before her: `mine` is the page where she fetches it again, empty where she cannot sign in; `dpo`
    whom she asks, `on` the day.
    """

    key: HerKey
    name: str
    language: str
    organisation: str
    on: date
    mine: str = ""
    dpo: str = ""


def _is_object(value: Json) -> TypeGuard[dict[str, Json]]:
    return isinstance(value, dict)


def _is_line(value: Json) -> TypeGuard[str]:
    return isinstance(value, str) and _LINE.fullmatch(value) is not None


def _is_vkey(value: Json, kind: int) -> TypeGuard[str]:
    """Whether it is `name+hash+base64(kind || public key)` (C2SP signed-note)."""
    if not _is_line(value):
        return False
    name, _, rest = value.partition("+")
    identity, _, encoded = rest.partition("+")
    key = from_base64(encoded)
    return is_name(name) and len(key) == 33 and key[0] == kind and identity == key_id(name, key).hex()
