"""Gathering the corrections a night judges, with the dues and cases they are of; storing those that are applied.

Belongs here: the queries of the stage ``apply_corrections``. Does not belong here: judging, what a correction makes of a due,
casegroups (``casegroups``).
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.stages.apply_corrections import Applied, Gathered
from case_closure.store import posting, refused_rows
from case_closure.store.casegroups import CASE_KEY
from case_closure.store.copy import copy_out, select_list
from case_closure.store.database import raw
from case_closure.store.dues import AMOUNT_NOW
from case_closure.store.schema import tables
from case_closure.store.schema.tables import MATCHED_ON
from case_closure.tables import handed

STAGE = "corrections"
"""The stage of the exceptions of corrections, as ``domain.rules`` calls it."""

_APPLIED = (
    "exists (select from closure.ledger l where l.kind = 'CORRECTION' and l.reference = h.correction_id)"
)
# A later one was applied to its due: this one came to nothing when it was judged, or came late (R21).
_OVERTAKEN = f"""
    exists (select from closure.dues d join closure.ledger l on l.due_id = d.due_id and l.kind = 'CORRECTION'
            join held.corrections k on k.correction_id = l.reference
            where d.csa_system = h.csa_system and d.csa_case_id = h.csa_case_id
              and d.creditor = h.creditor and d.arrears_status = h.arrears_status
              and (k.business_date > h.business_date or k.business_date = h.business_date
                   and k.correction_id collate "C" > h.correction_id and exists (
                       select from closure.exceptions e where e.stage = '{STAGE}' and e.subject_reference = h.correction_id)))
