"""A message encrypted for one screen: HPKE (RFC 9180) to the X25519 public key that both signed. Pure.

DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, base mode; `info` binds it to the request and the message. The private
key is only ever in the memory of the process that serves the pages.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from locum.errors import Garbled

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def seal_to(public: bytes, content: bytes, request: str, digest: str) -> bytes:
    """The message for the screen with this public key (32 bytes)."""
    return _SUITE.encrypt(content, X25519PublicKey.from_public_bytes(public), _about(request, digest))


def unseal_with(private: X25519PrivateKey, sealed: bytes, request: str, digest: str) -> bytes:
    """What was sealed. Raises Garbled(`record-damaged`) where it is for another screen, request or message."""
    try:
        return _SUITE.decrypt(sealed, private, _about(request, digest))
    except (InvalidTag, ValueError) as error:
        raise Garbled("record-damaged", place=digest[:16]) from error


def _about(request: str, digest: str) -> bytes:
    return f"locum/viewing/v1\n{request}\n{digest}".encode()
