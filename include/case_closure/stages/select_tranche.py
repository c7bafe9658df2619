"""Select a tranche, and let a case that comes to a selected casegroup later take its end liability date.

Serves B2-B4, B7, B8; R12 (one case stops its casegroup), R21.
Belongs here: which casegroups a tranche selects on one night and where its cap ends it; who joins and who moves.
Does not belong here: finding the candidates, letters, the journey afterwards.

Casegroups are taken in the order of their ids as text, by code point: the store hands them over so (collate "C").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from case_closure.domain.tranches import Criteria
from case_closure.stages.frames import lookup, take

# Why a casegroup with a matching case is left out; with several, the first is said.
SENSITIVE: Final = "SENSITIVE"
ALREADY_SELECTED: Final = "ALREADY_SELECTED"
CLERICAL: Final = "CLERICAL"
INHIBITED: Final = "INHIBITED"
LEFT_OUT: Final = (SENSITIVE, ALREADY_SELECTED, CLERICAL, INHIBITED)

SELECTED, JOINED, MOVED = "SELECTED", "JOINED", "MOVED"


@dataclass
class Selection:
    """A tranche's selection on one night, made part by part in the order of casegroup ids.

    ``counted``: cases that count towards the cap already, over the life of the tranche.
    """

    criteria: Criteria
    on: date
    counted: int
    cases: int = 0
    casegroups: int = 0
    ended_at: str | None = field(default=None)
    """The casegroup whose cases would have passed the cap, which ended the selection; None while nothing did."""

    @property
    def refused(self) -> str | None:
        """Why it selects nothing this night whatever matches, in words; None when it may select."""
        if not self.criteria.authorised:
            return "it is not authorised: authorised_by or authorised_on is missing"
        if not self.criteria.valid_on(self.on):
            period = f"{self.criteria.valid_from or 'the beginning'} to {self.criteria.valid_to or 'the end'}"
            return f"it is valid from {period}"
        return None

    def take(self, candidates: pd.DataFrame) -> pd.Series:
        """The casegroups this selects of a part of the candidates: their ids, in order.

        ``candidates``: casegroup_id (in order, each after those of the parts before), cases (int64, all its cases
        whatever their state, B3), left_out (a reason of LEFT_OUT, missing when there is none). The first casegroup that
        would pass the cap ends the selection: smaller ones after it are not taken.
        """
        eligible = candidates[candidates["left_out"].isna()]
        if self.refused is not None or self.ended_at is not None:
            return eligible["casegroup_id"].iloc[:0]
        ids, sizes = eligible["casegroup_id"], eligible["cases"].to_numpy(np.int64)
        taken = len(eligible)
        if self.criteria.max_cases is not None:
            room = self.criteria.max_cases - self.counted - self.cases
            taken = int(np.searchsorted(np.cumsum(sizes), room, side="right"))
            if taken < len(eligible):
                self.ended_at = str(ids.iloc[taken])
        self.cases += int(sizes[:taken].sum())
        self.casegroups += taken
        return ids.iloc[:taken]


def follow(cases: pd.DataFrame) -> pd.DataFrame:
    """Which rows of end_liability are new or change because a case came to a casegroup, and whose stamp each takes.

    ``cases``: every held case of the casegroups concerned: csa_system, csa_case_id, casegroup_id, and of its row in
    end_liability stamped_casegroup_id (missing: it has none) and stamp, one text for tranche, journey, dates and
    all. A casegroup has one stamp: that of the cases that have been in it, else that of the first that moved to it.

    Out, a line for each change: the case, its casegroup, cause, and leader_csa_system, leader_csa_case_id: the
    case whose stamp it takes tonight (JOINED), missing where it keeps its own and its night (MOVED).
    """
    cases = cases.sort_values(["casegroup_id", "csa_system", "csa_case_id"], kind="stable")
    cases = cases.reset_index(drop=True)
    stamped = cases["stamped_casegroup_id"].notna().to_numpy(bool)
    came = stamped & (cases["stamped_casegroup_id"] != cases["casegroup_id"]).to_numpy(bool)
    leaders = pd.concat([cases[stamped & ~came], cases[came]]).drop_duplicates("casegroup_id")
    places = lookup(cases["casegroup_id"], leaders, "casegroup_id")
    same = (take(leaders["stamp"], places) == cases["stamp"]).to_numpy(bool)
    joins = (places >= 0) & ~same & (came | ~stamped)
    changed = joins | came
    led_by = np.where(joins, places, -1)
    changes = cases[["csa_system", "csa_case_id", "casegroup_id"]].assign(
        cause=np.where(joins, JOINED, MOVED),
        leader_csa_system=take(leaders["csa_system"], led_by),
        leader_csa_case_id=take(leaders["csa_case_id"], led_by),
    )
    return changes[changed].reset_index(drop=True)
