"""Run the nine rules over the night's debts (B71).

Belongs here: gather, gate, conclude, commit, slice by slice in one transaction. Does not belong here: what is concluded
(``stages.judge_debts``), which debts there are to judge (``store.debts``).
"""

from __future__ import annotations

import pandas as pd

from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, latest_date
from case_closure.night.judging import Tallies, hidden_of_none, judge, keep_tallies, list_rules
from case_closure.stages import judge_debts
from case_closure.store import debts, nights

_SUITE = "csa_debts"


def run(ctx: NightContext, url: str) -> Summary:
    """Judge the debts that are new, changed, or refused until now; one that stands as it was judged is left alone [34]."""
    on, size = ctx.business_date, ctx.settings.partition_casegroups
    today = pd.Timestamp(on).as_unit("s")
    judged = refused = 0
    with entered(ctx, url, "judge_debts") as (connection, night):
        count = debts.plan(connection, on, rerun=night.succeeded, late=night.late)
        latest = latest_date(connection, ctx)
        if not night.succeeded:
            list_rules(connection, ctx, [_SUITE])
        for part, after in enumerate(range(0, count, size)):
            from case_closure.gates import suites

            some, tallies = debts.Slice(connection, after, size), Tallies()
            facts = judge_debts.debt_facts(some.gather())
            broke = judge(suites.csa_debts(), facts, tallies, hidden_of_none(connection, facts))
            before = some.before(facts["casegroup_id"].iloc[broke["position"].to_numpy()])
            concluded = judge_debts.conclude(
                facts, broke, before, ctx.settings.low_value_pence, today, latest
            )
            debts.store(connection, on, concluded)
            if not night.succeeded:
                keep_tallies(connection, ctx, part, tallies)
            judged += len(concluded.debt_judgements)
            refused += broke["position"].nunique()
        if count and not night.succeeded:
            nights.set_apart(connection, on, [_SUITE])
    return {"debts_judged": judged, "debts_refused": refused}
