"""A refused row that was taken in with what a caseworker entered is known as answered, whichever night brought the entry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "refused_rows",
        sa.Column(
            "answered_on", sa.Date(), nullable=True,
            comment="Night on which it was taken in with what a caseworker entered; null: it was not",
        ),
        schema="closure",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("refused_rows", "answered_on", schema="closure")
