"""The history of an exception says who did what, and an allocated one has somebody ([22], [25])."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, comment in (
        ("by_whom", "The person who did it; null: the system"),
        ("detail", "In plain words; nothing personal"),
    ):
        op.add_column("exception_events", sa.Column(name, sa.Text(), comment=comment), schema="closure")
    op.alter_column(
        "exception_events", "event", schema="closure", existing_type=sa.Text(),
        comment="OPENED, ALLOCATED, ENTERED, NOT_MENDED, RESOLVED or REOPENED",
    )  # fmt: skip
    op.create_check_constraint(
        "exceptions_allocated_ck",
        "exceptions",
        "status <> 'ALLOCATED' or allocated_to is not null",
        schema="closure",
    )
    for added in (
        sa.Column(
            "entered_at",
            sa.DateTime(timezone=True),
            comment="When a command entered it here; null: it landed",
        ),
        sa.Column(
            "waiting", sa.Boolean(), comment="No night has taken in what a command entered; null: it landed"
        ),
    ):
        op.add_column("resolutions", added, schema="held")
    for column, comment in (
        ("csa_system", "CSA system that holds the case; may be null for a payment or report"),
        (
            "csa_case_id",
            "Number of the case on that system; of a payment its reference, of a report its report_id",
        ),
    ):
        op.alter_column("resolutions", column, schema="held", existing_type=sa.Text(), comment=comment)


def downgrade() -> None:
    for name in ("waiting", "entered_at"):
        op.drop_column("resolutions", name, schema="held")
    op.drop_constraint("exceptions_allocated_ck", "exceptions", schema="closure")
    for name in ("detail", "by_whom"):
        op.drop_column("exception_events", name, schema="closure")
