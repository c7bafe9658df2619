"""Move each casegroup's journey on: letters of contact, reminder and end of liability (B7, B12, B69).

Belongs here: gather, gate, conclude, commit, a part at a time. Does not belong here: what is decided (``stages.follow_closure``).
"""

from __future__ import annotations

import pandas as pd

from case_closure.night.context import NightContext, NightFailed, Summary
from case_closure.night.guard import entered, latest_date
from case_closure.night.judging import judge_rows
from case_closure.night.parallel import in_parts
from case_closure.night.parts import InParts, Work, run_all
from case_closure.stages import follow_closure
from case_closure.store import journeys, night_parts, posting, work_in_progress
from case_closure.store.night_parts import Claim
from case_closure.store.work_in_progress import Judgement


def run(ctx: NightContext, url: str) -> Summary:
    """Take in the legacy teams' answers, then move the journeys on, part by part."""
    return run_all(ctx, url, STAGE)


def plan(ctx: NightContext, url: str) -> None:
    """The legacy teams' answers, and which casegroups are looked at, in which parts; none where the night had succeeded."""
    on = ctx.business_date
    with entered(ctx, url, STAGE.name) as (connection, night):
        parts: list[list[str]] = []
        if not night.succeeded:
            answers = journeys.answers(connection, on)
            told = follow_closure.answer_facts(answers)
            broke = judge_rows(connection, ctx, {"clerical_letters": told})
            refused = follow_closure.refused(
                told, broke, answers, pd.Timestamp(on).as_unit("s"), latest_date(connection, ctx)
            )
            posting.store_exceptions(connection, on, refused)
            journeys.note_clerical_letters(connection, on)
            ids = journeys.to_look_at(connection, on, late=night.late)
            parts = in_parts(ids, ctx.settings.partition_casegroups, ctx.settings.workers)
        judgement = Judgement(on, night.extract_number, ctx.attempt)
        work_in_progress.plan(connection, judgement, parts, of=STAGE.name)
        night_parts.plan(connection, on, STAGE.name, ctx.attempt, night.extract_number, parts)


def begin(ctx: NightContext, url: str) -> Work:
    on = ctx.business_date
    with entered(ctx, url, STAGE.name) as (connection, night):
        judgement = Judgement(on, night.extract_number, ctx.attempt)
        parts = work_in_progress.parts(connection, judgement, of=STAGE.name)
        latest = latest_date(connection, ctx)
    if parts is None:
        raise NightFailed(
            f"The parts that the night of {on} looks at are gone, as after the database was stopped: clear {STAGE.name} with "
            "what follows it, and they are made again."
        )

    def work(claimed: Claim) -> None:
        with entered(ctx, url, STAGE.name) as (connection, _):
            night_parts.hold(connection, claimed)
            gathered = journeys.gather(connection, parts[claimed.part])
            cis = journeys.cis(connection, follow_closure.ninos(gathered))
            decided = follow_closure.conclude(gathered, cis, pd.Timestamp(on).as_unit("s"), latest)
            journeys.store(connection, on, decided)
            figures = {"casegroups_moved": len(decided.journeys), "letters": len(decided.letters)}
            night_parts.store(connection, claimed, figures, ctx.clock())

    return work


STAGE = InParts("follow_closure", plan, begin, ("casegroups_moved", "letters"))
