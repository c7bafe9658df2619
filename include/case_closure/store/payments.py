"""Payments in the store: the rows a night judges, whose they could be, where each stands, and what dues took of it.

Belongs here: the queries of the stage ``allocate_payments``, and taking back what a replaced extract brought. Does not belong
here: casegroups (``casegroups``), judging, deciding.
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.domain.payments import DONE
from case_closure.stages.allocate_payments import Receipts, Standing
from case_closure.store.casegroups import Gather
from case_closure.store.copy import copy_in, copy_out, select_list
from case_closure.store.database import raw
from case_closure.store.posting import as_rows, stage_rows
from case_closure.store.schema import tables
from case_closure.store.schema.tables import MATCHED_ON, NINO_DIGITS, REMAINDER
from case_closure.tables import handed
from case_closure.tables.frames import to_frame

TAKEN_BACK = "EXTRACT TAKEN BACK"
_THIS_EXTRACT = "(select extract_number from closure.nights where business_date = %(on)s)"
# An entry counts once, one that a command made also over nights: the next night takes it in. What a replaced extract had entered
# does not count.
_APPLIED = """
    exists (select from closure.payment_events v where (v.business_date = %(on)s or r.entered_at is not null)
            and v.by_what = 'RESOLUTION ' || r.resolution_id
            and not exists (select from closure.payment_events b where b.payment_id = v.payment_id and b.number > v.number
                            and b.business_date = v.business_date and b.by_what = %(taken_back)s))
"""
# A night that is run again has let go what its own entries said; a command's may have come since ([27]).
_ENTRIES = f"""
    held.resolutions r where r.entity = 'PAYMENT' and r.business_date = %(on)s
    and (not %(rerun)s or r.entered_at is not null) and not {_APPLIED}
"""
# It waits for a casegroup that no case is in any more: its cases have moved, and it is judged again whose it is.
_LEFT = """
    {0}.status in ('HELD', 'FLAGGED') and not exists (select from held.csa_cases k where k.casegroup_id = {0}.casegroup_id)
"""


def anything_to_do(connection: Connection, on: date, *, own: bool, rerun: bool) -> bool:
    """Whether a payment of the night's waits to be judged, let go or allocated. ``own``, ``rerun``: as in :func:`receipts`."""
    query = f"""
        select not %(rerun)s and (exists (select from held.csa_payments where business_date = %(on)s)
                               or exists (select from held.dca_payments where business_date = %(on)s)
                               or exists (select from closure.exceptions where business_date = %(on)s and stage = 'payments'
                                          and status <> 'RESOLVED'))
            or exists (select from {_ENTRIES})
            or exists (select from closure.payments where status = 'SUSPENSE' and (not %(own)s or business_date = %(on)s))
            or not %(own)s and exists (select from closure.payments p where {_LEFT.format("p")})
            or exists (select from closure.payments p join closure.casegroups g using (casegroup_id)
                       where p.status in ('HELD', 'FLAGGED') and g.completed_on is not null
                         and (not %(own)s or g.completed_on = %(on)s or p.business_date = %(on)s))
    """  # noqa: S608
    values = {"on": on, "own": own, "rerun": rerun, "taken_back": TAKEN_BACK}
    return bool(connection.exec_driver_sql(query, values).scalar_one())


