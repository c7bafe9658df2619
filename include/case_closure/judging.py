"""Judging a part of the night's casegroups: gather what a stage needs, let the gates judge it, let the stage conclude.

Belongs here: which tables a stage is given, and which suite judges which of its frames. Does not belong here: the order of
stages, what is stored (``night``), rules (``stages``, ``gates``), SQL (``store``). Nothing here writes.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from case_closure.domain.dates import NightDates
from case_closure.settings import Settings
from case_closure.stages import decide_next_action, post_dues, receive_balances, set_up_cases
from case_closure.stages.frames import Frames, to_frame
from case_closure.store import casegroups, database, nights
from case_closure.store.database import Connection


class Tallies:
    """Rows judged and failed by suite and rule, added up over the parts; and, of one part, what each casegroup has in them."""

    def __init__(self) -> None:
        self.by_suite: dict[str, dict[str, tuple[int, int]]] = {}
        self.shares: dict[str, dict[str, dict[str, int]]] = {}

    @classmethod
    def together(cls, parts: list[Tallies]) -> Tallies:
        """The tallies of several parts as one. Shares are kept with each part, or memory would grow with the book."""
        whole = cls()
        for part in parts:
            for suite, tally in part.by_suite.items():
                whole.add(suite, tally)
        return whole

    def add(self, suite: str, tally: dict[str, tuple[int, int]]) -> None:
        mine = self.by_suite.setdefault(suite, {})
        for rule, (judged, failed) in tally.items():
            before = mine.get(rule, (0, 0))
            mine[rule] = (before[0] + judged, before[1] + failed)

    def take_shares(self) -> dict[str, dict[str, dict[str, int]]]:
        """The shares, by suite, of which these tallies know nothing any more."""
        taken, self.shares = self.shares, {}
        return taken


def judge(
    suite: Any, frame: pd.DataFrame, tallies: Tallies, sensitive: np.ndarray | None = None
) -> pd.DataFrame:
    """The findings of a suite over a frame with ``casegroup_id``; each suite is run once a part.

    ``sensitive``: of rows without a casegroup, which are nationally sensitive.
    """
    from case_closure.gates import engine

    findings = engine.run(suite, frame)
    tallies.add(suite.name, findings.tally)
    tallies.shares[suite.name] = findings.shares(frame["casegroup_id"], sensitive)
    return findings.rows


def receive_suites() -> list[Any]:
    """The suites of receiving that judge held rows."""
    from case_closure.gates import suites

    return [suites.casegroup_cases(), suites.csa_balances(0), suites.clerical_balances(), suites.inhibits()]


def set_up_suites(dates: NightDates) -> list[Any]:
    """The suites of case set-up, as of the night."""
    from case_closure.gates import suites

    return [suites.set_up_parties(dates), suites.set_up_cases(), suites.nino_warnings()]


def received(url: str, settings: Settings, on: date, part: list[str], tallies: Tallies) -> Frames:
    """What receiving concludes of these casegroups."""
    from case_closure.gates import suites

    with database.transaction(url) as connection:
        gather = casegroups.Gather(connection, part)
        held = {
            "judged": gather.judged(),
            "cases": gather.cases(),
            "sensitive": gather.sensitive(),
            "csa_balances": gather.balances("csa_balances"),
            "clerical_balances": gather.balances("clerical_balances"),
            "inhibits": gather.inhibits(),
            "closure_failures": gather.closure_failures(),
            "resolutions": gather.resolutions(),
            "refused": gather.refused(),
            "standing": gather.standing(),
            "open_exceptions": gather.open_exceptions(),
            "positions": gather.positions(),
            "dues_now": gather.dues_now(),
            "completed_periods": gather.completed_periods(),
        }
        dates = nights.dates(connection, on)
    frames = {name: to_frame(table) for name, table in held.items()}
    facts = receive_balances.facts(frames, dates.latest)
    broke = {
        "casegroup_cases": judge(suites.casegroup_cases(), facts.casegroup_cases, tallies),
        "csa_balances": judge(
            suites.csa_balances(settings.balance_implausible_pence), facts.balances, tallies
        ),
        "clerical_balances": judge(suites.clerical_balances(), facts.clerical_balances, tallies),
        "inhibits": judge(suites.inhibits(), facts.inhibits, tallies),
    }
    return receive_balances.conclude(frames, facts, broke, dates)


def set_up(url: str, on: date, received: Frames, tallies: Tallies) -> Frames:
    """What case set-up concludes of the casegroups that receiving found ready."""
    from case_closure.gates import suites

    required = set_up_cases.required_cases(received["cases"], received["balances"], received["casegroups"])
    groups = sorted(set(required["casegroup_id"]))
    with database.transaction(url) as connection:
        gather = casegroups.Gather(connection, groups)
        ids = (
            pd.concat([required["paying_parent_id"], required["receiving_parent_id"]])
            .dropna()
            .unique()
            .tolist()
        )
        held = {
            "parties": to_frame(gather.parties(ids)),
            "entered_for_people": to_frame(gather.entered_for(ids)),
            "children": to_frame(gather.children()),
            "cms_cases": to_frame(gather.cms_cases()),
        }
        everyone = set_up_cases.people(required, held)
        held["cis"] = to_frame(gather.cis(everyone["matched_on"].dropna().unique().tolist()))
        payers = everyone.loc[everyone["role"] == set_up_cases.PAYING, "matched_on"]
        held["register"] = to_frame(gather.register(payers.dropna().unique().tolist()))
        held["payer_casegroups"] = to_frame(gather.payer_casegroups())
        dates = nights.dates(connection, on)
    facts = set_up_cases.facts(required, everyone, held)
    broke = {
        "set_up_parties": judge(suites.set_up_parties(dates), facts.parties, tallies),
        "set_up_cases": judge(suites.set_up_cases(), facts.cases, tallies),
        "nino_warnings": judge(suites.nino_warnings(), facts.warnings, tallies),
    }
    return set_up_cases.conclude(facts, broke, held, on)


def posted(url: str, on: date, received: Frames, set_up: Frames) -> Frames:
    """The dues of the casegroups that are set up, and where every penny is."""
    with database.transaction(url) as connection:
        before = to_frame(
            casegroups.Gather(connection, sorted(set(set_up["set_up"]["casegroup_id"]))).cms_cases()
        )
    return post_dues.conclude(received, set_up, before, on)


def decided(
    connection: Connection, on: date, part: list[str], received: Frames, set_up: Frames, posted: Frames
) -> Frames:
    gather = casegroups.Gather(connection, part)
    open_exceptions = gather.open_exceptions()
    people = decide_next_action.whose(to_frame(open_exceptions), received["cases"])
    before = {
        "standing": gather.standing(),
        "positions": gather.positions(),
        "open_exceptions": open_exceptions,
        "entered_for_people": gather.entered_for(people.dropna().unique().tolist()),
        "resolutions": gather.resolutions(),
        "routes": gather.routes(),
        "covering_letters": gather.covering_letters(on),
    }
    groups = received["casegroups"]
    clerical = groups.loc[groups["clerical_reason"].notna(), "casegroup_id"].tolist()
    before |= {
        "clerical_items": gather.clerical_items(),
        "on_cms": casegroups.Gather(connection, clerical).on_cms(),
    }
    frames = {name: to_frame(table) for name, table in before.items()}
    own, latest = (pd.Timestamp(day).as_unit("s") for day in (on, nights.dates(connection, on).latest))
    return decide_next_action.conclude(received, set_up, posted, frames, own, latest)
