"""Take applications: what each application to CMS does to closure, who is looked up, which LTRs go out.

Serves B19-B25, B65-B67; R1-R3. Belongs here: deciding tonight's applications in order, moving whole casegroups, LTRs,
look-ups, and the CSA teams' answers that name no LTR. Does not belong here: letters, the state of a journey.

In: ``Tonight``, the applications and answers, and ``Gathered``, all that stands of the casegroups they name (see
``store.applications``). Out: ``Taken``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd

from case_closure.domain import applications as rulings
from case_closure.domain import nino
from case_closure.domain.applications import Decision, Standing
from case_closure.stages.common import exceptions, findings, work_items
from case_closure.stages.common.exceptions import Exceptions
from case_closure.tables import handed
from case_closure.tables.frames import among, lookup, take
from case_closure.tables.handing import Handed, cut

_ROW = ["application_id", "received_on", "eligible", "applicant_role", "gateway_reference"]
_RESPONSE_ROW = ["ltr_id", "acknowledged_on", "outcome"]
# B65: whose record is looked up, under which columns, and what the work items call them.
_LOOK_UPS = (
    ("APPLICANT", "applicant_nino", "applicant_says_csa", "the applicant"),
    ("PAYING_PARENT", "named_paying_parent_nino", "paying_parent_says_csa", "the paying parent"),
    ("PARTNER", "partner_nino", "partner_says_csa", "the paying parent's partner"),
)
AUTOMATIC_LTR, BY_SYSTEM = rulings.LTR_TYPES[0], "system"


@dataclass(frozen=True)
class Tonight(Handed):
    """Tonight's applications and answers to LTRs, the LTRs they could name, and who on CSA has one of the applications' NINOs:
    ``payers`` with their casegroups, ``parents`` of any case."""

    applications: Annotated[pd.DataFrame, handed.APPLICATIONS_MADE]
    ltr_responses: Annotated[pd.DataFrame, handed.LTR_RESPONSES]
    ltrs: Annotated[pd.DataFrame, handed.LTRS_SENT]
    payers: Annotated[pd.DataFrame, handed.PAYERS]
    parents: Annotated[pd.DataFrame, handed.NINOS]


@dataclass(frozen=True)
class Gathered(Handed):
    """What stands of the casegroups named, and the open exceptions and look-ups of these applications and LTRs."""

    cases: Annotated[pd.DataFrame, handed.CASES_THERE]
    end_liability: Annotated[pd.DataFrame, handed.STAMPS_THERE]
    earlier: Annotated[pd.DataFrame, handed.APPLICATIONS_EARLIER]
    open_exceptions: Annotated[pd.DataFrame, handed.OPEN_EXCEPTIONS]
    look_ups: Annotated[pd.DataFrame, handed.LOOK_UPS]
    routes: Annotated[pd.DataFrame, handed.ROUTES]


@dataclass(frozen=True)
class Taken(Exceptions):
    """What tonight's applications change: decisions, the stamps that are new or change, LTRs."""

    applications: Annotated[pd.DataFrame, handed.APPLICATIONS]
    end_liability: Annotated[pd.DataFrame, handed.END_LIABILITY]
    ltrs: Annotated[pd.DataFrame, handed.LTRS]


def application_facts(gathered: Tonight) -> pd.DataFrame:
    """One line an application to judge, with the casegroup of the paying parent it names (first eight characters)."""
    rows = gathered.applications.sort_values(["received_on", "application_id"], kind="stable").reset_index(
        drop=True
    )
    matched = nino.matched_on(nino.cleaned(rows["named_paying_parent_nino"]))
    valid = nino.is_valid(nino.cleaned(rows["named_paying_parent_nino"]))
    payers = gathered.payers.sort_values("casegroup_id", kind="stable")
    casegroup = take(payers["casegroup_id"], lookup(matched, payers, "matched_on")).where(valid)
    none = pd.Series(None, index=rows.index, dtype="str")
    return rows.assign(
        csa_system=none, csa_case_id=none, casegroup_id=casegroup, subject_reference=rows["application_id"]
    )


def response_facts(gathered: Tonight) -> pd.DataFrame:
    """One line an answer to judge: does it name an LTR that was sent?"""
    rows = gathered.ltr_responses
    sent = gathered.ltrs
    places = lookup(rows["ltr_id"], sent, "ltr_id")
    return rows.assign(
        csa_system=take(sent["csa_system"], places),
        csa_case_id=pd.Series(None, index=rows.index, dtype="str"),
        casegroup_id=take(sent["casegroup_id"], places),
        subject_reference=rows["ltr_id"],
        ltr_known=places >= 0,
    )


