"""An authenticator in software, for what a real one would never do: it signs whatever a test has it say.

It makes and uses discoverable keys as WebAuthn level 3 writes them (6.1, 6.5.1); each test changes one thing.
"""

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PRESENT, VERIFIED, BACKED_UP, WITH_KEY = 0x01, 0x04, 0x18, 0x40


def encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One key on one device, seen from a page at `origin`."""

    origin: str
    rp_id: str = ""
    flags: int = PRESENT | VERIFIED
    count: int = 0
    client: dict[str, Any] = field(default_factory=dict)
    credential: bytes = field(default_factory=lambda: os.urandom(32))
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    owner: bytes = b""
    algorithm: int = -8

    @property
    def public_key(self) -> bytes:
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return cbor2.dumps({1: 1, 3: self.algorithm, -1: 6, -2: raw})

    def create(self, asked: dict[str, Any]) -> str:
        """The answer to navigator.credentials.create."""
        self.rp_id = self.rp_id or asked["rp"]["id"]
        self.owner = decode(asked["user"]["id"])
        data = self._data(self.flags | WITH_KEY) + bytes(16)
        data += struct.pack(">H", len(self.credential)) + self.credential + self.public_key
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked)
        return self._answer({"clientDataJSON": encode(client), "attestationObject": encode(attestation)})

    def get(self, asked: dict[str, Any], **instead: str | None) -> str:
        """The answer to navigator.credentials.get; `instead` replaces parts of the response, None leaves one out."""
        self.rp_id = self.rp_id or asked["rpId"]
        data, client = self._data(self.flags), self._client("webauthn.get", asked)
        signature = self.key.sign(data + hashlib.sha256(client).digest())
        parts: dict[str, str | None] = {
            "clientDataJSON": encode(client),
            "authenticatorData": encode(data),
            "signature": encode(signature),
            "userHandle": encode(self.owner),
        }
        return self._answer({name: part for name, part in (parts | instead).items() if part is not None})

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _client(self, kind: str, asked: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": asked["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps({**told, **self.client}).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        name = encode(self.credential)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
