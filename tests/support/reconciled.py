"""Tables as ``store.reconciliation.reconstruct`` gives them, made up without a store: for what the workbook makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from case_closure.domain import payments
from case_closure.domain.money import ARREARS_STATUSES, CREDITORS
from case_closure.domain.reconciliation import BREAK_TYPES, CAUSES
from case_closure.store import outstanding
from case_closure.store import reconciliation as store
from case_closure.tables.landed import CORRECTION_REASONS

ON = date(2017, 8, 10)
LIMIT = 100_000_000
_FIGURES = dict(zip(store.FIGURES, (1000, 10, 1500, 900, 700, -100), strict=True))
_DUE = {"posted_pence": 1000, "corrected_pence": -100, "allocated_pence": 250, "outstanding_pence": 650}
_HUGE = dict.fromkeys(store.FIGURES, 0) | {"received_pence": 2**63 - 1, "held_pence": 2**63 - 1}


def reconciled(systems: Sequence[str], *, breaks: int = 0, implausible: int = 1) -> dict[str, pa.Table]:
    """Each system in every bucket; its texts stand as case, tranche and extract too. ``breaks`` and ``implausible``: how many
    of each are listed beside one for every system; without any implausible, there is none in the buckets either."""
    odd = (False, True) if implausible else (False,)
    counts = {"rows": 2, "breaks": 1}
    buckets = [
        {"implausible": apart, "csa_system": system, "creditor": creditor, "arrears_status": status, **counts,
         **(_HUGE if apart else _FIGURES)}
        for apart in odd for system in systems for creditor in CREDITORS for status in ARREARS_STATUSES
    ]  # fmt: skip
    kinds = [
        {"implausible": apart, "break_type": kind, "cause": cause, **counts, "cases": 1, "difference_pence": 500,
         **(_HUGE if apart else _FIGURES)}
        for apart in odd for kind in BREAK_TYPES for cause in CAUSES
    ]  # fmt: skip
    listed = [_line(systems[number % len(systems)], number) for number in range(len(systems) + breaks)]
    hidden = [
        _line(systems[number % len(systems)], number) | _HUGE
        for number in range((len(systems) + implausible) * (implausible > 0))
    ]
    night = {
        "business_date": ON,
        "nights": 1,
        "extract_id": systems[0],
        "status": "SUCCESS",
        "implausible_pence": LIMIT,
    }
    rows: dict[str, list[dict[str, Any]]] = {
        "buckets": buckets,
        "systems": [{"csa_system": system, **counts, **_FIGURES} for system in systems],
        "tranches": [{"tranche_id": system, **counts, **_FIGURES} for system in (*systems, None)],
        "nights": [{"business_date": ON, **counts, **_FIGURES}],
        "break_types": kinds,
        "breaks": [line | {"difference_pence": 500, "implausible": False} for line in listed],
        "implausible": hidden,
        "night": [night],
    }
    money = {
        "dues": pa.Table.from_pylist(
            [{"csa_system": system, "creditor": creditor, "arrears_status": status, "rows": 2, **_DUE}
             for system in systems for creditor in CREDITORS for status in ARREARS_STATUSES], schema=outstanding.DUES,
        ),
        "corrections": pa.Table.from_pylist(
            [{"reason": reason, "status": status, "rows": 3, "tonight": 1, "up_pence": 500, "down_pence": 700}
             for reason in (*CORRECTION_REASONS, systems[0]) for status in ("APPLIED", "REFUSED")],
            schema=outstanding.CORRECTIONS,
        ),
        "payments": pa.Table.from_pylist(
            [{"source": source, "status": status, "rows": 4, "tonight": 2, "amount_pence": 900, "allocated_pence": 600,
              "oldest_days": 9} for source in payments.SOURCES for status in payments.STATUSES], schema=outstanding.PAYMENTS,
        ),
    }  # fmt: skip
    return {name: pa.Table.from_pylist(lines, schema=_schema(name)) for name, lines in rows.items()} | money


def _line(system: str, number: int) -> dict[str, Any]:
    return {
        "business_date": ON, "csa_system": system, "csa_case_id": system, "tranche_id": system,
        "creditor": CREDITORS[number % 3], "arrears_status": ARREARS_STATUSES[number // 3 % 3],
        "break_type": list(BREAK_TYPES)[number % 3], "cause": list(CAUSES)[number % len(CAUSES)], **_FIGURES,
    }  # fmt: skip


def _schema(name: str) -> pa.Schema | None:
    """As the store has it; the night's is what it is made of."""
    listed = {"breaks": store._BREAK_COLUMNS, "implausible": store._IMPLAUSIBLE_COLUMNS}
    if name in listed:
        return pa.schema(list(listed[name].items()))
    if name not in store._GROUPS:
        return None
    more = {"cases": pa.int64(), "difference_pence": store._PENCE} if name == "break_types" else {}
    figures = dict.fromkeys(store.FIGURES, store._PENCE)
    columns = {**store._GROUPS[name], "rows": pa.int64(), "breaks": pa.int64(), **more, **figures}
    return pa.schema(list(columns.items()))
