"""A failure that a later night cleared stays cleared when its case opens again (B53)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "csa_cases",
        sa.Column(
            "last_closed_on",
            sa.Date(),
            nullable=True,
            comment="Latest night whose row had the case CLOSED and no failure: it clears the failures before it, also "
            "when the case opens again",
        ),
        schema="held",
    )
    # Of cases that have opened again since, the exception says when it was cleared.
    op.execute(
        """
        update held.csa_cases c set last_closed_on = greatest(
            case when c.case_status = 'CLOSED' and c.closure_failure_code is null then c.business_date end,
            (select max(e.resolved_on) from closure.exceptions e where e.rule_code = 'closure_failed'
             and e.status = 'RESOLVED' and e.csa_system = c.csa_system and e.csa_case_id = c.csa_case_id))
        """
    )


def downgrade() -> None:
    op.drop_column("csa_cases", "last_closed_on", schema="held")
