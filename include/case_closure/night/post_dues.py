"""Work out the dues that mirror each balance, and where every penny is (B32, B44, R7).

Belongs here: gather, conclude, hand on. Does not belong here: what is concluded (``stages.post_dues``); storing it
(``decide_next_action`` does, all of a casegroup at once).
"""

from __future__ import annotations

from datetime import date

from case_closure.night import receive_balances, set_up_cases
from case_closure.night.context import NightContext, Summary
from case_closure.night.parts import InParts, Work, keep, kept, run_all
from case_closure.stages import post_dues
from case_closure.stages.post_dues import Posted
from case_closure.stages.receive_balances import Received
from case_closure.stages.set_up_cases import SetUp
from case_closure.store import casegroups, database
from case_closure.store.database import Connection
from case_closure.store.night_parts import Claim
from case_closure.store.work_in_progress import Judgement
from case_closure.tables.frames import to_frame


def run(ctx: NightContext, url: str) -> Summary:
    """The dues of each part."""
    return run_all(ctx, url, STAGE)


def plan(ctx: NightContext, url: str) -> None:
    receive_balances.plan_following(ctx, url, STAGE.name)


def begin(ctx: NightContext, url: str) -> Work:
    judgement, parts = receive_balances.judged(ctx, url, STAGE.name)

    def work(claimed: Claim) -> None:
        posted = _concluded(ctx, url, judgement, claimed.part, parts[claimed.part])
        dues = posted.dues
        figures = {"dues": len(dues), "posted_pence": int(dues["posted_pence"].sum())}
        keep(ctx, url, judgement, claimed, posted, figures)

    return work


STAGE = InParts("post_dues", plan, begin, ("dues", "posted_pence"))


def of_part(ctx: NightContext, url: str, judgement: Judgement, number: int, part: list[str]) -> Posted:
    """The dues of that part, and where every penny of it is."""
    return kept(
        ctx,
        url,
        judgement,
        "post_dues",
        number,
        lambda: _concluded(ctx, url, judgement, number, part),
        Posted.of,
    )


def _concluded(ctx: NightContext, url: str, judgement: Judgement, number: int, part: list[str]) -> Posted:
    received = receive_balances.of_part(ctx, url, judgement, number, part)
    set_up = set_up_cases.of_part(ctx, url, judgement, number, part)
    return conclude(url, ctx.business_date, received, set_up)


def conclude(url: str, on: date, received: Received, set_up: SetUp) -> Posted:
    """The dues of the casegroups that are set up, and where every penny is."""
    with database.transaction(url) as connection:
        return conclude_within(connection, on, received, set_up)


def conclude_within(connection: Connection, on: date, received: Received, set_up: SetUp) -> Posted:
    """The same in the caller's transaction."""
    reached = sorted(set_up.casegroups["casegroup_id"].unique().tolist())
    before = to_frame(casegroups.Gather(connection, reached).cms_cases())
    return post_dues.conclude(received, set_up, before, on)
