"""An exception goes with its case to another casegroup (R43), and past reports show it where it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "exceptions",
        sa.Column(
            "previous_casegroup_id",
            sa.Text(),
            nullable=True,
            comment="The casegroup it had before casegroup_since",
        ),
        schema="closure",
    )
    op.alter_column(
        "exceptions", "casegroup_since", schema="closure",
        comment="Night on which its case came, or moved, and it with it; null: it had its casegroup from the first",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("exceptions", "previous_casegroup_id", schema="closure")
