"""A book to reconcile, made by the server itself, and the plain join that its reconciliation is held against.

Belongs here: filling the tables that a reconciliation reads, as many nights would have left them. Does not belong here: the
reconciliation. No night is run: what is measured begins when the book is there.
"""

from __future__ import annotations

import time
from datetime import date

from case_closure.store import database

# The nights of the book run up to its last one; it is reconciled as at the one before, so that what was replaced is used.
ON, LAST = date(2017, 8, 18), date(2017, 8, 21)

# Amounts of two buckets a case; every 500th of one has a break of a kind of its own, one in 2,000 casegroups is sensitive.
_CASE = "'CS2', 'C' || c.number, 'G' || c.number * 6 / 7"
_AMOUNT = "100 + c.number::bigint * 7919 % 1000000"
_NIGHT = "date '2017-08-01' + (c.number % 18)"
_FILL = """
    create temporary table c on commit drop as select number from generate_series(1, {cases}) number;
    insert into closure.nights (business_date, status, run_id, started_at, extract_id, succeeded)
        select d, 'SUCCESS', 'bench', d, 'DW-' || d::date, true
        from (values (timestamp '{on}'), (timestamp '{last}')) n (d);
    insert into held.csa_cases (csa_system, csa_case_id, casegroup_id, business_date, changed_on)
        select {case}, {night}, {night} from c;
    insert into closure.casegroups (casegroup_id, received_pence, posted_pence, held_pence, credit_pence, business_date)
        select distinct 'G' || c.number * 6 / 7, 0, 0, 0, 0, date '{on}' from c;
    insert into closure.sensitive_casegroups (casegroup_id, business_date)
        select distinct 'G' || c.number * 6 / 7, date '{on}' from c where c.number * 6 / 7 % 2000 = 0;
    insert into closure.end_liability (csa_system, csa_case_id, casegroup_id, tranche_id, journey, selected_on, led)
        select {case}, 'T' || c.number % 40, 'PROACTIVE', date '2017-06-01', date '2017-07-31' from c;
    insert into closure.positions (casegroup_id, csa_system, csa_case_id, creditor, arrears_status, received_pence, posted_pence,
                                   held_pence, credit_pence, business_date)
        select 'G' || c.number * 6 / 7, 'CS2', 'C' || c.number, b, 'ACTIVE', a, case when h then 0 else a end,
               case when h then a else 0 end, 0, case when c.number % 33 = 0 then date '{last}' else {night} end
        from c cross join (values ('RP'), ('GB_SOS')) buckets (b),
             lateral (select {amount} as a, c.number % 30 = 0 as h) f
        where c.number % 1000 <> 0;
    insert into closure.position_history (casegroup_id, csa_system, csa_case_id, creditor, arrears_status, received_pence,
                                          posted_pence, held_pence, credit_pence, business_date, since, replaced_on)
        select casegroup_id, csa_system, csa_case_id, creditor, arrears_status, received_pence, 0, received_pence, 0,
               date '2017-08-03', date '2017-08-03', date '{last}'
        from closure.positions where business_date = date '{last}';
    insert into held.csa_closing_ledger (csa_system, csa_case_id, creditor, arrears_status, amount_pence, written_off_pence,
                                         business_date, changed_on)
        select 'CS2', 'C' || c.number, b, 'ACTIVE',
               {amount} + case when b = 'RP' and c.number % 500 = 0 then 1 + c.number / 500 % 2 else 0 end,
               c.number % 7, {night}, {night}
        from c cross join (values ('RP'), ('GB_SOS')) buckets (b)
        where c.number % 1500 <> 0;
"""
_JOIN = """
    create temporary table joined on commit drop as
    select coalesce(p.csa_system, l.csa_system) as csa_system, coalesce(p.csa_case_id, l.csa_case_id) as csa_case_id,
           coalesce(p.creditor, l.creditor) as creditor, coalesce(p.arrears_status, l.arrears_status) as arrears_status,
           l.amount_pence, l.written_off_pence, p.received_pence, p.posted_pence, p.held_pence, p.credit_pence
    from closure.positions p
    full join held.csa_closing_ledger l on l.csa_system = p.csa_system and l.csa_case_id = p.csa_case_id
        and l.creditor = p.creditor and l.arrears_status = p.arrears_status
"""


def fill(url: str, casegroups: int) -> int:
    """Fill an empty store with the book of so many casegroups; returns the amounts in it."""
    script = _FILL.format(
        cases=casegroups * 7 // 6, on=ON, last=LAST, case=_CASE, amount=_AMOUNT, night=_NIGHT
    )
    with database.transaction(url) as connection:
        for statement in script.split(";"):
            if statement.strip():
                connection.exec_driver_sql(statement.replace("%", "%%"))
        count = connection.exec_driver_sql("select count(*) from held.csa_closing_ledger").scalar_one()
    vacuum(url)
    return int(count)


def vacuum(url: str) -> None:
    """As the server does by itself between two nights."""
    with database.engine(url).connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("vacuum analyze")


def full_outer_join(url: str) -> float:
    """The seconds the server needs to put both sides beside each other, key by key, and keep the result."""
    with database.transaction(url) as connection:
        connection.exec_driver_sql("select 1")  # connected before the clock starts
        began = time.perf_counter()
        connection.exec_driver_sql(_JOIN)
        return time.perf_counter() - began
