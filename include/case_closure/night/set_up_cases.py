"""Check and create, or link, the cases that need dues on CMS (B31, B35-B43).

Belongs here: gather, gate, conclude, hand on. Does not belong here: what is concluded (``stages.set_up_cases``), which rows
break a rule (``gates``).
"""

from __future__ import annotations

import importlib
from datetime import date

import pandas as pd

from case_closure.domain.dates import NightDates
from case_closure.night import receive_balances
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered
from case_closure.night.judging import Tallies, judge, list_rules
from case_closure.night.parts import InParts, Work, keep, kept, run_all
from case_closure.stages import set_up_cases
from case_closure.stages.receive_balances import Received
from case_closure.stages.set_up_cases import Gathered, PeopleGathered, SetUp
from case_closure.store import casegroups, database, nights
from case_closure.store.database import Connection
from case_closure.store.night_parts import Claim
from case_closure.store.work_in_progress import Judgement


def run(ctx: NightContext, url: str) -> Summary:
    """Set up the cases of each part that receiving found ready."""
    return run_all(ctx, url, STAGE)


def plan(ctx: NightContext, url: str) -> None:
    receive_balances.plan_following(ctx, url, STAGE.name)
    with entered(ctx, url, STAGE.name) as (connection, night):
        if not night.succeeded:
            list_rules(connection, ctx, ("set_up_parties", "set_up_cases", "nino_warnings"))


def begin(ctx: NightContext, url: str) -> Work:
    judgement, parts = receive_balances.judged(ctx, url, STAGE.name)
    # Before any fork, so that the seconds it takes to import are spent once.
    importlib.import_module("case_closure.gates.suites")

    def work(claimed: Claim) -> None:
        tallies = Tallies()
        received = receive_balances.of_part(ctx, url, judgement, claimed.part, parts[claimed.part])
        concluded = conclude(url, ctx.business_date, received, tallies)
        keep(ctx, url, judgement, claimed, concluded, {"cases_set_up": len(concluded.cms_cases)}, tallies)

    return work


STAGE = InParts("set_up_cases", plan, begin, ("cases_set_up",))


def of_part(ctx: NightContext, url: str, judgement: Judgement, number: int, part: list[str]) -> SetUp:
    """What case set-up concluded of that part."""

    def again() -> SetUp:
        received = receive_balances.of_part(ctx, url, judgement, number, part)
        return conclude(url, ctx.business_date, received, Tallies())

    return kept(ctx, url, judgement, "set_up_cases", number, again, SetUp.of)


def conclude(url: str, on: date, received: Received, tallies: Tallies) -> SetUp:
    """What case set-up concludes of the casegroups that receiving found ready."""
    required = set_up_cases.required_cases(received.cases, received.balances, received.casegroups)
    with database.transaction(url) as connection:
        everyone, gathered, dates = gather_required(connection, on, required)
    return judge_required(required, everyone, gathered, dates, on, tallies)


def gather_required(
    connection: Connection, on: date, required: pd.DataFrame
) -> tuple[pd.DataFrame, Gathered, NightDates]:
    """The parents of the required cases, what CIS and CMS know of them, and the dates they are judged by."""
    gather = casegroups.Gather(connection, sorted(required["casegroup_id"].unique().tolist()))
    parents = pd.concat([required["paying_parent_id"], required["receiving_parent_id"]])
    ids = parents.dropna().unique().tolist()
    parents_held = {"parties": gather.parties(ids), "entered_for_people": gather.entered_for(ids)}
    everyone = set_up_cases.people(required, PeopleGathered.read(parents_held))
    payers = everyone.loc[everyone["role"] == set_up_cases.PAYING, "matched_on"]
    gathered = Gathered.read(
        {
            "children": gather.children(),
            "cms_cases": gather.cms_cases(),
            "cis": gather.cis(everyone["matched_on"].dropna().unique().tolist()),
            "register": gather.register(payers.dropna().unique().tolist()),
            "payer_casegroups": gather.payer_casegroups(),
        }
    )
    return everyone, gathered, nights.dates(connection, on)


def judge_required(
    required: pd.DataFrame,
    everyone: pd.DataFrame,
    gathered: Gathered,
    dates: NightDates,
    on: date,
    tallies: Tallies,
) -> SetUp:
    """Let the gates judge what was gathered, and conclude."""
    from case_closure.gates import suites

    facts = set_up_cases.facts(required, everyone, gathered)
    broke = {
        "set_up_parties": judge(suites.set_up_parties(dates), facts.parties, tallies),
        "set_up_cases": judge(suites.set_up_cases(), facts.cases, tallies),
        "nino_warnings": judge(suites.nino_warnings(), facts.warnings, tallies),
    }
    return set_up_cases.conclude(facts, broke, gathered, on)
