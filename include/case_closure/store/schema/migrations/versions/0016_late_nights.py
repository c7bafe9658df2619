"""A late night is known as one, and what it did is told apart from the date that it counts from (R39, R43)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "nights",
        sa.Column(
            "late_after",
            sa.Date(),
            nullable=True,
            comment="The latest business date that was known of when this night was run late; null: it was run in its turn",
        ),
        schema="closure",
    )
    op.add_column(
        "nights",
        sa.Column(
            "extract_order",
            sa.Integer(),
            nullable=True,
            comment="Its place among all nights in the order in which their extracts were taken in",
        ),
        schema="closure",
    )
    op.add_column(
        "exception_events",
        sa.Column(
            "night_on",
            sa.Date(),
            nullable=True,
            comment="The night that did it: business_date, but for what a late night resolves; null: a person did",
        ),
        schema="closure",
    )
    # Before this, nothing told a late night from one that was only started later than others.
    op.execute(
        """
        update closure.nights n set extract_order = o.place
        from (select business_date, row_number() over (order by started_at, business_date) as place from closure.nights
              where manifest_sha256 is not null) o
        where o.business_date = n.business_date
        """
    )
    op.execute(
        "update closure.exception_events set night_on = business_date where event in ('OPENED', 'REOPENED', 'RESOLVED')"
    )


def downgrade() -> None:
    op.drop_column("exception_events", "night_on", schema="closure")
    op.drop_column("nights", "extract_order", schema="closure")
    op.drop_column("nights", "late_after", schema="closure")
