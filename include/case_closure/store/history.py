"""What a later night replaces is kept, so that a past night can be seen as it was known then (B54).

Belongs here: keeping the rows a night overwrites, in the transaction that overwrites them, and reading a table as it
stood at the end of a night. Does not belong here: what is made of it (``reconciliation``, ``reports``).

A row that is stored for the first time is never read here and costs nothing. Dates are business dates: what a late night
(R21) changes counts from its own date on, as if it had been run in its turn; where two versions then claim a date, the one
that was replaced last, or stands still, counts.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa
from psycopg import sql
from sqlalchemy import Connection, text

from case_closure.store.copy import copy_in
from case_closure.store.database import raw, run_at_once

_BUCKET = ("csa_system", "csa_case_id", "creditor", "arrears_status")
_POSITION = ("casegroup_id", *_BUCKET)
_FIGURES = ("received_pence", "posted_pence", "held_pence", "credit_pence")
_KEPT = (*_POSITION, *_FIGURES, "business_date", "credited_on")


def _listed(names: tuple[str, ...], of: str) -> str:
    return ", ".join(f"{of}.{name}" for name in names)


def _same(names: tuple[str, ...], one: str, other: str) -> str:
    return " and ".join(f"{one}.{name} = {other}.{name}" for name in names)


def replace_positions(connection: Connection, on: date, replaced: str, rows: pa.Table) -> None:
    """Make ``rows`` the positions of the casegroups in the table ``replaced``; what they were before is kept.

    Lines that say the same stay untouched. The first version a night replaces is kept, not what it passed through.
    """
    connection.exec_driver_sql("drop table if exists pg_temp.replacing")
    connection.exec_driver_sql("create temporary table replacing (like closure.positions) on commit drop")
    copy_in(raw(connection), "replacing", rows)
    connection.exec_driver_sql("analyze replacing")
    connection.execute(
        text(
            f"""
            with gone as (
                delete from closure.positions p using {replaced} r
                where p.casegroup_id = r.casegroup_id and not exists (
                    select from replacing n where {_same(_POSITION, "n", "p")} and {_same(_FIGURES, "n", "p")})
                returning p.*)
            insert into closure.position_history ({", ".join(_KEPT)}, since, replaced_on)
            select {_listed(_KEPT, "gone")}, coalesce(gone.moved_on, gone.business_date), :on from gone
            where coalesce(gone.moved_on, gone.business_date) < :on
            on conflict do nothing
            """  # noqa: S608
        ),
        {"on": on},
    )
    connection.exec_driver_sql(
        f"insert into closure.positions ({', '.join(_KEPT)}) select {_listed(_KEPT, 'n')} from replacing n "  # noqa: S608
        f"where not exists (select from closure.positions p where {_same(_POSITION, 'n', 'p')})"
    )


def keep_held(connection: Connection, casegroup_ids: list[str]) -> None:
    """Keep how much these casegroups hold now, where that is not what was kept last.

    Told apart by order and not by date: what a late night changes was not there when a later one ended.
    """
    connection.exec_driver_sql("drop table if exists pg_temp.holding")
    connection.exec_driver_sql("create temporary table holding (casegroup_id text) on commit drop")
    copy_in(raw(connection), "holding", pa.table({"casegroup_id": pa.array(casegroup_ids, pa.string())}))
    connection.exec_driver_sql("analyze holding")
    connection.exec_driver_sql(
        """
        insert into closure.held_history (casegroup_id, held_pence)
        select casegroup_id, pence from (
            select h.casegroup_id,
                   greatest(least(coalesce(sum(p.held_pence), 0), 9223372036854775807), -9223372036854775808)::bigint as pence,
                   coalesce((select k.held_pence from closure.held_history k where k.casegroup_id = h.casegroup_id
                             order by k.number desc limit 1), 0) as kept
            from holding h left join closure.positions p using (casegroup_id) group by h.casegroup_id) n
        where pence <> kept
        """
    )


# Of lines that were replaced tonight, those that left their casegroup, one a case and bucket; with two, no single date is the
# right one.
_LEFT = f"""
    select h.* from replaced_tonight h
    where not exists (select from closure.positions p where {_same(_POSITION, "p", "h")})
      and not exists (select from replaced_tonight o where {_same(_BUCKET, "o", "h")} and o.casegroup_id <> h.casegroup_id)
