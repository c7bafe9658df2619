"""A night that brings next to nothing: some casegroups of an earlier one again, with a pound more.

Belongs here: its landing zone. Does not belong here: what it costs (`figures`).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from case_closure.landing.writing import write_night

_BALANCES = "csa_balances"
_MOVED = ("rp_active_pence", "total_pence")
_POUND_PENCE = 100


def land(of: Path, landing: Path, on: str, again_on: str, casegroups: int) -> None:
    """Writes ``landing/again_on``: balances of the first so many casegroups of the folder ``of/on``, each a pound more."""
    balances = pq.read_table(of / on / f"{_BALANCES}.parquet")
    owned = balances.filter(pc.greater(balances["total_pence"], 0))
    named = pc.unique(owned["casegroup_id"]).drop_null().slice(0, casegroups)
    rows = balances.filter(pc.is_in(balances["casegroup_id"], named))
    for name in _MOVED:
        more = pc.add(rows[name], _POUND_PENCE)
        rows = rows.set_column(rows.schema.get_field_index(name), name, more)
    again = pa.array([f"{name}-again" for name in rows["balance_id"].to_pylist()], pa.string())
    rows = rows.set_column(rows.schema.get_field_index("balance_id"), "balance_id", again)
    write_night(landing / again_on, date.fromisoformat(again_on), f"bench-{again_on}", {_BALANCES: rows})
