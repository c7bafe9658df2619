"""What later nights replace is kept, and reconciliations are signed off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "positions",
        sa.Column(
            "moved_on",
            sa.Date(),
            nullable=True,
            comment="Night on which its case brought it here from another casegroup unchanged; else null",
        ),
        schema="closure",
    )
    op.create_table(
        "closing_ledger_history",
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system"),
        sa.Column("csa_case_id", sa.Text(), nullable=False, comment="Case number"),
        sa.Column("creditor", sa.Text(), nullable=False, comment="RP, GB_SOS or NI_SOS"),
        sa.Column("arrears_status", sa.Text(), nullable=False, comment="ACTIVE, SUSPENDED or DEFERRED"),
        sa.Column(
            "amount_pence", sa.BigInteger(), nullable=True, comment="What left CSA, by its own account"
        ),
        sa.Column("written_off_pence", sa.BigInteger(), nullable=True, comment="What CSA wrote off"),
        sa.Column("since", sa.Date(), nullable=False, comment="Night from which it stood so"),
        sa.Column(
            "replaced_on",
            sa.Date(),
            nullable=False,
            comment="Night that replaced it: it stood so until the night before",
        ),
        sa.PrimaryKeyConstraint(
            "csa_system",
            "csa_case_id",
            "creditor",
            "arrears_status",
            "replaced_on",
            name=op.f("closing_ledger_history_pk"),
        ),
        schema="closure",
        comment="Lines of CSA's closing ledger before a later night replaced them (B54); rows are only ever added",
    )
    op.create_table(
        "position_history",
        sa.Column(
            "casegroup_id", sa.Text(), nullable=False, comment="Casegroup; empty for what belongs to none"
        ),
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system; empty when the row had none"),
        sa.Column(
            "csa_case_id", sa.Text(), nullable=False, comment="Case number; empty when the row had none"
        ),
        sa.Column("creditor", sa.Text(), nullable=False, comment="RP, GB_SOS or NI_SOS"),
        sa.Column("arrears_status", sa.Text(), nullable=False, comment="ACTIVE, SUSPENDED or DEFERRED"),
        sa.Column("received_pence", sa.BigInteger(), nullable=False, comment="Received in this bucket"),
        sa.Column("posted_pence", sa.BigInteger(), nullable=False, comment="Posted as a due"),
        sa.Column("held_pence", sa.BigInteger(), nullable=False, comment="Held"),
        sa.Column("credit_pence", sa.BigInteger(), nullable=False, comment="A credit, below zero"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night of its latest change"),
        sa.Column("credited_on", sa.Date(), nullable=True, comment="Night on which the credit was listed"),
        sa.Column(
            "since", sa.Date(), nullable=False, comment="Night from which it stood so in this casegroup"
        ),
        sa.Column(
            "replaced_on",
            sa.Date(),
            nullable=False,
            comment="Night that replaced it: it stood so until the night before",
        ),
        sa.PrimaryKeyConstraint(
            "casegroup_id",
            "csa_system",
            "csa_case_id",
            "creditor",
            "arrears_status",
            "replaced_on",
            name=op.f("position_history_pk"),
        ),
        schema="closure",
        comment="Positions as they were before a later night replaced them (B54); rows are only ever added",
    )
    op.create_index(
        "position_history_replaced_ix", "position_history", ["replaced_on"], unique=False, schema="closure"
    )
    op.create_table(
        "reconciliation_sign_offs",
        sa.Column(
            "business_date",
            sa.Date(),
            nullable=False,
            comment="The reconciliation is as at the end of this night",
        ),
        sa.Column(
            "sensitive", sa.Boolean(), nullable=False, comment="Of nationally sensitive casegroups (R26)"
        ),
        sa.Column("sign_off_number", sa.Integer(), nullable=False, comment="From 1, for each night"),
        sa.Column("signed_by", sa.Text(), nullable=False, comment="Who signed"),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False, comment="When"),
        sa.Column("remarks", sa.Text(), nullable=False, comment="In their words"),
        sa.Column("left_csa_pence", sa.BigInteger(), nullable=False, comment="Left CSA, as signed"),
        sa.Column("received_pence", sa.BigInteger(), nullable=False, comment="Received, as signed"),
        sa.Column("posted_pence", sa.BigInteger(), nullable=False, comment="Posted, as signed"),
        sa.Column("held_pence", sa.BigInteger(), nullable=False, comment="Held, as signed"),
        sa.Column("credit_pence", sa.BigInteger(), nullable=False, comment="Credits, as signed"),
        sa.Column(
            "written_off_pence", sa.BigInteger(), nullable=False, comment="Written off on CSA, as signed"
        ),
        sa.Column("breaks", sa.BigInteger(), nullable=False, comment="How many breaks were listed"),
        sa.Column(
            "breaks_sha256",
            sa.Text(),
            nullable=False,
            comment="Of the list of breaks that was signed, so that another list is told from it",
        ),
        sa.PrimaryKeyConstraint(
            "business_date", "sensitive", "sign_off_number", name=op.f("reconciliation_sign_offs_pk")
        ),
        schema="closure",
        comment="Reconciliations signed off, with their figures (B54); rows are only ever added",
    )


def downgrade() -> None:
    op.drop_table("reconciliation_sign_offs", schema="closure")
    op.drop_table("position_history", schema="closure")
    op.drop_table("closing_ledger_history", schema="closure")
    op.drop_column("positions", "moved_on", schema="closure")
