"""Creditors, arrears statuses and the nine buckets of money (B44, R5, R6).

Belongs here: what a bucket is and its one order. Does not belong here: sums over frames, posting, storage.
Every amount is int64 pence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

CREDITORS = ("RP", "GB_SOS", "NI_SOS")
ARREARS_STATUSES = ("ACTIVE", "SUSPENDED", "DEFERRED")

# As people say them.
CREDITORS_SAID = {
    "RP": "receiving parent",
    "GB_SOS": "GB Secretary of State",
    "NI_SOS": "NI Secretary of State",
}
STATUSES_SAID = {
    "ACTIVE": "collectable now",
    "SUSPENDED": "collection paused",
    "DEFERRED": "not pursued at present",
}


@dataclass(frozen=True)
class Bucket:
    """One of the nine kinds of arrears a case can carry: who is owed, and whether it is collected now."""

    creditor: str
    arrears_status: str

    @property
    def column(self) -> str:
        """The column of csa_balances (and csa_debts) that holds this bucket, in pence."""
        return f"{self.creditor.lower()}_{self.arrears_status.lower()}_pence"


BUCKETS = tuple(Bucket(creditor, status) for creditor in CREDITORS for status in ARREARS_STATUSES)
BUCKET_COLUMNS = tuple(bucket.column for bucket in BUCKETS)
RP_BUCKET_COLUMNS = tuple(bucket.column for bucket in BUCKETS if bucket.creditor == "RP")

INT64_LIMIT_PENCE = 2**63 - 1
# [0-9], for \d takes other scripts' digits; no sign but a hyphen, and nothing between thousands.
POUNDS: Final = re.compile(r"(-?)([0-9]+)\.([0-9]{2})")


def parse_pounds(text: str | None) -> int | None:
    """'155.18' -> 15518, '-0.05' -> -5: exact pence; None unless pounds with two decimals that fit int64
    pence."""
    match = POUNDS.fullmatch(text) if text is not None and len(text) <= 40 else None
    if match is None:
        return None
    sign, whole, part = match.groups()
    pence = int(whole) * 100 + int(part)
    return None if pence > INT64_LIMIT_PENCE else -pence if sign else pence


def pounds(pence: int) -> str:
    """Pence as people read it: 123456 -> '1,234.56', -5 -> '-0.05'. Exact: integers throughout."""
    sign = "-" if pence < 0 else ""
    whole, part = divmod(abs(pence), 100)
    return f"{sign}{whole:,}.{part:02d}"
