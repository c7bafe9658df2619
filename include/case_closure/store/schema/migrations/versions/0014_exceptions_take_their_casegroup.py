"""An exception about a case that is not held takes its casegroup when the case comes (R43); open clerical items by casegroup."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "exceptions",
        sa.Column(
            "casegroup_since",
            sa.Date(),
            nullable=True,
            comment="Night on which its case came, and with it its casegroup; null: it had one from the first",
        ),
        schema="closure",
    )
    op.create_index(
        "work_items_clerical_ix",
        "work_items",
        ["casegroup_id"],
        schema="closure",
        postgresql_where=sa.text(
            "subject_reference is null and type in ('ADD_CORRECT_ARREARS', 'ARREARS_ONLY_APPLICATION')"
        ),
    )


def downgrade() -> None:
    op.drop_index("work_items_clerical_ix", "work_items", schema="closure")
    op.drop_column("exceptions", "casegroup_since", schema="closure")
