"""What a person signs with a passkey, byte for byte (docs/spec/approval.md). Pure: no store, no pages, no clock.

    strict       canonical JSON read back with nothing forgiven; NotProven, the one way in which anything here says no
    request      the hash of what is asked, fixed when it is filed
    statement    what is signed: an approval of a request, or a deed about people and keys
    opening      what two people sign at the moment at which one message is opened
    public_key   the keys of passkeys (COSE), in one spelling
    assertion    the signature itself, as the browser gave it (WebAuthn)
    fingerprint  a request's hash in words, to be compared by two people

Whose a key is, and who may sign what, is the register's matter (locum.register); whether an act may go ahead, the gate's.
"""

from locum.approval.assertion import Assertion, Site, at_the_time
from locum.approval.fingerprint import fingerprint
from locum.approval.opening import Opening, opening_text
from locum.approval.public_key import plain_key
from locum.approval.request import request_hash
from locum.approval.statement import DEEDS, Approval, Deed, Log, Signed, challenge, text_hash
from locum.approval.strict import NotProven

__all__ = [
    "DEEDS",
    "Approval",
    "Assertion",
    "Deed",
    "Log",
    "NotProven",
    "Opening",
    "Signed",
    "Site",
    "at_the_time",
    "challenge",
    "fingerprint",
    "opening_text",
    "plain_key",
    "request_hash",
    "text_hash",
]
