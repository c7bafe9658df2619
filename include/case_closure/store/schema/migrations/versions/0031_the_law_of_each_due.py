"""What is outstanding of a due is never below nothing, at any commit; a correction is applied once, and may add a due.

Added up by a trigger over the statement's rows: a check sees one row, and a ledger is many. A store that breaks the law is not
brought to this version, and the refusal says so.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from case_closure.refusals import Refused

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# The dues are locked first, in order: two transactions that would each keep the law alone wait for each other.
_OUTSTANDING = """
    create function closure.refuse_below_nothing() returns trigger language plpgsql as $$
    declare
        broken record;
    begin
        perform from closure.dues d where d.due_id in (select due_id from added) order by d.due_id for no key update;
        select d.due_id, d.posted_pence + coalesce((select sum(l.amount_pence) from closure.ledger l
                                                    where l.due_id = d.due_id), 0) as outstanding
        into broken from closure.dues d where d.due_id in (select due_id from added)
          and d.posted_pence + coalesce((select sum(l.amount_pence) from closure.ledger l where l.due_id = d.due_id), 0) < 0
        order by d.due_id limit 1;
        if found then
            raise exception 'of due % there would be % pence outstanding: corrections and allocations may not take more than is '
                'there', broken.due_id, broken.outstanding using errcode = 'check_violation';
        end if;
        return null;
    end $$
"""
_ADDED = """
    create function closure.refuse_due_of_nothing() returns trigger language plpgsql as $$
    begin
        if not exists (select from closure.ledger l where l.due_id = new.due_id and l.kind = 'CORRECTION') then
            raise exception 'due % has nothing posted and no correction: only a correction adds a due', new.due_id
                using errcode = 'check_violation';
        end if;
        return null;
    end $$
"""


def upgrade() -> None:
    op.drop_constraint("dues_posted_ck", "dues", schema="closure")
    op.create_check_constraint(
        "dues_posted_ck",
        "dues",
        sa.text("posted_pence > 0 or posted_pence = 0 and reference is null"),
        schema="closure",
    )
    op.alter_column(
        "dues", "reference", existing_type=sa.Text(), schema="closure",
        comment="The balance it mirrors; null for one that a correction added",
    )  # fmt: skip
    broken = (
        op.get_bind()
        .exec_driver_sql(
            "select count(*) from (select d.due_id from closure.dues d join closure.ledger l using (due_id) "
            "group by d.due_id, d.posted_pence having d.posted_pence + sum(l.amount_pence) < 0) b"
        )
        .scalar_one()
    )
    if broken:
        raise Refused(
            f"The store was not brought to this version: of {broken:,} dues less than nothing is outstanding. Nothing was changed. "
            "The version before goes on with it; have those dues looked at, and start this version again."
        )
    op.create_check_constraint(
        "ledger_allocation_ck",
        "ledger",
        sa.text("kind <> 'ALLOCATION' or amount_pence < 0"),
        schema="closure",
    )
    op.create_index(
        "ledger_correction_ix", "ledger", ["reference"], unique=True, schema="closure",
        postgresql_where=sa.text("kind = 'CORRECTION'"),
    )  # fmt: skip
    op.execute(_OUTSTANDING)
    op.execute(
        "create trigger ledger_outstanding after insert on closure.ledger referencing new table as added "
        "for each statement execute function closure.refuse_below_nothing()"
    )
    op.execute(_ADDED)
    op.execute(
        "create constraint trigger dues_added after insert on closure.dues deferrable initially deferred "
        "for each row when (new.posted_pence = 0) execute function closure.refuse_due_of_nothing()"
    )
    op.execute(
        "create trigger dues_added_to before update or delete on closure.dues "
        "for each statement execute function closure.refuse_change()"
    )


def downgrade() -> None:
    op.execute("drop trigger dues_added_to on closure.dues")
    op.execute("drop trigger dues_added on closure.dues")
    op.execute("drop function closure.refuse_due_of_nothing()")
    op.execute("drop trigger ledger_outstanding on closure.ledger")
    op.execute("drop function closure.refuse_below_nothing()")
    op.drop_index("ledger_correction_ix", "ledger", schema="closure")
    op.drop_constraint("ledger_allocation_ck", "ledger", schema="closure")
    op.drop_constraint("dues_posted_ck", "dues", schema="closure")
    op.create_check_constraint("dues_posted_ck", "dues", sa.text("posted_pence > 0"), schema="closure")
