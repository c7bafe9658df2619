"""What is nationally sensitive of all nights is found by index: letters by case, exceptions that name neither casegroup nor case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("letters", "exceptions"):
        op.create_index(
            f"{table}_case_ix", table, [sa.text("mod(hashtext(csa_case_id), 65536)")], schema="closure",
            postgresql_where=sa.text("csa_case_id is not null"),
        )  # fmt: skip
    op.create_index(
        "exceptions_of_nobody_ix", "exceptions", ["exception_id"], schema="closure",
        postgresql_where=sa.text("coalesce(casegroup_id, '') = '' and (csa_system is null or csa_case_id is null)"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("exceptions_of_nobody_ix", table_name="exceptions", schema="closure")
    for table in ("exceptions", "letters"):
        op.drop_index(f"{table}_case_ix", table_name=table, schema="closure")
