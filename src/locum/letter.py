"""A letter: one message that Locum sends to one person by mail or text message. Frozen values only.

What it says is made in letters/ from templates; how it travels is the edge's matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from locum.absence import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a letter."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to one person.

    `event` names the template (letters/templates/<event>/<language>.txt). `values` fill it; those whose names end
    in `_link` are secrets. `id` is stable over retries and becomes the Message-ID. `reply_name` and `reply_address`
    are the named person whom an ordinary answer reaches.
    """

    id: str
    event: str
    channel: Channel
    address: str
    name: str
    language: str
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    reply_name: str = ""
    reply_address: str = ""
    html: str | None = field(default=None, repr=False)
    attachments: tuple[Attachment, ...] = ()
