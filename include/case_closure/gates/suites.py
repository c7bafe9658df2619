"""Which expectation carries which rule code: one suite for each input file and each set-up step.

Belongs here: the rules as Great Expectations expectations. Not: making the facts they judge (``stages``).
Nulls pass most expectations, so whatever must be there has a not-null of its own.
"""

from __future__ import annotations

import functools
from datetime import datetime, time

from great_expectations import expectations as gxe
from great_expectations.expectations.expectation import Expectation

from case_closure.domain import nino, outcomes
from case_closure.domain.applications import LTR_OUTCOMES
from case_closure.domain.cases import CASE_ENUMS, CASE_REQUIRED, METHODS_OF_PAYMENT
from case_closure.domain.dates import NightDates, plausible_birth_dates
from case_closure.domain.rules import ROWS, rows_suite
from case_closure.gates.engine import Check, Suite
from case_closure.stages.receive_extract import AMOUNTS
from case_closure.tables.landed import FILES


def _present(rule: str, column: str, field: str | None = None) -> Check:
    return Check(rule, field or column, gxe.ExpectColumnValuesToNotBeNull(column=column))


def _one_of(rule: str, column: str, values: tuple[object, ...], field: str | None = None) -> Check:
    return Check(
        rule, field or column, gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values))
    )


def _true(rule: str, column: str, field: str) -> Check:
    return _one_of(rule, column, (True,), field)


def _between(rule: str, column: str, low: object, high: object, field: str | None = None) -> Check:
    expectation: Expectation = gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high)
    return Check(rule, field or column, expectation)


def _not_before(rule: str, later: str, earlier: str, field: str) -> Check:
    return Check(
        rule,
        field,
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=later, column_B=earlier, or_equal=True, ignore_row_if="either_value_is_missing"
        ),
    )


def _matches(rule: str, column: str, pattern: str, field: str | None = None) -> Check:
    return Check(rule, field or column, gxe.ExpectColumnValuesToMatchRegex(column=column, regex=pattern))


def _not_matches(rule: str, column: str, pattern: str, field: str | None = None) -> Check:
    return Check(rule, field or column, gxe.ExpectColumnValuesToNotMatchRegex(column=column, regex=pattern))


@functools.cache
def csa_cases() -> Suite:
    """Rows of csa_cases on arrival; a row that fails is refused and not held."""
    return Suite(
        "csa_cases",
        (
            *(
                _present("case_key_missing", column)
                for column in ("csa_system", "csa_case_id", "casegroup_id")
            ),
            *(_present("case_enum_invalid", column) for column in CASE_REQUIRED),
            *(_one_of("case_enum_invalid", column, values) for column, values in CASE_ENUMS.items()),
            _one_of("case_duplicate", "times_in_file", (1,), "csa_case_id"),
        ),
    )


# Rows that arrive and are refused alone ([5]): of each file what must be there besides its key and the values of its lists, and
# which of its lists may be left empty.
_NEEDED = {
    "corrections": ("csa_system", "csa_case_id", "requested_by"),
    "csa_actions": ("csa_system", "csa_case_id"),
    "records": ("recorded_by",),
    "reported_exceptions": ("reported_by",),
}
_MAY_BE_EMPTY = {
    "records": ("csa_system",),
    "enforcement_actions": ("csa_system",),
    "reported_exceptions": ("csa_system",),
    "csa_debts": ("rp_arrears_decision",),
}
UNFIT_FIELD = "unfit_field"
"""In place of a field: the facts of each row name it themselves."""


@functools.cache
def arriving_rows(file: str) -> Suite:
    """Rows of a file of ``domain.rules.ROWS`` on arrival ([5], [6]); a row that fails is refused and not held.

    Facts: ``stages.receive_extract.row_facts``.
    """
    contract = FILES[file]
    listed = {} if file == "resolutions" else {c.name: c.values for c in contract.columns if c.values}
    given = [*contract.key, *(name for name in listed if name not in _MAY_BE_EMPTY.get(file, ()))]
    checks = [_present("row_invalid", name) for name in dict.fromkeys((*given, *_NEEDED.get(file, ())))]
    checks += [_one_of("row_invalid", name, values) for name, values in listed.items()]
    checks += [_true("row_invalid", f"{name}_given", name) for name in AMOUNTS.get(file, ())]
    checks += [_true("row_invalid", f"{c.name}_is_json", c.name) for c in contract.columns if c.as_it_came]
    if file == "corrections":
        checks.append(_true("row_invalid", "write_off_is_rp", "creditor"))
    if file == "resolutions":
        # Whether it can be entered is said in one place (tables.resolutions), from its number to its value.
        checks = [_true("row_invalid", "can_be", UNFIT_FIELD)]
    if ROWS[file].once:
        checks.append(_true("row_changed", "as_first_seen", contract.event_key[0]))
    return Suite(rows_suite(file), tuple(checks))


