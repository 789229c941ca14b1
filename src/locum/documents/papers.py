"""The documents as files for the pages. An edge: what is in them comes from elsewhere, and PDFs are printed apart."""

from collections.abc import Sequence
from datetime import datetime

from locum import documents
from locum.account import Account
from locum.documents import figures as yearly
from locum.documents import keys, regulation
from locum.documents.printing import pdf_apart
from locum.figures import Figures
from locum.herkey import KeyPaper
from locum.regulation import Document


class Papers:
    """Makes them for one organisation. Raises Unreachable `printing-failed`."""

    def __init__(self, organisation: str) -> None:
        """`organisation` stands on the figures."""
        self._organisation = organisation

    def account(self, account: Account, form: str) -> bytes:
        """An account as text, html, pdf or json."""
        return documents.render(account, form, pdf_apart)

    def her_key(self, paper: KeyPaper) -> bytes:
        """The page with somebody's key, as pdf."""
        return keys.render(paper, "pdf", pdf_apart)

    def regulation(self, papers: Sequence[Document], form: str) -> bytes:
        """Documents of the policy as one file: md, html or pdf."""
        return regulation.render(papers, form, pdf_apart)

    def figures(
        self, figures: Figures, form: str, language: str, *, issued_at: datetime | None, issued_by: str
    ) -> bytes:
        """The figures of a year as text, csv, html, pdf or json."""
        beside = yearly.Beside(organisation=self._organisation, issued_at=issued_at, issued_by=issued_by)
        return yearly.render(figures, form, language, beside, pdf_apart)

    def figures_style(self) -> str:
        """What a page that shows the figures as html has to allow: a source for `style-src`."""
        return yearly.style_source()
