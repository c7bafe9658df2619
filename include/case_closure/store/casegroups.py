"""Gathering what a stage needs to know of the casegroups it judges.

Belongs here: one query for each table a stage takes in, for the casegroups named and no others.
Does not belong here: what a row means, which columns it has (``tables.handed``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql
from sqlalchemy import Connection, text

from case_closure.store.copy import copy_in, copy_out, select_list
from case_closure.store.database import raw, run_at_once
from case_closure.store.dues import AMOUNT_NOW, TAKEN_IN
from case_closure.store.schema.tables import CLEANED, MATCHED_ON
from case_closure.tables import handed

TEXT, DAY, FLAG, PENCE = pa.string(), pa.date32(), pa.bool_(), pa.int64()
# The two columns of a case's key as one text, as ``tables.frames.case_key`` has it.
CASE_KEY = "{0}.csa_system || '/' || {0}.csa_case_id"

# Judged again every night until they are settled; what a night brought anew comes on top.
_UNSETTLED = """
    select casegroup_id from closure.casegroups where outcome in ('HELD', 'EXCEPTION')
    union
    select coalesce(e.casegroup_id, c.casegroup_id, '') from closure.exceptions e
    left join held.csa_cases c on e.casegroup_id is null and c.csa_system = e.csa_system and c.csa_case_id = e.csa_case_id
    where e.status <> 'RESOLVED' and e.severity = 'HOLD'
"""
# Reports ``r`` with the casegroup they are of: that of the case they name, where it is held, else the one they name (B51).
_REPORTS = """(
    select r.*, coalesce(c.casegroup_id, r.casegroup_id, '') as of_casegroup from held.reported_exceptions r
    left join held.csa_cases c using (csa_system, csa_case_id)) r"""
_ENTERED_TONIGHT = """exists (select from held.resolutions e
    where e.entity = 'REPORT' and e.csa_case_id = r.report_id and e.business_date = :on)"""
_OF_CASES = "entity not in ('PAYMENT', 'REPORT')"
# The casegroups that the extract of the night :on has changed.
CHANGED = f"""
    select casegroup_id from held.csa_cases where changed_on = :on
    union
    select previous_casegroup_id from held.csa_cases where changed_on = :on and previous_casegroup_id is not null
    union
    select coalesce(c.casegroup_id, b.casegroup_id, '')
    from (select csa_system, csa_case_id, casegroup_id from held.csa_balances where business_date = :on
          union all
          select csa_system, csa_case_id, casegroup_id from held.clerical_balances where business_date = :on) b
    left join held.csa_cases c using (csa_system, csa_case_id)
    union
    select coalesce(r.casegroup_id, c.casegroup_id, '') from closure.refused_rows r
    left join held.csa_cases c using (csa_system, csa_case_id)
    where r.business_date = :on and r.file_name = 'csa_cases' and cardinality(r.rule_codes) > 0
    union
    select coalesce(c.casegroup_id, '')
    from (select csa_system, csa_case_id from held.closure_failures where business_date = :on
          union all select csa_system, csa_case_id from held.inhibits where business_date = :on
          union all select csa_system, csa_case_id from held.resolutions where business_date = :on and {_OF_CASES}) t
    left join held.csa_cases c using (csa_system, csa_case_id)
    union
    select r.of_casegroup from {_REPORTS} where r.changed_on = :on or {_ENTERED_TONIGHT}
"""  # noqa: S608
_TOUCHED = f"""
    {CHANGED}
    union select casegroup_id from closure.casegroups_taken_back where business_date = :on
    union {_UNSETTLED}
    -- A report that begins by its date alone.
    union select r.of_casegroup from {_REPORTS}
    where r.reported_on > r.changed_on and r.reported_on <= :on and (r.cleared_on is null or r.cleared_on > :on)
