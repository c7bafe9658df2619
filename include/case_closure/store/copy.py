"""Arrow tables into and out of PostgreSQL by COPY.

Belongs here: the CSV dialect both sides agree on, and nothing about any particular table.
Does not belong here: transactions (``database``), what to write (``repository`` modules).

Money never passes through a float: COPY text is parsed straight into int64.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg import sql

_READ_BLOCK_BYTES = 8 << 20


def identifier(qualified: str) -> sql.Composed:
    """'held.csa_cases' as a quoted identifier."""
    return sql.SQL(".").join(sql.Identifier(part) for part in qualified.split("."))


def copy_in(connection: psycopg.Connection[Any], table: str, rows: pa.Table | Iterable[pa.Table]) -> int:
    """Write rows to a table, columns by name; returns how many.

    Raises what PostgreSQL raises, unique violations among them; the caller decides what they mean.
    """
    written = 0
    options = pa_csv.WriteOptions(include_header=False)
    tables = [rows] if isinstance(rows, pa.Table) else rows
    with connection.cursor() as cursor:
        for part in tables:
            if part.num_rows == 0:
                continue
            statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
                identifier(table), sql.SQL(", ").join(map(sql.Identifier, part.column_names))
            )
            with cursor.copy(statement) as stream:
                for batch in part.to_batches(max_chunksize=50_000):
                    buffer = pa.BufferOutputStream()
                    pa_csv.write_csv(batch, buffer, options)
                    stream.write(memoryview(buffer.getvalue()))
            written += part.num_rows
    return written


def copy_out(
    connection: psycopg.Connection[Any], query: str | sql.Composable, schema: pa.Schema, params: Sequence[Any] = ()
) -> pa.Table:
    """The rows of a query as an Arrow table of exactly this schema, columns in the order of the query.

    NULL and the empty string stay apart; integers, dates and flags are parsed, never guessed.
    """
    inner = sql.SQL(query) if isinstance(query, str) else query
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(inner)
    chunks: list[bytes | memoryview] = []
    with connection.cursor() as cursor, cursor.copy(statement, list(params) or None) as stream:
        chunks.extend(bytes(chunk) for chunk in stream)
    if not chunks:
        return schema.empty_table()
    types = {field.name: field.type for field in schema}
    return pa_csv.read_csv(
        pa.BufferReader(b"".join(chunks)),
        read_options=pa_csv.ReadOptions(column_names=schema.names, block_size=_READ_BLOCK_BYTES),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
