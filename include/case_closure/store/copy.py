"""Arrow tables into and out of PostgreSQL by COPY.

Belongs here: the CSV dialect both sides agree on, columns that go by their names, and nothing about any particular table.
Does not belong here: transactions (``database``), what to write (``repository`` modules).

Money never passes through a float: COPY text is parsed straight into int64.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg import sql
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, TransactionStatus

from case_closure.tables.frames import no_rows

_READ_BLOCK_BYTES = 8 << 20
_ROWS_AT_ONCE = 50_000


class ColumnsDiffer(Exception):
    """A query gives other columns than the shape it is read into, or gives them in another order."""


def identifier(qualified: str) -> sql.Composed:
    """'held.csa_cases' as a quoted identifier."""
    return sql.SQL(".").join(sql.Identifier(part) for part in qualified.split("."))


def copy_in(
    connection: psycopg.Connection[Any],
    table: str,
    rows: pa.Table | Iterable[pa.Table],
    *,
    frozen: bool = False,
) -> int:
    """Write rows to a table, columns by name; returns how many.

    While the server takes one piece the next is made, in a thread: ``rows`` must not use the connection. ``frozen``:
    the table was made or emptied in this very transaction, so that its rows need no second visit.
    Raises what PostgreSQL raises, unique violations among them; the caller decides what they mean.
    """
    written = 0
    pieces = _pieces([rows] if isinstance(rows, pa.Table) else rows)
    one_piece = isinstance(rows, pa.Table) and rows.num_rows <= _ROWS_AT_ONCE
    with connection.cursor() as cursor, _Here() if one_piece else ThreadPoolExecutor(1) as ahead:
        piece = ahead.submit(next, pieces, None).result()
        while piece is not None:
            names = piece[0]
            statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv{})").format(
                identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, names)),
                sql.SQL(", FREEZE" if frozen else ""),
            )
            with cursor.copy(statement) as stream:
                while piece is not None and piece[0] == names:
                    following = ahead.submit(next, pieces, None)
                    stream.write(piece[1])
                    written += piece[2]
                    piece = following.result()
    return written


class _Here(Executor):
    """Does at once what it is given: a thread for one piece would take longer than the piece."""

    def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*given, **named))
        except Exception as error:
            done.set_exception(error)
        return done


def _pieces(tables: Iterable[pa.Table]) -> Iterator[tuple[list[str], memoryview, int]]:
    """The rows as CSV, in pieces: their columns, their text, how many."""
    for table in tables:
        for batch in table.to_batches(_ROWS_AT_ONCE):
            if batch.num_rows:
                yield table.column_names, _csv(batch), batch.num_rows


def _csv(batch: pa.RecordBatch) -> memoryview:
    buffer = pa.BufferOutputStream()
    pa_csv.write_csv(batch, buffer, pa_csv.WriteOptions(include_header=False))
    return memoryview(buffer.getvalue())


# Texts that an array may hold as they are.
_PLAIN = re.compile(r"[A-Za-z0-9_/.:,-]+")


def as_array(texts: list[str]) -> str:
    """Texts as PostgreSQL writes an array of them, for COPY to read."""
    together = ",".join(texts)
    apart = together.count(",") == len(texts) - 1 and all(texts) and "null" not in together.lower()
    if apart and _PLAIN.fullmatch(together):
        return f"{{{together}}}"
    return bytes(Transformer().get_dumper(texts, PyFormat.TEXT).dump(texts) or b"").decode()


def select_list(shape: pa.Schema, of: str = "", **expressions: str) -> str:
    """The columns of a shape in SQL, in its order and under its names: of the relation ``of``, or by their expressions.

    Raises ValueError for an expression of a column that the shape does not have and, without ``of``, for a column that has none.
    """
    unknown = [name for name in expressions if name not in shape.names]
    wanting = [] if of else [name for name in shape.names if name not in expressions]
    if unknown or wanting:
        raise ValueError(f"the shape has no {unknown}, and no expression stands for its {wanting}")
    return ", ".join(
        f"{expressions[name]} as {name}" if name in expressions else f"{of}.{name}" for name in shape.names
    )


def copy_out(
    connection: psycopg.Connection[Any],
    query: str | sql.Composable,
    shape: pa.Schema,
    values: Mapping[str, Any] | None = None,
) -> pa.Table:
    """The rows of a query as an Arrow table of exactly this shape; the query names its columns as the shape does.

    ``values`` stand in the query as %(name)s; the driver writes them in, since COPY takes no parameters. A query without
    values is sent as it is, per cent signs and all.
    NULL and the empty string stay apart; integers, dates and flags are parsed, never guessed.
    Raises ColumnsDiffer when a column has another name or another place, with rows or without.
    """
    inner = sql.SQL(query) if isinstance(query, str) else query
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(inner)
    bound = psycopg.ClientCursor(connection).mogrify(statement, values)
    header, content = _copied_out(connection, bound.encode())
    check_header(header, shape)
    if not content:
        return no_rows(shape)
    types = {field.name: field.type for field in shape}
    return pa_csv.read_csv(
        pa.BufferReader(content),
        read_options=pa_csv.ReadOptions(column_names=shape.names, block_size=_READ_BLOCK_BYTES),
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


def check_header(header: bytes, shape: pa.Schema) -> None:
    """Whether the first line of a COPY names the columns of the shape. Raises ColumnsDiffer, which says those that differ."""
    given = next(csv.reader([header.decode()]), [])
    if given == shape.names:
        return
    other = [
        f"column {place} is {name or 'none'} where the shape has {wanted or 'none'}"
        for place, (name, wanted) in enumerate(itertools.zip_longest(given, shape.names), 1)
        if name != wanted
    ]
    raise ColumnsDiffer("The query and the shape of its frame differ: " + "; ".join(other))


def _copied_out(connection: psycopg.Connection[Any], statement: bytes) -> tuple[bytes, bytes]:
    """What COPY TO STDOUT sends, through libpq itself: the line with the names, and the rows.

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
    header = bytes(row) if length > 0 else b""
    if length > 0:
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
    return header, b"".join(rows)
