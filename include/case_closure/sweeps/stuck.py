"""What got stuck: a work item for each thing that waits for too long, closed when it is gone (R36, [30]).

Belongs here: one sweep, and what it says of itself. Does not belong here: what is stuck (``domain.stuck``), rows
(``store.stuck``).

A sweep is not refused while a night is open, unlike what people do to exceptions ([23]): a night that stays open is one of the
things it is there to find. It changes no row but its own items; what a night does at the same time, the next sweep sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from case_closure.domain import stuck
from case_closure.settings import Settings
from case_closure.store import database
from case_closure.store import stuck as items
from case_closure.store.stuck import Item

# More than a shell or a log is read for; all of them are in the view.
MOST_TOLD = 50


@dataclass(frozen=True)
class Swept:
    """What a sweep came to, of what everybody may see (R26)."""

    on: date
    days: int
    raised: list[Item]
    closed: list[Item]
    open: int

    def lines(self) -> Iterator[str]:
        """The same in words, a line each."""
        yield f"Sweep of {self.on}: stuck is what waits for more than {self.days} days."
        for item in self.raised[:MOST_TOLD]:
            yield f"  stuck  {item.subject_reference}: {item.detail}"
        for item in self.closed[:MOST_TOLD]:
            yield f"  gone   {item.subject_reference}"
        more = max(len(self.raised) - MOST_TOLD, 0) + max(len(self.closed) - MOST_TOLD, 0)
        if more:
            yield f"  and {more:,} more"
        yield (
            f"{len(self.raised):,} found stuck, {len(self.closed):,} gone, {self.open:,} open: in the view reporting.work_items, "
            "type STUCK."
        )


def sweep(settings: Settings, on: date) -> Swept:
    """Raise an item, dated ``on``, for each thing stuck on that date that has none, and close those of what is gone.

    Again it changes nothing. Two at once work one after the other.
    """
    url = settings.store_url
    database.migrate(url)
    with (
        database.lock(url, database.SWEEPING_LOCK, wait=True),
        database.transaction(url) as connection,
    ):
        closed = items.close_gone(connection, on)
        raised: list[str] = []
        for kind in items.STANDING:
            before = stuck.since_before(kind, on, settings.stuck_days)
            raised += items.raise_items(connection, on, items.standing(connection, kind, before))
        return Swept(
            on,
            settings.stuck_days,
            raised=items.told(connection, raised),
            closed=items.told(connection, closed),
            open=items.count_open(connection),
        )
