"""Letting the gates judge, and counting what they judged.

Belongs here: which suite judged how many rows, ordinary and sensitive apart, and keeping it. Does not belong here: which frames a
stage has judged (its own module), the suites (``gates``).
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from case_closure.domain.rules import RULES
from case_closure.night.context import NightContext
from case_closure.night.guard import entered
from case_closure.stages.common.findings import none as no_findings
from case_closure.store import nights
from case_closure.store.database import Connection
from case_closure.tables.frames import Frames


class Tallies:
    """Rows judged and failed, by suite and rule, ordinary and sensitive apart, added up over the parts."""

    def __init__(self) -> None:
        self.by_suite: dict[str, dict[str, dict[bool, tuple[int, int]]]] = {}

    @classmethod
    def together(cls, parts: list[Tallies]) -> Tallies:
        """The tallies of several parts as one."""
        whole = cls()
        for part in parts:
            for suite, tally in part.by_suite.items():
                whole.add(suite, tally)
        return whole

    def add(self, suite: str, tally: dict[str, dict[bool, tuple[int, int]]]) -> None:
        mine = self.by_suite.setdefault(suite, {})
        for rule, sides in tally.items():
            for side, (judged, failed) in sides.items():
                before = mine.setdefault(rule, {}).get(side, (0, 0))
                mine[rule][side] = (before[0] + judged, before[1] + failed)


def judge(suite: Any, frame: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    from case_closure.gates import engine

    findings = engine.run(suite, frame)
    sensitive = frame["sensitive"].to_numpy(bool) if "sensitive" in frame else None
    tallies.add(suite.name, findings.tally_by_side(sensitive, len(frame)))
    return findings.rows


def judge_rows(connection: Connection, ctx: NightContext, frames: Frames) -> Frames:
    """Findings of the suite of each name over its frame; rule results kept. No rows need no gate, and no import of it."""
    broke = {}
    for name, frame in frames.items():
        tallies = Tallies()
        if len(frame):
            from case_closure.gates import suites

            broke[name] = judge(getattr(suites, name)(), frame, tallies)
        else:
            broke[name] = no_findings()
        nothing = {code: {False: (0, 0)} for code, rule in RULES.items() if rule.suite == name}
        nights.record_gate_results(
            connection, ctx.business_date, name, nothing | tallies.by_suite.get(name, {})
        )
    return broke


def keep_tallies(ctx: NightContext, url: str, stage: str, tallies: Tallies, suites: list[Any]) -> None:
    """Store the night's rule results; a rule that had no row to judge is listed with none."""
    with entered(ctx, url, stage) as (connection, _):
        for suite in suites:
            nothing = {rule: {False: (0, 0)} for rule in suite.rule_codes}
            nights.record_gate_results(
                connection, ctx.business_date, suite.name, nothing | tallies.by_suite.get(suite.name, {})
            )
