"""What is approved: the canonical request and its hash, fixed when a case is filed (docs/spec/record.md). Pure.

The signed approvals and the gate that checks them before every act join this file when they exist.
"""

import hashlib

from locum.entry import Json, canonical, check_json


def request_hash(request: dict[str, Json]) -> str:
    r"""h_R = SHA-256("locum/request/v1\n" || JCS(R)), in hex. Raises ValueError where R holds what no entry may hold."""
    check_json(request)
    return hashlib.sha256(b"locum/request/v1\n" + canonical(request)).hexdigest()
