"""Open exceptions are found by what they have in common, and page by page, without reading each row as it came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_OPEN = sa.text("status <> 'RESOLVED'")
_ORDERS: dict[str, list[str | sa.TextClause]] = {
    "exceptions_open_ix": ["business_date", "exception_id"],
    "exceptions_rule_ix": ["rule_code", "business_date", "exception_id"],
    "exceptions_in_casegroups_ix": [sa.text("coalesce(casegroup_id, '')"), "exception_id"],
}


def upgrade() -> None:
    # Of several rows that broke the rule the first one's value. An earlier version kept NaN for nothing.
    op.execute(
        """
        create function closure.cause_of(rule_code text, field text, original text) returns uuid
        language sql immutable parallel safe as $$
            select md5(rule_code || chr(31) || coalesce(field, '') || chr(31) || coalesce('=' || case left(original, 1)
                when '[' then replace(original, ' NaN', ' null')::json -> 0 ->> field
                else replace(original, ' NaN', ' null')::json ->> field end, ''))::uuid $$
        """
    )
    op.add_column(
        "exceptions",
        sa.Column(
            "cause_key", UUID(), sa.Computed("closure.cause_of(rule_code, field, original)", persisted=True),
            comment="Alike where rule, field and failing value are; made of personal values, so in no view",
        ),
        schema="closure",
    )  # fmt: skip
    op.create_index(
        "exceptions_cause_ix", "exceptions", ["cause_key"], schema="closure", postgresql_where=_OPEN
    )
    op.drop_index("exceptions_open_ix", table_name="exceptions", schema="closure")
    for name, columns in _ORDERS.items():
        op.create_index(name, "exceptions", columns, schema="closure", postgresql_where=_OPEN)


def downgrade() -> None:
    for name in _ORDERS:
        op.drop_index(name, table_name="exceptions", schema="closure")
    op.create_index(
        "exceptions_open_ix", "exceptions", ["business_date"], schema="closure", postgresql_where=_OPEN
    )
    op.drop_index("exceptions_cause_ix", table_name="exceptions", schema="closure")
    op.drop_column("exceptions", "cause_key", schema="closure")
    op.execute("drop function closure.cause_of(text, text, text)")
