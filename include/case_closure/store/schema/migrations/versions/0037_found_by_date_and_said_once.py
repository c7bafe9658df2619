"""What a night has changed is found by its date without reading whole tables; no index, and no row, says what is said already.

Of a next action the row of the decision table is kept, which has its words; of a work item its own words, not those of its type.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

# The first and the last date of each stretch of a table: some kilobytes, whatever its size.
_BY_DATE = (
    ("held", "csa_cases", "csa_cases_changed_ix", ("changed_on", "business_date", "last_closed_on")),
    ("closure", "positions", "positions_business_date_ix", ("business_date",)),
    ("closure", "ledger", "ledger_business_date_ix", ("business_date",)),
    ("closure", "payments", "payments_allocated_ix", ("allocated_on",)),
)
_ARRIVALS = ("csa_balances", "clerical_balances")


_REASON = "The row of the table that said so"
# The table of next actions as it was when this was written.
_NEXT_ACTIONS = (
    "The receiving parent had asked for write-off and is still owed arrears",
    "Nothing owed is collectable now",
    "Collectable, by deduction from benefit",
    "Collectable, from the employer",
    "Collectable, from the bank account",
    "Collectable, no standing method of payment",
)
_WORDS = {
    "ARREARS_ONLY_CASE_SET_UP": "An arrears-only case was set up on CMS for this CSA case. Check it and tell the parents.",
    "CONFIRM_WRITE_OFF": "The receiving parent asked for write-off but is still owed arrears. Investigate, confirm with them, and "
    "send CMSL6300 with its dates.",
    "ARREARS_ONLY_APPLICATION": "Apply for an arrears-only case for the clerical balance.",
}


def upgrade() -> None:
    _next_actions()
    for kind, words in _WORDS.items():
        op.execute(
            sa.text(
                "update closure.work_items set detail = null where type = :kind and detail = :words"
            ).bindparams(kind=kind, words=words)
        )
    op.alter_column(
        "work_items", "detail", existing_type=sa.Text(), schema="closure",
        comment="In plain words; null: those of its type (domain.work_items)",
    )  # fmt: skip
    for schema, table, name, columns in _BY_DATE:
        op.create_index(
            name, table, list(columns), schema=schema, postgresql_using="brin", postgresql_with={"pages_per_range": 32}
        )  # fmt: skip
    for table in _ARRIVALS:
        op.drop_index(f"{table}_latest_casegroup_ix", table_name=table, schema="held")
        op.drop_index(f"{table}_casegroup_ix", table_name=table, schema="held")
        op.create_index(f"{table}_casegroup_ix", table, ["casegroup_id"], schema="held")
    op.drop_index("work_items_subject_ix", table_name="work_items", schema="closure")
    op.create_index(
        "work_items_subject_ix", "work_items", ["subject_reference"], schema="closure",
        postgresql_where=sa.text("subject_reference is not null"),
    )  # fmt: skip


def _next_actions() -> None:
    for name, comment in (
        ("version", "Version of the decision table"),
        ("table_row", "The row of it that said so"),
    ):
        op.add_column(
            "next_actions", sa.Column(name, sa.SmallInteger(), nullable=True, comment=comment), schema="closure"
        )  # fmt: skip
    op.execute(
        "update closure.next_actions set version = 1, table_row = split_part(reason, ':', 1)::smallint"
    )
    for name in ("version", "table_row"):
        op.alter_column(
            "next_actions", name, existing_type=sa.SmallInteger(), nullable=False, schema="closure"
        )
    op.drop_column("next_actions", "reason", schema="closure")


def downgrade() -> None:
    for kind, words in _WORDS.items():
        op.execute(
            sa.text(
                "update closure.work_items set detail = :words where type = :kind and detail is null"
            ).bindparams(kind=kind, words=words)
        )
    op.alter_column(
        "work_items", "detail", existing_type=sa.Text(), schema="closure", comment="In plain words"
    )
    op.add_column("next_actions", sa.Column("reason", sa.Text(), comment=_REASON), schema="closure")
    for number, words in enumerate(_NEXT_ACTIONS, 1):
        op.execute(
            sa.text("update closure.next_actions set reason = :words where table_row = :number").bindparams(
                words=f"{number}: {words}", number=number
            )
        )
    op.alter_column("next_actions", "reason", existing_type=sa.Text(), nullable=False, schema="closure")
    for name in ("version", "table_row"):
        op.drop_column("next_actions", name, schema="closure")
    op.drop_index("work_items_subject_ix", table_name="work_items", schema="closure")
    op.create_index("work_items_subject_ix", "work_items", ["subject_reference"], schema="closure")
    for table in _ARRIVALS:
        op.drop_index(f"{table}_casegroup_ix", table_name=table, schema="held")
        op.create_index(
            f"{table}_casegroup_ix", table, ["casegroup_id"], schema="held", postgresql_where=sa.text("is_new")
        )  # fmt: skip
        op.create_index(
            f"{table}_latest_casegroup_ix", table, ["casegroup_id"], schema="held", postgresql_where=sa.text("is_latest")
        )  # fmt: skip
    for schema, table, name, _ in _BY_DATE:
        op.drop_index(name, table_name=table, schema=schema)
