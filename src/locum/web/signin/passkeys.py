"""Passkeys (WebAuthn): what is asked of a browser, and what its answer must be. Pure: no store, no pages, no clock.

User verification is always required, an answer from inside another site's frame never accepted, no attestation asked for.
The same functions serve signing in, enrolling and signing: what the challenge stands for is the caller's matter. Where
keys come from is `Keys`; who may enrol one is the register's matter.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from locum.approval import Site

CHALLENGE_BYTES: Final = 32
LARGEST: Final = 20_000
"""Characters of an answer; a real one has a tenth of that."""

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_MILLISECONDS: Final = 300_000
_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,  # Windows Hello on older machines has nothing else
]


class NoProof(Exception):
    """The answer proves nothing. `reason` is for our log alone, and `person` for counting how often; neither is shown."""

    def __init__(self, reason: str, *, person: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.person = person


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An enrolled passkey: whose it is, its public key (COSE), the counter at enrolment, and whether it counts now."""

    credential: bytes
    person: str
    public_key: bytes
    sign_count: int = 0
    is_valid: bool = True


class Keys(Protocol):
    """The enrolled passkeys; the register fills this."""

    def key(self, credential: bytes) -> Key | None:
        """The key with this credential id, withdrawn or not."""
        ...


class NoKeys:
    """An organisation in which nobody enrolled a passkey yet."""

    def key(self, credential: bytes) -> Key | None:  # noqa: ARG002  as Keys
        """None."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A passkey as its browser made it, not enrolled yet. The raw bytes are kept with the enrolment."""

    credential: bytes
    public_key: bytes
    sign_count: int
    is_backed_up: bool
    authenticator: str
    client_data: bytes
    attestation: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a browser answered, all of it checked. The raw bytes are what a signature is made of."""

    credential: bytes
    sign_count: int
    client_data: bytes
    authenticator_data: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """For whom passkeys are made (the "relying party"): the host of our address, and the whole of it."""

    id: str
    origin: str
    name: str

    @classmethod
    def of(cls, url: str, organisation: str) -> "Party | None":
        """The party of our address; None where browsers make no passkeys: over plain http, and for an address in numbers."""
        site = Site.of(url)
        return None if site is None else cls(id=site.rp_id, origin=site.origin, name=organisation)


def handle(party: Party, person: str) -> bytes:
    """What a passkey calls its owner: always the same for one person, and no name."""
    return hashlib.sha256(f"locum/user/v1\n{party.id}\n{person}".encode()).digest()


def ask_for_proof(party: Party, challenge: bytes, credentials: Iterable[bytes] = ()) -> dict[str, object]:
    """What `navigator.credentials.get` is asked, as JSON. Without `credentials` the browser shows what it has for us."""
    return options_to_json_dict(
        generate_authentication_options(
            rp_id=party.id,
            challenge=challenge,
            timeout=_MILLISECONDS,
            allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in credentials],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def credential_of(answer: str) -> bytes:
    """Which passkey an answer says it is of; nothing is checked yet. Raises NoProof."""
    if len(answer) > LARGEST:
        raise NoProof("too-long")
    return _bytes(_strict(answer).get("id"))


def proof(party: Party, answer: str, challenge: bytes, key: Key, *, count: int = 0, was_named: bool = False) -> Proof:
    """Check the answer of `navigator.credentials.get`. `count` is the highest counter seen so far; `was_named` says that
    `ask_for_proof` named the key. Raises NoProof.
    """
    response = _response(answer)
    client_data, owner = _field(response, "clientDataJSON"), response.get("userHandle")
    _own_page(client_data)
    # Of a key that we did not name, the answer has to say whose it is (WebAuthn 7.2, step 6).
    if not (owner is None and was_named) and _bytes(owner) != handle(party, key.person):
        raise NoProof("another-owner")
    try:
        checked = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=max(count, key.sign_count),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NoProof(type(error).__name__) from error
    if checked.credential_id != key.credential:
        raise NoProof("another-credential")
    return Proof(
        credential=key.credential,
        sign_count=checked.new_sign_count,
        client_data=client_data,
        authenticator_data=_field(response, "authenticatorData"),
        signature=_field(response, "signature"),
    )


def parts_of(answer: str) -> tuple[bytes, bytes, bytes, bytes]:
    """What an answer of `navigator.credentials.get` consists of, nothing checked: the credential, clientDataJSON,
    authenticatorData, the signature. Raises NoProof.
    """
    response = _response(answer)
    client_data, data, signature = (_field(response, n) for n in ("clientDataJSON", "authenticatorData", "signature"))
    return credential_of(answer), client_data, data, signature


def ask_for_key(
    party: Party, challenge: bytes, *, person: str, name: str, shown: str, existing: Iterable[bytes] = ()
) -> dict[str, object]:
    """What `navigator.credentials.create` is asked, as JSON. `shown` is what the browser lists the key under (her address);
    `existing` are the keys that she has: the same authenticator makes no second one.
    """
    return options_to_json_dict(
        generate_registration_options(
            rp_id=party.id,
            rp_name=party.name,
            user_name=shown,
            user_id=handle(party, person),
            user_display_name=name,
            challenge=challenge,
            timeout=_MILLISECONDS,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in existing],
            supported_pub_key_algs=_ALGORITHMS,
        )
    )


def new_key(party: Party, answer: str, challenge: bytes) -> NewKey:
    """Check the answer of `navigator.credentials.create`. Raises NoProof."""
    response = _response(answer)
    client_data = _field(response, "clientDataJSON")
    _own_page(client_data)
    try:
        checked = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NoProof(type(error).__name__) from error
    return NewKey(
        credential=checked.credential_id,
        public_key=checked.credential_public_key,
        sign_count=checked.sign_count,
        is_backed_up=checked.credential_backed_up,
        authenticator=checked.aaguid,
        client_data=client_data,
        attestation=checked.attestation_object,
    )


def _own_page(client_data: bytes) -> None:
    """The library looks at type, challenge and origin; a frame on another's page is ours to refuse (WebAuthn 5.8.1)."""
    data = _strict(client_data)
    if data.get("crossOrigin", False) is not False or "topOrigin" in data:
        raise NoProof("cross-origin")


def _response(answer: str) -> dict[str, object]:
    if len(answer) > LARGEST:
        raise NoProof("too-long")
    found = _strict(answer).get("response")
    if not isinstance(found, dict):
        raise NoProof("no-response")
    return found


def _field(response: dict[str, object], name: str) -> bytes:
    if name not in response:
        raise NoProof(f"no-{name}")
    return _bytes(response[name])


def _bytes(text: object) -> bytes:
    # The decoder skips what it does not know; another might not.
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise NoProof("not-base64")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise NoProof("not-base64") from error


def _strict(text: str | bytes) -> dict[str, object]:
    """A JSON object in which no name stands twice: two readers would take two meanings from it."""
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise NoProof("not-json") from error
    if not isinstance(found, dict):
        raise NoProof("not-an-object")
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NoProof("name-twice")
    return found
