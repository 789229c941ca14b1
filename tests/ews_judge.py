"""Judges what goes to and comes from EWS by Microsoft's own schema, in both directions (libxml2): the stub is judged too."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from mailhosts.ews import SOAP, EwsHost
from schemas import SCHEMAS

SPEC = "ews/messages.xsd"


class EwsJudge:
    """`complaints` are about each request and answer that does not fit."""

    def __init__(self, file: Path) -> None:
        self._schema = loaded(file)
        self.complaints: list[str] = []
        self.judged = 0

    def __call__(self, sent: bytes, answered: bytes) -> None:
        for side, content in (("request", sent), ("answer", answered)):
            self.judged += 1
            header, body = (etree.fromstring(content).find(f"{{{SOAP}}}{name}") for name in ("Header", "Body"))
            parts = [*(() if header is None else header), *body]
            for part in parts:
                if part.tag != f"{{{SOAP}}}Fault" and not self._schema.validate(part):
                    self.complaints.append(f"{side} {part.tag}: {self._schema.error_log.last_error}")


@contextmanager
def judging(host: EwsHost) -> Iterator[EwsJudge | None]:
    """All that goes to and from this stub is judged at the end of the block; where Microsoft's schema is not here, nobody judges."""
    if not (SCHEMAS / SPEC).is_file():
        yield None
        return
    host.seen = judge = EwsJudge(SCHEMAS / SPEC)
    yield judge
    host.seen = None
    assert judge.complaints == []


@cache
def loaded(file: Path) -> Any:
    return etree.XMLSchema(etree.parse(file))
