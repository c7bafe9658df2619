"""Gate corrections; a bad one is refused alone (B55).

Belongs here: gather, gate, conclude, commit. Does not belong here: what is decided (``stages.apply_corrections``).
"""

from __future__ import annotations

import pandas as pd

from case_closure.night import judging
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, latest_date
from case_closure.stages import apply_corrections
from case_closure.store import corrections, posting, row_exceptions


def run(ctx: NightContext, url: str) -> Summary:
    """Judge corrections; those that pass are held for the stages that use them."""
    on = ctx.business_date
    with entered(ctx, url, "apply_corrections") as (connection, night):
        # A rerun retries what is still open, and nothing else (R21).
        if night.succeeded and not row_exceptions.has_open(connection, on, "corrections"):
            return {"corrections_judged": 0, "exceptions_opened": 0}
        # What other nights brought waits for a night in its turn (R21, R39).
        own = night.succeeded or night.late
        rows = apply_corrections.facts(corrections.corrections(connection, on, own=own))
        before = row_exceptions.before(connection, "corrections", rows["casegroup_id"])
        broke = judging.judge_rows(connection, ctx, {"corrections": rows}, counted=not night.succeeded)
        today, latest = pd.Timestamp(on).as_unit("s"), latest_date(connection, ctx)
        decided = apply_corrections.conclude(rows, broke["corrections"], before, today, latest)
        posting.store_exceptions(connection, on, decided)
    return {"corrections_judged": len(rows), "exceptions_opened": len(decided.opened)}
