"""The plan of a night in parts lies in the store; rule results are counted by the part that counted them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "night_parts",
        sa.Column("business_date", sa.Date(), nullable=False, comment="The night"),
        sa.Column("kind", sa.Text(), nullable=False, comment="The stage that is worked on in parts"),
        sa.Column("part", sa.Integer(), nullable=False, comment="Its number, from 0"),
        sa.Column("first_casegroup_id", sa.Text(), nullable=False, comment="The first of its casegroups, or documents"),
        sa.Column("last_casegroup_id", sa.Text(), nullable=False, comment="The last of them"),
        sa.Column("extract_number", sa.Integer(), nullable=False, comment="The extract it was planned from"),
        sa.Column("night_attempt", sa.Integer(), nullable=False, comment="The night's attempt that planned it"),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="How often it was claimed; only the last may store it"),
        sa.Column("worker", sa.Text(), comment="The machine and process that claimed it last"),
        sa.Column("claimed_at", sa.DateTime(timezone=True), comment="When that was"),
        sa.Column("stored_at", sa.DateTime(timezone=True), comment="When what was made of it was stored; null: not yet"),
        sa.Column("figures", sa.JSON(), comment="What is told of it, of all casegroups; in no view (R26)"),
        sa.PrimaryKeyConstraint("business_date", "kind", "part", name=op.f("night_parts_pk")),
        sa.CheckConstraint(
            "kind in ('follow_closure', 'receive_balances', 'set_up_cases', 'post_dues', 'decide_next_action', 'write_out')",
            name="night_parts_kind_ck",
        ),
        sa.CheckConstraint("stored_at is null or attempt > 0", name="night_parts_claimed_ck"),
        schema="closure",
        comment="The plan of each stage that is worked on in parts: who claimed each, and whether it is stored",
    )  # fmt: skip
    op.drop_constraint("gate_results_pk", "gate_results", schema="closure")
    for name, comment in (
        ("attempt", "The attempt that counted it; of several the fullest counts"),
        ("part", "The part it was counted in, from 0; parts of one attempt add up"),
    ):
        op.add_column(
            "gate_results",
            sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"), comment=comment),
            schema="closure",
        )
        op.alter_column("gate_results", name, server_default=None, schema="closure")
    op.create_primary_key(
        "gate_results_pk",
        "gate_results",
        ["business_date", "suite", "rule_code", "attempt", "part"],
        schema="closure",
    )


def downgrade() -> None:
    op.execute("delete from closure.gate_results where attempt <> 0 or part <> 0")
    op.drop_constraint("gate_results_pk", "gate_results", schema="closure")
    op.drop_column("gate_results", "part", schema="closure")
    op.drop_column("gate_results", "attempt", schema="closure")
    op.create_primary_key(
        "gate_results_pk", "gate_results", ["business_date", "suite", "rule_code"], schema="closure"
    )
    op.drop_table("night_parts", schema="closure")
