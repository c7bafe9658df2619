"""The rerun of the latest successful night over some casegroups at once, and not over those that the night would retry ([27]).

Belongs here: which stages are run. Does not belong here: which casegroups (``desk.exceptions``), a stage's work.
"""

from __future__ import annotations

from collections.abc import Callable

from case_closure.domain.night import STAGES
from case_closure.night.context import NightContext, Summary
from case_closure.night.run import run_night

# What was taken in stands; from the first stage that judges on.
REPLAYED = STAGES[STAGES.index("receive_balances") :]


def run(ctx: NightContext, progress: Callable[[str, Summary], None]) -> None:
    """Run it; ``ctx.casegroup_ids``: what it judges. Raises as ``run_night``."""
    run_night(ctx, progress, REPLAYED)
