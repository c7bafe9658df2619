"""Decide applications to CMS, look people up, move whole casegroups, make LTRs (B19-B25).

Belongs here: gather, gate, conclude, commit. Does not belong here: what is decided (``stages.take_applications``).
"""

from __future__ import annotations

import pandas as pd

from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, latest_date
from case_closure.night.judging import judge_rows
from case_closure.stages import take_applications
from case_closure.store import applications


def run(ctx: NightContext, url: str) -> Summary:
    on = pd.Timestamp(ctx.business_date).as_unit("s")
    with entered(ctx, url, "take_applications") as (connection, night):
        # A rerun retries what is still open, and nothing else (R21).
        if night.succeeded:
            return {"applications": 0, "casegroups_moved": 0, "ltrs": 0}
        tonight = applications.tonight(connection, ctx.business_date)
        asked = take_applications.application_facts(tonight)
        answers = take_applications.response_facts(tonight)
        references = pd.concat([asked["subject_reference"], answers["subject_reference"]])
        gathered = applications.standing(connection, asked["casegroup_id"], references)
        broke = judge_rows(connection, ctx, {"cms_applications": asked, "ltr_responses": answers})
        decided = take_applications.conclude(
            asked, answers, broke, tonight, gathered, on, latest_date(connection, ctx)
        )
        applications.store(connection, ctx.business_date, decided, late=night.late)
    return {
        "applications": len(decided.applications),
        "casegroups_moved": decided.end_liability["casegroup_id"].nunique(),
        "ltrs": len(decided.ltrs),
    }
