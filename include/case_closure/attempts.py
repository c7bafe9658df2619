"""Which attempt at a night an error ended, so that its failure is recorded for that attempt and no other.

Belongs here: putting that number on an error and reading it from one, also from what it was made of. Does not belong here:
how attempts are counted and who holds the night (``store.nights``).
"""

from __future__ import annotations

_NAME = "case_closure_attempt"


def mark(error: BaseException, attempt: int) -> None:
    """Put the attempt's number on the error that ended it."""
    error.__dict__[_NAME] = attempt


def ended_by(error: BaseException | None) -> int:
    """The attempt this error ended, or one it was raised from; 0 when none had begun, or none is known."""
    while error is not None:
        if _NAME in error.__dict__:
            return int(error.__dict__[_NAME])
        error = error.__cause__
    return 0
