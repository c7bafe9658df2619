"""One client's particulars, whole: for somebody whose asking has been put on record.

Belongs here: the query. Does not belong here: whether they may be seen (``desk.people``). They are in no view.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from case_closure.domain.cases import PAYING_PARENT, RECEIVING_PARENT
from case_closure.store import sensitive
from case_closure.tables.landed import FILES

_OF_CASE = {
    PAYING_PARENT: ("paying_parent_id", ("method_of_payment", "pp_sort_code", "pp_account_number", "employer_reference")),
    RECEIVING_PARENT: ("receiving_parent_id", ("rp_sort_code", "rp_account_number")),
}  # fmt: skip


def party_id(
    connection: Connection, casegroup_id: str, csa_system: str, csa_case_id: str, role: str, *, apart: bool
) -> str | None:
    """The number of that parent of a case of the casegroup, on that side (R26); None: there is none."""
    column, _ = _OF_CASE[role]
    found = connection.execute(
        text(
            f"select c.{column} from held.csa_cases c where (c.csa_system, c.csa_case_id) = (:system, :case) "  # noqa: S608  names of this module
            f"and c.casegroup_id = :casegroup_id and {sensitive.of_row('c')} = :apart"
        ),
        {"system": csa_system, "case": csa_case_id, "casegroup_id": casegroup_id, "apart": apart},
    ).scalar()
    return None if found is None else str(found)


def particulars(
    connection: Connection, party_id: str, csa_system: str, csa_case_id: str, role: str
) -> list[tuple[str, str, Any]]:
    """(name, meaning, value) of all that is held of the person, and of how they pay or are paid in that case."""
    contract = FILES["csa_parties"]
    names = [column.name for column in contract.columns]
    person = connection.execute(
        text(f"select {', '.join(names)} from held.csa_parties where party_id = :party_id"),  # noqa: S608  names of the contract
        {"party_id": party_id},
    ).first()
    told = [] if person is None else [
        (column.name, column.meaning, value) for column, value in zip(contract.columns, person, strict=True)
    ]  # fmt: skip
    _, of_case = _OF_CASE[role]
    cases = FILES["csa_cases"]
    case = connection.execute(
        text(
            f"select {', '.join(of_case)} from held.csa_cases where (csa_system, csa_case_id) = (:system, :case)"  # noqa: S608  names of this module
        ),
        {"system": csa_system, "case": csa_case_id},
    ).first()
    if case is not None:
        told += [(name, cases.column(name).meaning, value) for name, value in zip(of_case, case, strict=True)]
    return told


def entered(connection: Connection, csa_system: str, csa_case_id: str, role: str) -> list[dict[str, Any]]:
    """What caseworkers entered for that parent on that case since (B49), the latest last."""
    rows = connection.execute(
        text(
            "select field, new_value, entered_by, entered_on from held.resolutions "
            "where (csa_system, csa_case_id, entity) = (:system, :case, :role) order by entered_on, resolution_id"
        ),
        {"system": csa_system, "case": csa_case_id, "role": role},
    ).mappings()
    return [dict(row) for row in rows]
