"""Apply corrections; a bad one is refused alone (B55).

Belongs here: gather, gate, conclude, commit. Does not belong here: what is decided (``stages.apply_corrections``).
"""

from __future__ import annotations

import pandas as pd

from case_closure.night import finance_path, judging
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, latest_date
from case_closure.stages import apply_corrections
from case_closure.stages.apply_corrections import Gathered
from case_closure.stages.common.exceptions import only_resolved
from case_closure.store import corrections, posting, row_exceptions
from case_closure.store.database import Connection


def run(ctx: NightContext, url: str) -> Summary:
    """Judge corrections in their order and apply those that are good, in one transaction; then judge again what they settle.

    A correction that stands in the ledger is judged no more, so whatever is run again applies none twice.
    """
    on = ctx.business_date
    told: Summary = {"corrections_judged": 0, "corrections_applied": 0, "exceptions_opened": 0}
    with entered(ctx, url, "apply_corrections") as (connection, night):
        # A rerun retries what is still open, and nothing else (R21).
        if not night.succeeded or row_exceptions.has_open(connection, on, corrections.STAGE):
            # What other nights brought waits for a night in its turn (R21, R39).
            gathered = corrections.gather(connection, on, own=night.succeeded or night.late)
            gate = judging.Gate(connection, ctx, "corrections", counted=not night.succeeded)
            if len(gathered.corrections) or len(gathered.gone):
                told = _apply(connection, ctx, gathered, gate)
            gate.keep()
        again = corrections.to_judge_again(connection, on)
    if again:
        _judge_again(ctx, url, again)
    return told


def _apply(connection: Connection, ctx: NightContext, gathered: Gathered, gate: judging.Gate) -> Summary:
    """Judge these, make the good ones count, and say which were refused."""
    on = ctx.business_date
    judged = apply_corrections.judge_in_order(gathered, gate.judge)
    today, latest = pd.Timestamp(on).as_unit("s"), latest_date(connection, ctx)
    applied = apply_corrections.conclude(judged, gathered, today)
    corrections.store(connection, on, applied)
    before = row_exceptions.before(connection, corrections.STAGE, gathered.cases["casegroup_id"])
    decided, closed = apply_corrections.exceptions(judged, gathered, before, today, latest)
    posting.store_exceptions(connection, on, decided)
    # After those of tonight are opened: one that a later correction overtakes tonight is opened and closed.
    posting.store_exceptions(connection, on, only_resolved(closed))
    return {
        "corrections_judged": len(gathered.corrections),
        "corrections_applied": len(applied.ledger),
        "exceptions_opened": len(decided.opened),
    }


def _judge_again(ctx: NightContext, url: str, casegroup_ids: list[str]) -> None:
    """Judge these casegroups by what their dues are now: a changed balance that they equal is settled (R20, [15]), and money
    that came after completion is held no more where a correction has taken it in (R41).

    They have completed, so nothing else comes of it. Which they are stands in the store: a stage killed before this does it when
    it is run again.
    """
    with entered(ctx, url, "apply_corrections") as (connection, _):
        concluded = finance_path.conclude(connection, ctx.settings, ctx.business_date, casegroup_ids)
        concluded.store(connection, ctx.business_date)
