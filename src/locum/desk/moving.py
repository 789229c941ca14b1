"""A mailbox that moved to another mail system in the middle of a case, as in a migration. What was asked names its mail system and
is signed as such, so it is asked anew there; what stands on the old one is taken away.
"""

from locum.desk.office import Office
from locum.lifecycle import Case

OUTCOME = "moved"
"""Why such a case ended (words.outcome)."""


def has_moved(office: Office, case: Case) -> bool:
    """Whether the settings now put this mailbox on another mail system than the request did. One that is on none at all may be a
    mistake of a moment, and stays where it was.
    """
    now = office.route(case.mailbox)
    return now is not None and now != case.connector
