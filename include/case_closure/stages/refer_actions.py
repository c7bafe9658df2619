"""Refer to people what others began or sent wrong: actions CSA could not finish, enforcement, rows that were refused alone.

Serves B57, B62-B64, R33, [32]; of refused rows B48, B50, [5], [6], [13]. Belongs here: which items are raised, and the life of
the exceptions of refused rows, which hold no casegroup and stand in no outcome. Does not belong here: judging a row as it
arrives (``gates``, ``stages.receive_extract``), which dues an order covers (a view).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd

from case_closure.domain import enforcement, masking
from case_closure.domain.rules import FT_TEAM, ROWS
from case_closure.stages.common import findings, work_items
from case_closure.stages.common.exceptions import Exceptions, described, exception_items
from case_closure.tables import handed, handing
from case_closure.tables.frames import among
from case_closure.tables.handing import Handed, cut

# Of a resolution of these, csa_case_id holds the number of a payment or report: no case ([3]).
_NO_CASES = ("PAYMENT", "REPORT")


@dataclass(frozen=True)
class Actions(Handed):
    """Tonight's actions that no item was raised for, each with the casegroup of its case where that is held."""

    csa_actions: Annotated[pd.DataFrame, handed.CSA_ACTIONS]
    enforcement_actions: Annotated[pd.DataFrame, handed.ENFORCEMENT_ACTIONS]


@dataclass(frozen=True)
class Refused(Handed):
    """Refused rows that no good one has answered, up to tonight; the exceptions of such rows that are open; the routes of the
    casegroups of both and of tonight's actions."""

    refused_rows: Annotated[pd.DataFrame, handed.ROWS_UNANSWERED]
    open_exceptions: Annotated[pd.DataFrame, handed.ROW_EXCEPTIONS]
    routes: Annotated[pd.DataFrame, handed.ROUTES]


def items(actions: Actions, routes: pd.DataFrame, on: pd.Timestamp) -> pd.DataFrame:
    """A work item for each action that asks for one: once an action, whatever stands of it later."""
    if actions.csa_actions.empty and actions.enforcement_actions.empty:
        return work_items.none()
    outstanding = work_items.routed(
        actions.csa_actions.rename(columns={"csa_action_id": "subject_reference"}), routes
    )
    outstanding["type"] = enforcement.CSA_ACTION_OUTSTANDING
    outstanding["detail"] = [
        f"CSA could not finish {enforcement.OUTSTANDING_SAID[kind]} before the case closed: take it on."
        for kind in outstanding["action_type"]
    ]
    enforced = actions.enforcement_actions.rename(columns={"action_id": "subject_reference"})
    kinds = [
        enforcement.item_asked_for(kind, ongoing=ongoing)
        for kind, ongoing in zip(enforced["action_type"], enforced["ongoing"], strict=True)
    ]
    enforced = enforced.assign(type=pd.Series(kinds, index=enforced.index, dtype="str"))
    enforced = enforced[enforced["type"].notna()]
    # Nobody can enforce on a case that is not held: somebody must find it first.
    placed = enforced["casegroup_id"].notna()
    enforced = enforced.assign(
        route=np.where(placed, enforcement.ENFORCEMENT_TEAM, FT_TEAM),
        detail=[
            f"{kind.replace('_', ' ').capitalize()} under way on CSA: take it over."
            for kind in enforced["action_type"]
        ],
    ).astype({"route": "str", "detail": "str"})
    return work_items.together([work_items.items_raised(rows, on) for rows in (outstanding, enforced)])


