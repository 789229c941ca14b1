"""Between a page that signs and the desk: what the browser is asked, and what it answered as bytes. Nothing is judged here."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from locum.approval import Assertion
from locum.desk import ToSign
from locum.errors import Refused
from locum.web.signin.passkeys import NoProof, Party, ask_for_proof, parts_of


def asked(party: Party, to_sign: ToSign) -> str:
    """What passkey.js asks the browser for this statement, as JSON for `data-asked`."""
    return json.dumps(ask_for_proof(party, to_sign.challenge, to_sign.credentials))


def statement_field(to_sign: ToSign) -> str:
    """The statement as it stands in the form."""
    return urlsafe_b64encode(to_sign.statement).rstrip(b"=").decode()


def statement_of(field: str) -> bytes:
    """Read what `statement_field` writes. Raises Refused."""
    try:
        return urlsafe_b64decode(field + "=" * (-len(field) % 4))
    except ValueError as error:
        raise Refused("deed-not-good", who="") from error


def assertion_of(answer: str) -> bytes:
    """What passkey.js put into the form, as the bytes that are kept. Raises Refused where it is no answer at all."""
    try:
        credential, client_data, data, signature = parts_of(answer)
    except NoProof as error:
        raise Refused("deed-not-good", who="") from error
    return Assertion(
        credential=credential, client_data=client_data, authenticator_data=data, signature=signature
    ).dump()  # fmt: skip


NO_PASSKEYS = Refused("no-passkeys-here")
"""What a page says that cannot sign."""
