"""What can become of a casegroup, and why (R4, R11, R12).

Belongs here: the outcomes, their reasons and the order in which they are shown. Not: how a casegroup comes to one.
"""

from __future__ import annotations

from typing import Final

TRANSITION_COMPLETE: Final = "TRANSITION_COMPLETE"
HELD: Final = "HELD"
EXCEPTION: Final = "EXCEPTION"
CLERICAL: Final = "CLERICAL"

# R4
NIL_ARREARS: Final = "NIL_ARREARS"
ARREARS_ADDED: Final = "ARREARS_ADDED"

# R12: with several holds, the first is shown.
HOLD_REASONS: Final = ("CLOSURE_FAILED", "OPEN_CASES", "INHIBITED")
# R12, R13, R26: with several, the first is shown.
CLERICAL_REASONS: Final = ("NATIONALLY_SENSITIVE", "PARTIALLY_CLERICAL", "CLERICAL_REPORT")

# B70: who may set an inhibit.
INHIBIT_AUTHORISED_ROLES: Final = ("TEAM_LEADER", "MANAGER")
