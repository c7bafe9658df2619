"""A small programme from its first selection to its last Transition Complete; the large one is `make soak`'s.

Each night the CSA side reads what went out and answers; one night is missed and run late, finished ones are run again.
What must hold after each and at the end is `tests.simulation.programme`'s.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.programme import Programme, calendar, plan
from tests.support.pipeline import Store


@pytest.mark.soak  # a minute; the soak plays the whole one too
def test_every_casegroup_comes_to_its_end(store: Store, tmp_path: Path) -> None:
    """Issue 3: every casegroup final or in a hold that names its cause, the money law after each night, no letter twice,
    every move legal; out-of-order and repeated nights change nothing. Payments and corrections come in, and caseworkers work
    exceptions by command ([24]-[28])."""
    programme = Programme(
        store.url, tmp_path, casegroups=120, nights=12, seed=3, most_unfinished=0.15, workers=1
    )
    nights = [on for on, _ in programme.play(check_every=3)]
    assert nights != sorted(nights)
    assert len(nights) == 12
    happened = programme.happened + Counter(programme.csa.happened)
    assert happened["TRANSITION_COMPLETE"] > 90
    for what in ("told SELECTED", "told REACTIVE", "closing failed", "inhibits removed", "LTRs answered", "run late", "run again",
                 "empty night run late", "CLERICAL", "exceptions allocated", "entries by command", "replays", "corrections",
                 "payments ALLOCATED", "payments by agencies", "payments sent again", "flags taken off"):  # fmt: skip
        assert happened[what], what


def test_the_plan_is_the_same_for_the_same_seed_and_has_everything_in_it() -> None:
    dates = calendar(200, 1)
    assert dates == calendar(200, 1) != calendar(200, 2)
    assert (len(dates.nights), sorted(set(dates.nights))) == (200, list(dates.nights))
    planned = plan(dates.nights, 1)
    assert sorted(one.on for one in planned) == list(dates.nights)
    late = [one for place, one in enumerate(planned) if any(before.on > one.on for before in planned[:place])]
    assert 3 < len(late) < 20
    assert sum(one.again for one in planned) > 10
