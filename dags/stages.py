"""
### One stage, by hand

Each stage of the night as a DAG of its own, made of the same task group as in `nightly`.

- **When** never by itself. Trigger it with a *Business date* to run one stage of that night again. To rerun a
  stage *and what follows*, clear its task in `nightly` with *Downstream* instead; that is the usual way.
- **When it fails** the task's log says what to do. A stage of a night that was never opened, or that another
  run holds, is refused and changes nothing.
"""

from __future__ import annotations

from airflow.sdk import DAG
from task_groups import DEFAULT_ARGS, PARAMS, stage_group

from case_closure.domain.night import MEANINGS

for number, (stage, meaning) in enumerate(MEANINGS.items(), start=1):
    with DAG(
        dag_id=f"stage_{stage}",
        dag_display_name=f"stage {number:02}: {stage}",  # listed in the order of the night
        description=meaning,
        doc_md=f"{__doc__}- **This stage** {meaning[0].lower()}{meaning[1:]}\n",
        schedule=None,
        catchup=False,
        is_paused_upon_creation=False,
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        params=PARAMS,
        tags=["stage", "by-hand", "financial-transition"],
    ):
        stage_group(stage)
