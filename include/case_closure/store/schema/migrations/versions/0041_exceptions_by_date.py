"""Exceptions that are resolved are listed by an index too, the oldest first."""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("exceptions_date_ix", "exceptions", ["business_date", "exception_id"], schema="closure")


def downgrade() -> None:
    op.drop_index("exceptions_date_ix", table_name="exceptions", schema="closure")
