"""The shape of each frame that passes between rooms: what the store hands to a stage, and what a stage hands on.

Belongs here: the names, the order and the types of their columns, once each, and holding a frame against them. Money is int64
pence, counters int64, dates date32, texts string, flags bool; in a frame a date is datetime64[s], and where an integer was null
a flag ``<name>__missing`` stands beside it (``frames.to_frame``). A frame is called as the table it comes from or goes to.
Does not belong here: how a column is found (``store``), what becomes of it (``stages``), what lands (``landed``), and what stays
inside one room: the facts that gates judge, what the reports read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from case_closure.domain import addresses
from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.tables.landed import DAY, FLAG, PENCE, TEXT

NUMBER: Final = pa.int64()


def _shape(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


def _texts(names: Iterable[str]) -> dict[str, pa.DataType]:
    return dict.fromkeys(names, TEXT)


_CASE: Final = ("csa_system", "csa_case_id")
_BUCKET: Final = ("creditor", "arrears_status")
_FIGURES: Final = dict.fromkeys(("received_pence", "posted_pence", "held_pence", "credit_pence"), PENCE)
_BUCKETS: Final = dict.fromkeys(BUCKET_COLUMNS, PENCE)

# --- gathered of the judged casegroups, as it is held

CASEGROUP_IDS: Final = _shape(casegroup_id=TEXT)
CASE_KEYS: Final = _shape(case_key=TEXT)
LETTER_IDS: Final = _shape(letter_id=TEXT)

CASES: Final = _shape(
    business_date=DAY, **_texts((*_CASE, "casegroup_id", "claimed_casegroup_id", "scheme", "paying_parent_id",
                                 "receiving_parent_id", "case_type", "case_status", "closed_reason")),
    liability_end_date=DAY, partially_clerical=FLAG, nationally_sensitive=FLAG, manual_inhibit=FLAG, automatic_inhibit=FLAG,
    closure_failure_code=TEXT, rp_arrears_decision=TEXT, rp_keep_pence=PENCE, method_of_payment=TEXT, pp_sort_code=TEXT,
    pp_account_number=TEXT, employer_reference=TEXT, last_closed_on=DAY,
)  # fmt: skip
BALANCES: Final = _shape(
    business_date=DAY, balance_id=TEXT, **_texts((*_CASE, "row_casegroup_id")), **_BUCKETS, total_pence=PENCE, arrears_from=DAY,
    arrears_to=DAY,
)  # fmt: skip
"""Arrivals of csa_balances and of clerical_balances alike; ``row_casegroup_id``: the casegroup that the row names."""
INHIBITS: Final = _shape(
    business_date=DAY,
    inhibit_id=TEXT,
    **_texts((*_CASE, "reason", "set_by_role")),
    set_on=DAY,
    removed_on=DAY,
)
CLOSURE_FAILURES: Final = _shape(business_date=DAY, **_texts((*_CASE, "failure_code")))
RESOLUTIONS: Final = _shape(
    business_date=DAY,
    resolution_id=TEXT,
    **_texts((*_CASE, "entity", "field", "old_value", "new_value")),
    entered_on=DAY,
)
ENTERED_FOR_PEOPLE: Final = pa.schema(
    [*RESOLUTIONS, pa.field("paying_parent_id", TEXT), pa.field("receiving_parent_id", TEXT)]
)
"""Resolutions, each with the two parents of its case as held."""
REPORTED_EXCEPTIONS: Final = _shape(
    business_date=DAY, **_texts(("report_id", "casegroup_id", *_CASE, "channel", "stage", "detail", "reported_by")),
    reported_on=DAY, cleared_on=DAY, cleared_by=TEXT,
)  # fmt: skip
"""Reports from outside, in the casegroup of the case that they name, else in the one they name themselves (B51)."""
REFUSED_ROWS: Final = _shape(
    rule_codes=TEXT, fields=TEXT, **_texts((*_CASE, "casegroup_id")), sensitive=FLAG, original=TEXT, told=TEXT
)
"""``rule_codes``, ``fields`` (one for one) and ``told`` are lists as JSON."""
SENSITIVE_REFUSALS: Final = _shape(**_texts((*_CASE, "casegroup_id")))
CASEGROUPS: Final = _shape(
    casegroup_id=TEXT,
    sensitive=FLAG,
    outcome=TEXT,
    reason=TEXT,
    **_FIGURES,
    completed_on=DAY,
    business_date=DAY,
)
POSITIONS: Final = _shape(
    **_texts(("casegroup_id", *_CASE, *_BUCKET)), **_FIGURES, business_date=DAY, credited_on=DAY
)
DUES_NOW: Final = _shape(
    **_texts(("case_key", *_CASE, *_BUCKET)), amount_pence=PENCE, arrears_from=DAY, arrears_to=DAY
)
COMPLETED_PERIODS: Final = _shape(case_key=TEXT, arrears_from=DAY, arrears_to=DAY)
BALANCES_ACCEPTED: Final = _shape(case_key=TEXT, **_BUCKETS, arrears_from=DAY, arrears_to=DAY)
"""Balances that had come when their case was last corrected."""
TAKEN_IN: Final = _shape(**_texts(("casegroup_id", *_CASE, *_BUCKET)), taken_in_pence=PENCE)
OPEN_EXCEPTIONS: Final = _shape(
    exception_id=TEXT, business_date=DAY, **_texts(("rule_code", "severity", *_CASE, "casegroup_id", "subject",
                                                    "subject_reference", "status", "route")),
)  # fmt: skip
CMS_CASES_STANDING: Final = _shape(
    **_texts(
        ("case_key", *_CASE, "casegroup_id", "cms_case_id", "cms_casegroup_id", "scheme", "origin", "parents",
         "paying_parent_matched_on")
    )
)  # fmt: skip
"""``parents``: the casegroup and the pair of parents that share a case created here, as one text."""
PARTIES: Final = _shape(
    **_texts(("party_id", "title", "forenames", "surname")), date_of_birth=DAY, date_of_death=DAY, nino=TEXT, dlo=FLAG,
    **_texts((*addresses.CLIENT_COLUMNS, *addresses.REPRESENTATIVE_COLUMNS)),
)  # fmt: skip
CIS_PERSONS: Final = _shape(
    **_texts(("matched_on", "nino", "forenames", "surname")), date_of_birth=DAY, date_of_death=DAY, superseded_by_nino=TEXT,
    interest_registered=FLAG, benefit_code=TEXT, benefit_live=FLAG,
)  # fmt: skip
"""``matched_on``: the first eight characters of a NINO, by which people are compared."""
CMS_REGISTER: Final = _shape(
    **_texts(
        (
            "cms_case_id",
            "cms_casegroup_id",
            "case_owner",
            "pp_nino",
            "rp_nino",
            "pp_matched_on",
            "rp_matched_on",
        )
    )
)
PAYER_CASEGROUPS: Final = _shape(matched_on=TEXT, cms_casegroup_id=TEXT)
ROUTES: Final = _shape(casegroup_id=TEXT, case_owner=TEXT)
CLERICAL_ITEMS: Final = _shape(**_texts(("work_item_id", "type", "casegroup_id", "case_key")))

# --- concluded by receive_balances

CASEGROUPS_JUDGED: Final = _shape(
    casegroup_id=TEXT, clerical_reason=TEXT, hold_reason=TEXT, sensitive=FLAG, has_balance=FLAG, stopped=FLAG, positive=FLAG,
    completed_on=DAY, known=FLAG, ready=FLAG,
)  # fmt: skip
"""One line a judged casegroup with its verdict so far; ``known`` is not set for the line of what belongs to none."""
CASES_RECEIVED: Final = _shape(
    **_texts(("case_key", *_CASE, "casegroup_id", "scheme", "paying_parent_id", "receiving_parent_id", "rp_arrears_decision")),
    rp_keep_pence=PENCE, **_texts(("method_of_payment", "pp_sort_code", "pp_account_number", "employer_reference")),
    sensitive=FLAG,
)  # fmt: skip
"""What later stages need of a case; the rest has served once the gates have judged it."""
_RECEIVED: Final = {
    **_texts(("case_key", *_CASE, "casegroup_id", "balance_id")), **_BUCKETS, "arrears_from": DAY, "arrears_to": DAY,
}  # fmt: skip
BALANCES_RECEIVED: Final = _shape(
    **_RECEIVED, arrived_on=DAY, positive=FLAG, passed=FLAG, since_completion=FLAG
)
CLERICAL_BALANCES_RECEIVED: Final = _shape(**_RECEIVED, positive=FLAG)
EXCEPTIONS_FOUND: Final = _shape(
    **_texts(("rule_code", "casegroup_id", *_CASE, "subject", "field", "value", "original")), sensitive=FLAG,
    **_texts(("subject_reference", "stage", "channel")),
)  # fmt: skip
"""An exception as it is found: one for each rule, case and subject (R38). ``stage``, ``channel``: its own, where it is told with
them; else missing, and those of its rule."""

# --- concluded by set_up_cases

CMS_CASES: Final = _shape(
    **_texts(("case_key", *_CASE, "casegroup_id", "cms_case_id", "cms_casegroup_id", "scheme", "origin")), created_on=DAY,
    **_texts(("maintenance_region", "method_of_payment", "benefit_code", "case_owner", "paying_parent_matched_on")),
)  # fmt: skip
CASEGROUPS_SET_UP: Final = _shape(casegroup_id=TEXT, all_set_up=FLAG)
CASES_REQUIRED: Final = _shape(
    **_texts(("case_key", *_CASE, "casegroup_id", "rp_arrears_decision")),
    rp_keep_pence=PENCE,
    method_of_payment=TEXT,
)
PEOPLE: Final = _shape(
    **_texts(("case_key", *_CASE, "casegroup_id", "role", "party_id")), address_valid=FLAG, dlo=FLAG, date_of_death=DAY,
    cis_death_recorded=FLAG, representative_name=TEXT, representative_address_valid=FLAG,
)  # fmt: skip
"""What letters need of a person, a line for each parent of a case."""
INTEREST_FLAGS: Final = _shape(party_id=TEXT, nino=TEXT, casegroup_id=TEXT)

# --- concluded by post_dues

COMPLETED: Final = _shape(casegroup_id=TEXT, reason=TEXT)
DUES: Final = _shape(
    due_id=TEXT, business_date=DAY, **_texts(("casegroup_id", "cms_casegroup_id", "cms_case_id", *_CASE, "scheme", *_BUCKET)),
    posted_pence=PENCE, arrears_from=DAY, arrears_to=DAY, reference=TEXT,
)  # fmt: skip
POSITIONS_POSTED: Final = _shape(**_texts(("casegroup_id", *_CASE, *_BUCKET)), **_FIGURES)
"""Where the pence of each bucket are tonight; the night each line is of is found when it is decided what changes."""

# --- concluded by decide_next_action; of exceptions, work items and letters by other stages too

EXCEPTIONS_OPENED: Final = pa.schema(
    [
        *EXCEPTIONS_FOUND,
        *((name, TEXT) for name in ("route", "case_owner", "exception_id", "severity", "message")),
    ]
)
_EXCEPTION: Final = _texts(("rule_code", "casegroup_id", *_CASE, "subject", "subject_reference"))
EXCEPTIONS_SEEN: Final = _shape(exception_id=TEXT, **_EXCEPTION)
EXCEPTIONS_ENTERED: Final = _shape(exception_id=TEXT, resolution_id=TEXT)
"""Which exceptions a resolution has been entered on."""
EXCEPTIONS_RESOLVED: Final = _shape(exception_id=TEXT, resolved_by=TEXT, resolved_on=DAY, **_EXCEPTION)
WORK_ITEMS: Final = _shape(
    **_texts(("work_item_id", "type", "casegroup_id", *_CASE)), sensitive=FLAG,
    **_texts(("subject_reference", "route", "detail")),
)  # fmt: skip
LETTERS: Final = _shape(
    **_texts(("letter_id", "code", "recipient_role", "party_id", "casegroup_id", *_CASE, "status", "reason", "covers_letter_id")),
    total_pence=PENCE,
)  # fmt: skip
NEXT_ACTIONS: Final = _shape(
    **_texts((*_CASE, "casegroup_id")), business_date=DAY, action=TEXT, version=NUMBER, table_row=NUMBER
)
"""``version``, ``table_row``: of ``domain.next_actions.TABLES``."""

# --- follow_closure: gathered, then concluded

STAMPS: Final = _shape(
    **_texts((*_CASE, "journey")), selected_on=DAY, led=DAY, became_reactive_on=DAY, reminder_days=NUMBER
)
JOURNEYS_STANDING: Final = _shape(casegroup_id=TEXT, state=TEXT, move_number=NUMBER)
LETTERS_SENT: Final = _shape(**_texts(("code", "casegroup_id", *_CASE)), business_date=DAY)
CLERICAL_LETTERS: Final = _shape(letter_id=TEXT, issued_on=DAY)
LETTERS_SUPPRESSED: Final = _shape(letter_id=TEXT, casegroup_id=TEXT)

JOURNEYS: Final = _shape(casegroup_id=TEXT, state=TEXT, move_number=NUMBER, business_date=DAY)
JOURNEY_MOVES: Final = _shape(
    casegroup_id=TEXT, move_number=NUMBER, **_texts(("from_state", "to_state", "cause")), business_date=DAY
)

# --- take_applications: gathered, then concluded

SAYS: Final = ("applicant_says_csa", "paying_parent_says_csa", "partner_says_csa")
APPLICATIONS_MADE: Final = _shape(
    application_id=TEXT, received_on=DAY, eligible=FLAG,
    **_texts(("applicant_role", "applicant_nino", "named_paying_parent_nino", "partner_nino")), **dict.fromkeys(SAYS, FLAG),
    gateway_reference=TEXT, **{f"{name}_given": FLAG for name in SAYS}, business_date=DAY,
)  # fmt: skip
"""``..._given``: whether the client has answered that question at all."""
LTR_RESPONSES: Final = _shape(ltr_id=TEXT, acknowledged_on=DAY, outcome=TEXT)
LTRS_SENT: Final = _shape(**_texts(("ltr_id", "csa_system", "casegroup_id")))
PAYERS: Final = _shape(matched_on=TEXT, casegroup_id=TEXT)
NINOS: Final = _shape(matched_on=TEXT)
CASES_THERE: Final = _shape(**_texts(("case_key", *_CASE, "casegroup_id", "case_status")))
STAMPS_THERE: Final = _shape(
    **_texts(("case_key", *_CASE, "casegroup_id", "tranche_id", "journey")), selected_on=DAY, led=DAY
)
APPLICATIONS_EARLIER: Final = _shape(
    application_id=TEXT, business_date=DAY, casegroup_id=TEXT, decision=TEXT, t_date=DAY, effective_date=DAY
)
LOOK_UPS: Final = _shape(**_texts(("type", "subject_reference", "detail")))

APPLICATIONS: Final = _shape(
    application_id=TEXT, casegroup_id=TEXT, received_on=DAY, t_date=DAY, effective_date=DAY, decision=TEXT
)
END_LIABILITY: Final = _shape(
    **_texts((*_CASE, "casegroup_id", "tranche_id", "journey")),
    selected_on=DAY,
    led=DAY,
    became_reactive_on=DAY,
)
LTRS: Final = _shape(
    ltr_id=TEXT, ltr_type=TEXT, csa_system=TEXT, csa_case_ids=TEXT, casegroup_id=TEXT, application_id=TEXT, t_date=DAY,
    issued_by=TEXT,
)  # fmt: skip

# --- apply_corrections: gathered, then concluded

CORRECTIONS: Final = _shape(
    business_date=DAY, **_texts(("correction_id", *_CASE, *_BUCKET)), new_amount_pence=PENCE, reason=TEXT
)
DUES_TO_CORRECT: Final = _shape(
    **_texts(("due_id", "case_key", *_CASE, "casegroup_id", *_BUCKET)),
    amount_pence=PENCE,
    allocated_pence=PENCE,
)
"""``amount_pence``: as corrected so far; ``allocated_pence``: above zero."""
CASES_TO_CORRECT: Final = _shape(
    **_texts(("case_key", *_CASE, "casegroup_id", "scheme", "method_of_payment", "rp_arrears_decision")), rp_keep_pence=PENCE,
    completed=FLAG, recorded=FLAG,
    **_texts(("cms_case_id", "cms_casegroup_id", "case_owner", "paying_parent_matched_on", "postcode", "country")),
    arrears_from=DAY, arrears_to=DAY,
)  # fmt: skip
"""``completed``: its casegroup is; ``recorded``: it stands among our cases; ``cms_case_id`` null: it has none on CMS;
``postcode``, ``country``: the receiving parent's; the period is that of its latest balance."""
ROWS_REFUSED: Final = _shape(row_key=TEXT, field=TEXT)
"""Rows by the number they are known by, and the field at fault."""
WRITE_OFF_ITEMS: Final = _shape(**_texts(("work_item_id", "type", "casegroup_id", "case_key")))
DUES_AS_OF: Final = _shape(
    **_texts(("due_id", *_CASE, *_BUCKET)), amount_pence=PENCE, allocated_pence=PENCE, outstanding_pence=PENCE
)

