"""What a night tells of itself while it runs: a row a stage begun, completed once, when it ends or fails.

Belongs here: those rows, and reading them for whoever follows a run. Does not belong here: the night's record (``nights``), which
alone decides who may go on. Nothing depends on these rows: what cannot be told undoes nothing of the transaction it is told in.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from psycopg import sql
from sqlalchemy import Connection, text

from case_closure.domain.codes import STAGE_OUTCOMES
from case_closure.store.database import run_at_once

STARTED, ENDED, FAILED = STAGE_OUTCOMES
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StageRow:
    """A stage as it was begun, or refused: then without an attempt. ``started_at`` and ``ended_at`` are by its worker's clock."""

    number: int
    attempt: int | None
    stage: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    figures: dict[str, int | str]
    reason: str | None
    worker: str

    @property
    def seconds(self) -> float:
        """How long it took; 0 while it runs."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else 0.0


def begin(connection: Connection, on: date, run_id: str, attempt: int, stage: str, at: datetime) -> None:
    """Tell that this attempt has begun the stage."""
    _tell(
        connection,
        "insert into closure.night_stages (business_date, run_id, attempt, stage, started_at, outcome, worker) "
        "values (%(on)s, %(run)s, %(attempt)s, %(stage)s, %(at)s, 'STARTED', %(worker)s)",
        {"on": on, "run": run_id, "attempt": attempt, "stage": stage, "at": at, "worker": worker()},
    )


def end(
    connection: Connection, on: date, attempt: int, figures: Mapping[str, int | str], at: datetime
) -> None:
    """Tell that the stage this attempt was begun for has ended well, and with which figures."""
    _tell(
        connection,
        "update closure.night_stages set outcome = 'ENDED', ended_at = %(at)s, figures = cast(%(figures)s as json) "
        "where business_date = %(on)s and attempt = %(attempt)s and outcome = 'STARTED'",
        {"on": on, "attempt": attempt, "figures": json.dumps(dict(figures)), "at": at},
    )


def fail(
    connection: Connection, on: date, run_id: str, attempt: int, stage: str, reason: str, at: datetime
) -> None:
    """Tell why the stage failed, once; where no attempt had begun (0), as when it was refused, in a row of its own."""
    _tell(
        connection,
        """
        insert into closure.night_stages as told (business_date, run_id, attempt, stage, started_at, ended_at, outcome,
                                                  reason, worker)
        values (%(on)s, %(run)s, nullif(%(attempt)s, 0), %(stage)s, %(at)s, %(at)s, 'FAILED', %(reason)s, %(worker)s)
        on conflict (business_date, attempt) do update
        set outcome = excluded.outcome, ended_at = excluded.ended_at, reason = excluded.reason
        where told.outcome = 'STARTED'
        """,
        {
            "on": on,
            "run": run_id,
            "attempt": attempt,
            "stage": stage,
            "reason": reason,
            "at": at,
            "worker": worker(),
        },
    )


def resume(connection: Connection, on: date, attempt: int) -> None:
    """Tell that the stage goes on: a part of it that had failed is worked on again."""
    _tell(
        connection,
        "update closure.night_stages set outcome = 'STARTED', ended_at = null, reason = null "
        "where business_date = %(on)s and attempt = %(attempt)s and outcome = 'FAILED'",
        {"on": on, "attempt": attempt},
    )


def unended(connection: Connection, on: date, run_id: str, stage: str) -> int:
    """The attempt of this run at the stage of which no end was told; 0 when there is none. To be asked when nobody is at work."""
    found = connection.execute(
        text(
            "select attempt, outcome from closure.night_stages where business_date = :on and run_id = :run and stage = :stage "
            "and attempt is not null order by number desc limit 1"
        ),
        {"on": on, "run": run_id, "stage": stage},
    ).first()
    return int(found.attempt) if found and found.outcome == STARTED else 0


def of_run(connection: Connection, on: date, run_id: str) -> list[StageRow]:
    """All that a run has told of a night, in the order in which it was begun."""
    rows = connection.execute(
        text(
            "select number, attempt, stage, started_at, ended_at, outcome, coalesce(figures, '{}'), reason, worker "
            "from closure.night_stages where business_date = :on and run_id = :run order by number"
        ),
        {"on": on, "run": run_id},
    )
    return [StageRow(*row) for row in rows]


# One message with the savepoint before it and its release after it: a night tells of itself some forty times.
_BEFORE, _AFTER = sql.SQL("savepoint told"), sql.SQL("release savepoint told")


def _tell(connection: Connection, statement: str, values: Mapping[str, object]) -> None:
    """What cannot be told undoes nothing else of the transaction."""
    try:
        run_at_once(connection, _BEFORE, sql.SQL(statement), _AFTER, values=values)
    except Exception as error:
        _log.warning("What the night tells of itself could not be stored: %s", str(error)[:200])
        with contextlib.suppress(Exception):  # a connection that is gone says so to whatever comes next
            connection.exec_driver_sql("rollback to savepoint told")


def worker() -> str:
    """The machine and process at work, for people."""
    return f"{socket.gethostname()} {os.getpid()}"
