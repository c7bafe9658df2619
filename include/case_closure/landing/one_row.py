"""One row of a landed file read again, so that an amount can be held against what came.

Belongs here: the row of a number, and the number of the row with a key. Does not belong here: proving the folder (``manifest``),
what became of the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from case_closure.landing.normalising import normalised
from case_closure.landing.parquet import opened
from case_closure.landing.reading import ROW_NUMBER, LandedFile
from case_closure.landing.rejection import LandingRejected, Unreadable

# Of a file of lines, so many are looked at at a time.
_LINES = 20_000


def row_of(file: LandedFile, number: int) -> dict[str, Any] | None:
    """The row of that number, from 1, by the contract's columns; None where there are not so many.

    Raises LandingRejected when the file cannot be read.
    """
    if number < 1 or number > file.rows:
        return None
    if file.contract.is_csv:
        for batch in file.batches(batch_rows=_LINES):
            if number <= batch.num_rows:
                return dict(batch.slice(number - 1, 1).to_pylist()[0])
            number -= batch.num_rows
        return None
    try:
        return _of_parquet(file, number)
    except Unreadable as unreadable:
        raise LandingRejected(str(file.path), [unreadable.problem]) from None


def _of_parquet(file: LandedFile, number: int) -> dict[str, Any] | None:
    """Of a file of row groups only the one is read that has it."""
    before = 0
    with opened(file.path) as parquet:
        for group in range(parquet.metadata.num_row_groups):
            rows = parquet.metadata.row_group(group).num_rows
            if number <= before + rows:
                found = parquet.read_row_group(group, columns=list(file.contract.column_names))
                return _values(file, found.slice(number - before - 1, 1).combine_chunks(), number - 1)
            before += rows
    return None


def _values(file: LandedFile, row: pa.Table, rows_before: int) -> dict[str, Any]:
    return {
        column.name: normalised(
            row.column(column.name).combine_chunks(), file.path.name, column.name, rows_before,
            blank_is_missing=not column.as_it_came,
        )[0].as_py()
        for column in file.contract.columns
    }  # fmt: skip


def number_of(file: LandedFile, key: Mapping[str, str]) -> int | None:
    """The number of the first row in which these columns have these texts; None where there is none.

    Raises LandingRejected when the file cannot be read.
    """
    for batch in file.batches(list(key), with_row_number=True):
        fits: pa.ChunkedArray | pa.Array = pa.array([True] * batch.num_rows)
        for name, value in key.items():
            fits = pc.and_(fits, pc.fill_null(pc.equal(batch.column(name), value), False))
        place = pc.index(fits, True).as_py()
        if place >= 0:
            return int(batch.column(ROW_NUMBER)[place].as_py())
    return None
