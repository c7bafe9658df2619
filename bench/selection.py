"""Tranche selection out of the whole book, against a plain SELECT of the very rows it selected.

Belongs here: a book made on the server itself, and the two things timed. Does not belong here: the night.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

from sqlalchemy import text

from case_closure.domain.tranches import Criteria
from case_closure.night import select_tranche
from case_closure.store import database, tranches

ON = date(2017, 8, 10)
CASES = 20_000

# 86% of casegroups have one case, 11% two, 2.5% three, the rest four to ten; six in ten cases are open, 7% clerical,
# 1% inhibited. Rows lie in no order, as after many nights.
_BOOK = """
    insert into held.csa_cases (business_date, changed_on, csa_system, csa_case_id, scheme, casegroup_id, claimed_casegroup_id,
        paying_parent_id, receiving_parent_id, case_type, case_status, segment, weekly_liability_pence,
        indicative_arrears_pence, partially_clerical, nationally_sensitive, manual_inhibit, automatic_inhibit,
        method_of_payment, csa_caseworker)
    select :before, :before, (array['CS2', 'CSCS', 'CCD'])[1 + (number + place) % 3], 'C' || number || '-' || place,
           case when number % 2 = 0 then '1993' else '2003' end, 'G' || number, 'G' || number, 'P' || number,
           'R' || number || '-' || place, case when number % 10 < 6 then 'ONGOING' else 'ARREARS_ONLY' end,
           case when hashint8(number * 7 + place) % 10 < 6 then 'OPEN' else 'CLOSED' end, 1 + number % 5, 2500, 83000,
           number % 100 < 7, number % 2000 = 0, number % 100 = 50, false, 'DIRECT_DEBIT', 'caseworker ' || number % 900
    from generate_series(1::bigint, :casegroups) number
    cross join lateral generate_series(1, case when number % 200 < 172 then 1 when number % 200 < 194 then 2
                                               when number % 200 < 199 then 3 else 4 + number % 7 end) place
    order by hashint8(number)
"""


def fill(url: str, casegroups: int) -> int:
    """A book of so many casegroups in an empty store; returns its cases."""
    with database.transaction(url) as connection:
        made = connection.execute(
            text(_BOOK), {"before": date(2017, 8, 9), "casegroups": casegroups}
        ).rowcount
    with database.engine(url).connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("vacuum analyze held.csa_cases")
    return int(made)


def select(url: str) -> tuple[int, float]:
    """A night's selection of a tranche, from reading its criteria to the commit; cases selected, and seconds."""
    criteria = Criteria(
        "T01",
        None,
        "Control Group",
        ON,
        None,
        (1, 2),
        ("CSCS", "CS2"),
        ("ONGOING",),
        CASES,
        180,
        None,
        None,
        None,
    )
    began = time.perf_counter()
    with database.transaction(url) as connection:
        tranches.record(
            connection, [criteria], source="bench", by="bench", at=datetime(2017, 8, 10, tzinfo=UTC)
        )
        selected = select_tranche.select(connection, ON)["cases_selected"]
    return selected, time.perf_counter() - began


def plain(url: str) -> tuple[int, float]:
    """A SELECT of the cases that were selected, all their columns, brought to the client; how many, and seconds."""
    with database.transaction(url) as connection:
        query = "select distinct casegroup_id from closure.end_liability"
        keys = list(connection.exec_driver_sql(query).scalars())
        began = time.perf_counter()
        rows = connection.exec_driver_sql(
            "select * from held.csa_cases where casegroup_id = any(%s)", (keys,)
        ).all()
        return len(rows), time.perf_counter() - began


def forget(url: str) -> None:
    """As if nothing had ever been selected."""
    with database.transaction(url) as connection:
        connection.exec_driver_sql(
            "truncate closure.end_liability, closure.end_liability_notices, closure.tranche_criteria, "
            "closure.tranche_selections"
        )
