"""
### The night

Financial transition, once a night: the warehouse's extract in; dues, letters and exceptions out.

- **When** at midnight UTC, for the day that ends. The business date is the logical date, unless *Business date*
  is given on triggering. Any date may be backfilled; nights run one at a time, in date order.
- **Stages** are the task groups, in order. Each is safe to run again: the same date gives the same result.
- **When it fails** the red task's log says what to do. Nothing half done is left behind, and later nights
  wait. Mend the cause, then clear the red task with *Downstream*. `docs/runbook.md` lists every refusal and
  its remedy.
"""

from __future__ import annotations

from itertools import pairwise

import pendulum
from airflow.sdk import DAG
from nightly_timetable import NightlyTimetable
from task_groups import DEFAULT_ARGS, PARAMS, stage_group

from case_closure.domain.night import STAGES

with DAG(
    dag_id="nightly",
    description="Financial transition, once a night",
    doc_md=__doc__,
    schedule=NightlyTimetable(),
    start_date=pendulum.datetime(2010, 1, 1, tz="UTC"),
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params=PARAMS,
    tags=["night", "financial-transition"],
) as dag:
    groups = [stage_group(stage) for stage in STAGES]
    for earlier, later in pairwise(groups):
        earlier >> later

if __name__ == "__main__":  # one run in this process, no scheduler: what `case-closure nightly` starts
    from airflow.models.dagrun import DagRun
    from sqlalchemy import event

    from case_closure.local.one_run import arguments

    logical_date, run_id, conf = arguments()

    @event.listens_for(DagRun, "init")
    def begin_now(target: DagRun, args: tuple[()], given: dict[str, object]) -> None:
        """The test run begins when it is made, not at its logical date: the pages would show it took years. It bears the name
        by which the shell follows it.
        """
        given |= {
            "run_id": run_id,
            "start_date": given["run_after"],
            "note": f"Night of {logical_date:%Y-%m-%d}, run from a shell",
        }

    raise SystemExit(0 if dag.test(logical_date=logical_date, run_conf=conf).state == "success" else 1)
