"""From what a gate found to the exceptions a night has: one for each case, rule and subject (R38).

Belongs here: one found exception for each case, rule and subject, and what of the failing row it shows.
Does not belong here: judging (``gates``), opening and resolving (``decide_next_action``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from case_closure.domain import masking
from case_closure.domain.rules import RULES
from case_closure.stages.common.exceptions import key_of
from case_closure.tables import frames, handed, handing
from case_closure.tables.frames import records


def exceptions_found(
    rows: pd.DataFrame,
    frame: pd.DataFrame,
    *,
    original_columns: list[str],
    named_by: Sequence[str] = (),
) -> pd.DataFrame:
    """Exceptions for a gate's findings.

    ``rows``: rule_code, field, position. ``frame``: the judged frame, with casegroup_id, csa_system, csa_case_id
    and, where the subject is a parent, ``role``; its columns ``original_columns`` are kept as the original row.
    A check's field in ``named_by`` is a column of ``frame`` that names the real field, row by row. A column
    ``row_<name>`` of the original goes by the name ``<name>`` it has in its file.
    One exception for each case, rule and subject, whichever row broke it; the originals of all are kept.
    """
    if rows.empty:
        return empty()
    at = frame.iloc[rows["position"].to_numpy()].reset_index(drop=True)
    exceptions = pd.DataFrame({"rule_code": rows["rule_code"].to_numpy(), "field": rows["field"].to_numpy()})
    for name in ("casegroup_id", "csa_system", "csa_case_id"):
        exceptions[name] = at[name].to_numpy()
    subjects = pd.Series([RULES[code].subject for code in exceptions["rule_code"].tolist()], dtype="str")
    if "role" in at:
        subjects = subjects.where(subjects != "PARTY", at["role"])
    exceptions["subject"] = subjects
    for column in named_by:
        exceptions["field"] = exceptions["field"].where(exceptions["field"] != column, at[column])
    none = pd.Series(None, index=exceptions.index, dtype="str")
    exceptions["subject_reference"] = at.get("subject_reference", none)
    exceptions["stage"], exceptions["channel"] = at.get("stage", none), at.get("channel", none)
    # A held row is seen as its casegroup is; only a row that was never held must say for itself (R26).
    exceptions["sensitive"] = False
    originals = at[original_columns]
    # Whole numbers have no missing value of their own; as it came, the row had none there.
    absent = {
        name: at[f"{name}__missing"].to_numpy(bool) for name in original_columns if f"{name}__missing" in at
    }
    if absent:
        originals = originals.astype(dict.fromkeys(absent, object))
        for name, where in absent.items():
            originals.loc[where, name] = None
    originals = originals.rename(columns=lambda name: name.removeprefix("row_"))
    shown = [
        {name: None if value is pd.NA or value != value else value for name, value in record.items()}
        for record in records(originals)
    ]
    exceptions["value"] = [
        _shown_value(record.get(name), name)
        for record, name in zip(shown, exceptions["field"].tolist(), strict=True)
    ]
    exceptions["original"] = [json.dumps(record, default=_text, ensure_ascii=False) for record in shown]
    return one_each(exceptions)


def one_each(exceptions: pd.DataFrame) -> pd.DataFrame:
    """One line for each rule, case and subject (R38); for a payment or correction, its reference besides.

    Where several rows broke it, the first is shown and all are kept as its original.
    """
    key = key_of(exceptions)
    repeated = key.duplicated(keep=False)
    if not repeated.any():
        return handing.cut(exceptions, handed.EXCEPTIONS_FOUND).reset_index(drop=True)
    originals = exceptions[repeated].groupby(key[repeated], sort=False)["original"]
    joined = originals.agg(lambda texts: "[" + ",".join(dict.fromkeys(texts)) + "]")
    first = ~key.duplicated()
    exceptions = exceptions[first].reset_index(drop=True)
    exceptions["original"] = (
        key[first].reset_index(drop=True).map(joined.to_dict()).fillna(exceptions["original"])
    )
    return handing.cut(exceptions, handed.EXCEPTIONS_FOUND)


_FINDINGS = pa.schema({"rule_code": pa.string(), "field": pa.string(), "position": pa.int64()})


def none() -> pd.DataFrame:
    """What a gate found where it found nothing."""
    return frames.empty(_FINDINGS)


def empty() -> pd.DataFrame:
    """No exceptions, with their columns."""
    return handing.empty(handed.EXCEPTIONS_FOUND)


def _text(value: object) -> str | None:
    if value is None or value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    item = getattr(value, "item", None)
    return item() if item else str(value)


def _shown_value(value: object, field: str) -> str | None:
    if value is None or value is pd.NaT or (isinstance(value, float) and pd.isna(value)):
        return None
    text = str(_text(value)) if not isinstance(value, str) else value
    return masking.shown(text, field)