def conclude(refused: Refused, on: pd.Timestamp, latest: pd.Timestamp, *, late: bool) -> Exceptions:
    """The exceptions of refused rows opened, seen again and resolved, and a work item for each opened ([13]).

    Open is what has a row that no good one has answered, so the same rows come to the same end however often it is concluded. An
    exception whose rows are refused again, after another extract of tonight took back what had answered them, opens again under
    the number it had. A late night sees only what it brought (R39).
    """
    if refused.refused_rows.empty and refused.open_exceptions.empty:
        return Exceptions.none()
    exceptions_found = _exceptions_found(refused.refused_rows)
    key, open_key = _same(exceptions_found), _same(refused.open_exceptions)
    tonight = exceptions_found["last_on"] == on
    new = exceptions_found[~among(key, open_key) & (tonight | (not late))]
    opened, raised = [], []
    for first_on in sorted(new["first_on"].unique()):
        rows = new[new["first_on"] == first_on]
        opened.append(described(cut(rows, handed.EXCEPTIONS_FOUND), refused.routes, first_on))
        raised.append(exception_items(opened[-1], first_on))
    is_open = among(open_key, key[tonight] if late else key)
    gone = ~among(open_key, key)
    if late:
        gone &= refused.open_exceptions["answered_tonight"].to_numpy(bool) | (
            refused.open_exceptions["business_date"] == on
        ).to_numpy(bool)
    now = refused.open_exceptions.assign(
        casegroup_id=_casegroups_now(refused.open_exceptions, open_key, exceptions_found, key)
    )
    return Exceptions(
        opened=pd.concat(opened, ignore_index=True) if opened else handing.empty(handed.EXCEPTIONS_OPENED),
        seen=cut(now[is_open], handed.EXCEPTIONS_SEEN),
        resolved=cut(
            now[gone].assign(resolved_by=f"EXTRACT {on.date().isoformat()}", resolved_on=latest),
            handed.EXCEPTIONS_RESOLVED,
        ),
        work_items=work_items.together(raised),
    )


def _casegroups_now(
    open_exceptions: pd.DataFrame, open_key: pd.Series, exceptions_found: pd.DataFrame, key: pd.Series
) -> pd.Series:
    """The casegroup of each open exception, also of one that opened before its case was held (R43)."""
    placed = dict(zip(key, exceptions_found["casegroup_id"], strict=True))
    now = open_key.map(placed) if len(open_key) else open_key
    mine = open_exceptions["casegroup_id"]
    return mine.where(mine.notna(), now).astype("str")


def _same(rows: pd.DataFrame) -> pd.Series:
    """One text for what makes the exception of a refused row the same one, in whatever casegroup its case is by now."""
    text = rows["rule_code"].astype("str")
    for name in ("subject", "subject_reference", "csa_system", "csa_case_id"):
        text = text + "|" + rows[name].fillna("")
    return text


def _exceptions_found(refused_rows: pd.DataFrame) -> pd.DataFrame:
    """One line for each rule and number, as ``handed.EXCEPTIONS_FOUND``, with the first and last night of its rows; what the
    first of them held is shown, and all are kept as its original."""
    lines: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in refused_rows.to_dict("records"):
        original = json.loads(row["original"])
        rows_of = ROWS[row["file_name"]]
        whose = _case_of(original)
        # A debt is known by its case.
        number = None if rows_of.subject == "DEBT" or pd.isna(row["row_key"]) else row["row_key"]
        key = (row["rule_code"], rows_of.subject, number, *whose)
        line = lines.get(key)
        if line is None:
            value = original.get(row["field"])
            lines[key] = {
                "rule_code": row["rule_code"], "casegroup_id": row["casegroup_id"], "csa_system": whose[0],
                "csa_case_id": whose[1], "subject": rows_of.subject, "field": row["field"],
                "value": None if value is None else masking.shown(str(value), row["field"]),
                "original": [row["original"]], "sensitive": bool(row["sensitive"]), "subject_reference": number,
                "first_on": row["business_date"], "last_on": row["business_date"], "stage": None, "channel": None,
            }  # fmt: skip
        else:
            line["original"].append(row["original"])
            line["last_on"] = row["business_date"]
            line["sensitive"] |= bool(row["sensitive"])
    if not lines:
        dates = pd.Series(dtype="datetime64[s]")
        return findings.empty().assign(first_on=dates, last_on=dates)
    frame = pd.DataFrame(list(lines.values()))
    frame["original"] = [
        rows[0] if len(rows) == 1 else "[" + ",".join(dict.fromkeys(rows)) + "]" for rows in frame["original"]
    ]
    return frame.astype(
        {name: "str" for name in handed.EXCEPTIONS_FOUND.names if name != "sensitive"}
    ).astype({"first_on": "datetime64[s]", "last_on": "datetime64[s]"})


def _case_of(original: dict[str, Any]) -> tuple[str | None, str | None]:
    if original.get("entity") in _NO_CASES:
        return None, None
    return original.get("csa_system"), original.get("csa_case_id")
