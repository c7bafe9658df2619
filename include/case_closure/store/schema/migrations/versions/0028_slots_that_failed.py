"""Which slots of a stage have failed the night, so that the others go on and each is begun again by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "nights",
        sa.Column(
            "failed_slots",
            sa.ARRAY(sa.Integer()),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="Slots of that stage that failed the night, and were not begun again since",
        ),
        schema="closure",
    )


def downgrade() -> None:
    op.drop_column("nights", "failed_slots", schema="closure")
