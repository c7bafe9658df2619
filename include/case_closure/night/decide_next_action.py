"""Write-off checks, letters, next action; all of a casegroup is stored at once (B45-B50, R7).

Belongs here: gather, conclude, commit, part by part. Does not belong here: what is concluded (``stages.decide_next_action``),
how it is stored (``store.posting``).
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pandas as pd

from case_closure.night import post_dues, receive_balances, set_up_cases
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered
from case_closure.night.parts import InParts, Work, run_all
from case_closure.stages import decide_next_action
from case_closure.stages.decide_next_action import Decided, Gathered
from case_closure.stages.post_dues import Posted
from case_closure.stages.receive_balances import Received
from case_closure.stages.set_up_cases import SetUp
from case_closure.store import casegroups, filling, night_parts, nights, posting, work_in_progress
from case_closure.store.database import Connection
from case_closure.store.night_parts import Claim
from case_closure.tables.frames import to_frame

# What is told of the stage, and the frame whose rows it counts.
_COUNTED = {
    "casegroups_changed": "casegroups", "letters": "letters", "work_items": "work_items",
    "exceptions_opened": "opened", "exceptions_resolved": "resolved",
}  # fmt: skip


def run(ctx: NightContext, url: str) -> Summary:
    """Decide and store, part by part: everything of one casegroup in one transaction (R7)."""
    with entered(ctx, url, STAGE.name) as (connection, _):
        first = posting.is_first_of_many(connection)
        away = (first and filling.take_away_finders(connection, posting.FILLED_IN_PARTS)) or filling.finders_are_away(
            connection, posting.FILLED_IN_PARTS
        )  # fmt: skip
    try:
        told = run_all(ctx, url, STAGE)
    except BaseException:
        # Whoever looks at what stands now should not wait for the night to be run again; its reason is what counts.
        with contextlib.suppress(Exception):
            _bring_back(ctx, url, away=away, first=False)
        raise
    _bring_back(ctx, url, away=away, first=first)
    return told


def _bring_back(ctx: NightContext, url: str, *, away: bool, first: bool) -> None:
    """The tables as they are read from now on: each by itself, so that a reader waits for one, and as many at once as workers."""

    def bring_back(number: int) -> None:
        table = posting.FILLED_IN_PARTS[number]
        with entered(ctx, url, STAGE.name) as (connection, _):
            filling.bring_back_finders(connection, table)
            if first:
                filling.write_key_anew(connection, table)

    if away or first:
        with ThreadPoolExecutor(ctx.settings.workers) as side_by_side:
            list(side_by_side.map(bring_back, range(len(posting.FILLED_IN_PARTS))))


def plan(ctx: NightContext, url: str) -> None:
    receive_balances.plan_following(ctx, url, STAGE.name)


def begin(ctx: NightContext, url: str) -> Work:
    judgement, parts = receive_balances.judged(ctx, url, STAGE.name)

    def work(claimed: Claim) -> None:
        part = parts[claimed.part]
        received, set_up, posted = (
            stage.of_part(ctx, url, judgement, claimed.part, part)
            for stage in (receive_balances, set_up_cases, post_dues)
        )
        with entered(ctx, url, STAGE.name) as (connection, _):
            night_parts.hold(connection, claimed)
            # Stored once in a judgement: what was concluded before it does not know of it.
            stored = work_in_progress.load(connection, judgement, STAGE.name, claimed.part)
            if stored is not None:
                counts = dict(zip(_COUNTED, stored["counts"]["rows"].tolist(), strict=True))
            else:
                decided = conclude(connection, ctx.business_date, part, received, set_up, posted)
                posting.store(connection, ctx.business_date, set_up, posted, decided)
                counts = {name: len(decided.frames[frame]) for name, frame in _COUNTED.items()}
                told = {"counts": pd.DataFrame({"rows": list(counts.values())})}
                work_in_progress.save(connection, judgement, STAGE.name, claimed.part, told)
            night_parts.store(connection, claimed, counts, ctx.clock())

    return work


STAGE = InParts("decide_next_action", plan, begin, tuple(_COUNTED))


def conclude(
    connection: Connection, on: date, part: list[str], received: Received, set_up: SetUp, posted: Posted
) -> Decided:
    """What is decided of these casegroups, from what stands of them now."""
    gather = casegroups.Gather(connection, part)
    open_exceptions = gather.open_exceptions()
    people = decide_next_action.whose(to_frame(open_exceptions), received.cases)
    before = {
        "standing": gather.standing(),
        "positions": gather.positions(),
        "taken_in": gather.taken_in(),
        "open_exceptions": open_exceptions,
        "entered_for_people": gather.entered_for(people.dropna().unique().tolist()),
        "resolutions": gather.resolutions(),
        "routes": gather.routes(),
        "covering_letters": gather.covering_letters(on),
    }
    groups = received.casegroups
    clerical = groups.loc[groups["clerical_reason"].notna(), "casegroup_id"].tolist()
    before |= {
        "clerical_items": gather.clerical_items(),
        "on_cms": casegroups.Gather(connection, clerical).on_cms(),
    }
    own, latest = (pd.Timestamp(day).as_unit("s") for day in (on, nights.dates(connection, on).latest))
    return decide_next_action.conclude(received, set_up, posted, Gathered.read(before), own, latest)
