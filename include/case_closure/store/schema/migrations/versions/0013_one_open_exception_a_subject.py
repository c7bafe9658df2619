"""One open exception for each case, rule and subject (R38): what the stages see to, the server holds them to.

What stood open before keeps its number; where it spoke for both parents, the other one's opens with the next night.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "exceptions_one_open_ix",
        "exceptions",
        ["rule_code", "casegroup_id", "csa_system", "csa_case_id", "subject", "subject_reference"],
        unique=True,
        schema="closure",
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("status <> 'RESOLVED'"),
    )


def downgrade() -> None:
    op.drop_index("exceptions_one_open_ix", "exceptions", schema="closure")
