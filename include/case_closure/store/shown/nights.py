"""What the page of the nights reads: how each went, stage by stage, and what it came to.

Belongs here: queries of ``reporting``. Does not belong here: why a stage failed, files (``desk.nights``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from case_closure.store.shown.reading import Rows, all_of, page_of

_NIGHTS = "select * from reporting.nights where true"


def nights_page(connection: Connection, after: Sequence[str]) -> Rows:
    """The nights, the latest first."""
    return page_of(
        connection, _NIGHTS, {}, order=[("business_date", "date")], descending=True, after=after, most=30
    )


def night(connection: Connection, on: date) -> dict[str, Any] | None:
    """A night's row of ``reporting.nights``; None: there is none."""
    found = all_of(connection, f"{_NIGHTS} and business_date = :on", on=on)
    return found[0] if found else None


def night_before(connection: Connection, on: date) -> dict[str, Any] | None:
    """The latest night before that one that succeeded."""
    query = f"{_NIGHTS} and business_date < :on and status = 'SUCCESS' order by business_date desc limit 1"
    found = all_of(connection, query, on=on)
    return found[0] if found else None


def stages(connection: Connection, on: date) -> list[dict[str, Any]]:
    """How each stage went the last time it was begun, in the order of that."""
    query = """
        select * from (
            select distinct on (stage) stage, started_at, ended_at, seconds, outcome, attempt from reporting.night_stages
            where business_date = :on order by stage, started_at desc, attempt desc nulls last) s
        order by started_at, attempt nulls last
    """
    return all_of(connection, query, on=on)


def rules(connection: Connection, on: date) -> list[dict[str, Any]]:
    """The rules that rows broke that night: judged and failed rows, most failed first."""
    query = """
        select rule_code, sum(judged_rows)::bigint as judged_rows, sum(failed_rows)::bigint as failed_rows
        from reporting.rule_results where business_date = :on group by rule_code having sum(failed_rows) > 0
        order by 3 desc, 1
    """
    return all_of(connection, query, on=on)


def outcomes(connection: Connection, on: date) -> list[dict[str, Any]]:
    """The casegroups that this night was the last to change, counted by outcome and reason, with what they received and posted.

    Reasons of an exception are many: they are one line."""
    query = """
        select outcome, case when outcome <> 'EXCEPTION' then reason end as reason, count(*) as casegroups,
               sum(received_pence)::bigint as received_pence, sum(posted_pence)::bigint as posted_pence
        from reporting.casegroup_outcomes where business_date = :on group by 1, 2 order by 1, 3 desc
    """
    return all_of(connection, query, on=on)


def night_of_run(connection: Connection, run_id: str) -> date | None:
    """The business date of the night that this run of Airflow's holds or held last."""
    return connection.execute(
        text(
            "select business_date from closure.night_stages where run_id = :run order by number desc limit 1"
        ),
        {"run": run_id},
    ).scalar()
