"""Gate every balance, and find which casegroups are clerical, held, in exception or ready (B28, B29).

Belongs here: which casegroups a night judges, in which parts; gather, gate, conclude, hand on. Does not belong here: what is
concluded (``stages.receive_balances``), which rows break a rule (``gates``).
"""

from __future__ import annotations

import importlib
from datetime import date

from case_closure.domain.dates import NightDates
from case_closure.night import receive_extract
from case_closure.night.context import NightContext, NightFailed, Summary
from case_closure.night.guard import entered
from case_closure.night.judging import Tallies, judge, list_rules
from case_closure.night.parallel import in_parts
from case_closure.night.parts import InParts, Work, keep, kept, run_all
from case_closure.settings import Settings
from case_closure.stages import receive_balances
from case_closure.stages.receive_balances import Gathered, Received
from case_closure.store import casegroups, database, night_parts, nights, work_in_progress
from case_closure.store.database import Connection
from case_closure.store.night_parts import Claim
from case_closure.store.work_in_progress import Judgement


def run(ctx: NightContext, url: str) -> Summary:
    """Judge the casegroups anew, part by part."""
    return run_all(ctx, url, STAGE)


def plan(ctx: NightContext, url: str) -> None:
    """Which casegroups the night judges, in which parts; what earlier judgements of the night left is dropped."""
    on = ctx.business_date
    with entered(ctx, url, "receive_balances") as (connection, night):
        if ctx.casegroup_ids is None:
            ids = casegroups.to_judge(connection, on, rerun=night.succeeded, late=night.late)
        else:
            receive_extract.admit_entered(connection, on)
            ids = casegroups.with_those_moved_to(connection, on, ctx.casegroup_ids)
        parts = in_parts(ids, ctx.settings.partition_casegroups, ctx.settings.workers)
        nights.begin_judging(connection, on, ctx.attempt)
        judgement = Judgement(on, night.extract_number, ctx.attempt)
        work_in_progress.clear(connection)
        work_in_progress.plan(connection, judgement, parts)
        night_parts.plan(connection, on, STAGE.name, ctx.attempt, night.extract_number, parts)
        if not night.succeeded:
            list_rules(
                connection,
                ctx,
                ("casegroup_cases", "csa_balances", "clerical_balances", "inhibits", "reports"),
            )


def begin(ctx: NightContext, url: str) -> Work:
    judgement, parts = judged(ctx, url, STAGE.name)
    # Before any fork, so that the seconds it takes to import are spent once.
    importlib.import_module("case_closure.gates.suites")

    def work(claimed: Claim) -> None:
        tallies, part = Tallies(), parts[claimed.part]
        received = conclude(url, ctx.settings, ctx.business_date, part, tallies)
        keep(ctx, url, judgement, claimed, received, {"casegroups_judged": len(part)}, tallies)

    return work


STAGE = InParts("receive_balances", plan, begin, ("casegroups_judged",))


def plan_following(ctx: NightContext, url: str, stage: str) -> None:
    """Plan a stage that goes on from what was judged, over the same parts.

    Receiving is run again, here, when there is nothing judged in this run of this extract, or it is gone.
    """
    with entered(ctx, url, stage) as (connection, night):
        judgement_and_parts = _judged(ctx, connection, night)
        if judgement_and_parts is not None:
            _plan(connection, ctx, night, stage, judgement_and_parts[1])
            return
    run(ctx, url)
    _, parts = judged(ctx, url, stage)
    with entered(ctx, url, stage) as (connection, night):
        _plan(connection, ctx, night, stage, parts)


def _plan(
    connection: database.Connection,
    ctx: NightContext,
    night: nights.Night,
    stage: str,
    parts: list[list[str]],
) -> None:
    night_parts.plan(connection, ctx.business_date, stage, ctx.attempt, night.extract_number, parts)


def judged(ctx: NightContext, url: str, stage: str) -> tuple[Judgement, list[list[str]]]:
    """The judgement that ``stage`` goes on from, and its parts. Raises NightFailed when they are gone."""
    with entered(ctx, url, stage) as (connection, night):
        judgement_and_parts = _judged(ctx, connection, night)
    if judgement_and_parts is None:
        raise NightFailed(
            f"The parts that the night of {ctx.business_date} judges are gone, as after the database was stopped: clear "
            "receive_balances with what follows it, and they are made again."
        )
    return judgement_and_parts


def _judged(
    ctx: NightContext, connection: database.Connection, night: nights.Night
) -> tuple[Judgement, list[list[str]]] | None:
    if night.judged_attempt is None:
        return None
    judgement = Judgement(ctx.business_date, night.extract_number, night.judged_attempt)
    parts = work_in_progress.parts(connection, judgement)
    return None if parts is None else (judgement, parts)


def of_part(ctx: NightContext, url: str, judgement: Judgement, number: int, part: list[str]) -> Received:
    """What receiving concluded of that part."""
    return kept(
        ctx, url, judgement, "receive_balances", number,
        lambda: conclude(url, ctx.settings, ctx.business_date, part, Tallies()), Received.of,
    )  # fmt: skip


def conclude(url: str, settings: Settings, on: date, part: list[str], tallies: Tallies) -> Received:
    """What receiving concludes of these casegroups."""
    with database.transaction(url) as connection:
        gathered, dates = gather_part(connection, on, part)
    return judge_part(settings, gathered, dates, tallies)


def gather_part(connection: Connection, on: date, part: list[str]) -> tuple[Gathered, NightDates]:
    """What receiving is to look at, and the dates it judges by."""
    gather = casegroups.Gather(connection, part)
    tables = {
        "judged": gather.judged(),
        "cases": gather.cases(),
        "sensitive": gather.sensitive(),
        "csa_balances": gather.balances("csa_balances"),
        "clerical_balances": gather.balances("clerical_balances"),
        "inhibits": gather.inhibits(),
        "closure_failures": gather.closure_failures(),
        "resolutions": gather.resolutions(),
        "reported_exceptions": gather.reported_exceptions(),
        "refused": gather.refused(),
        "standing": gather.standing(),
        "open_exceptions": gather.open_exceptions(),
        "positions": gather.positions(),
        "dues_now": gather.dues_now(),
        "completed_periods": gather.completed_periods(),
        "balances_accepted": gather.balances_accepted(),
    }
    return Gathered.read(tables), nights.dates(connection, on)


def judge_part(settings: Settings, gathered: Gathered, dates: NightDates, tallies: Tallies) -> Received:
    """Let the gates judge what was gathered, and conclude."""
    from case_closure.gates import suites

    facts = receive_balances.facts(gathered, dates)
    broke = {
        "casegroup_cases": judge(suites.casegroup_cases(), facts.casegroup_cases, tallies),
        "csa_balances": judge(
            suites.csa_balances(settings.balance_implausible_pence), facts.balances, tallies
        ),
        "clerical_balances": judge(suites.clerical_balances(), facts.clerical_balances, tallies),
        "inhibits": judge(suites.inhibits(), facts.inhibits, tallies),
        "reports": judge(suites.reports(), facts.reports, tallies),
    }
    return receive_balances.conclude(gathered, facts, broke, dates)
