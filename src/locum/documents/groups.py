"""Rows of a section in groups, as text and HTML both show them: a label with all that belongs under it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from locum.account import Kind, Row


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one label, or one remark that stands by itself (label "")."""

    label: str
    rows: tuple[Row, ...]


def grouped(rows: Iterable[Row]) -> tuple[Group, ...]:
    """A row without a label goes on from the one before; a remark, or a first row without a label, stands by itself."""
    groups: list[Group] = []
    for row in rows:
        if not row.label and row.kind is not Kind.NOTE and groups and groups[-1].label:
            groups[-1] = Group(groups[-1].label, (*groups[-1].rows, row))
        else:
            groups.append(Group(row.label, (row,)))
    return tuple(groups)
