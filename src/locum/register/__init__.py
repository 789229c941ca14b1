"""The register: which keys, functions and managers people had at which moment, as folded from signed entries. Pure.

    standing  Register: what held when, and what is asked of it
    signers   who signed a deed, with which of the keys
    growing   the register as entries are added to it
    rules     what a deed does, and whose signatures it takes
    fold      entries of the stream `org/register` -> Register; what is not signed as it must be gives no right, and is told
    asking    who is asked to look, in which order

people.csv only proposes. A right begins with an entry that the right people signed (docs/spec/approval.md), so a row that is
forged with full access to the database gives none.
"""

from locum.register.asking import Asked, candidates, due
from locum.register.fold import STREAM, Grown, fold, grown, tried
from locum.register.growing import Growing
from locum.register.rules import LONGEST, WAIT, founding
from locum.register.signers import LASTS
from locum.register.standing import Delegation, Ignored, Key, Moment, Register, Right

__all__ = [
    "LASTS",
    "LONGEST",
    "STREAM",
    "WAIT",
    "Asked",
    "Delegation",
    "Growing",
    "Grown",
    "Ignored",
    "Key",
    "Moment",
    "Register",
    "Right",
    "candidates",
    "due",
    "fold",
    "founding",
    "grown",
    "tried",
]
