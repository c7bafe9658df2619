"""Select: criteria, the casegroups they select, and what each selected, together (B2-B7).

Belongs here: which of it a night does, a late one and a rerun; how far candidates are read, and storing what is taken of them.
Does not belong here: which candidates are taken (``stages.select_tranche``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

import pandas as pd

from case_closure.domain.tranches import JOINED, MOVED
from case_closure.landing import criteria
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, fail
from case_closure.stages import select_tranche
from case_closure.stages.select_tranche import Selection
from case_closure.store import tranches
from case_closure.store.database import Connection
from case_closure.store.tranches import Version

# Casegroups read at a time: as many as may be taken and some to leave out, never more than memory takes easily.
FEWEST: Final = 2_000
PART: Final = 100_000


def run(ctx: NightContext, url: str) -> Summary:
    """Criteria, selection, and what each selected commit together (B6)."""
    with entered(ctx, url, "select_tranche") as (connection, night):
        if night.succeeded:
            return {"casegroups_selected": 0, "cases_selected": 0, "cases_joined": 0, "cases_moved": 0}
        if night.late:
            # Criteria are no part of its extract, and wait for a night in its turn with those they would select (R39).
            with tranches.by_index(connection):
                followed = follow(connection, ctx.business_date)
            return {"casegroups_selected": 0, "cases_selected": 0, **followed}
    try:
        given = criteria.read(ctx.landing)
    except criteria.CriteriaInvalid as invalid:
        raise fail(ctx, "select_tranche", str(invalid)) from None
    with entered(ctx, url, "select_tranche") as (connection, _):
        tranches.record(
            connection,
            given or [],
            source=tranches.NIGHTLY_FILE,
            by=f"night of {ctx.business_date}",
            at=ctx.clock(),
        )
        return dict(select(connection, ctx.business_date))


def select(connection: Connection, on: date) -> dict[str, int]:
    """Let joined and moved cases follow their casegroup, then select each tranche in force, in tranche_id order.

    For a first run of the night of ``on``, or one that goes on after a kill: again, it changes nothing. A rerun of a
    night that succeeded does not select (R21), a late one neither (R39: ``follow``). Counts: casegroups and cases selected,
    cases joined, moved.
    """
    casegroups = cases = 0
    with tranches.by_index(connection):
        followed = follow(connection, on)
        for version in tranches.in_force(connection):
            selection = select_for(connection, version, on)
            if selection.casegroups:
                tranches.note_selection(
                    connection, version, on,
                    casegroups=selection.casegroups, cases=selection.cases, ended_at=selection.ended_at,
                )  # fmt: skip
                casegroups += selection.casegroups
                cases += selection.cases
    return {"casegroups_selected": casegroups, "cases_selected": cases, **followed}


def follow(connection: Connection, on: date) -> dict[str, int]:
    """Let joined and moved cases follow their casegroup, and select nothing. Counts: cases joined, moved."""
    changes = select_tranche.follow(tranches.concerned(connection, on))
    if len(changes):
        tranches.store_followed(connection, on, changes)
    by_cause = changes["cause"].value_counts()
    return {"cases_joined": int(by_cause.get(JOINED, 0)), "cases_moved": int(by_cause.get(MOVED, 0))}


def select_for(connection: Connection, version: Version, on: date) -> Selection:
    """Select for one version, and stamp what it takes."""
    selection = begun(connection, version, on)
    if selection.refused is None and selection.room != 0:
        for part in candidates(connection, selection):
            tranches.stamp(connection, version, on, selection.take(part))
    return selection


def begun(connection: Connection, version: Version, on: date) -> Selection:
    """The selection of a version before it has taken anything that night."""
    return Selection(version.criteria, on, tranches.counted(connection, version.criteria))


def candidates(
    connection: Connection, selection: Selection, *, beyond_the_cap: bool = False
) -> Iterator[pd.DataFrame]:
    """What the selection may take of, part by part while there is room for it; all of it ``beyond_the_cap``."""
    after = ""
    while beyond_the_cap or selection.ended_at is None:
        room = None if beyond_the_cap else selection.room
        # Each takes a case at least; some are left out.
        most = PART if room is None else min(PART, FEWEST + room)
        part = tranches.candidates(connection, selection.criteria, selection.on, after=after, most=most)
        if part.empty:
            return
        yield part
        after = str(part["casegroup_id"].iloc[-1])
