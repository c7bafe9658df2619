"""Refer to people what others began or sent wrong: actions, enforcement, refused rows (B57, B62-B64, [5], [13], [32]).

Belongs here: gather, conclude, commit. Does not belong here: what is decided (``stages.refer_actions``), judging a row (as it
arrives).
"""

from __future__ import annotations

import pandas as pd

from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, latest_date
from case_closure.night.judging import hidden_of_none
from case_closure.stages import refer_actions
from case_closure.store import actions


def run(ctx: NightContext, url: str) -> Summary:
    on = ctx.business_date
    with entered(ctx, url, "refer_actions") as (connection, night):
        # Nothing that a rerun could retry: only another extract answers a refused row (R21, [13]).
        if night.succeeded:
            return {"items_raised": 0, "rows_refused": 0}
        if night.extract_number > 1:
            actions.take_items_back(connection, on)
        began = actions.tonight(connection, on)
        rows = actions.refused_rows(connection, on)
        if len(rows):
            named = rows.rename(columns={"row_key": "subject_reference"})
            rows = rows.assign(sensitive=hidden_of_none(connection, named))
        refused = actions.refused(connection, on, rows, began)
        today, latest = pd.Timestamp(on).as_unit("s"), latest_date(connection, ctx)
        decided = refer_actions.conclude(refused, today, latest, late=night.late)
        items = refer_actions.items(began, refused.routes, today)
        actions.store(connection, on, decided, items)
    return {"items_raised": len(items), "rows_refused": len(decided.opened)}
