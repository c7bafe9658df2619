"""The stages of the night as task groups, for `nightly` and for the DAG of each stage.

Wiring only: what a stage does is in `case_closure.night.run` and below it. Nothing heavy is imported until a
task runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

from airflow.sdk import ObjectStoragePath, Param, TaskGroup, task
from telling import NotBegun, end, explain, run_in_words, was_told, why_it_ended

from case_closure.domain.night import IN_PARTS, MEANINGS, PUT_TOGETHER
from case_closure.local import stage_run
from case_closure.local.stage_run import Asked, business_date_of
from case_closure.settings import Settings

log = logging.getLogger(__name__)

DEFAULT_ARGS = {
    "owner": "financial-transition",
    # Only what may pass by itself is tried again: see `telling.run_in_words`. A killed task is, too.
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


SLOTS = Settings.from_environment().slots


def stage_group(stage: str) -> TaskGroup:
    """The task group of one stage, inside the DAG being defined.

    Where there are slots, a stage in parts is planned by one task and worked on by a task a slot: a constant number, as
    a map over what another task returned may stop the scheduler.
    """
    with TaskGroup(stage, tooltip=MEANINGS[stage]) as group:

        @task(task_id="run", doc_md=MEANINGS[stage], on_failure_callback=_record_failure)
        def run_stage(**context: Any) -> dict[str, int | str]:
            return _work(stage, context, stage_run.run)

        @task(task_id="plan", doc_md=MEANINGS[stage], on_failure_callback=_record_failure)
        def plan_stage(**context: Any) -> dict[str, int | str]:
            return _work(stage, context, stage_run.plan)

        @task(
            task_id="run",
            doc_md=MEANINGS[stage],
            on_failure_callback=_record_failure,
            map_index_template="{{ slot }}",
        )
        def run_slot(slot: int, **context: Any) -> dict[str, int | str]:
            return _work(stage, context, partial(stage_run.run_slot, slot=slot, slots=SLOTS))

        @task(task_id="put_together", doc_md=MEANINGS[stage], on_failure_callback=_record_failure)
        def put_together(**context: Any) -> dict[str, int | str]:
            return _work(stage, context, stage_run.put_together)

        if SLOTS == 1 or stage not in IN_PARTS:
            run_stage()
        else:
            slots = plan_stage() >> run_slot.expand(slot=list(range(SLOTS)))
            if stage in PUT_TOGETHER:
                slots >> put_together()
    return group


def _work(
    stage: str, context: Any, work: Callable[[str, Asked], dict[str, int | str]]
) -> dict[str, int | str]:
    try:
        asked = _asked(context)
    except ValueError as unknown:
        end(NotBegun(str(unknown)), lambda ended: _explain(stage, "no date", ended, context))
    return run_in_words(
        lambda: work(stage, asked), lambda ended: _explain(stage, asked.business_date, ended, context)
    )


def _asked(context: Any) -> Asked:
    params, run = context["params"], context["dag_run"]
    night: date = business_date_of(params.get("business_date"), run.logical_date)
    return Asked(
        business_date=night,
        # Stages run one by one by hand are one run of their night.
        run_id=run.run_id if run.dag_id == "nightly" else f"by-hand__{night}",
        landing=params.get("landing"),
        outbound=params.get("outbound"),
        open_path=ObjectStoragePath,
    )


def _record_failure(context: Any) -> None:
    """After the last try: the night is marked FAILED in our store, and the log has said what to do."""
    stage = context["task_instance"].task_id.partition(".")[0]
    error = why_it_ended(context)
    try:
        asked = _asked(context)
    except ValueError:
        return  # no night to mark; said already
    if not was_told(error):
        _explain(stage, asked.business_date, error, context)
    map_index = context["task_instance"].map_index
    slot = map_index if map_index is not None and map_index >= 0 else None
    try:
        stage_run.record_failure(stage, asked, error, refused=isinstance(error, NotBegun), slot=slot)
    except Exception as also:
        log.error("The night stays OPEN until it is run again: it could not be marked. %s", str(also)[:200])


def _explain(stage: str, night: date | str, error: BaseException, context: Any) -> None:
    refused = isinstance(error, NotBegun)
    explain(
        f"The night of {night} {'was refused' if refused else 'failed'} in {stage}.",
        str(error),
        "do what is said above, then clear this task with everything downstream of it; nothing was changed."
        if refused
        else "mend what is named above, then clear this task with everything downstream of it; later nights "
        "wait until then. docs/runbook.md lists every refusal and its remedy.",
        context,
    )
