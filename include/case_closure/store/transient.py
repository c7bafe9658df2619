"""Which errors of the database are its machine's, in words, and which may pass by themselves: the same work is then worth
trying again.

Belongs here: these two questions. Does not belong here: trying again, which is Airflow's.
"""

from __future__ import annotations

import psycopg
import sqlalchemy.exc
from psycopg import errors

_PASSES = (
    psycopg.OperationalError,  # the server went away, was restarted, or refused the connection
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    # Of another class, though the server ends the connection: of a process that stood still.
    errors.IdleInTransactionSessionTimeout,
    errors.TransactionTimeout,
)
# Operational by class, but the next try meets the same wall.
_STAYS = (errors.DiskFull, errors.InvalidPassword, errors.InvalidAuthorizationSpecification)


def is_transient(error: BaseException) -> bool:
    """Whether `error`, or the driver's error inside it, may pass by itself. A full disk does not."""
    cause: BaseException | None = error
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        cause = error.orig
    return isinstance(cause, _PASSES) and not isinstance(cause, _STAYS)


def fault(error: BaseException) -> str | None:
    """What is wrong with the database's machine, and what to do first; None when ``error`` is not of that kind."""
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    if isinstance(cause, errors.DiskFull):
        return "The disk of the database is full. Make room there: docs/runbook.md, 'Disk and logs', says what may go."
    if isinstance(cause, errors.OutOfMemory):
        return "The database has no memory left. End what else uses it."
    if isinstance(cause, errors.InvalidPassword | errors.InvalidAuthorizationSpecification):
        return (
            "The database does not let this user in. See that CASE_CLOSURE_DATABASE_URL names the right one."
        )
    if isinstance(cause, errors.DeadlockDetected | errors.SerializationFailure | errors.LockNotAvailable):
        return "Something else was at work on the same rows of the database. Let it end."
    if isinstance(cause, errors.IdleInTransactionSessionTimeout | errors.TransactionTimeout):
        return "The database ended a transaction in which nothing was asked for minutes: this process or its machine stood still."
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        why = str(cause).strip().splitlines()[0] if str(cause).strip() else "it did not say why"
        return f"The database went away or cannot be reached ({why}). See that it is up; the embedded one is started by itself."
    return None
