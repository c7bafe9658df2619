"""One stage of one night as a task runs it: context built, stage run.

Belongs here: what every task has in common, so that the DAG files only wire. Does not belong here: Airflow,
or what a stage does. The DAG files import it when they are parsed: nothing heavy is imported before a task runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from case_closure.domain.texts import shown
from case_closure.local import one_run


def business_date_of(given: str | None, logical_date: datetime | None) -> date:
    """The night a run is for: the one it was given, else the day of its logical date. Raises ValueError
    with advice.
    """
    if given:
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise ValueError(
                f"Business date: expected a date such as 2017-08-10, found '{shown(given)}'. Trigger the "
                "run again with a date."
            ) from None
    if logical_date is None:
        raise ValueError(
            "The run was started with neither a business date nor a logical date, so it is not known which "
            "night is meant. Trigger it again with Business date filled in, such as 2017-08-10."
        )
    return logical_date.astimezone(UTC).date()


@dataclass(frozen=True)
class Asked:
    """The night a task works on: which, of which run, and where its folders are, if not as installed.

    open_path makes a path of a folder or URL: ObjectStoragePath in a DAG.
    """

    business_date: date
    run_id: str
    landing: str | None
    outbound: str | None
    open_path: Callable[[str], Any]


def run(stage: str, asked: Asked) -> dict[str, int | str]:
    """Runs `stage`; returns its summary. Raises what the night raises (NightRefused, LandingRejected,
    NightFailed).
    """
    from case_closure.night import run as night

    return night.run_stage(stage, _context(asked))


def plan(stage: str, asked: Asked) -> dict[str, int | str]:
    """Plans the parts of `stage`, for slots to work on. Raises as `run`."""
    from case_closure.night import run as night

    return night.plan_stage(stage, _context(asked))


def run_slot(stage: str, asked: Asked, slot: int, slots: int) -> dict[str, int | str]:
    """Works on the parts of `stage` that fall to a slot. Raises as `run`."""
    from case_closure.night import run as night

    return night.run_slot(stage, _context(asked), slot, slots)


def put_together(stage: str, asked: Asked) -> dict[str, int | str]:
    """Puts together what the parts of `stage` came to. Raises as `run`."""
    from case_closure.night import run as night

    return night.put_together(stage, _context(asked))


def record_failure(
    stage: str, asked: Asked, error: BaseException, *, refused: bool, slot: int | None
) -> None:
    """Marks the night FAILED, unless it was only refused: a refused night was never begun. An error knows the
    attempt it ended; one of a task that was ended from outside does not. ``slot``: of a stage in slots, the one.
    """
    from case_closure.night import attempts
    from case_closure.night import run as night

    if not refused:
        context = replace(_context(asked), attempt=attempts.ended_by(error), slot=slot)
        night.record_failure(context, stage, str(error))


def _context(asked: Asked) -> Any:
    from case_closure.local.store import with_store
    from case_closure.night import run as night

    one_run.collect_garbage_again()

    settings = with_store()
    return night.NightContext(
        business_date=asked.business_date,
        run_id=asked.run_id,
        landing=asked.open_path(asked.landing or settings.landing),
        outbound=asked.open_path(asked.outbound or settings.outbound),
        settings=settings,
        clock=lambda: datetime.now(UTC),
    )


def local_or_remote(given: str) -> Any:
    """A pathlib.Path for a local folder, a UPath for an object-store URL: for runs outside Airflow."""
    if "://" in given:
        from upath import UPath

        return UPath(given)
    return Path(given)
