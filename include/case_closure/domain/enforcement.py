"""Enforcement actions and actions CSA could not finish: which of them ask for somebody, and whom (B57, B62-B64, R33, [32]).

Belongs here: the ruling about one action. Does not belong here: raising an item (``stages.refer_actions``).
"""

from __future__ import annotations

from typing import Final

ENFORCEMENT_TEAM: Final = "ENFORCEMENT_TEAM"
LIABILITY_ORDER: Final = "LIABILITY_ORDER"
ENFORCEMENT_ACTION: Final = "ENFORCEMENT_ACTION"
CSA_ACTION_OUTSTANDING: Final = "CSA_ACTION_OUTSTANDING"

OUTSTANDING_SAID: Final = {
    "APPEAL": "an appeal", "COMPLAINT": "a complaint", "CHANGE_OF_CIRCUMSTANCES": "a change of circumstances",
    "OTHER": "something",
}  # fmt: skip
"""What CSA has left to do, as people say it."""


def item_asked_for(action_type: str, *, ongoing: bool) -> str | None:
    """The kind of work item that an enforcement action asks for; None while it asks for none (an order that is not ongoing)."""
    if action_type != LIABILITY_ORDER:
        return ENFORCEMENT_ACTION
    return LIABILITY_ORDER if ongoing else None
