"""What the page of acts reads: who did what, the latest first.

Belongs here: queries of ``reporting.acts``. Does not belong here: how an act is kept (``store.acts``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection

from case_closure.store.shown.reading import Rows, page_of


def acts_page(
    connection: Connection,
    *,
    by: str = "",
    action: str = "",
    casegroup_id: str = "",
    first_on: date | None = None,
    last_on: date | None = None,
    after: Sequence[str] = (),
) -> Rows:
    """The acts of this person, of this kind, on this casegroup, between these days (UTC, both included); all if none is given."""
    given = {"acted_by": by, "action": action, "casegroup_id": casegroup_id}
    conditions = [f"{name} = :{name}" for name, value in given.items() if value]
    bound: dict[str, object] = {name: value for name, value in given.items() if value}
    if first_on is not None:
        conditions.append("acted_at >= :first")
        bound["first"] = datetime.combine(first_on, time(), UTC)
    if last_on is not None:
        conditions.append("acted_at < :beyond")
        bound["beyond"] = datetime.combine(last_on, time(), UTC) + timedelta(days=1)
    return page_of(
        connection, f"select * from reporting.acts where {' and '.join(conditions) or 'true'}", bound,  # noqa: S608  names of its columns
        order=[("acted_at", "timestamptz"), ("act_number", "bigint")], descending=True, after=after,
    )  # fmt: skip
