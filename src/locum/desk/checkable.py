"""The account of a mailbox as a file that she can check by herself: read from the record in one go, and handed over as bytes.

What belongs in it is decided in locum.checkable; here it is fetched. By mailbox and not by case: only so can it show that
nothing is missing, also where nothing was ever done.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from locum.checkable import ERASE, MEDIA_TYPE, SUFFIX, House, Kept, made
from locum.checkable.making import policy_hashes
from locum.desk import in_force
from locum.desk.office import Office
from locum.entry import Entry
from locum.errors import Invalid, LocumError, Rejected
from locum.letter import Attachment, Letter
from locum.register import STREAM
from locum.tlog import parse_checkpoint

_LARGEST_IN_A_LETTER: Final = 1_000_000
"""So many bytes of leaves still go with a letter; of a longer log she fetches the file from her own page."""


def checkable(office: Office, mailbox: str, *, leaves: bool = True) -> bytes:
    """The file of this mailbox, by its canonical address, as of the newest signed checkpoint. `leaves`: with all of the log.

    Raises Rejected `nothing-to-check-against` where no checkpoint was signed yet, Invalid `no-stream` where nobody has a key of
    this mailbox: nothing was recorded, and nothing handed over.
    """
    store = office.store
    keys = store.stream_keys([mailbox, STREAM, in_force.STREAM])
    if mailbox not in keys:
        raise Invalid("no-stream", mailbox=mailbox)
    newest, vkey = _note(store.checkpoint()), office.vkey()
    if not vkey:
        raise Rejected("nothing-to-check-against")
    hers = Kept(key=keys[mailbox], whole=store.whole(mailbox))
    note = _witnessed(office, hers) or newest
    size = _size(note)
    house = House(
        register=_kept(office, keys, STREAM),
        policies=_kept(office, keys, in_force.STREAM),
        erasures=store.whole(ERASE),
        texts=_texts(office, hers),
        sites=office.sites,
        founded=office.founded,
    )
    whole = b"".join(store.leaves(0, size)) if leaves else None
    return made(mailbox, hers, house, vkey=vkey, witnesses=office.witnesses, note=note, leaves=whole).dump()


def _note(note: bytes | None) -> bytes:
    """Raises Rejected `nothing-to-check-against` where there is none."""
    if note is None:
        raise Rejected("nothing-to-check-against")
    return note


def _size(note: bytes) -> int:
    return parse_checkpoint(note.partition(b"\n\n")[0] + b"\n").size


def _witnessed(office: Office, hers: Kept) -> bytes | None:
    """The newest checkpoint that witnesses cosigned, where everything of hers is in it."""
    note = office.store.cosigned()
    return note if note is not None and all(one.index < _size(note) for one in hers.whole) else None


def _kept(office: Office, keys: Mapping[str, bytes], stream: str) -> Kept:
    """A stream of the organisation's own; empty where nothing was written to it."""
    return Kept(key=keys.get(stream, bytes(32)), whole=office.store.whole(stream) if stream in keys else ())


def _texts(office: Office, hers: Kept) -> Mapping[str, str]:
    """The texts that are kept of the policies under which something of hers was asked, and of those that followed."""
    entries = [one for one in hers.whole if isinstance(one, Entry)]
    wanted = policy_hashes(entries) | {one.hash for one in in_force.history(office.store)}
    kept = {name: office.store.kept_setting(f"policy/{name}") for name in sorted(wanted)}
    return {name: text.decode() for name, text in kept.items() if text}


def file_name(mailbox: str) -> str:
    """The name of the file: the mailbox before the @, in characters that every system takes."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", mailbox.rpartition("@")[0].lower()).strip(".-")
    return f"{plain[:60] or 'account'}{SUFFIX}"


def with_file(office: Office, letter: Letter, mailbox: str, page: str) -> Letter:
    """The letter with the file of her account attached, and saying so; of a long log without its leaves, and saying where to
    fetch it whole (`page`). Where no file can be made, as it is: nothing keeps her from her account.
    """
    try:
        is_short = _size(_note(office.store.checkpoint())) * 65 <= _LARGEST_IN_A_LETTER
        content = checkable(office, mailbox, leaves=is_short)
    except LocumError:
        return letter
    name = file_name(mailbox)
    told = {"checkable_file" if is_short else "checkable_part": name, "checkable_page": page}
    file = Attachment(name=name, media_type=MEDIA_TYPE, content=content)
    return replace(letter, values={**letter.values, **told}, attachments=(*letter.attachments, file))
