"""What the nine rules make of debts: each debt on each night it was judged, and what each rule took of it (B71).

A judgement is never changed, and is taken back only with the extract of a night that has not succeeded yet.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_BUCKETS = [
    (creditor, status)
    for creditor in ("RP", "GB_SOS", "NI_SOS")
    for status in ("ACTIVE", "SUSPENDED", "DEFERRED")
]
_DEBT = {f"{creditor}_{status}_pence".lower(): f"{creditor} {status}" for creditor, status in _BUCKETS}
_ONLY_ARREARS = " and ".join(
    f"(final_{name} = {name} or final_{name} between 0 and {name})" for name in _DEBT
)
_TABLES = ("debt_judgements", "debt_rule_results")
_REFUSE_TAKING_BACK = """
    create function closure.refuse_taking_back() returns trigger language plpgsql as $$
    begin
        if exists (select from closure.nights n where n.business_date = old.business_date and n.succeeded) then
            raise exception '% of closure.% is refused: the night of % has succeeded, and what it judged stands',
                tg_op, tg_table_name, old.business_date using errcode = 'restrict_violation';
        end if;
        return old;
    end $$
"""


def upgrade() -> None:
    op.add_column(
        "csa_debts",
        sa.Column(
            "times_in_file", sa.Integer(), server_default="1", nullable=False,
            comment="How often its case stood in that night's file; more than once: all its rows are refused",
        ),
        schema="held",
    )  # fmt: skip
    op.create_index("csa_debts_changed_ix", "csa_debts", ["changed_on"], schema="held")
    op.create_index(
        "cis_persons_died_ix", "cis_persons", [sa.text("\"left\"(upper(replace(nino, ' '::text, ''::text)), 8)")],
        schema="held", postgresql_where=sa.text("date_of_death is not null"),
    )  # fmt: skip
    op.create_table(
        "debt_judgements",
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSCS, CS2 or CCD"),
        sa.Column("csa_case_id", sa.Text(), nullable=False, comment="Case number on that CSA system"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night on which the rules judged it"),
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup its case was in"),
        sa.Column("version", sa.Integer(), nullable=False, comment="Version of the table of nine rules"),
        sa.Column("low_value_pence", sa.BigInteger(),
                  comment="Up to which what is left was of low value; null: that rule was off"),
        sa.Column("rp_died", sa.Boolean(), nullable=False, comment="The receiving parent had died"),
        sa.Column("pp_died_on", sa.Date(), comment="Day the paying parent died, as known then; null: living"),
        sa.Column("arrears_from", sa.Date(), comment="First day the arrears cover; null allowed only when nothing is owed"),
        sa.Column("arrears_to", sa.Date(),
                  comment="Last day the arrears cover; not after the business date of the night"),
        sa.Column("rp_arrears_decision", sa.Text(),
                  comment="What the receiving parent asked for (B68); null when not recorded"),
        sa.Column("rp_keep_pence", sa.BigInteger(), comment="PART_WRITE_OFF: how much they chose to keep; null counts as 0"),
        sa.Column("pp_no_estate", sa.Boolean(), comment="The paying parent died and left no estate to recover from"),
        sa.Column("ima_pence", sa.BigInteger(),
                  comment="Part that is interim maintenance assessment liability of 1993 to 1995"),
        sa.Column("no_further_action_told", sa.Boolean(),
                  comment="The paying parent was told no further action would be taken"),
        sa.Column("part_payment_accepted_pence", sa.BigInteger(),
                  comment="Accepted as part payment in satisfaction of the whole"),
        sa.Column("duplicate_liability_pence", sa.BigInteger(),
                  comment="Part that is a second liability for the same period"),
        *(sa.Column(name, sa.BigInteger(), nullable=False, comment=f"The debt in that bucket: {bucket}")
          for name, bucket in _DEBT.items()),
        *(sa.Column(f"final_{name}", sa.BigInteger(), nullable=False, comment="What the nine rules left of it")
          for name in _DEBT),
        sa.PrimaryKeyConstraint("csa_system", "csa_case_id", "business_date", name=op.f("debt_judgements_pk")),
        sa.CheckConstraint(_ONLY_ARREARS, name="debt_judgements_only_arrears_ck"),
        sa.CheckConstraint("csa_system in ('CSCS', 'CS2', 'CCD')", name="debt_judgements_csa_system_ck"),
        schema="closure",
        comment="Each debt on each night the nine rules judged it: what came, what they saw, what they left (B71)",
    )  # fmt: skip
    op.create_index("debt_judgements_night_ix", "debt_judgements", ["business_date"], schema="closure")
    op.create_table(
        "debt_rule_results",
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSCS, CS2 or CCD"),
        sa.Column("csa_case_id", sa.Text(), nullable=False, comment="Case number on that CSA system"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night on which the rules judged it"),
        sa.Column("rule_number", sa.Integer(), nullable=False, comment="From 1 to 9, in the order in which they run"),
        sa.Column("result", sa.Text(), nullable=False,
                  comment="OFF: nothing is left in what it may take from; DOWN: something is"),
        sa.Column("before_pence", sa.BigInteger(), nullable=False,
                  comment="Arrears, of the buckets above 0, before its turn"),
        sa.Column("written_off_pence", sa.BigInteger(), nullable=False, comment="What it took"),
        sa.Column("after_pence", sa.BigInteger(), nullable=False, comment="Arrears after it"),
        sa.PrimaryKeyConstraint("csa_system", "csa_case_id", "business_date", "rule_number",
                                name=op.f("debt_rule_results_pk")),
        sa.CheckConstraint("rule_number between 1 and 9", name="debt_rule_results_number_ck"),
        sa.CheckConstraint("before_pence = written_off_pence::numeric + after_pence", name="debt_rule_results_law_ck"),
        sa.CheckConstraint("written_off_pence > 0 and after_pence >= 0", name="debt_rule_results_signs_ck"),
        sa.CheckConstraint("result in ('OFF', 'DOWN')", name="debt_rule_results_result_ck"),
        schema="closure",
        comment="What each rule took of a debt it was run over; a rule without a row took nothing (B71)",
    )  # fmt: skip
    op.execute(_REFUSE_TAKING_BACK)
    for table in _TABLES:
        op.execute(
            f"create trigger {table}_unchanged before update on closure.{table} "
            "for each statement execute function closure.refuse_change()"
        )
        op.execute(
            f"create trigger {table}_stands before delete on closure.{table} "
            "for each row execute function closure.refuse_taking_back()"
        )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table, schema="closure")
    op.execute("drop function closure.refuse_taking_back()")
    op.drop_index("cis_persons_died_ix", "cis_persons", schema="held")
    op.drop_index("csa_debts_changed_ix", "csa_debts", schema="held")
    op.drop_column("csa_debts", "times_in_file", schema="held")
