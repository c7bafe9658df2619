"""The casegroups of a night in parts: what a stage concludes of each, kept for the stages after it.

Belongs here: working on parts side by side, keeping and finding what was concluded. Does not belong here: what is concluded, the
table it lies in (``store.work_in_progress``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from case_closure.night.context import NightContext
from case_closure.night.guard import entered
from case_closure.night.judging import Tallies, keep_shares
from case_closure.night.parallel import over_parts
from case_closure.store import database, work_in_progress
from case_closure.store.work_in_progress import Judgement
from case_closure.tables.frames import Frames
from case_closure.tables.handing import Handed

_Concluded = TypeVar("_Concluded", bound=Handed)


def over_all(ctx: NightContext, url: str, work: Callable[[int], Any], count: int) -> list[Any]:
    """The work on every part, in as many processes as the settings allow; a forked one opens connections of its own."""
    return over_parts(work, count, ctx.settings.workers, before_fork=lambda: database.forget_inherited(url))


def keep(
    ctx: NightContext,
    url: str,
    judgement: Judgement,
    stage: str,
    number: int,
    concluded: Handed,
    tallies: Tallies | None = None,
) -> None:
    """Keep what a stage concluded of a part, whole; with ``tallies``, what its casegroups have in them, and take it away."""
    with entered(ctx, url, stage) as (connection, night):
        work_in_progress.save(connection, judgement, stage, number, concluded.frames)
        if tallies is None:
            return
        if night.succeeded:
            tallies.take_shares()
        else:
            keep_shares(connection, ctx, tallies)


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
    keep(ctx, url, judgement, stage, number, concluded)
    return concluded