"""  # noqa: S608


def gather(connection: Connection, on: date, *, own: bool) -> Gathered:
    """The night's corrections and those that are refused so far (``own``: the night's alone), none that was applied; the dues of
    their cases, the cases, what asks to confirm a write-off of them, and exceptions about corrections that are held no more."""
    connection.execute(
        text(
            f"""
            create temporary table judged_corrections on commit drop as
            select h.* from held.corrections h
            where (h.business_date = :on or not :own and h.correction_id in (
                      select e.subject_reference from closure.exceptions e where e.status <> 'RESOLVED' and e.stage = :stage))
              and not {_APPLIED} and not {_OVERTAKEN}
            """  # noqa: S608
        ),
        {"on": on, "own": own, "stage": STAGE},
    )
    connection.exec_driver_sql(
        "create temporary table corrected_cases on commit drop as select distinct csa_system, csa_case_id from judged_corrections"
    )
    driver = raw(connection)
    rows = copy_out(
        driver,
        f'select {select_list(handed.CORRECTIONS, "j")} from judged_corrections j order by j.correction_id collate "C"',  # noqa: S608
        handed.CORRECTIONS,
    )
    names = select_list(
        handed.DUES_TO_CORRECT, "d", case_key=CASE_KEY.format("d"), amount_pence="n.amount_pence",
        allocated_pence="coalesce((select -sum(l.amount_pence) from closure.ledger l where l.due_id = d.due_id "
        "and l.kind = 'ALLOCATION'), 0)::bigint",
    )  # fmt: skip
    dues = copy_out(
        driver,
        f"""
        select {names} from corrected_cases c join closure.dues d using (csa_system, csa_case_id)
        cross join lateral ({AMOUNT_NOW.format("d")}) n order by d.due_id
        """,  # noqa: S608
        handed.DUES_TO_CORRECT,
    )
    gone = copy_out(
        driver,
        f"""
        select {select_list(handed.EXCEPTIONS_SEEN, "e")} from closure.exceptions e
        where e.stage = %(stage)s and e.status <> 'RESOLVED'
          and not exists (select from held.corrections h where h.correction_id = e.subject_reference)
        """,  # noqa: S608
        handed.EXCEPTIONS_SEEN,
        {"stage": STAGE},
    )
    items = copy_out(
        driver,
        f"""
        select {select_list(handed.WRITE_OFF_ITEMS, "w", case_key=CASE_KEY.format("w"))}
        from corrected_cases c join closure.work_items w using (csa_system, csa_case_id)
        where w.type = 'CONFIRM_WRITE_OFF' and w.status <> 'CLOSED'
        """,  # noqa: S608
        handed.WRITE_OFF_ITEMS,
    )
    return Gathered.read(
        {
            "corrections": rows,
            "dues": dues,
            "cases": _cases(connection),
            "write_off_items": items,
            "gone": gone,
        }
    )


def _cases(connection: Connection) -> pa.Table:
    """The cases of the corrections judged, as far as they are held; on CMS by our record, else by the lowest of the register."""
    names = select_list(
        handed.CASES_TO_CORRECT, "c", case_key=CASE_KEY.format("c"),
        completed="g.completed_on is not null",
        recorded="m.cms_case_id is not null", cms_case_id="coalesce(m.cms_case_id, r.cms_case_id)",
        cms_casegroup_id="coalesce(m.cms_casegroup_id, r.cms_casegroup_id)", case_owner="coalesce(m.case_owner, r.case_owner)",
        paying_parent_matched_on=MATCHED_ON.format("p.nino"), postcode="q.postcode", country="q.country",
        arrears_from="b.arrears_from", arrears_to="b.arrears_to",
    )  # fmt: skip
    return copy_out(
        raw(connection),
        f"""
        select {names} from corrected_cases k join held.csa_cases c using (csa_system, csa_case_id)
        left join closure.casegroups g on g.casegroup_id = c.casegroup_id
        left join held.csa_parties p on p.party_id = c.paying_parent_id
        left join held.csa_parties q on q.party_id = c.receiving_parent_id
        left join closure.cms_cases m on m.csa_system = c.csa_system and m.csa_case_id = c.csa_case_id
        left join lateral (
            select r.cms_case_id, r.cms_casegroup_id, r.case_owner from held.cms_register r
            where {MATCHED_ON.format("r.paying_parent_nino")} = {MATCHED_ON.format("p.nino")}
              and {MATCHED_ON.format("r.receiving_parent_nino")} = {MATCHED_ON.format("q.nino")}
            order by r.cms_case_id collate "C" limit 1) r on true
        left join lateral (
            select a.arrears_from, a.arrears_to from (
                select csa_system, csa_case_id, arrears_from, arrears_to, business_date, 1 as place from held.csa_balances
                where is_latest
                union all
                select csa_system, csa_case_id, arrears_from, arrears_to, business_date, 2 from held.clerical_balances
                where is_latest) a
            where a.csa_system = c.csa_system and a.csa_case_id = c.csa_case_id
            order by a.business_date desc, a.place limit 1) b on true
        """,  # noqa: S608
        handed.CASES_TO_CORRECT,
    )


def store(connection: Connection, on: date, applied: Applied) -> None:
    """Store what corrections change, in the caller's transaction. Raises ContentConflict as :func:`posting.insert` does."""
    posting.insert(connection, tables.cms_cases, applied.cms_cases)
    posting.insert(connection, tables.dues, applied.dues)
    posting.insert(connection, tables.ledger, applied.ledger)
    refused_rows.refuse_held(connection, on, "corrections", "row_invalid", applied.not_held)
    posting.close_items(connection, on, applied.items_closed)


def to_judge_again(connection: Connection, on: date) -> list[str]:
    """The casegroups that a correction of that night has changed and that have a changed balance open, or money held since they
    completed (R20, R41); in order."""
    return list(
        connection.execute(
            text(
                """
                select distinct d.casegroup_id collate "C" from closure.ledger l join closure.dues d using (due_id)
                where l.kind = 'CORRECTION' and l.business_date = :on and (
                    exists (select from closure.positions p where p.casegroup_id = d.casegroup_id and p.held_pence <> 0)
                    or exists (select from closure.exceptions e where e.rule_code = 'balance_changed_after_completion'
                               and e.casegroup_id = d.casegroup_id and e.status <> 'RESOLVED'))
                order by 1
                """
            ),
            {"on": on},
        ).scalars()
    )
