"""What the page of a casegroup reads besides its story: where its money is, its dues, and what is found of a search.

Belongs here: queries of the views of ``reporting``, or of ``sensitive`` for whoever may see those (R26). Does not belong here:
the story (``store.casegroup_events``), finding (``store.finding``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy import Connection

from case_closure.store.shown.reading import all_of

Schema = Literal["reporting", "sensitive"]


def found(connection: Connection, casegroup_ids: Iterable[str], schema: Schema) -> list[dict[str, Any]]:
    """Those of the casegroups that are to be seen there, a line each: outcome, cases, and the end of each parent's number."""
    ids = sorted(set(casegroup_ids))
    cases = all_of(
        connection,
        f"select * from {schema}.csa_cases where casegroup_id = any(:ids) order by casegroup_id, csa_system, csa_case_id",  # noqa: S608  one of two schemas
        ids=ids,
    )
    outcomes = all_of(
        connection,
        f"select casegroup_id, outcome, reason from {schema}.casegroup_outcomes where casegroup_id = any(:ids)",  # noqa: S608  one of two schemas
        ids=ids,
    )
    lines: dict[str, dict[str, Any]] = {
        row["casegroup_id"]: row | {"cases": []}
        for row in [
            *({"casegroup_id": case["casegroup_id"], "outcome": None, "reason": None} for case in cases),
            *outcomes,
        ]
    }
    for case in cases:
        lines[case["casegroup_id"]]["cases"].append(case)
    return [lines[casegroup_id] for casegroup_id in sorted(lines)]


def positions(connection: Connection, casegroup_id: str, schema: Schema) -> list[dict[str, Any]]:
    """Where its money is: received = posted + held + credit, a line for each bucket in which any is not nothing."""
    return all_of(
        connection,
        f"select * from {schema}.positions where casegroup_id = :casegroup_id "  # noqa: S608  one of two schemas
        "and (received_pence <> 0 or posted_pence <> 0 or held_pence <> 0 or credit_pence <> 0) "
        "order by csa_system, csa_case_id, creditor desc, arrears_status",
        casegroup_id=casegroup_id,
    )


def dues(connection: Connection, casegroup_id: str, schema: Schema) -> list[dict[str, Any]]:
    """Its dues, each with the balance it mirrors and what is outstanding of it."""
    rows = all_of(
        connection,
        f"select *, amount_pence - allocated_pence as outstanding_pence from {schema}.dues where casegroup_id = :casegroup_id "  # noqa: S608  one of two schemas
        "order by csa_system, csa_case_id, creditor desc, arrears_status",
        casegroup_id=casegroup_id,
    )
    posted = all_of(
        connection,
        f"select due_id, reference from {schema}.ledger where kind = 'POSTED' and due_id = any(:ids)",  # noqa: S608  one of two schemas
        ids=[row["due_id"] for row in rows],
    )
    mirrors = {row["due_id"]: row["reference"] for row in posted}
    return [row | {"balance_id": mirrors.get(row["due_id"])} for row in rows]


def balances(connection: Connection, casegroup_id: str, schema: Schema) -> list[dict[str, Any]]:
    """Each arrival of a balance of it, with its place in the extract; the latest last."""
    return all_of(
        connection,
        f"select * from {schema}.balances where casegroup_id = :casegroup_id "  # noqa: S608  one of two schemas
        "order by business_date, extract_number, row_number",
        casegroup_id=casegroup_id,
    )
