"""Gathering the payment rows a night judges, and whom they could belong to.

Belongs here: the queries of the stage ``gate_payments``. Does not belong here: casegroups (``casegroups``), judging.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, text

from case_closure.stages.gate_payments import Payments
from case_closure.store.copy import copy_out, select_list
from case_closure.store.database import raw
from case_closure.store.schema.tables import MATCHED_ON
from case_closure.tables import handed


def payments(connection: Connection, on: date, *, own: bool) -> Payments:
    """The night's payment rows and those behind an exception still open (``own``: the night's alone); what else came under
    their references;
    and the paying parents of casegroups closed by case closure who have one of their NINOs."""
    names = select_list(handed.PAYMENTS, "p", row_value="p.value")
    extract = "(select extract_number from closure.nights where business_date = p.business_date)"
    connection.execute(
        text(
            f"""
            create temporary table judged_payments on commit drop as
            select {names} from held.csa_payments p
            where p.business_date = :on and p.extract_number = {extract}
            union all
            select {names} from held.csa_payments p
            where not :own and p.business_date <> :on and exists (
                select from closure.exceptions e
                where e.subject_reference = p.csa_receipt_reference and e.csa_system = p.csa_system
                  and e.business_date = p.business_date
                  and e.status <> 'RESOLVED' and e.rule_code in ('payment_owner_unknown', 'payment_name_mismatch'))
            """  # noqa: S608
        ),
        {"on": on, "own": own},
    )
    connection.exec_driver_sql("analyze judged_payments")
    driver = raw(connection)
    order = "order by business_date, csa_system, row_number"
    judged = copy_out(
        driver,
        f"select {select_list(handed.PAYMENTS, 'j')} from judged_payments j {order}",  # noqa: S608
        handed.PAYMENTS,
    )
    seen = copy_out(
        driver,
        f"""
        select {select_list(handed.PAYMENTS_SEEN, "p", row_value="p.value")} from held.csa_payments p
        where p.csa_receipt_reference in (select csa_receipt_reference from judged_payments)
          and not exists (select from judged_payments j where j.business_date = p.business_date
                          and j.csa_system = p.csa_system and j.row_number = p.row_number)
        order by p.business_date, p.csa_system, p.row_number
        """,  # noqa: S608
        handed.PAYMENTS_SEEN,
    )
    names = select_list(
        handed.PAYERS_BY_NAME, "q", matched_on=MATCHED_ON.format("q.nino"), casegroup_id="c.casegroup_id"
    )
    known = copy_out(
        driver,
        f"""
        select distinct {names}
        from held.csa_parties q join held.csa_cases c on c.paying_parent_id = q.party_id
        where c.case_status = 'CLOSED' and c.closed_reason = 'CASE_CLOSURE'
          and {MATCHED_ON.format("q.nino")} in (select {MATCHED_ON.format("nino")} from judged_payments)
        """  # noqa: S608
        if judged.num_rows
        else "select null as matched_on, null as casegroup_id, null as surname where false",
        handed.PAYERS_BY_NAME,
    )
    return Payments.read({"payments": judged, "seen": seen, "payers": known})
