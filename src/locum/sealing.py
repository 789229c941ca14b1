"""Sealing bytes with a key of the vault: AES-256-GCM, a random nonce in front, bound to what they are about. Pure."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from locum.errors import Garbled

KEY_BYTES = 32
NONCE_BYTES = 12


def about_case(case_id: str, version: int) -> bytes:
    """What the sealed value of a case is bound to."""
    return f"locum/case/v1\n{case_id}\n{version}".encode()


def about_kept(case_id: str) -> bytes:
    """What the bytes kept beside a case are bound to."""
    return f"locum/kept/v1\n{case_id}".encode()


def seal(key: bytes, nonce: bytes, content: bytes, about: bytes) -> bytes:
    """`nonce || ciphertext || tag`. `nonce` is 12 fresh random bytes; `about` must be the same to open it again."""
    return nonce + AESGCM(key).encrypt(nonce, content, about)


def unseal(key: bytes, sealed: bytes, about: bytes) -> bytes:
    """What was sealed. Raises Garbled(`record-damaged`) where key, bytes or `about` are not what they were."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
    except (InvalidTag, ValueError) as error:
        raise Garbled("record-damaged", place=about.hex()[:16]) from error