def receipts(connection: Connection, on: date, *, own: bool, rerun: bool) -> Receipts:
    """The night's receipts, those in suspense and those whose casegroup has gone; what stands of their references, and who could
    have paid them.

    ``own``: of those in suspense, the ones the night itself brought or names by a reference. ``rerun``: of a night that
    succeeded; what it brought has been judged, and what its rows and entries did stands.
    """
    driver = raw(connection)
    values = {"on": on, "own": own, "rerun": rerun, "taken_back": TAKEN_BACK}
    for name in ("asked", "csa_receipts", "dca_receipts", "payer_parties"):
        connection.exec_driver_sql(f"drop table if exists pg_temp.{name}")
    connection.exec_driver_sql(
        f"""
        create temporary table asked on commit drop as
        select distinct trim(reference) as reference from (
            select csa_receipt_reference as reference from held.csa_payments
            where business_date = %(on)s and extract_number = {_THIS_EXTRACT} and not %(rerun)s
            union all
            select dca_reference from held.dca_payments
            where business_date = %(on)s and extract_number = {_THIS_EXTRACT} and not %(rerun)s
            -- An exception is of a reference: all that wait under it are judged together.
            union all select reference from closure.payments where status = 'SUSPENSE' and business_date = %(on)s
            union all select r.csa_case_id from {_ENTRIES}) t
        where reference is not null
        """,  # noqa: S608  conditions of this module
        values,
    )
    connection.exec_driver_sql("analyze asked")
    named = "y.reference in (select reference from asked)"
    waits = (
        f"(y.status = 'SUSPENSE' and (not %(own)s or y.business_date = %(on)s or {named}) "
        f"or not %(own)s and {_LEFT.format('y')})"
    )
    place = "p.business_date = y.business_date and p.extract_number = y.extract_number and p.row_number = y.row_number"
    csa_new = select_list(
        handed.CSA_RECEIPTS,
        "p",
        payment_id="null::text",
        stood="null::text",
        row_value="p.value",
        is_first="false",
    )
    csa_standing = select_list(
        handed.CSA_RECEIPTS,
        "p",
        payment_id="y.payment_id",
        stood="y.status",
        row_value="p.value",
        is_first="y.is_first",
    )
    connection.exec_driver_sql(
        f"""
        create temporary table csa_receipts on commit drop as
        select {csa_new} from held.csa_payments p
        where p.business_date = %(on)s and p.extract_number = {_THIS_EXTRACT} and not %(rerun)s
        union all
        select {csa_standing} from closure.payments y join held.csa_payments p on {place} and p.csa_system = y.csa_system
        where y.source = 'CSA' and {waits}
        """,  # noqa: S608
        values,
    )
    connection.exec_driver_sql("analyze csa_receipts")
    case = {"casegroup_id": "c.casegroup_id"}
    dca_new = select_list(
        handed.DCA_RECEIPTS, "p", payment_id="null::text", stood="null::text", is_first="false", **case
    )
    dca_standing = select_list(
        handed.DCA_RECEIPTS, "p", payment_id="y.payment_id", stood="y.status", is_first="y.is_first", **case
    )
    of_case = "left join held.csa_cases c on c.csa_system = p.csa_system and c.csa_case_id = p.csa_case_id"
    dca_receipts = copy_out(
        driver,
        f"""
        select * from (
            select {dca_new} from held.dca_payments p {of_case}
            where p.business_date = %(on)s and p.extract_number = {_THIS_EXTRACT} and not %(rerun)s
            union all
            select {dca_standing} from closure.payments y join held.dca_payments p on {place} {of_case}
            where y.source = 'DCA' and {waits}) t
        order by business_date, row_number
        """,  # noqa: S608
        handed.DCA_RECEIPTS,
        values,
    )
    csa_receipts = copy_out(
        driver,
        f"select {select_list(handed.CSA_RECEIPTS, 'j')} from csa_receipts j order by business_date, csa_system, row_number",  # noqa: S608
        handed.CSA_RECEIPTS,
    )
    firsts = select_list(handed.PAYMENTS_FIRST, "p")
    stored = select_list(handed.PAYMENT_IDS, "p")
    payers = _payers(connection) if csa_receipts.num_rows else handed.PAYERS_BY_NAME.empty_table()
    return Receipts.read({
        "csa_receipts": csa_receipts,
        "dca_receipts": dca_receipts,
        "firsts": copy_out(
            driver,
            f"select {firsts} from closure.payments p join asked using (reference) where p.is_first",  # noqa: S608
            handed.PAYMENTS_FIRST,
        ),
        "stored": copy_out(
            driver,
            f"select {stored} from closure.payments p where p.business_date = %(on)s and not %(rerun)s",  # noqa: S608
            handed.PAYMENT_IDS,
            values,
        ),
        "payers": payers,
        "entered_for_people": _entered_for(connection, payers),
    })  # fmt: skip


