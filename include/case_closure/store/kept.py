"""Figures of the whole book that no page can wait for: counted aside after a night, and kept until the next.

Belongs here: how each is counted, keeping it, whether a night has been closed since. Does not belong here: when it is counted
(``desk.figures``, ``night.write_out``), what a page shows of it.

Only ordinary casegroups are in them, as only views of ``reporting`` are asked; what is kept is not shown once the list of
sensitive casegroups has changed (R42), and each break is told apart by itself when it is read.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, text

SENSITIVE_SHA256: Final = """encode(sha256(convert_to(coalesce((
    select string_agg(casegroup_id, ',' order by casegroup_id collate "C")
    from closure.sensitive_casegroups), ''), 'UTF8')), 'hex')"""
"""The list of sensitive casegroups as one text, in SQL."""

RECONCILIATION: Final = "reconciliation"
OUTCOMES: Final = "outcomes"
CAUSES: Final = "exception_causes"
CAUSES_IN_ORDER: Final = "held_pence desc, exceptions desc, rule_code, exception_id"
MOST_CAUSES: Final = 500
"""So many are kept, those that hold most; one more says that there are others."""
COUNTED: Final = {
    OUTCOMES: """
        select business_date, outcome, case when outcome <> 'EXCEPTION' then reason end as reason, count(*) as casegroups,
               sum(received_pence)::bigint as received_pence, sum(posted_pence)::bigint as posted_pence
        from reporting.casegroup_outcomes group by 1, 2, 3
    """,
    CAUSES: f"""
        select * from reporting.exception_causes
        order by {CAUSES_IN_ORDER} limit {MOST_CAUSES + 1}
    """,  # noqa: S608  an order and a number of this module
    "programme": "select * from reporting.programme",
    "programme_months": "select * from reporting.programme_months",
    # What was held at the end of the last night of each month.
    "held_months": """
        select distinct on (date_trunc('month', business_date)) date_trunc('month', business_date)::date as month_on, held_pence
        from reporting.nights where status = 'SUCCESS' order by date_trunc('month', business_date), business_date desc
    """,
    "write_offs": """
        select csa_system, creditor, arrears_status, coalesce(break_type, 'AGREES') as found, count(*) as lines,
               sum(written_off_pence) as written_off_pence, sum(csa_written_off_pence) as csa_written_off_pence
        from reporting.write_off_tie_out where break_type is not null or csa_written_off_pence is not null group by 1, 2, 3, 4
    """,
}
"""What is counted from views when a page asks: rows as JSON."""

_CLOSED = "coalesce((select max(number) from closure.night_stages where stage = 'close_night' and outcome = 'ENDED'), 0)"
_AS_OF = "select max(business_date) from closure.nights where succeeded"


@dataclass(frozen=True)
class Kept:
    """Whether figures are there, how long they took to count, and whether they are of the night closed last."""

    seconds: float
    is_new: bool


def find(connection: Connection, kind: str) -> Kept | None:
    """What is kept of that kind; None: nothing yet, or what is kept is shown to nobody any more."""
    row = connection.execute(
        text(
            f"select seconds, night_stage = {_CLOSED} from closure.kept_figures "  # noqa: S608
            f"where kind = :kind and sensitive_sha256 = {SENSITIVE_SHA256}"
        ),
        {"kind": kind},
    ).one_or_none()
    return None if row is None else Kept(*row)


def count(connection: Connection, kind: str) -> None:
    """Count them as of now, in a transaction that sees one moment; nothing where no night has succeeded."""
    began = time.monotonic()
    rows = connection.execute(
        text(f"select coalesce(jsonb_agg(to_jsonb(c)), '[]') from ({COUNTED[kind]}) c")  # noqa: S608
    ).scalar_one()
    _keep(connection, kind, rows, seconds=time.monotonic() - began)


def keep_reconciliation(connection: Connection, on: date, content: Mapping[str, Any]) -> None:
    """Keep what :func:`reconciliation.reconstruct` has just found in this transaction, as at the end of the night of ``on``.

    The same again changes nothing.
    """
    _keep(connection, RECONCILIATION, dict(content), on=on)
    connection.exec_driver_sql("delete from closure.kept_breaks")
    connection.exec_driver_sql(
        """
        insert into closure.kept_breaks (break_number, business_date, csa_system, csa_case_id, casegroup_id, creditor,
            arrears_status, tranche_id, left_csa_pence, received_pence, difference_pence, written_off_pence, break_type, cause,
            implausible)
        select row_number() over (order by cause, csa_system collate "C", csa_case_id collate "C", arrears_status, creditor),
               business_date, nullif(csa_system, ''), nullif(csa_case_id, ''), nullif(casegroup_id, ''), creditor,
               arrears_status, tranche_id, left_csa_pence, received_pence, difference_pence, written_off_pence, break_type, cause,
               implausible
        from pg_temp.broken
        """
    )


def _keep(
    connection: Connection, kind: str, content: Any, *, seconds: float = 0.0, on: date | None = None
) -> None:
    """``on``: the night they are of; None: the latest that succeeded, and that it was closed last is noted."""
    connection.execute(
        text(
            f"""
            insert into closure.kept_figures (kind, business_date, night_stage, sensitive_sha256, seconds, content)
            select :kind, d.business_date, case when cast(:on as date) is null then {_CLOSED} else 0 end, {SENSITIVE_SHA256},
                   :seconds, cast(:content as jsonb)
            from (select coalesce(cast(:on as date), ({_AS_OF})) as business_date) d where d.business_date is not null
            on conflict (kind) do update set business_date = excluded.business_date, night_stage = excluded.night_stage,
                sensitive_sha256 = excluded.sensitive_sha256, seconds = excluded.seconds, content = excluded.content
            """  # noqa: S608
        ),
        {"kind": kind, "seconds": seconds, "content": json.dumps(content, default=str), "on": on},
    )
