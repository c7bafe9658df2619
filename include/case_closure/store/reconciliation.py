"""The reconciliation: what left CSA against what became of it, now and as it was known at the end of any night (B54).

Belongs here: its SQL, which the ``reporting`` views are made of too; reading it as of a night; signing it off.
Does not belong here: keeping what was known before (``history``), the workbook (``outbound.reconciliation``).

A figure is pence. Each side (ordinary or nationally sensitive, R26) is reconciled by itself; who is on which side is as it
is known today, whatever night is asked for, so that nobody is shown for having become sensitive later.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, text

from case_closure import refusals
from case_closure.domain.reconciliation import CAUSES
from case_closure.store import history, outstanding, sensitive, shares
from case_closure.store.copy import copy_out
from case_closure.store.database import raw

FIGURES = (
    "left_csa_pence", "written_off_pence", "received_pence", "posted_pence", "held_pence", "credit_pence",
)  # fmt: skip
_KEY = "csa_system, csa_case_id, creditor, arrears_status"
# A sum past int64, which no money is, is shown as the largest int64.
FITTED = "greatest(least({}, 9223372036854775807), -9223372036854775808)::bigint"


class SignOffRefused(refusals.Refused):
    """The reconciliation was not signed; the message says why."""


def sum_of(name: str) -> str:
    """The sum of a column under its own name, in SQL; cut off at int64's limit."""
    return FITTED.format(f"sum({name})") + f" as {name.rpartition('.')[2]}"


def lines(positions: str, closing_ledger: str, side: str) -> str:
    """One row for each case and bucket where any figure is not nothing, also where two casegroups have it.

    Where a row had no system or case number, these are empty.
    """
    figures = FIGURES[2:]
    same = " and ".join(f"o.{name} = s.{name}" for name in _KEY.split(", "))
    return f"""
        with odd as materialized (
            -- Only a case that is not held in that casegroup can stand in another one too: the others need no adding up.
            -- Lines without a case number are each of a case of their own, and stand under their casegroups apart.
            select distinct {_KEY} from {positions} s where s.csa_case_id <> '' and not exists (
                select from held.csa_cases c where c.csa_system = s.csa_system and c.csa_case_id = s.csa_case_id
                and c.casegroup_id = s.casegroup_id)),
        p as (
            select {_KEY}, s.business_date, casegroup_id, null::boolean as sensitive, {", ".join(f"s.{name}" for name in figures)}
            from {positions} s where not exists (select from odd o where {same})
            union all
            select {_KEY}, max(s.business_date), null, bool_or({sensitive.of_row("s")}),
                   {", ".join(sum_of(f"s.{name}") for name in figures)}
            from {positions} s join odd using ({_KEY}) group by {_KEY})
        select greatest(p.business_date, l.changed_on) as business_date, {_KEY},
               coalesce(p.casegroup_id, c.casegroup_id) as casegroup_id,
               coalesce(l.amount_pence, 0) as left_csa_pence,
               coalesce(l.written_off_pence, 0) as written_off_pence,
               coalesce(p.received_pence, 0) as received_pence, coalesce(p.posted_pence, 0) as posted_pence,
               coalesce(p.held_pence, 0) as held_pence, coalesce(p.credit_pence, 0) as credit_pence,
               case when coalesce(l.amount_pence, 0) = coalesce(p.received_pence, 0) then null
                    when coalesce(p.received_pence, 0) = 0 then 'MISSING_ON_CMS'
                    when coalesce(l.amount_pence, 0) = 0 then 'NOT_ON_CSA'
                    else 'AMOUNT_DIFFERS' end as break_type
        from p full join {closing_ledger} l using ({_KEY})
        left join held.csa_cases c using (csa_system, csa_case_id)
        where (coalesce(l.amount_pence, 0) <> 0 or p.received_pence <> 0 or p.posted_pence <> 0
               or p.held_pence <> 0 or p.credit_pence <> 0)
          and coalesce(p.sensitive, {sensitive.of_casegroup("coalesce(p.casegroup_id, c.casegroup_id)")}
                                    or {sensitive.of_case("csa_system", "csa_case_id")}) = {side}
    """  # noqa: S608


