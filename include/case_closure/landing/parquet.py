"""The Parquet files: their schema against the contract, and their rows in batches.

Belongs here: opening, comparing columns and types, reading in bounded memory. Does not belong here: the
manifest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from case_closure.domain.texts import shown
from case_closure.landing.normalising import LONGEST_VALUE, MOST_BYTES, same_type, too_long_a_value
from case_closure.landing.paths import PathLike, open_for_arrow
from case_closure.landing.rejection import SEND_AGAIN, Problem, Unreadable
from case_closure.tables.landed import FileContract

_BATCH_BYTES = 256 * 1024 * 1024
# What is read into memory at once when a page is opened, as the footer tells it: a column of a row group, and all its columns.
_LARGEST_CHUNK = 256 * 1024 * 1024
_LARGEST_GROUP = 1024 * 1024 * 1024
_MOST_ROWS = 100_000_000
_SURELY_SMALL = 64 * 1024 * 1024

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
        schema = parquet.schema_arrow
        # By the Parquet format an ENUM is UTF-8 text; Arrow reads it as bytes.
        for number, field in enumerate(schema):
            is_flat = len(schema) == len(parquet.schema)  # else the columns of the two are not the same ones
            if is_flat and pa.types.is_binary(field.type) and _is_enum(parquet, number):
                schema = schema.set(number, field.with_type(pa.string()))
        return schema
    except _BROKEN as error:
        raise Unreadable(_broken(path, "columns", "types that Arrow knows", error)) from None


def _is_enum(parquet: pq.ParquetFile, number: int) -> bool:
    return bool(parquet.schema.column(number).logical_type.type == "ENUM")


def size_problems(file: str, footer: pq.FileMetaData) -> list[Problem]:
    """What would not fit in memory, as the footer tells it: judged before any of it is read."""
    if footer.num_rows > _MOST_ROWS:
        return [_size_problem(file, "rows", f"at most {_MOST_ROWS:,}", f"{footer.num_rows:,}", None)]
    for index in range(footer.num_row_groups):
        group = footer.row_group(index)
        where = f"row group {index + 1}, size unpacked"
        for number in range(group.num_columns):
            chunk = group.column(number)
            # Text of the longest that is allowed in every row takes no more than this.
            most = min(_LARGEST_CHUNK, (chunk.num_values + 1) * (MOST_BYTES + 64) + 65_536)
            if chunk.total_uncompressed_size > most:
                name = shown(chunk.path_in_schema)
                return [
                    _size_problem(
                        file, where, _bytes(most, "at most "), _bytes(chunk.total_uncompressed_size), name
                    )
                ]
        if group.total_byte_size > _LARGEST_GROUP:
            return [
                _size_problem(
                    file, where, _bytes(_LARGEST_GROUP, "at most "), _bytes(group.total_byte_size), None
                )
            ]
    return []


def _bytes(size: int, before: str = "") -> str:
    return f"{before}{size:,} bytes"


def _size_problem(file: str, figure: str, expected: str, found: str, column: str | None) -> Problem:
    advice = (
        f"No text may have more than {LONGEST_VALUE:,} characters. If all are shorter, ask the sender to write the file in "
        "smaller row groups, and to land it again with a manifest made from it."
    )
    return Problem(file, figure, expected, found, column=column, advice=advice)


def schema_problems(contract: FileContract, file: str, schema: pa.Schema) -> list[Problem]:
    """Each column that is missing, extra, twice there, or of another type. The order of columns does not
    matter."""
    problems = []
    times_there = Counter(schema.names)
    advice = f"Columns and types are in docs/data-dictionary.md under {contract.name}. {SEND_AGAIN}"
    for column in contract.columns:
        times = times_there[column.name]
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
        for name in times_there
        if name not in known
    ]


def parquet_batches(path: PathLike, columns: Sequence[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """The rows of those columns. Raises Unreadable when the pages cannot be decoded to their end."""
    with opened(path) as parquet:
        too_large = size_problems(path.name, parquet.metadata)
        if too_large:
            raise Unreadable(too_large[0])
        batches = iter(_iter_batches(path, parquet, columns, batch_rows))
        while True:
            try:
                batch = next(batches, None)
            except _BROKEN as error:
                raise Unreadable(_broken(path, "data", "pages that can be decoded", error)) from None
            if batch is None:
                return
            yield batch


def _iter_batches(
    path: PathLike, parquet: pq.ParquetFile, columns: Sequence[str], batch_rows: int
) -> Iterator[pa.RecordBatch]:
    # Rows of huge strings come fewer at a time, for memory's sake and Arrow's limit of 2 GiB of text a batch.
    widest = _widest_row(path, parquet, columns)
    rows = max(1, min(batch_rows, _BATCH_BYTES // max(widest, 1)))
    yield from parquet.iter_batches(rows, columns=list(columns))


def _widest_row(path: PathLike, parquet: pq.ParquetFile, columns: Sequence[str]) -> int:
    """Bytes that a row may take unpacked. Small pages can stand for much: a text in a dictionary is there once and in each
    row that points to it, and a text told by how it differs from the one before costs nothing to repeat. Raises Unreadable
    for a dictionary with a text that is too long."""
    footer, widest = parquet.metadata, 0
    for index in range(footer.num_row_groups):
        group, width = footer.row_group(index), 0
        asked: list[str] = []
        for number in range(group.num_columns):
            chunk = group.column(number)
            if chunk.path_in_schema not in columns:
                continue
            size, values = chunk.total_uncompressed_size, max(chunk.num_values, 1)
            if chunk.physical_type != "BYTE_ARRAY":
                width += 8
            elif size * values > _SURELY_SMALL and "DELTA_BYTE_ARRAY" in chunk.encodings:
                width += size
            else:
                width += size // values
                if size * values > _SURELY_SMALL and chunk.has_dictionary_page:
                    asked.append(chunk.path_in_schema)
        if asked:
            width += _longest_in_dictionaries(path, index, asked)
        widest = max(widest, width)
    return widest


def _longest_in_dictionaries(path: PathLike, group: int, columns: list[str]) -> int:
    """Bytes of the longest text of each column's dictionary, together; read without the rows that point to them."""
    together = 0
    with open_for_arrow(path) as source:
        apart = pq.ParquetFile(source, read_dictionary=columns)
        for batch in apart.iter_batches(1, row_groups=[group], columns=columns):
            for name, values in zip(batch.schema.names, batch.columns, strict=True):
                stored = values.storage if isinstance(values, pa.ExtensionArray) else values
                if not isinstance(stored, pa.DictionaryArray):
                    continue
                longest = pc.max(pc.binary_length(stored.dictionary)).as_py() or 0
                if longest > MOST_BYTES:
                    raise Unreadable(too_long_a_value(path.name, name))
                together += longest
            break
    return together


def _column_problem(file: str, column: str, expected: str, found: str, advice: str) -> Problem:
    return Problem(file, "column", expected, found, column=column, advice=advice)


def _broken(path: PathLike, figure: str, expected: str, error: BaseException) -> Problem:
    reason = shown(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__, 160)
    return Problem(path.name, figure, expected, f"what cannot be read ({reason})", advice=SEND_AGAIN)
