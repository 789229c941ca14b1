"""The account that she can check: one file with everything that was recorded about a mailbox, made and verified. Pure.

    file      the bytes of `*.locum`, written and read back with nothing forgiven (docs/spec/account.md)
    making    from what the record has to the file: what belongs in it, and nothing about anybody else

Reading a store, a file or a clock has no place here. What is said of it in words is in messages/<language>/verify.toml.
"""

from locum.checkable.file import KIND, LONGEST, MEDIA_TYPE, SUFFIX, File, Keys, Place, Policies, Stream
from locum.checkable.making import ERASE, House, Kept, made

__all__ = [
    "ERASE",
    "KIND",
    "LONGEST",
    "MEDIA_TYPE",
    "SUFFIX",
    "File",
    "House",
    "Kept",
    "Keys",
    "Place",
    "Policies",
    "Stream",
    "made",
]
