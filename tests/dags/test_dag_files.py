"""What every DAG must have, and how the night is put together from its stages.

Nothing here runs a task: see tests/integration for that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from case_closure.domain.night import IN_PARTS
from case_closure.domain.tranches import FIELDS
from case_closure.local.environment import DAGS, PLUGINS

STAGES = [
    "open_night",
    "verify_landing",
    "receive_extract",
    "select_tranche",
    "take_applications",
    "judge_debts",
    "follow_closure",
    "receive_balances",
    "set_up_cases",
    "post_dues",
    "decide_next_action",
    "apply_corrections",
    "allocate_payments",
    "refer_actions",
    "check_money_law",
    "write_out",
    "close_night",
]
OF_THE_NIGHT = ["nightly", *(f"stage_{stage}" for stage in STAGES)]
HEAVY = ("great_expectations", "pandas", "pyarrow", "numpy", "case_closure.night.run", "case_closure.store")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow finds in the DAG files."""
    return read_by_airflow(tmp_path_factory.mktemp("airflow"))


def read_by_airflow(home: Path, **variables: str) -> dict[str, Any]:
    environment = {
        **os.environ,
        **variables,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    script = Path(__file__).parent / "describe_dags.py"
    done = subprocess.run(
        [sys.executable, str(script), str(DAGS), str(PLUGINS)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_every_dag_file_is_read_without_error(found: dict[str, Any]) -> None:
    assert found["errors"] == {}
    assert sorted(found["dags"]) == sorted([*OF_THE_NIGHT, "criteria_change", "send_letters", "sweep"])


def test_every_dag_says_what_it_is_for_when_it_runs_and_what_to_do_when_it_fails(
    found: dict[str, Any],
) -> None:
    for dag_id, dag in found["dags"].items():
        assert "**When**" in dag["doc_md"], dag_id
        assert "**When it fails**" in dag["doc_md"], dag_id
        assert dag["description"], dag_id


def test_every_dag_has_an_owner_tags_and_one_run_at_a_time(found: dict[str, Any]) -> None:
    for dag_id, dag in found["dags"].items():
        assert dag["owner"] == "financial-transition", dag_id
        assert "financial-transition" in dag["tags"], dag_id
        assert dag["max_active_runs"] == (16 if dag_id == "criteria_change" else 1), dag_id
        assert dag["catchup"] is False, dag_id


def test_every_task_is_tried_again_and_says_what_to_do_when_it_fails(found: dict[str, Any]) -> None:
    for dag_id, dag in found["dags"].items():
        assert all(retries == 2 for retries in dag["retries"].values()), dag_id
        assert all(dag["callbacks"].values()), dag_id


def test_every_dag_of_the_night_takes_a_business_date_a_landing_zone_and_an_outbound_folder(
    found: dict[str, Any],
) -> None:
    for dag_id in OF_THE_NIGHT:
        dag = found["dags"][dag_id]
        assert dag["params"] == ["business_date", "landing", "outbound"], dag_id


def test_with_slots_a_stage_in_parts_is_planned_and_then_worked_on_by_a_task_a_slot(tmp_path: Path) -> None:
    """The number of tasks is a constant of the installation: nothing is mapped over what a task returned."""
    dag = read_by_airflow(tmp_path, CASE_CLOSURE_SLOTS="3")["dags"]["nightly"]
    tasks = [
        task
        for stage in STAGES
        for task in ([f"{stage}.plan", f"{stage}.run"] if stage in IN_PARTS else [f"{stage}.run"])
    ]
    tasks.insert(tasks.index("write_out.run") + 1, "write_out.put_together")
    assert dag["order"] == tasks
    assert {task for task, slots in dag["mapped"].items() if slots == 3} == {
        f"{stage}.run" for stage in IN_PARTS
    }
    assert len([slots for slots in dag["mapped"].values() if slots]) == len(IN_PARTS)


def test_the_stages_are_listed_in_the_order_of_the_night(found: dict[str, Any]) -> None:
    """The pages sort Dags by what they are called."""
    called = {
        dag["display_name"]: dag_id for dag_id, dag in found["dags"].items() if dag_id.startswith("stage_")
    }
    assert [called[name] for name in sorted(called)] == [f"stage_{stage}" for stage in STAGES]


def test_a_note_says_which_night_and_while_the_run_is_red_why_and_keeps_what_a_person_wrote(
    found: dict[str, Any],
) -> None:
    shell = "Night of 2017-08-10, run from a shell"
    assert found["notes"] == [
        "Night of 2017-08-10",
        f"{shell}\n\nWhy it failed: no manifest\n\nAnn: look",
        f"{shell}\n\nWhy it failed: no folder\n\nAnn: look",
        f"{shell}\n\nAnn: look",
        "Night of 2017-08-10\n\nAnn: look",
    ]


def test_sending_letters_is_a_sweep_of_its_own_that_is_off_until_switched_on(found: dict[str, Any]) -> None:
    """Issue 4, part 2: off by default, hourly, one task; the night does not wait for it."""
    dag = found["dags"]["send_letters"]
    assert dag["paused"] is True
    assert dag["schedule"] == "CronTriggerTimetable"
    assert dag["order"] == ["send"]


def test_B6_a_change_of_criteria_is_proposed_then_approved_then_recorded(found: dict[str, Any]) -> None:
    """A form with the contract's fields; who authorised it, and when, is not the proposer's to say."""
    dag = found["dags"]["criteria_change"]
    assert dag["order"] == ["propose", "approve", "record"]
    assert dag["schedule"] == "NullTimetable"
    assert set(dag["params"]) - {"preview_on"} == set(FIELDS) - {"authorised_by", "authorised_on"}


def test_the_night_is_one_task_group_a_stage_each_after_the_one_before(found: dict[str, Any]) -> None:
    night = found["dags"]["nightly"]
    assert night["groups"] == STAGES
    tasks = [f"{stage}.run" for stage in STAGES]
    assert night["order"] == tasks
    assert night["edges"] == sorted([a, b] for a, b in pairwise(tasks))


def test_each_stage_has_a_dag_of_its_own_of_the_same_task_group(found: dict[str, Any]) -> None:
    for stage in STAGES:
        dag = found["dags"][f"stage_{stage}"]
        assert dag["groups"] == [stage]
        assert dag["order"] == [f"{stage}.run"]
        assert dag["schedule"] == "NullTimetable"


def test_the_stages_of_the_dags_are_the_stages_of_the_night() -> None:
    from case_closure.night import run as night

    assert list(night.STAGES) == STAGES


def test_reading_the_dag_files_loads_nothing_heavy(found: dict[str, Any]) -> None:
    loaded = [name for name in found["imported"] if name.startswith(HEAVY)]
    assert loaded == []


def test_each_dag_file_is_read_within_a_second(found: dict[str, Any]) -> None:
    assert set(found["seconds"]) == {
        "nightly.py",
        "stages.py",
        "criteria_change.py",
        "send_letters.py",
        "sweep.py",
    }
    assert max(found["seconds"].values()) < 1.0, found["seconds"]


@pytest.mark.parametrize("file", sorted(DAGS.glob("*.py")), ids=lambda path: path.name)
def test_a_dag_file_only_wires(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert len(lines) < 160
    assert lines[0].startswith('"""')


def test_a_backfill_from_the_10th_to_the_12th_gives_the_10th_11th_and_12th(found: dict[str, Any]) -> None:
    """R21, in winter, in summer, and over the night the clocks change."""
    for season, month in (("winter", "2017-01"), ("summer", "2017-08")):
        assert found["backfills"][season] == [f"{month}-{day}T00:00:00+00:00" for day in (10, 11, 12)]
    assert found["backfills"]["clocks_change"] == [f"2017-03-{day}T00:00:00+00:00" for day in (25, 26, 27)]


def test_the_schedule_never_runs_a_past_night_out_of_turn(found: dict[str, Any]) -> None:
    """R21: a night that was missed alone is run late; nothing else of the past runs by itself."""
    assert found["scheduled"] == {
        "on a new installation": "2026-11-22",
        "the day after the last": "2026-11-22",
        "when midnight was missed": "2026-11-21",
        "after a backfill of old dates": "2026-11-22",
    }


@pytest.mark.parametrize(
    ("command", "loaded"),
    [("scheduler --skip-serve-logs", True), ("celery worker", True), ("api-server", False), ("dag-processor", False)],
)  # fmt: skip
def test_who_forks_tasks_has_loaded_what_a_stage_needs_and_nobody_else(command: str, loaded: bool) -> None:
    """Airflow imports this module as any of its commands begins."""
    script = "import airflow_local_settings as made, sys; print(made.__all__, *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script, *command.split()],
        env={**os.environ, "PYTHONPATH": str(PLUGINS)},
        capture_output=True,
        text=True,
        check=True,
    )
    changed, *modules = done.stdout.split()
    assert changed == "[]"
    assert [name in modules for name in HEAVY] == [loaded] * len(HEAVY)


def test_30_the_sweep_for_what_got_stuck_runs_every_day_or_for_a_date_that_is_given(
    found: dict[str, Any],
) -> None:
    """[30]: it is on without being switched on, since nothing leaves by it."""
    dag = found["dags"]["sweep"]
    assert dag["paused"] is False
    assert dag["schedule"] == "CronTriggerTimetable"
    assert dag["order"] == ["sweep"]
    assert dag["params"] == ["business_date"]
