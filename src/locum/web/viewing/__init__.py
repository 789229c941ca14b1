"""The viewing room: two people choose one message, sign for it, and see it at the same time, while both are there.

    rooms      what is in the memory of this process: a key pair for one viewing, who is there, the message. Nowhere else
    found      the list, from which both choose one
    pages      the room: signing, seeing, closing, having it delivered

The pages process never has a key to a mailbox, and the worker never has the key to a viewing.
"""

from locum.web.viewing.pages import ViewingPages
from locum.web.viewing.rooms import Rooms

__all__ = ["Rooms", "ViewingPages"]
