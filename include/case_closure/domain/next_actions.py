"""What happens next with a case whose arrears are on CMS: a decision table, as data (B46, B47, R23's habit).

The source says that the next action follows from what the Legacy Interface supplied and does not list the
actions; these are illustrative. Belongs here: the table. Does not belong here: applying it to a night's cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Row:
    """The first row whose conditions all hold decides. A condition that is None holds always.

    ``owed_to``: 'RP' when arrears are owed to the receiving parent, 'SOS' when to a Secretary of State alone.
    ``collectable``: an active bucket is owed. ``decision``: what the receiving parent chose; ``methods``: how
    the paying parent pays.
    """

    number: int
    action: str
    says: str
    owed_to: str | None = None
    collectable: bool | None = None
    decisions: tuple[str, ...] | None = None
    methods: tuple[str, ...] | None = None


TABLE: Final = (
    Row(1, "AWAIT_WRITE_OFF_CONFIRMATION", "The receiving parent had asked for write-off and is still owed arrears",
        owed_to="RP", decisions=("WRITE_OFF", "PART_WRITE_OFF")),
    Row(2, "MONITOR", "Nothing owed is collectable now", collectable=False),
    Row(3, "COLLECT_FROM_BENEFIT", "Collectable, by deduction from benefit", methods=("BENEFIT_DEDUCTION",)),
    Row(4, "COLLECT_FROM_EARNINGS", "Collectable, from the employer", methods=("DEO", "DER")),
    Row(5, "COLLECT_FROM_BANK", "Collectable, from the bank account", methods=("DIRECT_DEBIT", "STANDING_ORDER")),
    Row(6, "ARRANGE_PAYMENT", "Collectable, no standing method of payment"),
)  # fmt: skip

VERSION: Final = 1
TABLES: Final = {1: TABLE}
"""Every version of the table there was. Only the row that decided is stored: its words are here."""
