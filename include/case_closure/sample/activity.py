"""What else a day brings about cases that move: payments, agencies, courts, applications, corrections, notes.

Belongs here: a thin, sound stream of every file beyond the population itself, drawn from casegroups that
complete or are open.
Does not belong here: rows that break a rule (`faults`), single cases made to be looked at (`showcase`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.sample.casegroup import Row
from case_closure.sample.cases import Cases
from case_closure.sample.columns import Flags, Ints
from case_closure.sample.people import People, ninos
from case_closure.tables.landed import ENFORCEMENT_ACTION_TYPES

PAYMENT_SHARE = 0.01
DCA_SHARE = 0.003
ENFORCEMENT_SHARE = 0.012
CSA_ACTION_SHARE = 0.003
RECORD_SHARE = 0.003
CORRECTION_SHARE = 0.002
APPLICATION_SHARE = 0.03  # of the open cases

AGENCIES = ("iQor", "Collectica", "Northern Recoveries")
COURTS = ("Leeds Magistrates' Court", "Cardiff Magistrates' Court", "Glasgow Sheriff Court")
_NOBODY = 60_000_000  # person numbers that no casegroup and no register row uses


def make_activity(
    rng: np.random.Generator,
    cases: Cases,
    people: People,
    case_table: pa.Table,
    completing: Flags,
    today: date,
    night_left: bool,
) -> tuple[dict[str, list[Row]], dict[str, list[Row]]]:
    """Rows by file of tonight, and of the next night when there is one.

    ``completing``: cases (one flag each) of casegroups that are sound and complete tonight.
    """
    tonight: dict[str, list[Row]] = {}
    tomorrow: dict[str, list[Row]] = {}
    owing = np.nonzero(completing & (cases.amounts[:, 0] > 0))[0]

    def some(share: float) -> Iterable[tuple[Row, int]]:
        count = round(len(owing) * share)
        chosen = (
            np.sort(rng.choice(owing, min(len(owing), max(count, 1)), replace=False)) if len(owing) else owing
        )
        rows = case_table.select(_CASE_COLUMNS).take(pa.array(chosen)).to_pylist()
        return zip(rows, chosen.tolist(), strict=True)

    def add(file: str, row: Row) -> None:
        tonight.setdefault(file, []).append(row)

    def key(case: Row) -> Row:
        return {"csa_system": case["csa_system"], "csa_case_id": case["csa_case_id"]}

    for case, at in some(PAYMENT_SHARE):
        if case["closed_reason"] == "CASE_CLOSURE":
            payer = people.parties.slice(int(cases.paying_parent[at]), 1).to_pylist()[0]
            pence = int(rng.integers(500, 20_000))
            add(f"csa_payments_{case['csa_system']}", {
                **{name: payer[name] for name in ("nino", "forenames", "surname")},
                "csa_receipt_reference": f"RC{cases.number[at]:09d}",
                "value": f"{pence // 100}.{pence % 100:02d}",
            })  # fmt: skip
    for case, at in some(DCA_SHARE):
        add("dca_payments", key(case) | {
            "dca_reference": f"DCA{cases.number[at]:09d}",
            "agency": AGENCIES[at % len(AGENCIES)],
            "amount_pence": int(rng.integers(500, 10_000)),
            "received_on": today - timedelta(days=int(rng.integers(0, 4))),
        })  # fmt: skip
    for case, at in some(ENFORCEMENT_SHARE):
        kind = int(rng.choice(5, p=(0.6, 0.2, 0.1, 0.05, 0.05)))
        granted = today - timedelta(days=int(rng.integers(100, 2500)))
        add("enforcement_actions", key(case) | {
            "action_id": f"EN{cases.number[at]:09d}",
            "action_type": ENFORCEMENT_ACTION_TYPES[kind],
            "ongoing": bool(rng.random() < 0.7),
            "in_force": bool(rng.random() < 0.8),
            "reference": f"REF/{granted.year}/{at}",
            "court": COURTS[at % len(COURTS)],
            "granted_on": granted,
            "amount_pence": int(cases.amounts[at, 0]),
            "period_from": granted - timedelta(days=900),
            "period_to": granted - timedelta(days=60),
        })  # fmt: skip
    for case, at in some(CSA_ACTION_SHARE):
        kind = int(rng.integers(0, 4))
        add("csa_actions", key(case) | {
            "csa_action_id": f"CA{cases.number[at]:09d}",
            "action_type": ("APPEAL", "COMPLAINT", "CHANGE_OF_CIRCUMSTANCES", "OTHER")[kind],
            "detail": ("Tribunal date awaited", "Reply due", "New income to verify", "See case notes")[kind],
            "notified_on": today,
            "notified_by": case["csa_caseworker"] or "csa.caseworker.01",
        })  # fmt: skip
    for case, at in some(RECORD_SHARE):
        kind = int(rng.integers(0, 3))
        add("records", key(case) | {
            "record_id": f"RD{cases.number[at]:09d}",
            "kind": ("GATEWAY", "MINIMUM_CASE_DATA", "CSA_CONTACT")[kind],
            "casegroup_id": case["casegroup_id"],
            "reference": f"{('GW', 'MCD', 'TEL')[kind]}{cases.number[at]:08d}",
            "recorded_on": today,
            "recorded_by": "caseworker.four",
            "detail": json.dumps(_RECORD_DETAIL[kind], sort_keys=True),
        })  # fmt: skip
    for case, at in some(CORRECTION_SHARE):
        add("corrections", key(case) | {
            "correction_id": f"CO{cases.number[at]:09d}",
            "creditor": "RP",
            "arrears_status": "ACTIVE",
            "new_amount_pence": int(cases.amounts[at, 0]) * 9 // 10,
            "reason": ("ERROR", "CHANGE_OF_CIRCUMSTANCES", "APPEAL", "OFFLINE_REPORT")[at % 4],
            "requested_by": "caseworker.five",
            "offline_calculation": None,
        })  # fmt: skip
    _add_applications(rng, cases, people, today, night_left, tonight, tomorrow)
    return tonight, tomorrow


_CASE_COLUMNS = ["csa_system", "csa_case_id", "casegroup_id", "closed_reason", "csa_caseworker"]
_RECORD_DETAIL: tuple[dict[str, Any], ...] = (
    {"wants": "to stay", "told": "re-apply through the Gateway"},
    {"template": "minimum case data", "children": 1},
    {"asked": "date of last payment", "answered": True},
)


def _add_applications(
    rng: np.random.Generator,
    cases: Cases,
    people: People,
    today: date,
    night_left: bool,
    tonight: dict[str, list[Row]],
    tomorrow: dict[str, list[Row]],
) -> None:
    """Applications that name the parent of an open case, a few of nobody on CSA (B19-B24, B65-B67)."""
    chosen: Ints = np.nonzero(cases.open & (rng.random(len(cases.open)) < APPLICATION_SHARE))[0]
    # An LTR is sent for the first application to a casegroup, unless its liability ends at short notice (CCD's may).
    on_ccd = np.bincount(cases.group, cases.system == CSA_SYSTEMS.index("CCD")) > 0
    times = np.bincount(cases.group[chosen], minlength=len(on_ccd))
    answered: Flags = ((times == 1) & ~on_ccd)[cases.group]
    for count, at in enumerate(chosen.tolist()):
        payer = people.nino[int(cases.paying_parent[at])].as_py()
        receiver = people.nino[int(cases.receiving_parent[at])].as_py()
        stranger = ninos(np.array([_NOBODY + cases.number[at]]))[0].as_py()
        on_csa = count % 12 != 11
        by_receiver = count % 5 != 4
        eligible = count % 6 != 5
        applicant = receiver if by_receiver else payer
        application = f"AP{cases.number[at]:09d}"
        tonight.setdefault("cms_applications", []).append({
            "application_id": application,
            "received_on": today - timedelta(days=int(rng.integers(0, 5))),
            "eligible": eligible,
            "applicant_role": "RECEIVING_PARENT" if by_receiver else "PAYING_PARENT",
            "applicant_nino": (None, "QQ000000A")[count % 2] if count % 15 == 14 else applicant,
            "named_paying_parent_nino": payer if on_csa else stranger,
            "partner_nino": stranger if count % 4 == 3 else None,
            "applicant_says_csa": (True, True, False, None)[count % 4],
            "paying_parent_says_csa": (True, None, True, False)[count % 4],
            "partner_says_csa": (None, None, None, True)[count % 4],
            "gateway_reference": f"GW{cases.number[at]:08d}",
        })  # fmt: skip
        if night_left and on_csa and eligible and answered[at]:
            system = cases.system_text[at].as_py()
            tomorrow.setdefault("ltr_responses", []).append({
                "ltr_id": f"LTR1-{system}-{application}",
                "acknowledged_on": today + timedelta(days=1),
                "outcome": ("PENDING", "CLOSED", None, "REFUSED")[count % 4],
                "detail": None,
            })  # fmt: skip
