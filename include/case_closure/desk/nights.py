"""A night as whoever looks after it sees it: which run holds it, why it is red, its files in and out; having it skipped.

Belongs here: that. Does not belong here: its figures and stages, which anybody in a role may read (``store.shown.nights``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from upath import UPath

from case_closure import refusals
from case_closure.desk import acting
from case_closure.desk.acting import Act, Actor
from case_closure.settings import Settings
from case_closure.store import database, night_stages, nights
from case_closure.store.shown.nights import night_of_run
from case_closure.tables.manifest import MANIFEST


class ReasonMissing(refusals.Refused):
    """Something is to be put on record with a reason, and none is given."""


@dataclass(frozen=True)
class Standing:
    """A night's run and, while it is red, the stage and the reason in words; whether it may be skipped (R40)."""

    run_id: str
    stage: str | None
    reason: str | None
    can_be_skipped: bool


def find_standing(url: str, on: date) -> Standing | None:
    """How the night stands; None: there is no such night. The reason is what its run says in Airflow, to the same people."""
    with database.transaction(url) as connection:
        night = nights.find(connection, on)
        if night is None:
            return None
        failed = [
            row
            for row in night_stages.of_run(connection, on, night.run_id)
            if row.outcome == night_stages.FAILED
        ]
    red = night.status in ("FAILED", "REJECTED")
    reason = night.reason or (failed[-1].reason if failed else None)
    return Standing(
        night.run_id,
        night.stage,
        reason if red or night.status == "SKIPPED" else None,
        red and night.can_be_skipped,
    )


def find_night_of_run(url: str, run_id: str) -> date | None:
    """The business date of the night of a run of Airflow's; None where it has begun none."""
    with database.transaction(url) as connection:
        return night_of_run(connection, run_id)


def list_files(settings: Settings, on: date) -> dict[str, list[dict[str, Any]] | None]:
    """``landed`` and ``outbound``: each file with its rows and sha256 as the folder's manifest has them; None: no folder that can
    be read."""
    folders = {"landed": settings.landing, "outbound": settings.outbound}
    return {name: _files_of(UPath(folder) / on.isoformat()) for name, folder in folders.items()}


def _files_of(folder: UPath) -> list[dict[str, Any]] | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        return [
            {"name": str(one["name"]), "rows": int(one["rows"]), "sha256": str(one["sha256"])}
            for one in manifest["files"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def skip(settings: Settings, on: date, *, reason: str, by: Actor, at: datetime) -> None:
    """Put on record that this night will not be (R40). Raises NotAllowed, NightRefused when it has begun to change things,
    ReasonMissing."""
    acting.require(by, "skip_nights")
    reason = reason.strip()
    if not reason:
        raise ReasonMissing(
            f"Say why the night of {on} will not be: it is kept with your name. Nothing was changed."
        )
    url = settings.store_url
    database.migrate(url)
    with database.transaction(url) as connection:
        was = nights.find(connection, on)
        nights.skip(connection, on, reason=reason, by=by.name.strip(), at=at)
        skipped = Act(
            "NIGHT",
            on.isoformat(),
            before={"status": was.status} if was else {},
            after={"status": "SKIPPED"},
            reason=reason,
        )
        acting.record(connection, by, "skip_nights", [skipped], at=at)
