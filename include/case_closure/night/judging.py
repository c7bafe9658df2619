"""Letting the gates judge, and counting what they judged.

Belongs here: which suite judged how many rows, ordinary and sensitive apart, and keeping it. Does not belong here: which frames a
stage has judged (its own module), the suites (``gates``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from case_closure.domain.rules import rules_of
from case_closure.night.context import NightContext
from case_closure.stages.common.findings import none as no_findings
from case_closure.store import nights, sensitive, shares
from case_closure.store.database import Connection
from case_closure.tables.frames import Frames


class Tallies:
    """Rows judged and failed by suite and rule, and what each casegroup has in them: of one part."""

    def __init__(self) -> None:
        self.by_suite: dict[str, dict[str, tuple[int, int]]] = {}
        self.shares: dict[str, dict[str, dict[str, int]]] = {}

    def add(self, suite: str, tally: dict[str, tuple[int, int]]) -> None:
        mine = self.by_suite.setdefault(suite, {})
        for rule, (judged, failed) in tally.items():
            before = mine.get(rule, (0, 0))
            mine[rule] = (before[0] + judged, before[1] + failed)

    def share(self, suite: str, shares: dict[str, dict[str, int]]) -> None:
        mine = self.shares.setdefault(suite, {})
        for what, by_casegroup in shares.items():
            if what not in mine:
                mine[what] = dict(by_casegroup)
                continue
            of_what = mine[what]
            for casegroup_id, rows in by_casegroup.items():
                of_what[casegroup_id] = of_what.get(casegroup_id, 0) + rows


def judge(
    suite: Any, frame: pd.DataFrame, tallies: Tallies, sensitive: np.ndarray | None = None
) -> pd.DataFrame:
    """The findings of a suite over a frame with ``casegroup_id``.

    ``sensitive``: of rows without a casegroup, which are nationally sensitive.
    """
    from case_closure.gates import engine

    findings = engine.run(suite, frame)
    tallies.add(suite.name, findings.tally)
    tallies.share(suite.name, findings.shares(frame["casegroup_id"], sensitive))
    return findings.rows


def hidden_of_none(connection: Connection, frame: pd.DataFrame) -> np.ndarray:
    """Of rows of no casegroup, those that are sensitive by what they name: a letter, a case, a payer (R26)."""
    of_none = frame["casegroup_id"].isna()
    names = [frame[name].where(of_none) for name in ("subject_reference", "csa_case_id")]
    hidden = sensitive.named(connection, pd.concat(names).dropna())
    return np.logical_or.reduce([name.isin(hidden).to_numpy(bool) for name in names])


def keep_shares(connection: Connection, ctx: NightContext, tallies: Tallies) -> None:
    """What each casegroup has in the tallies, so that it can be told apart should it become sensitive (R42)."""
    for suite, kept in tallies.shares.items():
        shares.keep(connection, shares.GATE, ctx.business_date, suite, kept, attempt=ctx.attempt)


class Gate:
    """One suite that judges the rows of a night, at once or in turns. No rows need no gate, and no import of it.

    Rule results are kept where they are ``counted``: a rerun of a night that succeeded leaves those of its first run.
    """

    def __init__(self, connection: Connection, ctx: NightContext, name: str, *, counted: bool = True) -> None:
        self._connection, self._ctx, self._name, self._counted = connection, ctx, name, counted
        self._tallies = Tallies()

    def judge(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The findings over one turn's rows."""
        if frame.empty:
            return no_findings()
        from case_closure.gates import suites

        hidden = hidden_of_none(self._connection, frame)
        return judge(getattr(suites, self._name)(), frame, self._tallies, hidden)

    def keep(self) -> None:
        """Keep the rule results of all turns."""
        if not self._counted:
            return
        keep_shares(self._connection, self._ctx, self._tallies)
        nights.record_gate_results(
            self._connection, self._ctx.business_date,
            {self._name: _none_broken(self._name) | self._tallies.by_suite.get(self._name, {})}, attempt=self._ctx.attempt,
        )  # fmt: skip
        if self._tallies.shares:
            nights.set_apart(self._connection, self._ctx.business_date, [self._name])


def judge_rows(connection: Connection, ctx: NightContext, frames: Frames, *, counted: bool = True) -> Frames:
    """Findings of the suite of each name over its frame; rule results kept where they are ``counted`` (``Gate``)."""
    broke = {}
    for name, frame in frames.items():
        gate = Gate(connection, ctx, name, counted=counted)
        broke[name] = gate.judge(frame)
        gate.keep()
    return broke


def list_rules(connection: Connection, ctx: NightContext, suites: Iterable[str]) -> None:
    """List the rules of these suites, with no row judged: parts add theirs. A rule that had none is listed with none."""
    tallies = {suite: _none_broken(suite) for suite in suites}
    nights.record_gate_results(connection, ctx.business_date, tallies, attempt=ctx.attempt)


def keep_tallies(connection: Connection, ctx: NightContext, part: int, tallies: Tallies) -> None:
    """Store what was judged in a part, and what each of its casegroups has in it."""
    nights.record_gate_results(
        connection, ctx.business_date, tallies.by_suite, attempt=ctx.attempt, part=part
    )
    keep_shares(connection, ctx, tallies)


def _none_broken(suite: str) -> dict[str, tuple[int, int]]:
    return dict.fromkeys(rules_of(suite), (0, 0))
