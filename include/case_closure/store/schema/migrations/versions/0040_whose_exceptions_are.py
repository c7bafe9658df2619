"""The exceptions that somebody has are found by an index: the list that a caseworker opens first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "exceptions_allocated_ix", "exceptions", ["allocated_to", "business_date", "exception_id"], schema="closure",
        postgresql_where=sa.text("allocated_to is not null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("exceptions_allocated_ix", table_name="exceptions", schema="closure")
