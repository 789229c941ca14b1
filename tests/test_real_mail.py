"""Real mail, where somebody gives some: LOCUM_REAL_MAIL names a folder of maildir files, single messages or mbox files. Else the mail of
Python's own tests, where it is installed. Nothing of it may crash, and what cannot be read is left out.
"""

import mailbox
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from locum.narrowing import KINDS, Doubt, excluded_within, read_headers
from locum.rendering import attachment, render
from test_narrowing import EXCLUDED


def given() -> list[bytes]:
    folder = os.environ.get("LOCUM_REAL_MAIL") or Path(os.__file__).parent / "test" / "test_email" / "data"
    found = [content for file in sorted(Path(folder).rglob("*")) if file.is_file() for content in messages_in(file)]
    if not found:
        pytest.skip("LOCUM_REAL_MAIL names no folder, and this Python comes without its own tests")
    return found


def messages_in(file: Path) -> Iterator[bytes]:
    content = file.read_bytes()
    if content.startswith(b"From "):
        box = mailbox.mbox(file, create=False)
        yield from (box.get_bytes(key) for key in box.iterkeys())
    else:
        yield content


def test_an_mbox_is_read_as_its_messages(tmp_path):
    box = tmp_path / "real.mbox"
    box.write_bytes(
        b"From a Mon Nov 23 10:00:00 2026\nSubject: 1\n\nx\n\nFrom b Mon Nov 23 10:00:00 2026\nSubject: 2\n\ny\n"
    )
    assert list(messages_in(box)) == [b"Subject: 1\n\nx\n", b"Subject: 2\n\ny\n"]


def test_all_of_it_is_judged():
    assert {excluded_within(content, EXCLUDED) for content in given()} <= {None, *KINDS}


def test_what_cannot_be_read_of_it_is_left_out():
    unread = [content for content in given() if not is_read(content)]
    assert {excluded_within(content, EXCLUDED) for content in unread} <= {"doubt"}


def is_read(content: bytes) -> bool:
    try:
        read_headers(content.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n\n")
    except Doubt:
        return False
    return True


def test_all_of_it_is_shown_or_said_not_to_be():
    for content in given():
        shown = render(content)
        taken = [attachment(content, one.n) for one in shown.attachments]
        assert [len(one[2]) for one in taken if one] == [one.size for one in shown.attachments]
