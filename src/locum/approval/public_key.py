"""The public keys of passkeys: COSE keys (RFC 9052 section 7), in the one spelling that CTAP2 gives them. Pure.

Three kinds: EdDSA over Ed25519, ES256 over P-256, RS256 (what older Windows machines have). A key is read by laying it
beside what we would write ourselves, so there is no CBOR to be read in two ways.
"""

import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import decode_credential_public_key
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import (
    DecodedEC2PublicKey,
    DecodedMLDSAPublicKey,
    DecodedOKPPublicKey,
    DecodedRSAPublicKey,
)
from webauthn.helpers.exceptions import WebAuthnException

from locum.approval.strict import NotProven

Public = Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey

# kty OKP, alg EdDSA, crv Ed25519; then x
_EDDSA = re.compile(rb"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20(.{32})", re.DOTALL)
# kty EC2, alg ES256, crv P-256; then x and y
_ES256 = re.compile(rb"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20(.{32})\x22\x58\x20(.{32})", re.DOTALL)
# kty RSA, alg RS256; then n with its length, and e, which is 65537
_RS256 = re.compile(rb"\xa4\x01\x03\x03\x39\x01\x00\x20\x59(..)(.+)\x21\x43\x01\x00\x01", re.DOTALL)
_RSA_BYTES = (256, 384, 512)


def load_key(cose: bytes) -> Public:
    """The key, ready to verify with. Raises NotProven(`key-unreadable`) for another kind, or another spelling."""
    try:
        if found := _EDDSA.fullmatch(cose):
            return Ed25519PublicKey.from_public_bytes(found[1])
        if found := _ES256.fullmatch(cose):
            x, y = (int.from_bytes(part) for part in found.groups())
            return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        if found := _RS256.fullmatch(cose):
            return _rsa(int.from_bytes(found[1]), found[2])
    except ValueError as error:
        raise NotProven("key-unreadable") from error
    raise NotProven("key-unreadable")


def _rsa(size: int, modulus: bytes) -> Public:
    if len(modulus) != size or size not in _RSA_BYTES or modulus[0] < 0x80:
        raise ValueError("not an RSA key of 2048, 3072 or 4096 bits")
    return rsa.RSAPublicNumbers(0x10001, int.from_bytes(modulus)).public_key()


def verifies(public: Public, signature: bytes, content: bytes) -> bool:
    """Whether the signature over `content` was made with the key's other half."""
    try:
        match public:
            case Ed25519PublicKey():
                public.verify(signature, content)
            case rsa.RSAPublicKey():
                public.verify(signature, content, padding.PKCS1v15(), SHA256())
            case _:
                public.verify(signature, content, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def plain_key(cose: bytes) -> bytes:
    """A key as some authenticator spelled it, in our spelling: for enrolling. Raises NotProven(`key-unreadable`)."""
    try:
        plain = _plain(decode_credential_public_key(cose))
    except (WebAuthnException, ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise NotProven("key-unreadable") from error
    load_key(plain)
    return plain


def _plain(
    key: DecodedOKPPublicKey | DecodedEC2PublicKey | DecodedRSAPublicKey | DecodedMLDSAPublicKey,
) -> bytes:
    match key:
        case DecodedOKPPublicKey(alg=COSEAlgorithmIdentifier.EDDSA, crv=6):
            return b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20" + key.x
        case DecodedEC2PublicKey(alg=COSEAlgorithmIdentifier.ECDSA_SHA_256, crv=1):
            return b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + key.x + b"\x22\x58\x20" + key.y
        case DecodedRSAPublicKey(alg=COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256, e=b"\x01\x00\x01"):
            return b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59" + len(key.n).to_bytes(2) + key.n + b"\x21\x43\x01\x00\x01"
    raise NotProven("key-unreadable")
