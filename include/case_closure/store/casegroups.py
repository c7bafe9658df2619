"""Gathering what a stage needs to know of the casegroups it judges.

Belongs here: one query for each table a stage takes in, for the casegroups named and no others.
Does not belong here: what a row means. Column names are the ones the stages use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql
from sqlalchemy import Connection, text

from case_closure.domain import addresses
from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.store.copy import copy_in, copy_out
from case_closure.store.database import raw
from case_closure.store.dues import AMOUNT_NOW
from case_closure.store.schema.tables import CLEANED, MATCHED_ON

TEXT, DAY, FLAG, PENCE, NUMBER = pa.string(), pa.date32(), pa.bool_(), pa.int64(), pa.int64()

# Judged again every night until they are settled; what a night brought anew comes on top.
_UNSETTLED = """
    select casegroup_id from closure.casegroups where outcome in ('HELD', 'EXCEPTION')
    union
    select coalesce(e.casegroup_id, c.casegroup_id, '') from closure.exceptions e
    left join held.csa_cases c on e.casegroup_id is null and c.csa_system = e.csa_system and c.csa_case_id = e.csa_case_id
    where e.status <> 'RESOLVED' and e.severity = 'HOLD'
"""
_CHANGED = """
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
    where r.business_date = :on and cardinality(r.rule_codes) > 0
    union
    select coalesce(c.casegroup_id, '')
    from (select csa_system, csa_case_id from held.closure_failures where business_date = :on
          union all select csa_system, csa_case_id from held.inhibits where business_date = :on
          union all select csa_system, csa_case_id from held.resolutions where business_date = :on) t
    left join held.csa_cases c using (csa_system, csa_case_id)
"""
_TOUCHED = f"""
    {_CHANGED}
    union select casegroup_id from closure.casegroups_taken_back where business_date = :on
    union {_UNSETTLED}
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
        union select csa_system, csa_case_id from held.resolutions where business_date = :on
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
          union all select csa_system, csa_case_id from held.resolutions where business_date = :on) t
    left join held.csa_cases c using (csa_system, csa_case_id)
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
            f"select :on, t.casegroup_id from ({_CHANGED}) t where t.casegroup_id is not null on conflict do nothing"
        ),
        {"on": on},
    )


def to_judge(connection: Connection, on: date, *, rerun: bool, late: bool) -> list[str]:
    """The casegroups a night judges, in order; '' stands for what belongs to none.

    A first run: all that its extract touched, and all that are not settled; run late, what its extract touched alone (R39). A
    rerun of a night that succeeded: those with an exception it opened that is still open, and nothing else (R21).
    """
    query = _RETRIED if rerun else _BROUGHT if late else _TOUCHED
    return sorted(row[0] for row in connection.execute(text(query), {"on": on}))