def _payers(connection: Connection) -> pa.Table:
    """The paying parents who have the NINO of a receipt, on record or by an entry, with each of their casegroups."""
    matched = MATCHED_ON.format("nino")
    connection.exec_driver_sql(
        f"""
        create temporary table payer_parties on commit drop as
        with ninos as materialized (select distinct {matched} as matched_on from csa_receipts where nino is not null)
        select q.party_id from held.csa_parties q join ninos n
            on {NINO_DIGITS.format("q.nino")} = substr(n.matched_on, 3, 5) and {MATCHED_ON.format("q.nino")} = n.matched_on
        union
        select v.party_id from held.resolutions r join ninos n on {MATCHED_ON.format("r.new_value")} = n.matched_on
        join held.csa_cases c on c.csa_system = r.csa_system and c.csa_case_id = r.csa_case_id
        cross join lateral (values (c.paying_parent_id), (c.receiving_parent_id)) v (party_id)
        where r.field = 'nino' and r.entity in ('PAYING_PARENT', 'RECEIVING_PARENT')
        """  # noqa: S608
    )
    connection.exec_driver_sql("analyze payer_parties")
    names = select_list(handed.PAYERS_BY_NAME, "q", casegroup_id="c.casegroup_id")
    return copy_out(
        raw(connection),
        f"""
        select distinct {names} from payer_parties t join held.csa_parties q using (party_id)
        join held.csa_cases c
            on {REMAINDER.format("c.paying_parent_id")} = {REMAINDER.format("q.party_id")} and c.paying_parent_id = q.party_id
        where c.casegroup_id is not null
        """,  # noqa: S608
        handed.PAYERS_BY_NAME,
    )


def _entered_for(connection: Connection, payers: pa.Table) -> pa.Table:
    """What was entered for these people; nothing is asked where nothing of the kind was ever entered."""
    some = connection.exec_driver_sql(
        "select exists (select from held.resolutions where entity in ('PAYING_PARENT', 'RECEIVING_PARENT') "
        "and field in ('nino', 'surname'))"
    ).scalar_one()
    if not some:
        return handed.ENTERED_FOR_PEOPLE.empty_table()
    return Gather(connection, []).entered_for(payers["party_id"].unique().to_pylist())


def standing(
    connection: Connection, on: date, casegroup_ids: pd.Series, *, own: bool, rerun: bool
) -> Standing:
    """The payments that tonight may move on besides those just judged, whose casegroups are ``casegroup_ids``; the night's
    entries about payments that have not counted yet; which of all these casegroups are held, and when they completed."""
    driver = raw(connection)
    values = {"on": on, "own": own, "rerun": rerun, "taken_back": TAKEN_BACK}
    for name in ("casegroups_named", "casegroups_asked"):
        connection.exec_driver_sql(f"drop table if exists pg_temp.{name}")
    connection.exec_driver_sql("create temporary table casegroups_asked (casegroup_id text) on commit drop")
    asked = pa.table({"casegroup_id": pa.array(casegroup_ids.dropna().unique(), pa.string())})
    copy_in(driver, "casegroups_asked", asked)
    payments = copy_out(
        driver,
        f"""
        select {select_list(handed.PAYMENTS, "p")} from closure.payments p
        where p.payment_id in (
            select w.payment_id from closure.payments w join closure.casegroups g using (casegroup_id)
            where w.status in ('HELD', 'FLAGGED') and g.completed_on is not null
              and (w.status = 'HELD' or w.prompted_on is null)
              and (not %(own)s or g.completed_on = %(on)s or w.business_date = %(on)s)
            union all
            select w.payment_id from closure.payments w where w.reference in (select trim(r.csa_case_id) from {_ENTRIES}))
        order by p.payment_id
        """,  # noqa: S608
        handed.PAYMENTS,
        values,
    )
    entries = select_list(handed.RESOLUTIONS, "r", csa_case_id="trim(r.csa_case_id)")
    resolutions = copy_out(
        driver,
        f"select {entries} from {_ENTRIES} order by r.resolution_id",  # noqa: S608
        handed.RESOLUTIONS,
        values,
    )
    named = [payments["casegroup_id"], resolutions["new_value"]]
    for column in named:
        copy_in(driver, "casegroups_asked", pa.table({"casegroup_id": column.drop_null()}))
    connection.exec_driver_sql("analyze casegroups_asked")
    casegroups = copy_out(
        driver,
        f"""
        select {select_list(handed.CASEGROUPS_COMPLETED, "w", completed_on="g.completed_on")}
        from (select distinct casegroup_id from casegroups_asked) w left join closure.casegroups g using (casegroup_id)
        where g.completed_on is not null or exists (select from held.csa_cases c where c.casegroup_id = w.casegroup_id)
        """,  # noqa: S608
        handed.CASEGROUPS_COMPLETED,
    )
    return Standing.read({"payments": payments, "resolutions": resolutions, "casegroups": casegroups})


