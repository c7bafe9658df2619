"""What follows from the nine amounts of a row and their total: is one missing, does the total agree.

Belongs here: exact sums of a row, and the facts that gates judge of them. Does not belong here: any other fact of a balance or a
debt (their stages).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.tables.frames import missing

# Nine amounts below this cannot overflow int64 together.
_ROW_SUM_SAFE = 2**59


def exact_row_sums(amounts: np.ndarray) -> np.ndarray:
    """The sum of each row of nine amounts, exact: int64, or Python integers where int64 could overflow."""
    if amounts.size and (int(amounts.max()) >= _ROW_SUM_SAFE or int(amounts.min()) <= -_ROW_SUM_SAFE):
        return np.asarray([sum(map(int, row)) for row in amounts], dtype=object)
    return amounts.sum(axis=1)


def with_amount_facts(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with ``missing_amounts`` (how many), ``missing_amount`` (the first one's column, else '') and ``total_agrees``.

    ``rows``: the nine buckets and total_pence, int64, with their flags where one was null. A row that lacks an amount agrees.
    """
    amounts_missing = np.zeros(len(rows), dtype="int64")
    first_missing = pd.Series("", index=rows.index, dtype="str")
    for column in (*BUCKET_COLUMNS, "total_pence"):
        absent = missing(rows, column)
        first_missing = first_missing.mask(absent & (amounts_missing == 0), column)
        amounts_missing += absent
    sums = exact_row_sums(rows[list(BUCKET_COLUMNS)].to_numpy(np.int64))
    differs = (sums != rows["total_pence"].to_numpy()) & (amounts_missing == 0)
    return rows.assign(
        missing_amounts=amounts_missing, missing_amount=first_missing, total_agrees=~differs.astype(bool)
    )
