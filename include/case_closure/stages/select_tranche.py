"""Select a tranche, and let a case that comes to a selected casegroup later take its end liability date.

Serves B2-B4, B7, B8; R12 (one case stops its casegroup), R21.
Belongs here: which casegroups a tranche selects on one night and where its cap ends it; who joins and who moves.
Does not belong here: finding the candidates, letters, the journey afterwards.

Casegroups are taken in the order of their ids as text, by code point: the store hands them over so (collate "C").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from case_closure.domain.tranches import JOINED, LEFT_OUT, MOVED, Criteria
from case_closure.tables import handed
from case_closure.tables.frames import lookup, take
from case_closure.tables.handing import cut


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

    @property
    def room(self) -> int | None:
        """How many more cases fit under the cap; None where there is none."""
        cap = self.criteria.max_cases
        return None if cap is None else max(cap - self.counted - self.cases, 0)

    def take(self, cases: pd.DataFrame) -> pd.DataFrame:
        """The cases this selects of a part of the candidates, and what it leaves out of them.

        ``cases`` (CANDIDATES): every case, whatever its state (B3), of casegroups with a case that matches: casegroup_id (in
        order, each after those of the parts before), left_out (for what reason of LEFT_OUT this case stops its casegroup,
        missing when it does not). The first casegroup that would pass the cap ends the selection: smaller ones after
        it are not taken. Out: the rows selected.
        """
        if self.refused is not None or self.ended_at is not None or cases.empty:
            return cases.iloc[:0]
        groups = Casegroups.of(cases)
        eligible = np.flatnonzero(groups.left_out == len(LEFT_OUT))
        sizes = groups.sizes[eligible]
        taken = len(eligible)
        if self.room is not None:
            taken = int(np.searchsorted(np.cumsum(sizes), self.room, side="right"))
            if taken < len(eligible):
                self.ended_at = str(cases["casegroup_id"].iloc[groups.starts[eligible[taken]]])
        self.cases += int(sizes[:taken].sum())
        self.casegroups += taken
        chosen = np.zeros(len(groups.sizes), dtype=bool)
        chosen[eligible[:taken]] = True
        return cases[np.repeat(chosen, groups.sizes)]


@dataclass(frozen=True)
class Casegroups:
    """The casegroups of cases that lie together: where each starts, its cases, its reason (its place in LEFT_OUT)."""

    starts: np.ndarray
    sizes: np.ndarray
    left_out: np.ndarray

    @classmethod
    def of(cls, cases: pd.DataFrame) -> Casegroups:
        """``cases``: casegroup_id, left_out; at least one. With several reasons the first of LEFT_OUT counts (R12)."""
        ids = cases["casegroup_id"]
        starts = np.flatnonzero(np.r_[True, (ids.iloc[1:].array != ids.iloc[:-1].array).astype(bool)])
        order = pd.Series(range(len(LEFT_OUT)), index=pd.Index(LEFT_OUT, dtype="str"))
        reasons = lookup(cases["left_out"], order.index.to_frame(name="reason"), "reason")
        reasons[reasons < 0] = len(LEFT_OUT)
        return cls(starts, np.diff(np.r_[starts, len(cases)]), np.minimum.reduceat(reasons, starts))


def follow(cases: pd.DataFrame) -> pd.DataFrame:
    """Which rows of end_liability are new or change because a case came to a casegroup, and whose stamp each takes.

    ``cases`` (CASES_CONCERNED): every held case of the casegroups concerned, with stamped_casegroup_id and stamp of its row in
    end_liability (missing: it has none). A casegroup has one stamp: that of the cases that have been in it, else that of the
    first that moved to it.

    Out (CASES_FOLLOWING), a line for each change: the case, its casegroup, cause, and leader_csa_system, leader_csa_case_id: the
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
    return cut(changes[changed], handed.CASES_FOLLOWING).reset_index(drop=True)
