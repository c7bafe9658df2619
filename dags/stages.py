"""
### One stage, by hand

Each stage of the night as a DAG of its own, made of the same task group as in `nightly`.

**When** never by itself: trigger it with a `business_date` for a night that is open or failed, to run one
stage again. To rerun a stage *and what follows*, clear its task in `nightly` with *Downstream* instead;
that is the usual way.

**When it fails** the task's log ends with what to do. A stage whose night was not opened, or whose earlier
stages have not run, is refused and changes nothing.
"""

from __future__ import annotations

from airflow.sdk import DAG
from task_groups import DEFAULT_ARGS, PARAMS, STAGES, stage_group

for stage, meaning in STAGES.items():
    with DAG(
        dag_id=f"stage_{stage}",
        description=meaning,
        doc_md=f"{__doc__}\n**This stage** {meaning}",
        schedule=None,
        catchup=False,
        is_paused_upon_creation=False,
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        params=PARAMS,
        tags=["stage", "by-hand", "financial-transition"],
    ):
        stage_group(stage)
