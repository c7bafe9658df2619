"""Runs nights in processes that are killed on purpose: one parent imports everything once, each night is a fork of it.

Reads a batch of jobs as one line of JSON on standard input, answers one line: for each job the points it passed, how it
was killed and how the same command ended afterwards. The gates are judged by plain pandas (`plain_gate`) and letters written as
bare text (`plain_letters`): what is killed here is the order of commits, and more would only make it slow.

Belongs here: where a night can be killed. Does not belong here: what must be true afterwards. The product knows nothing
of this: its functions are replaced in the fork alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from case_closure.gates import engine
from case_closure.night import run as night
from case_closure.outbound.letters import batches
from case_closure.settings import Settings
from case_closure.store import casegroups, database, holding, posting, work_in_progress
from tests.support import plain_gate
from tests.support.plain_letters import PlainTypesetters

Job = dict[str, Any]
AT_ONCE = 2


class Points:
    """Counts the places a night passes and kills the process at the one asked for, so that nothing is cleaned up.

    A place is asked for by its number, or by its name: the first of that name. In a worker the count goes on from its
    parent's.
    """

    def __init__(self, kill_at: int | str | None) -> None:
        self.kill_at = kill_at
        self.passed: list[str] = []

    def pass_by(self, what: str) -> None:
        self.passed.append(what)
        if self.kill_at in (len(self.passed) - 1, what):
            os.kill(os.getpid(), signal.SIGKILL)


def _watch(points: Points) -> None:
    """Make the night pass by the points: stages, both sides of each commit that writes, COPYs, files handed on."""
    stage_of = night.stage_of

    def told(name: str) -> Callable[..., Any]:
        stage = stage_of(name)

        def run(*args: Any) -> Any:
            points.pass_by(f"stage {name} begins")
            summary = stage(*args)
            points.pass_by(f"stage {name} ends")
            return summary

        return run

    night.stage_of = told

    @contextlib.contextmanager
    def transaction(url: str) -> Iterator[Connection]:
        with database.engine(url).begin() as connection:
            yield connection
            wrote = connection.execute(
                text("select pg_current_xact_id_if_assigned() is not null")
            ).scalar_one()
            if wrote:
                points.pass_by("before commit")
        if wrote:
            points.pass_by("after commit")

    database.transaction = transaction
    for module in (holding, posting, casegroups):
        copy_in = module.copy_in

        def copied(connection: Any, table: str, rows: Any, *, copy_in: Callable[..., int] = copy_in) -> int:
            points.pass_by(f"copy into {table}")
            return copy_in(connection, table, rows)

        module.copy_in = copied  # type: ignore[attr-defined]
    save = work_in_progress.save

    def saved(*args: Any) -> None:
        points.pass_by("part handed on")
        save(*args)

    work_in_progress.save = saved  # type: ignore[assignment] # hands on whatever it is given


def _night(job: Job, kill_at: int | str | None, told: Path) -> None:
    settings = Settings(
        home=Path(job["home"]), database_url=job["url"], landing=job["landing"], outbound=job["outbound"],
        partition_casegroups=job["partition_casegroups"], workers=job["workers"],
    )  # fmt: skip
    points = Points(kill_at)
    engine.run = plain_gate.run
    vars(batches)["Workers"] = PlainTypesetters
    _watch(points)
    context = night.NightContext(
        date.fromisoformat(job["on"]), f"run-{job['on']}", Path(job["landing"]), Path(job["outbound"]), settings,
        lambda: datetime(2017, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    try:
        night.run_night(context, lambda stage, summary: None)
        told.write_text(json.dumps({"passed": points.passed}))
    except BaseException:
        told.write_text(json.dumps({"passed": points.passed, "error": traceback.format_exc()}))
        os._exit(1)


def _fork(job: Job, kill_at: int | str | None, told: Path) -> int:
    told.unlink(missing_ok=True)
    child = os.fork()
    if child:
        return child
    try:
        _night(job, kill_at, told)
    finally:
        os._exit(0)


def _begin(job: Job) -> Job:
    told = Path(job["home"]).with_suffix(".told")
    killed = job["kill_at"] is not None and not job.get("killed")
    return job | {"child": _fork(job, job["kill_at"] if killed else None, told), "told": told}


def _ended(job: Job, status: int) -> Job:
    """What a fork's end means for its job: killed, so run the same command again; or finished."""
    if os.WIFSIGNALED(status):
        if job.get("once"):
            return {"signal": os.WTERMSIG(status), "passed": [], "error": None, "done": True}
        return _begin(job | {"killed": True, "signal": os.WTERMSIG(status)})
    answer = json.loads(job["told"].read_text())
    if answer.get("error") and job["kill_at"] is not None and not job.get("killed"):
        return _begin(job | {"killed": True, "failed": answer["error"]})
    return {
        "signal": job.get("signal"),
        "failed": job.get("failed"),
        "passed": answer["passed"],
        "error": answer.get("error"),
        "done": True,
    }


def run(jobs: list[Job]) -> list[Job]:
    """All jobs, a few at once."""
    answers: dict[int, Job] = {}
    waiting = list(enumerate(jobs))
    running: dict[int, tuple[int, Job]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            number, job = waiting.pop(0)
            begun = _begin(job)
            running[begun["child"]] = (number, begun)
        child, status = os.wait()
        number, job = running.pop(child)
        after = _ended(job, status)
        if after.get("done"):
            answers[number] = after
        else:
            running[after["child"]] = (number, after)
    return [answers[number] for number in range(len(jobs))]


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
