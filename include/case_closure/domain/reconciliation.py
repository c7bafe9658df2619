"""Breaks of the reconciliation: their types, and the causes that can be told from the figures (B54).

Belongs here: each type and cause with its plain words, for the workbook, the views and the docs.
Does not belong here: finding them (``store.reconciliation``), laying them out (``outbound.reconciliation``).
"""

from __future__ import annotations

from typing import Final

MISSING_ON_CMS: Final = "MISSING_ON_CMS"
NOT_ON_CSA: Final = "NOT_ON_CSA"
AMOUNT_DIFFERS: Final = "AMOUNT_DIFFERS"

BREAK_TYPES: Final[dict[str, str]] = {
    MISSING_ON_CMS: "It left CSA, and nothing was received.",
    NOT_ON_CSA: "It was received, and CSA's closing ledger has no line for it, or one of nothing.",
    AMOUNT_DIFFERS: "It left CSA and was received, in different amounts.",
}

# In the order in which they are looked for: a break has the first that fits.
CAUSES: Final[dict[str, str]] = {
    "DUPLICATE": "The case stands more than once in the balances, so that more was received than left CSA. Establish which "
    "balance is right; it must be sent once.",
    "MISSING_CASE": "Missing case: CSA says that the case left, and no balance was received for it. Ask the warehouse for it.",
    "EXTRA_CASE": "Extra case: a balance was received for a case that CSA's closing ledger does not know. Ask CSA whether it "
    "left.",
    "SWAPPED_CREDITORS": "Swapped creditors: what CSA says is owed to one creditor was received as owed to another. Establish "
    "on the CSA system who is owed it.",
    "SWAPPED_STATUSES": "Swapped statuses: the amount was received under another arrears status than it left CSA with. "
    "Establish on the CSA system which is right.",
    "RECEIVED_TWICE": "Exactly twice what left CSA was received: probably a duplicate. Look for a second balance of the case.",
    "WRITE_OFF_INCLUDED": "The difference is what CSA has written off: the balance was sent before the write-off. Correct the "
    "arrears, or have the balance sent again.",
    "PENNY": "A penny: the amounts differ by one penny. Compare how the two systems round.",
    "MISSING_AMOUNT": "The case was received, but not this amount. Compare the balance with the CSA system.",
    "EXTRA_AMOUNT": "The case left CSA, but not this amount. Compare the balance with the CSA system.",
    "OTHER_AMOUNT": "The amounts differ and the figures do not say why. Compare the balance with the CSA system.",
}
