"""Reading for a page: as the person's role, as of one moment, and not for long; a page of many rows by key.

Belongs here: the connection, the page of rows. Does not belong here: what is read.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from case_closure import refusals
from case_closure.store.acts import can_become, login_role

MOST_SECONDS: Final = 5
_BEGIN: Final = f"set transaction isolation level repeatable read, read only; set local statement_timeout = '{MOST_SECONDS}s'"


class TookTooLong(refusals.Refused):
    """A page's question took longer than a person waits; the message says what to do."""


class NotReadable(refusals.Refused):
    """What was asked for is no date, number or text that there can be."""


@functools.cache
def _pool(url: str) -> Engine:
    """Apart from that of nights and commands: who clicks waits for no night's connection, nor the other way round."""
    return create_engine(url, pool_size=8, max_overflow=4, pool_timeout=10, pool_pre_ping=True)


def forget(url: str) -> None:
    """Close the connections to a database, as when its server is stopped."""
    _pool(url).dispose()


@functools.cache
def _becomes(url: str, role: str) -> bool:
    """Whether this server lets us become the role."""
    with _pool(url).connect() as connection:
        return can_become(connection, role)


@contextlib.contextmanager
def reading(url: str, role: str) -> Iterator[Connection]:
    """A transaction that sees what somebody in this role may see. Raises TookTooLong, NotReadable."""
    become = f"; set local role {login_role(role)}" if _becomes(url, role) else ""
    try:
        with _pool(url).connect() as connection:
            connection.exec_driver_sql(_BEGIN + become)
            yield connection
            # Not rolled back: with that the driver forgets what it has had planned, and a view of many parts takes long to plan.
            connection.commit()
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise TookTooLong(
                f"The answer took longer than {MOST_SECONDS} seconds and was given up. Narrow it down: a casegroup, a rule, a "
                "date. Should it stay, the night may be at work: try again in a while."
            ) from None
        if isinstance(error.orig, psycopg.DataError):
            raise NotReadable(
                "Something in the address, or in a field, cannot be read as what it stands for. Go on from the pages named above."
            ) from None
        raise


@dataclass(frozen=True)
class Rows:
    """A page of rows, and where the next begins: the values of the order's columns of the last row; None: there is no more."""

    rows: list[dict[str, Any]]
    following: list[str] | None


def page_of(
    connection: Connection,
    select: str,
    parameters: Mapping[str, Any],
    *,
    order: Sequence[tuple[str, str]],
    descending: bool = False,
    after: Sequence[str] = (),
    most: int = 50,
) -> Rows:
    """At most ``most`` rows of ``select`` (that ends in its where clause) in ``order``, after the row with these values.

    ``order``: columns with their SQL types, together a key, none null; all one way. By key and never by how many to leave out, so
    that the thousandth page costs what the first does.
    """
    columns = ", ".join(column for column, _ in order)
    beyond, bound = "", dict(parameters)
    if len(after) == len(order):
        places = ", ".join(f"cast(:after_{n} as {kind})" for n, (_, kind) in enumerate(order))
        beyond = f" and ({columns}) {'<' if descending else '>'} ({places})"
        bound |= {f"after_{n}": value for n, value in enumerate(after)}
    way = ", ".join(f"{column}{' desc' if descending else ''}" for column, _ in order)
    found = connection.execute(
        text(f"{select}{beyond} order by {way} limit :most"),
        {**bound, "most": most + 1},
    ).mappings()
    rows = [dict(row) for row in found]
    if len(rows) <= most:
        return Rows(rows, None)
    last = rows[most - 1]
    return Rows(rows[:most], [str(last[column.rpartition(".")[2]]) for column, _ in order])


def all_of(connection: Connection, query: str, /, **parameters: Any) -> list[dict[str, Any]]:
    """Every row of a query that has few."""
    return [dict(row) for row in connection.execute(text(query), parameters).mappings()]
