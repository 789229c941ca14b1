"""Write docs/policy.md anew from the table of promises."""

from pathlib import Path

from locum.regulation.page import page

Path(__file__).parent.parent.joinpath("docs", "policy.md").write_text(page(), "utf-8")