"""  # noqa: S608
# A case row that was refused and that no later row of its case, or of its casegroup where it names no case, has mended.
_STILL_REFUSED = """
    {0}.file_name = 'csa_cases' and cardinality({0}.rule_codes) > 0 and {0}.answered_on is null
    and not exists (
        select from held.csa_cases c where c.business_date > {0}.business_date
        and c.csa_system = {0}.csa_system and c.csa_case_id = {0}.csa_case_id)
    and not exists (
        select from held.csa_cases c where c.business_date > {0}.business_date
        and ({0}.csa_system is null or {0}.csa_case_id is null) and c.casegroup_id = {0}.casegroup_id)
    and not exists (
        select from closure.refused_rows l where l.file_name = {0}.file_name and l.business_date > {0}.business_date
        and l.csa_system is not distinct from {0}.csa_system and l.csa_case_id is not distinct from {0}.csa_case_id
        and l.casegroup_id is not distinct from {0}.casegroup_id)
"""
# All that a late night's extract touches (R39), by what it brought and no later night had brought already: the cases its rows
# are about, by themselves or by their people; where those cases are, were, or have an exception. A row of a case that a later
# night's row stands over still says that it was closed (B53).
_BROUGHT = f"""
    with brought as (
        select csa_system, csa_case_id from held.csa_cases where business_date = :on or last_closed_on = :on
        union select csa_system, csa_case_id from held.csa_balances where business_date = :on and is_latest
        union select csa_system, csa_case_id from held.clerical_balances where business_date = :on and is_latest
        union select csa_system, csa_case_id from held.csa_children where business_date = :on
        union select csa_system, csa_case_id from held.closure_failures where business_date = :on
        union select csa_system, csa_case_id from held.inhibits where business_date = :on
        union select csa_system, csa_case_id from held.resolutions where business_date = :on and {_OF_CASES}
        union select r.csa_system, r.csa_case_id from closure.refused_rows r
        where r.business_date = :on and {_STILL_REFUSED.format("r")}),
    ninos as (
        select {MATCHED_ON.format("nino")} as matched_on from held.cis_persons where business_date = :on
        union select {MATCHED_ON.format("paying_parent_nino")} from held.cms_register where business_date = :on),
    people as (
        select party_id from held.csa_parties where business_date = :on
        union select p.party_id from ninos n join held.csa_parties p on {MATCHED_ON.format("p.nino")} = n.matched_on),
    entered as (
        select r.csa_system, r.csa_case_id from ninos n join held.resolutions r
        on r.field = 'nino' and {MATCHED_ON.format("r.new_value")} = n.matched_on)
    select coalesce(c.casegroup_id, b.casegroup_id, '')
    from (select csa_system, csa_case_id, casegroup_id from held.csa_balances where business_date = :on and is_latest
          union all
          select csa_system, csa_case_id, casegroup_id from held.clerical_balances where business_date = :on and is_latest) b
    left join held.csa_cases c using (csa_system, csa_case_id)
    union
    select coalesce(c.casegroup_id, '')
    from (select csa_system, csa_case_id from held.closure_failures where business_date = :on
          union all select csa_system, csa_case_id from held.inhibits where business_date = :on
          union all select csa_system, csa_case_id from held.resolutions where business_date = :on and {_OF_CASES}) t
    left join held.csa_cases c using (csa_system, csa_case_id)
    union
    select r.of_casegroup from {_REPORTS} where r.business_date = :on or {_ENTERED_TONIGHT}
    union
    select c.casegroup_id from (select csa_system, csa_case_id from brought union select csa_system, csa_case_id from entered) b
    join held.csa_cases c using (csa_system, csa_case_id)
    union
    select previous_casegroup_id from held.csa_cases where changed_on = :on and previous_casegroup_id is not null
    union
    select coalesce(r.casegroup_id, c.casegroup_id, '') from closure.refused_rows r
    left join held.csa_cases c using (csa_system, csa_case_id) where r.business_date = :on and {_STILL_REFUSED.format("r")}
    union
    select c.casegroup_id from people p join held.csa_cases c on c.paying_parent_id = p.party_id
    union
    select c.casegroup_id from people p join held.csa_cases c on c.receiving_parent_id = p.party_id
    union
    select casegroup_id from closure.casegroups_taken_back where business_date = :on
    union
    select coalesce(e.casegroup_id, '') from brought b join closure.exceptions e using (csa_system, csa_case_id)
    where e.status <> 'RESOLVED' and e.severity = 'HOLD'
