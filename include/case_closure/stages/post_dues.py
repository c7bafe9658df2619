"""Post dues: the debits that mirror the balances, and where every penny received now is.

Serves B32, B33, B44, B46; R4-R7.
Belongs here: completion, dues and the position of each bucket. Does not belong here: letters,
work items, exceptions.

In: what the two stages before concluded. Out: ``Posted``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

import numpy as np
import pandas as pd

from case_closure.domain import outcomes
from case_closure.domain.money import BUCKETS, INT64_LIMIT_PENCE
from case_closure.stages.receive_balances import Received
from case_closure.stages.set_up_cases import SetUp
from case_closure.tables import handed
from case_closure.tables.frames import among, chosen, joined, lookup, take
from case_closure.tables.handing import Handed, cut

POSITION_KEY = ["casegroup_id", "csa_system", "csa_case_id", "creditor", "arrears_status"]
FIGURES = ["received_pence", "posted_pence", "held_pence", "credit_pence"]


@dataclass(frozen=True)
class Posted(Handed):
    """The casegroups that complete tonight and why, their dues, and where every penny of each bucket is."""

    completed: Annotated[pd.DataFrame, handed.COMPLETED]
    dues: Annotated[pd.DataFrame, handed.DUES]
    positions: Annotated[pd.DataFrame, handed.POSITIONS_POSTED]


def conclude(received: Received, set_up: SetUp, cms_cases: pd.DataFrame, on: date) -> Posted:
    """Complete, post and place.

    ``cms_cases``: those of earlier nights (CMS_CASES_STANDING). All dues of a casegroup are made together with its
    completion, or none (R7).
    """
    casegroups = received.casegroups
    reached = set_up.casegroups
    all_set_up = among(casegroups["casegroup_id"], chosen(reached["casegroup_id"], reached["all_set_up"]))
    nil = casegroups["ready"] & ~casegroups["positive"]
    added = casegroups["ready"] & casegroups["positive"] & all_set_up
    completed = pd.DataFrame(
        {
            "casegroup_id": pd.concat(
                [casegroups.loc[nil, "casegroup_id"], casegroups.loc[added, "casegroup_id"]]
            ),
            "reason": [outcomes.NIL_ARREARS] * int(nil.sum()) + [outcomes.ARREARS_ADDED] * int(added.sum()),
        }
    ).reset_index(drop=True)
    completed["reason"] = completed["reason"].astype("str")
    lines = _lines(received)
    posts = among(lines["casegroup_id"], completed["casegroup_id"]) & lines["passed"].to_numpy(bool)
    amount = lines["amount_pence"].to_numpy(np.int64)
    posted = posts & (amount > 0)
    clerical = chosen(casegroups["casegroup_id"], casegroups["clerical_reason"].notna())
    free = lines["passed"].to_numpy(bool) & ~among(lines["casegroup_id"], clerical)
    credit = free & (amount < 0)
    lines = lines.assign(
        received_pence=amount,
        posted_pence=np.where(posted, amount, 0),
        credit_pence=np.where(credit, amount, 0),
        held_pence=np.where(posted | credit, 0, amount),
    )
    dues = _dues(
        lines[posted].reset_index(drop=True),
        pd.concat([set_up.cms_cases, cms_cases], ignore_index=True),
        on,
    )
    return Posted(completed=completed, dues=dues, positions=_positions(lines))


def _lines(received: Received) -> pd.DataFrame:
    """One line for each bucket that is not zero, of every latest balance row that is not part of a completion.

    What came for a casegroup after it completed is held as it came, whatever its gate says (R41).
    """
    casegroups = received.casegroups
    moving = chosen(casegroups["casegroup_id"], casegroups["completed_on"].isna())
    balances, clerical = received.balances, received.clerical_balances
    since = balances["since_completion"].to_numpy(bool)
    balances = balances.assign(passed=balances["passed"].to_numpy(bool) & ~since)
    clerical = clerical.assign(
        passed=False, since_completion=~among(clerical["casegroup_id"].fillna(""), moving)
    )
    parts: list[pd.DataFrame] = []
    for rows in (balances, clerical):
        rows = rows.assign(
            casegroup_id=rows["casegroup_id"].fillna(""),
            csa_system=rows["csa_system"].fillna(""),
            csa_case_id=rows["csa_case_id"].fillna(""),
        )
        rows = rows[among(rows["casegroup_id"], moving) | rows["since_completion"].to_numpy(bool)]
        for bucket in BUCKETS:
            amounts = rows[bucket.column].to_numpy(np.int64)
            some = amounts != 0
            if parts and not some.any():
                continue  # most buckets of most nights
            part = rows.loc[
                some,
                [
                    "casegroup_id",
                    "csa_system",
                    "csa_case_id",
                    "case_key",
                    "balance_id",
                    "passed",
                    "arrears_from",
                    "arrears_to",
                ],
            ].assign(
                creditor=bucket.creditor, arrears_status=bucket.arrears_status, amount_pence=amounts[some]
            )
            parts.append(part)
    lines = pd.concat(parts, ignore_index=True)
    lines["amount_pence"] = lines["amount_pence"].astype("int64")
    lines["passed"] = lines["passed"].astype(bool)
    return lines


def _dues(lines: pd.DataFrame, cms_cases: pd.DataFrame, on: date) -> pd.DataFrame:
    """One due for each positive bucket: same pence, creditor, status and period (R6)."""
    places = lookup(lines["case_key"], cms_cases, "case_key")
    if (places < 0).any():
        raise AssertionError("the barrier let a casegroup through whose case is not on CMS (R7)")
    dues = lines.rename(columns={"balance_id": "reference"}).assign(
        due_id=joined([lines[name] for name in POSITION_KEY[1:]], "-"),
        business_date=pd.Series(pd.Timestamp(on), index=lines.index).astype("datetime64[s]"),
        cms_casegroup_id=take(cms_cases["cms_casegroup_id"], places),
        cms_case_id=take(cms_cases["cms_case_id"], places),
        scheme=take(cms_cases["scheme"], places),
    )
    return cut(dues, handed.DUES)


def _positions(lines: pd.DataFrame) -> pd.DataFrame:
    """One line for each case and bucket; the rows of a case that stands twice are added up."""
    repeated = lines.duplicated(POSITION_KEY, keep=False).to_numpy()
    once = lines[~repeated][POSITION_KEY + FIGURES]
    if repeated.any():
        exact = lines[repeated].astype(dict.fromkeys(FIGURES, object))
        summed = exact.groupby(POSITION_KEY, sort=False)[FIGURES].agg(exact_sum)
        once = pd.concat(
            [once, summed.reset_index().astype(dict.fromkeys(FIGURES, "int64"))], ignore_index=True
        )
    return cut(once, handed.POSITIONS_POSTED).reset_index(drop=True)


def exact_sum(amounts: pd.Series) -> int:
    """A sum by Python integers, as int64."""
    return fitted(sum(map(int, amounts)))


def fitted(pence: int) -> int:
    """An exact sum as int64. No money is near the limit; a hostile row must not stop the night, so it is cut off there."""
    return max(-INT64_LIMIT_PENCE - 1, min(INT64_LIMIT_PENCE, pence))
