"""Documents: an account as text, HTML, PDF or JSON. An edge: it knows the account's values and how things look.

Nothing is decided here, and nothing is fetched: the HTML refers to nothing outside itself, and WeasyPrint may read
`data:` addresses only. Jinja2 and WeasyPrint are imported when first needed.
"""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from locum.account import Account
from locum.documents import plain
from locum.documents.groups import grouped
from locum.documents.printing import Printer, pdf
from locum.entry import Json
from locum.errors import Invalid
from locum.measure import instant, measure_to_json, to_json
from locum.messages import say

if TYPE_CHECKING:
    from jinja2 import Template

FORMS = ("text", "html", "pdf", "json")


def render(account: Account, form: str, printer: Printer = pdf) -> bytes:
    """The account in one of FORMS; text, HTML and JSON are UTF-8. Raises Invalid (`document-form`) for another."""
    match form:
        case "text":
            return plain.written(account).encode()
        case "html":
            return _html(account).encode()
        case "pdf":
            return printer(_html(account))
        case "json":
            return _json(account)
    raise Invalid("document-form", form=form, forms=", ".join(FORMS))


def style_source() -> str:
    """What a page that shows the HTML has to allow in its Content-Security-Policy: `style-src <this>`."""
    digest = hashlib.sha256(_style().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _style() -> str:
    return files(__name__).joinpath("account.css").read_text("utf-8")


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 (see above)

    place = files(__name__).joinpath("account.html")
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(place.read_text("utf-8"))


def _html(account: Account) -> str:
    from markupsafe import Markup  # noqa: PLC0415 (comes with jinja2)

    def told(key: str, **values: object) -> str:
        return say(account.language, f"account.{key}", **values)

    return _template().render(
        account=account,
        sections=[(section, grouped(section.rows)) for section in account.sections],
        style=Markup(_style()),  # noqa: S704 (our own file, no text of people)
        told=told,
    )


def _json(account: Account) -> bytes:
    return (json.dumps(_values(account), ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _values(account: Account) -> dict[str, Json]:
    measure: dict[str, Json] | None = None if account.measure is None else to_json(account.measure)  # type: ignore[assignment]
    forward: dict[str, Json] | None = None if account.forward is None else measure_to_json(account.forward)  # type: ignore[assignment]
    return {
        "document": "locum/account/v1",
        "case": account.case,
        "mailbox": account.mailbox,
        "name": account.name,
        "language": account.language,
        "time_zone": account.time_zone,
        "organisation": account.organisation,
        "title": account.title,
        "outcome": account.outcome,
        "lead": list(account.lead),
        "measure": measure,
        "forward": forward,
        "live_from": instant(account.live_from) if account.live_from else None,
        "live_until": instant(account.live_until) if account.live_until else None,
        "replies_sent": account.replies_sent,
        "copies_sent": account.copies_sent,
        "sections": [
            {
                "key": section.key,
                "title": section.title,
                "rows": [{"label": row.label, "text": row.text, "kind": str(row.kind)} for row in section.rows],
            }
            for section in account.sections
        ],
        "record": [
            {
                "index": row.index,
                "seq": row.seq,
                "type": row.type,
                "time": instant(row.at),
                "payload": row.payload.decode(),
                "opening": row.opening.hex(),
                "tag": row.tag.hex(),
                "commitment": row.commitment.hex(),
            }
            for row in account.record
        ],
        "checkpoint": account.checkpoint,
    }
