"""What the page of the reconciliation reads: what was kept of it when it was written out last, its breaks, its sign-offs.

Belongs here: queries of ``reporting``. Does not belong here: finding breaks (``store.reconciliation``), keeping them
(``store.kept``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from case_closure.store.shown.reading import Rows, all_of, page_of


def kept(connection: Connection) -> dict[str, dict[str, Any]]:
    """What is kept, by kind: its night, and its content, which is None while it is to be counted anew (R42)."""
    return {row["kind"]: row for row in all_of(connection, "select * from reporting.kept_reconciliation")}


def breaks_page(
    connection: Connection,
    *,
    break_type: str = "",
    cause: str = "",
    csa_system: str = "",
    creditor: str = "",
    casegroup_id: str = "",
    after: Sequence[str] = (),
) -> Rows:
    """The breaks that the filter leaves, in order of cause and case."""
    given = {
        "break_type": break_type, "cause": cause, "csa_system": csa_system, "creditor": creditor, "casegroup_id": casegroup_id,
    }  # fmt: skip
    conditions = [f"{name} = :{name}" for name, value in given.items() if value]
    return page_of(
        connection, f"select * from reporting.kept_breaks where {' and '.join(conditions) or 'true'}",  # noqa: S608  its columns
        {name: value for name, value in given.items() if value}, order=[("break_number", "integer")], after=after,
    )  # fmt: skip


def sign_offs(connection: Connection) -> list[dict[str, Any]]:
    """The latest thirty sign-offs."""
    return all_of(
        connection,
        "select * from reporting.reconciliation_sign_offs order by business_date desc, sign_off_number desc limit 30",
    )