@functools.cache
def casegroup_cases() -> Suite:
    """Held cases, seen as casegroups: do they agree, and did closing them work (B53)?"""
    return Suite(
        "casegroup_cases",
        (
            _true("case_casegroup_conflict", "paying_parent_agreed", "paying_parent_id"),
            _true("case_casegroup_conflict", "casegroup_agreed", "casegroup_id"),
            _true("closure_failed", "closure_worked", "closure_failure_code"),
        ),
    )


@functools.cache
def csa_balances(limit_pence: int) -> Suite:
    """The latest arrival of each case. Sums and differences are made in int64 before the gate."""
    return Suite(
        "csa_balances",
        (
            *(
                _present("balance_key_missing", column)
                for column in ("balance_id", "csa_system", "csa_case_id")
            ),
            _true("balance_case_unknown", "case_held", "csa_case_id"),
            _true("balance_casegroup_mismatch", "casegroup_agreed", "casegroup_id"),
            _one_of("balance_duplicate", "times_in_file", (1,), "csa_case_id"),
            _one_of("balance_amount_missing", "missing_amounts", (0,), "missing_amount"),
            _true("balance_total_mismatch", "total_agrees", "total_pence"),
            _between(
                "balance_amount_implausible", "largest_bucket_pence", None, limit_pence, "largest_bucket"
            ),
            _between(
                "balance_amount_implausible", "smallest_bucket_pence", -limit_pence, None, "smallest_bucket"
            ),
            _not_before("balance_period_invalid", "arrears_to", "arrears_from", "arrears_from"),
            _not_before("balance_period_invalid", "arrived_on", "arrears_to", "arrears_to"),
            _true("balance_period_invalid", "period_given_if_owed", "arrears_from"),
            _true("balance_changed_after_completion", "as_completed", "total_pence"),
        ),
    )


@functools.cache
def clerical_balances() -> Suite:
    """Clerical balances are added by hand, so their amounts pass no gate (B72); but somebody must be able to find the case."""
    return Suite(
        "clerical_balances",
        (
            *(_present("balance_key_missing", column) for column in ("csa_system", "csa_case_id")),
            _true("balance_case_unknown", "placed", "casegroup_id"),
        ),
    )


@functools.cache
def inhibits() -> Suite:
    """Inhibit records (B70): set by team leaders and above."""
    return Suite(
        "inhibits",
        (
            _present("inhibit_not_authorised", "set_by_role"),
            _one_of("inhibit_not_authorised", "set_by_role", outcomes.INHIBIT_AUTHORISED_ROLES),
        ),
    )


@functools.cache
def reports() -> Suite:
    """Exceptions reported from outside, once they have begun (B51, [7]): one is gone on the day on which it is cleared."""
    return Suite(
        "reports",
        (
            _present("exception_reported", "cleared_on"),
            _not_before("exception_reported", "judged_on", "cleared_on", "cleared_on"),
        ),
    )


@functools.cache
def csa_payments() -> Suite:
    """Payment rows (R25). Values are parsed to whole pence before the gate."""
    return Suite(
        "csa_payments",
        (
            _true("payment_malformed", "well_formed", "value"),
            _true("payment_receipt_conflict", "value_agrees", "value"),
            _true("payment_owner_unknown", "owner_known", "nino"),
            _true("payment_name_mismatch", "surname_agrees", "surname"),
        ),
    )


@functools.cache
def dca_payments() -> Suite:
    """Receipts of collection agencies ([16]): the case they were collected for says whose they are."""
    return Suite(
        "dca_payments",
        (
            _true("payment_malformed", "well_formed", "amount_pence"),
            _true("payment_receipt_conflict", "value_agrees", "amount_pence"),
            _true("payment_owner_unknown", "owner_known", "csa_case_id"),
        ),
    )


@functools.cache
def payment_entries() -> Suite:
    """What people entered about payments ([17], [20]): of one that is there, and in a state for it ([5])."""
    return Suite(
        "payment_entries",
        (_true("row_invalid", "payment_known", "csa_case_id"), _true("row_invalid", "state_fits", "field")),
    )


