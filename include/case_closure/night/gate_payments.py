"""Gate payment and correction rows; a bad one is refused alone (R25, B55).

Belongs here: gather, gate, conclude, commit. Does not belong here: what is decided (``stages.gate_payments``).
"""

from __future__ import annotations

import pandas as pd

from case_closure.night import judging
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, latest_date
from case_closure.stages import gate_payments
from case_closure.store import nights, payments, posting


def run(ctx: NightContext, url: str) -> Summary:
    """Judge payment and correction rows; those that pass are held for the stages that use them."""
    on = ctx.business_date
    with entered(ctx, url, "gate_payments") as (connection, night):
        # A rerun retries what is still open, and nothing else (R21).
        if night.succeeded and not payments.has_open_exceptions(connection, on):
            return {"payments_judged": 0, "corrections_judged": 0, "exceptions_opened": 0}
    from case_closure.gates import suites

    tallies = judging.Tallies()
    with entered(ctx, url, "gate_payments") as (connection, night):
        # What other nights brought waits for a night in its turn (R21, R39).
        own = night.succeeded or night.late
        paid = gate_payments.payment_facts(payments.payments(connection, on, own=own))
        corrected = gate_payments.correction_facts(payments.corrections(connection, on, own=own))
        broke = {
            suite.name: judging.judge(suite, frame, tallies, judging.hidden_of_none(connection, frame))
            for suite, frame in ((suites.csa_payments(), paid), (suites.corrections(), corrected))
        }
        before = payments.before(connection, pd.concat([paid["casegroup_id"], corrected["casegroup_id"]]))
        today, latest = pd.Timestamp(on).as_unit("s"), latest_date(connection, ctx)
        decided = gate_payments.conclude(paid, corrected, broke, before, today, latest)
        posting.store_exceptions(connection, on, decided)
        if not night.succeeded:
            judging.list_rules(connection, ctx, broke)
            judging.keep_tallies(connection, ctx, 0, tallies)
            nights.set_apart(connection, on, broke)
    return {
        "payments_judged": len(paid),
        "corrections_judged": len(corrected),
        "exceptions_opened": len(decided.opened),
    }