def breaks(rows: str, duplicated: str) -> str:
    """The breaks among ``rows`` (a relation such as :func:`lines` makes), with the difference and the cause of each.

    ``duplicated``: a condition on exceptions ``e`` that says which are open.
    """
    of_case = "o.csa_system = b.csa_system and o.csa_case_id = b.csa_case_id"
    fits = {
        "DUPLICATE": "exists (select from closure.exceptions e where e.rule_code = 'balance_duplicate' and "
        f"e.csa_system = b.csa_system and e.csa_case_id = b.csa_case_id and {duplicated})",
        "MISSING_CASE": "not k.any_received",
        "EXTRA_CASE": "not k.any_left",
        "SWAPPED_CREDITORS": "coalesce(w.creditors, false)",
        "SWAPPED_STATUSES": "coalesce(w.statuses, false)",
        "RECEIVED_TWICE": "b.left_csa_pence <> 0 and b.received_pence::numeric = 2 * b.left_csa_pence::numeric",
        "WRITE_OFF_INCLUDED": "b.written_off_pence <> 0 and b.received_pence::numeric - b.left_csa_pence = b.written_off_pence",
        "PENNY": "abs(b.difference_pence::numeric) = 1",
        "MISSING_AMOUNT": "b.received_pence = 0",
        "EXTRA_AMOUNT": "b.left_csa_pence = 0",
        "OTHER_AMOUNT": "true",
    }
    cause = " ".join(f"when {fits[code]} then '{code}'" for code in CAUSES)
    return f"""
        with b as materialized (
            select *, row_number() over () as line,
                   {FITTED.format("received_pence::numeric - left_csa_pence")} as difference_pence
            from {rows} x where break_type is not null),
        k as materialized (
            select o.csa_system, o.csa_case_id, bool_or(o.left_csa_pence <> 0) as any_left,
                   bool_or(o.received_pence <> 0) as any_received
            from {rows} o where exists (select from b where {of_case}) group by 1, 2),
        -- Put beside each other by what is the same, and not each break beside every other.
        w as materialized (
            select b.line, bool_or(o.arrears_status = b.arrears_status and o.creditor <> b.creditor) as creditors,
                   bool_or(o.creditor = b.creditor and o.arrears_status <> b.arrears_status) as statuses
            from b join b o on {of_case} and o.left_csa_pence = b.received_pence and o.received_pence = b.left_csa_pence
            group by b.line)
        select b.*, case {cause} end as cause from b join k using (csa_system, csa_case_id) left join w using (line)
    """  # noqa: S608


def words_of_cause() -> str:
    """The cause in plain words, in SQL."""
    says = " ".join(
        f"when '{code}' then '{f'{cause.name}. {cause.says}'.replace(chr(39), chr(39) * 2)}'"
        for code, cause in CAUSES.items()
    )
    return f"case cause {says} end"


_PENCE = pa.decimal128(38, 0)
_GROUPS: dict[str, dict[str, pa.DataType]] = {
    "buckets": {
        "implausible": pa.bool_(), "csa_system": pa.string(), "creditor": pa.string(), "arrears_status": pa.string(),
    },
    "systems": {"csa_system": pa.string()},
    "tranches": {"tranche_id": pa.string()},
    "nights": {"business_date": pa.date32()},
    "break_types": {"implausible": pa.bool_(), "break_type": pa.string(), "cause": pa.string()},
}  # fmt: skip
_BREAK_COLUMNS: dict[str, pa.DataType] = {
    "business_date": pa.date32(), "csa_system": pa.string(), "csa_case_id": pa.string(), "creditor": pa.string(),
    "arrears_status": pa.string(), "tranche_id": pa.string(), "left_csa_pence": pa.int64(), "received_pence": pa.int64(),
    "difference_pence": pa.int64(), "written_off_pence": pa.int64(), "break_type": pa.string(), "cause": pa.string(),
    "implausible": pa.bool_(),
}  # fmt: skip
_IMPLAUSIBLE_COLUMNS: dict[str, pa.DataType] = {
    "business_date": pa.date32(), "csa_system": pa.string(), "csa_case_id": pa.string(), "creditor": pa.string(),
    "arrears_status": pa.string(), "tranche_id": pa.string(), **dict.fromkeys(FIGURES, pa.int64()), "break_type": pa.string(),
    "cause": pa.string(),
}  # fmt: skip
MOST_BREAKS = 100_000
_WORK_MEMORY = "128MB"  # for this transaction: both sides are put beside each other whole