def conclude(
    applications: pd.DataFrame,
    answers: pd.DataFrame,
    broke: Mapping[str, pd.DataFrame],
    tonight: Tonight,
    gathered: Gathered,
    on: pd.Timestamp,
    latest: pd.Timestamp,
) -> Taken:
    """What tonight's applications change. ``broke``: suite -> findings over the frame of that name."""
    if applications.empty and answers.empty:
        return Taken.none()
    passed = np.ones(len(applications), dtype=bool)
    passed[broke["cms_applications"]["position"].to_numpy(np.int64)] = False
    judged = applications[passed].reset_index(drop=True)
    decided = _decided(judged, gathered)
    moved = decided[decided["decision"] == rulings.REACTIVE].reset_index(drop=True)
    cases = gathered.cases.sort_values(["casegroup_id", "csa_system", "csa_case_id"], kind="stable")
    exceptions_found = pd.concat(
        [
            findings.exceptions_found(broke["cms_applications"], applications, original_columns=_ROW),
            findings.exceptions_found(broke["ltr_responses"], answers, original_columns=_RESPONSE_ROW),
        ],
        ignore_index=True,
    )
    looked_at = pd.concat([applications["subject_reference"], answers["subject_reference"]])
    refused = exceptions.of_rows(
        exceptions_found, looked_at, gathered.open_exceptions, gathered.routes, on, latest
    )
    look_ups = work_items.together(_look_up_items(judged, decided, tonight.parents, gathered.routes, on))
    again = among(_asked(look_ups), _asked(gathered.look_ups))
    items = [refused.work_items, look_ups[~again]]
    return Taken(
        applications=cut(decided, handed.APPLICATIONS),
        end_liability=cut(_end_liability(moved, cases, gathered.end_liability, on), handed.END_LIABILITY),
        ltrs=cut(_ltrs(moved, cases), handed.LTRS),
        opened=refused.opened,
        seen=refused.seen,
        resolved=refused.resolved,
        work_items=work_items.together(items),
    )


def _decided(judged: pd.DataFrame, gathered: Gathered) -> pd.DataFrame:
    """Tonight's decisions, each on the casegroup as the one before has left it."""
    # What is sent again is the same application: what was decided of it does not stand in its way.
    earlier = gathered.earlier
    earlier = earlier[~among(earlier["application_id"], judged["application_id"])]
    groups = _standings(gathered.cases, gathered.end_liability, earlier)
    rows: list[dict[Any, Any]] = judged.to_dict("records")
    lines: list[dict[str, Any]] = []
    for row in rows:
        standing = groups.get(row["casegroup_id"]) if isinstance(row["casegroup_id"], str) else None
        decision: Decision = rulings.decide(
            row["received_on"].date(), eligible=row["eligible"], standing=standing
        )
        if standing is not None:
            groups[standing.casegroup_id] = rulings.after(standing, decision)
        lines.append(
            {
                "application_id": row["application_id"], "casegroup_id": decision.casegroup_id,
                "received_on": row["received_on"], "t_date": decision.t_date, "effective_date": decision.effective_date,
                "decision": decision.decision,
            }
        )  # fmt: skip
    columns = ["application_id", "casegroup_id", "received_on", "t_date", "effective_date", "decision"]
    frame = pd.DataFrame(lines, columns=columns)
    dates = dict.fromkeys(("received_on", "t_date", "effective_date"), "datetime64[s]")
    return frame.astype({**dict.fromkeys(columns, "str"), **dates})


def _standings(cases: pd.DataFrame, stamped: pd.DataFrame, earlier: pd.DataFrame) -> dict[str, Standing]:
    """casegroup_id -> how it stands before tonight's applications."""
    opened = set(cases.loc[cases["case_status"] == "OPEN", "casegroup_id"])
    led: dict[Any, dict[Any, Any]] = {
        row["casegroup_id"]: row for row in stamped.sort_values("led", kind="stable").to_dict("records")
    }
    first = earlier.sort_values(["business_date", "application_id"], kind="stable")
    moved = first[first["decision"] == rulings.REACTIVE].drop_duplicates("casegroup_id")
    reactive: dict[Any, dict[Any, Any]] = {row["casegroup_id"]: row for row in moved.to_dict("records")}
    kept = set(first.loc[first["decision"] == rulings.KEPT_PROACTIVE, "casegroup_id"])
    standings = {}
    for group in cases["casegroup_id"].drop_duplicates():
        line, application = led.get(group), reactive.get(group)
        standings[group] = Standing(
            group,
            any_open=group in opened,
            journey=line["journey"] if line else None,
            led=line["led"].date() if line else None,
            t_date=application["t_date"].date() if application else None,
            effective_date=application["effective_date"].date() if application else None,
            kept=group in kept,
        )
    return standings


