"""The lists of values that this product itself gives its records, once: what the store accepts is made from them.

Belongs here: lists of what we decide. Does not belong here: lists of what a landed file may hold (``cases``, ``money``), what a
value leads to (its own module of the domain).
"""

from __future__ import annotations

from typing import Final

from case_closure.domain import applications, letters, outcomes, payments
from case_closure.domain.cases import PAYING_PARENT, RECEIVING_PARENT
from case_closure.domain.enforcement import ENFORCEMENT_TEAM
from case_closure.domain.rules import CASE_OWNER, FT_TEAM

OUTCOMES: Final = (outcomes.TRANSITION_COMPLETE, outcomes.HELD, outcomes.EXCEPTION, outcomes.CLERICAL)
ORIGINS: Final = ("EXISTING", "ARREARS_ONLY")
REGIONS: Final = ("GB", "NI")

SEVERITIES: Final = ("HOLD", "WARNING")
EXCEPTION_STATUSES: Final = ("OPEN", "ALLOCATED", "RESOLVED")
EXCEPTION_EVENTS: Final = ("OPENED", "ALLOCATED", "ENTERED", "NOT_MENDED", "RESOLVED", "REOPENED")
CHANNELS: Final = (
    "EXTRACT", "FAILURE_REPORT", "PAYMENT_FILE", "OFFLINE_REPORT", "CSA_CASEWORKER", "GATEWAY", "CSA_TEAM", "LEGACY_TEAM",
)  # fmt: skip
ROUTES_SAID: Final = {
    CASE_OWNER: "case owner on CMS",
    FT_TEAM: "financial transition team",
    ENFORCEMENT_TEAM: "enforcement team",
}
"""Whose it is to do, as people say it; of a warning nobody's."""
ROUTES: Final = tuple(ROUTES_SAID)
WORK_ITEM_TYPES: Final = (
    "CONFIRM_WRITE_OFF", "ARREARS_ONLY_CASE_SET_UP", "MANUAL_HANDLING", "ADD_CORRECT_ARREARS", "ARREARS_ONLY_APPLICATION",
    "ENFORCEMENT_ACTION", "LIABILITY_ORDER", "LOOKUP_DIFFERS", "LOOKUP_FAILED_APPLICANT", "LOOKUP_FAILED_PAYING_PARENT",
    "LOOKUP_FAILED_PARTNER", "DCA_MANUAL_ALLOCATION", "PAYMENT_SUSPENSE", "CSA_ACTION_OUTSTANDING", "CLOSURE_FAILED", "STUCK",
)  # fmt: skip
WORK_ITEM_STATUSES: Final = ("OPEN", "CLOSED")

LETTER_CODES: Final = tuple(letters.TITLES)
RECIPIENT_ROLES: Final = (PAYING_PARENT, RECEIVING_PARENT, "REPRESENTATIVE")
LETTER_STATUSES: Final = (letters.ISSUED, letters.NOT_ISSUED, letters.SUPPRESSED)
UNSENT_REASONS: Final = (letters.NO_VALID_ADDRESS, letters.DLO, letters.DECEASED)
DELIVERY_CHANNELS: Final = ("print", "notify")
DELIVERY_STATES: Final = ("CREATED", "SENDING", "SENT", "FAILED")

PAYMENT_SOURCES: Final = payments.SOURCES
PAYMENT_STATUSES: Final = payments.STATUSES

STAGE_OUTCOMES: Final = ("STARTED", "ENDED", "FAILED")

JOURNEYS: Final = (applications.PROACTIVE, applications.REACTIVE)
NOTICE_CAUSES: Final = ("SELECTED", "JOINED", "REACTIVE", "MOVED")
CRITERIA_STATES: Final = ("LOADED", "PROPOSED", "APPROVED", "REFUSED")
DECISIONS: Final = (
    applications.REACTIVE, applications.KEPT_PROACTIVE, applications.ALREADY_REACTIVE, applications.NOT_ON_CSA,
    applications.NOT_ELIGIBLE, applications.LIABILITY_ENDED,
)  # fmt: skip
