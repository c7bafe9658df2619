"""Corrections: which can be used at all, and why the others cannot.

Serves B55 as far as refusing a row goes. Belongs here: the facts of corrections, and their exceptions. These rules refuse their
row alone: they hold no casegroup and stand in no outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pandas as pd

from case_closure.stages.common import findings
from case_closure.stages.common.exceptions import Before, Exceptions, of_rows
from case_closure.tables import handed
from case_closure.tables.frames import among, case_key, lookup, missing, take
from case_closure.tables.handing import Handed

_CORRECTION_ROW = [
    "correction_id",
    "csa_system",
    "csa_case_id",
    "creditor",
    "arrears_status",
    "new_amount_pence",
    "reason",
]


@dataclass(frozen=True)
class Corrections(Handed):
    """Corrections to judge, and the dues of their cases."""

    corrections: Annotated[pd.DataFrame, handed.CORRECTIONS]
    dues: Annotated[pd.DataFrame, handed.DUES_TO_CORRECT]


def facts(held: Corrections) -> pd.DataFrame:
    """One line a correction to judge."""
    rows = held.corrections.reset_index(drop=True)
    bucket = case_key(rows) + "/" + rows["creditor"].fillna("") + "/" + rows["arrears_status"].fillna("")
    dues = held.dues
    due = case_key(dues) + "/" + dues["creditor"] + "/" + dues["arrears_status"]
    places = lookup(case_key(rows), dues.assign(case_key=case_key(dues)), "case_key")
    return rows.assign(
        casegroup_id=take(dues["casegroup_id"], places),
        subject_reference=rows["correction_id"],
        due_known=among(bucket, due),
        amount_given=~missing(rows, "new_amount_pence"),
    )


def conclude(
    corrections: pd.DataFrame, broke: pd.DataFrame, before: Before, on: pd.Timestamp, latest: pd.Timestamp
) -> Exceptions:
    """Exceptions opened, seen again and resolved, and a work item for each opened."""
    found = findings.exceptions_found(broke, corrections, original_columns=_CORRECTION_ROW)
    return of_rows(found, corrections["subject_reference"], before.open_exceptions, before.routes, on, latest)
