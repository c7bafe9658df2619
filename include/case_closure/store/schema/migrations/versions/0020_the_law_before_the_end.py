"""No night goes out or is closed of which the money law was not found to hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "nights",
        sa.Column(
            "law_held", sa.Boolean(), nullable=False, server_default=sa.text("false"),
            comment="The money law was found to hold, and nothing was begun since that could change it",
        ),
        schema="closure",
    )  # fmt: skip
    op.execute("update closure.nights set law_held = succeeded")


def downgrade() -> None:
    op.drop_column("nights", "law_held", schema="closure")