def _end_liability(
    moved: pd.DataFrame, cases: pd.DataFrame, stamped: pd.DataFrame, on: pd.Timestamp
) -> pd.DataFrame:
    """The whole casegroup of each application that moved one: journey REACTIVE, LED the T-date (B20, B23)."""
    rows = cases[among(cases["casegroup_id"], moved["casegroup_id"])].reset_index(drop=True)
    places = lookup(rows["case_key"], stamped, "case_key")
    today = pd.Series(on, index=rows.index).astype("datetime64[s]")
    return pd.DataFrame(
        {
            "csa_system": rows["csa_system"],
            "csa_case_id": rows["csa_case_id"],
            "casegroup_id": rows["casegroup_id"],
            "tranche_id": take(stamped["tranche_id"], places),
            "journey": pd.Series(rulings.REACTIVE, index=rows.index, dtype="str"),
            "selected_on": take(stamped["selected_on"], places).fillna(today),
            "led": take(moved["t_date"], lookup(rows["casegroup_id"], moved, "casegroup_id")),
            "became_reactive_on": today,
        }
    )


def _ltrs(moved: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """One LTR1 for each system that holds a case of a casegroup that was moved (B24)."""
    numbers = cases.groupby(["casegroup_id", "csa_system"])["csa_case_id"].agg(" ".join)
    systems = numbers.rename("csa_case_ids").reset_index()
    rows = moved[["application_id", "casegroup_id", "t_date"]].merge(systems, on="casegroup_id")
    return rows.assign(
        ltr_id=AUTOMATIC_LTR + "-" + rows["csa_system"] + "-" + rows["application_id"],
        ltr_type=AUTOMATIC_LTR,
        issued_by=BY_SYSTEM,
    )


def _look_up_items(
    judged: pd.DataFrame, decided: pd.DataFrame, parents: pd.DataFrame, routes: pd.DataFrame, on: pd.Timestamp
) -> list[pd.DataFrame]:
    """Failed look-ups, and those that differ from what the client said: one item for each role (B65-B67)."""
    items = []
    rows = work_items.routed(judged.assign(casegroup_id=decided["casegroup_id"]), routes)
    # It is about what an application says of somebody, who may be of any casegroup or none: the application tells.
    rows = rows.assign(casegroup_id=pd.Series(None, index=rows.index, dtype="str"))
    for role, column, says, who in _LOOK_UPS:
        given = nino.cleaned(rows[column])
        asked = np.ones(len(rows), dtype=bool)
        answered = ~_missing_flag(rows, says)
        if role == "PARTNER":
            asked = given.notna().to_numpy(bool) | answered
        worked = nino.is_valid(given)
        known = among(nino.matched_on(given), parents["matched_on"])
        differs = asked & worked & answered & (rows[says].to_numpy(bool) != known)
        items.append(
            work_items.items_raised(
                rows[asked & ~worked], on, type=f"LOOKUP_FAILED_{role}",
                detail=f"{who.capitalize()} could not be looked up: the National Insurance number is missing or cannot "
                "exist. Look them up by hand, and enter the number on the application.",
            )
        )  # fmt: skip
        items.append(
            work_items.items_raised(
                rows[differs].assign(role=role), on, type="LOOKUP_DIFFERS", one_each="role",
                detail=f"CSA's records and the client's answer differ about {who}. Look them up by hand, and correct the "
                "record that is wrong.",
            )
        )  # fmt: skip
    return items


def _asked(items: pd.DataFrame) -> pd.Series:
    """What an item asks for, once however often its application is sent; whom it is about is in its words."""
    return items["type"] + "|" + items["subject_reference"] + "|" + items["detail"]


def _missing_flag(rows: pd.DataFrame, name: str) -> np.ndarray:
    """Where a yes-or-no answer was not given. bool."""
    return ~rows[f"{name}_given"].to_numpy(bool)
