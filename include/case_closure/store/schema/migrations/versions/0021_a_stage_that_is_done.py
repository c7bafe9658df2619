"""Whether the stage a night has reached is done, so that a failure told of it too late changes nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "nights",
        sa.Column(
            "stage_done",
            sa.Boolean(),
            nullable=False,
            server_default=sa.text("false"),
            comment="That stage has ended well",
        ),
        schema="closure",
    )


def downgrade() -> None:
    op.drop_column("nights", "stage_done", schema="closure")