"""  # noqa: S608
_UNCHANGED = f"({_same(_FIGURES, 'p', 'h')})"


def settle_moves(connection: Connection, on: date) -> None:
    """A case that moved to another casegroup tonight took its lines along: a figure that stayed the same keeps its date.

    Also where it moved into a casegroup that had completed, which takes in no money: then the line is one of nothing there.
    For when all of the night's casegroups are stored, before anybody reads of that night; again, it changes nothing.
    """
    # What the server knows of the history is from before tonight: asked of it, some thousand lines would pass for one.
    for name, query in (
        ("replaced_tonight", "select * from closure.position_history where replaced_on = %(on)s"),
        ("left_tonight", _LEFT),
    ):
        ((some,),) = run_at_once(
            connection,
            sql.SQL(f"drop table if exists pg_temp.{name}"),
            sql.SQL(f"create temporary table {name} on commit drop as {query}"),
            sql.SQL(f"analyze {name}"),
            sql.SQL(f"select exists (select from {name})"),  # noqa: S608
            values={"on": on},
        )
        if not some:  # then none left, and nothing is to be settled
            return
    connection.execute(
        text(
            f"""
            update closure.positions p
            set business_date = case when {_UNCHANGED} then h.business_date else p.business_date end,
                moved_on = case when {_UNCHANGED} then :on else p.moved_on end,
                credited_on = case when p.credit_pence = h.credit_pence then h.credited_on else p.credited_on end
            from left_tonight h where {_same(_BUCKET, "p", "h")} and p.casegroup_id <> h.casegroup_id and p.business_date = :on
            """  # noqa: S608
        ),
        {"on": on},
    )
    zeros = ", ".join("0" for _ in _FIGURES)
    nothing = " and ".join(f"h.{name} = 0" for name in _FIGURES)
    connection.execute(
        text(
            f"""
            insert into closure.positions ({", ".join((*_POSITION, *_FIGURES))}, business_date, moved_on)
            select c.casegroup_id, {_listed(_BUCKET, "h")}, {zeros},
                   case when {nothing} then h.business_date else :on end, case when {nothing} then :on end
            from left_tonight h join held.csa_cases c on c.csa_system = h.csa_system and c.csa_case_id = h.csa_case_id
            where c.casegroup_id <> h.casegroup_id
              and not exists (select from closure.positions p where {_same(_BUCKET, "p", "h")})
            on conflict do nothing
            """  # noqa: S608
        ),
        {"on": on},
    )


def keep_closing_ledger(connection: Connection, on: date, stage: str) -> None:
    """Keep the lines of the closing ledger that those in the table ``stage`` are about to overwrite with other amounts."""
    connection.execute(
        text(
            f"""
            insert into closure.closing_ledger_history
                ({", ".join(_BUCKET)}, amount_pence, written_off_pence, since, replaced_on)
            select distinct {_listed(_BUCKET, "h")}, h.amount_pence, h.written_off_pence, h.changed_on, :on
            from {stage} s join held.csa_closing_ledger h on {_same(_BUCKET, "s", "h")}
            where h.business_date <= :on and h.changed_on < :on
              and (h.amount_pence, h.written_off_pence) is distinct from (s.amount_pence, s.written_off_pence)
            on conflict do nothing
            """  # noqa: S608
        ),
        {"on": on},
    )


POSITIONS_NOW = "closure.positions"
CLOSING_LEDGER_NOW = "held.csa_closing_ledger"


def _as_of(now: str, history: str, key: tuple[str, ...], since: str, columns: str) -> str:
    """The rows of ``now`` as they were at the end of the night :on; ``columns`` with x. before each name."""
    return f"""(
        select {columns.replace("x.", "n.")} from {now} n where {since} <= :on
        union all
        select {columns.replace("x.", "b.")} from (
            select distinct on ({_listed(key, "h")}) h.*, h.since as changed_on from {history} h
            where h.since <= :on and h.replaced_on > :on
            order by {_listed(key, "h")}, h.replaced_on desc) b
        where not exists (select from {now} n where {_same(key, "n", "b")} and {since} <= :on))"""  # noqa: S608


POSITIONS_AS_OF = _as_of(
    POSITIONS_NOW, "closure.position_history", _POSITION, "coalesce(n.moved_on, n.business_date)",
    _listed((*_POSITION, *_FIGURES, "business_date"), "x"),
)  # fmt: skip
CLOSING_LEDGER_AS_OF = _as_of(
    CLOSING_LEDGER_NOW, "closure.closing_ledger_history", _BUCKET, "n.changed_on",
    _listed((*_BUCKET, "amount_pence", "written_off_pence", "changed_on"), "x"),
)  # fmt: skip
