"""A case as JSON and back: complete and strict, from the fields of lifecycle.Case themselves. Pure.

A field that Case gains later is written from then on; an older row that lacks it reads as the field's default.
Nothing else is forgiven: another key, another type, a naive time is a ValueError.
"""

import json
import types
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Union, get_args, get_origin, get_type_hints

from locum import measure
from locum.lifecycle import Case

Convert = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class _Both:
    """How values of one type are written and read."""

    write: Convert
    read: Convert


def dump_case(case: Case) -> bytes:
    """The case as UTF-8 JSON. Raises ValueError for a value that is not of its field's type, or would not come back."""
    value = _both(Case).write(case)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def load_case(content: bytes) -> Case:
    """Read what `dump_case` writes. Raises ValueError on anything else."""
    try:
        case = _both(Case).read(_today(json.loads(content, object_pairs_hook=_no_twins)))
    except (KeyError, TypeError) as error:
        raise ValueError("not a case") from error
    if not isinstance(case, Case):
        raise ValueError("not a case")
    return case


def _today(value: object) -> object:
    """A row as it is written today: one of before cases could hold several measures has just one, under `measure`."""
    if isinstance(value, dict) and "measure" in value and "measures" not in value:
        return {**{key: item for key, item in value.items() if key != "measure"}, "measures": [value["measure"]]}
    return value


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


@cache
def _both(kind: type) -> _Both:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if issubclass(kind, StrEnum):
        return _Both(_exactly(kind, str), _exactly(str, kind))
    if is_dataclass(kind):
        return _record(kind)
    raise TypeError(f"no way to write a {kind} in a case")


def _of(kind: object) -> _Both:
    if isinstance(kind, type):
        return _both(kind)
    return _composed(get_origin(kind), get_args(kind))


def _composed(origin: object, arguments: tuple[object, ...]) -> _Both:
    if set(arguments) == set(get_args(measure.Measure)):
        return _MEASURE
    if origin in (Union, types.UnionType) and len(arguments) == 2 and type(None) in arguments:
        return _optional(_of(next(a for a in arguments if a is not type(None))))
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _many(_of(arguments[0]))
    if origin is tuple:
        return _row([_of(a) for a in arguments])
    raise TypeError(f"no way to write a {origin} in a case")


def _exactly(kind: type, become: Convert = lambda value: value) -> Convert:
    def check(value: object) -> object:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError(f"{kind.__name__} expected, not {type(value).__name__}")
        return become(value)

    return check


def _write_instant(value: object) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("an aware instant expected")
    return value.astimezone(UTC).isoformat()


def _read_instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("an instant expected")
    instant = datetime.fromisoformat(value)
    if instant.utcoffset() != timedelta(0):
        raise ValueError("an instant in UTC expected")
    return instant


def _write_day(value: object) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("a day expected")
    return value.isoformat()


def _read_day(value: object) -> date:
    if not isinstance(value, str) or (day := date.fromisoformat(value)).isoformat() != value:
        raise ValueError("a day expected")
    return day


def _write_measure(value: object) -> dict[str, object]:
    if not isinstance(value, measure.Measure):
        raise ValueError("a measure expected")
    if value.from_date.microsecond or value.to_date.microsecond:
        raise ValueError("a measure begins and ends at whole seconds")
    return measure.measure_to_json(value)


def _read_measure(value: object) -> measure.Measure:
    return measure.measure_from_json(_exact_dict(value))


def _exact_dict(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError("an object expected")
    return value


_PLAIN: dict[type, _Both] = {
    str: _Both(_exactly(str, str), _exactly(str)),
    int: _Both(_exactly(int), _exactly(int)),
    bool: _Both(_exactly(bool), _exactly(bool)),
    datetime: _Both(_write_instant, _read_instant),
    date: _Both(_write_day, _read_day),
}
_MEASURE = _Both(_write_measure, _read_measure)


def _optional(inner: _Both) -> _Both:
    return _Both(
        lambda value: None if value is None else inner.write(value),
        lambda value: None if value is None else inner.read(value),
    )


def _many(inner: _Both) -> _Both:
    def write(value: object) -> object:
        if not isinstance(value, tuple):
            raise ValueError("a tuple expected")
        return [inner.write(item) for item in value]

    def read(value: object) -> object:
        if not isinstance(value, list):
            raise ValueError("a list expected")
        return tuple(inner.read(item) for item in value)

    return _Both(write, read)


def _row(columns: list[_Both]) -> _Both:
    def write(value: object) -> object:
        if not isinstance(value, tuple):
            raise ValueError("a tuple expected")
        return [column.write(item) for column, item in zip(columns, value, strict=True)]

    def read(value: object) -> object:
        if not isinstance(value, list):
            raise ValueError("a list expected")
        return tuple(column.read(item) for column, item in zip(columns, value, strict=True))

    return _Both(write, read)


def _record(kind: type) -> _Both:
    hints = get_type_hints(kind)
    columns = {field.name: _of(hints[field.name]) for field in fields(kind)}
    required = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}

    def write(value: object) -> object:
        if type(value) is not kind:
            raise ValueError(f"{kind.__name__} expected")
        return {name: both.write(getattr(value, name)) for name, both in columns.items()}

    def read(value: object) -> object:
        found = _exact_dict(value)
        if not required <= found.keys() <= columns.keys():
            raise ValueError(f"not the fields of a {kind.__name__}")
        return kind(**{name: columns[name].read(item) for name, item in found.items()})

    return _Both(write, read)
