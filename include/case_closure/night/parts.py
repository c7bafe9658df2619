"""A stage in parts: planned once, each part claimed and worked on by itself, in one process, in forks or on many machines.

Belongs here: the order of planning, claiming and storing; slots; what one stage hands to the next of a part. Does not belong
here: what is concluded, the rows of the plan (``store.night_parts``), the table the frames lie in (``store.work_in_progress``).

Slot ``s`` of ``n`` works on the parts p with p mod n = s. A part is stored whole, by whoever claimed it last, or not at all; a
slot that is started again goes on with the parts that are not stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered
from case_closure.night.judging import Tallies, keep_tallies
from case_closure.night.parallel import over_parts
from case_closure.store import database, night_parts, nights, work_in_progress
from case_closure.store.night_parts import Claim, Figures
from case_closure.store.transient import is_transient
from case_closure.store.work_in_progress import Judgement
from case_closure.tables.frames import Frames
from case_closure.tables.handing import Handed

_Concluded = TypeVar("_Concluded", bound=Handed)

Work = Callable[[Claim], None]
"""Work on a claimed part, and store what comes of it."""


@dataclass(frozen=True)
class InParts:
    """A stage that is worked on in parts.

    plan: lays down its parts (``store.night_parts.plan``), alone in the night.
    begin: what a process needs before it works on any; returns the work on one.
    figures: what is told of each part, by the names of ``cli.terminal``; they add up.
    put_together: what is done once all parts are stored, alone in the night; None where nothing is.
    """

    name: str
    plan: Callable[[NightContext, str], None]
    begin: Callable[[NightContext, str], Work]
    figures: tuple[str, ...]
    put_together: Callable[[NightContext, str], Summary] | None = None


def run_all(ctx: NightContext, url: str, stage: InParts) -> Summary:
    """Plan the stage and work on all its parts, in this process and its forks."""
    stage.plan(ctx, url)
    work_on_slot(ctx, url, stage, 0, 1)
    return tell_end(ctx, url, stage)


def work_on_slot(ctx: NightContext, url: str, stage: InParts, slot: int, slots: int) -> None:
    """Work on the parts of a slot that are not stored yet, in as many processes as the settings allow."""
    on = ctx.business_date
    with entered(ctx, url, stage.name) as (connection, _):
        numbers = night_parts.unstored(connection, on, stage.name, ctx.attempt)
    mine = [number for number in numbers if number % slots == slot]
    if not mine:
        return
    work = stage.begin(ctx, url)

    def work_on(index: int) -> None:
        with entered(ctx, url, stage.name) as (connection, _):
            claimed = night_parts.claim(connection, on, stage.name, mine[index], ctx.attempt, ctx.clock())
        if claimed is not None:
            _work_as_claimed(url, work, claimed)

    # A forked process opens connections of its own.
    over_parts(work_on, len(mine), ctx.settings.workers, before_fork=lambda: database.forget_inherited(url))


def _work_as_claimed(url: str, work: Work, claimed: Claim) -> None:
    """Do the work; who loses the database in it is told first if the part is another's by now (``guard.refused_meanwhile``)."""
    try:
        work(claimed)
    except Exception as error:
        if is_transient(error):
            _prove_still_claimed(url, claimed)
        raise


def _prove_still_claimed(url: str, claimed: Claim) -> None:
    """Raises NightRefused where the part is another's; where that cannot be asked, nothing."""
    try:
        with database.transaction(url) as connection:
            night_parts.hold(connection, claimed)
    except Exception as error:
        if not is_transient(error):
            raise


def tell_end(ctx: NightContext, url: str, stage: InParts) -> Summary:
    """What the stage came to, all its parts being stored; what is sensitive of its rule results is set apart."""
    with entered(ctx, url, stage.name) as (connection, night):
        if not night.succeeded:
            suites = nights.suites_counted(connection, ctx.business_date, ctx.attempt)
            nights.set_apart(connection, ctx.business_date, suites)
        told = night_parts.figures(connection, ctx.business_date, stage.name, ctx.attempt)
    return {name: sum(figures[name] for figures in told) for name in stage.figures}


def keep(
    ctx: NightContext,
    url: str,
    judgement: Judgement,
    claimed: Claim,
    concluded: Handed,
    figures: Figures,
    tallies: Tallies | None = None,
) -> None:
    """Keep what a stage concluded of a claimed part, whole, with what was judged in it."""
    with entered(ctx, url, claimed.stage) as (connection, night):
        night_parts.hold(connection, claimed)
        work_in_progress.save(connection, judgement, claimed.stage, claimed.part, concluded.frames)
        if tallies is not None and not night.succeeded:
            keep_tallies(connection, ctx, claimed.part, tallies)
        night_parts.store(connection, claimed, figures, ctx.clock())


def kept(
    ctx: NightContext,
    url: str,
    judgement: Judgement,
    stage: str,
    number: int,
    conclude: Callable[[], _Concluded],
    of: Callable[[Frames], _Concluded],
) -> _Concluded:
    """What a stage concluded of a part in this judgement, made ``of`` its frames; concluded again when it is gone, as after a
    cleared later stage."""
    with database.transaction(url) as connection:
        frames = work_in_progress.load(connection, judgement, stage, number)
    if frames is not None:
        return of(frames)
    concluded = conclude()
    with entered(ctx, url, stage) as (connection, _):
        work_in_progress.save(connection, judgement, stage, number, concluded.frames)
    return concluded
