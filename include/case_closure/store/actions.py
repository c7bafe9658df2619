"""What ``refer_actions`` needs and stores: tonight's actions without an item, and refused rows with their exceptions.

Belongs here: those queries. Does not belong here: which actions ask for an item (``domain.enforcement``), why a row is refused.
"""

from __future__ import annotations

from datetime import date

import pandas as pd
from sqlalchemy import Connection, text

from case_closure.domain.enforcement import CSA_ACTION_OUTSTANDING, ENFORCEMENT_ACTION, LIABILITY_ORDER
from case_closure.domain.rules import ANY_ROW, ROWS, RULES
from case_closure.stages.common.exceptions import Exceptions
from case_closure.stages.refer_actions import Actions, Refused
from case_closure.store import posting
from case_closure.store.casegroups import Gather
from case_closure.store.copy import copy_out, select_list
from case_closure.store.database import raw
from case_closure.store.schema import tables
from case_closure.tables import handed
from case_closure.tables.frames import to_frame

_CODES = [code for code, rule in RULES.items() if rule.subject == ANY_ROW]
_TYPES = {
    "csa_actions": ("csa_action_id", (CSA_ACTION_OUTSTANDING,)),
    "enforcement_actions": ("action_id", (ENFORCEMENT_ACTION, LIABILITY_ORDER)),
}


def tonight(connection: Connection, on: date) -> Actions:
    """The actions that came or changed tonight and have no item, in order of their numbers."""
    frames = {}
    for file, shape in (
        ("csa_actions", handed.CSA_ACTIONS),
        ("enforcement_actions", handed.ENFORCEMENT_ACTIONS),
    ):
        key, types = _TYPES[file]
        frames[file] = copy_out(
            raw(connection),
            f"""
            select {select_list(shape, "a", casegroup_id="c.casegroup_id")}
            from held.{file} a left join held.csa_cases c using (csa_system, csa_case_id)
            where a.business_date = %(on)s and not exists (
                select from closure.work_items w where w.subject_reference = a.{key} and w.type = any(%(types)s))
            order by a.{key}
            """,  # noqa: S608
            shape,
            {"on": on, "types": list(types)},
        )
    return Actions.read(frames)


def take_items_back(connection: Connection, on: date) -> None:
    """Drop tonight's items of actions that another extract of this date does not bring any more, or brings otherwise."""
    asks = {
        CSA_ACTION_OUTSTANDING: ("csa_actions", "csa_action_id", "true"),
        ENFORCEMENT_ACTION: ("enforcement_actions", "action_id", "a.action_type <> :order"),
        LIABILITY_ORDER: ("enforcement_actions", "action_id", "a.action_type = :order and a.ongoing"),
    }
    for kind, (file, key, qualifies) in asks.items():
        connection.execute(
            text(
                f"""
                delete from closure.work_items w where w.business_date = :on and w.type = :type
                  and not exists (select from held.{file} a where a.{key} = w.subject_reference and {qualifies})
                """  # noqa: S608
            ),
            {"on": on, "type": kind} | ({"order": LIABILITY_ORDER} if ":order" in qualifies else {}),
        )


def refused_rows(connection: Connection, on: date) -> pd.DataFrame:
    """Refused rows that no good one has answered, a line for each rule they broke, of tonight and of the nights before; in the
    casegroup of their case, else in the one they name where that is known."""
    known = """
        exists (select from held.csa_cases k where k.casegroup_id = r.casegroup_id)
        or r.casegroup_id in (select casegroup_id from closure.sensitive_casegroups)
    """
    names = select_list(
        handed.ROWS_UNANSWERED, "r", rule_code="u.rule_code", field="u.field", sensitive="false",
        casegroup_id=f"coalesce(c.casegroup_id, case when {known} then r.casegroup_id end)",
    )  # fmt: skip
    rows = copy_out(
        raw(connection),
        f"""
        select {names} from closure.refused_rows r cross join lateral unnest(r.rule_codes, r.fields) u (rule_code, field)
        left join held.csa_cases c on c.csa_system = r.csa_system and c.csa_case_id = r.csa_case_id
        where r.file_name = any(%(files)s) and r.answered_on is null and r.business_date <= %(on)s
        order by r.business_date, r.file_name, r.row_number, u.rule_code
        """,  # noqa: S608
        handed.ROWS_UNANSWERED,
        {"files": list(ROWS), "on": on},
    )
    return to_frame(rows)


def refused(connection: Connection, on: date, rows: pd.DataFrame, began: Actions) -> Refused:
    """The refused rows with the open exceptions of such rows, and the routes of their casegroups and of ``began``."""
    files = " ".join(f"when '{rows_of.subject}' then '{file}'" for file, rows_of in ROWS.items())
    answered = f"""
        exists (select from closure.refused_rows r where r.file_name = case e.subject {files} end and r.answered_on = %(on)s
                and r.row_key = coalesce(e.subject_reference, e.csa_system || '/' || e.csa_case_id))
    """
    open_exceptions = copy_out(
        raw(connection),
        f"""
        select {select_list(handed.ROW_EXCEPTIONS, "e", answered_tonight=answered)} from closure.exceptions e
        where e.status <> 'RESOLVED' and e.rule_code = any(%(codes)s) order by e.exception_id
        """,  # noqa: S608
        handed.ROW_EXCEPTIONS,
        {"on": on, "codes": _CODES},
    )
    ids = pd.concat([rows["casegroup_id"], began.csa_actions["casegroup_id"]]).dropna().unique().tolist()
    routes = Gather(connection, ids).routes() if ids else handed.ROUTES.empty_table()
    return Refused(refused_rows=rows, open_exceptions=to_frame(open_exceptions), routes=to_frame(routes))


def store(connection: Connection, on: date, decided: Exceptions, items: pd.DataFrame) -> None:
    """Store the exceptions with their items, and the items of actions; an exception that opens again has its item open again.

    An item raised before its case was held takes its casegroup when the case comes, as an exception does (R43).
    """
    opened_before = _standing(connection, decided.opened["exception_id"].tolist())
    again = decided.work_items["subject_reference"].isin(opened_before)
    posting.store_exceptions(connection, on, Exceptions(
        opened=decided.opened, seen=decided.seen, resolved=decided.resolved,
        work_items=decided.work_items[~again].reset_index(drop=True),
    ))  # fmt: skip
    connection.execute(
        text(
            "update closure.work_items set status = 'OPEN', closed_on = null where subject_reference = any(:ids) "
            "and status = 'CLOSED'"
        ),
        {"ids": opened_before},
    )
    posting.insert(connection, tables.work_items, items.assign(business_date=on, status="OPEN"))
    for file, (key, types) in _TYPES.items():
        connection.execute(
            text(
                f"""
                update closure.work_items w set casegroup_id = c.casegroup_id
                from held.{file} a join held.csa_cases c using (csa_system, csa_case_id)
                where w.subject_reference = a.{key} and w.type = any(:types) and w.casegroup_id is null
                """  # noqa: S608
            ),
            {"types": list(types)},
        )


def _standing(connection: Connection, exception_ids: list[str]) -> list[str]:
    query = "select exception_id from closure.exceptions where exception_id = any(:ids)"
    return list(connection.execute(text(query), {"ids": exception_ids}).scalars())
