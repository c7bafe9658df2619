"""Open the night: refused while another is open, while an earlier one failed, and where nothing was landed (R21, R40).

Belongs here: what must be true before a night begins. Does not belong here: the extract (``verify_landing``).
"""

from __future__ import annotations

from case_closure.domain.texts import shown
from case_closure.folders import why_not_apart
from case_closure.landing import landed
from case_closure.night.context import NightContext, NightRefused, Summary
from case_closure.outbound import folder
from case_closure.store import database, night_stages, nights


def run(ctx: NightContext, url: str) -> Summary:
    began = ctx.clock()
    database.migrate(url)  # before anything is refused: refusals are told in the store
    in_the_way = why_not_apart(ctx.landing, ctx.outbound)
    if in_the_way is not None:
        raise NightRefused(
            f"The night of {ctx.business_date} was not begun: {in_the_way} (landing {shown(ctx.landing, 400)}, outbound "
            f"{shown(ctx.outbound, 400)}), and writing out would replace what was landed. Give another folder as outbound."
        )
    try:
        landed.require_folder(ctx.landing, ctx.business_date)
    except landed.NothingLanded as nothing:
        raise NightRefused(f"The night of {ctx.business_date} was not begun. {nothing}") from None
    with database.transaction(url) as connection:
        night = nights.open_night(connection, ctx.business_date, ctx.run_id, ctx.clock())
        folder.clear_leftovers(ctx.outbound)  # the night is ours alone: nobody else can be writing
        told: Summary = {"run": "a rerun" if night.succeeded else "a first run"}
        night_stages.begin(connection, ctx.business_date, ctx.run_id, night.attempt, "open_night", began)
        night_stages.end(connection, ctx.business_date, night.attempt, told, ctx.clock())
    return told
