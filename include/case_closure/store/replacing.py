"""What a night's extract overwrites is kept until the night is closed, so that another extract can take its place whole.

Belongs here: keeping the rows of schema ``held`` as they were before tonight, and putting them back when an extract that
was held is replaced by another of the same date (R22). Does not belong here: holding rows (``holding``).

What the night had already acted on stays: a casegroup that an application moved, that was selected, set up, written to or
completed was told of what lay there then. Its rows are overwritten by the new extract as any are, and a balance that was
completed is changed only as R20 says.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, text

from case_closure.store import casegroups, debts, payments
from case_closure.store.schema.tables import ARRIVALS, HELD_TABLES, held_key
from case_closure.tables.landed import FILES, FileContract

_ROW_KEY = "row({})::text"


def _key(name: str, of: str) -> str:
    return _ROW_KEY.format(", ".join(f"{of}.{column}" for column in held_key(FILES[name])))


def keep_where(connection: Connection, on: date, name: str, which: str) -> None:
    """Keep the rows ``h`` of ``held.<name>`` of which the condition holds, as they are now, before tonight takes them away."""
    _keep(connection, on, name, which)


def keep_rows(connection: Connection, on: date, contract: FileContract, stage: str) -> None:
    """Keep the held rows that those of the table ``stage`` are about to change, as they are now."""
    name = contract.name
    same = " and ".join(f"h.{column} = s.{column}" for column in held_key(contract))
    _keep(connection, on, name, f"exists (select from {stage} s where {same})")


def keep_of_cases(connection: Connection, on: date, name: str, cases: str) -> None:
    """Keep the rows of ``held.<name>`` about the cases in the table ``cases``, as they are now."""
    same = "c.csa_system = h.csa_system and c.csa_case_id = h.csa_case_id"
    latest = " and h.is_latest" if name in ARRIVALS else ""
    _keep(connection, on, name, f"exists (select from {cases} c where {same}){latest}")


def keep_without_case(connection: Connection, on: date, name: str) -> None:
    """Keep the latest arrivals that have no case number: which of them tonight replaces turns on more than a key."""
    _keep(connection, on, name, "h.is_latest and (h.csa_system is null or h.csa_case_id is null)")


def _keep(connection: Connection, on: date, name: str, which: str) -> None:
    """The first version counts; a row that came tonight was not there before it."""
    connection.execute(
        text(
            f"""
            insert into closure.replaced_rows (business_date, file_name, row_key, original)
            select :on, :file, {_key(name, "h")}, to_jsonb(h) from held.{name} h
            where h.business_date <> :on and {which}
            on conflict do nothing
            """  # noqa: S608  the condition is of this module
        ),
        {"on": on, "file": name},
    )


def forget(connection: Connection, on: date) -> None:
    """The night is closed: what it replaced is not needed any more."""
    connection.execute(text("delete from closure.replaced_rows where business_date = :on"), {"on": on})
    connection.execute(
        text("delete from closure.casegroups_taken_back where business_date = :on"), {"on": on}
    )


# What tonight has already told somebody, or stored for good.
_ACTED = """
    create temporary table acted on commit drop as
    select casegroup_id, bool_or(completed) as completed from (
        select casegroup_id, true as completed from closure.casegroups where completed_on = :on
        union all select casegroup_id, false from closure.end_liability where :on in (selected_on, became_reactive_on)
        union all select casegroup_id, false from closure.cms_cases where created_on = :on
        union all select casegroup_id, false from closure.letters where business_date = :on) t
    group by casegroup_id
"""
_CASE_ACTED = """
    exists (select from held.csa_cases c join acted a using (casegroup_id)
            where c.csa_system = h.csa_system and c.csa_case_id = h.csa_case_id{})
