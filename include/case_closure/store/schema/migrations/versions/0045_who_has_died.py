"""Who has died is found without reading everybody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "csa_parties_died_ix", "csa_parties", ["party_id"], schema="held",
        postgresql_where=sa.text("date_of_death is not null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("csa_parties_died_ix", table_name="csa_parties", schema="held")
