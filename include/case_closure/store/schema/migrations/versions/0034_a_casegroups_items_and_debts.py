"""The work items and the judged debts of a casegroup are found by an index, for whoever tells of it ([31])."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("work_items", "debt_judgements"):
        op.create_index(f"{name}_casegroup_ix", name, ["casegroup_id"], schema="closure")
    op.create_index(
        "letters_by_hand_letter_ix", "letters_by_hand", ["letter_id"], schema="closure",
        postgresql_where=sa.text("letter_id is not null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("letters_by_hand_letter_ix", table_name="letters_by_hand", schema="closure")
    for name in ("work_items", "debt_judgements"):
        op.drop_index(f"{name}_casegroup_ix", table_name=name, schema="closure")
