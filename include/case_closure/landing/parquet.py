"""The Parquet files: their schema against the contract, and their rows in batches.

Belongs here: opening, comparing columns and types, reading in bounded memory. Does not belong here: the
manifest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from case_closure.domain.texts import shown
from case_closure.landing.contracts import FileContract
from case_closure.landing.normalising import same_type
from case_closure.landing.paths import PathLike, open_for_arrow
from case_closure.landing.rejection import SEND_AGAIN, Problem, Unreadable

_BATCH_BYTES = 256 * 1024 * 1024

# What Arrow raises for bytes that are not what they say they are.
_BROKEN = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError, MemoryError, NotImplementedError)


@contextmanager
def opened(path: PathLike) -> Iterator[pq.ParquetFile]:
    """The file with its footer read. Raises Unreadable when it is not Parquet, or only the beginning of
    one."""
    try:
        source = open_for_arrow(path)
    except _BROKEN as error:
        raise Unreadable(_broken(path, "file", "a file that can be opened", error)) from None
    with source:
        try:
            # Reading ahead pays for an object store; for a disk it only holds more in memory.
            parquet = pq.ParquetFile(source, pre_buffer=not isinstance(source, pa.OSFile))
        except _BROKEN as error:
            raise Unreadable(_broken(path, "format", "a whole Parquet file", error)) from None
        yield parquet


def schema_of(path: PathLike, parquet: pq.ParquetFile) -> pa.Schema:
    """The file's schema in Arrow types. Raises Unreadable for types Arrow does not know."""
    try:
        return parquet.schema_arrow
    except _BROKEN as error:
        raise Unreadable(_broken(path, "columns", "types that Arrow knows", error)) from None


def schema_problems(contract: FileContract, file: str, schema: pa.Schema) -> list[Problem]:
    """Each column that is missing, extra, twice there, or of another type. The order of columns does not
    matter."""
    problems = []
    found = Counter(schema.names)
    advice = f"Columns and types are in docs/data-dictionary.md under {contract.name}. {SEND_AGAIN}"
    for column in contract.columns:
        times = found[column.name]
        if times == 0:
            problems.append(
                _column_problem(file, column.name, f"type {column.type}", "no such column", advice)
            )
        elif times > 1:
            problems.append(_column_problem(file, column.name, "once", f"{times} times", advice))
        elif not same_type(column.type, (found_type := schema.field(column.name).type)):
            problems.append(
                _column_problem(file, column.name, f"type {column.type}", f"type {shown(found_type)}", advice)
            )
    known = set(contract.column_names)
    return problems + [
        _column_problem(file, shown(name), "no such column", "an extra column", advice)
        for name in found
        if name not in known
    ]


def parquet_batches(path: PathLike, columns: Sequence[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """The rows of those columns. Raises Unreadable when the pages cannot be decoded to their end."""
    with opened(path) as parquet:
        batches = iter(_iter_batches(parquet, columns, batch_rows))
        while True:
            try:
                batch = next(batches, None)
            except _BROKEN as error:
                raise Unreadable(_broken(path, "data", "pages that can be decoded", error)) from None
            if batch is None:
                return
            yield batch


def _iter_batches(
    parquet: pq.ParquetFile, columns: Sequence[str], batch_rows: int
) -> Iterator[pa.RecordBatch]:
    footer = parquet.metadata
    sizes = [footer.row_group(index) for index in range(footer.num_row_groups)]
    # Rows of huge strings come fewer at a time, for memory's sake and Arrow's limit of 2 GiB of text a batch.
    widest = max((group.total_byte_size // max(group.num_rows, 1) for group in sizes), default=0)
    rows = max(1, min(batch_rows, _BATCH_BYTES // max(widest, 1)))
    yield from parquet.iter_batches(rows, columns=list(columns))


def _column_problem(file: str, column: str, expected: str, found: str, advice: str) -> Problem:
    return Problem(file, "column", expected, found, column=column, advice=advice)


def _broken(path: PathLike, figure: str, expected: str, error: BaseException) -> Problem:
    reason = shown(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__, 160)
    return Problem(path.name, figure, expected, f"what cannot be read ({reason})", advice=SEND_AGAIN)
