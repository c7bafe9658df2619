"""What stages hand on is compressed when it comes, and is stored as it is.

PostgreSQL's own attempt to press frames and documents took five times as long as storing them, and gained nothing.
"""

from __future__ import annotations

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_CONTENT = "alter table closure.work_in_progress alter column content set storage {}"


def upgrade() -> None:
    op.execute(_CONTENT.format("external"))


def downgrade() -> None:
    op.execute(_CONTENT.format("extended"))
