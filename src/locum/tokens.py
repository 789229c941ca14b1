"""The tokens of one-time links: random, signed, short enough for a text message. Pure, standard library only.

A token is 40 characters for 25 bytes: 16 random ones and 9 of an HMAC over them. The signature is no more than a door
mat: a guess is turned away before it costs a look-up. What makes a link work is the row that the store keeps under the
token's SHA-256. What a link is for, until when, and whether it was used, is not in here.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

# Crockford's base 32: no I, L, O and U, so that nothing can be taken for something else when it is typed over.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_AS_MEANT: Final = str.maketrans("ABCDEFGHJKMNPQRSTVWXYZoOiIlL", "abcdefghjkmnpqrstvwxyz001111")
_TRAILING: Final = ".,;:!?)>]'\""
_RANDOM_BYTES: Final = 16
_SIGNATURE_BYTES: Final = 9
_LENGTH: Final = (_RANDOM_BYTES + _SIGNATURE_BYTES) * 8 // 5


def new(key: bytes, random: Callable[[int], bytes]) -> str:
    """A fresh token under `key` (the organisation's, kept in the store); `random` is os.urandom."""
    secret = random(_RANDOM_BYTES)
    return _encode(secret + _signature(key, secret))


def genuine(key: bytes, token: str) -> bool:
    """Whether `token` was made with `key`. Takes the same time for every well-formed token; never raises."""
    meant = _as_meant(token)
    if meant is None:
        return False
    raw = _decode(meant)
    return hmac.compare_digest(raw[_RANDOM_BYTES:], _signature(key, raw[:_RANDOM_BYTES]))


def digest(token: str) -> bytes:
    """What the store keeps instead of the token. Capitals, a typed O or l, and a full stop after the link do not matter.

    Of what cannot be a token, the digest is one that no token has.
    """
    meant = _as_meant(token)
    return hashlib.sha256(b"locum/no-token/v1" if meant is None else meant.encode("ascii")).digest()


def _signature(key: bytes, secret: bytes) -> bytes:
    return hmac.digest(key, b"locum/link/v1\n" + secret, "sha256")[:_SIGNATURE_BYTES]


def _encode(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))


def _decode(token: str) -> bytes:
    number = 0
    for char in token:
        number = number << 5 | _ALPHABET.index(char)
    return number.to_bytes(_RANDOM_BYTES + _SIGNATURE_BYTES, "big")


def _as_meant(token: str) -> str | None:
    """The token as it was made, from what a hand or a mail program made of it; None where it cannot be one."""
    if len(token) > _LENGTH + len(_TRAILING) or not token.isascii():
        return None
    meant = token.rstrip(_TRAILING).translate(_AS_MEANT)
    return meant if len(meant) == _LENGTH and all(char in _ALPHABET for char in meant) else None
