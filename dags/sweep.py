"""
### What got stuck

A work item STUCK, for the transition team, for whatever waits too long: exceptions that hold a casegroup, payments held or
flagged, nights that did not succeed, letters that could not be sent. The first sweep that finds it gone closes it.

- **When** every morning at six, UTC, for that day. Run it by hand at any time, with a *Business date* or without; again it
  changes nothing.
- **What it did** stands in the task's log, a line for each thing, and in the view `reporting.work_items`. What is too long is
  `CASE_CLOSURE_STUCK_DAYS`, 28 unless set.
- **When it fails** the task's log says what to do. Nothing is half done; the next sweep finds the same.
"""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

import pendulum
from airflow.sdk import DAG, task
from form_fields import day
from task_groups import DEFAULT_ARGS
from telling import NotBegun, after_the_last_try, end, explain, run_in_words

from case_closure.local.stage_run import business_date_of

log = logging.getLogger(__name__)


def _tell(error: BaseException, context: Any) -> None:
    do = "mend what is named above and clear this task, or wait for the next sweep."
    explain("Nobody looked for what got stuck.", str(error), do, context)


def _sweep(on: date) -> dict[str, int | str]:
    from case_closure.local.store import with_store
    from case_closure.sweeps import stuck

    swept = stuck.sweep(with_store(), on)
    for line in swept.lines():
        log.info("%s", line)
    return {"date": str(on), "stuck": len(swept.raised), "gone": len(swept.closed), "open": swept.open}


with DAG(
    dag_id="sweep",
    description="Finds what got stuck, and says so in work items",
    doc_md=__doc__,
    schedule="0 6 * * *",
    start_date=pendulum.datetime(2010, 1, 1, tz="UTC"),
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params={
        "business_date": day("Business date", "Stuck on this date. Empty: the date of the logical date.")
    },
    tags=["sweep", "financial-transition"],
):

    @task(task_id="sweep", on_failure_callback=after_the_last_try(_tell))
    def sweep(**context: Any) -> dict[str, int | str]:
        try:
            on = business_date_of(context["params"].get("business_date"), context["dag_run"].logical_date)
        except ValueError as unknown:
            end(NotBegun(str(unknown)), lambda ended: _tell(ended, context))
        return run_in_words(lambda: _sweep(on), lambda ended: _tell(ended, context))

    sweep()
