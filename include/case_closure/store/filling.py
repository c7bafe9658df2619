"""Filling an empty table at once: a fifth of what the same rows cost by COPY into its indexes.

Belongs here: taking a table's indexes away and building them again, around a COPY or around many, in the caller's transaction.
Does not belong here: which tables, and what to do when it cannot be done.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql
from sqlalchemy import Connection, Index, Table

from case_closure.store.copy import copy_in, identifier
from case_closure.store.database import raw

# Below this the handling of indexes costs more than it saves.
MANY_ROWS = 20_000

_KEYS = """
    select conname, pg_get_constraintdef(oid) from pg_constraint
    where conrelid = %s::regclass and contype in ('p', 'u') order by conname
"""
_INDEXES = """
    select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index i
    where indrelid = %s::regclass and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
    order by 1
"""


def fill(connection: psycopg.Connection[Any], table: str, rows: pa.Table | Iterable[pa.Table]) -> int:
    """Write the rows of a table that has none; returns how many.

    Emptied in this transaction, the table's rows need neither a log (wal_level=minimal: what was filled is on disk before
    the commit instead) nor a later visit to mark them as committed; and an index is sorted once, not searched for each row.
    Nobody can read the table until the transaction ends. Raises LockNotAvailable when somebody is reading it,
    UniqueViolation when a key stands twice; either way the caller rolls back to where it was.
    """
    name = identifier(table)
    connection.execute(sql.SQL("lock table {} in access exclusive mode nowait").format(name))
    keys = connection.execute(_KEYS, [table]).fetchall()
    indexes = connection.execute(_INDEXES, [table]).fetchall()
    connection.execute(sql.SQL("truncate {}").format(name))
    for constraint, _ in keys:
        connection.execute(
            sql.SQL("alter table {} drop constraint {}").format(name, sql.Identifier(constraint))
        )
    for index, _ in indexes:
        connection.execute(sql.SQL("drop index {}").format(identifier(index)))
    written = copy_in(connection, table, rows, frozen=True)
    for constraint, definition in keys:
        connection.execute(
            sql.SQL("alter table {} add constraint {} {}").format(
                name, sql.Identifier(constraint), sql.SQL(definition)
            )
        )
    for _, definition in indexes:
        connection.execute(sql.SQL(definition))
    return written


# --- tables that several sessions fill in pieces: their keys must refuse all the while, but what only finds rows can go meanwhile

# How long a key is waited for that somebody reads by, before it is left as it is.
_PATIENCE = "1s"


def finders(table: Table) -> list[Index]:
    """The indexes of a table that find rows and refuse none."""
    return sorted((index for index in table.indexes if not index.unique), key=lambda index: str(index.name))


def take_away_finders(connection: Connection, tables: Sequence[Table]) -> bool:
    """Take the finders of these tables away until :func:`bring_back_finders`; False, with nothing done, where somebody reads one.

    A process killed in between leaves tables that are slower to read, and nothing else.
    """
    savepoint = connection.begin_nested()
    try:
        for table in tables:
            raw(connection).execute(
                sql.SQL("lock table {} in access exclusive mode nowait").format(identifier(table.fullname))
            )
    except psycopg.errors.LockNotAvailable:
        savepoint.rollback()
        return False
    for index in itertools.chain(*map(finders, tables)):
        index.drop(connection, checkfirst=True)
    savepoint.commit()
    return True


def finders_are_away(connection: Connection, tables: Sequence[Table]) -> bool:
    """Whether any is, as when the process that took them away was killed."""
    names = [f"{table.schema}.{index.name}" for table in tables for index in finders(table)]
    asked = "select bool_or(to_regclass(name) is null) from unnest(cast(%s as text[])) name"
    return bool(connection.exec_driver_sql(asked, (names,)).scalar_one())


def bring_back_finders(connection: Connection, table: Table) -> None:
    """Build those finders of a table that are away, each sorted once."""
    for index in finders(table):
        index.create(connection, checkfirst=True)


def write_key_anew(connection: Connection, table: Table) -> None:
    """Write a table's key without the room in it: filled in several places at once, its pages were left half empty.

    Somebody who reads by it is waited for a moment, and then left to it.
    """
    savepoint = connection.begin_nested()
    try:
        raw(connection).execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(_PATIENCE)))
        raw(connection).execute(
            sql.SQL("reindex index {}").format(identifier(f"{table.schema}.{table.primary_key.name}"))
        )
    except psycopg.errors.LockNotAvailable:
        savepoint.rollback()
    else:
        savepoint.commit()
