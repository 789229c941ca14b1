"""Who asked and who reviewed, beside a case, so that a list of somebody's own is one page of an index. Earlier cases are opened
once to fill it in.
"""

import sqlalchemy as sa
from alembic import op

from locum.reading import read_cases
from locum.schema import cases

revision = "0005"
down_revision = "0004"

_MANY = 500


def upgrade() -> None:
    """Add the column and the table, and fill them."""
    op.add_column("cases", sa.Column("requester", sa.String(200), nullable=False, server_default=""))
    op.create_index("cases_requester", "cases", ["requester", "number"])
    op.create_table(
        "reviewers",
        sa.Column("person", sa.String(200), primary_key=True),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sqlite_with_rowid=False,
    )
    fill(op.get_bind())


def fill(connection: sa.Connection) -> None:
    """Open every case, the oldest first, and write beside it who asked and who reviewed."""
    last = 0
    while rows := connection.execute(
        sa.select(cases.c.number, cases.c.id).where(cases.c.number > last).order_by(cases.c.number).limit(_MANY)
    ).all():
        numbers = {row.id: row.number for row in rows}
        for case in read_cases(connection, cases.c.id.in_(list(numbers))):
            connection.execute(sa.update(cases).where(cases.c.id == case.id).values(requester=case.requester))
            for person in {person for person, _, _ in case.reviews}:
                row = {"person": person, "number": numbers[case.id]}
                connection.execute(sa.text("INSERT INTO reviewers (person, number) VALUES (:person, :number)"), row)
        last = rows[-1].number
