"""A witness is opened: its key and its notebook, both made at its first start, and never one without the other later.

A witness that has lost its notebook would sign anything once more. So it does not start; it is given up, and another one with
another key takes its place. For the same reason no old copy of a notebook may ever be put back.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from locum.errors import Garbled, Invalid, Rejected, Unreachable
from locum.key_file import SecretKey, load, load_or_make
from locum.tlog.cosignatures import COSIGNATURE
from locum.tlog.notes import is_name
from locum.witness.judging import Tell, Witness
from locum.witness.notebook import Notebook


def open_witness(
    store: Path, key: Path, name: str | None, logs: Sequence[str], clock: Callable[[], datetime], tell: Tell
) -> Witness:
    """The witness with this notebook and this key. `name` is that of the key, needed when it is made.

    Raises Rejected(`witness-store-lost`), Garbled(`witness-other-key`, `witness-other-name`), Invalid(`witness-name`,
    `verifier-key`), or what the files' own modules raise.
    """
    secret = _there(key)
    if secret is not None and name not in (None, secret.name):
        raise Garbled("witness-other-name", file=key, name=secret.name)
    notebook = Notebook(store)
    if not store.exists():
        if secret is not None:
            raise Rejected("witness-store-lost", file=store, key_file=key)
        _check_name(name)
        notebook.make()  # before the key: where only the key is there, a notebook was lost
    if secret is None:
        secret = load_or_make(key, COSIGNATURE, _check_name(name))
    witness = Witness(secret, notebook, logs, clock, tell)
    notebook.bind(witness.vkey)
    return witness


def _there(key: Path) -> SecretKey | None:
    try:
        return load(key, COSIGNATURE)
    except OSError as error:
        raise Unreachable("key-file-unreachable", path=key, reason=error.strerror or "") from error


def _check_name(name: str | None) -> str:
    if name is None or not is_name(name):
        raise Invalid("witness-name", name=name or "")
    return name
