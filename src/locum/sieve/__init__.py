"""Sieve (RFC 5228): the script that says our replies and forwards, read back byte for byte, and what her own script does.

Pure, and of the standard library, since locum.mailhost on the mail host uses it too. What must not live here: where a
script goes, who may write it, and compiling it; those are the connectors' and the mail host's.
"""

from locum.sieve.hers import Hers, examine
from locum.sieve.writing import CAN, Ours, parse, script

__all__ = ["CAN", "Hers", "Ours", "examine", "parse", "script"]