"""  # noqa: S608
_RETRIED = """
    select distinct coalesce(casegroup_id, '') from closure.exceptions
    where business_date = :on and status <> 'RESOLVED' and severity = 'HOLD'
"""


def keep_changed(connection: Connection, on: date) -> None:
    """Remember the casegroups that the night's extract changed: it is about to be taken back, and they are judged again."""
    connection.execute(
        text(
            "insert into closure.casegroups_taken_back (business_date, casegroup_id) "  # noqa: S608
            f"select :on, t.casegroup_id from ({CHANGED}) t where t.casegroup_id is not null on conflict do nothing"
        ),
        {"on": on},
    )


def to_judge(connection: Connection, on: date, *, rerun: bool, late: bool) -> list[str]:
    """The casegroups a night judges, in order; '' stands for what belongs to none.

    A first run: all that its extract touched, and all that are not settled; run late, what its extract touched alone (R39). A
    rerun of a night that succeeded: those with an exception it opened that is still open, and nothing else (R21).
    """
    query = _RETRIED if rerun else _BROUGHT if late else _TOUCHED
    ids = f"select casegroup_id from ({query.replace(':on', '%(on)s')}) q (casegroup_id)"  # noqa: S608  the queries of this module
    return sorted(
        copy_out(raw(connection), ids, handed.CASEGROUP_IDS, {"on": on})["casegroup_id"].to_pylist()
    )


def with_those_moved_to(connection: Connection, on: date, casegroup_ids: Iterable[str]) -> list[str]:
    """These casegroups, and those that a case of theirs went to on that night; in order."""
    moved = connection.execute(
        text(
            "select casegroup_id from held.csa_cases where changed_on = :on and previous_casegroup_id = any(:ids)"
        ),
        {"on": on, "ids": list(casegroup_ids)},
    ).scalars()
    return sorted({*casegroup_ids, *moved})


# So many are looked up one by one, whatever lies between them.
_FEW = 500


