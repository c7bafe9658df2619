"""What a stage hands to the next lies in the store, under the extract and the attempt it was concluded in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "work_in_progress",
        sa.Column("business_date", sa.Date(), nullable=False, comment="The night"),
        sa.Column("extract_number", sa.Integer(), nullable=False, comment="The extract it was concluded of"),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="The attempt that judges the casegroups"),
        sa.Column("stage", sa.Text(), nullable=False, comment="The stage that concluded it"),
        sa.Column("part", sa.Integer(), nullable=False, comment="The part of the night's casegroups, from 0"),
        sa.Column("frame", sa.Text(), nullable=False, comment="The frame's name"),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="The frame, as an Arrow stream"),
        sa.PrimaryKeyConstraint(
            "business_date", "extract_number", "attempt", "stage", "part", "frame", name="work_in_progress_pk"
        ),
        schema="closure",
        prefixes=["UNLOGGED"],
        comment="What one stage of the night in progress hands to the next",
    )
    # Compressed already.
    op.execute("alter table closure.work_in_progress alter column content set storage external")
    op.add_column(
        "nights",
        sa.Column(
            "attempt", sa.Integer(), nullable=False, server_default="0",
            comment="How many stages of this night were begun: only the one begun last may store anything",
        ),
        schema="closure",
    )  # fmt: skip
    op.add_column(
        "nights",
        sa.Column(
            "judged_attempt", sa.Integer(), nullable=True,
            comment="The attempt whose judging of the extract the stages go on from; null: none",
        ),
        schema="closure",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("nights", "judged_attempt", schema="closure")
    op.drop_column("nights", "attempt", schema="closure")
    op.drop_table("work_in_progress", schema="closure")
