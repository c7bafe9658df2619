"""The letters: codes, titles, and whether one goes out (B12-B18, R15, R16).

Belongs here: what each code is, and the order of reasons for which a letter is not sent. Not: their text or layout.
"""

from __future__ import annotations

from typing import Final

ISSUED: Final = "ISSUED"
NOT_ISSUED: Final = "NOT_ISSUED"
SUPPRESSED: Final = "SUPPRESSED"
NO_VALID_ADDRESS: Final = "NO_VALID_ADDRESS"
DLO: Final = "DLO"
DECEASED: Final = "DECEASED"

ARREARS_PAYING_PARENT: Final = "CMSL6301"
ARREARS_RECEIVING_PARENT: Final = "CMSL6302"
COVERING: Final = "CMSL6314"

_NEW_ARRANGEMENT = "Important: Child maintenance is changing - you need to make a new arrangement"
_NOW_ENDS = "Urgent: Your child maintenance arrangement will now end on {led}"
_REMINDER = "Reminder: You need to make a new child maintenance arrangement"
_ENDED = "Important information about your child maintenance case"
_PAYMENTS = "Important information about your child maintenance payments"
_SENT = "We've sent some important information to you"

TITLES: Final = {
    "CMSL6300": "Please confirm that you would like us to write off your arrears",
    "CMSL6301": _PAYMENTS, "CMSL6302": _PAYMENTS,
    "CMSL6303": _NEW_ARRANGEMENT, "CMSL6304": _NEW_ARRANGEMENT,
    "CMSL6305": _NOW_ENDS, "CMSL6306": _REMINDER, "CMSL6307": _ENDED,
    "CMSL6308": _NEW_ARRANGEMENT, "CMSL6309": _NEW_ARRANGEMENT,
    "CMSL6310": _NOW_ENDS, "CMSL6311": _REMINDER, "CMSL6312": _ENDED,
    "CMSL6313": _SENT, "CMSL6314": _SENT,
}  # fmt: skip
