"""What the daily reports read: exceptions as they stood at the end of a night (B48).

Belongs here: the query, as of a night. Does not belong here: words, layout, files (``outbound.exceptions_report``).
Nationally sensitive casegroups are in no report (R26), whatever was known of them on the night.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.store import history, sensitive
from case_closure.store.copy import copy_out
from case_closure.store.database import raw

EXCEPTIONS = pa.schema(
    [
        ("state", pa.string()),
        ("exception_id", pa.string()),
        ("rule_code", pa.string()),
        ("severity", pa.string()),
        ("csa_system", pa.string()),
        ("csa_case_id", pa.string()),
        ("casegroup_id", pa.string()),
        ("subject", pa.string()),
        ("subject_reference", pa.string()),
        ("field", pa.string()),
        ("value", pa.string()),
        ("message", pa.string()),
        ("route", pa.string()),
        ("case_owner", pa.string()),
        ("status", pa.string()),
        ("allocated_to", pa.string()),
        ("first_seen_on", pa.date32()),
        ("age_days", pa.int64()),
        ("casegroup_held_pence", pa.int64()),
        ("casegroup_implausible", pa.bool_()),
        ("resolved_by", pa.string()),
    ]
)


def exceptions_as_of(connection: Connection, on: date, *, implausible_pence: int) -> pa.Table:
    """Every exception open at the end of the night of ``on``, and those resolved by it (B48); columns of ``EXCEPTIONS``.

    ``state``: NEW (first seen that night), OPEN (still), RESOLVED (by that night). Told from the events up to that date, so
    that it is the same whenever it is asked. What a late night resolved is told of in its own report, and is gone for the
    nights after the latest of then (R43). ``casegroup_held_pence``: all that the casegroup held then;
    ``casegroup_implausible``: what it received is beyond +/- ``implausible_pence`` in a bucket, also of a clerical row, which
    no gate judges. Ordered by state, severity, rule and age.
    """
    hidden = sensitive.of_exception("e")
    connection.exec_driver_sql("drop table if exists pg_temp.reported")
    reported = sensitive.with_names(
        f"""
            select e.exception_id, v.event, v.business_date as happened_on, v.by_what,
                   case when e.casegroup_since > :on then e.previous_casegroup_id else e.casegroup_id end as casegroup_then
            from closure.exceptions e
            join lateral (
                select event, business_date, by_what, coalesce(night_on, business_date) as night_on
                from closure.exception_events v
                where v.exception_id = e.exception_id and v.event not in ('ENTERED', 'NOT_MENDED') and (
                    v.night_on = :on or v.business_date < :on
                    or (v.business_date = :on and coalesce(v.night_on, v.business_date) = v.business_date))
                order by event_number desc limit 1) v on true
            where not {hidden} and (e.resolved_on is null or e.resolved_on >= :on)
              and (v.event <> 'RESOLVED' and e.business_date <= :on or v.event = 'RESOLVED' and v.night_on = :on)
        """  # noqa: S608
    )
    connection.execute(text(f"create temporary table reported on commit drop as {reported}"), {"on": on})
    connection.exec_driver_sql("drop table if exists pg_temp.held_then")
    connection.execute(
        text(
            f"""
            create temporary table held_then on commit drop as
            select casegroup_id, greatest(least(sum(held_pence), 9223372036854775807), -9223372036854775808)::bigint as pence,
                   bool_or(abs(received_pence::numeric) > :implausible) as implausible
            from {history.POSITIONS_AS_OF} p
            where casegroup_id in (select casegroup_then from reported)
            group by casegroup_id
            """  # noqa: S608
        ),
        {"on": on, "implausible": implausible_pence},
    )
    return copy_out(
        raw(connection),
        """
        select case when r.event = 'RESOLVED' then 'RESOLVED' when e.business_date = %(on)s then 'NEW' else 'OPEN' end as state,
               e.exception_id, e.rule_code, e.severity, e.csa_system, e.csa_case_id, r.casegroup_then as casegroup_id, e.subject,
               e.subject_reference, e.field, e.value, e.message, e.route, e.case_owner,
               case r.event when 'RESOLVED' then 'RESOLVED' when 'ALLOCATED' then 'ALLOCATED' else 'OPEN' end as status,
               case when r.event = 'ALLOCATED' then r.by_what end as allocated_to, e.business_date as first_seen_on,
               greatest(%(on)s - e.business_date, 0) as age_days, coalesce(h.pence, 0) as casegroup_held_pence,
               coalesce(h.implausible, false) as casegroup_implausible,
               case when r.event = 'RESOLVED' then r.by_what end as resolved_by
        from reported r join closure.exceptions e using (exception_id) left join held_then h on h.casegroup_id = r.casegroup_then
        order by state, e.severity, e.rule_code collate "C", e.business_date, e.exception_id collate "C"
        """,
        EXCEPTIONS,
        {"on": on},
    )
