"""What the extract of a night not yet closed overwrote, so that another of the same date can take its place (R22)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "replaced_rows",
        sa.Column("business_date", sa.Date(), nullable=False, comment="The night that overwrote the row"),
        sa.Column("file_name", sa.Text(), nullable=False, comment="The file of schema held it is a row of"),
        sa.Column("row_key", sa.Text(), nullable=False, comment="The key it is held under, as text"),
        sa.Column("original", JSONB(), nullable=False, comment="The row as it was held before that night"),
        sa.PrimaryKeyConstraint("business_date", "file_name", "row_key", name="replaced_rows_pk"),
        schema="closure",
        comment="What the extract of a night not yet closed overwrote, so that another can take its place (R22)",
    )
    op.alter_column(
        "csa_cases", "claimed_casegroup_id", schema="held",
        comment="The casegroup the latest row names; differs from casegroup_id only where that casegroup had completed, or a "
        "caseworker entered another",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("replaced_rows", schema="closure")
