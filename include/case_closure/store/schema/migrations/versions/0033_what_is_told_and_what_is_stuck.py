"""Who was told of a suppressed letter is kept; what is stuck has one open item; a casegroup's balances are found ([47], [30], [31])."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "letters",
        sa.Column(
            "reported_to",
            sa.Text(),
            nullable=True,
            comment="The CSA system whose legacy team was told that it is suppressed",
        ),
        schema="closure",
    )
    op.create_index(
        "work_items_stuck_ix", "work_items", [sa.text("left(work_item_id, -11)")], unique=True, schema="closure",
        postgresql_where=sa.text("type = 'STUCK' and status = 'OPEN'"),
    )  # fmt: skip
    for name in ("csa_balances", "clerical_balances"):
        op.create_index(
            f"{name}_casegroup_ix", name, ["casegroup_id"], schema="held", postgresql_where=sa.text("is_new")
        )
    op.create_index("payments_casegroup_ix", "payments", ["casegroup_id"], schema="closure")
    # How few are sensitive decides how every view is read; so small a table is never looked at by itself.
    op.execute("analyze closure.sensitive_casegroups")


def downgrade() -> None:
    op.drop_index("payments_casegroup_ix", table_name="payments", schema="closure")
    for name in ("csa_balances", "clerical_balances"):
        op.drop_index(f"{name}_casegroup_ix", table_name=name, schema="held")
    op.drop_index("work_items_stuck_ix", table_name="work_items", schema="closure")
    op.drop_column("letters", "reported_to", schema="closure")
