"""What a page cannot wait for is counted aside and kept; acts are found by person, by what was done and by time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("acts_acted_at_ix", "acts", ["acted_at", "act_number"], schema="closure")
    op.create_index("acts_by_ix", "acts", ["acted_by", "acted_at", "act_number"], schema="closure")
    op.create_index("acts_action_ix", "acts", ["action", "acted_at", "act_number"], schema="closure")
    op.create_table(
        "kept_figures",
        sa.Column("kind", sa.Text(), nullable=False, comment="Which figures"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="They are as at the close of this night"),
        sa.Column("night_stage", sa.BigInteger(), nullable=False,
                  comment="The stage that ended the night last, when they were counted"),
        sa.Column("sensitive_sha256", sa.Text(), nullable=False,
                  comment="Of the list of sensitive casegroups then: with another list they are not shown (R42)"),
        sa.Column("seconds", sa.Float(), nullable=False, comment="How long counting took"),
        sa.Column("content", JSONB(), nullable=False, comment="The figures; pence as whole numbers"),
        sa.PrimaryKeyConstraint("kind", name=op.f("kept_figures_pk")),
        schema="closure",
        comment="Figures of the whole book that a page could not wait for, of ordinary casegroups alone (R26)",
    )  # fmt: skip
    op.create_table(
        "kept_breaks",
        sa.Column("break_number", sa.Integer(), nullable=False, autoincrement=False, comment="In order of cause and case"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night of its latest change"),
        sa.Column("csa_system", sa.Text(), comment="CSA system; null when the row had none"),
        sa.Column("csa_case_id", sa.Text(), comment="Case number; null when the row had none"),
        sa.Column("casegroup_id", sa.Text(), comment="Its casegroup; null when it stands in several"),
        sa.Column("creditor", sa.Text(), nullable=False, comment="RP, GB_SOS or NI_SOS"),
        sa.Column("arrears_status", sa.Text(), nullable=False, comment="ACTIVE, SUSPENDED or DEFERRED"),
        sa.Column("tranche_id", sa.Text(), comment="The tranche that selected it"),
        sa.Column("left_csa_pence", sa.BigInteger(), nullable=False, comment="What left CSA"),
        sa.Column("received_pence", sa.BigInteger(), nullable=False, comment="What was received"),
        sa.Column("difference_pence", sa.BigInteger(), nullable=False, comment="The second less the first"),
        sa.Column("written_off_pence", sa.BigInteger(), nullable=False, comment="Written off on CSA"),
        sa.Column("break_type", sa.Text(), nullable=False, comment="MISSING_ON_CMS, NOT_ON_CSA or AMOUNT_DIFFERS"),
        sa.Column("cause", sa.Text(), nullable=False, comment="The first cause that fits"),
        sa.Column("implausible", sa.Boolean(), nullable=False, comment="Whether a figure is beyond the limit for one bucket"),
        sa.PrimaryKeyConstraint("break_number", name=op.f("kept_breaks_pk")),
        schema="closure",
        comment="The breaks of the reconciliation that was written out last (B54)",
    )  # fmt: skip


def downgrade() -> None:
    op.execute(
        "drop view if exists reporting.kept_programme, reporting.kept_reconciliation, reporting.kept_breaks"
    )
    op.execute(
        "drop view if exists sensitive.kept_programme, sensitive.kept_reconciliation, sensitive.kept_breaks"
    )
    op.drop_table("kept_breaks", schema="closure")
    op.drop_table("kept_figures", schema="closure")
    for name in ("acts_acted_at_ix", "acts_by_ix", "acts_action_ix"):
        op.drop_index(name, "acts", schema="closure")
