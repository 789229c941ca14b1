"""The yearly figures for the works council (clause 18): number, reason, outcome, objections and incidents per measure. Pure.

    counting.py   the entries of the record -> one row per case
    hiding.py     rows -> what may be shown, so that nobody can be guessed
    shape.py      what may be shown, as frozen values and as JSON
    sample.py     made-up rows, to look at

Reading the record and issuing lie in desk/yearly.py, pages and files in documents/figures.py.
"""

from locum.figures.counting import Counting, Row, Span, last_ready, span_of
from locum.figures.hiding import published, threshold
from locum.figures.sample import sample
from locum.figures.shape import (
    BANDS,
    MEASURES,
    OBJECTIONS,
    TABLES,
    Cell,
    Figures,
    Measured,
    Sign,
    Table,
    figures_from_json,
    figures_hash,
    figures_to_json,
)

__all__ = [
    "BANDS",
    "MEASURES",
    "OBJECTIONS",
    "TABLES",
    "Cell",
    "Counting",
    "Figures",
    "Measured",
    "Row",
    "Sign",
    "Span",
    "Table",
    "figures_from_json",
    "figures_hash",
    "figures_to_json",
    "last_ready",
    "published",
    "sample",
    "span_of",
    "threshold",
]
