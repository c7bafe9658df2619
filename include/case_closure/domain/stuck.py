"""What is stuck (R36, [30]): what waits for so long that somebody is told, and in which words.

Belongs here: which things can be stuck, from when on each is, the words of its work item. Does not belong here: finding them
(``store.stuck``), when anybody looks (``sweeps.stuck``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from case_closure.domain.money import pounds
from case_closure.domain.texts import shown

EXCEPTION, PAYMENT, NIGHT, LETTER = KINDS = ("EXCEPTION", "PAYMENT", "NIGHT", "LETTER")

# Skipped is said by somebody, and is not stuck (R40).
NIGHTS: Final = ("OPEN", "FAILED", "REJECTED")
PAYMENTS: Final = ("HELD", "FLAGGED")
LETTERS: Final = ("FAILED",)

WHAT_TO_DO: Final = {
    "OPEN": "if its process has gone, run it again: it goes on where it stopped.",
    "FAILED": "mend its cause and run it again.",
    "REJECTED": "land it right and run it, or skip it: case-closure night skip.",
}


@dataclass(frozen=True)
class Thing:
    """Something that is stuck, or may become so.

    ``key``: tells it from every other thing of any kind. ``reference``: what its item is about. ``state``: how it stands; of an
    exception its rule. ``who``: who has it, if anybody. ``pence``: of a payment. ``sensitive``: where no casegroup tells (R26).
    """

    kind: str
    key: str
    reference: str
    since: date
    state: str
    who: str | None
    pence: int | None
    casegroup_id: str | None
    csa_system: str | None
    csa_case_id: str | None
    sensitive: bool


def since_before(kind: str, on: date, days: int) -> date | None:
    """What began to wait before this date is stuck on ``on``; None: it is so from the first.

    More than ``days`` days for exceptions and payments: what began exactly so many days ago is not stuck yet.
    """
    return {EXCEPTION: on - timedelta(days=days), PAYMENT: on - timedelta(days=days), NIGHT: on}.get(kind)


def words(thing: Thing) -> str:
    """What its work item says, in plain words, and with nothing personal in it."""
    if thing.kind == EXCEPTION:
        has = f"{shown(thing.who)} has it" if thing.who else "nobody has it"
        return f"{thing.state} is open since {thing.since}, and {has}: work it, or allocate it."
    if thing.kind == PAYMENT:
        return (
            f"A payment of {pounds(thing.pence or 0)} GBP is {thing.state}; it was received on {thing.since}."
        )
    if thing.kind == NIGHT:
        return f"The night of {thing.since} is {thing.state}: {WHAT_TO_DO[thing.state]}"
    return (
        f"A letter of {thing.since} could not be sent; why stands in letter_deliveries. Mend that and send it again, or send it "
        "by hand."
    )
