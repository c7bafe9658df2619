"""What is outstanding of dues, and what corrections and payments made of it, as it stood at the end of a night.

Belongs here: adding them up, for reports. Does not belong here: one due by itself (``dues``), what left CSA (``reconciliation``),
words and sheets (``outbound``).

Told from rows that are only ever added, each with its night, so that a past night says the same whenever it is asked. Who is on
which side (R26) is as it is known today, as in the reconciliation.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa
from sqlalchemy import Connection

from case_closure.store import sensitive as sides
from case_closure.store.copy import copy_out
from case_closure.store.database import raw

_PENCE = pa.decimal128(38, 0)

DUES = pa.schema(
    [("csa_system", pa.string()), ("creditor", pa.string()), ("arrears_status", pa.string()), ("rows", pa.int64()),
     *((f"{name}_pence", _PENCE) for name in ("posted", "corrected", "allocated", "outstanding"))]
)  # fmt: skip
CORRECTIONS = pa.schema(
    [("reason", pa.string()), ("status", pa.string()), ("rows", pa.int64()), ("tonight", pa.int64()), ("up_pence", _PENCE),
     ("down_pence", _PENCE)]
)  # fmt: skip
PAYMENTS = pa.schema(
    [("source", pa.string()), ("status", pa.string()), ("rows", pa.int64()), ("tonight", pa.int64()), ("amount_pence", _PENCE),
     ("allocated_pence", _PENCE), ("oldest_days", pa.int64())]
)  # fmt: skip


def as_of(connection: Connection, on: date, *, sensitive: bool = False) -> dict[str, pa.Table]:
    """``dues``: posted + corrected - allocated = outstanding, by system, creditor and status. ``corrections``: by reason, APPLIED
    and REFUSED, and by how much they raised and lowered dues. ``payments``: by source and where they stand, with how old the
    oldest is. ``tonight``: those of the night of ``on``. Pence are exact decimals (B55, B59, [18], [39], [41])."""
    side = "true" if sensitive else "false"
    driver, values = raw(connection), {"on": on}
    corrections = copy_out(driver, sides.with_names(_corrections(side)), CORRECTIONS, values)
    payments = copy_out(driver, sides.with_names(_payments(side)), PAYMENTS, values)
    return {
        "dues": copy_out(driver, _dues(side), DUES, values),
        "corrections": corrections.sort_by([("status", "ascending"), ("reason", "ascending")]),
        "payments": payments.sort_by([("source", "ascending"), ("status", "ascending")]),
    }


def _dues(side: str) -> str:
    return f"""
        with l as (
            select due_id, sum(amount_pence) filter (where kind = 'CORRECTION') as corrected,
                   -sum(amount_pence) filter (where kind = 'ALLOCATION') as allocated
            from closure.ledger where business_date <= %(on)s group by 1),
        d as (
            select d.csa_system, d.creditor, d.arrears_status, d.posted_pence, coalesce(l.corrected, 0) as corrected,
                   coalesce(l.allocated, 0) as allocated
            from closure.dues d left join l using (due_id)
            where d.business_date <= %(on)s and {sides.of_row("d")} = {side})
        select csa_system, creditor, arrears_status, count(*) as rows, sum(posted_pence) as posted_pence,
               sum(corrected) as corrected_pence, sum(allocated) as allocated_pence,
               sum(posted_pence + corrected - allocated) as outstanding_pence
        from d group by 1, 2, 3
        order by csa_system collate "C", array_position(array['RP', 'GB_SOS', 'NI_SOS'], creditor),
                 array_position(array['ACTIVE', 'SUSPENDED', 'DEFERRED'], arrears_status)
"""  # noqa: S608  conditions of ours


def _corrections(side: str) -> str:
    # An invalid one is not held: it is one of those refused until a good one comes under its number.
    return f"""
        with k as materialized (
            select h.correction_id, h.csa_system, h.csa_case_id, c.casegroup_id, h.reason, l.amount_pence,
                   coalesce(l.business_date, h.business_date) as told_on
            from held.corrections h
            left join closure.ledger l on l.reference = h.correction_id and l.kind = 'CORRECTION' and l.business_date <= %(on)s
            left join held.csa_cases c on c.csa_system = h.csa_system and c.csa_case_id = h.csa_case_id
            where h.business_date <= %(on)s
            union all
            select * from (
                select distinct on (r.row_key) r.row_key, r.csa_system, r.csa_case_id, c.casegroup_id,
                       r.original::json ->> 'reason', null::bigint, r.business_date
                from closure.refused_rows r
                left join held.csa_cases c on c.csa_system = r.csa_system and c.csa_case_id = r.csa_case_id
                where r.file_name = 'corrections' and 'row_invalid' = any(r.rule_codes) and r.row_key <> ''
                  and r.business_date <= %(on)s
                  and not exists (select from held.corrections h where h.correction_id = r.row_key and h.business_date <= %(on)s)
                order by r.row_key, r.business_date desc, r.row_number desc) i)
        select reason, case when amount_pence is null then 'REFUSED' else 'APPLIED' end as status, count(*) as rows,
               count(*) filter (where told_on = %(on)s) as tonight,
               coalesce(sum(amount_pence) filter (where amount_pence > 0), 0) as up_pence,
               coalesce(-sum(amount_pence) filter (where amount_pence < 0), 0) as down_pence
        from k where {sides.of_row("k", references=("correction_id",))} = {side}
        group by 1, 2
"""  # noqa: S608  conditions of ours


def _payments(side: str) -> str:
    return f"""
        with e as (
            select distinct on (payment_id) payment_id, status, casegroup_id, allocated_pence from closure.payment_events
            where business_date <= %(on)s order by payment_id, number desc),
        p as (
            select p.source, p.reference, p.csa_system, p.csa_case_id, p.business_date, p.amount_pence, e.status, e.casegroup_id,
                   e.allocated_pence
            from closure.payments p join e using (payment_id) where p.business_date <= %(on)s and e.status is not null)
        select source, status, count(*) as rows, count(*) filter (where business_date = %(on)s) as tonight,
               sum(amount_pence) as amount_pence, sum(allocated_pence) as allocated_pence,
               max(%(on)s - business_date)::bigint as oldest_days
        from p where {sides.of_row("p", references=("reference",))} = {side}
        group by 1, 2
"""  # noqa: S608  conditions of ours
