"""What a replaced extract had changed is judged again (R22)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "casegroups_taken_back",
        sa.Column("business_date", sa.Date(), nullable=False, comment="The night whose extract was replaced by another"),
        sa.Column(
            "casegroup_id", sa.Text(), nullable=False,
            comment="Casegroup that the replaced extract had changed; empty for what belongs to none",
        ),
        sa.PrimaryKeyConstraint("business_date", "casegroup_id", name="casegroups_taken_back_pk"),
        schema="closure",
        comment="What a night judges again because an extract of its was taken back; gone when it is closed (R22)",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("casegroups_taken_back", schema="closure")
