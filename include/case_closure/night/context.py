"""One run of one night, and why it may not go on.

Belongs here: what every stage is given, and the refusals of the shell. Does not belong here: what a stage does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from case_closure.refusals import Refused
from case_closure.settings import Settings
from case_closure.store import nights

NightRefused = nights.NightRefused

Summary = dict[str, int | str]
"""What a stage says of itself when it has ended, by the names of ``cli.terminal``."""


class NightFailed(Refused):
    """The night cannot go on; the message says why and what to do."""


class MachineFault(NightFailed):
    """The machine failed it: what, where and what to do are in the message."""

    def __init__(self, message: str, *, passes: bool) -> None:
        super().__init__(message)
        self.passes = passes


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class NightContext:
    """One run of one night. ``landing`` and ``outbound`` hold a folder a business date; any pathlib-like path.

    ``attempt`` is given by the store when a stage begins; 0 before that, and where it is not known. ``slot``: which of those
    that work on the stage side by side; None where it is worked on by one alone. ``casegroup_ids``: judge these, as a replay
    does, and not those that the night would ([27]).
    """

    business_date: date
    run_id: str
    landing: Any
    outbound: Any
    settings: Settings
    clock: Callable[[], datetime] = field(default=_now)
    attempt: int = 0
    slot: int | None = None
    casegroup_ids: tuple[str, ...] | None = None
