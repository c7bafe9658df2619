"""The stages of the night as task groups, for `nightly` and for the DAG of each stage.

Wiring only: what a stage does is in `case_closure.night` and below it. Nothing heavy is imported until a
task runs.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any

from airflow.sdk import ObjectStoragePath, Param, TaskGroup, task
from airflow.sdk.exceptions import AirflowFailException

log = logging.getLogger(__name__)

STAGES = {
    "open_night": "Opens the night; refused while another is open or an earlier one failed (R21).",
    "verify_landing": "Holds the landing folder against its manifest; a disagreement rejects it whole (R22).",
    "receive_balances": "Takes in the extract, gates every row, finds what may transfer (B28, B29).",
    "set_up_cases": "Checks and creates or links the cases that need dues on CMS (B31, B35-B43).",
    "post_dues": "Works out the dues that mirror each balance, and where every penny is (B32, B44, R7).",
    "decide_next_action": "Write-off checks, letters, next action; stores all of a casegroup at once (B45-B50).",
    "gate_payments": "Gates payment and correction rows; a bad one is refused alone (R25, B55).",
    "close_night": "Holds the night against the money law, writes what goes out, closes it.",
}

DEFAULT_ARGS = {
    "owner": "financial-transition",
    # Only what may pass by itself is tried again: see `_run`. A killed task is, too.
    "retries": 2,
    "retry_delay": timedelta(seconds=20),
}

PARAMS = {
    "business_date": Param(
        None, type=["null", "string"], format="date", description="The night; empty: the run's logical date."
    ),
    "landing": Param(
        None, type=["null", "string"], description="Folder or URL of the landing zone; empty: as installed."
    ),
    "outbound": Param(
        None, type=["null", "string"], description="Folder or URL for what goes out; empty: as installed."
    ),
}


class Refused(AirflowFailException):
    """The night was not begun, so it has not failed either."""


def stage_group(stage: str) -> TaskGroup:
    """The task group of one stage, inside the DAG being defined."""
    with TaskGroup(stage, tooltip=STAGES[stage]) as group:

        @task(task_id="run", doc_md=STAGES[stage], on_failure_callback=_say_what_to_do)
        def run_stage(**context: Any) -> dict[str, int | str]:
            return _run(stage, context)

        run_stage()
    return group


def _run(stage: str, context: Any) -> dict[str, int | str]:
    from case_closure.landing.manifest import LandingRejected
    from case_closure.night import NightFailed, NightRefused
    from case_closure.platform import stage_run
    from case_closure.store.transient import is_transient

    try:
        return stage_run.run(stage, **_night_of(context))
    except NightRefused as refusal:
        raise Refused(str(refusal)) from None
    except (LandingRejected, NightFailed) as failure:
        raise AirflowFailException(str(failure)) from None
    except Exception as error:
        if is_transient(error):
            raise
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error


def _night_of(context: Any) -> dict[str, Any]:
    from case_closure.platform.stage_run import business_date_of

    params, run = context["params"], context["dag_run"]
    try:
        night: date = business_date_of(params.get("business_date"), run.logical_date)
    except ValueError as unknown:
        raise AirflowFailException(str(unknown)) from None
    return {
        "business_date": night,
        # Stages run one by one by hand are one run of their night.
        "run_id": run.run_id if run.dag_id == "nightly" else f"by-hand__{night}",
        "landing": params.get("landing"),
        "outbound": params.get("outbound"),
        "open_path": ObjectStoragePath,
        "watched_as": (run.conf or {}).get("watched_as"),
    }


def _say_what_to_do(context: Any) -> None:
    """After the last try: the night is marked FAILED in our store, and the log says in plain words what to
    do.
    """
    from case_closure.platform import stage_run

    stage = context["task_instance"].task_id.partition(".")[0]
    error = context.get("exception")
    reason = str(error) if error else "the task was ended from outside before it could say why"
    night = _night_of(context)
    refused = isinstance(error, Refused)
    stage_run.record_failure(stage, reason, refused=refused, **night)
    log.error(
        "The night of %s %s in %s: %s\nWhat to do: %s",
        night["business_date"],
        "was refused" if refused else "failed",
        stage,
        reason,
        "finish or mend the night that is in the way, then clear this task."
        if refused
        else "mend what is named above, then clear this task with everything downstream of it; "
        "later nights wait until then. See docs/runbook.md.",
    )
