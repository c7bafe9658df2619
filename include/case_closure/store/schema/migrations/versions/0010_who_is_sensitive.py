"""Who is nationally sensitive stands in a table of its own, settled with the extract that says so (R26, R42)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NUMBERED = ("corrections", "dca_payments", "enforcement_actions", "csa_actions")


def upgrade() -> None:
    op.create_table(
        "sensitive_casegroups",
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract made it so"),
        sa.PrimaryKeyConstraint("casegroup_id", name=op.f("sensitive_casegroups_pk")),
        schema="closure",
        comment="The nationally sensitive casegroups, as of the latest extract held (R26, R42)",
    )
    # Refused rows that say so and that no good row has answered since count too.
    op.execute(
        """
        insert into closure.sensitive_casegroups (casegroup_id, business_date)
        select casegroup_id, max(business_date) from (
            select casegroup_id, business_date from closure.casegroups where sensitive
            union all
            select coalesce(r.casegroup_id, c.casegroup_id), r.business_date
            from closure.refused_rows r left join held.csa_cases c using (csa_system, csa_case_id)
            where r.sensitive and (c.business_date is null or c.business_date <= r.business_date)) s
        where casegroup_id is not null group by casegroup_id
        """
    )
    op.drop_column("casegroups", "sensitive", schema="closure")
    op.create_index(
        "csa_cases_sensitive_ix", "csa_cases", ["casegroup_id"], schema="held",
        postgresql_where=sa.text("nationally_sensitive"),
    )  # fmt: skip
    op.create_index(
        "refused_rows_sensitive_ix", "refused_rows", ["casegroup_id"], schema="closure",
        postgresql_where=sa.text("sensitive"),
    )  # fmt: skip
    op.create_index(
        "csa_payments_matched_on_ix",
        "csa_payments",
        [sa.text("left(upper(replace(nino, ' ', '')), 8)")],
        schema="held",
    )
    op.create_index("dues_case_ix", "dues", ["csa_case_id", "csa_system"], schema="closure")
    for table in _NUMBERED:
        op.create_index(f"{table}_case_ix", table, ["csa_system", "csa_case_id"], schema="held")


def downgrade() -> None:
    for table in _NUMBERED:
        op.drop_index(f"{table}_case_ix", table, schema="held")
    op.drop_index("dues_case_ix", "dues", schema="closure")
    op.drop_index("csa_payments_matched_on_ix", "csa_payments", schema="held")
    op.drop_index("refused_rows_sensitive_ix", "refused_rows", schema="closure")
    op.drop_index("csa_cases_sensitive_ix", "csa_cases", schema="held")
    op.add_column(
        "casegroups",
        sa.Column("sensitive", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        schema="closure",
    )
    op.execute(
        "update closure.casegroups set sensitive = true "
        "where casegroup_id in (select casegroup_id from closure.sensitive_casegroups)"
    )
    op.alter_column("casegroups", "sensitive", server_default=None, schema="closure")
    op.drop_table("sensitive_casegroups", schema="closure")
