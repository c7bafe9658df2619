"""The stages of a night, once: their names in order, what each does, and the behaviours it serves.

Belongs here: the list. Does not belong here: doing any of it (``night``), wiring it (the DAGs).
"""

from __future__ import annotations

from typing import Final

MEANINGS: Final = {
    "open_night": "Opens the night; refused while another is open or an earlier one failed (R21).",
    "verify_landing": "Holds the landing folder against its manifest; a disagreement rejects it whole (R22).",
    "receive_extract": "Takes in the extract, whole; case rows pass their gate on the way in (B1, B28, B35).",
    "select_tranche": "Reads the criteria, selects whole casegroups up to the cap, stamps their LED (B2-B7).",
    "take_applications": "Decides applications to CMS, looks people up, moves whole casegroups, makes LTRs (B19-B25).",
    "judge_debts": "Runs the nine rules over new and changed debts: what each writes off, what is left (B71).",
    "follow_closure": "Moves each journey on; letters of contact, reminder and end of liability (B7, B12, B69).",
    "receive_balances": "Gates every balance, finds what may transfer (B28, B29).",
    "set_up_cases": "Checks and creates or links the cases that need dues on CMS (B31, B35-B43).",
    "post_dues": "Works out the dues that mirror each balance, and where every penny is (B32, B44, R7).",
    "decide_next_action": "Write-off checks, letters, next action; stores all of a casegroup at once (B45-B50).",
    "apply_corrections": "Gates corrections and applies the good ones; a bad one is refused alone (B55, R28, R29).",
    "allocate_payments": "Finds whose each payment is, lets go what people entered, allocates to dues (B59-B61, R25).",
    "refer_actions": "Refers outstanding actions, enforcement and rows refused alone to whoever must act (B57, B62-B64).",
    "check_money_law": "Received = posted + held + credits, in every bucket; a breach fails the night and says where.",
    "write_out": "Letters, files to CSA, CIS and the warehouse, reports: the outbound folder, whole or not at all.",
    "close_night": "Counts the night's figures and closes it.",
}
STAGES: Final[tuple[str, ...]] = tuple(MEANINGS)

# Worked on in parts, each a stretch of the book: on one machine or several. Of the last, what is typeset is.
IN_PARTS: Final = (
    "follow_closure", "receive_balances", "set_up_cases", "post_dues", "decide_next_action", "write_out",
)  # fmt: skip
# Of those, where what the parts come to is put together by a task that is alone in the night.
PUT_TOGETHER: Final = ("write_out",)
