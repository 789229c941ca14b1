"""What is asked, as it is hashed when a case is filed and again from what is about to be done (docs/spec/record.md). Pure."""

import hashlib

from locum.entry import Json, canonical, check_json


def request_hash(request: dict[str, Json]) -> str:
    r"""h_R = SHA-256("locum/request/v1\n" || JCS(R)), in hex. Raises ValueError where R holds what no entry may hold."""
    check_json(request)
    return hash_of(canonical(request))


def hash_of(request: bytes) -> str:
    """The same of R as canonical bytes."""
    return hashlib.sha256(b"locum/request/v1\n" + request).hexdigest()
