"""What a due amounts to, as SQL.

Belongs here: the one query of it. Does not belong here: changing a due (its own stages), the views.
"""

from __future__ import annotations

from typing import Final

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
