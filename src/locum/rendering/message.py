"""The two things that are done with a message: `render` it for two people to see, and take one `attachment` out of it. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from email.message import Message
from html import escape
from typing import Final

from locum.phrases import legible, one_line
from locum.rendering import head
from locum.rendering.markup import TooMuch, sanitised, text_of
from locum.rendering.parts import BROKEN, Leaf, Unshown, bytes_in, leaves, name_of, opened
from locum.rendering.shown import Attachment, Rendered

LONGEST_TEXT: Final = 1_000_000
"""Text of more characters than this is cut."""
_LONGEST_NAME: Final = 100
_LONGEST_EXTENSION: Final = 12
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,100}")
_NOT_IN_NAMES = re.compile('[<>:"|?*%\u00ad\u200b-\u200d\u2060\u2800\u3164\ufeff]')


def render(content: bytes) -> Rendered:
    """The message as it may be shown. Never raises: what cannot be shown stands in `troubles`."""
    known = Rendered()
    try:
        message = opened(content)
        known = Rendered(
            from_=", ".join(head.people(message, "from")),
            to=head.people(message, "to"),
            cc=head.people(message, "cc"),
            at=head.written_at(message),
            subject=head.subject(message),
        )
        parts = leaves(message)
        attached = tuple(one for one, _ in _attached(parts))
    except Unshown as error:
        return replace(known, troubles=(str(error),))
    text, html, troubles = _said([leaf for leaf in parts if leaf.is_text])
    return replace(known, text=text, html=html, attachments=attached, troubles=troubles)


def attachment(content: bytes, n: int) -> tuple[str, str, bytes] | None:
    """Name, type and bytes of one attachment, as `render` counts them; None where there is no such, or nothing may be shown."""
    try:
        for one, part in _attached(leaves(opened(content))):
            if one.n == n:
                return one.name, one.type, _bytes(part)
    except Unshown:
        return None
    return None


def _said(texts: Sequence[Leaf]) -> tuple[str, str | None, tuple[str, ...]]:
    """The text, the HTML if there is any, and what was left out of them."""
    plain, marked, troubles = [], [], dict[str, None]()
    for leaf in texts:
        written, fragment = leaf.plain, None
        try:
            fragment = None if leaf.html is None else sanitised(leaf.html)
        except TooMuch:
            troubles["html-too-large"] = None
        if written is None:
            written = text_of(fragment or "")
        written = legible(written[:LONGEST_TEXT])
        plain.append(written)
        marked.append(f"<pre>{escape(written)}</pre>" if fragment is None else fragment)
    text = "\n".join(plain)
    if len(text) > LONGEST_TEXT or any(len(leaf.plain or "") > LONGEST_TEXT for leaf in texts):
        troubles["text-cut"] = None
    has_html = any(leaf.html is not None for leaf in texts) and "html-too-large" not in troubles
    return text[:LONGEST_TEXT], "<hr>".join(marked) if has_html else None, tuple(troubles)


def _attached(parts: Sequence[Leaf]) -> Iterator[tuple[Attachment, Message]]:
    """What is attached, counted from 1."""
    for n, part in enumerate((leaf.part for leaf in parts if not leaf.is_text), 1):
        kind = part.get_content_type()
        kind = kind if _TYPE.fullmatch(kind) else "application/octet-stream"
        yield Attachment(n=n, name=_name(part, n, kind), type=kind, size=len(_bytes(part))), part


def _bytes(part: Message) -> bytes:
    try:
        return bytes_in(part)
    except BROKEN as error:
        raise Unshown("unreadable") from error


def _name(part: Message, n: int, kind: str) -> str:
    """A name that is harmless as a file's: without a folder, nothing that hides or turns letters, its extension always in sight."""
    try:
        said = head.decoded(name_of(part))
    except BROKEN:
        said = ""
    last = re.split(r"[/\\]", one_line(said))[-1]
    name = one_line(_NOT_IN_NAMES.sub("", last)).strip(" .")
    if not name:
        return f"{n}.eml" if kind.startswith("message/") else str(n)
    stem, dot, extension = name.rpartition(".")
    if len(name) <= _LONGEST_NAME:
        return name
    if not dot or len(extension) > _LONGEST_EXTENSION:
        return f"{name[: _LONGEST_NAME - 1]}…"
    return f"{stem[: _LONGEST_NAME - len(extension) - 2]}….{extension}"
