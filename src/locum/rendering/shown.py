"""What is shown of a message, as values: Rendered, Attachment. Nothing here shows itself in a `repr`."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One thing that is attached: `n` counts from 1, `name` is harmless as a file's name, `type` is what the message says it is (to be
    told, never to be obeyed: whoever serves it serves bytes), `size` its bytes once decoded.
    """

    n: int
    name: str = field(repr=False)
    type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message as it may be shown. All of it is text of strangers, to be escaped like any other, but `html`: a fragment of the few
    elements in markup.py, without attributes that fetch, link, run or style; None where the message has no HTML.

    `text` is there always: the plain text, or what the HTML says. `at` is when it was written (aware UTC), None where it does not say.
    `troubles` are keys under `rendering.`, of what could not be shown; with `encrypted` or `unreadable` among them nothing is.
    """

    from_: str = field(default="", repr=False)
    to: tuple[str, ...] = field(default=(), repr=False)
    cc: tuple[str, ...] = field(default=(), repr=False)
    at: datetime | None = None
    subject: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    attachments: tuple[Attachment, ...] = ()
    troubles: tuple[str, ...] = ()
