"""Arrow tables into and out of PostgreSQL by COPY.

Belongs here: the CSV dialect both sides agree on, and nothing about any particular table.
Does not belong here: transactions (``database``), what to write (``repository`` modules).

Money never passes through a float: COPY text is parsed straight into int64.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg import sql
from psycopg.pq import ExecStatus, TransactionStatus

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


def copy_out(connection: psycopg.Connection[Any], query: str | sql.Composable, schema: pa.Schema) -> pa.Table:
    """The rows of a query as an Arrow table of exactly this schema, columns in the order of the query.

    NULL and the empty string stay apart; integers, dates and flags are parsed, never guessed.
    """
    inner = sql.SQL(query) if isinstance(query, str) else query
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(inner)
    content = _copied_out(connection, statement.as_bytes(connection))
    if not content:
        return schema.empty_table()
    types = {field.name: field.type for field in schema}
    return pa_csv.read_csv(
        pa.BufferReader(content),
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


def _copied_out(connection: psycopg.Connection[Any], statement: bytes) -> bytes:
    """What COPY TO STDOUT sends, through libpq itself.

    The driver's own loop spends several microseconds a row, and libpq hands over one row at a time: on a night of
    ten million rows that is a minute against ten seconds.
    """
    libpq = connection.pgconn
    if connection.info.transaction_status == TransactionStatus.IDLE:
        connection.execute("begin")
    started = libpq.exec_(statement)
    if started.status != ExecStatus.COPY_OUT:
        raise psycopg.errors.error_from_result(started, encoding="utf-8")
    receive = libpq.get_copy_data
    rows = []
    length, row = receive(0)
    while length > 0:
        rows.append(bytes(row))
        length, row = receive(0)
    failed = None
    while (result := libpq.get_result()) is not None:
        if result.status != ExecStatus.COMMAND_OK:
            failed = psycopg.errors.error_from_result(result, encoding="utf-8")
    if failed:
        raise failed
    return b"".join(rows)
