"""Select: criteria, the casegroups they select, and what each selected, together (B2-B7).

Belongs here: which of it a night does, a late one and a rerun. Does not belong here: which candidates are taken
(``stages.select_tranche``).
"""

from __future__ import annotations

from case_closure.landing import criteria
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, fail
from case_closure.store import tranches


def run(ctx: NightContext, url: str) -> Summary:
    """Criteria, selection, and what each selected commit together (B6)."""
    with entered(ctx, url, "select_tranche") as (connection, night):
        if night.succeeded:
            return {"casegroups_selected": 0, "cases_selected": 0, "cases_joined": 0, "cases_moved": 0}
        if night.late:
            # Criteria are no part of its extract, and wait for a night in its turn with those they would select (R39).
            return dict(tranches.follow(connection, ctx.business_date))
    try:
        given = criteria.read(ctx.landing)
    except criteria.CriteriaInvalid as invalid:
        raise fail(ctx, "select_tranche", str(invalid)) from None
    with entered(ctx, url, "select_tranche") as (connection, _):
        tranches.record(
            connection,
            given or [],
            source=tranches.NIGHTLY_FILE,
            by=f"night of {ctx.business_date}",
            at=ctx.clock(),
        )
        return dict(tranches.select(connection, ctx.business_date))
