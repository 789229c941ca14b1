"""What the pages need of whoever makes documents: files of an account, of the regulation, of the yearly figures.

A protocol only. How a document looks is no matter of the pages, and what prints a PDF is large: it stays out of this process.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from locum.account import Account
from locum.figures import Figures
from locum.herkey import KeyPaper
from locum.regulation import Document


class Papers(Protocol):
    """Makes documents. Raises Trouble where one cannot be printed just now."""

    def account(self, account: Account, form: str) -> bytes:
        """An account as text, html, pdf or json."""
        ...

    def her_key(self, paper: KeyPaper) -> bytes:
        """The page with somebody's key, as pdf."""
        ...

    def regulation(self, documents: Sequence[Document], form: str) -> bytes:
        """Documents of the policy as one file: md, html or pdf."""
        ...

    def figures(
        self, figures: Figures, form: str, language: str, *, issued_at: datetime | None, issued_by: str
    ) -> bytes:
        """The figures of a year as text, csv, html, pdf or json."""
        ...

    def figures_style(self) -> str:
        """What a page that shows the figures as html has to allow: a source for `style-src`."""
        ...
