"""The gate: may this be done now, as it stands here, byte for byte, because the right people signed just this? Pure.

    need     how many people of which functions have to have signed
    passing  gate(): Passed with who signed, or Stopped with everything that is missing

The worker that holds the mail credentials runs it right before each act, and whoever checks an account runs it again.
It takes bytes and believes nothing else. Anything missing means no. What the policy asks besides (an answer, a waiting time)
is policy.decide's matter, which is given the reviews that passed here.
"""

from locum.gate.need import Eyes, Need, Part, need_of
from locum.gate.passing import Act, Given, Passed, Reason, Stopped, Surroundings, gate

__all__ = [
    "Act",
    "Eyes",
    "Given",
    "Need",
    "Part",
    "Passed",
    "Reason",
    "Stopped",
    "Surroundings",
    "gate",
    "need_of",
]
