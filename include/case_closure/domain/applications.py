"""What an application to CMS does to the closure of the casegroup it names (B19-B23, R1-R3).

Belongs here: the decision, its dates, and the order in which it is judged; when an LTR may be issued by hand. Not: finding the
casegroup, storing, letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from case_closure.domain.dates import REACTIVE_DAYS, day_after, t_date
from case_closure.domain.texts import shown

REACTIVE: Final = "REACTIVE"
KEPT_PROACTIVE: Final = "KEPT_PROACTIVE"
ALREADY_REACTIVE: Final = "ALREADY_REACTIVE"
NOT_ON_CSA: Final = "NOT_ON_CSA"
NOT_ELIGIBLE: Final = "NOT_ELIGIBLE"
LIABILITY_ENDED: Final = "LIABILITY_ENDED"

PROACTIVE: Final = "PROACTIVE"

# R24: what each asks of the CSA team is configured there; the first is the one an application sends by itself.
LTR_TYPES: Final = ("LTR1", "LTR2", "LTR3")
LTR_OUTCOMES: Final = ("CLOSED", "REFUSED", "PENDING")


@dataclass(frozen=True)
class Standing:
    """The casegroup an application names, as it stands before it.

    ``journey``: PROACTIVE, REACTIVE, or None while not selected; ``led`` its end liability date. ``t_date`` and
    ``effective_date``: those of the application that made it reactive. ``kept``: an application came too late already.
    """

    casegroup_id: str
    any_open: bool
    journey: str | None = None
    led: date | None = None
    t_date: date | None = None
    effective_date: date | None = None
    kept: bool = False


@dataclass(frozen=True)
class Decision:
    """What became of an application."""

    decision: str
    casegroup_id: str | None
    t_date: date | None = None
    effective_date: date | None = None


def decide(received_on: date, *, eligible: bool, standing: Standing | None) -> Decision:
    """Judge one application. ``standing``: of the casegroup its paying parent has on CSA; None when there is none."""
    group = standing.casegroup_id if standing else None
    if not eligible:
        return Decision(NOT_ELIGIBLE, group)
    if standing is None:
        return Decision(NOT_ON_CSA, None)
    if not standing.any_open or (standing.led is not None and standing.led < received_on):
        return Decision(LIABILITY_ENDED, group)
    if standing.journey == REACTIVE:
        return Decision(ALREADY_REACTIVE, group, standing.t_date, standing.effective_date)
    # A second application changes nothing, also one that was received before the first (R2).
    if standing.led is not None and (standing.kept or (standing.led - received_on).days < REACTIVE_DAYS):
        return Decision(KEPT_PROACTIVE, group, None, day_after(standing.led))
    ends_on = t_date(received_on)
    return Decision(REACTIVE, group, ends_on, day_after(ends_on))


def after(standing: Standing, decision: Decision) -> Standing:
    """The casegroup as the next application finds it."""
    if decision.decision == REACTIVE:
        return Standing(
            standing.casegroup_id,
            standing.any_open,
            REACTIVE,
            decision.t_date,
            decision.t_date,
            decision.effective_date,
        )
    if decision.decision == KEPT_PROACTIVE:
        return Standing(standing.casegroup_id, standing.any_open, standing.journey, standing.led, kept=True)
    return standing


@dataclass(frozen=True)
class Applied:
    """What an LTR by hand is about: an application, the casegroup it names (None: nobody on CSA), its T-date if it has one."""

    application_id: str
    casegroup_id: str | None
    t_date: date | None


@dataclass(frozen=True)
class CaseThere:
    """A case of that casegroup on one CSA system, and its end liability date if it has one."""

    csa_system: str
    csa_case_id: str
    led: date | None


@dataclass(frozen=True)
class Ltr:
    """An LTR as it is stored. ``csa_case_ids``: separated by spaces. ``t_date``: None while nothing is known of one."""

    ltr_id: str
    ltr_type: str
    csa_system: str
    csa_case_ids: str
    casegroup_id: str
    application_id: str
    t_date: date | None


def ltr_by_hand(
    ltr_type: str, csa_system: str, application_id: str, applied: Applied | None, cases: Sequence[CaseThere]
) -> Ltr | str:
    """The LTR that a caseworker issues by hand (B26), or why there is none to issue, in words.

    ``applied``: None when there is no such application. ``cases``: all of its casegroup, in order of their numbers.
    """
    if ltr_type not in LTR_TYPES:
        return f"There is no request of the type {shown(ltr_type, 40)}: it is one of {', '.join(LTR_TYPES)}. Nothing was changed."
    if applied is None:
        return (
            f"There is no application {shown(application_id)}. Check its number; an application is known once its night has "
            "run."
        )
    if applied.casegroup_id is None:
        return f"The paying parent that application {shown(application_id)} names has no case on CSA: there is nobody to ask."
    there = [case.csa_case_id for case in cases if case.csa_system == csa_system]
    if not there:
        systems = ", ".join(sorted({case.csa_system for case in cases})) or "no system"
        return f"{csa_system} holds no case of casegroup {shown(applied.casegroup_id)}; its cases are on {systems}."
    ends = [case.led for case in cases if case.led]
    return Ltr(
        ltr_id=f"{ltr_type}-{csa_system}-{application_id}",
        ltr_type=ltr_type,
        csa_system=csa_system,
        csa_case_ids=" ".join(there),
        casegroup_id=applied.casegroup_id,
        application_id=application_id,
        t_date=applied.t_date or max(ends, default=None),
    )
