"""Reads the DAG files as Airflow's own processor does and prints what it found as JSON.

Run in a process of its own: what a DAG file imports can only be seen in an interpreter that has imported
nothing else.
"""

import json
import sys
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

import pendulum
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.timetables.base import DataInterval, TimeRestriction

folder, plugins = sys.argv[1:]
sys.path.insert(0, plugins)  # as Airflow does
before = set(sys.modules)
bag = BundleDagBag(dag_folder=folder, bundle_path=Path(folder), bundle_name="dags-folder")

import nightly_timetable  # noqa: E402
import run_notes  # noqa: E402


def day(text: str) -> pendulum.DateTime:
    return pendulum.instance(datetime.fromisoformat(text).replace(tzinfo=UTC))


def days_of_backfill(first: str, last: str) -> list[str]:
    """As `SerializedDAG.iter_dagrun_infos_between` asks for them."""
    timetable, found = nightly_timetable.NightlyTimetable(), list[str]()
    interval: DataInterval | None = None
    restriction = TimeRestriction(day(first), day(last), catchup=True)
    while True:
        info = timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=restriction)
        if info is None:
            return found
        interval = info.data_interval
        assert interval is not None
        found.append(interval.start.isoformat())


def slots_of(task: Any) -> int:
    """Over how many slots a task is mapped; 0 when it is not."""
    mapped = getattr(task, "op_kwargs_expand_input", None)
    return len(mapped.value["slot"]) if mapped else 0


def next_scheduled(now: str, last: str | None) -> str:
    """The business date that is scheduled next without catchup, when `last` was the last to run."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromisoformat(now).replace(tzinfo=UTC)

    interval = DataInterval(day(last), day(last).add(days=1)) if last else None
    with patch.object(nightly_timetable, "datetime", Clock):
        info = nightly_timetable.NightlyTimetable().next_dagrun_info(
            last_automated_data_interval=interval,
            restriction=TimeRestriction(day("2010-01-01"), None, catchup=False),
        )
    assert info is not None
    assert info.data_interval is not None
    return info.data_interval.start.date().isoformat()


print(
    json.dumps(
        {
            "errors": bag.import_errors,
            "seconds": {Path(s.file).name: s.duration.total_seconds() for s in bag.dagbag_stats},
            "imported": sorted(set(sys.modules) - before),
            "dags": {
                dag_id: {
                    "doc_md": dag.doc_md,
                    "description": dag.description,
                    "display_name": dag.dag_display_name,
                    "tags": sorted(dag.tags),
                    "owner": dag.owner,
                    "schedule": type(dag.timetable).__name__,
                    "catchup": dag.catchup,
                    "paused": dag.is_paused_upon_creation,
                    "max_active_runs": dag.max_active_runs,
                    "groups": list(dag.task_group.children),
                    "order": [task.task_id for task in dag.topological_sort()],  # type: ignore[no-untyped-call] # Airflow's own
                    "edges": sorted([t.task_id, d] for t in dag.tasks for d in t.downstream_task_ids),
                    "retries": {t.task_id: t.retries for t in dag.tasks},
                    "callbacks": {t.task_id: bool(t.on_failure_callback) for t in dag.tasks},
                    "mapped": {t.task_id: slots_of(t) for t in dag.tasks},
                    "params": sorted(dag.params),
                }
                for dag_id, dag in bag.dags.items()
            },
            "backfills": {
                "winter": days_of_backfill("2017-01-10", "2017-01-12"),
                "summer": days_of_backfill("2017-08-10", "2017-08-12"),
                "clocks_change": days_of_backfill("2017-03-25", "2017-03-27"),
            },
            "notes": [
                run_notes.noted(None, "Night of 2017-08-10", None),
                red := run_notes.noted(
                    "Night of 2017-08-10, run from a shell\n\nAnn: look", "Night of 2017-08-10", "no manifest"
                ),
                run_notes.noted(red, "Night of 2017-08-10", "no folder"),
                run_notes.noted(red, "Night of 2017-08-10", None),
                run_notes.noted("Ann: look", "Night of 2017-08-10", None),
            ],
            "scheduled": {
                "on a new installation": next_scheduled("2026-11-22T09:00:00", None),
                "the day after the last": next_scheduled("2026-11-22T09:00:00", "2026-11-21"),
                "when midnight was missed": next_scheduled("2026-11-22T09:00:00", "2026-11-20"),
                "after a backfill of old dates": next_scheduled("2026-11-22T09:00:00", "2017-08-12"),
            },
        }
    )
)