# The largest of an amount's figures, whatever its sign.
_SIZE = f"greatest({', '.join(f'abs({name}::numeric)' for name in FIGURES)})"


def reconstruct(
    connection: Connection, on: date, *, implausible_pence: int, sensitive: bool = False
) -> dict[str, pa.Table]:
    """The reconciliation as it was known at the end of the night of ``on``, added up; pence are exact decimals.

    An amount is implausible where any of its figures is beyond +/- ``implausible_pence``: it is in the lists and in ``buckets``,
    which say so, and in no other sum. ``buckets`` (system x creditor x status), ``systems``, ``tranches`` and ``nights`` (of the
    latest change): rows, breaks and the six figures. ``break_types``: by type and cause, with the difference and cases too.
    ``breaks``: each break with both figures, ordered by cause and case; at most MOST_BREAKS, then those that differ most.
    ``implausible``: each such amount, as many at most, then the largest. ``night``: the latest night up to that date, its
    extract and status, how many were run, and the limit (B54). Besides what ``outstanding.as_of`` gives.
    """
    cursor: psycopg.Connection[Any] = raw(connection)
    side = "true" if sensitive else "false"
    connection.exec_driver_sql(f"set local work_mem = '{_WORK_MEMORY}'")
    made = lines(*_sources(connection, on), side)
    for table in ("reconciled", "broken"):
        connection.exec_driver_sql(f"drop table if exists pg_temp.{table}")
    connection.execute(
        text(
            f"""
            create temporary table reconciled on commit drop as
            select m.*, t.tranche_id, {_SIZE} > :implausible as implausible
            from ({made}) m
            left join (select csa_system, csa_case_id, tranche_id from closure.end_liability where selected_on <= :on) t
                using (csa_system, csa_case_id)
            """  # noqa: S608
        ),
        {"on": on, "implausible": implausible_pence},
    )
    connection.exec_driver_sql("analyze reconciled")
    open_then = "e.business_date <= :on and (e.resolved_on is null or e.resolved_on > :on)"
    connection.execute(
        text(f"create temporary table broken on commit drop as {breaks('reconciled', open_then)}"), {"on": on}
    )
    tables = {
        name: _grouped(cursor, "broken" if name == "break_types" else "reconciled", columns)
        for name, columns in _GROUPS.items()
    }
    by_case = 'csa_system collate "C", csa_case_id collate "C", arrears_status, creditor'
    order = f"cause, {by_case}"
    query = f"""
        select {_named(_BREAK_COLUMNS)} from (
            select * from broken order by abs(difference_pence::numeric) desc, {order} limit {MOST_BREAKS}) b
        order by {order}
    """  # noqa: S608
    tables["breaks"] = copy_out(cursor, query, pa.schema(list(_BREAK_COLUMNS.items())))
    names = ", ".join(name for name in _IMPLAUSIBLE_COLUMNS if name != "cause")
    query = f"""
        select {_named(_IMPLAUSIBLE_COLUMNS)} from (
            select * from (
                select {names}, cause from broken where implausible union all
                select {names}, null from reconciled where implausible and break_type is null) r
            order by {_SIZE} desc, {by_case} limit {MOST_BREAKS}) i
        order by {by_case}
    """  # noqa: S608
    tables["implausible"] = copy_out(cursor, query, pa.schema(list(_IMPLAUSIBLE_COLUMNS.items())))
    tables["night"] = _night(connection, on).append_column(
        "implausible_pence", pa.array([implausible_pence], pa.int64())
    )
    return tables | outstanding.as_of(connection, on, sensitive=sensitive)


