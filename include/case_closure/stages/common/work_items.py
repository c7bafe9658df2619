"""Work items: their natural key, and whom they are routed to (B50).

Belongs here: what every work item has in common. Does not belong here: when one is raised (the stages).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from case_closure.domain.rules import CASE_OWNER, FT_TEAM
from case_closure.tables import handed, handing
from case_closure.tables.frames import joined, lookup, take


def none() -> pd.DataFrame:
    """No work items, with their columns."""
    return handing.empty(handed.WORK_ITEMS)


def items_raised(
    rows: pd.DataFrame, on: pd.Timestamp, *, one_each: str | None = None, **columns: object
) -> pd.DataFrame:
    """Work items from rows with casegroup_id, csa_system, csa_case_id; the natural key is made here.

    ``one_each``: a column besides, one item for each of whose values belongs to the same subject.
    """
    if rows.empty:
        return none()
    items = rows.assign(**columns)  # type: ignore[arg-type]
    for name in ("subject_reference", "route", "detail"):
        if name not in items:
            items[name] = pd.Series(None, index=items.index, dtype="str")
    if "sensitive" not in items:
        items["sensitive"] = False
    named = [
        "type",
        "casegroup_id",
        "csa_system",
        "csa_case_id",
        "subject_reference",
        *([one_each] if one_each else []),
    ]
    items["work_item_id"] = joined([items[name] for name in named], "-") + f"-{on.date().isoformat()}"
    return handing.cut(items, handed.WORK_ITEMS).reset_index(drop=True)


def together(items: list[pd.DataFrame]) -> pd.DataFrame:
    """Items of several kinds as one frame."""
    some = [item for item in items if len(item)]
    return pd.concat(some, ignore_index=True) if some else none()


def routed(rows: pd.DataFrame, routes: pd.DataFrame) -> pd.DataFrame:
    """With ``route`` and ``case_owner``: the case owner where the paying parent has a casegroup on CMS, else the
    financial transition team (B50)."""
    rows = rows.reset_index(drop=True)
    places = lookup(rows["casegroup_id"].fillna(""), routes, "casegroup_id")
    if "rule_code" in rows:
        places = np.where(rows["rule_code"] == "case_key_missing", -1, places)
    return rows.assign(
        route=pd.Series(np.where(places >= 0, CASE_OWNER, FT_TEAM), dtype="str"),
        case_owner=take(routes["case_owner"], places),
    )