# --- allocate_payments: gathered, then concluded

_RECEIPT: Final = {
    "payment_id": TEXT,
    "stood": TEXT,
    "business_date": DAY,
    "extract_number": NUMBER,
    "row_number": NUMBER,
    "csa_system": TEXT,
}
_STANDS: Final = {"amount_pence": PENCE, "is_first": FLAG}
CSA_RECEIPTS: Final = _shape(
    **_RECEIPT,
    **_texts(("nino", "forenames", "surname", "csa_receipt_reference", "row_value")),
    is_first=FLAG,
)
"""``row_value``: the amount as it stands in the file, in pounds. Of a row that is judged again, the number of its payment, where
that stood, and whether it is the first of its reference; tonight's rows have none of it yet."""
DCA_RECEIPTS: Final = _shape(
    **_RECEIPT,
    **_texts(("csa_case_id", "dca_reference", "agency")),
    received_on=DAY,
    casegroup_id=TEXT,
    **_STANDS,
)
"""``casegroup_id``: of its case as held."""
PAYMENTS_FIRST: Final = _shape(source=TEXT, reference=TEXT, amount_pence=PENCE)
PAYMENT_IDS: Final = _shape(payment_id=TEXT)
PAYERS_BY_NAME: Final = _shape(**_texts(("party_id", "nino", "surname", "casegroup_id")))
CASEGROUPS_COMPLETED: Final = _shape(casegroup_id=TEXT, completed_on=DAY)
DUES_OUTSTANDING: Final = _shape(
    **_texts(("due_id", "casegroup_id", "csa_system", "csa_case_id", *_BUCKET)), arrears_from=DAY, arrears_to=DAY,
    outstanding_pence=PENCE,
)  # fmt: skip
"""``outstanding_pence``: what all entries of the due come to."""
PAYMENT_RULES: Final = _shape(**_texts(("payment_id", "rule_code", "reference")))

