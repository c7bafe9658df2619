"""Exceptions: what makes one the same one, its words and route, and the life of those that refuse a row alone.

Serves B48-B50, R10. Belongs here: what every exception has in common, whichever stage found it.
Does not belong here: judging (``gates``), the life of those that hold a casegroup (``decide_next_action``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pandas as pd

from case_closure.domain.rules import ANY_ROW, ROWS, RULES
from case_closure.stages.common import work_items
from case_closure.tables import handed
from case_closure.tables.frames import among, joined
from case_closure.tables.handing import Handed, cut, empty


@dataclass(frozen=True)
class Exceptions(Handed):
    """Exceptions opened, seen again and resolved, and work items."""

    opened: Annotated[pd.DataFrame, handed.EXCEPTIONS_OPENED]
    seen: Annotated[pd.DataFrame, handed.EXCEPTIONS_SEEN]
    resolved: Annotated[pd.DataFrame, handed.EXCEPTIONS_RESOLVED]
    work_items: Annotated[pd.DataFrame, handed.WORK_ITEMS]


@dataclass(frozen=True)
class Before(Handed):
    """The open exceptions of the rules of a stage that refuse a row alone, and the routes of the casegroups found."""

    open_exceptions: Annotated[pd.DataFrame, handed.EXCEPTIONS_SEEN]
    routes: Annotated[pd.DataFrame, handed.ROUTES]


def only_resolved(resolved: pd.DataFrame) -> Exceptions:
    """Exceptions of which some end and no other is told of (EXCEPTIONS_RESOLVED)."""
    return Exceptions(
        opened=empty(handed.EXCEPTIONS_OPENED), seen=empty(handed.EXCEPTIONS_SEEN), resolved=resolved,
        work_items=work_items.none(),
    )  # fmt: skip


EXCEPTION_KEY = ["rule_code", "casegroup_id", "csa_system", "csa_case_id", "subject", "subject_reference"]


def key_of(rows: pd.DataFrame) -> pd.Series:
    """One text for what makes an exception the same one: rule, casegroup, case, and whom or what it is about (R38).

    Two parents of a case who break one rule are two exceptions; so are two payments, or two corrections of one due.
    """
    if rows.empty:
        return pd.Series(dtype="str")
    return joined([rows[name] for name in EXCEPTION_KEY], "|")


def exception_id(rows: pd.DataFrame, on: pd.Timestamp) -> pd.Series:
    """Natural key: rule, casegroup, case, what it is about, and the night it was first seen.

    The subject is told where the rule leaves it open whose data is wrong, or a row of which file; elsewhere the rule has said it.
    """
    says = rows["rule_code"].map({code: rule.subject for code, rule in RULES.items()})
    about = rows["subject"].where(says == "PARTY", rows["subject_reference"])
    of_file = rows["subject"] + "-" + rows["subject_reference"].fillna("")
    about = of_file.where(says == ANY_ROW, about)
    return joined([*(rows[name] for name in EXCEPTION_KEY[:4]), about], "-") + f"-{on.date().isoformat()}"


def described(exceptions_found: pd.DataFrame, routes: pd.DataFrame, on: pd.Timestamp) -> pd.DataFrame:
    """New exceptions, whole: found ones with their key, severity, stage, words and route."""
    if exceptions_found.empty:
        return empty(handed.EXCEPTIONS_OPENED)
    opened = work_items.routed(exceptions_found, routes)
    opened["exception_id"] = exception_id(opened, on)
    opened["severity"] = opened["rule_code"].map(lambda code: RULES[code].severity).astype("str")
    of_any = opened["rule_code"].map(lambda code: RULES[code].subject == ANY_ROW).astype(bool)
    by_file = opened["subject"].map({rows.subject: rows.channel for rows in ROWS.values()})
    opened["channel"] = opened["channel"].mask(of_any, by_file).astype("str")
    for name in ("stage", "channel"):
        of_rule = {code: getattr(rule, name) for code, rule in RULES.items()}
        opened[name] = opened[name].fillna(opened["rule_code"].map(of_rule).astype("str"))
    opened["message"] = (
        opened["rule_code"].map(lambda code: f"{RULES[code].says} {RULES[code].do}").astype("str")
    )
    warns = opened["severity"] == "WARNING"
    opened["route"] = opened["route"].mask(warns)
    opened["case_owner"] = opened["case_owner"].mask(warns)
    return cut(opened, handed.EXCEPTIONS_OPENED)


def exception_items(opened: pd.DataFrame, on: pd.Timestamp, *, about: str = "exception_id") -> pd.DataFrame:
    """One item for each HOLD exception opened, of the kind its rule asks for (B50). ``about``: its subject_reference."""
    if opened.empty:
        return work_items.none()
    kinds = opened["rule_code"].map({code: rule.work_item for code, rule in RULES.items()}).astype("str")
    rows = opened[kinds.notna()]
    reference = rows[about].where(kinds[kinds.notna()] == "PAYMENT_SUSPENSE", rows["exception_id"])
    return work_items.items_raised(
        rows, on, type=kinds[kinds.notna()], subject_reference=reference, detail=rows["message"]
    )


def of_rows(
    exceptions_found: pd.DataFrame,
    judged: pd.Series,
    open_exceptions: pd.DataFrame,
    routes: pd.DataFrame,
    on: pd.Timestamp,
    latest: pd.Timestamp,
) -> Exceptions:
    """Exceptions that refuse a row alone: opened, seen again and resolved, and a work item for each opened.

    ``judged``: the references of all rows judged tonight. ``open_exceptions``: those of these rules. ``latest``: the latest
    business date known of, on which is resolved what a late night resolves (R43).
    """
    if exceptions_found.empty and open_exceptions.empty:
        return Exceptions.none()
    exceptions_found = exceptions_found.assign(key=key_of(exceptions_found))
    standing = open_exceptions.assign(key=key_of(open_exceptions))
    opened = described(exceptions_found[~among(exceptions_found["key"], standing["key"])], routes, on)
    again = among(standing["key"], exceptions_found["key"])
    resolved = standing[~again & among(standing["subject_reference"], judged)].assign(
        resolved_by=f"EXTRACT {on.date().isoformat()}", resolved_on=latest
    )
    items = exception_items(opened, on, about="subject_reference")
    return Exceptions(
        opened=opened,
        seen=cut(standing[again], handed.EXCEPTIONS_SEEN),
        resolved=cut(resolved, handed.EXCEPTIONS_RESOLVED),
        work_items=items,
    )
