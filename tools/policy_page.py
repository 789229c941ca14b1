"""Write docs/policy.md anew from the table of promises, and the regulation of the shipped policy as PDF beside it."""

from pathlib import Path

from locum.documents.regulation import render
from locum.policy import load
from locum.regulation import House, document
from locum.regulation.page import page

DOCS = Path(__file__).parent.parent / "docs"
HOUSE = House(name="Voorbeeld BV", domains=("corp.test",))

DOCS.joinpath("policy.md").write_text(page(), "utf-8")
DOCS.joinpath("regulation").mkdir(exist_ok=True)
for language in ("nl", "en"):
    made = document(load(), HOUSE, "regulation", language)
    DOCS.joinpath("regulation", f"regulation-{language}.pdf").write_bytes(render([made], "pdf"))
