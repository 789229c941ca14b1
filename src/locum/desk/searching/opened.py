"""The worker opens the one message: for the screen that both signed, and for nothing else.

What the two signed is judged once more, from the record alone; the message is fetched, encrypted to the public key in both
signatures, and laid beside the case. This process keeps nothing of it, and no key with which it could be read again.
"""

from locum.asides import Aside
from locum.desk import incidents
from locum.desk.lanes import WIPE
from locum.desk.office import Office
from locum.desk.searching import hits, viewing
from locum.desk.searching.hits import KeptHit
from locum.desk.searching.looking import Asked, cost, settle, the_look
from locum.desk.searching.sealedto import seal_to
from locum.entry import Json, salted_digest
from locum.errors import Refused
from locum.gate import Stopped
from locum.jobs import Job
from locum.seam import Fetched, Fruitless, Looked
from locum.store import Change, Taken


def open_(office: Office, asked: Asked) -> None:
    """Open it where both signatures allow it. Raises LocumError where the mail system cannot be reached."""
    case, digest = asked.case, asked.ladder.chosen_by_both
    found = viewing.opens_now(office, case)
    if isinstance(found, Stopped) and found.is_false:
        incidents.stop(office, asked.taken, case, found.reasons[0])
        return
    if isinstance(found, Stopped):
        settle(office, asked, "closed", {"why": "late", "seconds": 0})
        return
    kept = hits.read(office, case)
    hit = None if kept is None else kept.at(digest)
    fetched, looked = fetch(office, asked, hit)
    if fetched is None or kept is None:
        settle(office, asked, "closed", {"why": "gone", "seconds": 0, **cost(looked)})
        return
    office.step("look.looked")
    sealed = seal_to(found.to, fetched.content, case.request, digest)
    office.asides.write(case.id, Aside.MESSAGE, sealed)
    office.step("look.kept")
    content = salted_digest(bytes.fromhex(kept.salt), fetched.content)
    said: dict[str, Json] = {"digest": digest, "bytes": len(fetched.content), "content": content}
    wipe = Job(kind=WIPE, case=case.id, due_at=office.clock() + viewing.LASTS, lane="search")
    settle(office, asked, "opened", {**said, **cost(fetched.looked)}, put=(wipe,))


def fetch(office: Office, asked: Asked, hit: KeptHit | None) -> tuple[Fetched | None, Looked]:
    """The message, judged once more by the question and what is left out, and what the look cost; None where it is there no more."""
    if hit is None:
        return None, Looked()
    try:
        found = office.searcher(asked.case).fetch(office.mailbox(asked.case), the_look(office, asked), hit.place)
    except Refused as refused:
        if refused.key != "no-longer-there":
            raise
        return None, refused.looked if isinstance(refused, Fruitless) else Looked()
    return found, found.looked


def wipe(office: Office, taken: Taken) -> None:
    """What nobody picked up goes."""
    office.asides.wipe(taken.job.case, (Aside.MESSAGE,))
    office.store.commit([Change(finished=taken)])