def in_short(tables: dict[str, pa.Table]) -> dict[str, Any]:
    """What :func:`reconstruct` found but the lists: ``buckets``, ``systems``, ``tranches``, ``break_types`` as rows, ``night`` as
    one, and the hash of its list of breaks, None where they could not all be listed.

    Without the night's status: it is not closed yet when it writes this, and a rerun, which writes the same, is of one that is.
    """
    rows = {
        name: [
            {key: int(value) if isinstance(value, Decimal) else value for key, value in row.items()}
            for row in tables[name].to_pylist()
        ]
        for name in ("buckets", "systems", "tranches", "break_types", "night")
    }
    listed = tables["breaks"].num_rows == _total(tables["break_types"], "breaks")
    return {
        **rows,
        "night": {name: value for name, value in rows["night"][0].items() if name != "status"},
        "breaks_sha256": breaks_sha256(tables["breaks"]) if listed else None,
    }


def _named(columns: dict[str, pa.DataType]) -> str:
    """The columns, in SQL; a system or case number that is empty as none."""
    return ", ".join(f"nullif({name}, '') as {name}" if name.startswith("csa_") else name for name in columns)


def _sources(connection: Connection, on: date) -> tuple[str, str]:
    """The positions and the closing ledger of that night: the tables themselves when no later night has changed them."""
    later = connection.execute(
        text(
            """
            select exists (select from closure.positions where coalesce(moved_on, business_date) > :on)
                or exists (select from closure.position_history where replaced_on > :on)
                or exists (select from held.csa_closing_ledger where changed_on > :on)
                or exists (select from closure.closing_ledger_history where replaced_on > :on)
            """
        ),
        {"on": on},
    ).scalar_one()
    if not later:
        return history.POSITIONS_NOW, history.CLOSING_LEDGER_NOW
    then = {"positions_then": history.POSITIONS_AS_OF, "closing_ledger_then": history.CLOSING_LEDGER_AS_OF}
    for name, query in then.items():
        connection.exec_driver_sql(f"drop table if exists pg_temp.{name}")
        connection.execute(
            text(f"create temporary table {name} on commit drop as select * from {query} t"),  # noqa: S608
            {"on": on},
        )
        connection.exec_driver_sql(f"analyze {name}")
    return "positions_then", "closing_ledger_then"


def _grouped(cursor: psycopg.Connection[Any], of: str, columns: dict[str, pa.DataType]) -> pa.Table:
    by = ", ".join(
        f"nullif({name}, '') as {name}" if pa.types.is_string(type_) else name
        for name, type_ in columns.items()
    )
    order = ", ".join(
        f'{name} collate "C"' if pa.types.is_string(type_) else name for name, type_ in columns.items()
    )
    figures, counts = list(FIGURES), {"rows": "count(*)", "breaks": "count(break_type)"}
    if of == "broken":
        figures.append("difference_pence")
        counts["cases"] = "count(distinct (csa_system, csa_case_id))"
    apart = "" if "implausible" in columns else "where not implausible"
    query = f"""
        select {by}, {", ".join(f"{count} as {name}" for name, count in counts.items())},
               {", ".join(f"sum({name}) as {name}" for name in figures)}
        from {of} {apart} group by {", ".join(columns)} order by {order}
    """  # noqa: S608
    schema = {**columns, **dict.fromkeys(counts, pa.int64()), **dict.fromkeys(figures, _PENCE)}
    return copy_out(cursor, query, pa.schema(list(schema.items())))


