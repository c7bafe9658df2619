"""What the page of acts reads: who did what, the latest first.

Belongs here: queries of ``reporting.acts``. Does not belong here: how an act is kept (``store.acts``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from case_closure.store.shown.reading import Rows, page_of

_DAYS_BACK: Final = (1, 30, None)


def acts_page(
    connection: Connection,
    *,
    by: str = "",
    action: str = "",
    casegroup_id: str = "",
    first_on: date | None = None,
    last_on: date | None = None,
    after: Sequence[str] = (),
    now: datetime,
) -> Rows:
    """The acts of this person, of this kind, on this casegroup, between these days (UTC, both included); all if none is given."""
    given = {"acted_by": by, "action": action, "casegroup_id": casegroup_id}
    conditions = [f"{name} = :{name}" for name, value in given.items() if value]
    bound: dict[str, Any] = {name: value for name, value in given.items() if value}
    if first_on is not None:
        conditions.append("acted_at >= :first")
        bound["first"] = datetime.combine(first_on, time(), UTC)
    if last_on is not None:
        conditions.append("acted_at < :beyond")
        bound["beyond"] = datetime.combine(last_on, time(), UTC) + timedelta(days=1)
    # The barrier of a view keeps the server from reading it in the order of an index, and not from a stretch of time: the latest
    # days are asked for first, and more only where a page is not full.
    reached = datetime.fromisoformat(after[0]) if after and _is_moment(after[0]) else now
    for days in _DAYS_BACK if first_on is None else (None,):
        back = "" if days is None else " and acted_at >= :back"
        page = page_of(
            connection, f"select * from reporting.acts where {' and '.join(conditions) or 'true'}{back}",  # noqa: S608  its columns
            bound | ({} if days is None else {"back": min(reached, bound.get("beyond", reached)) - timedelta(days=days)}),
            order=[("acted_at", "timestamptz"), ("act_number", "bigint")], descending=True, after=after,
        )  # fmt: skip
        if page.following:
            break
    return page


def _is_moment(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
