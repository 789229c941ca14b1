"""A passkey in software, for the people whom the demo plays: it answers what a page asks a browser, as a browser would.

Ed25519, user verified, nothing attested; the bytes are laid out as WebAuthn level 3 has them (5.8.1, 6.1, 6.5.1). It knows pages
only by what they ask. Who plays for herself uses her own device.
"""

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PRESENT, _VERIFIED, _WITH_KEY = 0x01, 0x04, 0x40
_NO_MODEL = bytes(16)
_COSE = bytes.fromhex("a4010103272006215820")  # {1: OKP, 3: EdDSA, -1: Ed25519, -2: the 32 bytes that follow}
_ATTESTATION = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"  # and one byte for how long it is


@dataclass
class Passkey:
    """One key on the device of one person, for the pages at `origin`."""

    origin: str
    credential: bytes = field(default_factory=lambda: os.urandom(32))
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)
    owner: str = ""

    def create(self, asked: Mapping[str, Any]) -> str:
        """The answer to navigator.credentials.create: this key, as JSON."""
        self.owner = str(asked["user"]["id"])
        data = _head(asked["rp"]["id"], _PRESENT | _VERIFIED | _WITH_KEY) + _NO_MODEL
        data += struct.pack(">H", len(self.credential)) + self.credential
        data += _COSE + self.key.public_key().public_bytes_raw()
        attestation = _ATTESTATION + bytes([len(data)]) + data
        client = self._client("webauthn.create", asked)
        return self._answer({"clientDataJSON": _text(client), "attestationObject": _text(attestation)})

    def get(self, asked: Mapping[str, Any]) -> str:
        """The answer to navigator.credentials.get: a signature over the challenge, as JSON."""
        data, client = _head(asked["rpId"], _PRESENT | _VERIFIED), self._client("webauthn.get", asked)
        signature = self.key.sign(data + hashlib.sha256(client).digest())
        parts = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._answer({**{name: _text(part) for name, part in parts.items()}, "userHandle": self.owner})

    def parts(self, challenge: bytes, rp_id: str) -> tuple[bytes, bytes, bytes]:
        """What signing a challenge gives: client data, authenticator data, signature. For whoever asks no page."""
        answer = json.loads(self.get({"rpId": rp_id, "challenge": _text(challenge)}))["response"]
        client, data, signature = (answer[name] for name in ("clientDataJSON", "authenticatorData", "signature"))
        return _bytes(client), _bytes(data), _bytes(signature)

    def _client(self, kind: str, asked: Mapping[str, Any]) -> bytes:
        told = {"type": kind, "challenge": asked["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _answer(self, response: dict[str, str]) -> str:
        name = _text(self.credential)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _head(rp_id: str, flags: int) -> bytes:
    """For which site, with which flags, and a counter that stays 0, as with keys that are synchronised."""
    return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, 0)


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
