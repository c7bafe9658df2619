"""Running the stages of a night: one, or all in their order.

Belongs here: what every stage passes before it may begin, and what becomes of its faults. Does not belong here: what a
stage does: each is a module of this folder, by its name in ``domain.night``, which the night passes in that order.
DAGs, the command line and the tests all call :func:`run_stage`.

Receiving holds the whole extract in one transaction. What is then judged is cut into parts of casegroups, and all that belongs to
one casegroup is stored in one transaction, by ``decide_next_action``; the stages before it hand on what they concluded in the
store. So a night may be killed anywhere: the same command finishes it.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime

from case_closure.domain.night import STAGES
from case_closure.landing.rejection import LandingRejected
from case_closure.night import attempts, faults, guard
from case_closure.night.context import MachineFault, NightContext, NightFailed, NightRefused, Summary
from case_closure.night.guard import record_failure
from case_closure.settings import Settings
from case_closure.store import database, night_stages, nights, queries
from case_closure.store.transient import is_transient

__all__ = [
    "STAGES", "MachineFault", "NightContext", "NightFailed", "NightRefused", "Summary", "record_failure", "run_night",
    "run_stage", "skip", "summary",
]  # fmt: skip

# Before these nothing was taken in.
_ON_WHAT_WAS_TAKEN_IN = STAGES[STAGES.index("select_tranche") :]


def run_stage(stage: str, ctx: NightContext) -> Summary:
    """Run one stage of a night; running it again changes nothing that was right.

    Raises NightRefused (the night is not this run's to work on), LandingRejected (R22), NightFailed; of it MachineFault.
    """
    try:
        return _run_alone(stage, ctx)
    except NightRefused as refused:
        guard.tell_refusal(replace(ctx, attempt=attempts.ended_by(refused)), stage, str(refused))
        raise
    except (LandingRejected, NightFailed):
        raise
    except Exception as error:
        words = faults.in_words(error, ctx.settings)
        if words is None:
            raise
        raise MachineFault(
            f"Stage {stage} of the night of {ctx.business_date} stopped. {words}",
            passes=is_transient(error),
        ) from error


def _run_alone(stage: str, ctx: NightContext) -> Summary:
    url = ctx.settings.store_url
    try:
        with database.lock(url, database.STAGE_LOCK):
            if stage != STAGES[0]:
                with database.transaction(url) as connection:
                    began = ctx.clock()
                    attempt = nights.enter(connection, ctx.business_date, ctx.run_id, stage, began)
                    night_stages.begin(connection, ctx.business_date, ctx.run_id, attempt, stage, began)
                ctx = replace(ctx, attempt=attempt)
            try:
                if stage in _ON_WHAT_WAS_TAKEN_IN:
                    guard.prove_still_landed(ctx, url, stage)
                told = stage_of(stage)(ctx, url)
            except Exception as error:
                attempts.mark(error, ctx.attempt)
                raise
            if ctx.attempt:  # open_night has told of its own end
                with database.transaction(url) as connection:
                    nights.leave(connection, ctx.business_date, ctx.attempt)
                    night_stages.end(connection, ctx.business_date, ctx.attempt, told, ctx.clock())
            return told
    except database.LockTaken:
        with database.transaction(url) as connection:
            holder = nights.holder(connection)
        raise NightRefused(
            f"Stage {stage} of the night of {ctx.business_date} was not run: another stage is running now ({holder}). "
            "Nothing was changed; run it again when that has ended."
        ) from None


def stage_of(name: str) -> Callable[[NightContext, str], Summary]:
    """What runs the stage of that name; imported when it is needed, as some take seconds."""
    run: Callable[[NightContext, str], Summary] = importlib.import_module(f"case_closure.night.{name}").run
    return run


def run_night(
    ctx: NightContext, progress: Callable[[str, Summary], None], stages: Sequence[str] = STAGES
) -> None:
    """All stages in one process, or some, in their order. ``progress`` is told each stage's summary as it ends."""
    for stage in stages:
        try:
            summary = run_stage(stage, ctx)
        except (NightRefused, LandingRejected):
            raise
        except Exception as error:
            failed = replace(ctx, attempt=attempts.ended_by(error))
            with contextlib.suppress(Exception):
                record_failure(
                    failed, stage, str(error).splitlines()[0] if str(error) else type(error).__name__
                )
            raise
        progress(stage, summary)


def skip(settings: Settings, business_date: date, *, reason: str, by: str, at: datetime) -> None:
    """Put on record that this night will not be (R40). Raises NightRefused when it has begun to change things."""
    url = settings.store_url
    database.migrate(url)
    with database.transaction(url) as connection:
        nights.skip(connection, business_date, reason=reason, by=by, at=at)


def summary(settings: Settings, business_date: date) -> queries.NightSummary:
    """What stands after a night, for its closing table. Raises LookupError when it was never started."""
    with database.transaction(settings.store_url) as connection:
        return queries.night_summary(connection, business_date)