def _night(connection: Connection, on: date) -> pa.Table:
    """The night asked for counts from when its extract is applied: its own reports are written before it has ended."""
    row = connection.execute(
        text(
            """
            select max(business_date), count(*), (array_agg(extract_id order by business_date desc))[1],
                   (array_agg(status order by business_date desc))[1]
            from closure.nights
            where business_date <= :on and (succeeded or business_date = :on and extract_id is not null)
            """
        ),
        {"on": on},
    ).one()
    return pa.table(
        {
            "business_date": pa.array([row[0]], pa.date32()),
            "nights": pa.array([row[1]], pa.int64()),
            "extract_id": pa.array([row[2]], pa.string()),
            "status": pa.array([row[3]], pa.string()),
        }
    )


def sign_off(
    connection: Connection,
    on: date,
    tables: dict[str, pa.Table],
    *,
    signed_by: str,
    signed_at: datetime,
    remarks: str,
    sensitive: bool = False,
) -> int:
    """Record that somebody signed this reconciliation, with its figures and a hash of its breaks; returns its number.

    ``tables`` is what :func:`reconstruct` gave in this transaction, so that what is signed is what was seen. What each casegroup
    has in it is kept too: the figures that are shown follow it to its side, what was signed stays (R42). Signing again adds a
    sign-off.
    Raises SignOffRefused when nobody signs, or when the breaks could not all be listed.
    """
    if not signed_by.strip():
        raise SignOffRefused("A sign-off needs the name of who signs.")
    listed, count = tables["breaks"].num_rows, _total(tables["break_types"], "breaks")
    if listed != count:
        raise SignOffRefused(
            f"{count:,} breaks cannot be signed off: only {listed:,} fit into the list. Find what they have in common first."
        )
    connection.exec_driver_sql("lock table closure.reconciliation_sign_offs in share row exclusive mode")
    values: dict[str, Any] = {name: _total(tables["buckets"], name) for name in FIGURES}
    values |= {"on": on, "sensitive": sensitive, "by": signed_by.strip(), "at": signed_at, "remarks": remarks.strip(),
               "breaks": count, "sha": breaks_sha256(tables["breaks"])}  # fmt: skip
    number = int(
        connection.execute(
            text(
                f"""
                insert into closure.reconciliation_sign_offs (business_date, sensitive, sign_off_number, signed_by, signed_at,
                    remarks, {", ".join(FIGURES)}, breaks, breaks_sha256, shares_kept)
                select :on, :sensitive, 1 + coalesce(max(sign_off_number), 0), :by, :at, :remarks,
                       {", ".join(":" + name for name in FIGURES)}, :breaks, :sha, true
                from closure.reconciliation_sign_offs where business_date = :on and sensitive = :sensitive
                returning sign_off_number
                """  # noqa: S608
            ),
            values,
        ).scalar_one()
    )
    total = f"{'sensitive' if sensitive else 'ordinary'} {number}"
    shares.keep_from(connection, shares.SIGN_OFF, on, total, _SHARES)
    shares.set_apart(connection, shares.SIGN_OFF, on, [total])
    return number


SIGNED = (*FIGURES, "breaks")
_SHARES = f"""
    select g.casegroup_id, v.what, v.amount
    from (select casegroup_id, {", ".join(sum_of(name) for name in FIGURES)}, count(break_type) as breaks
          from pg_temp.reconciled where casegroup_id <> '' group by 1) g
    cross join lateral (values {", ".join(f"('{name}', g.{name})" for name in SIGNED)}) v (what, amount)
    where v.amount <> 0
"""  # noqa: S608


def _total(table: pa.Table, name: str) -> int:
    return int(pc.sum(table[name]).as_py() or 0)


def breaks_sha256(listed: pa.Table) -> str:
    """One hash for one list of breaks: the same breaks with the same figures have the same."""
    # The limit may be set otherwise later: whether an amount is implausible is no part of what was signed.
    signed = listed.drop_columns([name for name in ("implausible",) if name in listed.column_names])
    return hashlib.sha256(repr(signed.to_pylist()).encode()).hexdigest()
