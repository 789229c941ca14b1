"""Signing in: with a passkey, or at the organisation's provider; and who is signed in, for every page that asks.

    browser    cookies, and where to go afterwards        doorway   who may come in, and who is in
    passkeys   WebAuthn, pure                             who       `signed_in`, for the pages
    enrolled   the register's passkeys
    provider   OpenID Connect, by way of exchange         pages     the addresses

A session says who looks; it never approves anything. What is signed is signed anew each time, with a passkey.
"""

from locum.web.signin.doorway import Doorway, Signed
from locum.web.signin.enrolled import EnrolledKeys
from locum.web.signin.exchange import new_client
from locum.web.signin.pages import SignInPages
from locum.web.signin.passkeys import Key, Keys, NoKeys, Party
from locum.web.signin.provider import Provider
from locum.web.signin.who import Entrance, look_along, require_recent, signed_in

__all__ = [
    "Doorway",
    "EnrolledKeys",
    "Entrance",
    "Key",
    "Keys",
    "NoKeys",
    "Party",
    "Provider",
    "SignInPages",
    "Signed",
    "look_along",
    "new_client",
    "require_recent",
    "signed_in",
]
