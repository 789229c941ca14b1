"""An account as plain text, for the body of a letter and for a terminal. Pure."""

import textwrap
from collections.abc import Iterator

from locum.account import Account, Kind, Recorded, Row, Section
from locum.documents.groups import Group, grouped
from locum.messages import say

_WIDTH = 78


def written(account: Account) -> str:
    """The whole account. No line of ours is longer than 78 characters; lines of people's texts stay as they are."""
    return "\n".join([*_opening(account), *_sections(account), *_record(account), *_closing(account)]) + "\n"


def _wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    rest = first if rest is None else rest
    lines: list[str] = []
    for line in text.splitlines() or [""]:
        lines += textwrap.wrap(
            line,
            _WIDTH,
            initial_indent=rest if lines else first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return lines


def _opening(account: Account) -> Iterator[str]:
    yield from _heading(account.title, "=")
    yield ""
    told = {"case": account.case, "mailbox": account.mailbox, "made-for": account.name}
    for key, value in told.items():
        if value:
            yield f"{say(account.language, f'account.label.{key}')}: {value}"
    for sentence in account.lead:
        yield ""
        yield from _wrapped(sentence)


def _heading(title: str, line: str) -> list[str]:
    lines = _wrapped(title)
    return [*lines, line * max(len(each) for each in lines)]


def _sections(account: Account) -> Iterator[str]:
    for section in account.sections:
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    yield ""
    yield ""
    yield from _heading(section.title, "-")
    quoted = False
    for group in grouped(section.rows):
        if quoted and group.rows[0].kind is not Kind.QUOTE:
            yield ""
        yield from _group(group)
        quoted = bool(group.label) and group.rows[-1].kind is Kind.QUOTE


def _group(group: Group) -> Iterator[str]:
    first, *others = group.rows
    if not group.label:
        yield ""
        yield from _row(first, "")
    elif first.kind is Kind.QUOTE:
        yield ""
        yield f"{group.label}:"
        yield from _row(first, "  ")
    else:
        yield from _wrapped(f"{group.label}: {_marked(first)}", "", "  ")
    for row in others:
        yield from _row(row, "  ")


def _marked(row: Row) -> str:
    return f"(!) {row.text}" if row.kind is Kind.WARNING else row.text


def _row(row: Row, indent: str) -> list[str]:
    if row.kind is Kind.QUOTE:
        return [f"{indent}| {line}".rstrip() for line in row.text.split("\n")]
    return _wrapped(_marked(row), indent)


def _record(account: Account) -> Iterator[str]:
    if not account.record:
        return
    yield ""
    yield ""
    yield from _heading(say(account.language, "account.section.record"), "-")
    yield ""
    yield from _wrapped(say(account.language, "account.record.how"))
    for row in account.record:
        yield from _recorded(account.language, row)


def _recorded(language: str, row: Recorded) -> Iterator[str]:
    yield ""
    yield from _wrapped(f"{row.at_words}: {row.type_words}", "", "  ")
    yield from _wrapped(say(language, "account.record.place", index=row.index, seq=row.seq), "  ")
    yield f"  {row.commitment.hex()}"
    for key, value in row.rest:
        yield from _wrapped(f"{key}: {value}", "  ", "    ")


def _closing(account: Account) -> Iterator[str]:
    if account.checkpoint:
        yield ""
        yield f"{say(account.language, 'account.label.checkpoint')}:"
        yield from (f"  {line}".rstrip() for line in account.checkpoint.split("\n"))
    yield ""
    words = {"organisation": account.organisation, "time_zone": account.time_zone}
    yield from _wrapped(say(account.language, "account.page.made-by", **words))
