"""Columns made in bulk: numbered texts, picks from a pool, dates, and tables in the shape of the contract.

Belongs here: what turns numpy arrays into Arrow columns without a Python loop over rows.
Does not belong here: anything that knows what a person, a case or a balance is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from case_closure.tables.landed import FILES, contract_for

Ints = np.ndarray[Any, np.dtype[Any]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass
class Rows:
    """Rows of one file, and for each row the casegroup it belongs to (counted within its block)."""

    table: pa.Table
    group: Ints

    def where(self, chosen: Flags) -> Rows:
        """The rows for which ``chosen`` (one flag a row) is true."""
        return Rows(self.table.filter(pa.array(chosen)), self.group[chosen])


def day_number(day: date) -> int:
    """Days since 1970-01-01, the way Arrow keeps a date."""
    return day.toordinal() - _EPOCH


def digits(numbers: Ints, width: int) -> Ints:
    """Each number as ``width`` ASCII digits, one row a number."""
    out = np.empty((len(numbers), width), dtype=np.uint8)
    rest = numbers.astype(np.int64)
    for place in range(width - 1, -1, -1):
        rest, digit = np.divmod(rest, 10)
        out[:, place] = digit + ord("0")
    return out


def fixed_text(rows: int, *parts: bytes | Ints) -> pa.Array:
    """Texts of one length: constant bytes and per-row byte columns side by side. ASCII, no nulls."""
    pieces = [
        np.broadcast_to(np.frombuffer(part, dtype=np.uint8), (rows, len(part)))
        if isinstance(part, bytes)
        else part
        for part in parts
    ]
    body = np.ascontiguousarray(np.concatenate(pieces, axis=1))
    width = body.shape[1]
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(body)])


def numbered(prefix: str, numbers: Ints, width: int) -> pa.Array:
    """Identifiers such as G0000012."""
    return fixed_text(len(numbers), prefix.encode(), digits(numbers, width))


def pick(pool: Sequence[str | None] | pa.Array, chosen: Ints) -> pa.Array:
    """The pool's text for each index."""
    texts = pool if isinstance(pool, pa.Array) else pa.array(pool, pa.string())
    return texts.take(pa.array(chosen.astype(np.int32)))


def days(numbers: Ints, null: Flags | None = None) -> pa.Array:
    """Dates from day numbers; null where asked."""
    return pa.array(numbers.astype(np.int32), mask=null).view(pa.date32())


def unless(null: Flags, values: pa.Array) -> pa.Array:
    """``values`` with null where the flag is true."""
    return pc.if_else(pa.array(null), pa.scalar(None, values.type), values)


def replace(table: pa.Table, column: str, values: pa.Array | pa.Scalar) -> pa.Table:
    """The table with one column (or all of one column, by a scalar) changed; its type stays."""
    field = table.schema.field(column)
    if isinstance(values, pa.Scalar):
        values = pa.repeat(values.cast(field.type), table.num_rows)
    return table.set_column(table.schema.get_field_index(column), field, values)


def schema_of(file: str) -> pa.Schema:
    """The contract's schema for a file key of the sample: a contract's name, or csa_payments_<system>."""
    contract = FILES.get(file) or contract_for(f"{file}.csv")
    if contract is None:
        raise KeyError(f"the contract has no file {file!r}")
    return contract.schema


def table_of(file: str, rows: int, columns: Mapping[str, Any]) -> pa.Table:
    """A table in the contract's shape; a column not given is null throughout."""
    schema = schema_of(file)
    unknown = set(columns) - set(schema.names)
    if unknown:
        raise KeyError(f"{file} has no column {', '.join(sorted(unknown))}")
    arrays = []
    for field in schema:
        values = columns.get(field.name)
        if values is None:
            values = pa.nulls(rows, field.type)
        elif isinstance(values, str | bool | int):
            values = pa.repeat(pa.scalar(values, field.type), rows)
        elif not isinstance(values, pa.Array | pa.ChunkedArray):
            values = pa.array(values, field.type)
        arrays.append(values)
    return pa.Table.from_arrays(arrays, schema=schema)


def table_of_rows(file: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """A table in the contract's shape from rows written out one by one."""
    return pa.Table.from_pylist(list(rows), schema=schema_of(file))
