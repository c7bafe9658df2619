"""Tranche criteria, their versions, and what each selected."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "csa_cases_open_ix",
        "csa_cases",
        ["casegroup_id", "segment", "csa_system", "case_type"],
        unique=False,
        schema="held",
        postgresql_ops={"casegroup_id": 'COLLATE "C"'},
        postgresql_where=sa.text("case_status = 'OPEN'"),
    )
    op.create_table(
        "tranche_criteria",
        sa.Column("tranche_id", sa.Text(), nullable=False, comment="Tranche"),
        sa.Column("version", sa.Integer(), nullable=False, comment="From 1 within the tranche"),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="LOADED, PROPOSED, APPROVED or REFUSED; the last LOADED or APPROVED one is in force",
        ),
        sa.Column("ocr_reference", sa.Text(), nullable=True, comment="Operational Change Request"),
        sa.Column(
            "authorised_by",
            sa.Text(),
            nullable=True,
            comment="Who authorised it; null: it selects nothing (B6)",
        ),
        sa.Column(
            "authorised_on", sa.Date(), nullable=True, comment="When they did; null: it selects nothing (B6)"
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why"),
        sa.Column("segments", sa.ARRAY(sa.Integer()), nullable=False, comment="Segments it matches"),
        sa.Column("csa_systems", sa.ARRAY(sa.Text()), nullable=False, comment="CSA systems it matches"),
        sa.Column("case_types", sa.ARRAY(sa.Text()), nullable=False, comment="Case types it matches"),
        sa.Column(
            "max_cases",
            sa.BigInteger(),
            nullable=True,
            comment="Cap on cases over the life of the tranche; null: none",
        ),
        sa.Column("notice_days", sa.Integer(), nullable=False, comment="LED = selection date + these"),
        sa.Column(
            "reminder_days",
            sa.Integer(),
            nullable=True,
            comment="Days before the LED on which the reminder is due; null: one month",
        ),
        sa.Column("valid_from", sa.Date(), nullable=True, comment="First night it selects on; null: open"),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="Last night it selects on; null: open"),
        sa.Column(
            "source", sa.Text(), nullable=False, comment="How it came: a file's name, or the approval DAG"
        ),
        sa.Column(
            "recorded_by",
            sa.Text(),
            nullable=False,
            comment="Who brought it: a user, the night that read it, or who proposed it",
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="When it was recorded"),
        sa.Column(
            "replaces_version",
            sa.Integer(),
            nullable=True,
            comment="The version in force when it was recorded; null: none was",
        ),
        sa.Column("decided_by", sa.Text(), nullable=True, comment="Who approved or refused the proposal"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True, comment="When they did"),
        sa.Column("comment", sa.Text(), nullable=True, comment="What they said, or why it was refused"),
        sa.PrimaryKeyConstraint("tranche_id", "version", name=op.f("tranche_criteria_pk")),
        schema="closure",
        comment="Every version of every tranche's criteria: who, when, why (B6)",
    )
    op.create_table(
        "tranche_selections",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night of the selection"),
        sa.Column("tranche_id", sa.Text(), nullable=False, comment="Tranche"),
        sa.Column("version", sa.Integer(), nullable=False, comment="Version of its criteria that selected"),
        sa.Column("led", sa.Date(), nullable=False, comment="End liability date stamped"),
        sa.Column("casegroups", sa.BigInteger(), nullable=False, comment="Casegroups selected"),
        sa.Column("cases", sa.BigInteger(), nullable=False, comment="Cases selected"),
        sa.Column(
            "ended_at_casegroup_id",
            sa.Text(),
            nullable=True,
            comment="The casegroup that would have passed the cap; null when the cap was not met",
        ),
        sa.PrimaryKeyConstraint("business_date", "tranche_id", "version", name=op.f("tranche_selections_pk")),
        schema="closure",
        comment="What each version of a tranche's criteria selected, night by night (B8)",
    )


def downgrade() -> None:
    op.drop_table("tranche_selections", schema="closure")
    op.drop_table("tranche_criteria", schema="closure")
    op.drop_index("csa_cases_open_ix", "csa_cases", schema="held")
