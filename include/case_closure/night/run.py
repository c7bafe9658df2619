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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from case_closure.domain.night import STAGES
from case_closure.landing.rejection import LandingRejected
from case_closure.night import attempts, faults, guard, parts
from case_closure.night.context import MachineFault, NightContext, NightFailed, NightRefused, Summary
from case_closure.night.guard import record_failure
from case_closure.night.parts import InParts
from case_closure.settings import Settings
from case_closure.store import database, night_parts, night_stages, nights, queries
from case_closure.store.transient import is_transient

__all__ = [
    "STAGES", "MachineFault", "NightContext", "NightFailed", "NightRefused", "Summary", "plan_stage", "put_together",
    "record_failure", "run_night", "run_slot", "run_stage", "summary",
]  # fmt: skip

# Before these nothing was taken in.
_ON_WHAT_WAS_TAKEN_IN = STAGES[STAGES.index("select_tranche") :]


def run_stage(stage: str, ctx: NightContext) -> Summary:
    """Run one stage of a night; running it again changes nothing that was right.

    Raises NightRefused (the night is not this run's to work on), LandingRejected (R22), NightFailed; of it MachineFault.
    """
    return _in_words(stage, ctx, lambda: _run_alone(stage, ctx, stage_of(stage)))


def plan_stage(stage: str, ctx: NightContext) -> Summary:
    """Plan a stage that slots work on: alone in the night, as a stage that is run. How many parts there are.

    Raises as :func:`run_stage`.
    """
    planned = stage_in_parts(stage)

    def plan(ctx: NightContext, url: str) -> Summary | None:
        planned.plan(ctx, url)
        with guard.entered(ctx, url, stage) as (connection, _):
            left = len(night_parts.unstored(connection, ctx.business_date, stage, ctx.attempt))
        return None if left else parts.tell_end(ctx, url, planned)

    return _in_words(stage, ctx, lambda: _run_alone(stage, ctx, plan))


def put_together(stage: str, ctx: NightContext) -> Summary:
    """Put together what the parts of a stage came to, once all are stored: alone in the night. Raises as :func:`run_stage`."""
    work = stage_in_parts(stage).put_together
    assert work is not None
    return _in_words(stage, ctx, lambda: _run_alone(stage, ctx, work))


def run_slot(stage: str, ctx: NightContext, slot: int, slots: int) -> Summary:
    """Work on the parts of a planned stage that fall to a slot, and tell the stage's end once all parts are stored.

    Several slots are run side by side, here or on other machines. What the whole stage has come to, or nothing while others
    are at work. Raises as :func:`run_stage`.
    """
    return _in_words(stage, replace(ctx, slot=slot), lambda: _run_shared(stage, ctx, slot, slots))


def _in_words(stage: str, ctx: NightContext, work: Callable[[], Summary]) -> Summary:
    try:
        return work()
    except NightRefused as refused:
        guard.tell_refusal(replace(ctx, attempt=attempts.ended_by(refused)), stage, str(refused))
        raise
    except (LandingRejected, NightFailed):
        raise
    except Exception as error:
        as_begun = replace(ctx, attempt=attempts.ended_by(error))
        replaced = guard.refused_meanwhile(as_begun, stage, error)
        if replaced is not None:
            guard.tell_refusal(as_begun, stage, str(replaced))
            raise replaced from error
        words = faults.in_words(error, ctx.settings)
        if words is None:
            raise
        raise MachineFault(
            f"Stage {stage} of the night of {ctx.business_date} stopped. {words}",
            passes=is_transient(error),
        ) from error


def _run_alone(stage: str, ctx: NightContext, work: Callable[[NightContext, str], Summary | None]) -> Summary:
    """The work on a stage, alone in the night. It may answer None: the stage has begun, and its parts tell of its end."""
    url = ctx.settings.store_url
    try:
        with _stage_lock(stage, ctx):
            if stage != STAGES[0]:
                with database.transaction(url) as connection:
                    began = ctx.clock()
                    night = nights.enter(connection, ctx.business_date, ctx.run_id, stage, began)
                    night_stages.begin(connection, ctx.business_date, ctx.run_id, night.attempt, stage, began)
                ctx = replace(ctx, attempt=night.attempt)
            try:
                if stage in _ON_WHAT_WAS_TAKEN_IN:
                    guard.prove_still_landed(ctx, night, stage)
                told = work(ctx, url)
            except Exception as error:
                attempts.mark(error, ctx.attempt)
                raise
            if told is not None and ctx.attempt:  # open_night has told of its own end
                _end(ctx, url, told)
            return told or {}
    except database.LockTaken:
        with database.transaction(url) as connection:
            holder = nights.holder(connection)
        raise NightRefused(
            f"Stage {stage} of the night of {ctx.business_date} was not run: another stage is running now ({holder}). "
            "Nothing was changed; run it again when that has ended."
        ) from None


@contextlib.contextmanager
def _stage_lock(stage: str, ctx: NightContext) -> Iterator[None]:
    """The lock of whoever is at work on a stage.

    One run begins one stage twice at once only where Airflow has not heard of the first for minutes: that one loses the lock, and
    by its attempt can store nothing more. Raises LockTaken where another stage or run is at work.
    """
    url = ctx.settings.store_url
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(database.lock(url, database.STAGE_LOCK))
        except database.LockTaken:
            with database.transaction(url) as connection:
                if not nights.is_at(connection, ctx.business_date, ctx.run_id, stage):
                    raise
            database.take_lock_away(url, database.STAGE_LOCK)
            held.enter_context(database.lock(url, database.STAGE_LOCK))
        yield


def _run_shared(stage: str, ctx: NightContext, slot: int, slots: int) -> Summary:
    url, on, worked_on = ctx.settings.store_url, ctx.business_date, stage_in_parts(stage)
    with database.transaction(url) as connection:
        planned = night_parts.planned_by(connection, on, stage)
        night = nights.join(connection, on, ctx.run_id, stage, planned, slot, ctx.clock())
        if night.status != nights.FAILED:
            night_stages.resume(connection, on, night.attempt)
    ctx = replace(ctx, attempt=night.attempt, slot=slot)
    try:
        guard.prove_still_landed(ctx, night, stage)
        parts.work_on_slot(ctx, url, worked_on, slot, slots)
        with guard.entered(ctx, url, stage) as (connection, _):
            left = night_parts.unstored(connection, on, stage, ctx.attempt)
        if left:
            return {}
        told = parts.tell_end(ctx, url, worked_on)
        _end(ctx, url, told)
    except Exception as error:
        attempts.mark(error, ctx.attempt)
        raise
    return told


def _end(ctx: NightContext, url: str, told: Summary) -> None:
    with database.transaction(url) as connection:
        nights.leave(connection, ctx.business_date, ctx.attempt)
        night_stages.end(connection, ctx.business_date, ctx.attempt, told, ctx.clock())


def stage_in_parts(name: str) -> InParts:
    """What is planned and worked on in parts, of the stage of that name."""
    stage: InParts = importlib.import_module(f"case_closure.night.{name}").STAGE
    return stage


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


def summary(settings: Settings, business_date: date) -> queries.NightSummary:
    """What stands after a night, for its closing table. Raises LookupError when it was never started."""
    with database.transaction(settings.store_url) as connection:
        return queries.night_summary(connection, business_date)
