"""A night's figures are stored of all casegroups together; the sensitive part is told from the rows (R42).

So no stored total has to be changed when a casegroup becomes or ceases to be sensitive, and none tells it by a difference.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_FIGURES = (
    "casegroups_received", "received_pence", "posted_pence", "held_pence", "exceptions_opened", "exceptions_resolved",
    "letters_issued",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "held_history",
        sa.Column(
            "number",
            sa.BigInteger(),
            sa.Identity(),
            nullable=False,
            comment="In the order in which it was stored",
        ),
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.Column("held_pence", sa.BigInteger(), nullable=False, comment="What it held from then on"),
        sa.PrimaryKeyConstraint("number", name=op.f("held_history_pk")),
        schema="closure",
        comment="How much each casegroup held, whenever that changed; rows are only ever added",
    )
    op.create_index("held_history_casegroup_ix", "held_history", ["casegroup_id", "number"], schema="closure")
    op.add_column(
        "night_figures",
        sa.Column(
            "held_number", sa.BigInteger(), nullable=False, server_default="0",
            comment="Number of the last row of held_history when it ended",
        ),
        schema="closure",
    )  # fmt: skip
    sums = ", ".join(f"sum({name}) as {name}" for name in _FIGURES)
    sets = ", ".join(f"{name} = s.{name}" for name in _FIGURES)
    op.execute(
        f"""
        update closure.night_figures f set {sets} from (
            select business_date, {sums} from closure.night_figures group by business_date) s
        where f.business_date = s.business_date
        """
    )
    op.execute("delete from closure.night_figures where sensitive")
    op.drop_constraint("night_figures_pk", "night_figures", schema="closure")
    op.drop_column("night_figures", "sensitive", schema="closure")
    op.create_primary_key("night_figures_pk", "night_figures", ["business_date"], schema="closure")
    # What was held before this version, night by night in order of date, as the positions and their history tell it.
    op.execute(
        """
        insert into closure.held_history (casegroup_id, held_pence)
        select casegroup_id, greatest(least(pence, 9223372036854775807), -9223372036854775808)::bigint
        from (
            select c.casegroup_id, c.on_date, coalesce(sum(p.held_pence), 0) as pence
            from (select casegroup_id, since as on_date from closure.position_history
                  union select casegroup_id, replaced_on from closure.position_history
                  union select casegroup_id, coalesce(moved_on, business_date) from closure.positions) c
            left join (
                select casegroup_id, held_pence, coalesce(moved_on, business_date) as since, 'infinity'::date as replaced_on
                from closure.positions
                union all
                select casegroup_id, held_pence, since, replaced_on from closure.position_history) p
              on p.casegroup_id = c.casegroup_id and p.since <= c.on_date and p.replaced_on > c.on_date
            group by 1, 2) h
        order by on_date, casegroup_id
        """
    )
    op.execute(
        """
        update closure.night_figures f set held_number = coalesce((
            select count(*) from (
                select casegroup_id, since as on_date from closure.position_history
                union select casegroup_id, replaced_on from closure.position_history
                union select casegroup_id, coalesce(moved_on, business_date) from closure.positions) c
            where c.on_date <= f.business_date), 0)
        """
    )
    op.alter_column("night_figures", "held_number", server_default=None, schema="closure")
    op.create_table_comment(
        "night_figures",
        "What a finished night came to, ordinary and sensitive together: the views take them apart (R42)",
        schema="closure",
    )


def downgrade() -> None:
    op.drop_table("held_history", schema="closure")
    op.drop_column("night_figures", "held_number", schema="closure")
    op.drop_constraint("night_figures_pk", "night_figures", schema="closure")
    op.add_column(
        "night_figures",
        sa.Column("sensitive", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        schema="closure",
    )
    op.alter_column("night_figures", "sensitive", server_default=None, schema="closure")
    op.create_primary_key(
        "night_figures_pk", "night_figures", ["business_date", "sensitive"], schema="closure"
    )
