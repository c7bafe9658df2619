"""The work items and the judged debts of a casegroup are found by an index, for whoever tells of it ([31])."""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("work_items", "debt_judgements"):
        op.create_index(f"{name}_casegroup_ix", name, ["casegroup_id"], schema="closure")


def downgrade() -> None:
    for name in ("work_items", "debt_judgements"):
        op.drop_index(f"{name}_casegroup_ix", table_name=name, schema="closure")
