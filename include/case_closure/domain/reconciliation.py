"""Breaks of the reconciliation: their types, and the causes that can be told from the figures (B54).

Belongs here: each type and cause with its plain words, for the workbook, the views and the docs.
Does not belong here: finding them (``store.reconciliation``), laying them out (``outbound.reconciliation``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MISSING_ON_CMS: Final = "MISSING_ON_CMS"
NOT_ON_CSA: Final = "NOT_ON_CSA"
AMOUNT_DIFFERS: Final = "AMOUNT_DIFFERS"

BREAK_TYPES: Final[dict[str, str]] = {
    MISSING_ON_CMS: "It left CSA, and nothing was received.",
    NOT_ON_CSA: "It was received, and CSA's closing ledger has no line for it, or one of nothing.",
    AMOUNT_DIFFERS: "It left CSA and was received, in different amounts.",
}

# In a few words, to stand beside the code.
BREAKS_SAID: Final[dict[str, str]] = {
    MISSING_ON_CMS: "left CSA, not received",
    NOT_ON_CSA: "received, not on CSA's ledger",
    AMOUNT_DIFFERS: "both, in different amounts",
}


@dataclass(frozen=True)
class Cause:
    """Why an amount breaks: ``name`` as people call it, ``says`` what the figures show and what to do."""

    name: str
    says: str


# In the order in which they are looked for: a break has the first that fits.
CAUSES: Final[dict[str, Cause]] = {
    "DUPLICATE": Cause(
        "Duplicate",
        "The case stands more than once in the balances. Establish which balance is right; it must be sent once.",
    ),
    "MISSING_CASE": Cause(
        "Missing case",
        "CSA says that the case left, and no balance was received for it. Ask the warehouse for it.",
    ),
    "EXTRA_CASE": Cause(
        "Extra case",
        "A balance was received for a case that CSA's closing ledger does not know. Ask CSA whether it left.",
    ),
    "SWAPPED_CREDITORS": Cause(
        "Swapped creditors",
        "What CSA says is owed to one creditor was received as owed to another. Establish on the CSA system who is owed it.",
    ),
    "SWAPPED_STATUSES": Cause(
        "Swapped statuses",
        "It was received under another arrears status than it left CSA with. Establish on the CSA system which is right.",
    ),
    "RECEIVED_TWICE": Cause(
        "Received twice",
        "Exactly twice what left CSA was received, probably a duplicate. Look for a second balance of the case.",
    ),
    "WRITE_OFF_INCLUDED": Cause(
        "Sent before the write-off",
        "The difference is what CSA has written off. Correct the arrears, or have the balance sent again.",
    ),
    "PENNY": Cause("A penny", "The amounts differ by one penny. Compare how the two systems round."),
    "MISSING_AMOUNT": Cause(
        "Missing amount",
        "The case was received, but not this amount. Compare the balance with the CSA system.",
    ),
    "EXTRA_AMOUNT": Cause(
        "Extra amount",
        "The case left CSA, but not this amount. Compare the balance with the CSA system.",
    ),
    "OTHER_AMOUNT": Cause(
        "Another amount",
        "The amounts differ and the figures do not say why. Compare the balance with the CSA system.",
    ),
}
