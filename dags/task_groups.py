"""The stages of the night as task groups, for `nightly` and for the DAG of each stage.

Wiring only: what a stage does is in `case_closure.night.run` and below it. Nothing heavy is imported until a
task runs.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any

from airflow.sdk import ObjectStoragePath, Param, TaskGroup, task
from airflow.sdk.exceptions import AirflowFailException
from telling import explain

from case_closure.domain.night import MEANINGS

log = logging.getLogger(__name__)

DEFAULT_ARGS = {
    "owner": "financial-transition",
    # Only what may pass by itself is tried again: see `_run`. A killed task is, too.
    "retries": 2,
    "retry_delay": timedelta(seconds=20),
}

PARAMS = {
    "business_date": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Business date",
        description="The night to run. Empty: the date of the logical date.",
    ),
    "landing": Param(
        None,
        type=["null", "string"],
        title="Landing zone",
        description="Folder or URL that holds one folder a date. Empty: as installed.",
    ),
    "outbound": Param(
        None,
        type=["null", "string"],
        title="Outbound",
        description="Folder or URL for what goes out. Empty: as installed.",
    ),
}


class Refused(AirflowFailException):
    """The night was not begun, so it has not failed either."""


def stage_group(stage: str) -> TaskGroup:
    """The task group of one stage, inside the DAG being defined."""
    with TaskGroup(stage, tooltip=MEANINGS[stage]) as group:

        @task(task_id="run", doc_md=MEANINGS[stage], on_failure_callback=_record_failure)
        def run_stage(**context: Any) -> dict[str, int | str]:
            return _run(stage, context)

        run_stage()
    return group


def _run(stage: str, context: Any) -> dict[str, int | str]:
    from case_closure.domain.texts import printable_lines
    from case_closure.landing.manifest import LandingRejected
    from case_closure.local import stage_run
    from case_closure.night import attempts
    from case_closure.night.run import MachineFault, NightFailed, NightRefused
    from case_closure.store.transient import is_transient

    try:
        night = _night_of(context)
    except ValueError as unknown:
        ended: AirflowFailException = Refused(str(unknown))
        _explain(stage, "no date", ended, context)
        raise ended from None
    try:
        return stage_run.run(stage, **night)
    except NightRefused as refusal:
        ended = Refused(printable_lines(refusal))
    except Exception as error:
        if error.passes if isinstance(error, MachineFault) else is_transient(error):
            raise
        words = str(error)
        if not isinstance(error, LandingRejected | NightFailed):
            log.exception("This is not a mistake of the data's. For the developers:")
            words = f"{type(error).__name__}: {error}"
        ended = attempts.mark(AirflowFailException(printable_lines(words)), error)
    # Here, because the pages fold away what is logged after a task has ended.
    _explain(stage, night["business_date"], ended, context)
    raise ended from None


def _night_of(context: Any) -> dict[str, Any]:
    from case_closure.local.stage_run import business_date_of

    params, run = context["params"], context["dag_run"]
    night: date = business_date_of(params.get("business_date"), run.logical_date)
    return {
        "business_date": night,
        # Stages run one by one by hand are one run of their night.
        "run_id": run.run_id if run.dag_id == "nightly" else f"by-hand__{night}",
        "landing": params.get("landing"),
        "outbound": params.get("outbound"),
        "open_path": ObjectStoragePath,
        "watched_as": (run.conf or {}).get("watched_as"),
    }


def _record_failure(context: Any) -> None:
    """After the last try: the night is marked FAILED in our store, and the log has said what to do."""
    from case_closure.local import stage_run

    stage = context["task_instance"].task_id.partition(".")[0]
    error = context.get("exception")
    if not error:
        error = RuntimeError("The task was ended from outside before it could say why.")
    try:
        night = _night_of(context)
    except ValueError:
        return  # no night to mark; said already
    if not isinstance(error, AirflowFailException):
        _explain(stage, night["business_date"], error, context)
    try:
        stage_run.record_failure(stage, error, refused=isinstance(error, Refused), **night)
    except Exception as also:
        log.error("The night stays OPEN until it is run again: it could not be marked. %s", str(also)[:200])


def _explain(stage: str, night: date | str, error: BaseException, context: Any) -> None:
    refused = isinstance(error, Refused)
    explain(
        f"The night of {night} {'was refused' if refused else 'failed'} in {stage}.",
        str(error),
        "do what is said above, then clear this task with everything downstream of it; nothing was changed."
        if refused
        else "mend what is named above, then clear this task with everything downstream of it; later nights "
        "wait until then. docs/runbook.md lists every refusal and its remedy.",
        context,
    )
