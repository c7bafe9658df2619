"""A night in which little came reads no whole table: what is unsettled, held or to be confirmed is found by an index, and so is
every arrival of a case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_ARRIVALS = ("csa_balances", "clerical_balances")
_CASE = ["csa_system", "csa_case_id"]


def upgrade() -> None:
    for table in _ARRIVALS:
        op.drop_index(f"{table}_latest_case_ix", table_name=table, schema="held")
        op.create_index(f"{table}_case_ix", table, _CASE, schema="held")
    op.create_index(
        "casegroups_unsettled_ix", "casegroups", ["casegroup_id"], schema="closure",
        postgresql_where=sa.text("outcome in ('HELD', 'EXCEPTION')"),
    )  # fmt: skip
    op.create_index(
        "positions_held_ix", "positions", ["held_pence"], schema="closure", postgresql_where=sa.text("held_pence <> 0")
    )  # fmt: skip
    op.create_index(
        "work_items_write_off_ix", "work_items", _CASE, schema="closure",
        postgresql_where=sa.text("type = 'CONFIRM_WRITE_OFF' and status <> 'CLOSED'"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("work_items_write_off_ix", table_name="work_items", schema="closure")
    op.drop_index("positions_held_ix", table_name="positions", schema="closure")
    op.drop_index("casegroups_unsettled_ix", table_name="casegroups", schema="closure")
    for table in _ARRIVALS:
        op.drop_index(f"{table}_case_ix", table_name=table, schema="held")
        op.create_index(
            f"{table}_latest_case_ix", table, _CASE, schema="held", postgresql_where=sa.text("is_latest")
        )  # fmt: skip
