"""What the page of the reconciliation reads: what was kept of it when it was written out last, its breaks, its sign-offs.

Belongs here: queries of ``reporting``, and of ``sensitive`` for those few, whose figures are not kept. Does not belong here:
finding breaks (``store.reconciliation``), keeping them (``store.kept``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

from case_closure.store.shown.reading import Rows, all_of, page_of

FIGURES_APART: Final = ("left_csa_pence", "received_pence", "posted_pence", "held_pence", "credit_pence")


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


def apart_by_bucket(connection: Connection, implausible_pence: int) -> list[dict[str, Any]]:
    """What nationally sensitive casegroups come to now, by system, creditor, status and whether it is implausible."""
    added = ", ".join(f"sum({name})::numeric(38) as {name}" for name in FIGURES_APART)
    largest = ", ".join(f"abs({name}::numeric)" for name in FIGURES_APART)
    query = f"""
        select csa_system, creditor, arrears_status, greatest({largest}) > :implausible as implausible, count(*) as rows,
               count(break_type) as breaks, {added}
        from sensitive.reconciliation group by 1, 2, 3, 4 order by 1, 2, 3, 4
    """  # noqa: S608  columns named above
    rows = all_of(connection, query, implausible=implausible_pence)
    return [
        {name: int(value) if name in FIGURES_APART else value for name, value in row.items()} for row in rows
    ]


def breaks_apart(connection: Connection, implausible_pence: int) -> list[dict[str, Any]]:
    """The breaks of nationally sensitive casegroups as they stand now, in order of cause and case; at most 500."""
    query = """
        select *, null::text as casegroup_id,
               greatest(abs(left_csa_pence::numeric), abs(received_pence::numeric)) > :implausible as implausible
        from sensitive.reconciliation_breaks
        order by cause, csa_system collate "C", csa_case_id collate "C", arrears_status, creditor limit 500
    """
    return all_of(connection, query, implausible=implausible_pence)


def sign_offs(connection: Connection) -> list[dict[str, Any]]:
    """The latest thirty sign-offs."""
    return all_of(
        connection,
        "select * from reporting.reconciliation_sign_offs order by business_date desc, sign_off_number desc limit 30",
    )
