"""A peak day's receipts against the whole book: the stage that finds their owners and pays dues, against plain SQL.

Belongs here: a book made on the server itself, and the two things timed. Does not belong here: the night.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

from sqlalchemy import text

from bench.book import vacuum
from case_closure.night import allocate_payments
from case_closure.night.context import NightContext
from case_closure.settings import Settings
from case_closure.store import database

ON = date(2017, 8, 10)
RECEIPTS = 100_000
# Of each paying parent a receipt of 60.00 reaches two dues of 50.00: all of the first, 10.00 of the second.
_BOOK = """
    insert into held.csa_parties (business_date, changed_on, party_id, surname, nino)
        select date '2017-08-09', date '2017-08-09', who || number, 'Walker-' || number % 5000,
               (array['AB', 'AC', 'CE', 'CH'])[1 + number / 1000000 + case when who = 'R' then 2 else 0 end]
               || lpad((number % 1000000)::text, 6, '0') || 'A'
        from generate_series(1, {casegroups}) number cross join (values ('P'), ('R')) v (who) order by hashint8(number);
    insert into held.csa_cases (business_date, changed_on, csa_system, csa_case_id, casegroup_id, claimed_casegroup_id,
                                paying_parent_id, receiving_parent_id, case_status, closed_reason)
        select date '2017-08-09', date '2017-08-09', 'CS2', 'C' || number, 'G' || number, 'G' || number, 'P' || number,
               'R' || number, 'CLOSED', 'CASE_CLOSURE'
        from generate_series(1, {casegroups}) number order by hashint8(number);
    insert into closure.casegroups (casegroup_id, outcome, reason, received_pence, posted_pence, held_pence, credit_pence,
                                    completed_on, business_date)
        select 'G' || number, 'TRANSITION_COMPLETE', 'ARREARS_ADDED', 10000, 10000, 0, 0, date '2017-08-09', date '2017-08-09'
        from generate_series(1, {casegroups}) number order by hashint8(number);
    insert into closure.dues (due_id, business_date, casegroup_id, cms_casegroup_id, cms_case_id, csa_system, csa_case_id, scheme,
                              creditor, arrears_status, posted_pence, arrears_from, arrears_to)
        select 'CS2-C' || number || '-' || creditor || '-ACTIVE', date '2017-08-09', 'G' || number, 'X', 'X', 'CS2',
               'C' || number, '2003', creditor, 'ACTIVE', 5000, date '2010-01-01', date '2017-01-01'
        from generate_series(1, {casegroups}) number cross join (values ('RP'), ('GB_SOS')) v (creditor)
        order by hashint8(number);
    insert into closure.nights (business_date, status, run_id, stage, started_at, extract_number)
        values (date '{on}', 'OPEN', 'bench', 'allocate_payments', date '{on}', 1);
    insert into held.csa_payments (business_date, extract_number, row_number, csa_system, nino, forenames, surname,
                                   csa_receipt_reference, value)
        select date '{on}', 1, number, 'CS2', q.nino, 'Alex', upper(q.surname), 'REC' || number, '60.00'
        from generate_series(1, {receipts}) number
        join held.csa_parties q on q.party_id = 'P' || number * ({casegroups} / {receipts})
"""
_PLAIN = """
    insert into closure.payments (payment_id, source, reference, business_date, extract_number, row_number, csa_system,
                                  amount_pence, is_first, casegroup_id, status, allocated_pence, allocated_on)
        select 'CSA-' || p.csa_receipt_reference || '-' || p.business_date || '-' || p.csa_system || '-6000-1', 'CSA',
               p.csa_receipt_reference, p.business_date, p.extract_number, p.row_number, p.csa_system,
               (p.value::numeric * 100)::bigint, true, c.casegroup_id, 'ALLOCATED', (p.value::numeric * 100)::bigint,
               p.business_date
        from held.csa_payments p
        join held.csa_parties q on left(upper(replace(q.nino, ' ', '')), 8) = left(upper(replace(p.nino, ' ', '')), 8)
            and lower(q.surname) = lower(p.surname)
        join held.csa_cases c on c.paying_parent_id = q.party_id
        join closure.casegroups g on g.casegroup_id = c.casegroup_id and g.completed_on is not null
        where p.business_date = :on;
    insert into closure.payment_events (payment_id, business_date, status, casegroup_id, allocated_pence, by_what)
        select payment_id, business_date, status, casegroup_id, allocated_pence, 'NIGHT' from closure.payments;
    insert into closure.ledger (entry_id, business_date, due_id, kind, amount_pence, reference)
        select d.due_id || '-ALLOCATION-' || p.payment_id, p.business_date, d.due_id, 'ALLOCATION',
               case when d.creditor = 'RP' then -5000 else -1000 end, p.reference
        from closure.payments p join closure.dues d using (casegroup_id)
"""
_MADE = ("payments", "payment_events", "ledger")


def fill(url: str, casegroups: int) -> None:
    """A book of so many casegroups that are complete, and a night that holds a peak day's receipts, in an empty store."""
    script = _BOOK.format(casegroups=casegroups, receipts=RECEIPTS, on=ON)
    with database.transaction(url) as connection:
        for statement in script.split(";"):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    vacuum(url)


def allocate(url: str) -> tuple[dict[str, int], float]:
    """The stage, from its first query to its commit, its gates loaded before; the rows it made, and seconds."""
    from case_closure.gates import engine, suites  # noqa: F401

    context = NightContext(ON, "bench", None, None, Settings.from_environment(), lambda: datetime.now(UTC))
    began = time.perf_counter()
    allocate_payments.run(context, url)
    took = time.perf_counter() - began
    return _made(url), took


def plain(url: str) -> tuple[dict[str, int], float]:
    """The same rows by joins and inserts of the server alone, in one transaction; how many, and seconds."""
    with database.transaction(url) as connection:
        connection.exec_driver_sql("select 1")  # connected before the clock starts
        began = time.perf_counter()
        for statement in _PLAIN.split(";"):
            connection.execute(text(statement), {"on": ON} if ":on" in statement else {})
    took = time.perf_counter() - began
    return _made(url), took


def _made(url: str) -> dict[str, int]:
    with database.transaction(url) as connection:
        return {
            name: int(connection.exec_driver_sql(f"select count(*) from closure.{name}").scalar_one()) for name in _MADE  # noqa: S608
        }  # fmt: skip


def forget(url: str) -> None:
    """As if nothing had ever been paid."""
    with database.transaction(url) as connection:
        connection.exec_driver_sql(
            "truncate closure.payments, closure.payment_events, closure.ledger, closure.gate_results, closure.shares, "
            "closure.shares_apart"
        )
