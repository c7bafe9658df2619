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


def night_and_before(connection: Connection, on: date) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """A night's row of ``reporting.nights``, None where there is none; and that of the latest before it that succeeded.

    In one query: what is sensitive is taken off all nights at once, whichever is asked for.
    """
    query = f"""
        {_NIGHTS} and business_date <= :on and (business_date = :on or status = 'SUCCESS') order by business_date desc limit 2
    """
    found = all_of(connection, query, on=on)
    night = found.pop(0) if found and found[0]["business_date"] == on else None
    return night, found[0] if found else None


def nights_done(connection: Connection, most: int) -> list[date]:
    """The latest nights that came to their end."""
    query = """
        select distinct business_date from reporting.night_stages where stage = 'close_night' and outcome = 'ENDED'
        order by business_date desc limit :most
    """
    return [row["business_date"] for row in all_of(connection, query, most=most)]


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
    """The casegroups that this night was the last to change, counted by outcome and reason, with what they received and posted:
    as they were counted last (``desk.figures``). Reasons of an exception are many: they are one line."""
    query = """
        select o.outcome, o.reason, o.casegroups, o.received_pence, o.posted_pence
        from reporting.kept_outcomes k cross join lateral jsonb_to_recordset(k.content) as o (
            business_date date, outcome text, reason text, casegroups bigint, received_pence bigint, posted_pence bigint)
        where o.business_date = :on order by o.outcome, o.casegroups desc, o.reason
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
