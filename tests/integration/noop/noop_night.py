"""A night that only writes down which stage was run, for which date, in which order; and tells of it in the store, as the
real one does.

`<landing>/<business date>/<stage>` makes that stage fail: its text is the kind (refused, failed, rejected,
transient, bug), and `transient` is removed on failing, so that the next try succeeds.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from case_closure.domain.night import STAGES
from case_closure.night import attempts
from case_closure.night.context import NightFailed, NightRefused
from case_closure.settings import Settings
from case_closure.store import database, night_stages


@dataclass(frozen=True)
class NightContext:
    business_date: date
    run_id: str
    landing: Any
    outbound: Any
    settings: Settings
    clock: Callable[[], datetime]
    attempt: int = 0
    slot: int | None = None


@dataclass(frozen=True)
class NightSummary:
    business_date: date
    status: str = "SUCCESS"
    buckets: tuple[Any, ...] = ()
    casegroups_by_outcome: dict[str, int] = field(default_factory=dict)
    exceptions_by_rule: dict[str, int] = field(default_factory=dict)
    journeys_by_state: dict[str, int] = field(default_factory=dict)
    letters_by_code: dict[str, int] = field(default_factory=dict)
    entries_without_effect: tuple[tuple[str, str], ...] = ()


def _note(context: NightContext, stage: str, what: str, reason: str = "") -> None:
    line = {
        "business_date": context.business_date.isoformat(),
        "stage": stage,
        "what": what,
        "run_id": context.run_id,
        "landing": str(context.landing),
        "landing_type": type(context.landing).__name__,
        "reason": reason,
        "process": os.getpid(),
    }
    with Path(os.environ["NOOP_NIGHT_RECORD"]).open("a") as out:
        out.write(json.dumps(line) + "\n")


def run_stage(stage: str, context: NightContext) -> dict[str, int | str]:
    _note(context, stage, "ran")
    if stage == STAGES[0]:
        database.migrate(context.settings.store_url)
    attempt = _begin(context, stage)
    trouble = context.landing / context.business_date.isoformat() / stage
    try:
        if trouble.exists():
            _cause(trouble)
    except NightRefused as refused:
        _fail(context, attempt, stage, str(refused))
        raise
    except Exception as error:
        attempts.mark(error, attempt)
        raise
    with database.transaction(context.settings.store_url) as connection:
        night_stages.end(connection, context.business_date, attempt, {"rows": 3}, context.clock())
    return {"rows": 3}


def _cause(trouble: Any) -> None:
    kind = trouble.read_text().strip()
    if kind == "refused":
        raise NightRefused("the night of 2017-08-09 is open, run by run-1")
    if kind == "failed":
        raise NightFailed("the money law is broken in RP ACTIVE")
    if kind == "slow":
        time.sleep(60)
    if kind == "transient":
        import psycopg

        trouble.unlink()
        raise psycopg.OperationalError("the server closed the connection")
    if kind == "bug":
        raise KeyError("a mistake in the program")


def _begin(context: NightContext, stage: str) -> int:
    on = context.business_date
    with database.transaction(context.settings.store_url) as connection:
        begun = len(night_stages.of_run(connection, on, context.run_id))
        night_stages.begin(connection, on, context.run_id, begun + 1, stage, context.clock())
    return begun + 1


def _fail(context: NightContext, attempt: int, stage: str, reason: str) -> None:
    with database.transaction(context.settings.store_url) as connection:
        night_stages.fail(
            connection, context.business_date, context.run_id, attempt, stage, reason, context.clock()
        )


def record_failure(context: NightContext, stage: str, reason: str) -> None:
    _note(context, stage, "recorded as failed", reason)
    _fail(context, context.attempt, stage, reason)


def run_night(context: NightContext, progress: Callable[[str, dict[str, Any]], None]) -> None:
    for stage in STAGES:
        progress(stage, {"what": "started"})
        progress(stage, dict(run_stage(stage, context)))


def summary(settings: Settings, business_date: date) -> NightSummary:
    return NightSummary(business_date)
