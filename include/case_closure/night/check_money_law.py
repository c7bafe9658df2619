"""Received = posted + held + credits, in every bucket; a breach fails the night and says where.

Belongs here: what is said of a breach. Does not belong here: the law (``store.nights``).
"""

from __future__ import annotations

from case_closure.domain.texts import shown
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, fail
from case_closure.store import history, nights


def run(ctx: NightContext, url: str) -> Summary:
    with entered(ctx, url, "check_money_law") as (connection, _):
        history.settle_moves(connection, ctx.business_date)
        breaches = nights.money_law_breaches(connection, ctx.business_date)
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
