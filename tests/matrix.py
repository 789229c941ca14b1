"""The matrix of docs/connectors.md: what each mail system can say, row by row. The conformance suite compares a row with the `can` of
the connector that it has just tried against its counterpart, so that no cell is only claimed.
"""

from pathlib import Path

from locum.measure import Can

PAGE = Path(__file__).parent.parent / "docs" / "connectors.md"
HEAD = (
    "system",
    "who may be answered",
    "texts",
    "HTML",
    "exceptions",
    "start and end",
    "replies",
    "subject",
    "hers is seen",
    "copies of new mail",
    "its credential can read mail",
    "it could redirect mail",
    "longest text, subject",
)


def row(system: str, can: Can) -> tuple[str, ...]:
    """The cells of a system's row."""
    yes_no = {True: "yes", False: "no"}
    return (
        system,
        ", ".join(sorted(str(audience) for audience in can.audiences)),
        "two" if can.two_texts else "one for all",
        yes_no[can.html],
        yes_no[can.exceptions],
        yes_no[can.window],
        "one at a time" if can.one_reply else "several",
        "ours" if can.subject else "the system's",
        yes_no[can.sees_own],
        yes_no[can.forwards],
        yes_no[can.reads_mail],
        yes_no[can.redirects_mail],
        f"{can.max_text_bytes}, {can.max_subject_chars}",
    )


def matrix() -> dict[str, tuple[str, ...]]:
    """The rows on the page, by system."""
    lines = PAGE.read_text("utf-8").splitlines()
    start = lines.index(f"| {' | '.join(HEAD)} |")
    found: dict[str, tuple[str, ...]] = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        found[cells[0]] = cells
    return found
