"""What each casegroup has in rule results and sign-offs is kept, so that it moves with it (R42).

Of nights before this version it is not known: what was counted as sensitive then stays apart for good, and belongs to nobody.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shares",
        sa.Column("kind", sa.Text(), nullable=False, comment="GATE: of rule results; SIGN_OFF: of a sign-off"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="The night"),
        sa.Column("total", sa.Text(), nullable=False, comment="The suite; the side and number of the sign-off"),
        sa.Column(
            "what", sa.Text(), nullable=False,
            comment="The rule that was broken, or empty: judged; the figure that was signed",
        ),
        sa.Column(
            "attempt", sa.Integer(), nullable=False, comment="The attempt that counted it; of several the fullest counts"
        ),
        sa.Column("first_casegroup_id", sa.Text(collation="C"), nullable=False, comment="The first of its casegroups"),
        sa.Column("last_casegroup_id", sa.Text(collation="C"), nullable=False, comment="The last of them"),
        sa.Column(
            "casegroup_ids", sa.ARRAY(sa.Text()), nullable=False,
            comment="Casegroups, in order; empty: nobody's, and sensitive",
        ),
        sa.Column(
            "amounts", sa.ARRAY(sa.BigInteger()), nullable=False, comment="What each of them has in it: rows, or pence"
        ),
        schema="closure",
        comment="What each casegroup has in totals that cannot be counted again (R42)",
    )  # fmt: skip
    op.create_index("shares_total_ix", "shares", ["business_date", "kind", "total"], schema="closure")
    op.create_table(
        "shares_apart",
        sa.Column("kind", sa.Text(), nullable=False, comment="As in shares"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="The night"),
        sa.Column("total", sa.Text(), nullable=False, comment="As in shares"),
        sa.Column("what", sa.Text(), nullable=False, comment="As in shares"),
        sa.Column(
            "casegroup_id", sa.Text(), nullable=False,
            comment="A casegroup that is or was sensitive; empty: nobody's, and sensitive",
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="What it has in the total: rows, or pence"),
        sa.PrimaryKeyConstraint(
            "kind", "business_date", "total", "what", "casegroup_id", name=op.f("shares_apart_pk")
        ),
        schema="closure",
        comment="Shares of casegroups that are or were sensitive, for the views to take off (R42)",
    )  # fmt: skip
    op.add_column(
        "reconciliation_sign_offs",
        sa.Column(
            "shares_kept", sa.Boolean(), nullable=False, server_default=sa.text("false"),
            comment="What each casegroup has in it was kept, so that it can be taken off (R42)",
        ),
        schema="closure",
    )  # fmt: skip
    op.create_table_comment(
        "reconciliation_sign_offs",
        "Reconciliations signed off, with the figures that were signed (B54); rows are only ever added",
        existing_comment="Reconciliations signed off, with their figures (B54); rows are only ever added",
        schema="closure",
    )
    for what, rows in (("''", "max(judged_rows)"), ("rule_code", "sum(failed_rows)")):
        op.execute(
            f"""
            insert into closure.shares_apart (kind, business_date, total, what, casegroup_id, amount)
            select 'GATE', business_date, suite, {what}, '', {rows}::bigint from closure.gate_results
            where sensitive group by 1, 2, 3, 4
            """
        )
    op.execute(
        """
        insert into closure.gate_results (business_date, suite, rule_code, sensitive, judged_rows, failed_rows)
        select business_date, suite, rule_code, false, 0, 0 from closure.gate_results where sensitive
        on conflict do nothing
        """
    )
    op.execute(
        """
        update closure.gate_results r
        set judged_rows = r.judged_rows + s.judged_rows, failed_rows = r.failed_rows + s.failed_rows
        from closure.gate_results s
        where not r.sensitive and s.sensitive and s.business_date = r.business_date and s.suite = r.suite
          and s.rule_code = r.rule_code
        """
    )
    op.execute("delete from closure.gate_results where sensitive")
    op.drop_constraint("gate_results_pk", "gate_results", schema="closure")
    op.drop_column("gate_results", "sensitive", schema="closure")
    op.create_primary_key(
        "gate_results_pk", "gate_results", ["business_date", "suite", "rule_code"], schema="closure"
    )
    op.create_table_comment(
        "gate_results",
        "Every rule, every night, ordinary and sensitive together: the views take them apart (R42)",
        existing_comment="Every rule, every night, also those that found nothing",
        schema="closure",
    )


def downgrade() -> None:
    op.drop_constraint("gate_results_pk", "gate_results", schema="closure")
    op.add_column(
        "gate_results",
        sa.Column("sensitive", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        schema="closure",
    )
    op.alter_column("gate_results", "sensitive", server_default=None, schema="closure")
    op.create_primary_key(
        "gate_results_pk",
        "gate_results",
        ["business_date", "suite", "rule_code", "sensitive"],
        schema="closure",
    )
    op.drop_column("reconciliation_sign_offs", "shares_kept", schema="closure")
    op.drop_table("shares_apart", schema="closure")
    op.drop_table("shares", schema="closure")
