"""Which attempt at a night an error ended, so that its failure is recorded for that attempt and no other.

Belongs here: putting that number on an error and reading it from one, also from what it was made of. Does not belong here:
how attempts are counted and who holds the night (``store.nights``).
"""

from __future__ import annotations

from typing import TypeVar

_Error = TypeVar("_Error", bound=BaseException)
_NAME = "case_closure_attempt"


def mark(error: _Error, attempt: int | BaseException) -> _Error:
    """Put the attempt it ended on an error: its number, or that of another error which this one stands for."""
    error.__dict__[_NAME] = attempt if isinstance(attempt, int) else ended_by(attempt)
    return error


def ended_by(error: BaseException | None) -> int:
    """The attempt this error ended, or one it was raised from; 0 when none had begun, or none is known."""
    while error is not None:
        if _NAME in error.__dict__:
            return int(error.__dict__[_NAME])
        error = error.__cause__
    return 0
