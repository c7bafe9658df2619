"""Which errors of the database may pass by themselves, so that the same work is worth trying again.

Belongs here: that one question. Does not belong here: trying again, which is Airflow's.
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
)
# Operational by class, but the next try meets the same wall.
_STAYS = (errors.DiskFull, errors.InvalidPassword, errors.InvalidAuthorizationSpecification)


def is_transient(error: BaseException) -> bool:
    """Whether `error`, or the driver's error inside it, may pass by itself. A full disk does not."""
    cause: BaseException | None = error
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        cause = error.orig
    return isinstance(cause, _PASSES) and not isinstance(cause, _STAYS)