def dues(connection: Connection, casegroup_ids: pd.Series) -> pd.DataFrame:
    """The dues of these casegroups, with what all entries of each come to."""
    Gather(connection, []).fill("allocating", "casegroup_id", casegroup_ids.dropna().unique().tolist())
    names = select_list(
        handed.DUES_OUTSTANDING, "d", outstanding_pence="(d.posted_pence + coalesce(l.pence, 0))::bigint"
    )
    return to_frame(
        copy_out(
            raw(connection),
            f"""
            select {names} from closure.dues d join allocating using (casegroup_id)
            left join (
                select l.due_id, sum(l.amount_pence) as pence from allocating
                join closure.dues e using (casegroup_id) join closure.ledger l using (due_id) group by 1) l using (due_id)
            """,  # noqa: S608
            handed.DUES_OUTSTANDING,
        )
    )


def opened_tonight(connection: Connection, on: date) -> pd.Series:
    """The references of open exceptions of payments that an earlier run of this very night opened."""
    rows = connection.execute(
        text(
            "select subject_reference from closure.exceptions where business_date = :on and stage = 'payments' "
            "and status <> 'RESOLVED'"
        ),
        {"on": on},
    )
    return pd.Series([row[0] for row in rows], dtype="str")


def store(
    connection: Connection,
    on: date,
    new: pd.DataFrame,
    changed: pd.DataFrame,
    events: pd.DataFrame,
    ledger: pd.DataFrame,
    let_go: pd.Series,
) -> None:
    """Store where payments stand after the night, in the caller's transaction; ``let_go``: the references of those that no flag
    holds any more, whose prompts are closed."""
    driver = raw(connection)
    for table, frame in (
        (tables.payments, new), (tables.payment_events, events), (tables.ledger, ledger),
    ):  # fmt: skip
        if len(frame):
            copy_in(driver, f"{table.schema}.{table.name}", as_rows(table, frame))
    if len(changed):
        stage_rows(connection, "changed_payments", tables.payments, changed)
        moved = ("casegroup_id", "status", "allocated_pence", "allocated_on", "passed_to", "prompted_on")
        connection.exec_driver_sql(
            f"update closure.payments p set {', '.join(f'{name} = c.{name}' for name in moved)} "  # noqa: S608
            "from changed_payments c where p.payment_id = c.payment_id"
        )
    if len(let_go):
        connection.execute(
            text(
                "update closure.work_items set status = 'CLOSED', closed_on = :on where type = 'DCA_MANUAL_ALLOCATION' "
                "and status <> 'CLOSED' and subject_reference = any(:references)"
            ),
            {"on": on, "references": let_go.tolist()},
        )


