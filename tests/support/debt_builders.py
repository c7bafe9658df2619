"""Debts as a test needs them: `debt(...)` is a row of csa_debts that adds up, `judged(...)` the stage ``judge_debts`` over some.

Belongs here: rows of debts, and what the store would hand the stage. Does not belong here: what ought to come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from case_closure.domain.debt_rules import RULES
from case_closure.gates import suites
from case_closure.stages import judge_debts
from case_closure.stages.common.exceptions import Before
from case_closure.stages.judge_debts import FINAL_COLUMNS
from case_closure.tables import handed
from tests.support.builders import (
    ON,
    Case,
    Row,
    balance,
    case,
    entered_for,
    frame_like,
    matched_on,
    records,
    rows_of,
)
from tests.support.plain_gate import judge


def debt(case_id: str = "A", /, **over: Any) -> Row:
    """A debt that adds up, of the buckets named ('rp_active') in pence; else of 10.00 to the receiving parent. No rule fires,
    but for what the test says: every other argument is a column of csa_debts."""
    owes = {name: over.pop(name) for name in [*over] if f"{name}_pence" in _AMOUNTS}
    row = balance(case_id, None, owes or {"rp_active": 1000})
    row = {name: value for name, value in row.items() if name not in ("balance_id", "casegroup_id")}
    return row | {"pp_no_estate": False, "no_further_action_told": False} | over


_AMOUNTS = balance("A", None, {})


@dataclass
class Judged:
    """What the stage concluded, and short ways to ask."""

    concluded: judge_debts.Judged

    def rules(self, case_id: str = "A") -> dict[str, tuple[str, int, int, int]]:
        """rule -> (result, before, written off, after), of the rules that took anything."""
        names = {rule.number: rule.name for rule in RULES}
        return {
            names[row["rule_number"]]: (row["result"], row["before_pence"], row["written_off_pence"], row["after_pence"])
            for row in records(self.concluded.debt_rule_results) if row["csa_case_id"] == case_id
        }  # fmt: skip

    def left(self, case_id: str = "A") -> dict[str, int]:
        """bucket -> pence, of those that are not 0 after the rules."""
        (row,) = (row for row in records(self.concluded.debt_judgements) if row["csa_case_id"] == case_id)
        return {
            name.removeprefix("final_").removesuffix("_pence"): row[name]
            for name in FINAL_COLUMNS
            if row[name]
        }

    @property
    def cases(self) -> list[str]:
        return self.concluded.debt_judgements["csa_case_id"].tolist()

    @property
    def opened(self) -> set[tuple[str, str]]:
        """(rule, case) of the exceptions opened."""
        frame = self.concluded.opened
        return set(zip(frame["rule_code"], frame["csa_case_id"], strict=True))


def gathered(
    debts: Sequence[Row],
    cases: Sequence[Case] = (),
    *,
    resolutions: Sequence[Row] = (),
    unchanged: Sequence[str] = (),
    times: Mapping[str, int] | None = None,
) -> judge_debts.Gathered:
    """What the store hands over of these debts; their cases are in order unless given. `times`: how often a case stands."""
    rows = rows_of(cases or [case(row["csa_case_id"], f"G-{row['csa_case_id']}") for row in debts])
    of_case = {row["csa_case_id"]: row for row in rows["csa_cases"]}
    names = ("casegroup_id", "paying_parent_id", "receiving_parent_id")
    lines = [
        {name: of_case.get(row["csa_case_id"], {}).get(name) for name in names}
        | {"case_held": row["csa_case_id"] in of_case, "unchanged": row["csa_case_id"] in unchanged}
        | {"times_in_file": (times or {}).get(row["csa_case_id"], 1)}
        | row
        for row in debts
    ]
    people = [{name: row.get(name) for name in handed.PEOPLE_WHO_DIED.names} for row in rows["csa_parties"]]
    dead = [
        {"matched_on": matched_on(row["nino"]), "died_on": row["date_of_death"]}
        for row in rows["cis_persons"]
        if row.get("date_of_death")
    ]
    return judge_debts.Gathered(
        debts=frame_like(handed.DEBTS, lines),
        resolutions=frame_like(handed.RESOLUTIONS, resolutions),
        people=frame_like(handed.PEOPLE_WHO_DIED, people),
        entered_for_people=entered_for(resolutions, rows),
        cis_deaths=frame_like(handed.CIS_DEATHS, dead),
    )


def judged(
    *debts: Row,
    cases: Sequence[Case] = (),
    low_value_pence: int | None = None,
    known: Sequence[Row] = (),
    on: date = ON,
    **more: Any,
) -> Judged:
    """The stage over these debts. `known`: open exceptions of theirs."""
    facts = judge_debts.debt_facts(gathered(debts, cases, **more))
    before = Before(
        open_exceptions=frame_like(handed.EXCEPTIONS_SEEN, known), routes=frame_like(handed.ROUTES, [])
    )
    night = pd.Timestamp(on).as_unit("s")
    broke = judge(suites.csa_debts(), facts)
    return Judged(judge_debts.conclude(facts, broke, before, low_value_pence, night, night))