class Gather:
    """Reads for a set of casegroups, within one transaction."""

    _ends: dict[str, str]
    _few: dict[str, bool]

    def __init__(self, connection: Connection, casegroup_ids: Iterable[str]) -> None:
        self._transaction = connection
        self._connection: psycopg.Connection[Any] = raw(connection)
        self._ends, self._few = {}, {}
        self.fill("judged", "casegroup_id", list(casegroup_ids))

    def fill(self, table: str, column: str, values: list[str]) -> None:
        """A temporary table of one column with these values, for the queries that follow."""
        made = [
            sql.SQL(f"drop table if exists pg_temp.{table}"),
            sql.SQL(f"create temporary table {table} ({column} text) on commit drop"),
        ]
        if len(values) <= _FEW:
            # All in one message: what few values cost is the asking. Between which they lie is not asked of few.
            filled = sql.SQL(f"insert into {table} select unnest(cast(%(values)s as text[]))")
            made += [filled, sql.SQL(f"analyze {table}")]
            run_at_once(self._transaction, *made, values={"values": values})
            self._ends |= {f"first_{table}": "", f"last_{table}": ""}
            self._few[table] = True
            return
        run_at_once(self._transaction, *made)
        copy_in(self._connection, table, pa.table({column: pa.array(values, TEXT)}))
        self._count(table, column)

    def _make(self, table: str, query: str, column: str) -> None:
        """The same of a query, by its ``column``: what PostgreSQL has counted it joins the quicker way round."""
        self._count(
            table, column, sql.SQL(f"drop table if exists pg_temp.{table}"),
            sql.SQL(f"create temporary table {table} on commit drop as {query}"),
        )  # fmt: skip

    def _count(self, table: str, column: str, *before: sql.Composable) -> None:
        asked = sql.SQL(f"select min({column}), max({column}), count(*) from {table}")  # noqa: S608
        analyzed = sql.SQL(f"analyze {table}")
        ((first, last, count),) = run_at_once(
            self._transaction, *before, analyzed, asked, values=self._ends or None
        )
        self._ends |= {f"first_{table}": first or "", f"last_{table}": last or ""}
        self._few[table] = count <= _FEW

    def _span(self, table: str) -> str:
        """'between the first of the values in that table and the last', in the database's own order.

        A part of a large book is one stretch of it. Said in the query, its rows are found by their index: a join alone
        would read the whole book again for every part. Of a few, strewn over the book, each is found by itself.
        """
        if self._few[table]:
            return "is not null"
        return f"between %(first_{table})s and %(last_{table})s"

    @property
    def _cases(self) -> str:
        """The cases ``c`` of these casegroups, to select from."""
        span = self._span("judged")
        return (
            f"judged j join (select * from held.csa_cases where casegroup_id {span}) c using (casegroup_id)"  # noqa: S608
        )

    def _read(self, query: str, shape: pa.Schema, values: Mapping[str, Any] | None = None) -> pa.Table:
        return copy_out(self._connection, query, shape, {**self._ends, **(values or {})})

    def judged(self) -> pa.Table:
        return self._read("select casegroup_id from judged order by casegroup_id", handed.CASEGROUP_IDS)

    def sensitive(self) -> pa.Table:
        """Those of these casegroups that are nationally sensitive (R26)."""
        return self._read(
            "select casegroup_id from judged join closure.sensitive_casegroups using (casegroup_id)",
            handed.CASEGROUP_IDS,
        )

    def cases(self) -> pa.Table:
        names = select_list(handed.CASES, "c")
        return self._read(f"select {names} from {self._cases}", handed.CASES)  # noqa: S608

    def balances(self, file: str) -> pa.Table:
        """The latest arrival of each case, of csa_balances or clerical_balances; by its own casegroup where no case is held."""
        names = select_list(handed.BALANCES, "b", row_casegroup_id="b.casegroup_id")
        unheld = "not exists (select from held.csa_cases c where c.csa_system = b.csa_system and c.csa_case_id = b.csa_case_id)"
        query = f"""
            select {names} from {self._cases}
            join held.{file} b on b.csa_system = c.csa_system and b.csa_case_id = c.csa_case_id and b.is_latest
            union all
            select {names} from judged j join held.{file} b on b.casegroup_id = j.casegroup_id and b.is_latest and {unheld}
                and b.casegroup_id {self._span("judged")}
            union all
            select {names} from held.{file} b
            where b.casegroup_id is null and b.is_latest and {unheld} and exists (select from judged where casegroup_id = '')
        """  # noqa: S608
        return self._read(
            f"select * from ({query}) q order by csa_system, csa_case_id, business_date, balance_id",  # noqa: S608
            handed.BALANCES,
        )

    def _of_cases(self, table: str, shape: pa.Schema) -> pa.Table:
        """Rows about the cases of these casegroups; with '' among them, also about cases that are not held."""
        names = select_list(shape, "t")
        return self._read(
            f"""
            select {names} from {self._cases}
            join held.{table} t on t.csa_system = c.csa_system and t.csa_case_id = c.csa_case_id
            union all
            select {names} from held.{table} t
            where exists (select from judged where casegroup_id = '') and not exists (
                select from held.csa_cases c where c.csa_system = t.csa_system and c.csa_case_id = t.csa_case_id)
            """,  # noqa: S608
            shape,
        )

    def inhibits(self) -> pa.Table:
        return self._of_cases("inhibits", handed.INHIBITS)

    def closure_failures(self) -> pa.Table:
        return self._of_cases("closure_failures", handed.CLOSURE_FAILURES)

    def resolutions(self) -> pa.Table:
        """What was entered for the cases of these casegroups, and for reports of them."""
        names = select_list(handed.RESOLUTIONS, "t")
        of_reports = self._read(
            f"""
            select {names} from judged j join {_REPORTS} on r.of_casegroup = j.casegroup_id
            join held.resolutions t on t.entity = 'REPORT' and t.csa_case_id = r.report_id
            """,  # noqa: S608
            handed.RESOLUTIONS,
        )
        return pa.concat_tables([self._of_cases("resolutions", handed.RESOLUTIONS), of_reports])

    def reported_exceptions(self) -> pa.Table:
        """Reports of these casegroups (B51); with '' among them, also those that name none."""
        names = select_list(handed.REPORTED_EXCEPTIONS, "r", casegroup_id="nullif(r.of_casegroup, '')")
        return self._read(
            f"""
            select {names} from judged j join {_REPORTS} on r.of_casegroup = j.casegroup_id order by r.report_id
            """,  # noqa: S608
            handed.REPORTED_EXCEPTIONS,
        )

    def entered_for(self, party_ids: list[str]) -> pa.Table:
        """What was entered for these people, on whatever case, with the case's two parents as held; see ``of_people``."""
        self.fill("wanted_people", "party_id", party_ids)
        names = select_list(
            handed.ENTERED_FOR_PEOPLE, "r",
            paying_parent_id="c.paying_parent_id", receiving_parent_id="c.receiving_parent_id",
        )  # fmt: skip
        parents = "('paying_parent_id', 'receiving_parent_id')"
        wanted = "(select party_id from wanted_people)"
        return self._read(
            f"""
            select {names}
            from held.resolutions r join held.csa_cases c on c.csa_system = r.csa_system and c.csa_case_id = r.csa_case_id
            where (r.entity in ('PAYING_PARENT', 'RECEIVING_PARENT') or (r.entity = 'CASE' and r.field in {parents}))
              and (c.paying_parent_id in {wanted} or c.receiving_parent_id in {wanted} or exists (
                    select from held.resolutions m where m.csa_system = r.csa_system and m.csa_case_id = r.csa_case_id
                    and m.entity = 'CASE' and m.field in {parents} and m.new_value in {wanted}))
            """,  # noqa: S608
            handed.ENTERED_FOR_PEOPLE,
        )

    def refused(self) -> pa.Table:
        """The last refused rows of each case that no later good row has mended.

        ``told``: the rules that an earlier one of the same case, sent under another casegroup, has broken: they are one
        exception (R38).
        """
        told = f"""coalesce((
                select json_agg(distinct code) from closure.refused_rows o cross join unnest(o.rule_codes) code
                where o.csa_system = r.csa_system and o.csa_case_id = r.csa_case_id
                  and o.casegroup_id is distinct from r.casegroup_id
                  and (o.business_date, o.row_number) < (r.business_date, r.row_number)
                  and {_STILL_REFUSED.format("o")}), '[]')"""  # noqa: S608
        names = select_list(
            handed.REFUSED_ROWS, "r", told=told, rule_codes="to_json(r.rule_codes)", fields="to_json(r.fields)",
            casegroup_id="coalesce(r.casegroup_id, k.casegroup_id)",
        )  # fmt: skip
        return self._read(
            f"""
            select {names}
            from closure.refused_rows r
            left join held.csa_cases k on k.csa_system = r.csa_system and k.csa_case_id = r.csa_case_id
            join judged j on j.casegroup_id = coalesce(r.casegroup_id, k.casegroup_id, '')
            where {_STILL_REFUSED.format("r")}
            order by r.business_date, r.row_number
            """,  # noqa: S608
            handed.REFUSED_ROWS,
        )

    def standing(self) -> pa.Table:
        names = select_list(handed.CASEGROUPS, "g", sensitive="s.casegroup_id is not null")
        return self._read(
            f"""
            select {names} from judged j join closure.casegroups g using (casegroup_id)
            left join closure.sensitive_casegroups s using (casegroup_id)
            """,  # noqa: S608
            handed.CASEGROUPS,
        )

    def of_judged(self, table: str, shape: pa.Schema, **expressions: str) -> pa.Table:
        """The rows ``t`` of a table that are of these casegroups, by the names of the shape or the ``expressions``."""
        names = select_list(shape, "t", **expressions)
        return self._read(f"select {names} from judged join {table} t using (casegroup_id)", shape)  # noqa: S608

    def positions(self) -> pa.Table:
        return self.of_judged("closure.positions", handed.POSITIONS)

    def dues_now(self) -> pa.Table:
        """Dues of these casegroups as corrections have left them, with their period."""
        names = select_list(
            handed.DUES_NOW, "d", case_key=CASE_KEY.format("d"), amount_pence="n.amount_pence"
        )
        return self._read(
            f"""
            select {names}
            from judged j join closure.dues d using (casegroup_id) cross join lateral ({AMOUNT_NOW.format("d")}) n
            """,  # noqa: S608
            handed.DUES_NOW,
        )

    def taken_in(self) -> pa.Table:
        """What corrections have taken in of what came for these casegroups after they completed (R41)."""
        of_judged = TAKEN_IN.format("(select d.* from judged join closure.dues d using (casegroup_id))")
        return self._read(f"select {select_list(handed.TAKEN_IN, 't')} from ({of_judged}) t", handed.TAKEN_IN)  # noqa: S608

    def balances_accepted(self) -> pa.Table:
        """The balances of their cases that had come when the case was last corrected, that night's too ([15])."""
        names = select_list(handed.BALANCES_ACCEPTED, "b", case_key=CASE_KEY.format("b"))
        return self._read(
            f"""
            select {names}
            from (select d.csa_system, d.csa_case_id, max(n.extract_order) as extract_order
                  from judged join closure.dues d using (casegroup_id)
                  join closure.ledger l on l.due_id = d.due_id and l.kind = 'CORRECTION'
                  join closure.nights n on n.business_date = l.business_date group by 1, 2) corrected
            join held.csa_balances b using (csa_system, csa_case_id)
            join closure.nights arrived on arrived.business_date = b.business_date
            where b.is_new and arrived.extract_order <= corrected.extract_order
            """,  # noqa: S608
            handed.BALANCES_ACCEPTED,
        )

    def completed_periods(self) -> pa.Table:
        """The period each case of a completed casegroup had when it completed; also where nothing was owed.

        That is of its last arrival by then in the order in which nights took in their extracts, whatever their dates.
        """
        names = select_list(handed.COMPLETED_PERIODS, "b", case_key=CASE_KEY.format("b"))
        return self._read(
            f"""
            select distinct on (b.csa_system, b.csa_case_id) {names}
            from judged j join closure.casegroups g using (casegroup_id) join held.csa_cases c using (casegroup_id)
            join held.csa_balances b on b.csa_system = c.csa_system and b.csa_case_id = c.csa_case_id
            join closure.nights completed on completed.business_date = g.completed_on
            join closure.nights arrived on arrived.business_date = b.business_date
            where b.is_new and arrived.extract_order <= completed.extract_order
              and not exists (
                -- A row that stood behind a later night's when it came was never the case's latest.
                select from held.csa_balances o join closure.nights before on before.business_date = o.business_date
                where o.csa_system = b.csa_system and o.csa_case_id = b.csa_case_id and o.is_new
                  and o.business_date > b.business_date and before.extract_order < arrived.extract_order)
            order by b.csa_system, b.csa_case_id, arrived.extract_order desc, b.extract_number desc, b.row_number desc
            """,  # noqa: S608
            handed.COMPLETED_PERIODS,
        )

    def open_exceptions(self) -> pa.Table:
        """What is open of these casegroups; also what opened before its case was held, under the casegroup it has now (R43)."""
        own = select_list(handed.OPEN_EXCEPTIONS, "e")
        now = select_list(handed.OPEN_EXCEPTIONS, "e", casegroup_id="c.casegroup_id")
        unplaced = "e.casegroup_id is null and e.status <> 'RESOLVED'"
        return self._read(
            f"""
            select {own} from judged j join closure.exceptions e using (casegroup_id) where e.status <> 'RESOLVED'
            union all
            select {now} from closure.exceptions e
            join held.csa_cases c on c.csa_system = e.csa_system and c.csa_case_id = e.csa_case_id
            join judged j on j.casegroup_id = c.casegroup_id where {unplaced}
            union all
            select {own} from closure.exceptions e
            where {unplaced} and exists (select from judged where casegroup_id = '') and not exists (
                select from held.csa_cases c where c.csa_system = e.csa_system and c.csa_case_id = e.csa_case_id)
            """,  # noqa: S608
            handed.OPEN_EXCEPTIONS,
        )

    def cms_cases(self) -> pa.Table:
        """What these casegroups have on CMS; ``parents`` names the pair that shares a case created here."""
        names = select_list(
            handed.CMS_CASES_STANDING, "m", case_key=CASE_KEY.format("m"),
            parents="m.casegroup_id || '/' || coalesce(c.paying_parent_id, '') || '/' || coalesce(c.receiving_parent_id, '')",
        )  # fmt: skip
        return self._read(
            f"""
            select {names} from judged j join closure.cms_cases m using (casegroup_id)
            left join held.csa_cases c on c.csa_system = m.csa_system and c.csa_case_id = m.csa_case_id
            order by m.cms_case_id collate "C", m.csa_system, m.csa_case_id
            """,  # noqa: S608
            handed.CMS_CASES_STANDING,
        )

    def children(self) -> pa.Table:
        """The cases of these casegroups that have a child."""
        names = select_list(handed.CASE_KEYS, case_key=CASE_KEY.format("c"))
        return self._read(
            f"""
            select {names} from {self._cases}
            where exists (select from held.csa_children k where k.csa_system = c.csa_system and k.csa_case_id = c.csa_case_id)
            """,  # noqa: S608
            handed.CASE_KEYS,
        )

    def parties(self, party_ids: list[str]) -> pa.Table:
        self.fill("wanted_parties", "party_id", party_ids)
        names = select_list(handed.PARTIES, "p")
        return self._read(
            f"""
            select {names} from wanted_parties w
            join (select * from held.csa_parties where party_id {self._span("wanted_parties")}) p using (party_id)
            """,  # noqa: S608
            handed.PARTIES,
        )

    def cis(self, matched_on: list[str]) -> pa.Table:
        """CIS persons by the first eight characters of a NINO."""
        self.fill("wanted_ninos", "matched_on", matched_on)
        names = select_list(handed.CIS_PERSONS, "p", matched_on="w.matched_on")
        return self._read(
            f"""
            select {names}
            from wanted_ninos w join held.cis_persons p on {MATCHED_ON.format("p.nino")} = w.matched_on
            """,  # noqa: S608
            handed.CIS_PERSONS,
        )

    def register(self, payers_matched_on: list[str]) -> pa.Table:
        """The CMS register by its paying parents' NINO."""
        self.fill("wanted_payers", "matched_on", payers_matched_on)
        names = select_list(
            handed.CMS_REGISTER, "r",
            pp_nino=CLEANED.format("r.paying_parent_nino"), rp_nino=CLEANED.format("r.receiving_parent_nino"),
            pp_matched_on="w.matched_on", rp_matched_on=MATCHED_ON.format("r.receiving_parent_nino"),
        )  # fmt: skip
        return self._read(
            f"""
            select {names}
            from wanted_payers w join held.cms_register r on {MATCHED_ON.format("r.paying_parent_nino")} = w.matched_on
            """,  # noqa: S608
            handed.CMS_REGISTER,
        )

    def payer_casegroups(self) -> pa.Table:
        """CMS casegroups made here before, by paying parent; after ``register`` and for the same ones."""
        names = select_list(
            handed.PAYER_CASEGROUPS, "w", cms_casegroup_id='min(m.cms_casegroup_id collate "C")'
        )
        return self._read(
            f"""
            select {names} from wanted_payers w
            join closure.cms_cases m on m.paying_parent_matched_on = w.matched_on group by w.matched_on
            """,  # noqa: S608
            handed.PAYER_CASEGROUPS,
        )

    def routes(self) -> pa.Table:
        """The casegroups whose paying parent has a casegroup on CMS, with the owner of the lowest case that has one (B50)."""
        self._make("payers", f"""
            select distinct on (casegroup_id) casegroup_id, paying_parent_id from {self._cases}
            order by casegroup_id, csa_system, csa_case_id
        """, "paying_parent_id")  # fmt: skip  # noqa: S608
        self._make("payers_ninos", f"""
            select f.casegroup_id, {MATCHED_ON.format("p.nino")} as matched_on from payers f
            join (select * from held.csa_parties where party_id {self._span("payers")}) p on p.party_id = f.paying_parent_id
        """, "matched_on")  # fmt: skip  # noqa: S608
        lowest = '(array_agg(o.case_owner order by o.cms_case_id collate "C") filter (where o.case_owner is not null))[1]'
        return self._read(
            f"""
            with on_cms as (
                select f.casegroup_id, r.cms_case_id, r.case_owner from payers_ninos f
                join held.cms_register r on {MATCHED_ON.format("r.paying_parent_nino")} = f.matched_on
                union all
                select m.casegroup_id, m.cms_case_id, m.case_owner from judged join closure.cms_cases m using (casegroup_id)
                union all
                select f.casegroup_id, m.cms_case_id, m.case_owner from payers_ninos f
                join closure.cms_cases m on m.paying_parent_matched_on = f.matched_on)
            select {select_list(handed.ROUTES, "o", case_owner=lowest)} from on_cms o group by o.casegroup_id
            """,  # noqa: S608
            handed.ROUTES,
        )

    def covering_letters(self, on: date) -> pa.Table:
        """The covering letters they have of that night already, from closure."""
        return self._read(
            """
            select l.letter_id from judged join closure.letters l using (casegroup_id)
            where l.business_date = %(on)s and l.recipient_role = 'REPRESENTATIVE'
            """,
            handed.LETTER_IDS,
            {"on": on},
        )

    def on_cms(self) -> pa.Table:
        """The cases of these casegroups that are on CMS: on the register by both parents, or recorded here."""
        names = select_list(handed.CASE_KEYS, case_key=CASE_KEY.format("c"))
        return self._read(
            f"""
            select {names} from judged join held.csa_cases c using (casegroup_id)
            where exists (select from closure.cms_cases m where m.csa_system = c.csa_system and m.csa_case_id = c.csa_case_id)
               or exists (
                select from held.csa_parties p, held.csa_parties q, held.cms_register r
                where p.party_id = c.paying_parent_id and q.party_id = c.receiving_parent_id
                  and {MATCHED_ON.format("r.paying_parent_nino")} = {MATCHED_ON.format("p.nino")}
                  and {MATCHED_ON.format("r.receiving_parent_nino")} = {MATCHED_ON.format("q.nino")})
            """,  # noqa: S608
            handed.CASE_KEYS,
        )

    def clerical_items(self) -> pa.Table:
        """What has been put to a caseworker of these casegroups' clerical balances and is open."""
        names = select_list(handed.CLERICAL_ITEMS, "w", case_key=CASE_KEY.format("w"))
        return self._read(
            f"""
            select {names} from judged join closure.work_items w using (casegroup_id)
            where w.subject_reference is null and w.type in ('ADD_CORRECT_ARREARS', 'ARREARS_ONLY_APPLICATION')
              and w.status <> 'CLOSED'
            """,  # noqa: S608
            handed.CLERICAL_ITEMS,
        )