PAYMENTS: Final = _shape(
    **_texts(("payment_id", "source", "reference")), business_date=DAY, extract_number=NUMBER, row_number=NUMBER,
    **_texts(("csa_system", "csa_case_id")), **_STANDS, **_texts(("casegroup_id", "status")), allocated_pence=PENCE,
    allocated_on=DAY, passed_to=TEXT, prompted_on=DAY,
)  # fmt: skip
PAYMENT_ENTRIES: Final = _shape(
    **_texts(("resolution_id", "csa_case_id", "subject_reference", "casegroup_id")),
    payment_known=FLAG,
    state_fits=FLAG,
)
"""Entries about payments: whether the payment is there, and whether one was in a state for it."""
PAYMENT_EVENTS: Final = _shape(
    payment_id=TEXT,
    business_date=DAY,
    **_texts(("status", "casegroup_id")),
    allocated_pence=PENCE,
    **_texts(("passed_to", "by_what")),
)
LEDGER: Final = _shape(
    entry_id=TEXT, business_date=DAY, due_id=TEXT, kind=TEXT, amount_pence=PENCE, reason=TEXT, reference=TEXT
)


# --- gathered for refer_actions

CSA_ACTIONS: Final = _shape(**_texts(("csa_action_id", *_CASE, "casegroup_id", "action_type")))
ENFORCEMENT_ACTIONS: Final = _shape(
    **_texts(("action_id", *_CASE, "casegroup_id", "action_type")), ongoing=FLAG
)
ROWS_UNANSWERED: Final = _shape(
    business_date=DAY, **_texts(("file_name", "row_key", "rule_code", "field", *_CASE, "casegroup_id")), sensitive=FLAG,
    original=TEXT,
)  # fmt: skip
"""Of the files of ``domain.rules.ROWS``, a line for each rule a row broke; ``original``: the row as it came, as JSON."""
ROW_EXCEPTIONS: Final = _shape(exception_id=TEXT, business_date=DAY, **_EXCEPTION, answered_tonight=FLAG)

