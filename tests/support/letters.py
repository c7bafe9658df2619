"""Letters as tests need them: rows of a letter in order, and what it then says; arguments say what differs.

Belongs here: one letter's records as ``outbound.letters.contents`` takes them. Does not belong here: a store, what ought to
come out.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pandas as pd

from case_closure.outbound.letters import contents

Row = dict[str, Any]

ON = date(2017, 8, 10)
LED = date(2018, 3, 3)
TO_REPRESENTATIVE = ("CMSL6314",)
TO_RECEIVER = ("CMSL6300", "CMSL6302", "CMSL6308", "CMSL6309", "CMSL6310", "CMSL6311", "CMSL6312", "CMSL6313")


def client(**over: Any) -> Row:
    row: Row = {
        "letter_id": "", "client_role": "RECEIVING_PARENT", "title": "Ms", "forenames": "Alex", "surname": "Walker",
        "address_line_1": "1 High Street", "address_line_2": None, "address_line_3": None, "address_line_4": "Leeds",
        "postcode": "ls14ap", "country": "GB-ENG", "representative_name": "Price and Daughters",
        "representative_address_line_1": "2 Castle Street", "representative_address_line_2": "Cardiff",
        "representative_address_line_3": None, "representative_address_line_4": None, "representative_postcode": "CF10 1BS",
    }  # fmt: skip
    return row | over


def due(
    creditor: str,
    status: str,
    pence: int,
    case_id: str = "A",
    since: date | None = date(2010, 1, 1),
    until: date | None = date(2017, 7, 31),
) -> Row:
    return {
        "csa_system": "CS2", "csa_case_id": case_id, "creditor": creditor, "arrears_status": status, "amount_pence": pence,
        "arrears_from": pd.NaT if since is None else pd.Timestamp(since),
        "arrears_to": pd.NaT if until is None else pd.Timestamp(until),
    }  # fmt: skip


def by_hand(paid_pence: int = 0, keep_pence: int = 0) -> Row:
    """What a caseworker gives for a CMSL6300, and what its case says of the money since."""
    return {
        "from_on": pd.Timestamp(2009, 1, 1), "to_on": pd.Timestamp(2012, 3, 31), "paid_pence": paid_pence,
        "keep_pence": keep_pence,
    }  # fmt: skip


def case(case_id: str = "A", led: date | None = LED, ended: date | None = None) -> Row:
    return {
        "csa_system": "CS2",
        "csa_case_id": case_id,
        "led": pd.NaT if led is None else pd.Timestamp(led),
        "liability_end_date": pd.NaT if ended is None else pd.Timestamp(ended),
    }


DUES = [due("RP", "ACTIVE", 123456), due("GB_SOS", "DEFERRED", 7)]


def letter(code: str, number: str = "G1-CS2-A-P1", **over: Any) -> Row:
    """What a letter of that code says. `over`: 'party', 'dues', 'cases', 'by_hand', 'covered' (a letter's content)."""
    role = (
        "REPRESENTATIVE" if code in TO_REPRESENTATIVE
        else "RECEIVING_PARENT" if code in TO_RECEIVER else "PAYING_PARENT"
    )  # fmt: skip
    dues = over.get("dues", DUES if code != "CMSL6300" else DUES[:1])
    covered = over.get("covered") or (
        letter("CMSL6302", number) | {"on": "1 July 2017"} if code in ("CMSL6313", "CMSL6314") else None
    )
    row = {
        "letter_id": f"{code}-{number}-{ON}", "code": code, "recipient_role": role, "party_id": "P1",
        "total_pence": sum(one["amount_pence"] for one in dues),
    }  # fmt: skip
    return contents.content(
        row | over.get("row", {}),
        ON,
        parties=[client(**over.get("party", {}))],
        cases=over.get("cases", [case()]),
        dues=dues,
        by_hand=over.get("by_hand", [by_hand()]),
        covered=[{"content": as_json(covered)}] if covered else [],
    )


def as_json(content: Row) -> str:
    return json.dumps(content, ensure_ascii=False)
