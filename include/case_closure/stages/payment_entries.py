"""What people enter of payments: whose one is, where it leaves for, whether it waits for a person ([17], [20]; R30, R31).

Belongs here: which payment an entry moves and where to, which entries are unfit, which exceptions end with it. Does not belong
here: whose a payment is by itself, and the pass in which money reaches dues (``allocate_payments``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd

from case_closure.domain.payments import (
    BY_HAND,
    CASEGROUP,
    DCA,
    FALSE,
    FLAGGED,
    HELD,
    PASSED_ON,
    PASSED_TO,
    SUSPENSE,
    TRUE,
)
from case_closure.stages.allocate_payments import Standing, events_of
from case_closure.stages.common.exceptions import Exceptions, only_resolved
from case_closure.tables import handed
from case_closure.tables.frames import among, lookup, take
from case_closure.tables.handing import Handed, cut


@dataclass(frozen=True)
class Let(Handed):
    """Payments after the entries of tonight, what happened to them, and of each entry whether a payment was in a state for it."""

    payments: Annotated[pd.DataFrame, handed.PAYMENTS]
    events: Annotated[pd.DataFrame, handed.PAYMENT_EVENTS]
    entries: Annotated[pd.DataFrame, handed.PAYMENT_ENTRIES]

    @property
    def let_go(self) -> pd.Series:
        """The references of payments that an entry took the flag from."""
        cleared = self.events[
            self.events["by_what"].str.startswith("RESOLUTION") & (self.events["status"] == HELD)
        ]
        return take(self.payments["reference"], lookup(cleared["payment_id"], self.payments, "payment_id"))


def let(payments: pd.DataFrame, standing: Standing, on: pd.Timestamp) -> Let:
    """Flags money of agencies that came before completion ([19]), then lets go what entries of tonight say ([17], [20]).

    ``payments``: as concluded tonight; those standing come besides. An entry is about one payment: of several of a reference in
    a state for it the first.
    """
    groups = standing.casegroups
    complete = dict(zip(groups["casegroup_id"], groups["completed_on"].notna(), strict=True))
    rows = pd.concat([payments, standing.payments], ignore_index=True)
    rows = rows[~rows["payment_id"].duplicated()].reset_index(drop=True)
    is_complete = among(rows["casegroup_id"], groups["casegroup_id"][groups["completed_on"].notna()])
    arrived = np.arange(len(rows)) < len(payments)
    flagged = arrived & (rows["source"] == DCA) & (rows["status"] == HELD) & ~is_complete
    rows.loc[flagged, "status"] = FLAGGED
    # The first of its reference before those that are in conflict with it.
    named = rows.loc[rows["reference"].isin(standing.resolutions["csa_case_id"].dropna())]
    named = named.sort_values(
        ["is_first", "business_date", "payment_id"], ascending=[False, True, True], kind="stable"
    )
    # What is allocated at once has no state in between that is worth an event.
    at_once = (rows["status"] == HELD) & is_complete & ~rows.index.isin(named.index)
    first = rows[arrived & ~at_once]
    entered, unfit = [], []
    for entry in standing.resolutions.sort_values(
        ["entered_on", "resolution_id"], kind="stable"
    ).itertuples():
        for place in named.index[named["reference"] == entry.csa_case_id]:
            changes = _entered(rows.loc[place], entry, complete)
            if changes:
                for name, value in changes.items():
                    rows.loc[place, name] = value
                entered.append(rows.loc[[place]].assign(by_what=f"RESOLUTION {entry.resolution_id}"))
                break
        else:
            unfit.append(entry.resolution_id)
    told = [first.assign(by_what=f"EXTRACT {on.date().isoformat()}"), *entered]
    entries = standing.resolutions
    entries = entries.assign(
        subject_reference=entries["csa_case_id"],
        casegroup_id=pd.Series(None, index=entries.index, dtype="str"),
        payment_known=among(entries["csa_case_id"], rows["reference"]),
        state_fits=~entries["resolution_id"].isin(unfit).to_numpy(bool),
    )
    return Let(
        cut(rows, handed.PAYMENTS),
        pd.concat([events_of(one, on) for one in told], ignore_index=True),
        cut(entries, handed.PAYMENT_ENTRIES),
    )


def refused_entries(entries: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """The entries that the gate found unfit, by ``row_key``, with the field at fault: they do not use up their number ([4])."""
    one_each = findings.drop_duplicates("position")
    numbers = entries["resolution_id"].iloc[one_each["position"].to_numpy(np.int64)].reset_index(drop=True)
    return pd.DataFrame({"row_key": numbers, "field": one_each["field"].reset_index(drop=True)})


def _entered(payment: pd.Series, entry: Any, complete: Mapping[str, bool]) -> dict[str, str]:
    """What of the payment an entry changes; nothing where the payment is in no state for it."""
    if not pd.isna(entry.csa_system) and entry.csa_system != payment["csa_system"]:
        return {}
    field, value, status = entry.field, entry.new_value, payment["status"]
    said = str(value).lower()
    if field == CASEGROUP and status == SUSPENSE and value in complete:
        waits = payment["source"] == DCA and not complete[value]
        return {"casegroup_id": value, "status": FLAGGED if waits else HELD}
    if field == PASSED_TO and status == SUSPENSE and not pd.isna(value):
        return {"passed_to": value, "status": PASSED_ON}
    if field == BY_HAND and (said, status) in ((TRUE, HELD), (FALSE, FLAGGED)):
        return {"status": FLAGGED if said == TRUE else HELD}
    return {}


def released(before: pd.DataFrame, after: Let, broken: pd.DataFrame, latest: pd.Timestamp) -> Exceptions:
    """The exceptions that end because a person's entry let their payment go ([17]).

    ``before``: all that are open. What another payment of the same reference still breaks stays open.
    """
    gone = after.payments["payment_id"][after.payments["status"] != SUSPENSE]
    still = broken[~among(broken["payment_id"], gone)]
    entries = after.events[after.events["status"] != SUSPENSE]
    references = take(
        after.payments["reference"], lookup(entries["payment_id"], after.payments, "payment_id")
    )
    by = dict(zip(references, entries["by_what"], strict=True))
    ends = among(before["subject_reference"], references) & (before["rule_code"] != "payment_malformed")
    ends &= ~among(
        before["rule_code"] + " " + before["subject_reference"], still["rule_code"] + " " + still["reference"]
    )
    resolved = before[ends]
    resolved = resolved.assign(
        resolved_by=resolved["subject_reference"].map(by).astype("str"), resolved_on=latest
    )
    return only_resolved(cut(resolved.reset_index(drop=True), handed.EXCEPTIONS_RESOLVED))
