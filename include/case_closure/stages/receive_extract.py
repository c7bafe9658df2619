"""What the gates of arriving rows judge: of each row what it lacks, what cannot stand there, whether it came before ([4]-[6]).

Belongs here: the facts of the files of ``domain.rules.ROWS``. Does not belong here: which rule says what of them (``gates``),
holding rows, and what a held row leads to.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any, Final, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa

from case_closure.domain.rules import ROWS
from case_closure.tables import resolutions
from case_closure.tables.frames import missing, to_frame
from case_closure.tables.landed import FileContract

AMOUNTS: Final = {"corrections": ("new_amount_pence",), "enforcement_actions": ("amount_pence",)}
"""The amounts that a row must have. Those of a debt are its own rules' ([8])."""


def row_facts(
    contract: FileContract,
    rows: pa.Table,
    before: pa.Table,
    takes_key: np.ndarray,
    reports: Collection[str] | None = None,
) -> pd.DataFrame:
    """One line a row, in order: its columns, and what is asked of them.

    ``rows``: columns of the contract. ``before``: of an event file the rows held under their keys, in the same columns.
    ``takes_key``: whether a row may be the first of its key; one that was refused is not ([4]). ``reports``: of resolutions, the
    reports that are there; None where that is not known.
    """
    frame = to_frame(rows.select(contract.column_names))
    facts: dict[str, object] = {
        f"{name}_given": ~missing(frame, name) for name in AMOUNTS.get(contract.name, ())
    }
    for column in contract.columns:
        if column.as_it_came:
            facts[f"{column.name}_is_json"] = is_json(rows.column(column.name).to_pylist())
    if contract.name == "corrections":
        of_rp = (frame["creditor"] == "RP").to_numpy(bool)
        facts["write_off_is_rp"] = of_rp | (frame["reason"] != "WRITE_OFF").to_numpy(bool)
    if contract.name == "resolutions":
        unfit = resolutions.cannot_be(frame, resolutions.shapes(), reports)
        facts["can_be"] = np.array([place not in unfit for place in range(len(frame))], dtype=bool)
        fields = [unfit[place].field if place in unfit else None for place in range(len(frame))]
        facts["unfit_field"] = pd.Series(fields, index=frame.index, dtype="str")
    if ROWS[contract.name].once:
        facts["as_first_seen"] = as_first_seen(contract, rows, before, takes_key)
    return frame.assign(**facts)  # type: ignore[arg-type]


def is_json(texts: Iterable[str | None]) -> np.ndarray:
    """Whether each text is JSON; one that is not there is nothing that could be wrong. bool."""
    return np.array([text is None or _parses(text) for text in texts], dtype=bool)


def _parses(text: str) -> bool:
    try:
        # Numbers stay text: of any length they are JSON, and NaN is not.
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def as_first_seen(
    contract: FileContract, rows: pa.Table, before: pa.Table, takes_key: np.ndarray
) -> np.ndarray:
    """Whether each row is the first of its key, or says what that said; the first is the held one, else one of these. bool."""
    (key,) = contract.event_key
    names = list(contract.column_names)
    first: dict[Any, tuple[object, ...]] = {}
    for row in before.select(names).to_pylist():
        first[row[key]] = tuple(row.values())
    answers = np.ones(rows.num_rows, dtype=bool)
    for place, row in enumerate(rows.select(names).to_pylist()):
        if row[key] is None:
            continue
        said = tuple(row.values())
        if takes_key[place]:
            first.setdefault(row[key], said)
        answers[place] = first.get(row[key], said) == said
    return answers


def row_keys(contract: FileContract, rows: pa.Table) -> list[str | None]:
    """The number that each row is known by, its parts joined by '/'; None where it lacks one."""
    columns = [rows.column(name).to_pylist() for name in contract.event_key or contract.key]
    return [None if None in parts else "/".join(parts) for parts in zip(*columns, strict=True)]