_DONE = ", ".join(map(repr, DONE))


def take_back(connection: Connection, on: date) -> None:
    """Take back what an earlier extract of the night did to payments, but what dues have taken: that is in the ledger for good.

    Its own payments go; others are where they stood before, and the exceptions that it had ended are open again.
    """
    values = {"on": on, "by": TAKEN_BACK}
    connection.execute(
        text(
            f"""
            create temporary table payments_back on commit drop as
            select p.payment_id, p.reference, p.business_date = :on as is_own, b.status, b.casegroup_id, b.passed_to
            from closure.payments p left join lateral (
                select v.status, v.casegroup_id, v.passed_to from closure.payment_events v
                where v.payment_id = p.payment_id and v.business_date <> :on order by v.number desc limit 1) b on true
            where p.status not in ({_DONE})
              and (p.business_date = :on or p.payment_id in (
                   select payment_id from closure.payment_events where business_date = :on))
              and (p.business_date = :on or b.status is not null)
            """  # noqa: S608
        ),
        values,
    )
    connection.execute(
        text(
            """
            insert into closure.payment_events
                (payment_id, business_date, status, casegroup_id, allocated_pence, passed_to, by_what)
            select payment_id, :on, case when not is_own then status end, case when not is_own then casegroup_id end, 0,
                   case when not is_own then passed_to end, :by
            from payments_back order by payment_id
            """
        ),
        values,
    )
    connection.execute(
        text(
            "update closure.work_items w set status = 'CLOSED', closed_on = :on from payments_back b "
            "where w.type = 'DCA_MANUAL_ALLOCATION' and w.status <> 'CLOSED' and w.business_date = :on "
            "and w.subject_reference = b.reference and b.is_own"
        ),
        values,
    )
    connection.exec_driver_sql(
        "delete from closure.payments p using payments_back b where p.payment_id = b.payment_id and b.is_own"
    )
    connection.exec_driver_sql(
        "update closure.payments p set status = b.status, casegroup_id = b.casegroup_id, passed_to = b.passed_to "
        "from payments_back b where p.payment_id = b.payment_id and not b.is_own"
    )
    _open_again(connection, on)
    connection.exec_driver_sql("drop table payments_back")


def _open_again(connection: Connection, on: date) -> None:
    """The exceptions, and their items, that the night had ended as their payments left suspense."""
    connection.execute(
        text(
            """
            create temporary table exceptions_back on commit drop as
            select e.exception_id from closure.exceptions e join payments_back b on b.reference = e.subject_reference
            where e.stage = 'payments' and e.status = 'RESOLVED' and b.status = 'SUSPENSE' and not b.is_own
              and 'RESOLVED' = (select v.event from closure.exception_events v where v.exception_id = e.exception_id
                                and v.night_on = :on order by v.event_number desc limit 1)
              and not exists (select from closure.exceptions o where o.status <> 'RESOLVED' and o.rule_code = e.rule_code
                              and o.subject_reference = e.subject_reference)
            """
        ),
        {"on": on},
    )
    connection.execute(
        text(
            """
            insert into closure.exception_events (exception_id, event_number, business_date, event, by_what, night_on)
            select exception_id, 1 + (select max(event_number) from closure.exception_events v
                                      where v.exception_id = b.exception_id), :on, 'REOPENED', :by, :on
            from exceptions_back b
            """
        ),
        {"on": on, "by": TAKEN_BACK},
    )
    connection.exec_driver_sql(
        "update closure.exceptions e set status = 'OPEN', resolved_on = null, resolved_by = null "
        "from exceptions_back b where e.exception_id = b.exception_id"
    )
    connection.exec_driver_sql(
        "update closure.work_items w set status = 'OPEN', closed_on = null from exceptions_back b "
        "where w.work_item_id = 'PAYMENT_SUSPENSE-' || b.exception_id"
    )
    connection.exec_driver_sql("drop table exceptions_back")
