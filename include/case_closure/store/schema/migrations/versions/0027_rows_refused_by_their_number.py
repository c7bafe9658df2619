"""Rows refused alone are told by their number, and what was enforced first keeps the night it first came ([5], [13], [42])."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_ANSWERED = "Night on which it was taken in with what a caseworker entered"


def upgrade() -> None:
    op.add_column(
        "refused_rows",
        sa.Column(
            "row_key",
            sa.Text(),
            comment="The number it is known by, its parts joined by /; null: it lacks one",
        ),
        schema="closure",
    )
    op.alter_column(
        "refused_rows",
        "answered_on",
        comment=f"{_ANSWERED}, or a good row of its number came ([13]); null: neither",
        existing_comment=f"{_ANSWERED}; null: it was not",
        existing_type=sa.Date(),
        existing_nullable=True,
        schema="closure",
    )
    op.create_index(
        "refused_rows_unanswered_ix",
        "refused_rows",
        ["file_name", "row_key"],
        schema="closure",
        postgresql_where=sa.text("answered_on is null"),
    )
    op.add_column(
        "enforcement_actions",
        sa.Column(
            "first_came_on",
            sa.Date(),
            comment="Night that brought it first; an upsert changes business_date",
        ),
        schema="held",
    )
    op.execute("update held.enforcement_actions set first_came_on = business_date")


def downgrade() -> None:
    op.drop_column("enforcement_actions", "first_came_on", schema="held")
    op.drop_index("refused_rows_unanswered_ix", table_name="refused_rows", schema="closure")
    op.alter_column(
        "refused_rows",
        "answered_on",
        comment=f"{_ANSWERED}; null: it was not",
        existing_comment=f"{_ANSWERED}, or a good row of its number came ([13]); null: neither",
        existing_type=sa.Date(),
        existing_nullable=True,
        schema="closure",
    )
    op.drop_column("refused_rows", "row_key", schema="closure")
