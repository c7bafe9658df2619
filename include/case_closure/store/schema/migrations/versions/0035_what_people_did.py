"""What people did at their desks is kept: who, when, as what, what was before and what after."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "acts",
        sa.Column("act_number", sa.BigInteger(), sa.Identity(), nullable=False, comment="In the order in which they were done"),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False, comment="When"),
        sa.Column("acted_by", sa.Text(), nullable=False, comment="Who, as they sign in"),
        sa.Column("acted_as", sa.Text(), comment="In which role; null: this server has no roles of ours"),
        sa.Column("action", sa.Text(), nullable=False, comment="What was done, as the table of permissions names it"),
        sa.Column("about", sa.Text(), nullable=False, comment="What kind of thing it was done to"),
        sa.Column("reference", sa.Text(), nullable=False, comment="Which one"),
        sa.Column("casegroup_id", sa.Text(), comment="The casegroup it belongs to; null: none"),
        sa.Column("before", JSONB(), nullable=False, comment="What stood before, by name"),
        sa.Column("after", JSONB(), nullable=False, comment="What stands after, by name"),
        sa.Column("reason", sa.Text(), comment="Why, in their words"),
        sa.PrimaryKeyConstraint("act_number", name=op.f("acts_pk")),
        sa.CheckConstraint("btrim(acted_by) <> ''", name=op.f("acts_by_ck")),
        schema="closure",
        comment="What people did here; rows are only ever added",
    )  # fmt: skip
    op.create_index("acts_casegroup_ix", "acts", ["casegroup_id"], schema="closure")
    op.create_index("acts_reference_ix", "acts", ["reference"], schema="closure")
    op.execute(
        "create trigger acts_added_to before update or delete on closure.acts "
        "for each statement execute function closure.refuse_change()"
    )


def downgrade() -> None:
    op.execute("drop schema if exists desk cascade")
    op.execute("drop view if exists reporting.acts, sensitive.acts")
    op.drop_table("acts", schema="closure")
