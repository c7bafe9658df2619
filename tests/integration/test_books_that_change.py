"""A stranger's book comes over the one that is held, under the same numbers, night after night.

Whatever can change of a case changes then, much of it at once: parents, casegroup, balance, flags, journey. No such night may
fail; that the money law holds is what lets it close.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from case_closure import sample
from case_closure.gates import engine
from tests.support import plain_gate
from tests.support.installation import Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

FIRST = date(2017, 8, 10)


@pytest.mark.parametrize(
    ("casegroups", "seeds"),
    [
        (300, (1, 2, 3)),
        pytest.param(1_000, (11, 12, 13, 14, 15), marks=pytest.mark.soak),
        pytest.param(5_000, (1, 2, 3, 4), marks=pytest.mark.soak),
    ],
)
def test_no_change_of_a_book_stops_a_night(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, casegroups: int, seeds: tuple[int, ...]
) -> None:
    # The gates are judged by plain pandas, to be quick.
    monkeypatch.setattr(engine, "run", plain_gate.run)
    for after, seed in enumerate(seeds):
        on = FIRST + timedelta(days=after)
        sample.generate(installation.landing, on, 1, casegroups, seed=seed)
        installation.run(on, without="write_out")
    assert [row["status"] for row in installation.view("nights")] == ["SUCCESS"] * len(seeds)
    # And the last changes nothing when it is run again (R21).
    before = installation.everything()
    installation.run(FIRST + timedelta(days=len(seeds) - 1), "again", without="write_out")
    assert installation.everything() == before
