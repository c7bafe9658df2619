"""What a night tells of itself while it runs lies in the store, where every machine sees the same."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "night_stages",
        sa.Column(
            "number", sa.BigInteger(), sa.Identity(), nullable=False, comment="In the order in which they were begun"
        ),
        sa.Column("business_date", sa.Date(), nullable=False, comment="The night"),
        sa.Column("run_id", sa.Text(), nullable=False, comment="The run that began the stage"),
        sa.Column(
            "attempt", sa.Integer(),
            comment="The night's attempt it was begun as; null: refused, or failed, before it was begun",
        ),
        sa.Column("stage", sa.Text(), nullable=False, comment="The stage"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="When it began"),
        sa.Column(
            "ended_at", sa.DateTime(timezone=True),
            comment="When it ended or failed; null: it runs, or its process has gone",
        ),
        sa.Column("outcome", sa.Text(), nullable=False, comment="STARTED, ENDED or FAILED"),
        sa.Column(
            "figures", sa.JSON(),
            comment="What the stage said of itself when it ended, of all casegroups; in no view (R26)",
        ),
        sa.Column("reason", sa.Text(), comment="Why it failed or was refused; may name cases, so in no view (R26)"),
        sa.Column("worker", sa.Text(), nullable=False, comment="The machine and process it ran in"),
        sa.PrimaryKeyConstraint("number", name=op.f("night_stages_pk")),
        sa.UniqueConstraint("business_date", "attempt", name="night_stages_attempt_uq"),
        sa.CheckConstraint("outcome in ('STARTED', 'ENDED', 'FAILED')", name="night_stages_outcome_ck"),
        schema="closure",
        comment="What each night told of itself while it ran; nothing goes by it",
    )  # fmt: skip
    op.create_index("night_stages_run_ix", "night_stages", ["business_date", "run_id"], schema="closure")


def downgrade() -> None:
    op.drop_table("night_stages", schema="closure")
