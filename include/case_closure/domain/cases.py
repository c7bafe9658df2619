"""What a CSA case may say of itself.

Belongs here: the values each coded column of csa_cases may take. Not: the file's schema (``tables.landed``).
"""

from __future__ import annotations

from typing import Final

CSA_SYSTEMS: Final = ("CSCS", "CS2", "CCD")
# As people say them.
SYSTEMS_SAID: Final = {
    "CSCS": "Child Support Computer System",
    "CS2": "Child Support 2",
    "CCD": "clerical case database",
}
PAYING_PARENT: Final = "PAYING_PARENT"
RECEIVING_PARENT: Final = "RECEIVING_PARENT"
METHODS_OF_PAYMENT: Final = ("DIRECT_DEBIT", "STANDING_ORDER", "DEO", "DER", "BENEFIT_DEDUCTION", "CARD")
BANK_METHODS: Final = ("DIRECT_DEBIT", "STANDING_ORDER")
EMPLOYER_METHODS: Final = ("DEO", "DER")
RP_ARREARS_DECISIONS: Final = ("COLLECT", "WRITE_OFF", "PART_WRITE_OFF")

CASE_KEY: Final = ("csa_system", "csa_case_id")
CASE_REQUIRED: Final = ("scheme", "case_type", "case_status")
# A value outside these lists, or none in a required column, is case_enum_invalid. The method of payment
# has a rule of its own, at set-up.
CASE_ENUMS: Final[dict[str, tuple[object, ...]]] = {
    "csa_system": CSA_SYSTEMS,
    "scheme": ("1993", "2003"),
    "case_type": ("ONGOING", "ARREARS_ONLY"),
    "case_status": ("OPEN", "CLOSED"),
    "closed_reason": ("CASE_CLOSURE", "OTHER"),
    "segment": (1, 2, 3, 4, 5),
    "rp_arrears_decision": RP_ARREARS_DECISIONS,
}
