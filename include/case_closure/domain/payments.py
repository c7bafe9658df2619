"""What becomes of money that clients pay to CSA or to a collection agency (B59-B61), and in which order dues take it ([18]).

Belongs here: where a payment can stand, the order of dues, and sharing pence out among them exactly. Does not belong here:
whose a payment is (``stages.allocate_payments``), frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from case_closure.domain.money import ARREARS_STATUSES, CREDITORS

CSA, DCA = "CSA", "DCA"
SOURCES: Final = (CSA, DCA)

ALLOCATED, HELD, SUSPENSE, SURPLUS = "ALLOCATED", "HELD", "SUSPENSE", "SURPLUS"
DUPLICATE, FLAGGED, PASSED_ON = "DUPLICATE", "FLAGGED", "PASSED_ON"
STATUSES: Final = (ALLOCATED, HELD, SUSPENSE, SURPLUS, DUPLICATE, FLAGGED, PASSED_ON)
WITH_AN_OWNER: Final = (ALLOCATED, HELD, SURPLUS, FLAGGED)
DONE: Final = (ALLOCATED, SURPLUS)

# As people say them, in the order in which they are listed: what waits first.
STATUSES_SAID: Final = {
    HELD: "waits until its casegroup is complete",
    FLAGGED: "waits for a person to let it go",
    SUSPENSE: "waits until its owner is known",
    ALLOCATED: "has paid dues, all of it",
    SURPLUS: "was more than was owed: the rest is left over",
    DUPLICATE: "a receipt that came again",
    PASSED_ON: "has left for whoever it belongs to",
}
WAITING: Final = (HELD, FLAGGED, SUSPENSE)
SOURCES_SAID: Final = {CSA: "paid to CSA", DCA: "by a collection agency"}

# What a person can enter of a payment, and where it must stand for that ([17], [20]).
CASEGROUP, PASSED_TO, BY_HAND = "casegroup_id", "passed_to", "manual_allocation"
FIELDS: Final = (CASEGROUP, PASSED_TO, BY_HAND)
TRUE, FALSE = "true", "false"

# Dues take money in this order; in each by their period, and then by creditor, so that it does not depend on who is asked.
STATUS_RANKS: Final = {status: rank for rank, status in enumerate(ARREARS_STATUSES)}
CREDITOR_RANKS: Final = {creditor: rank for rank, creditor in enumerate(CREDITORS)}


def shared_out(payments: Sequence[int], dues: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(payment, due, pence): what each payment gives to each due, both in their order, each by its place; nothing else.

    ``payments`` and ``dues``: pence above 0, exact whatever their size. A due never takes more than it is, a payment never gives
    more: what is left over of either is not told.
    """
    at, left = 0, dues[0] if dues else 0
    for place, pence in enumerate(payments):
        while pence and at < len(dues):
            given = min(pence, left)
            yield place, at, given
            pence, left = pence - given, left - given
            if not left:
                at += 1
                left = dues[at] if at < len(dues) else 0
