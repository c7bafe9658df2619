"""The floor of the finance path: the very same rows into the very same tables, by server-side COPY and nothing else.

Belongs here: taking a store's rows out, putting them into another, and proof that both are alike. Does not belong here:
the night.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from case_closure.store import database
from case_closure.store.schema.tables import metadata

# In the order in which they can be filled.
TABLES: tuple[str, ...] = tuple(f"{table.schema}.{table.name}" for table in metadata.sorted_tables)


class NotTheSame(Exception):
    """What the floor filled is not what the night filled, so its time says nothing."""


def take_out(url: str, folder: Path) -> dict[str, int]:
    """Every row of every table into ``folder`` (the server's own), one CSV file a table; how many each."""
    with database.transaction(url) as connection:
        connection.exec_driver_sql("set transaction isolation level repeatable read")
        return {
            table: connection.exec_driver_sql(f"copy {table} to '{folder}/{table}.csv' (format csv)").rowcount
            for table in TABLES
        }


def put_in(url: str, folder: Path, expected: dict[str, int]) -> float:
    """Fill empty tables from those files in one transaction; the seconds it took, commit included.

    Raises NotTheSame when a table did not take as many rows as were taken out.
    """
    with database.transaction(url):
        pass  # connected before the clock starts
    began = time.perf_counter()
    with database.transaction(url) as connection:
        found = {
            table: connection.exec_driver_sql(
                f"copy {table} from '{folder}/{table}.csv' (format csv)"
            ).rowcount
            for table in TABLES
        }
    took = time.perf_counter() - began
    if found != expected:
        raise NotTheSame(f"expected {expected} rows, found {found}")
    return took


def shape(url: str) -> Counter[tuple[str, ...]]:
    """Every table, column, key, constraint and index of a store, as the server describes it."""
    with database.transaction(url) as connection:
        return Counter(tuple(map(str, row)) for row in connection.exec_driver_sql(_SHAPE))


_SHAPE = """
    select 'column', attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull::text
    from pg_attribute join pg_class c on c.oid = attrelid
    where c.relnamespace in (to_regnamespace('held')::oid, to_regnamespace('closure')::oid)
      and c.relkind in ('r', 'p') and attnum > 0 and not attisdropped
    union all
    select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
    from pg_constraint where connamespace in (to_regnamespace('held')::oid, to_regnamespace('closure')::oid)
    union all
    select 'index', schemaname || '.' || tablename, indexname, indexdef, ''
    from pg_indexes where schemaname in ('held', 'closure')
"""
