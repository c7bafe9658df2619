"""What a due amounts to, what is outstanding of it, and what corrections have taken in, as SQL.

Belongs here: the one text of each. Does not belong here: changing a due (its own stages), the views.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import pyarrow as pa
from sqlalchemy import Connection

from case_closure.store.copy import copy_out, select_list
from case_closure.store.database import raw
from case_closure.tables import handed

AMOUNT_NOW: Final = """
    select ({0}.posted_pence + coalesce((select sum(l.amount_pence) from closure.ledger l
            where l.due_id = {0}.due_id and l.kind <> 'ALLOCATION'), 0))::bigint as amount_pence
"""
"""amount_pence of the due in that alias: as posted, with the corrections since; what was paid of it is not taken off."""

ALLOCATED_NOW: Final = """
    select coalesce(-sum(a.amount_pence), 0)::bigint as allocated_pence from closure.ledger a
    where a.due_id = {0}.due_id and a.kind = 'ALLOCATION'
"""
"""allocated_pence of the due in that alias: what payments have paid of it ([18])."""

TAKEN_IN: Final = """
    select d.casegroup_id, d.csa_system, d.csa_case_id, d.creditor, d.arrears_status,
           greatest(sum(l.amount_pence), 0)::bigint as taken_in_pence
    from {0} d join closure.ledger l on l.due_id = d.due_id and l.kind = 'CORRECTION'
    join closure.nights n on n.business_date = l.business_date
    where not exists (select from closure.positions p where p.casegroup_id = d.casegroup_id and p.csa_system = d.csa_system
                      and p.csa_case_id = d.csa_case_id and (p.posted_pence <> 0 or p.credit_pence <> 0))
       or n.extract_order >= (
            select min(came.extract_order) from held.clerical_balances b join closure.nights came using (business_date)
            where b.csa_system = d.csa_system and b.csa_case_id = d.csa_case_id and b.is_new)
    group by 1, 2, 3, 4, 5
"""
"""What corrections have added to each bucket of the dues in that relation, of what came for it after completion (R41).

Of a case of which something was posted, only what was corrected since a clerical balance of it first came: what was corrected
before had nothing to do with it.
"""


def outstanding(connection: Connection, casegroup_id: str, on: date) -> pa.Table:
    """What was outstanding of each due of a casegroup at the end of that business date: the sum of all its entries by then.

    Shape DUES_AS_OF. A due that was posted or added later is not there.
    """
    names = select_list(
        handed.DUES_AS_OF, "d",
        amount_pence="d.posted_pence + coalesce(l.corrected, 0)::bigint", allocated_pence="coalesce(l.allocated, 0)::bigint",
        outstanding_pence="d.posted_pence + (coalesce(l.corrected, 0) - coalesce(l.allocated, 0))::bigint",
    )  # fmt: skip
    return copy_out(
        raw(connection),
        f"""
        select {names} from closure.dues d left join lateral (
            select sum(amount_pence) filter (where kind = 'CORRECTION') as corrected,
                   -sum(amount_pence) filter (where kind = 'ALLOCATION') as allocated
            from closure.ledger e where e.due_id = d.due_id and e.business_date <= %(on)s) l on true
        where d.casegroup_id = %(casegroup_id)s and d.business_date <= %(on)s order by d.due_id collate "C"
        """,  # noqa: S608
        handed.DUES_AS_OF,
        {"casegroup_id": casegroup_id, "on": on},
    )
