"""A made-up mailbox of an office, Dutch and English, with the truth about each message: what a search may find, and what never.

    mailbox = office(10_000, seed=1)
    mailbox.messages[0].content, .left_out        # the bytes, and why no search may count it ("" where it may)
    asked(mailbox, 100, seed=2)                   # questions, most with a message that is wanted, some that aim at what is left out

The same seed gives the same mailbox, byte for byte. Nothing of the product is used here: the truth is who wrote what, and not what a
program makes of it.
"""

from officemail.asking import Asked, asked, matches
from officemail.making import Office, Written, office

__all__ = ["Asked", "Office", "Written", "asked", "matches", "office"]
