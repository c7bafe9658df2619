"""A caseworker's day in a full book: a casegroup shown, an entry tried and kept, an exception replayed to its end.

Belongs here: what is landed for it after the nights of the book, and the things timed. Does not belong here: the book.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from case_closure.desk import casegroups, exceptions
from case_closure.desk.exceptions import Entry
from case_closure.domain.permissions import whoever_has_the_shell
from case_closure.landing.writing import write_night
from case_closure.night import run as night
from case_closure.settings import Settings
from case_closure.store import database
from tests.support.builders import case, landed

# A Saturday: the first night of a week asks the money law of the whole book, which a caseworker does not.
ON = date(2017, 8, 12)
AT = datetime(2017, 8, 13, 9, tzinfo=UTC)
HELD = ("G-held-1", "G-held-2", "G-held-3", "G-held-4")
"""Casegroups that a missing surname holds; the first warms up."""


def settings_of(url: str, folder: Path) -> Settings:
    return Settings(
        home=folder, database_url=url, landing=str(folder / "landing"), outbound=str(folder / "outbound"),
        workers=1,
    )  # fmt: skip


def context(url: str, folder: Path, on: date) -> night.NightContext:
    return night.NightContext(
        on, "casework", folder / "landing", folder / "outbound", settings_of(url, folder), lambda: AT
    )


def hold(url: str, folder: Path) -> None:
    """After the book's own nights, one with casegroups that wait for a caseworker."""
    nameless = {"surname": None}
    cases = [
        case(f"H{place}", group, payer=nameless, payer_cis={"surname": "Walker"})
        for place, group in enumerate(HELD)
    ]
    write_night(folder / "landing" / ON.isoformat(), ON, "bench-casework", landed(cases))
    night.run_night(context(url, folder, ON), lambda *_: None)


def some(url: str, count: int) -> list[str]:
    """So many casegroups from all over the book, of every outcome."""
    query = (
        "select casegroup_id from (select casegroup_id, row_number() over (partition by outcome order by casegroup_id) as place, "
        "count(*) over (partition by outcome) as of_it from closure.casegroups where outcome is not null "
        "and casegroup_id not in (select casegroup_id from closure.sensitive_casegroups)) g "
        "where place % greatest(1, of_it / 10) = 0 order by hashtext(casegroup_id) limit %s"
    )
    with database.transaction(url) as connection:
        return list(
            connection.exec_driver_sql(query.replace("% greatest", "%% greatest"), (count,)).scalars()
        )


def show(url: str, casegroup_id: str) -> float:
    """Seconds in the store to tell everything of a casegroup."""
    began = time.perf_counter()
    story = casegroups.show(url, casegroup_id)
    took = time.perf_counter() - began
    if not story.events:
        raise LookupError(f"nothing is told of {casegroup_id}")
    return took


def work(url: str, folder: Path, casegroup_id: str) -> tuple[float, float, float]:
    """Seconds to enter the name that is missing, tried out by the stages before it is kept; to replay its casegroup until its
    arrears are posted; and, of these, to write the night's folder anew, whose reports are of the whole book."""
    with database.transaction(url) as connection:
        query = "select exception_id from closure.exceptions where casegroup_id = %s and status = 'OPEN'"
        (found,) = connection.exec_driver_sql(query, (casegroup_id,)).scalars().all()
    settings = settings_of(url, folder)
    at = AT + timedelta(minutes=HELD.index(casegroup_id))
    began = time.perf_counter()
    told = exceptions.resolve(
        settings,
        [Entry(found, "surname", "Walker", None)],
        source="CS2",
        by=whoever_has_the_shell("Ann"),
        at=at,
    )
    entered = time.perf_counter() - began
    began = time.perf_counter()
    ended = {"": began}  # of each stage, by its name
    said = exceptions.replay(
        settings,
        [found],
        by=whoever_has_the_shell("Ann"),
        at=at,
        context=lambda on: replace(context(url, folder, on), clock=lambda: at),
        progress=lambda stage, _: ended.__setitem__(stage, time.perf_counter()),
    )
    replayed = time.perf_counter() - began
    written = ended["write_out"] - max(at for stage, at in ended.items() if at < ended["write_out"])
    if said != [f"{found}: closed"]:
        raise LookupError(f"not worked to its end: {told.done}, {told.refused}, {said}")
    return entered, replayed, written
