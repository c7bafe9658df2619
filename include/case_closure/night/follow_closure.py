"""Move each casegroup's journey on: letters of contact, reminder and end of liability (B7, B12, B69).

Belongs here: gather, gate, conclude, commit, a part at a time. Does not belong here: what is decided (``stages.follow_closure``).
"""

from __future__ import annotations

import pandas as pd

from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, latest_date
from case_closure.night.judging import judge_rows
from case_closure.stages import follow_closure
from case_closure.store import journeys, posting


def run(ctx: NightContext, url: str) -> Summary:
    on = pd.Timestamp(ctx.business_date).as_unit("s")
    with entered(ctx, url, "follow_closure") as (connection, night):
        if night.succeeded:
            return {"casegroups_moved": 0, "letters": 0}
        answers = journeys.answers(connection, ctx.business_date)
        told = follow_closure.answer_facts(answers)
        broke = judge_rows(connection, ctx, {"clerical_letters": told})
        latest = latest_date(connection, ctx)
        posting.store_exceptions(
            connection, ctx.business_date, follow_closure.refused(told, broke, answers, on, latest)
        )
        journeys.note_clerical_letters(connection, ctx.business_date)
        ids = journeys.to_look_at(connection, ctx.business_date, late=night.late)
    size = ctx.settings.partition_casegroups
    moved = letters = 0
    for start in range(0, len(ids), size):
        with entered(ctx, url, "follow_closure") as (connection, _):
            held = journeys.gather(connection, ids[start : start + size])
            cis = journeys.cis(connection, follow_closure.ninos(held))
            decided = follow_closure.conclude(held, cis, on, latest)
            journeys.store(connection, ctx.business_date, decided)
        moved += len(decided.journeys)
        letters += len(decided.letters)
    return {"casegroups_moved": moved, "letters": letters}
