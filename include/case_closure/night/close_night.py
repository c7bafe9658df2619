"""Count the night's figures and close it.

Belongs here: what must be true before a night is closed. Does not belong here: its figures (``store.nights``).
"""

from __future__ import annotations

from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, require_law
from case_closure.store import nights, replacing, work_in_progress


def run(ctx: NightContext, url: str) -> Summary:
    with entered(ctx, url, "close_night") as (connection, night):
        require_law(ctx, night, "close_night")
        nights.close(connection, ctx.business_date, ctx.clock())
        replacing.forget(connection, ctx.business_date)
        work_in_progress.clear(connection)
    return {"status": nights.SUCCESS}
