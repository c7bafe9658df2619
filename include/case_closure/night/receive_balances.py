"""Gate every balance, and find which casegroups are clerical, held, in exception or ready (B28, B29).

Belongs here: which casegroups a night judges, in which parts; gather, gate, conclude, hand on. Does not belong here: what is
concluded (``stages.receive_balances``), which rows break a rule (``gates``).
"""

from __future__ import annotations

import importlib
from datetime import date
from typing import Any

from case_closure.night.context import NightContext, NightFailed, Summary
from case_closure.night.guard import entered
from case_closure.night.judging import Tallies, judge, keep_tallies
from case_closure.night.parallel import in_parts
from case_closure.night.parts import keep, kept, over_all
from case_closure.settings import Settings
from case_closure.stages import receive_balances
from case_closure.stages.receive_balances import Gathered, Received
from case_closure.store import casegroups, database, nights, work_in_progress
from case_closure.store.work_in_progress import Judgement


def run(ctx: NightContext, url: str) -> Summary:
    """Judge the casegroups anew, part by part; what earlier judgements of the night left is dropped."""
    on = ctx.business_date
    with entered(ctx, url, "receive_balances") as (connection, night):
        ids = casegroups.to_judge(connection, on, rerun=night.succeeded, late=night.late)
        parts = in_parts(ids, ctx.settings.partition_casegroups, ctx.settings.workers)
        nights.begin_judging(connection, on, ctx.attempt)
        judgement = Judgement(on, night.extract_number, ctx.attempt)
        work_in_progress.begin(connection, judgement, parts)

    def work(number: int) -> Tallies:
        tallies = Tallies()
        received = conclude(url, ctx.settings, on, parts[number], tallies)
        keep(ctx, url, judgement, "receive_balances", number, received, tallies)
        return tallies

    if parts:
        # Before any fork, so that the seconds it takes to import are spent once.
        importlib.import_module("case_closure.gates.suites")
    tallies = Tallies.together(over_all(ctx, url, work, len(parts)))
    if not night.succeeded:
        keep_tallies(ctx, url, "receive_balances", tallies, _suites())
    return {"casegroups_judged": len(ids)}


def judged(ctx: NightContext, url: str, stage: str) -> tuple[Judgement, list[list[str]], bool]:
    """The judgement that ``stage`` goes on from, its parts, and whether the night had succeeded before.

    Receiving is run again when there is none of this run and extract, or it is gone.
    """
    for _ in range(2):
        with entered(ctx, url, stage) as (connection, night):
            if night.judged_attempt is not None:
                judgement = Judgement(ctx.business_date, night.extract_number, night.judged_attempt)
                parts = work_in_progress.parts(connection, judgement)
                if parts is not None:
                    return judgement, parts, night.succeeded
        run(ctx, url)
    raise NightFailed(f"The parts of the night of {ctx.business_date} are gone as soon as they are made.")


def of_part(ctx: NightContext, url: str, judgement: Judgement, number: int, part: list[str]) -> Received:
    """What receiving concluded of that part."""
    return kept(
        ctx, url, judgement, "receive_balances", number,
        lambda: conclude(url, ctx.settings, ctx.business_date, part, Tallies()), Received.of,
    )  # fmt: skip


def conclude(url: str, settings: Settings, on: date, part: list[str], tallies: Tallies) -> Received:
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
    gathered = Gathered.read(held)
    facts = receive_balances.facts(gathered, dates.latest)
    broke = {
        "casegroup_cases": judge(suites.casegroup_cases(), facts.casegroup_cases, tallies),
        "csa_balances": judge(
            suites.csa_balances(settings.balance_implausible_pence), facts.balances, tallies
        ),
        "clerical_balances": judge(suites.clerical_balances(), facts.clerical_balances, tallies),
        "inhibits": judge(suites.inhibits(), facts.inhibits, tallies),
    }
    return receive_balances.conclude(gathered, facts, broke, dates)


def _suites() -> list[Any]:
    """The suites of receiving that judge held rows."""
    from case_closure.gates import suites

    return [suites.casegroup_cases(), suites.csa_balances(0), suites.clerical_balances(), suites.inhibits()]
