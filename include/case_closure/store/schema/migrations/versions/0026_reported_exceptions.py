"""Exceptions that were found outside the system land as a file of their own (B51)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reported_exceptions",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("report_id", sa.Text(), nullable=False, comment="The report"),
        sa.Column("casegroup_id", sa.Text(), comment="Casegroup it is about"),
        sa.Column(
            "csa_system",
            sa.Text(),
            comment="CSA system of the case it is about; null when about no single case",
        ),
        sa.Column("csa_case_id", sa.Text(), comment="Number of that case; null when about no single case"),
        sa.Column("channel", sa.Text(), comment="How it reached us"),
        sa.Column("stage", sa.Text(), comment="Where in the transition it was found"),
        sa.Column("detail", sa.Text(), comment="What is wrong, free text"),
        sa.Column("reported_by", sa.Text(), comment="Who reported it"),
        sa.Column("reported_on", sa.Date(), comment="Day they did; from then on it holds"),
        sa.Column("cleared_on", sa.Date(), comment="Day it is cleared; null while it is not"),
        sa.Column("cleared_by", sa.Text(), comment="Who cleared it"),
        sa.PrimaryKeyConstraint("report_id", name=op.f("reported_exceptions_pk")),
        schema="held",
        comment="Exceptions found outside the system; each holds its casegroup until it is cleared (B51).",
    )


def downgrade() -> None:
    op.drop_table("reported_exceptions", schema="held")
