"""What a run of the night tells the person waiting for it: each stage as it starts, ends or fails.

Belongs here: following the rows a run adds to the store. Does not belong here: writing them (``night``, ``store.night_stages``),
the words on the terminal (``cli.terminal``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

from case_closure.domain import codes
from case_closure.settings import Settings

if TYPE_CHECKING:  # every command knows Event, and few the store
    from case_closure.store.night_stages import StageRow

_, _ENDED, _FAILED = codes.STAGE_OUTCOMES


@dataclass(frozen=True)
class Event:
    """One line. figures: the stage's summary; reason: why it failed, for the person who must act."""

    stage: str
    what: Literal["started", "ended", "failed"]
    seconds: float = 0.0
    figures: dict[str, int | str] = field(default_factory=dict)
    reason: str = ""


class Follower:
    """Reads what one run has told of its night since the last look.

    Before its first stage there may be no table yet, and a store may be away for a while: then there is nothing new. ``trouble``
    is why the last look failed, if it did.
    """

    def __init__(self, settings: Settings, business_date: date, run_id: str) -> None:
        self.trouble: Exception | None = None
        self._settings = settings
        self._of = (business_date, run_id)
        self._outcomes: dict[int, str] = {}

    def new_events(self) -> Iterator[Event]:
        for row in self._rows():
            before = self._outcomes.get(row.number)
            if row.outcome == before:
                continue
            self._outcomes[row.number] = row.outcome
            if before is None:
                yield Event(row.stage, "started")
            if row.outcome == _ENDED:
                yield Event(row.stage, "ended", row.seconds, row.figures)
            elif row.outcome == _FAILED:
                yield Event(row.stage, "failed", reason=row.reason or "")

    def _rows(self) -> list[StageRow]:
        from case_closure.store import database, night_stages

        try:
            with database.transaction(self._settings.store_url) as connection:
                rows = night_stages.of_run(connection, *self._of)
        except Exception as error:
            self.trouble = error
            return []
        self.trouble = None
        return rows
