"""Authenticators in software: they sign what a test has them say, as real ones would or as no real one ever does.

Three kinds of keys (EdDSA, ES256, RS256) and what a browser puts around a signature (WebAuthn level 3, 5.8.1 and 6.1).
"""

import hashlib
import json
import struct
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from locum.approval import Assertion, Site

SITE = Site(origin="https://locum.corp.test", rp_id="locum.corp.test")
PRESENT, VERIFIED, MAY_BE_BACKED_UP, BACKED_UP, WITH_KEY, EXTENDED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
KINDS = ("EdDSA", "ES256", "RS256")
Private = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@cache
def private(kind: str, name: str) -> Private:
    """The same key for the same name within one run; RSA keys take long to make, and only their name differs."""
    if kind == "EdDSA":
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
    if kind == "ES256":
        return ec.derive_private_key(int.from_bytes(hashlib.sha256(name.encode()).digest()) >> 1, ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048)


@dataclass
class SoftKey:
    """A passkey. `count` 0 stays 0, as with keys that are synchronised; any other grows with each signature."""

    name: str
    kind: str = "EdDSA"
    count: int = 0
    site: Site = SITE
    flags: int = PRESENT | VERIFIED
    client: dict[str, Any] = field(default_factory=dict)

    @property
    def credential(self) -> bytes:
        return hashlib.sha256(f"credential of {self.name}".encode()).digest()

    @property
    def private(self) -> Private:
        return private(self.kind, self.name)

    @property
    def public_key(self) -> bytes:
        """The COSE key, as CTAP2 spells it."""
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            return cbor2.dumps({1: 3, 3: -257, -1: numbers.n.to_bytes(256), -2: numbers.e.to_bytes(3)})
        if isinstance(public, ec.EllipticCurvePublicKey):
            point = public.public_numbers()
            return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})
        return cbor2.dumps({1: 1, 3: -8, -1: 6, -2: public.public_bytes_raw()})

    def sign(self, challenge: bytes, *, data: bytes | None = None, client: bytes | None = None) -> Assertion:
        """The answer to a challenge. `data` and `client` stand in for what would be said."""
        self.count += 1 if self.count else 0
        head = hashlib.sha256(self.site.rp_id.encode()).digest() + struct.pack(">BI", self.flags, self.count)
        said = {
            "type": "webauthn.get",
            "challenge": urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "origin": self.site.origin,
            "crossOrigin": False,
        }
        told = {name: value for name, value in (said | self.client).items() if value is not None}
        data, client = head if data is None else data, json.dumps(told).encode() if client is None else client
        signature = self._signature(data + hashlib.sha256(client).digest())
        return Assertion(credential=self.credential, client_data=client, authenticator_data=data, signature=signature)

    def _signature(self, content: bytes) -> bytes:
        key = self.private
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(content, padding.PKCS1v15(), SHA256())
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(content, ec.ECDSA(SHA256()))
        return key.sign(content)
