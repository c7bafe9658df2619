"""What the pages say beside a run: which night it is of and, while it is red, why.

Belongs here: the note of a run of the night or of one of its stages. Does not belong here: what went wrong, which the task says
under REASON. Airflow's scheduler calls this as a run begins and ends. What a person has added to a note stays.
"""

from __future__ import annotations

from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

REASON = "reason"
_NIGHT = "Night of "
_WHY = "Why it failed: "


def noted(note: str | None, night: str, reason: str | None) -> str:
    """The note with the night first and the reason after it, each a paragraph, then whatever else stood there."""
    paragraphs = [one for one in (note or "").split("\n\n") if one and not one.startswith(_WHY)]
    if not paragraphs or not paragraphs[0].startswith(_NIGHT):
        paragraphs.insert(0, night)
    if reason:
        paragraphs.insert(1, _WHY + reason)
    return "\n\n".join(paragraphs)[:1000]


def _write(run: Any, *, failed: bool = False) -> None:
    from case_closure.local.stage_run import business_date_of

    if run.dag_id != "nightly" and not run.dag_id.startswith("stage_"):
        return
    try:
        night = f"{_NIGHT}{business_date_of((run.conf or {}).get('business_date'), run.logical_date)}"
    except ValueError:
        night = f"{_NIGHT}no date"
    note = noted(run.note, night, _reason(run) if failed else None)
    if note != run.note:
        run.note = note


def _reason(run: Any) -> str:
    """What the red task said first; a task that was ended from outside could say nothing."""
    from airflow.models.xcom import XComModel
    from sqlalchemy.orm import object_session

    session = object_session(run)
    if session is None:
        return "see the log of the red task."
    red = [task.task_id for task in run.get_task_instances(session=session) if task.state == "failed"]
    said = XComModel.get_many(run_id=run.run_id, dag_ids=run.dag_id, task_ids=red or None, key=REASON)
    for one in session.scalars(said):
        return str(XComModel.deserialize_value(one))
    return f"{red[0].partition('.')[0] if red else 'it'} was ended before it could say; see its log."


class RunNotes:
    """Called by Airflow."""

    @hookimpl
    def on_dag_run_running(self, dag_run: Any, msg: str) -> None:
        _write(dag_run)

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:
        _write(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        _write(dag_run, failed=True)


class RunNotesPlugin(AirflowPlugin):
    """Lets Airflow call it."""

    name = "run_notes"
    listeners: list[object] = [RunNotes()]  # noqa: RUF012 -- the base asks for a list
