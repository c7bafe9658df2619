"""What caseworkers entered that changed nothing, and why (B49)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "entries_without_effect",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night that brought it"),
        sa.Column("entry_number", sa.Integer(), nullable=False, comment="From 1 within the night"),
        sa.Column("resolution_id", sa.Text(), comment="The resolution"),
        sa.Column("csa_system", sa.Text(), comment="CSCS, CS2 or CCD"),
        sa.Column("csa_case_id", sa.Text(), comment="Case number on that CSA system"),
        sa.Column("casegroup_id", sa.Text(), comment="Casegroup: all cases that share one paying parent"),
        sa.Column("entity", sa.Text(), comment="What it was to mend"),
        sa.Column("field", sa.Text(), comment="Which field of it"),
        sa.Column("entered_by", sa.Text(), comment="Who entered it"),
        sa.Column("reason", sa.Text(), nullable=False, comment="Why it changed nothing"),
        sa.PrimaryKeyConstraint("business_date", "entry_number"),
        schema="closure",
        comment="What caseworkers entered that changed nothing, and why (B49)",
    )


def downgrade() -> None:
    op.drop_table("entries_without_effect", schema="closure")
