"""The account of a mailbox as a file that she can check by herself: read from the record in one go, and handed over as bytes.

What belongs in it is decided in locum.checkable; here it is fetched. By mailbox and not by case: only so can it show that
nothing is missing, also where nothing was ever done.
"""

from collections.abc import Mapping

from locum.checkable import ERASE, House, Kept, made
from locum.checkable.making import policy_hashes
from locum.desk import in_force
from locum.desk.office import Office
from locum.entry import Entry
from locum.errors import Invalid, Rejected
from locum.register import STREAM
from locum.tlog import parse_checkpoint


def checkable(office: Office, mailbox: str, *, leaves: bool = True) -> bytes:
    """The file of this mailbox, by its canonical address, as of the newest signed checkpoint. `leaves`: with all of the log.

    Raises Rejected `nothing-to-check-against` where no checkpoint was signed yet, Invalid `no-stream` where nobody has a key of
    this mailbox: nothing was recorded, and nothing handed over.
    """
    store = office.store
    note, vkey = store.checkpoint(), store.vkey()
    if note is None or not vkey:
        raise Rejected("nothing-to-check-against")
    keys = store.stream_keys([mailbox, STREAM, in_force.STREAM])
    if mailbox not in keys:
        raise Invalid("no-stream", mailbox=mailbox)
    size = parse_checkpoint(note.partition(b"\n\n")[0] + b"\n").size
    hers = Kept(key=keys[mailbox], whole=store.whole(mailbox))
    house = House(
        register=_kept(office, keys, STREAM),
        policies=_kept(office, keys, in_force.STREAM),
        erasures=store.whole(ERASE),
        texts=_texts(office, hers),
        site=office.site,
        founded=office.founded,
    )
    whole = b"".join(store.leaves(0, size)) if leaves else None
    return made(mailbox, hers, house, vkey=vkey, witnesses=office.witnesses, note=note, leaves=whole).dump()


def _kept(office: Office, keys: Mapping[str, bytes], stream: str) -> Kept:
    """A stream of the organisation's own; empty where nothing was written to it."""
    return Kept(key=keys.get(stream, bytes(32)), whole=office.store.whole(stream) if stream in keys else ())


def _texts(office: Office, hers: Kept) -> Mapping[str, str]:
    """The texts that are kept of the policies under which something of hers was asked, and of those that followed."""
    entries = [one for one in hers.whole if isinstance(one, Entry)]
    wanted = policy_hashes(entries) | {one.hash for one in in_force.history(office.store)}
    kept = {name: office.store.kept_setting(f"policy/{name}") for name in sorted(wanted)}
    return {name: text.decode() for name, text in kept.items() if text}
