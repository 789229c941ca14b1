"""What is kept of a mailbox is put back only where the record says that just this was found there (docs/spec/record.md)."""

from datetime import UTC, datetime

import pytest

from locum.desk.last_look import not_as_found
from locum.entry import Entry, Json, salted_digest

NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("found", "kept", "key"),
    [
        ((b"a",), b"a", ""),
        ((b"a", b"b"), b"a", ""),
        ((b"a", b"b"), b"b", ""),
        ((b"",), b"", ""),
        ((), b"", ""),
        ((b"a",), b"b", "found-other"),
        ((b"a",), b"", "found-other"),
        ((b"",), b"a", "found-other"),
        ((), b"a", "found-other"),
    ],
)
def test_what_is_kept_is_one_of_what_the_record_says_was_found(found: tuple[bytes, ...], kept: bytes, key: str) -> None:
    salt = bytes(16)
    body: list[Json] = [{"salt": salt.hex(), "digest": salted_digest(salt, one)} for one in found]
    told = [
        Entry(index=n, stream="s", seq=n, type="intended", time=NOW, case="c", body={"act": "apply", "found": one}, payload=b"", opening=b"", leaf=b"")
        for n, one in enumerate(body)
    ]  # fmt: skip
    wrong = not_as_found(told, kept)
    assert (wrong.key if wrong else "") == key
