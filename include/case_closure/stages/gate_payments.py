"""Gate payments: which of tonight's rows can be used at all, and why the others cannot.

Serves R25 as far as refusing a row goes; what is allocated is another stage's work.
Belongs here: the facts of payment rows, and their exceptions. These rules refuse their row alone:
they hold no casegroup and stand in no outcome. Does not belong here: moving money.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd

from case_closure.domain import nino
from case_closure.domain.names import comparable_names
from case_closure.stages.common import findings
from case_closure.stages.common.exceptions import Before, Exceptions, of_rows
from case_closure.tables import handed
from case_closure.tables.frames import lookup, take
from case_closure.tables.handing import Handed

_POUNDS = re.compile(r"([0-9]{1,16})\.([0-9]{2})")
_PAYMENT_ROW = ["csa_system", "nino", "forenames", "surname", "csa_receipt_reference", "row_value"]


@dataclass(frozen=True)
class Payments(Handed):
    """Payment rows to judge, in order of arrival; earlier ones of the same references; paying parents of casegroups closed by
    case closure, by the first eight characters of a NINO."""

    payments: Annotated[pd.DataFrame, handed.PAYMENTS]
    seen: Annotated[pd.DataFrame, handed.PAYMENTS_SEEN]
    payers: Annotated[pd.DataFrame, handed.PAYERS_BY_NAME]


def pence_of(value: str | None) -> int | None:
    """'155.18' is 15518; anything but pounds with two decimals, and nothing or less, is no payment."""
    match = _POUNDS.fullmatch(value) if isinstance(value, str) else None
    pence = int(match[1]) * 100 + int(match[2]) if match else 0
    return pence or None


def payment_facts(held: Payments) -> pd.DataFrame:
    """One line a payment row to judge: tonight's, and those of earlier nights whose exception is still open."""
    rows = held.payments.reset_index(drop=True)
    pence = [pence_of(value) for value in rows["row_value"]]
    reference = rows["csa_receipt_reference"].str.strip()
    well_formed = np.array([amount is not None for amount in pence], dtype=bool) & (
        reference.fillna("") != ""
    ).to_numpy(bool)
    first: dict[str, int] = {}
    for name, value in zip(held.seen["csa_receipt_reference"], held.seen["row_value"], strict=True):
        amount = pence_of(value)
        if amount is not None:
            first.setdefault(name, amount)
    agrees = np.ones(len(rows), dtype=bool)
    for place, (name, amount) in enumerate(zip(reference, pence, strict=True)):
        if well_formed[place] and amount is not None:
            agrees[place] = first.setdefault(name, amount) == amount
    matched = nino.matched_on(nino.cleaned(rows["nino"]))
    payers = held.payers.sort_values("casegroup_id", kind="stable")
    none = pd.Series("", index=rows.index, dtype="str")
    called = comparable_names(none, rows["surname"])
    known_as = comparable_names(pd.Series("", index=payers.index, dtype="str"), payers["surname"])
    by_name = matched.fillna("") + "|" + called
    pairs = payers.assign(pair=payers["matched_on"] + "|" + known_as)
    owner = lookup(matched, payers, "matched_on")
    named = lookup(by_name, pairs, "pair")
    places = np.where(named >= 0, named, owner)
    casegroup = take(payers["casegroup_id"], places)
    fallback = (
        rows["csa_system"]
        + " "
        + rows["business_date"].dt.strftime("%Y-%m-%d")
        + " "
        + rows["row_number"].astype("str")
    )
    return rows.assign(
        csa_case_id=pd.Series(None, index=rows.index, dtype="str"),
        casegroup_id=casegroup,
        subject_reference=reference.where(reference.fillna("") != "", fallback),
        well_formed=well_formed,
        value_agrees=agrees | ~well_formed,
        owner_known=owner >= 0,
        surname_agrees=named >= 0,
    )


def conclude(
    payments: pd.DataFrame, broke: pd.DataFrame, before: Before, on: pd.Timestamp, latest: pd.Timestamp
) -> Exceptions:
    """Exceptions opened, seen again and resolved, and a work item for each opened."""
    found = findings.exceptions_found(broke, payments, original_columns=_PAYMENT_ROW)
    return of_rows(found, payments["subject_reference"], before.open_exceptions, before.routes, on, latest)
