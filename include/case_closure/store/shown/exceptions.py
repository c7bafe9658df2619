"""What the pages of exceptions read: found, filtered, sorted and paged through; one with its history; by cause.

Belongs here: queries of ``reporting`` (of ``sensitive`` for whoever may). Does not belong here: the row as it came, which is in
no view (``desk.exceptions_shown``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from case_closure.store.kept import CAUSES_IN_ORDER
from case_closure.store.listing import SORTS
from case_closure.store.shown.nights import nights_done
from case_closure.store.shown.reading import Rows, all_of, page_of

ORDINARY, SENSITIVE = "reporting", "sensitive"
NOBODY: Final = "-"
"""As the name of whom an exception is allocated to: nobody."""

STATUSES: Final = {
    "": "status <> 'RESOLVED'",
    "OPEN": "status = 'OPEN'",
    "ALLOCATED": "status = 'ALLOCATED'",
    "RESOLVED": "status = 'RESOLVED'",
    "ALL": "true",
}
"""What of them: by default those that are not resolved."""

AGES: Final = {"0": (0, 0), "7": (1, 7), "28": (8, 28), "91": (29, 91), "more": (92, None)}
"""First seen so many days before the latest night, from and to."""

_EQUAL: Final = {
    "rule": "rule_code", "field": "field", "route": "route", "system": "csa_system", "casegroup": "casegroup_id",
    "severity": "severity", "case": "csa_case_id",
}  # fmt: skip
_COUNTED: Final = 10_000
_AT_A_TIME: Final = 5_000


@dataclass(frozen=True)
class Filter:
    """Which exceptions, each part empty where it does not matter. ``cause``: those with the same cause as this one."""

    rule: str = ""
    field: str = ""
    status: str = ""
    route: str = ""
    to: str = ""
    system: str = ""
    casegroup: str = ""
    case: str = ""
    age: str = ""
    severity: str = ""
    cause: str = ""

    def given(self) -> dict[str, str]:
        """The parts that say something, by name."""
        return {name: value for name, value in vars(self).items() if value}


def latest_night(connection: Connection) -> date | None:
    """The latest night that came to its end: ages count from it."""
    return next(iter(nights_done(connection, 1)), None)


def exceptions_page(
    connection: Connection, wanted: Filter, *, side: str, on: date | None, sort: str, descending: bool,
    after: Sequence[str], most: int,
) -> Rows:  # fmt: skip
    """Exceptions of the filter in that order, after the row with these values of it; each with its ``version``."""
    if side != ORDINARY:
        return _sensitive_page(connection, wanted, on, sort, descending, after, most)
    asked = {
        "wanted": json.dumps(_asked(wanted, on)), "sort": sort, "descending": descending, "after": list(after), "most": most + 1,
    }  # fmt: skip
    query = "select * from desk.list_exceptions(cast(:wanted as jsonb), :sort, :descending, cast(:after as text[]), :most)"
    rows = [dict(row) for row in connection.execute(text(query), asked).mappings()]
    if len(rows) <= most:
        return Rows(rows, None)
    return Rows(rows[:most], [str(rows[most - 1][column]) for column, _ in SORTS[sort]])


def _sensitive_page(
    connection: Connection,
    wanted: Filter,
    on: date | None,
    sort: str,
    descending: bool,
    after: Sequence[str],
    most: int,
) -> Rows:
    """Of sensitive casegroups there are few, so that a view does."""
    where, bound = _where(wanted, on)
    select = f"""
        select * from (
            select e.*, coalesce(casegroup_id, '') as casegroup, (select max(event_number) from sensitive.exception_history h
                                                                  where h.exception_id = e.exception_id) as version
            from sensitive.exceptions e) e where {where}"""  # noqa: S608
    return page_of(
        connection, select, bound, order=SORTS[sort], descending=descending, after=after, most=most
    )


def how_many(connection: Connection, wanted: Filter, *, side: str, on: date | None) -> tuple[int, bool]:
    """How many there are of the filter, and whether there are more: it is not counted beyond some thousands."""
    if side == ORDINARY:
        query, bound = "select desk.count_exceptions(cast(:wanted as jsonb), :most)", dict[str, Any]()
        bound["wanted"], bound["most"] = json.dumps(_asked(wanted, on)), _COUNTED + 1
    else:
        where, bound = _where(wanted, on)
        query = f"select count(*) from sensitive.exceptions where {where}"  # noqa: S608
    count = int(connection.execute(text(query), bound).scalar_one())
    return min(count, _COUNTED), count > _COUNTED


def each(
    connection: Connection, wanted: Filter, *, side: str, on: date | None, most: int
) -> Iterator[list[dict[str, Any]]]:
    """Exceptions of the filter, the oldest first, some thousands at a time and at most about so many."""
    after: list[str] | None = []
    count = 0
    while after is not None and count < most:
        page = exceptions_page(
            connection,
            wanted,
            side=side,
            on=on,
            sort="oldest",
            descending=False,
            after=after,
            most=_AT_A_TIME,
        )
        yield page.rows
        count, after = count + len(page.rows), page.following


def exception(connection: Connection, exception_id: str, *, side: str) -> dict[str, Any] | None:
    """One; None: there is none on this side."""
    found = all_of(connection, f"select * from {side}.exceptions where exception_id = :id", id=exception_id)  # noqa: S608
    return found[0] if found else None


def history(connection: Connection, exception_id: str, *, side: str) -> list[dict[str, Any]]:
    """What happened to it, in order."""
    query = f"select * from {side}.exception_history where exception_id = :id order by event_number"  # noqa: S608
    return all_of(connection, query, id=exception_id)


def versions(connection: Connection, exception_ids: Sequence[str], *, side: str) -> dict[str, int]:
    """The number of the last event of each: what somebody who works on it has seen."""
    query = (
        f"select exception_id, max(event_number) as version from {side}.exception_history "  # noqa: S608
        "where exception_id = any(:ids) group by 1"
    )
    return {row["exception_id"]: row["version"] for row in all_of(connection, query, ids=list(exception_ids))}


def causes(connection: Connection, *, side: str, most: int) -> list[dict[str, Any]]:
    """What they have in common, what holds most first, counted now: some seconds, in a large book."""
    query = f"select * from {side}.exception_causes order by {CAUSES_IN_ORDER} limit :most"  # noqa: S608
    return all_of(connection, query, most=most)


def kept_causes(connection: Connection) -> tuple[date, list[dict[str, Any]]] | None:
    """The same of ordinary casegroups as at the close of a night (``store.kept``), which it says; None: none are to be shown.

    Of each one exception is asked once more whether it is for everybody to see (R26).
    """
    query = f"""
        select c.* from reporting.kept_causes k cross join lateral jsonb_to_recordset(k.content) as c (
            rule_code text, field text, value text, different_values bigint, exceptions bigint, casegroups bigint,
            held_pence bigint, first_seen_on date, exception_id text)
        order by {CAUSES_IN_ORDER}
    """  # noqa: S608
    shown = "select business_date from reporting.kept_causes where content is not null"
    on = connection.execute(text(shown)).scalar_one_or_none()
    if on is None:
        return None
    causes = all_of(connection, query)
    # By their numbers, and not beside the list: the server took all exceptions for that.
    for_everybody = connection.execute(
        text("select exception_id from reporting.exceptions where exception_id = any(:ids)"),
        {"ids": [cause["exception_id"] for cause in causes]},
    ).scalars()
    seen = set(for_everybody)
    return on, [cause for cause in causes if cause["exception_id"] in seen]


def _asked(wanted: Filter, on: date | None) -> dict[str, str]:
    """The filter as ``store.listing`` takes it."""
    asked = {name: value for name, value in wanted.given().items() if name in (*_EQUAL, "to")}
    if wanted.status in ("", "ALL"):
        asked |= {} if wanted.status else {"open": "yes"}
    else:
        asked["state"] = wanted.status
    if wanted.to == NOBODY:
        asked |= {"nobody": "yes"}
        del asked["to"]
    for name, day in zip(("since", "until"), _seen(wanted.age, on), strict=True):
        if day:
            asked[name] = day.isoformat()
    return asked | ({"alike": wanted.cause, "open": "yes"} if wanted.cause else {})


def _where(wanted: Filter, on: date | None) -> tuple[str, dict[str, Any]]:
    """The same as a condition on a view; but for the cause."""
    conditions, bound = [STATUSES.get(wanted.status, "false")], dict[str, Any]()
    for name, column in _EQUAL.items():
        if value := getattr(wanted, name):
            conditions.append(f"{column} = :{name}")
            bound[name] = value
    if wanted.to == NOBODY:
        conditions.append("allocated_to is null")
    elif wanted.to:
        conditions.append("allocated_to = :to")
        bound["to"] = wanted.to
    for name, way, day in zip(("since", "until"), (">=", "<="), _seen(wanted.age, on), strict=True):
        if day:
            conditions.append(f"business_date {way} :{name}")
            bound[name] = day
    return " and ".join(conditions), bound


def _seen(age: str, on: date | None) -> tuple[date | None, date | None]:
    """First seen since and until when, both ends included; None: any."""
    if on is None or age not in AGES:
        return None, None
    youngest, oldest = AGES[age]
    return (
        on if not youngest else on - timedelta(days=oldest) if oldest is not None else None,
        on - timedelta(days=youngest) if youngest else None,
    )  # fmt: skip
