"""What a work item of a type asks for, where all of that type ask for the same.

Belongs here: these words, once. Does not belong here: when an item is raised, what one says that is about something of its own
(the stages).
"""

from __future__ import annotations

from typing import Final

SET_UP: Final = "ARREARS_ONLY_CASE_SET_UP"
CONFIRM_WRITE_OFF: Final = "CONFIRM_WRITE_OFF"
APPLICATION: Final = "ARREARS_ONLY_APPLICATION"

WORDS: Final = {
    SET_UP: "An arrears-only case was set up on CMS for this CSA case. Check it and tell the parents.",
    CONFIRM_WRITE_OFF: "The receiving parent asked for write-off but is still owed arrears. Investigate, confirm with them, and "
    "send CMSL6300 with its dates.",
    APPLICATION: "Apply for an arrears-only case for the clerical balance.",
}
"""By type. An item that says these words is stored without them."""