# --- judge_debts: gathered, then concluded

DEBT_FACTS: Final = {
    "arrears_from": DAY, "arrears_to": DAY, "rp_arrears_decision": TEXT, "rp_keep_pence": PENCE, "pp_no_estate": FLAG,
    "ima_pence": PENCE, "no_further_action_told": FLAG, "part_payment_accepted_pence": PENCE,
    "duplicate_liability_pence": PENCE,
}  # fmt: skip
"""What makes a debt another one than the one judged last, besides its nine buckets [34]."""
DEBTS: Final = _shape(
    **_texts((*_CASE, "casegroup_id", "paying_parent_id", "receiving_parent_id")), **_BUCKETS, total_pence=PENCE,
    **DEBT_FACTS, times_in_file=NUMBER, case_held=FLAG, unchanged=FLAG,
)  # fmt: skip
"""The case's casegroup and parents, as held; ``unchanged``: it is what was judged of this debt last."""
PEOPLE_WHO_DIED: Final = _shape(party_id=TEXT, date_of_death=DAY, nino=TEXT)
CIS_DEATHS: Final = _shape(matched_on=TEXT, died_on=DAY)

DEBT_JUDGEMENTS: Final = _shape(
    **_texts((*_CASE, "casegroup_id")), version=NUMBER, low_value_pence=PENCE, rp_died=FLAG, pp_died_on=DAY,
    **{f"final_{column}": PENCE for column in BUCKET_COLUMNS},
)  # fmt: skip
"""``final_...``: the bucket as the rules left it; what came is held."""
DEBT_RULE_RESULTS: Final = _shape(
    **_texts(_CASE),
    rule_number=NUMBER,
    result=TEXT,
    before_pence=PENCE,
    written_off_pence=PENCE,
    after_pence=PENCE,
)
"""Of the rules that took anything."""

# --- select_tranche: gathered, then concluded

CANDIDATES: Final = _shape(**_texts(("casegroup_id", *_CASE, "left_out")))
"""``left_out``: why the case stops its casegroup, null where it does not."""
CASES_CONCERNED: Final = _shape(**_texts((*_CASE, "casegroup_id", "stamped_casegroup_id", "stamp")))
"""``stamp``: the whole of the case's stamp as one text, to be compared."""
CASES_FOLLOWING: Final = _shape(
    **_texts((*_CASE, "casegroup_id", "cause", "leader_csa_system", "leader_csa_case_id"))
)
"""``leader_...``: the case whose stamp it takes, null where it keeps its own."""
