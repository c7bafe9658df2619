"""Closure: end liability dates, journeys, applications, LTRs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "applications",
        sa.Column("application_id", sa.Text(), nullable=False, comment="The application to CMS"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night on which it was decided"),
        sa.Column(
            "casegroup_id",
            sa.Text(),
            nullable=True,
            comment="Casegroup of the paying parent it names; null when not on CSA",
        ),
        sa.Column("received_on", sa.Date(), nullable=False, comment="Day it was received; day 0 of the 38"),
        sa.Column("t_date", sa.Date(), nullable=True, comment="Received + 38 days, when reactive (R1)"),
        sa.Column("effective_date", sa.Date(), nullable=True, comment="Effective date of the application"),
        sa.Column(
            "decision",
            sa.Text(),
            nullable=False,
            comment="REACTIVE, KEPT_PROACTIVE, ALREADY_REACTIVE, NOT_ON_CSA, NOT_ELIGIBLE or LIABILITY_ENDED",
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("applications_pk")),
        schema="closure",
        comment="What each application to CMS led to (B19-B24)",
    )
    op.create_index(
        "applications_casegroup_ix", "applications", ["casegroup_id"], unique=False, schema="closure"
    )
    op.create_table(
        "end_liability",
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system"),
        sa.Column("csa_case_id", sa.Text(), nullable=False, comment="Case number"),
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.Column(
            "tranche_id",
            sa.Text(),
            nullable=True,
            comment="The tranche that selected it; null when an application did",
        ),
        sa.Column(
            "criteria_version",
            sa.Integer(),
            nullable=True,
            comment="Version of the tranche's criteria that selected it",
        ),
        sa.Column("journey", sa.Text(), nullable=False, comment="PROACTIVE or REACTIVE"),
        sa.Column(
            "selected_on",
            sa.Date(),
            nullable=False,
            comment="Night on which it was selected, joined or moved by an application",
        ),
        sa.Column("led", sa.Date(), nullable=False, comment="End liability date"),
        sa.Column(
            "reminder_days",
            sa.Integer(),
            nullable=True,
            comment="Days before the LED on which the reminder is due; null: one month",
        ),
        sa.Column(
            "became_reactive_on",
            sa.Date(),
            nullable=True,
            comment="Night on which an application made it reactive",
        ),
        sa.PrimaryKeyConstraint("csa_system", "csa_case_id", name=op.f("end_liability_pk")),
        schema="closure",
        comment="Each selected case and the date its liability ends (B4, B22)",
    )
    op.create_index(
        "end_liability_casegroup_ix", "end_liability", ["casegroup_id"], unique=False, schema="closure"
    )
    op.create_index(
        "end_liability_tranche_ix", "end_liability", ["tranche_id"], unique=False, schema="closure"
    )
    op.create_table(
        "end_liability_notices",
        sa.Column(
            "business_date",
            sa.Date(),
            nullable=False,
            comment="Night on which CSA and the warehouse are told",
        ),
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system"),
        sa.Column("csa_case_id", sa.Text(), nullable=False, comment="Case number"),
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.Column("tranche_id", sa.Text(), nullable=True, comment="Tranche"),
        sa.Column("journey", sa.Text(), nullable=False, comment="PROACTIVE or REACTIVE"),
        sa.Column("led", sa.Date(), nullable=False, comment="End liability date"),
        sa.Column("cause", sa.Text(), nullable=False, comment="SELECTED, JOINED, REACTIVE or MOVED"),
        sa.PrimaryKeyConstraint(
            "business_date", "csa_system", "csa_case_id", name=op.f("end_liability_notices_pk")
        ),
        schema="closure",
        comment="What the CSA systems and the warehouse were told, night by night (B5)",
    )
    op.create_table(
        "journey_moves",
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.Column("move_number", sa.Integer(), nullable=False, comment="From 1"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night of the move"),
        sa.Column("from_state", sa.Text(), nullable=True, comment="The state it left; null for the first"),
        sa.Column("to_state", sa.Text(), nullable=False, comment="The state it came to"),
        sa.Column("cause", sa.Text(), nullable=False, comment="What brought it about"),
        sa.PrimaryKeyConstraint("casegroup_id", "move_number", name=op.f("journey_moves_pk")),
        schema="closure",
        comment="Every move of every casegroup's closure; rows are only ever added",
    )
    op.create_table(
        "journeys",
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="Where its closure stands, a state of domain.journey",
        ),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night of its latest move"),
        sa.Column("move_number", sa.Integer(), nullable=False, comment="How many moves it has made"),
        sa.PrimaryKeyConstraint("casegroup_id", name=op.f("journeys_pk")),
        schema="closure",
        comment="Where the closure of each selected casegroup stands",
    )
    op.create_index(
        "journeys_state_ix",
        "journeys",
        ["state"],
        unique=False,
        schema="closure",
        postgresql_where=sa.text("state != 'CLOSED'"),
    )
    op.create_table(
        "ltrs",
        sa.Column("ltr_id", sa.Text(), nullable=False, comment="<type>-<CSA system>-<application>"),
        sa.Column(
            "business_date",
            sa.Date(),
            nullable=True,
            comment="Night whose file carries it; null until a night has sent it",
        ),
        sa.Column("ltr_type", sa.Text(), nullable=False, comment="LTR1, LTR2 or LTR3 (R24)"),
        sa.Column("csa_system", sa.Text(), nullable=False, comment="The CSA system it goes to"),
        sa.Column(
            "csa_case_ids",
            sa.Text(),
            nullable=False,
            comment="The casegroup's cases on that system when it was issued, separated by a space",
        ),
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.Column("application_id", sa.Text(), nullable=False, comment="The application behind it"),
        sa.Column("t_date", sa.Date(), nullable=False, comment="The date liability is to end"),
        sa.Column("issued_by", sa.Text(), nullable=False, comment="'system', or who issued it by hand (B26)"),
        sa.Column(
            "issued_at", sa.DateTime(timezone=True), nullable=True, comment="When it was issued by hand"
        ),
        sa.PrimaryKeyConstraint("ltr_id", name=op.f("ltrs_pk")),
        schema="closure",
        comment="Legacy transition requests to the CSA systems (B24, B26)",
    )
    op.create_index("ltrs_business_date_ix", "ltrs", ["business_date"], unique=False, schema="closure")


def downgrade() -> None:
    op.drop_table("ltrs", schema="closure")
    op.drop_table("journeys", schema="closure")
    op.drop_table("journey_moves", schema="closure")
    op.drop_table("end_liability_notices", schema="closure")
    op.drop_table("end_liability", schema="closure")
    op.drop_table("applications", schema="closure")
