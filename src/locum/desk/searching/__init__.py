"""Looking for one message, step by step (ladder.py says which step may be taken; the worker alone looks).

climbing      the ladder of a case, from the record and from who signed
leaving_out   what no search counts, lists or opens (clauses 11, 12, 13, 20)
steps         a step is asked for: recorded with the job that takes it
opening       the mailbox is opened for the steps, and closed: the list is wiped, the grants are gone
looking       the worker's step: judged anew right before it looks, looked, recorded
hits          the list, sealed beside the case for a short while
viewing       from the list on: choosing, signing for one message, seeing it together, having it delivered
opened        the worker opens it, sealed (sealedto) for the one screen that both signed
delivering    the worker delivers it, once
"""

from locum.desk.searching import delivering, looking, opened
from locum.desk.searching.climbing import ladder
from locum.desk.searching.doors import Searching
from locum.desk.searching.hits import Kept, KeptHit
from locum.desk.searching.leaving_out import exclusions
from locum.desk.searching.viewing import Viewings
from locum.ladder import Step

looking.ACTS.update({Step.OPEN: opened.open_, Step.DELIVER: delivering.deliver})

__all__ = ["Kept", "KeptHit", "Searching", "Viewings", "exclusions", "ladder"]
