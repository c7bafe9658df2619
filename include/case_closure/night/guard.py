"""What every stage passes before it may change anything: the night is this run's, and what was taken in is landed still.

Belongs here: entering a night, holding it for a transaction, marking it failed or rejected. Does not belong here: the rows of
``nights`` themselves (``store.nights``), stages.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pandas as pd

from case_closure.domain.night import STAGES
from case_closure.domain.texts import printable_lines
from case_closure.landing.manifest import landed_sha256
from case_closure.night.context import NightContext, NightFailed, NightRefused
from case_closure.store import database, night_stages, nights
from case_closure.store.database import Connection
from case_closure.store.transient import is_transient


@contextlib.contextmanager
def entered(ctx: NightContext, url: str, stage: str) -> Iterator[tuple[Connection, nights.Night]]:
    """A transaction in which this attempt is known to hold the night, until it ends."""
    with database.transaction(url) as connection:
        yield connection, hold_open(ctx, connection, stage)


def hold_open(ctx: NightContext, connection: Connection, stage: str) -> nights.Night:
    return nights.hold_open(
        connection, ctx.business_date, ctx.run_id, stage, ctx.attempt, beside_others=ctx.slot is not None
    )


def refused_meanwhile(ctx: NightContext, stage: str, error: Exception) -> NightRefused | None:
    """Why this attempt may not go on in any case, where it lost the database; None where it may, or that cannot be asked.

    A process that stood still for minutes loses its connection first: what it is to be told is that it was thought dead and
    another has taken its place, and not to do the same once more.
    """
    if not ctx.attempt or not is_transient(error):
        return None
    try:
        with database.transaction(ctx.settings.store_url) as connection:
            hold_open(ctx, connection, stage)
    except NightRefused as refused:
        return refused
    except Exception:  # it is still away, and that is what is said
        return None
    return None


def prove_still_landed(ctx: NightContext, night: nights.Night, stage: str) -> None:
    """What was taken in is what is landed now; else nothing more is made of it. A folder that has gone says nothing.

    ``night``: as it stood when this attempt was begun; only another attempt, after which this one stores nothing, takes in more.
    """
    on = ctx.business_date
    landed_now = landed_sha256(ctx.landing / on.isoformat())
    if night.manifest_sha256 and landed_now and night.manifest_sha256 != landed_now:
        raise fail(
            ctx, stage,
            f"Stage {stage} of the night of {on} was not run: another extract was landed since one was taken in. "
            + ("The night has succeeded, and is not changed: put the first extract back, or land what is new under a later "
               "business date." if night.succeeded else "Run the night again from its first stage, open_night."),
        )  # fmt: skip


def require_law(ctx: NightContext, night: nights.Night, stage: str) -> None:
    """Nothing goes out, and no night is closed, of which the money law was not found to hold."""
    if not night.law_held:
        raise NightRefused(
            f"Stage {stage} of the night of {ctx.business_date} was not run: the money law was not found to hold since the last "
            "stage that could change it. Run check_money_law first."
        )


def record_failure(ctx: NightContext, stage: str, reason: str) -> None:
    """Mark the night FAILED, when the attempt that failed holds it. What it stored stands; the same date run again goes on.

    Where ``ctx`` does not know the attempt: when nobody is at work on the night, and it has not come past that stage.
    """
    if ctx.attempt:
        record(ctx, nights.FAILED, stage, reason)
        return
    try:
        with database.lock(ctx.settings.store_url, database.STAGE_LOCK):
            record(ctx, nights.FAILED, stage, reason)
    except database.LockTaken:
        tell_refusal(ctx, stage, reason)


def record(ctx: NightContext, status: str, stage: str, reason: str) -> None:
    """Mark the night FAILED or REJECTED, as above."""
    on, at, words = ctx.business_date, ctx.clock(), printable_lines(reason)
    with database.transaction(ctx.settings.store_url) as connection:
        nights.record_failure(
            connection, on, ctx.run_id, status, stage, words, at,
            attempt=ctx.attempt, reached=STAGES[: STAGES.index(stage) + 1], slot=ctx.slot,
        )  # fmt: skip
        attempt = ctx.attempt or night_stages.unended(connection, on, ctx.run_id, stage)
        night_stages.fail(connection, on, ctx.run_id, attempt, stage, words, at)


def tell_refusal(ctx: NightContext, stage: str, reason: str) -> None:
    """Tell whoever follows the run why a stage was not run, or stopped: of the night's record nothing is changed."""
    with contextlib.suppress(Exception), database.transaction(ctx.settings.store_url) as connection:
        night_stages.fail(
            connection,
            ctx.business_date,
            ctx.run_id,
            ctx.attempt,
            stage,
            printable_lines(reason),
            ctx.clock(),
        )


def fail(ctx: NightContext, stage: str, reason: str) -> NightFailed:
    record_failure(ctx, stage, reason)
    return NightFailed(reason)


def latest_date(connection: Connection, ctx: NightContext) -> pd.Timestamp:
    """The latest business date known of: the night's own, unless it is run late or again."""
    return pd.Timestamp(nights.dates(connection, ctx.business_date).latest).as_unit("s")
