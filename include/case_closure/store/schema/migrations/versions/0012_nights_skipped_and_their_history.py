"""A night may be skipped (R40), and how it stood before it was begun again is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STATUS = "status in ('OPEN', 'SUCCESS', 'REJECTED', 'FAILED', 'SKIPPED')"
_ENDED = "When it ended: first succeeded, else last failed or was skipped"


def upgrade() -> None:
    op.add_column(
        "nights",
        sa.Column("by_whom", sa.Text(), nullable=True, comment="Who skipped it; null: nobody did"),
        schema="closure",
    )
    for column, type_, comment in (
        ("status", sa.Text(), "OPEN, SUCCESS, REJECTED, FAILED or SKIPPED"),
        ("reason", sa.Text(), "Why it was rejected, failed or was skipped, in plain words"),
        ("started_at", sa.DateTime(timezone=True), "When the run that ended it began"),
        ("finished_at", sa.DateTime(timezone=True), _ENDED),
    ):
        op.alter_column("nights", column, existing_type=type_, comment=comment, schema="closure")
    op.create_table_comment(
        "nights",
        "Every night that was started or skipped, and how it ended (R21, R22, R40)",
        schema="closure",
    )
    op.create_check_constraint("nights_status_ck", "nights", _STATUS, schema="closure")
    op.create_table(
        "night_history",
        sa.Column("business_date", sa.Date(), nullable=False, comment="The night's business date"),
        sa.Column("attempt_number", sa.Integer(), nullable=False, comment="From 1, for each night"),
        sa.Column(
            "status", sa.Text(), nullable=False,
            comment="How it stood before it was begun again; OPEN: its process had gone",
        ),
        sa.Column("run_id", sa.Text(), nullable=False, comment="The run that held it"),
        sa.Column("stage", sa.Text(), nullable=True, comment="The stage reached, or the one that failed"),
        sa.Column(
            "reason", sa.Text(), nullable=True,
            comment="Why it was rejected, failed or was skipped, in plain words",
        ),
        sa.Column("by_whom", sa.Text(), nullable=True, comment="Who skipped it; null: nobody did"),
        sa.Column("extract_id", sa.Text(), nullable=True, comment="The extract applied until then"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="When that run began"),
        sa.Column(
            "finished_at", sa.DateTime(timezone=True), nullable=True,
            comment="When it ended; null: it never did",
        ),
        sa.PrimaryKeyConstraint("business_date", "attempt_number", name=op.f("night_history_pk")),
        sa.CheckConstraint(_STATUS, name="night_history_status_ck"),
        schema="closure",
        comment="How a night stood each time it was begun again (R21, R40); rows are only ever added",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("night_history", schema="closure")
    op.drop_constraint("nights_status_ck", "nights", schema="closure")
    op.drop_column("nights", "by_whom", schema="closure")
