"""Received = posted + held + credits, in every bucket; a breach fails the night and says where.

Belongs here: what is said of a breach, of which casegroups a night must ask. Does not belong here: the law (``store.money_law``).
"""

from __future__ import annotations

from case_closure.domain.texts import shown
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, fail
from case_closure.store import history, money_law, night_parts, nights, work_in_progress
from case_closure.store.database import Connection
from case_closure.store.nights import Night
from case_closure.store.work_in_progress import Judgement


def run(ctx: NightContext, url: str) -> Summary:
    with entered(ctx, url, "check_money_law") as (connection, night):
        history.settle_moves(connection, ctx.business_date)
        breaches = money_law.breaches(connection, ctx.business_date, judged_alone(connection, night))
        if not breaches:
            nights.note_law(connection, ctx.business_date)
    if breaches:
        where = "; ".join(
            f"{breach.law}: {shown(breach.where, 400)}: expected {breach.expected_pence}p, found {breach.found_pence}p"
            for breach in breaches[:10]
        )
        raise fail(
            ctx, "check_money_law",
            f"The money law does not hold, so the night of {ctx.business_date} is not closed. {where}. Nothing more is "
            "posted until it does: compare these with the landed balances, and correct the cause before running the night again.",
        )  # fmt: skip
    return {"breaches": 0}


def judged_alone(connection: Connection, night: Night) -> list[str] | None:
    """The casegroups the night has judged, where nothing but the night can have moved money; None: the whole book is asked.

    The law held of the whole book when the night before was closed. That says nothing of what a night that failed has done, nor
    does a date tell what a late one has changed; and the first night of each week asks the whole book, whatever it changed.
    """
    on = night.business_date
    if night.late or night.judged_attempt is None or nights.others_unfinished(connection, on):
        return None
    if nights.is_first_of_its_week(connection, on):
        return None
    stage, attempt = "receive_balances", night.judged_attempt
    told = night_parts.figures(connection, on, stage, attempt)
    if not money_law.is_little(connection, sum(one["casegroups_judged"] for one in told)):
        return None
    judgement = Judgement(on, night.extract_number, attempt)
    parts = work_in_progress.parts(connection, judgement)
    return None if parts is None else [casegroup_id for part in parts for casegroup_id in part]
