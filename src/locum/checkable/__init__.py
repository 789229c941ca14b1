"""The account that she can check: one file with everything that was recorded about a mailbox, made and verified. Pure.

    file      the bytes of `*.locum`, written and read back with nothing forgiven (docs/spec/account.md)
    making    from what the record has to the file: what belongs in it, and nothing about anybody else
    verifying verify(): everything that can be known of a file, in the order in which a person would ask
    origin    whose record it is: checkpoint, tree, her key file, earlier checkpoints, witnesses
    opening   whether it is complete, and whether nothing was changed
    acts      whether each act was allowed (asked.py, telling.py: by what was asked and told), and signing.py: by whom
    finding   what comes out

Reading a store, a file or a clock has no place here. What is said of it in words is in messages/<language>/verify.toml.
"""

from locum.checkable.file import KIND, LONGEST, MEDIA_TYPE, SUFFIX, File, Keys, Place, Policies, Stream
from locum.checkable.finding import CHECKS, Finding, Trusted, Verified
from locum.checkable.making import ERASE, House, Kept, made
from locum.checkable.verifying import verify

__all__ = [
    "CHECKS",
    "ERASE",
    "KIND",
    "LONGEST",
    "MEDIA_TYPE",
    "SUFFIX",
    "File",
    "Finding",
    "House",
    "Kept",
    "Keys",
    "Place",
    "Policies",
    "Stream",
    "Trusted",
    "Verified",
    "made",
    "verify",
]
