"""What a tranche is selected on (B2, B6, B7).

Belongs here: the criteria as data, when they may be used, the end liability date they give, whether two sets overlap; who may
approve them; the words for what becomes of a version, a casegroup or a case. Does not belong here: reading them
from a file (``landing.criteria``), the selection itself (``stages.select_tranche``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

# The contract's fields, in its order.
FIELDS: Final = (
    "tranche_id", "ocr_reference", "authorised_by", "authorised_on", "reason", "segments", "csa_systems", "case_types",
    "max_cases", "notice_days", "reminder_days", "valid_from", "valid_to",
)  # fmt: skip
# What of a case is matched; a case must be in all three.
MATCHED: Final = ("segments", "csa_systems", "case_types")
# Longer notice than this is a slip of the keyboard, and would in the end pass the last date there is.
LONGEST_NOTICE_DAYS: Final = 3660

# Why a casegroup with a matching case is left out; with several, the first is said.
SENSITIVE: Final = "SENSITIVE"
ALREADY_SELECTED: Final = "ALREADY_SELECTED"
CLERICAL: Final = "CLERICAL"
INHIBITED: Final = "INHIBITED"
LEFT_OUT: Final = (SENSITIVE, ALREADY_SELECTED, CLERICAL, INHIBITED)

# Why CSA is told of an end liability date: the case was selected, came to a casegroup that has one, or took its own along.
SELECTED, JOINED, MOVED = "SELECTED", "JOINED", "MOVED"

# What a version of criteria is: read from a file and so in force, or proposed, and then approved or refused (B6).
LOADED, PROPOSED, APPROVED, REFUSED = "LOADED", "PROPOSED", "APPROVED", "REFUSED"


@dataclass(frozen=True)
class Criteria:
    """One tranche's criteria, as the contract has them. ``max_cases`` None: no cap. Validity None: open at that end.

    ``reminder_days`` None: one month. The three lists are sorted, without repeats, never empty.
    """

    tranche_id: str
    ocr_reference: str | None
    authorised_by: str | None
    authorised_on: date | None
    reason: str | None
    segments: tuple[int, ...]
    csa_systems: tuple[str, ...]
    case_types: tuple[str, ...]
    max_cases: int | None
    notice_days: int
    reminder_days: int | None
    valid_from: date | None
    valid_to: date | None

    @property
    def authorised(self) -> bool:
        """B6: without both a row selects nothing."""
        return self.authorised_by is not None and self.authorised_on is not None

    def valid_on(self, on: date) -> bool:
        """Whether that night lies in its period, both ends included."""
        return (self.valid_from or on) <= on <= (self.valid_to or on)

    def led(self, on: date) -> date:
        """The end liability date of what is selected that night (B4)."""
        return on + timedelta(days=self.notice_days)

    def overlaps(self, other: Criteria) -> bool:
        """Whether some case could match both on some night."""
        in_time = (self.valid_from or date.min) <= (other.valid_to or date.max) and (
            other.valid_from or date.min
        ) <= (self.valid_to or date.max)
        return in_time and all(set(getattr(self, name)) & set(getattr(other, name)) for name in MATCHED)

    def as_row(self) -> dict[str, Any]:
        """Its fields by name; lists as lists."""
        return {
            name: list(value) if isinstance(value := getattr(self, name), tuple) else value for name in FIELDS
        }


def why_not_approved(
    by: str,
    *,
    tranche_id: str,
    proposed_by: str,
    may_approve: Collection[str],
    replaces: int | None,
    in_force: int | None,
) -> str | None:
    """Why a proposal may not be approved by that person, in words; None when it may (B6).

    Only another than the proposer may, and only one of ``may_approve`` unless that is empty; and only while the version it
    was to replace is still the one in force.
    """
    if _same_person(by, proposed_by):
        return f"{by} proposed it and may not approve it: another member of the control group must (B6)"
    if may_approve and by not in may_approve:
        return f"{by} is not a member of the control group, which alone approves (B6)"
    if in_force != replaces:
        return (
            f"the criteria of tranche {tranche_id} were changed after it was proposed: propose it again, "
            "against what is in force now"
        )
    return None


def _same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