@functools.cache
def corrections() -> Suite:
    """Corrections of a due (B55): never below nothing nor below what was paid (R29); a write-off never upwards ([2])."""
    return Suite(
        "corrections",
        (
            _true("correction_due_unknown", "due_known", "csa_case_id"),
            _true("correction_below_zero", "amount_given", "new_amount_pence"),
            _between("correction_below_zero", "new_amount_pence", 0, None),
            _true("correction_below_zero", "covers_allocated", "new_amount_pence"),
            _true("row_invalid", "write_off_goes_down", "new_amount_pence"),
        ),
    )


@functools.cache
def csa_debts() -> Suite:
    """Debts before the nine rules run over them (B71). Sums and differences are made in int64 before the gate."""
    return Suite(
        "csa_debts",
        (
            _true("debt_case_unknown", "case_held", "csa_case_id"),
            _one_of("debt_duplicate", "times_in_file", (1,), "csa_case_id"),
            _one_of("debt_amount_missing", "missing_amounts", (0,), "missing_amount"),
            _true("debt_total_mismatch", "total_agrees", "total_pence"),
        ),
    )


@functools.cache
def cms_applications() -> Suite:
    """Applications to CMS: received on a day that can have been (R1)."""
    return Suite(
        "cms_applications",
        (
            _present("application_date_invalid", "received_on"),
            _not_before("application_date_invalid", "business_date", "received_on", "received_on"),
        ),
    )


@functools.cache
def ltr_responses() -> Suite:
    """The CSA teams' answers to LTRs (B25). No outcome yet is an acknowledgement."""
    return Suite(
        "ltr_responses",
        (
            _true("ltr_unknown", "ltr_known", "ltr_id"),
            _one_of("ltr_outcome_invalid", "outcome", LTR_OUTCOMES),
        ),
    )


@functools.cache
def clerical_letters() -> Suite:
    """The legacy teams' word that a suppressed letter went out (B15)."""
    return Suite("clerical_letters", (_true("clerical_letter_unknown", "letter_known", "letter_id"),))


@functools.cache
def set_up_parties(dates: NightDates) -> Suite:
    """Parents of cases that must be created, as of a night's dates: contact details, CIS (B36-B38). One row a case and parent."""
    born_from, born_to = (datetime.combine(day, time()) for day in plausible_birth_dates(dates))
    return Suite(
        "set_up_parties",
        (
            _true("party_missing", "party_held", "party_id"),
            _present("surname_missing", "surname"),
            _present("date_of_birth_missing", "date_of_birth"),
            _between("date_of_birth_implausible", "date_of_birth", born_from, born_to),
            _present("nino_missing", "nino"),
            _matches("nino_invalid", "nino", nino.VALID_PATTERN),
            # To a regular expression a newline at the end is no character; to a NINO it is one too many.
            Check(
                "nino_invalid",
                "nino",
                gxe.ExpectColumnValueLengthsToEqual(column="nino", value=nino.CHARACTERS),
            ),
            _present("contact_missing", "address_line_1"),
            _true("contact_missing", "place_known", "postcode"),
            _between("cis_no_match", "cis_matches", 1, None, "nino"),
            _between("cis_multiple_matches", "cis_matches", None, 1, "nino"),
            _true("cis_name_mismatch", "cis_name_agrees", "surname"),
            _true("cis_date_of_birth_mismatch", "cis_date_of_birth_agrees", "date_of_birth"),
            _true("cis_superseded_nino", "cis_nino_current", "nino"),
            _true("cis_deceased", "cis_alive", "date_of_death"),
        ),
    )


@functools.cache
def set_up_cases() -> Suite:
    """Cases that must be created: child, method of payment, benefit, region (B39, B41, B42). One row a case."""
    return Suite(
        "set_up_cases",
        (
            _true("child_missing", "child_held", "child_id"),
            _present("method_of_payment_invalid", "method_of_payment"),
            _one_of("method_of_payment_invalid", "method_of_payment", METHODS_OF_PAYMENT),
            _true("method_of_payment_invalid", "bank_details_given", "pp_account_number"),
            _true("method_of_payment_invalid", "employer_given", "employer_reference"),
            _true("cis_benefit_missing", "benefit_live", "benefit_live"),
            _true("region_unknown", "region_known", "postcode"),
        ),
    )


@functools.cache
def nino_warnings() -> Suite:
    """Parents of required cases: what is odd about a NINO but stops nothing (R18). One row a case and parent."""
    administrative = "^(?:" + "|".join(nino.ADMINISTRATIVE_PREFIXES) + ")"
    return Suite(
        "nino_warnings",
        (
            _not_matches("nino_administrative_prefix", "nino_set_up", administrative, "nino"),
            _true("nino_suffix_differs", "suffix_agrees", "nino"),
        ),
    )
