"""Messages as bytes: headers and bodies in the forms in which mail really comes. What they say is making.py's matter."""

import base64
import quopri
import random
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.utils import format_datetime

BODIES = ("8bit", "quoted-printable", "base64", "html", "alternative", "flowed")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A message before it is bytes."""

    from_: str
    to: str
    subject: str
    body: str
    at: datetime
    id: str
    name: str = ""
    references: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    attached: bytes = b""
    form: str = "8bit"
    coding: str = field(default="q")


def encoded(text: str, coding: str) -> str:
    """A header's text as an encoded word, where it needs one: q or b of UTF-8, or q of ISO 8859-1 where that has the letters."""
    if text.isascii():
        return text
    if coding == "latin" and all(ord(c) < 256 for c in text):
        return Header(text, "iso-8859-1").encode(splitchars="")
    charset = "utf-8"
    if coding == "b":
        return f"=?{charset}?b?{base64.b64encode(text.encode()).decode()}?="
    return Header(text, charset).encode(splitchars="")


def message(draft: Draft) -> bytes:
    """The whole message, with LF line ends, as it lies in a maildir."""
    lines = [
        f"From: {encoded(draft.name, draft.coding) + ' ' if draft.name else ''}<{draft.from_}>",
        f"To: <{draft.to}>",
    ]
    lines += [
        f"Subject: {encoded(draft.subject, draft.coding)}",
        f"Date: {format_datetime(draft.at)}",
        f"Message-ID: {draft.id}",
    ]
    if draft.references:
        lines += [f"In-Reply-To: {draft.references[-1]}", "References: " + "\n ".join(draft.references)]
    lines += [f"{name}: {value}" for name, value in draft.headers]
    head, body = _body(draft)
    return "\n".join([*lines, *head, "", ""]).encode("utf-8", "surrogateescape") + body


def _body(draft: Draft) -> tuple[list[str], bytes]:
    if draft.attached:
        text = f"--sep\nContent-Type: text/plain; charset=utf-8\n\n{draft.body}\n--sep\nContent-Type: message/rfc822\n\n".encode()
        return [
            "MIME-Version: 1.0",
            'Content-Type: multipart/mixed; boundary="sep"',
        ], text + draft.attached + b"\n--sep--\n"
    if any(name.lower() == "content-type" for name, _ in draft.headers):
        return ["MIME-Version: 1.0"], draft.body.encode()
    return _in_form(draft.form, draft.body)


def _in_form(form: str, text: str) -> tuple[list[str], bytes]:
    plain = "text/plain; charset=utf-8" + ("; format=flowed" if form == "flowed" else "")
    html = f"<html><body><p>{text}</p></body></html>"
    parts = (
        f"--alt\nContent-Type: {plain}\n\n{text}\n--alt\nContent-Type: text/html; charset=utf-8\n\n{html}\n--alt--\n"
    )
    forms = {
        "quoted-printable": (_typed(plain, "quoted-printable"), quopri.encodestring(text.encode())),
        "base64": (_typed(plain, "base64"), base64.encodebytes(text.encode())),
        "html": (_typed("text/html; charset=utf-8", "8bit"), html.encode()),
        "alternative": (["MIME-Version: 1.0", 'Content-Type: multipart/alternative; boundary="alt"'], parts.encode()),
    }
    return forms.get(form, (_typed(plain, "8bit"), text.encode()))


def _typed(kind: str, how: str) -> list[str]:
    return ["MIME-Version: 1.0", f"Content-Type: {kind}", f"Content-Transfer-Encoding: {how}"]


def broken(content: bytes, rng: random.Random) -> bytes:
    """The same message with headers that cannot be read for certain."""
    head, _, body = content.partition(b"\n\n")
    how = rng.randrange(5)
    if how == 0:
        return body  # no headers at all
    if how == 1:
        return b"From: <x@y.test>\n" + content
    if how == 2:
        return b"\n".join(line for line in head.split(b"\n") if not line.startswith(b"Date:")) + b"\n\n" + body
    if how == 3:
        return b"\n".join(line for line in head.split(b"\n") if not line.startswith(b"From:")) + b"\n\n" + body
    return head.replace(b"Subject: ", b"Subject: =?x-none?q?abc?= ") + b"\n\n" + body
