"""Questions people ask of the store from a shell, answered from the ``reporting`` views and the tables behind them.

Belongs here: reading for the closing table and the exceptions list. Does not belong here: layout, or anything written.
Nationally sensitive casegroups are in no answer (R26).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from case_closure.domain.money import BUCKETS
from case_closure.domain.texts import shown
from case_closure.store import sensitive
from case_closure.store.database import transaction


@dataclass(frozen=True)
class BucketFigures:
    """Where the money of one creditor and arrears status is, int64 pence."""

    creditor: str
    arrears_status: str
    received_pence: int
    posted_pence: int
    held_pence: int
    credit_pence: int


@dataclass(frozen=True)
class NightSummary:
    """What stands after a night: closure by state and tonight's letters by code, money by bucket, casegroups by outcome
    and reason, open exceptions by rule; tonight's resolutions that changed nothing, each with why."""

    business_date: date
    status: str
    buckets: tuple[BucketFigures, ...]
    casegroups_by_outcome: dict[str, int]
    exceptions_by_rule: dict[str, int]
    journeys_by_state: dict[str, int]
    letters_by_code: dict[str, int]
    entries_without_effect: tuple[tuple[str, str], ...] = ()


def night_summary(connection: Connection, on: date) -> NightSummary:
    """Figures as they stand now, after the night of that date. Raises LookupError when it was never started."""
    status = connection.execute(
        text("select status from reporting.nights where business_date = :on"), {"on": on}
    ).scalar_one_or_none()
    if status is None:
        raise LookupError(f"The night of {on} was never started.")
    rows = connection.exec_driver_sql(
        f"""
        select p.creditor, p.arrears_status, sum(p.received_pence), sum(p.posted_pence), sum(p.held_pence), sum(p.credit_pence)
        from closure.positions p where not {sensitive.of_row("p")} group by 1, 2
        """  # noqa: S608
    )
    money = {(row[0], row[1]): tuple(map(int, row[2:])) for row in rows}
    outcomes = connection.exec_driver_sql(
        """
        select case when outcome = 'EXCEPTION' then outcome else outcome || ' ' || reason end, count(*)
        from reporting.casegroup_outcomes group by 1 order by 2 desc, 1
        """
    )
    rules = connection.exec_driver_sql(
        """
        select rule_code || case when severity = 'WARNING' then ' (warning)' else '' end, count(*)
        from reporting.exceptions where status <> 'RESOLVED' group by severity, rule_code order by severity, 2 desc, 1
        """
    )
    journeys = connection.exec_driver_sql(
        "select to_state, count(*) from reporting.journeys where is_latest group by 1 order by 2 desc, 1"
    )
    letters = connection.execute(
        text(
            "select code, count(*) from reporting.letters where business_date = :on and status = 'ISSUED' group by 1 order by 1"
        ),
        {"on": on},
    )
    return NightSummary(
        on,
        str(status),
        tuple(
            BucketFigures(
                b.creditor, b.arrears_status, *money.get((b.creditor, b.arrears_status), (0, 0, 0, 0))
            )
            for b in BUCKETS
        ),
        {row[0]: int(row[1]) for row in outcomes},
        {row[0]: int(row[1]) for row in rules},
        {row[0]: int(row[1]) for row in journeys},
        {row[0]: int(row[1]) for row in letters},
        tuple(_entries_without_effect(connection, on)),
    )


def _entries_without_effect(connection: Connection, on: date) -> Iterator[tuple[str, str]]:
    rows = connection.execute(
        text(
            """
            select concat_ws(' ', coalesce(resolution_id, 'without a number'), csa_system, csa_case_id, entity, field), reason
            from reporting.entries_without_effect where business_date = :on order by resolution_id, csa_case_id, reason
            """
        ),
        {"on": on},
    )
    return ((shown(row[0], 160), row[1]) for row in rows)


_FILTERS = {"business_date": "business_date", "rule_code": "rule_code", "status": "status", "route": "route",
            "allocated_to": "allocated_to"}  # fmt: skip


def list_exceptions(url: str, **filters: Any) -> list[dict[str, Any]]:
    """Exceptions as the report has them, oldest first; filters: business_date, rule_code, status, route, allocated_to (None:
    any)."""
    chosen = {_FILTERS[name]: value for name, value in filters.items() if value is not None}
    where = " and ".join(f"{name} = :{name}" for name in chosen) or "true"
    with transaction(url) as connection:
        rows = connection.execute(
            text(
                f"select * from reporting.exceptions where {where} order by business_date, rule_code, csa_system, csa_case_id"  # noqa: S608  names of _FILTERS, and their values bound
            ),
            chosen,
        )
        return [dict(row._mapping) for row in rows]
