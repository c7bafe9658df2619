"""The money law in SQL of our own, over what people read: not the night's own check, so that one may prove the other.

Belongs here: the laws, and where one does not hold. Does not belong here: when to look (`tests.property`).
"""

from __future__ import annotations

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.support.pipeline import SIDES

_SIDE_LAWS = """
select 'received = posted + held + credits' as law, concat_ws(' ', csa_system, csa_case_id, creditor, arrears_status) as at
from {schema}.reconciliation where received_pence <> posted_pence + held_pence + credit_pence
union all
select 'one row for each case and bucket', concat_ws(' ', csa_system, csa_case_id, creditor, arrears_status)
from {schema}.reconciliation where csa_case_id is not null
group by csa_system, csa_case_id, creditor, arrears_status having count(*) > 1
union all
select 'a credit is below zero, and is listed', concat_ws(' ', csa_system, csa_case_id, creditor, arrears_status)
from (select * from {schema}.reconciliation where credit_pence <> 0) r
full join {schema}.credits c using (csa_system, csa_case_id, creditor, arrears_status)
where r.credit_pence is distinct from c.amount_pence or c.amount_pence >= 0
union all
select 'posted = sum of posted_pence', concat_ws(' ', csa_system, csa_case_id, creditor, arrears_status)
from (select * from {schema}.reconciliation where posted_pence <> 0) r
full join (select * from {schema}.dues where posted_pence <> 0) d using (csa_system, csa_case_id, creditor, arrears_status)
where r.posted_pence is distinct from d.posted_pence
union all
select 'amount = its ledger entries POSTED and CORRECTION', d.due_id
from {schema}.dues d left join {schema}.ledger l using (due_id) group by d.due_id, d.amount_pence
having d.amount_pence is distinct from sum(l.amount_pence) filter (where l.kind in ('POSTED', 'CORRECTION'))
union all
select 'what is mirrored = its POSTED entry', d.due_id
from {schema}.dues d left join {schema}.ledger l on l.due_id = d.due_id and l.kind = 'POSTED' group by d.due_id, d.posted_pence
having d.posted_pence is distinct from coalesce(sum(l.amount_pence), 0) or count(l.due_id) <> (d.posted_pence <> 0)::int
union all
select 'no due below nothing, and none of nothing that no correction added', due_id from {schema}.dues d
where posted_pence < 0 or posted_pence = 0 and not exists (
    select from {schema}.ledger l where l.due_id = d.due_id and l.kind = 'CORRECTION')
union all
select 'posted + corrections - allocated = outstanding, and never below nothing', due_id
from {schema}.ledger group by due_id
having sum(amount_pence) < 0 or max(amount_pence) filter (where kind = 'ALLOCATION') >= 0
union all
select 'a correction is applied once, as it came', coalesce(c.correction_id, l.reference)
from (select * from {schema}.corrections where status = 'APPLIED') c
full join (select * from {schema}.ledger where kind = 'CORRECTION') l on l.reference = c.correction_id and l.due_id = c.due_id
where c.new_amount_pence - c.old_amount_pence is distinct from l.amount_pence
union all
select 'dues of a casegroup are there together with its completion (R7)', casegroup_id
from (select casegroup_id, sum(posted_pence) as pence from {schema}.dues where posted_pence > 0 group by casegroup_id) d
full join (select * from {schema}.casegroup_outcomes where reason = 'ARREARS_ADDED') o using (casegroup_id)
where d.pence is distinct from o.posted_pence
union all
select 'letters of a casegroup are there together with its completion (R7)', casegroup_id
from (select distinct casegroup_id from {schema}.letters where code = 'CMSL6301') l
full join (select casegroup_id as done from {schema}.casegroup_outcomes where reason = 'ARREARS_ADDED') o on done = casegroup_id
where casegroup_id is null or done is null
"""


def breaches(url: str) -> list[str]:
    """Where any of the laws does not hold, in what is committed."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        there = connection.execute(
            text("select to_regclass('sensitive.reconciliation') is not null")
        ).scalar_one()
        if not there:
            return []
        return [
            f"{schema}: {law}: {at}"
            for schema in SIDES.values()
            for law, at in connection.execute(text(_SIDE_LAWS.format(schema=schema)))
        ]
