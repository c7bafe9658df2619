"""Exceptions about a payment, a correction, an application ... are found by its number: few have one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "exceptions_reference_ix", "exceptions", ["subject_reference"], schema="closure",
        postgresql_where=sa.text("subject_reference is not null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("exceptions_reference_ix", table_name="exceptions", schema="closure")
