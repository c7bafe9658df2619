"""The table of rule codes: every rule of the contract, with what a caseworker is told (B48, B50, B52)."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from case_closure.domain.dates import NightDates
from case_closure.domain.rules import ROWS, RULES, Rule, holds_casegroup
from case_closure.gates import suites
from tests.support.builders import LIMIT, ON

# The contract's rules, and those of closure: code -> stage that judges it.
CONTRACT = {
    "receive_balances": """case_key_missing case_enum_invalid case_duplicate case_casegroup_conflict balance_key_missing
        balance_case_unknown balance_casegroup_mismatch balance_duplicate balance_amount_missing balance_total_mismatch
        balance_amount_implausible balance_period_invalid balance_changed_after_completion closure_failed
        inhibit_not_authorised exception_reported""",
    "set_up_cases": """party_missing surname_missing date_of_birth_missing date_of_birth_implausible nino_missing nino_invalid
        contact_missing child_missing cis_no_match cis_name_mismatch cis_date_of_birth_mismatch cis_superseded_nino cis_deceased
        cis_multiple_matches method_of_payment_invalid cis_benefit_missing region_unknown nino_administrative_prefix
        nino_suffix_differs""",
    "payments": "payment_malformed payment_receipt_conflict payment_owner_unknown payment_name_mismatch",
    "corrections": "correction_below_zero correction_due_unknown",
    "receive_extract": "row_invalid row_changed",
    "take_applications": "application_date_invalid ltr_unknown ltr_outcome_invalid",
    "judge_debts": "debt_case_unknown debt_duplicate debt_amount_missing debt_total_mismatch",
    "follow_closure": "clerical_letter_unknown",
}
STAGE = {code: stage for stage, codes in CONTRACT.items() for code in codes.split()}
WARNINGS = {"nino_administrative_prefix", "nino_suffix_differs"}
ROW_RULES = {
    code
    for code in STAGE
    if code.startswith(
        (
            "payment_",
            "correction_",
            "debt_",
            "inhibit_",
            "application_",
            "ltr_",
            "clerical_letter_",
            "row_",
        )
    )
}


def test_B48_every_rule_of_the_contract_is_in_the_table_and_no_other() -> None:
    assert {code: rule.stage for code, rule in RULES.items()} == STAGE


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_B48_says_what_is_wrong_and_what_to_do_next(rule: Rule) -> None:
    for sentence in (rule.says, rule.do):
        assert re.fullmatch(r"[A-Z].{15,}\.", sentence)
    assert rule.on
    assert rule.suite
    assert rule.subject


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_message_holds_no_value_and_no_place_for_one(rule: Rule) -> None:
    """No personal data in messages: nothing is ever filled in."""
    for sentence in (rule.says, rule.do):
        assert [name for _, name, _, _ in Formatter().parse(sentence) if name is not None] == []
        assert "%" not in sentence
        assert rule.code not in sentence


def test_severity_warnings_stop_nothing_and_raise_no_work_item() -> None:
    assert {code for code, rule in RULES.items() if rule.severity == "WARNING"} == WARNINGS
    assert {code for code, rule in RULES.items() if rule.work_item is None} == WARNINGS


def test_severity_rules_on_payments_corrections_and_inhibits_refuse_their_row_only() -> None:
    assert {code for code in RULES if not holds_casegroup(code)} == WARNINGS | ROW_RULES


def test_B50_the_work_item_of_each_rule() -> None:
    expected = {code: "MANUAL_HANDLING" for code in STAGE if code not in WARNINGS}
    expected |= {code: "PAYMENT_SUSPENSE" for code in STAGE if code.startswith("payment_")}
    expected |= {
        "closure_failed": "CLOSURE_FAILED",
        "balance_changed_after_completion": "ADD_CORRECT_ARREARS",
    }
    assert {code: rule.work_item for code, rule in RULES.items() if rule.work_item} == expected


def test_38_how_what_breaks_each_rule_reaches_us() -> None:
    """Of rows of several files and of reports, the file or the report says it."""
    expected = dict.fromkeys(STAGE, "EXTRACT")
    expected |= {code: "PAYMENT_FILE" for code in STAGE if code.startswith("payment_")}
    expected |= {code: "OFFLINE_REPORT" for code in STAGE if code.startswith("correction_")}
    expected |= {
        "closure_failed": "FAILURE_REPORT", "inhibit_not_authorised": "CSA_CASEWORKER", "application_date_invalid": "GATEWAY",
        "ltr_unknown": "CSA_TEAM", "ltr_outcome_invalid": "CSA_TEAM", "clerical_letter_unknown": "LEGACY_TEAM",
        "exception_reported": "OFFLINE_REPORT",
    }  # fmt: skip
    assert {code: rule.channel for code, rule in RULES.items()} == expected


def test_what_depends_on_what() -> None:
    """contract, 'What depends on what'."""
    party = {
        "surname_missing",
        "date_of_birth_missing",
        "date_of_birth_implausible",
        "nino_missing",
        "nino_invalid",
        "contact_missing",
    }
    cis = {code for code in STAGE if code.startswith("cis_")}
    for code in party | cis - {"cis_benefit_missing"} | {"region_unknown"}:
        assert "party_missing" in RULES[code].needs
    for code in cis:
        assert {"nino_missing", "nino_invalid"} <= set(RULES[code].needs)
    for code in cis - {"cis_no_match", "cis_multiple_matches"}:
        assert {"cis_no_match", "cis_multiple_matches"} <= set(RULES[code].needs)
    assert "surname_missing" in RULES["cis_name_mismatch"].needs
    assert "date_of_birth_missing" in RULES["cis_date_of_birth_mismatch"].needs
    assert RULES["balance_total_mismatch"].needs == ("balance_amount_missing",)


def test_every_rule_is_in_a_suite() -> None:
    """A rule nobody judges would be reported as never broken."""
    judged = [
        suites.csa_cases(), suites.casegroup_cases(), suites.csa_balances(LIMIT), suites.inhibits(), suites.csa_payments(),
        suites.corrections(), suites.set_up_parties(NightDates.in_turn(ON)), suites.set_up_cases(), suites.nino_warnings(),
        suites.reports(),
    ]  # fmt: skip
    judged += [
        suites.dca_payments(),
        suites.payment_entries(),
        suites.cms_applications(),
        suites.ltr_responses(),
        suites.clerical_letters(),
        suites.csa_debts(),
    ]
    judged += [suites.arriving_rows(file) for file in ROWS]
    assert {code for suite in judged for code in suite.rule_codes} == set(RULES)
