"""Gathering the payment and correction rows a night judges, and whom they could belong to.

Belongs here: the queries of the stage ``gate_payments``. Does not belong here: casegroups (``casegroups``), judging.
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.store.casegroups import DAY, NUMBER, PENCE, TEXT, Gather
from case_closure.store.copy import copy_out
from case_closure.store.database import raw
from case_closure.store.schema.tables import MATCHED_ON
from case_closure.tables.frames import Frames, to_frame

_PAYMENT = {
    "business_date": DAY, "row_number": NUMBER, "csa_system": TEXT, "nino": TEXT, "forenames": TEXT, "surname": TEXT,
    "csa_receipt_reference": TEXT, "row_value": TEXT,
}  # fmt: skip
_NAMES = ", ".join(f"p.{name}" for name in _PAYMENT).replace("row_value", "value")


def payments(connection: Connection, on: date, *, own: bool) -> Frames:
    """The night's payment rows and those behind an exception still open (``own``: the night's alone); what else came under
    their references;
    and the paying parents of casegroups closed by case closure who have one of their NINOs."""
    extract = "(select extract_number from closure.nights where business_date = p.business_date)"
    connection.execute(
        text(
            f"""
            create temporary table judged_payments on commit drop as
            select {_NAMES.replace("p.value", "p.value as row_value")} from held.csa_payments p
            where p.business_date = :on and p.extract_number = {extract}
            union all
            select {_NAMES} from held.csa_payments p
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
        f"select {', '.join(_PAYMENT)} from judged_payments {order}",  # noqa: S608
        pa.schema(list(_PAYMENT.items())),
    )
    seen = copy_out(
        driver,
        """
        select p.csa_receipt_reference, p.value as row_value from held.csa_payments p
        where p.csa_receipt_reference in (select csa_receipt_reference from judged_payments)
          and not exists (select from judged_payments j where j.business_date = p.business_date
                          and j.csa_system = p.csa_system and j.row_number = p.row_number)
        order by p.business_date, p.csa_system, p.row_number
        """,
        pa.schema([("csa_receipt_reference", TEXT), ("row_value", TEXT)]),
    )
    payers = pa.schema([("matched_on", TEXT), ("casegroup_id", TEXT), ("surname", TEXT)])
    known = copy_out(
        driver,
        f"""
        select distinct {MATCHED_ON.format("q.nino")} as matched_on, c.casegroup_id, q.surname
        from held.csa_parties q join held.csa_cases c on c.paying_parent_id = q.party_id
        where c.case_status = 'CLOSED' and c.closed_reason = 'CASE_CLOSURE'
          and {MATCHED_ON.format("q.nino")} in (select {MATCHED_ON.format("nino")} from judged_payments)
        """  # noqa: S608
        if judged.num_rows
        else "select null as matched_on, null as casegroup_id, null as surname where false",
        payers,
    )
    return {"payments": to_frame(judged), "seen": to_frame(seen), "payers": to_frame(known)}


def corrections(connection: Connection, on: date, *, own: bool) -> Frames:
    """The night's corrections and those behind an exception still open (``own``: the night's alone), and the dues of their
    cases."""
    columns = {
        "correction_id": TEXT, "csa_system": TEXT, "csa_case_id": TEXT, "creditor": TEXT, "arrears_status": TEXT,
        "new_amount_pence": PENCE, "reason": TEXT,
    }  # fmt: skip
    connection.execute(
        text(
            f"""
            create temporary table judged_corrections on commit drop as
            select {", ".join(columns)} from held.corrections where business_date = :on
               or not :own and correction_id in (select subject_reference from closure.exceptions
                                                 where status <> 'RESOLVED' and stage = 'corrections')
            """  # noqa: S608
        ),
        {"on": on, "own": own},
    )
    driver = raw(connection)
    rows = copy_out(
        driver,
        f"select {', '.join(columns)} from judged_corrections order by correction_id",  # noqa: S608
        pa.schema(list(columns.items())),
    )
    dues = copy_out(
        driver,
        """
        select d.csa_system, d.csa_case_id, d.casegroup_id, d.creditor, d.arrears_status from closure.dues d
        where (d.csa_system, d.csa_case_id) in (select csa_system, csa_case_id from judged_corrections)
        """,
        pa.schema(
            [
                (name, TEXT)
                for name in ("csa_system", "csa_case_id", "casegroup_id", "creditor", "arrears_status")
            ]
        ),
    )
    return {"corrections": to_frame(rows), "dues": to_frame(dues)}


def has_open_exceptions(connection: Connection, on: date) -> bool:
    """Whether a payment or correction of that night is still refused."""
    query = """
        select exists (select from closure.exceptions where business_date = :on and status <> 'RESOLVED'
                       and stage in ('payments', 'corrections'))
    """
    return bool(connection.execute(text(query), {"on": on}).scalar_one())


def before(connection: Connection, casegroup_ids: pd.Series) -> Frames:
    """The exceptions of these rules that are open, and the routes of the casegroups found."""
    names = (
        "exception_id",
        "rule_code",
        "casegroup_id",
        "csa_system",
        "csa_case_id",
        "subject",
        "subject_reference",
    )
    schema = pa.schema([(name, TEXT) for name in names])
    held = copy_out(
        raw(connection),
        f"select {', '.join(schema.names)} from closure.exceptions "  # noqa: S608
        "where status <> 'RESOLVED' and stage in ('payments', 'corrections')",
        schema,
    )
    routes = Gather(connection, casegroup_ids.dropna().unique().tolist()).routes()
    return {"open_exceptions": to_frame(held), "routes": to_frame(routes)}
