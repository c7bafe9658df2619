"""`sweep`: what got stuck.

Belongs here: its arguments. Does not belong here: the sweep and its words (``sweeps.stuck``).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from case_closure.cli import terminal
from case_closure.cli.arguments import command, day, noun

app = noun()


@command(
    app, "sweep", "find what got stuck: a work item for each, closed by the first sweep that finds it gone"
)
def sweep(on: Annotated[date, day("--date", "stuck on this date")]) -> None:
    from case_closure.local.store import with_store
    from case_closure.sweeps import stuck

    for line in stuck.sweep(with_store(), on).lines():
        terminal.say(line)
