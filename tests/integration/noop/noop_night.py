"""A night that only writes down which stage was run, for which date, in which order.

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

from case_closure.night.context import NightFailed, NightRefused
from case_closure.settings import Settings

STAGES = (
    "open_night",
    "verify_landing",
    "receive_extract",
    "select_tranche",
    "take_applications",
    "follow_closure",
    "receive_balances",
    "set_up_cases",
    "post_dues",
    "decide_next_action",
    "gate_payments",
    "check_money_law",
    "write_out",
    "close_night",
)


@dataclass(frozen=True)
class NightContext:
    business_date: date
    run_id: str
    landing: Any
    outbound: Any
    settings: Settings
    clock: Callable[[], datetime]


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
    trouble = context.landing / context.business_date.isoformat() / stage
    if trouble.exists():
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
    return {"rows": 3}


def record_failure(context: NightContext, stage: str, reason: str) -> None:
    _note(context, stage, "recorded as failed", reason)


def run_night(context: NightContext, progress: Callable[[str, dict[str, Any]], None]) -> None:
    for stage in STAGES:
        progress(stage, {"what": "started"})
        progress(stage, dict(run_stage(stage, context)))


def summary(settings: Settings, business_date: date) -> NightSummary:
    return NightSummary(business_date)