"""
_KEPT = {
    "csa_cases": "exists (select from acted a where a.casegroup_id = h.casegroup_id)",
    "csa_children": _CASE_ACTED.format(""),
    # What a command entered came with no extract, and goes with none.
    "resolutions": f"h.entered_at is not null or {_CASE_ACTED.format('')}",
    # What is only held is counted anew; what was posted is the evidence of its dues.
    "csa_balances": _CASE_ACTED.format(" and a.completed"),
    "clerical_balances": "false",
    "csa_parties": "exists (select from acted_parents p where p.party_id = h.party_id)",
    # What was applied is in the ledger for good.
    "corrections": "exists (select from closure.ledger l where l.kind = 'CORRECTION' and l.reference = h.correction_id)",
    "cms_applications": "exists (select from closure.applications a where a.application_id = h.application_id "
    "and a.business_date = :on)",
}


def take_back(connection: Connection, on: date) -> None:
    """Take back what an earlier extract of this night brought and nothing was done with; what it overwrote stands again."""
    casegroups.keep_changed(connection, on)
    payments.take_back(connection, on)
    connection.execute(text(_ACTED), {"on": on})
    connection.exec_driver_sql(
        """
        create temporary table acted_parents on commit drop as
        select c.paying_parent_id as party_id from held.csa_cases c join acted using (casegroup_id)
        union select c.receiving_parent_id from held.csa_cases c join acted using (casegroup_id)
        """
    )
    # Cases last: whose row a balance or a child is, they tell.
    for name in sorted(HELD_TABLES, key=lambda name: (name == "csa_cases", name)):
        _take_back(connection, on, name)
    connection.execute(
        text("update closure.refused_rows set answered_on = null where answered_on = :on"), {"on": on}
    )
    # What went with a case that is back where it was is back too.
    went = "e.casegroup_since = :on and e.previous_casegroup_id is not null and e.status <> 'RESOLVED'"
    connection.execute(
        text(
            f"""
            update closure.work_items w set casegroup_id = e.previous_casegroup_id from closure.exceptions e
            where w.subject_reference = e.exception_id and w.casegroup_id = e.casegroup_id and {went}
            """  # noqa: S608
        ),
        {"on": on},
    )
    connection.execute(
        text(
            f"""
            update closure.exceptions e
            set casegroup_id = previous_casegroup_id, previous_casegroup_id = null, casegroup_since = null where {went}
            """  # noqa: S608
        ),
        {"on": on},
    )
    connection.execute(text("delete from closure.closing_ledger_history where replaced_on = :on"), {"on": on})
    debts.take_back(connection, on)
    for table in ("acted", "acted_parents"):
        connection.exec_driver_sql(f"drop table {table}")


def _take_back(connection: Connection, on: date, name: str) -> None:
    columns = ", ".join(column.name for column in HELD_TABLES[name].columns)
    goes = f"not coalesce({_KEPT.get(name, 'false')}, false)"
    connection.exec_driver_sql("drop table if exists pg_temp.taken_back")
    connection.execute(
        text(
            f"""
            create temporary table taken_back on commit drop as
            select h.* from held.{name} h where {goes} and (h.business_date = :on or exists (
                select from closure.replaced_rows r where r.business_date = :on and r.file_name = :file
                and r.row_key = {_key(name, "h")}))
            """  # noqa: S608
        ),
        {"on": on, "file": name},
    )
    same = " and ".join(f"t.{column} = h.{column}" for column in held_key(FILES[name]))
    connection.exec_driver_sql(f"delete from held.{name} h using taken_back t where {same}")  # noqa: S608
    connection.execute(
        text(
            f"""
            insert into held.{name} ({columns})
            select {columns} from (
                select (jsonb_populate_record(null::held.{name}, r.original)).* from closure.replaced_rows r
                where r.business_date = :on and r.file_name = :file) h
            where not exists (select from held.{name} t where {same})
            """  # noqa: S608
        ),
        {"on": on, "file": name},
    )
    connection.execute(
        text(
            f"""
            delete from closure.replaced_rows r where r.business_date = :on and r.file_name = :file
              and exists (select from taken_back h where {_key(name, "h")} = r.row_key)
            """  # noqa: S608
        ),
        {"on": on, "file": name},
    )
    if name in ARRIVALS:
        _stand_again(connection, name)


def _stand_again(connection: Connection, name: str) -> None:
    """The latest arrivals that are left of the cases whose arrivals were taken back are the latest again."""
    connection.exec_driver_sql(
        f"""
        update held.{name} h set is_latest = true
        from (select distinct csa_system, csa_case_id from taken_back) t
        where h.csa_system = t.csa_system and h.csa_case_id = t.csa_case_id and h.is_new and not h.is_latest
          and (h.business_date, h.extract_number) = (
            select l.business_date, l.extract_number from held.{name} l
            where l.csa_system = h.csa_system and l.csa_case_id = h.csa_case_id and l.is_new
            order by l.business_date desc, l.extract_number desc limit 1)
        """  # noqa: S608
    )
