"""What each casegroup has in a total that is stored and cannot be counted again, so that it can be told apart later (R42).

Belongs here: keeping the shares beside their total, and setting apart those of casegroups that are, or have become, nationally
sensitive. Does not belong here: the totals themselves (rule results in ``nights``, sign-offs in ``reconciliation``), who is
sensitive.

A night judges a million casegroups, and next to none ever changes sides: the shares lie packed, some hundred casegroups to a
row in order of their ids, and only those set apart have rows of their own, which the views take off. The share of nobody, '',
is of rows that belong to no casegroup and were told to be sensitive when they were counted: always apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.store.copy import as_array, copy_in
from case_closure.store.database import raw
from case_closure.store.schema import tables

GATE, SIGN_OFF = "GATE", "SIGN_OFF"
NOBODY = ""
_CASEGROUPS_A_ROW = 500


def keep(
    connection: Connection,
    kind: str,
    on: date,
    total: str,
    shares: Mapping[str, Mapping[str, int]],
    *,
    attempt: int = 0,
) -> None:
    """Add the shares in a total: for each of its figures the casegroups that have any.

    Shares of one attempt add up; of several attempts the fullest counts, as of the total.
    """
    rows = []
    for what, amounts in shares.items():
        ids = sorted(amounts.keys() - {NOBODY})
        packs = [ids[start : start + _CASEGROUPS_A_ROW] for start in range(0, len(ids), _CASEGROUPS_A_ROW)]
        packs += [[NOBODY]] if NOBODY in amounts else []
        rows += [
            {
                "kind": kind, "business_date": on, "total": total, "what": what, "attempt": attempt,
                "first_casegroup_id": pack[0], "last_casegroup_id": pack[-1], "casegroup_ids": as_array(pack),
                "amounts": f"{{{','.join(str(amounts[one]) for one in pack)}}}",
            }
            for pack in packs
        ]  # fmt: skip
    if rows:
        # By COPY, the arrays as texts: to bind them one by one costs more than judging the rows did.
        copy_in(raw(connection), "closure.shares", pa.Table.from_pylist(rows))


def keep_from(connection: Connection, kind: str, on: date, total: str, query: str) -> None:
    """Add the shares in a total that a query finds: ``casegroup_id``, ``what``, ``amount``, each pair once, none of nobody."""
    order = 'order by casegroup_id collate "C"'
    connection.execute(
        text(
            f"""
            insert into closure.shares (kind, business_date, total, what, attempt, first_casegroup_id, last_casegroup_id,
                                        casegroup_ids, amounts)
            select :kind, :on, :total, what, 0, min(casegroup_id collate "C"), max(casegroup_id collate "C"),
                   array_agg(casegroup_id {order}), array_agg(amount {order})
            from (select *, (row_number() over (partition by what {order}) - 1) / {_CASEGROUPS_A_ROW} as pack
                  from ({query}) q) p
            group by what, pack
            """  # noqa: S608
        ),
        {"kind": kind, "on": on, "total": total},
    )


def forget(connection: Connection, kind: str, on: date) -> None:
    """Drop the shares of that night: its totals are counted anew."""
    for table in (tables.shares, tables.shares_apart):
        connection.execute(table.delete().where(table.c.kind == kind, table.c.business_date == on))


def _apart(who: str, which: str) -> str:
    return f"""
        insert into closure.shares_apart (kind, business_date, total, what, casegroup_id, amount)
        select kind, business_date, total, what, casegroup_id, max(amount) from (
            select c.kind, c.business_date, c.total, c.what, c.attempt, s.casegroup_id, sum(u.amount)::bigint as amount
            from {who} s join closure.shares c
              on s.casegroup_id collate "C" between c.first_casegroup_id and c.last_casegroup_id and {which}
            cross join lateral unnest(c.casegroup_ids, c.amounts) u (casegroup_id, amount)
            where u.casegroup_id = s.casegroup_id group by 1, 2, 3, 4, 5, 6) a
        group by 1, 2, 3, 4, 5
        on conflict (kind, business_date, total, what, casegroup_id) do update set amount = excluded.amount
    """  # noqa: S608


def set_apart(connection: Connection, kind: str, on: date, totals: Iterable[str]) -> None:
    """Set apart what nobody and the casegroups that are sensitive now have in these totals."""
    which = list(totals)
    if not which:
        return
    who = f"(select casegroup_id from closure.sensitive_casegroups union all select '{NOBODY}')"  # noqa: S608
    connection.execute(
        text(_apart(who, "c.kind = :kind and c.business_date = :on and c.total = any(:totals)")),
        {"kind": kind, "on": on, "totals": which},
    )


def set_all_apart(connection: Connection, casegroup_ids: Iterable[str]) -> None:
    """Set apart what these casegroups have in every total there is: they have just become sensitive."""
    ids = list(casegroup_ids)
    if ids:
        connection.execute(
            text(_apart("(select unnest(cast(:ids as text[])) as casegroup_id)", "true")), {"ids": ids}
        )