class Gather:
    """Reads for a set of casegroups, within one transaction."""

    _ends: dict[str, str]

    def __init__(self, connection: Connection, casegroup_ids: Iterable[str]) -> None:
        self._connection: psycopg.Connection[Any] = raw(connection)
        self._exec = connection.exec_driver_sql
        self._ends = {}
        self.fill("judged", "casegroup_id", list(casegroup_ids))

    def fill(self, table: str, column: str, values: list[str]) -> None:
        """A temporary table of one column with these values, for the queries that follow."""
        self._exec(f"drop table if exists pg_temp.{table}")
        self._exec(f"create temporary table {table} ({column} text) on commit drop")
        copy_in(self._connection, table, pa.table({column: pa.array(values, TEXT)}))
        self._count(table, column)

    def _make(self, table: str, query: str, column: str) -> None:
        """The same of a query, by its ``column``: what PostgreSQL has counted it joins the quicker way round."""
        self._exec(f"drop table if exists pg_temp.{table}")
        made = sql.SQL("create temporary table {} on commit drop as {}").format(
            sql.Identifier(table), sql.SQL(query)
        )
        psycopg.ClientCursor(self._connection).execute(made, self._ends)
        self._count(table, column)

    def _count(self, table: str, column: str) -> None:
        self._exec(f"analyze {table}")
        first, last = self._exec(f"select min({column}), max({column}) from {table}").one()  # noqa: S608
        self._ends |= {f"first_{table}": first or "", f"last_{table}": last or ""}

    def _span(self, table: str) -> str:
        """'between the first of the values in that table and the last', in the database's own order.

        A part of a large book is one stretch of it. Said in the query, its rows are found by their index: a join alone
        would read the whole book again for every part.
        """
        return f"between %(first_{table})s and %(last_{table})s"

    @property
    def _cases(self) -> str:
        """The cases ``c`` of these casegroups, to select from."""
        span = self._span("judged")
        return (
            f"judged j join (select * from held.csa_cases where casegroup_id {span}) c using (casegroup_id)"  # noqa: S608
        )

    def _read(
        self, query: str, values: Mapping[str, Any] | None = None, /, **columns: pa.DataType
    ) -> pa.Table:
        return copy_out(
            self._connection, query, pa.schema(list(columns.items())), {**self._ends, **(values or {})}
        )

    def judged(self) -> pa.Table:
        return self._read("select casegroup_id from judged order by casegroup_id", casegroup_id=TEXT)

    def sensitive(self) -> pa.Table:
        """Those of these casegroups that are nationally sensitive (R26)."""
        return self._read(
            "select casegroup_id from judged join closure.sensitive_casegroups using (casegroup_id)",
            casegroup_id=TEXT,
        )

    def cases(self) -> pa.Table:
        columns: dict[str, pa.DataType] = {
            "business_date": DAY, "csa_system": TEXT, "csa_case_id": TEXT, "casegroup_id": TEXT, "claimed_casegroup_id": TEXT,
            "scheme": TEXT, "paying_parent_id": TEXT, "receiving_parent_id": TEXT, "case_type": TEXT, "case_status": TEXT,
            "closed_reason": TEXT, "liability_end_date": DAY, "partially_clerical": FLAG, "nationally_sensitive": FLAG,
            "manual_inhibit": FLAG, "automatic_inhibit": FLAG, "closure_failure_code": TEXT, "rp_arrears_decision": TEXT,
            "rp_keep_pence": PENCE, "method_of_payment": TEXT, "pp_sort_code": TEXT, "pp_account_number": TEXT,
            "employer_reference": TEXT, "last_closed_on": DAY,
        }  # fmt: skip
        names = ", ".join(f"c.{name}" for name in columns)
        return self._read(f"select {names} from {self._cases}", **columns)  # noqa: S608

    def balances(self, file: str) -> pa.Table:
        """The latest arrival of each case, of csa_balances or clerical_balances; by its own casegroup where no case is held."""
        columns: dict[str, pa.DataType] = {
            "business_date": DAY, "balance_id": TEXT, "csa_system": TEXT, "csa_case_id": TEXT, "row_casegroup_id": TEXT,
            **dict.fromkeys((*BUCKET_COLUMNS, "total_pence"), PENCE), "arrears_from": DAY, "arrears_to": DAY,
        }  # fmt: skip
        names = ", ".join(f"b.{name}".replace("row_casegroup_id", "casegroup_id") for name in columns)
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
            **columns,
        )

    def _of_cases(self, table: str, columns: dict[str, pa.DataType]) -> pa.Table:
        """Rows about the cases of these casegroups; with '' among them, also about cases that are not held."""
        names = ", ".join(f"t.{name}" for name in columns)
        return self._read(
            f"""
            select {names} from {self._cases}
            join held.{table} t on t.csa_system = c.csa_system and t.csa_case_id = c.csa_case_id
            union all
            select {names} from held.{table} t
            where exists (select from judged where casegroup_id = '') and not exists (
                select from held.csa_cases c where c.csa_system = t.csa_system and c.csa_case_id = t.csa_case_id)
            """,  # noqa: S608
            **columns,
        )

    def inhibits(self) -> pa.Table:
        return self._of_cases("inhibits", {
            "business_date": DAY, "inhibit_id": TEXT, "csa_system": TEXT, "csa_case_id": TEXT, "reason": TEXT,
            "set_by_role": TEXT, "set_on": DAY, "removed_on": DAY,
        })  # fmt: skip

    def closure_failures(self) -> pa.Table:
        return self._of_cases("closure_failures", {
            "business_date": DAY, "csa_system": TEXT, "csa_case_id": TEXT, "failure_code": TEXT,
        })  # fmt: skip

    def resolutions(self) -> pa.Table:
        return self._of_cases("resolutions", {
            "business_date": DAY, "resolution_id": TEXT, "csa_system": TEXT, "csa_case_id": TEXT, "entity": TEXT,
            "field": TEXT, "old_value": TEXT, "new_value": TEXT, "entered_on": DAY,
        })  # fmt: skip

    def entered_for(self, party_ids: list[str]) -> pa.Table:
        """What was entered for these people, on whatever case, with the case's two parents as held; see ``of_people``."""
        self.fill("wanted_people", "party_id", party_ids)
        columns: dict[str, pa.DataType] = {
            "business_date": DAY,
            **dict.fromkeys(("resolution_id", "csa_system", "csa_case_id", "entity", "field", "old_value", "new_value"), TEXT),
            "entered_on": DAY,
        }  # fmt: skip
        parents = "('paying_parent_id', 'receiving_parent_id')"
        wanted = "(select party_id from wanted_people)"
        return self._read(
            f"""
            select {", ".join(f"r.{name}" for name in columns)}, c.paying_parent_id, c.receiving_parent_id
            from held.resolutions r join held.csa_cases c on c.csa_system = r.csa_system and c.csa_case_id = r.csa_case_id
            where (r.entity in ('PAYING_PARENT', 'RECEIVING_PARENT') or (r.entity = 'CASE' and r.field in {parents}))
              and (c.paying_parent_id in {wanted} or c.receiving_parent_id in {wanted} or exists (
                    select from held.resolutions m where m.csa_system = r.csa_system and m.csa_case_id = r.csa_case_id
                    and m.entity = 'CASE' and m.field in {parents} and m.new_value in {wanted}))
            """,  # noqa: S608
            **columns, paying_parent_id=TEXT, receiving_parent_id=TEXT,
        )  # fmt: skip

    def refused(self) -> pa.Table:
        """The last refused rows of each case that no later good row has mended.

        ``rule_codes`` and ``fields``, one for one, and ``told`` are lists as JSON. ``told``: the rules that an earlier one of the
        same case, sent under another casegroup, has broken: they are one exception (R38).
        """
        return self._read(
            f"""
            select to_json(r.rule_codes), to_json(r.fields), r.csa_system, r.csa_case_id,
                   coalesce(r.casegroup_id, k.casegroup_id), r.sensitive, r.original,
                   coalesce((
                       select json_agg(distinct code) from closure.refused_rows o cross join unnest(o.rule_codes) code
                       where o.csa_system = r.csa_system and o.csa_case_id = r.csa_case_id
                         and o.casegroup_id is distinct from r.casegroup_id
                         and (o.business_date, o.row_number) < (r.business_date, r.row_number)
                         and {_STILL_REFUSED.format('o')}), '[]')
            from closure.refused_rows r
            left join held.csa_cases k on k.csa_system = r.csa_system and k.csa_case_id = r.csa_case_id
            join judged j on j.casegroup_id = coalesce(r.casegroup_id, k.casegroup_id, '')
            where {_STILL_REFUSED.format('r')}
            order by r.business_date, r.row_number
            """,  # noqa: S608
            rule_codes=TEXT, fields=TEXT, csa_system=TEXT, csa_case_id=TEXT, casegroup_id=TEXT, sensitive=FLAG, original=TEXT,
            told=TEXT,
        )  # fmt: skip

    def standing(self) -> pa.Table:
        return self._read(
            """
            select g.casegroup_id, s.casegroup_id is not null as sensitive, g.outcome, g.reason, g.received_pence,
                   g.posted_pence, g.held_pence, g.credit_pence, g.completed_on, g.business_date
            from judged j join closure.casegroups g using (casegroup_id)
            left join closure.sensitive_casegroups s using (casegroup_id)
            """,
            casegroup_id=TEXT, sensitive=FLAG, outcome=TEXT, reason=TEXT, received_pence=PENCE, posted_pence=PENCE,
            held_pence=PENCE, credit_pence=PENCE, completed_on=DAY,
            business_date=DAY,
        )  # fmt: skip

    def positions(self) -> pa.Table:
        return self._read(
            """
            select p.casegroup_id, p.csa_system, p.csa_case_id, p.creditor, p.arrears_status, p.received_pence,
                   p.posted_pence, p.held_pence, p.credit_pence, p.business_date, p.credited_on
            from judged j join closure.positions p using (casegroup_id)
            """,
            casegroup_id=TEXT, csa_system=TEXT, csa_case_id=TEXT, creditor=TEXT, arrears_status=TEXT, received_pence=PENCE,
            posted_pence=PENCE, held_pence=PENCE, credit_pence=PENCE, business_date=DAY, credited_on=DAY,
        )  # fmt: skip

    def dues_now(self) -> pa.Table:
        """Dues of these casegroups as corrections have left them, with their period."""
        return self._read(
            f"""
            select d.csa_system || '/' || d.csa_case_id, d.csa_system, d.csa_case_id, d.creditor, d.arrears_status,
                   n.amount_pence, d.arrears_from, d.arrears_to
            from judged j join closure.dues d using (casegroup_id) cross join lateral ({AMOUNT_NOW.format("d")}) n
            """,  # noqa: S608
            case_key=TEXT, csa_system=TEXT, csa_case_id=TEXT, creditor=TEXT, arrears_status=TEXT, amount_pence=PENCE,
            arrears_from=DAY, arrears_to=DAY,
        )  # fmt: skip

    def completed_periods(self) -> pa.Table:
        """The period each case of a completed casegroup had when it completed; also where nothing was owed.

        That is of its last arrival by then in the order in which nights took in their extracts, whatever their dates.
        """
        return self._read(
            """
            select distinct on (b.csa_system, b.csa_case_id) b.csa_system || '/' || b.csa_case_id, b.arrears_from, b.arrears_to
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
            """,
            case_key=TEXT, arrears_from=DAY, arrears_to=DAY,
        )  # fmt: skip

    def open_exceptions(self) -> pa.Table:
        """What is open of these casegroups; also what opened before its case was held, under the casegroup it has now (R43)."""
        names = """e.exception_id, e.business_date, e.rule_code, e.severity, e.csa_system, e.csa_case_id, {},
                   e.subject, e.subject_reference, e.status, e.route"""
        own = names.format("e.casegroup_id")
        unplaced = "e.casegroup_id is null and e.status <> 'RESOLVED'"
        return self._read(
            f"""
            select {own} from judged j join closure.exceptions e using (casegroup_id) where e.status <> 'RESOLVED'
            union all
            select {names.format("c.casegroup_id")} from closure.exceptions e
            join held.csa_cases c on c.csa_system = e.csa_system and c.csa_case_id = e.csa_case_id
            join judged j on j.casegroup_id = c.casegroup_id where {unplaced}
            union all
            select {own} from closure.exceptions e
            where {unplaced} and exists (select from judged where casegroup_id = '') and not exists (
                select from held.csa_cases c where c.csa_system = e.csa_system and c.csa_case_id = e.csa_case_id)
            """,  # noqa: S608
            exception_id=TEXT, business_date=DAY, rule_code=TEXT, severity=TEXT, csa_system=TEXT, csa_case_id=TEXT,
            casegroup_id=TEXT, subject=TEXT, subject_reference=TEXT,
            status=TEXT,
            route=TEXT,
        )  # fmt: skip

    def cms_cases(self) -> pa.Table:
        """What these casegroups have on CMS; ``parents`` names the pair that shares a case created here."""
        return self._read(
            """
            select m.csa_system || '/' || m.csa_case_id, m.csa_system, m.csa_case_id, m.casegroup_id, m.cms_case_id,
                   m.cms_casegroup_id, m.scheme, m.origin,
                   m.casegroup_id || '/' || coalesce(c.paying_parent_id, '') || '/' || coalesce(c.receiving_parent_id, '')
            from judged j join closure.cms_cases m using (casegroup_id)
            left join held.csa_cases c on c.csa_system = m.csa_system and c.csa_case_id = m.csa_case_id
            order by m.cms_case_id collate "C", m.csa_system, m.csa_case_id
            """,
            case_key=TEXT, csa_system=TEXT, csa_case_id=TEXT, casegroup_id=TEXT, cms_case_id=TEXT, cms_casegroup_id=TEXT,
            scheme=TEXT, origin=TEXT, parents=TEXT,
        )  # fmt: skip

    def children(self) -> pa.Table:
        """The cases of these casegroups that have a child."""
        return self._read(
            f"""
            select c.csa_system || '/' || c.csa_case_id from {self._cases}
            where exists (select from held.csa_children k where k.csa_system = c.csa_system and k.csa_case_id = c.csa_case_id)
            """,  # noqa: S608
            case_key=TEXT,
        )

    def parties(self, party_ids: list[str]) -> pa.Table:
        self.fill("wanted_parties", "party_id", party_ids)
        columns: dict[str, pa.DataType] = {
            "party_id": TEXT, "title": TEXT, "forenames": TEXT, "surname": TEXT, "date_of_birth": DAY, "date_of_death": DAY,
            "nino": TEXT, "dlo": FLAG,
            **dict.fromkeys((*addresses.CLIENT_COLUMNS, *addresses.REPRESENTATIVE_COLUMNS), TEXT),
        }  # fmt: skip
        names = ", ".join(f"p.{name}" for name in columns)
        return self._read(
            f"""
            select {names} from wanted_parties w
            join (select * from held.csa_parties where party_id {self._span("wanted_parties")}) p using (party_id)
            """,  # noqa: S608
            **columns,
        )

    def cis(self, matched_on: list[str]) -> pa.Table:
        """CIS persons by the first eight characters of a NINO."""
        self.fill("wanted_ninos", "matched_on", matched_on)
        return self._read(
            f"""
            select w.matched_on, p.nino, p.forenames, p.surname, p.date_of_birth, p.date_of_death, p.superseded_by_nino,
                   p.interest_registered, p.benefit_code, p.benefit_live
            from wanted_ninos w join held.cis_persons p on {MATCHED_ON.format("p.nino")} = w.matched_on
            """,  # noqa: S608
            matched_on=TEXT, nino=TEXT, forenames=TEXT, surname=TEXT, date_of_birth=DAY, date_of_death=DAY,
            superseded_by_nino=TEXT, interest_registered=FLAG, benefit_code=TEXT, benefit_live=FLAG,
        )  # fmt: skip

    def register(self, payers_matched_on: list[str]) -> pa.Table:
        """The CMS register by its paying parents' NINO."""
        self.fill("wanted_payers", "matched_on", payers_matched_on)
        return self._read(
            f"""
            select r.cms_case_id, r.cms_casegroup_id, r.case_owner, {CLEANED.format("r.paying_parent_nino")},
                   {CLEANED.format("r.receiving_parent_nino")}, w.matched_on, {MATCHED_ON.format("r.receiving_parent_nino")}
            from wanted_payers w join held.cms_register r on {MATCHED_ON.format("r.paying_parent_nino")} = w.matched_on
            """,  # noqa: S608
            cms_case_id=TEXT, cms_casegroup_id=TEXT, case_owner=TEXT, pp_nino=TEXT, rp_nino=TEXT, pp_matched_on=TEXT,
            rp_matched_on=TEXT,
        )  # fmt: skip

    def payer_casegroups(self) -> pa.Table:
        """CMS casegroups made here before, by paying parent; after ``register`` and for the same ones."""
        return self._read(
            """
            select w.matched_on, min(m.cms_casegroup_id collate "C") from wanted_payers w
            join closure.cms_cases m on m.paying_parent_matched_on = w.matched_on group by w.matched_on
            """,
            matched_on=TEXT, cms_casegroup_id=TEXT,
        )  # fmt: skip

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
            select casegroup_id,
                   (array_agg(case_owner order by cms_case_id collate "C") filter (where case_owner is not null))[1]
            from on_cms group by casegroup_id
            """,  # noqa: S608
            casegroup_id=TEXT, case_owner=TEXT,
        )  # fmt: skip

    def covering_letters(self, on: date) -> pa.Table:
        """The covering letters they have of that night already, from closure."""
        return self._read(
            """
            select l.letter_id from judged join closure.letters l using (casegroup_id)
            where l.business_date = %(on)s and l.recipient_role = 'REPRESENTATIVE'
            """,
            {"on": on},
            letter_id=TEXT,
        )

    def on_cms(self) -> pa.Table:
        """The cases of these casegroups that are on CMS: on the register by both parents, or recorded here."""
        return self._read(
            f"""
            select c.csa_system || '/' || c.csa_case_id from judged join held.csa_cases c using (casegroup_id)
            where exists (select from closure.cms_cases m where m.csa_system = c.csa_system and m.csa_case_id = c.csa_case_id)
               or exists (
                select from held.csa_parties p, held.csa_parties q, held.cms_register r
                where p.party_id = c.paying_parent_id and q.party_id = c.receiving_parent_id
                  and {MATCHED_ON.format("r.paying_parent_nino")} = {MATCHED_ON.format("p.nino")}
                  and {MATCHED_ON.format("r.receiving_parent_nino")} = {MATCHED_ON.format("q.nino")})
            """,  # noqa: S608
            case_key=TEXT,
        )

    def clerical_items(self) -> pa.Table:
        """What has been put to a caseworker of these casegroups' clerical balances and is open."""
        return self._read(
            """
            select w.work_item_id, w.type, w.casegroup_id, w.csa_system || '/' || w.csa_case_id
            from judged join closure.work_items w using (casegroup_id)
            where w.subject_reference is null and w.type in ('ADD_CORRECT_ARREARS', 'ARREARS_ONLY_APPLICATION')
              and w.status <> 'CLOSED'
            """,
            work_item_id=TEXT, type=TEXT, casegroup_id=TEXT, case_key=TEXT,
        )  # fmt: skip
