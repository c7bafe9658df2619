"""Each suite alone: for every rule code a row that passes, rows that fail, edges and nulls.

Every value is laid over a row that passes everything, so a rule that fires is the one named and no other.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd
import pytest

from case_closure.domain.dates import NightDates
from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.domain.rules import RULES, rules_of
from case_closure.gates import engine, suites
from case_closure.gates.engine import Suite
from tests.support.plain_gate import judge

ON = date(2017, 8, 10)
LIMIT = 100_000_000
Row = dict[str, Any]


def day(year: int, month: int, of_month: int) -> pd.Timestamp:
    return pd.Timestamp(year, month, of_month).as_unit("s")


GOOD: dict[str, Row] = {
    "csa_cases": {
        "csa_system": "CS2",
        "csa_case_id": "1",
        "casegroup_id": "G",
        "scheme": "2003",
        "case_type": "ONGOING",
        "case_status": "CLOSED",
        "closed_reason": "CASE_CLOSURE",
        "segment": 1,
        "rp_arrears_decision": "COLLECT",
        "times_in_file": 1,
    },
    "casegroup_cases": {"paying_parent_agreed": True, "casegroup_agreed": True, "closure_worked": True},
    "csa_balances": {
        "balance_id": "B",
        "csa_system": "CS2",
        "csa_case_id": "1",
        "case_held": True,
        "casegroup_agreed": True,
        "times_in_file": 1,
        "missing_amounts": 0,
        "total_agrees": True,
        "largest_bucket_pence": 0,
        "smallest_bucket_pence": 0,
        "arrears_from": day(2010, 1, 1),
        "arrears_to": day(2017, 7, 31),
        "arrived_on": day(2017, 8, 10),
        "period_given_if_owed": True,
        "as_completed": True,
    },
    "inhibits": {"set_by_role": "MANAGER"},
    "reports": {"cleared_on": day(2017, 8, 10), "judged_on": day(2017, 8, 10)},
    "csa_payments": {"well_formed": True, "value_agrees": True, "owner_known": True, "surname_agrees": True},
    "dca_payments": {"well_formed": True, "value_agrees": True, "owner_known": True},
    "payment_entries": {"payment_known": True, "state_fits": True},
    "corrections": {
        "due_known": True,
        "amount_given": True,
        "new_amount_pence": 0,
        "covers_allocated": True,
        "write_off_goes_down": True,
    },
    "set_up_parties": {
        "party_held": True,
        "surname": "Walker",
        "date_of_birth": day(1980, 1, 1),
        "nino": "AB123456A",
        "address_line_1": "1 High Street",
        "place_known": True,
        "cis_matches": 1,
        "cis_name_agrees": True,
        "cis_date_of_birth_agrees": True,
        "cis_nino_current": True,
        "cis_alive": True,
    },
    "set_up_cases": {
        "child_held": True,
        "method_of_payment": "CARD",
        "bank_details_given": True,
        "employer_given": True,
        "benefit_live": True,
        "region_known": True,
    },
    "nino_warnings": {"nino_set_up": "AB123456A", "suffix_agrees": True},
    "clerical_balances": {"csa_system": "CS2", "csa_case_id": "A", "placed": True},
    "csa_debts": {"case_held": True, "times_in_file": 1, "missing_amounts": 0, "total_agrees": True},
}
SUITES: dict[str, Suite] = {
    "csa_cases": suites.csa_cases(), "casegroup_cases": suites.casegroup_cases(), "csa_balances": suites.csa_balances(LIMIT),
    "inhibits": suites.inhibits(), "clerical_balances": suites.clerical_balances(),
    "csa_payments": suites.csa_payments(), "dca_payments": suites.dca_payments(), "reports": suites.reports(),
    "payment_entries": suites.payment_entries(),
    "corrections": suites.corrections(), "set_up_parties": suites.set_up_parties(NightDates.in_turn(ON)),
    "set_up_cases": suites.set_up_cases(),
    "nino_warnings": suites.nino_warnings(),
    "csa_debts": suites.csa_debts(),
}  # fmt: skip

# suite, rules the row breaks, what differs from the good row
CASES: list[tuple[str, str, Row]] = [
    *(("clerical_balances", "balance_key_missing", {name: None}) for name in ("csa_system", "csa_case_id")),
    ("clerical_balances", "balance_case_unknown", {"placed": False}),
    ("clerical_balances", "", {}),
    ("reports", "", {}),
    ("reports", "", {"cleared_on": day(2017, 8, 9)}),
    *(("reports", "exception_reported", {"cleared_on": cleared}) for cleared in (None, day(2017, 8, 11))),
    *(("csa_cases", "case_key_missing", {name: None}) for name in ("csa_case_id", "casegroup_id")),
    ("csa_cases", "case_key_missing", {"csa_system": None}),
    *(("csa_cases", "case_enum_invalid", {name: None}) for name in ("scheme", "case_type", "case_status")),
    *(("csa_cases", "case_enum_invalid", {"csa_system": name}) for name in ("CS3", "cs2", "", "CMS")),
    *(("csa_cases", "", {"csa_system": name}) for name in ("CSCS", "CS2", "CCD")),
    *(("csa_cases", "case_enum_invalid", {"scheme": name}) for name in ("2012", "03", "")),
    ("csa_cases", "", {"scheme": "1993"}),
    ("csa_cases", "", {"case_type": "ARREARS_ONLY"}),
    ("csa_cases", "case_enum_invalid", {"case_type": "CLOSED"}),
    ("csa_cases", "", {"case_status": "OPEN", "closed_reason": None}),
    ("csa_cases", "case_enum_invalid", {"case_status": "SUSPENDED"}),
    ("csa_cases", "", {"closed_reason": "OTHER"}),
    ("csa_cases", "case_enum_invalid", {"closed_reason": "DEATH"}),
    *(("csa_cases", "", {"segment": number}) for number in (1, 2, 3, 4, 5)),
    *(("csa_cases", "case_enum_invalid", {"segment": number}) for number in (0, 6, -1)),
    *(("csa_cases", "", {"rp_arrears_decision": name}) for name in ("WRITE_OFF", "PART_WRITE_OFF", None)),
    ("csa_cases", "case_enum_invalid", {"rp_arrears_decision": "SOME"}),
    *(("csa_cases", "case_duplicate", {"times_in_file": times}) for times in (2, 3)),
    ("csa_cases", "case_enum_invalid,case_key_missing", {"csa_case_id": None, "scheme": "x"}),
    ("casegroup_cases", "case_casegroup_conflict", {"paying_parent_agreed": False}),
    ("casegroup_cases", "case_casegroup_conflict", {"casegroup_agreed": False}),
    ("casegroup_cases", "closure_failed", {"closure_worked": False}),
    (
        "casegroup_cases",
        "case_casegroup_conflict,closure_failed",
        {"paying_parent_agreed": False, "closure_worked": False},
    ),
    *(
        ("csa_balances", "balance_key_missing", {name: None})
        for name in ("balance_id", "csa_system", "csa_case_id")
    ),
    ("csa_balances", "balance_case_unknown", {"case_held": False}),
    ("csa_balances", "balance_casegroup_mismatch", {"casegroup_agreed": False}),
    ("csa_balances", "balance_duplicate", {"times_in_file": 2}),
    *(("csa_balances", "balance_amount_missing", {"missing_amounts": count}) for count in (1, 10)),
    ("csa_balances", "balance_total_mismatch", {"total_agrees": False}),
    ("csa_balances", "balance_amount_missing", {"missing_amounts": 1, "total_agrees": False}),
    ("csa_balances", "", {"largest_bucket_pence": LIMIT}),
    ("csa_balances", "balance_amount_implausible", {"largest_bucket_pence": LIMIT + 1}),
    ("csa_balances", "balance_amount_implausible", {"largest_bucket_pence": 2**63 - 1}),
    ("csa_balances", "", {"smallest_bucket_pence": -LIMIT}),
    ("csa_balances", "balance_amount_implausible", {"smallest_bucket_pence": -LIMIT - 1}),
    ("csa_balances", "balance_amount_implausible", {"smallest_bucket_pence": -(2**63)}),
    ("csa_balances", "", {"arrears_from": day(2017, 7, 31)}),
    ("csa_balances", "balance_period_invalid", {"arrears_from": day(2017, 8, 1)}),
    ("csa_balances", "", {"arrears_to": day(2017, 8, 10)}),
    ("csa_balances", "balance_period_invalid", {"arrears_to": day(2017, 8, 11)}),
    ("csa_balances", "", {"arrears_from": pd.NaT, "arrears_to": pd.NaT}),
    ("csa_balances", "balance_period_invalid", {"arrears_from": pd.NaT, "period_given_if_owed": False}),
    ("csa_balances", "balance_period_invalid", {"arrears_from": pd.NaT, "arrears_to": day(2018, 1, 1)}),
    ("csa_balances", "balance_changed_after_completion", {"as_completed": False}),
    *(("inhibits", "", {"set_by_role": name}) for name in ("TEAM_LEADER", "MANAGER")),
    *(
        ("inhibits", "inhibit_not_authorised", {"set_by_role": name})
        for name in ("CASEWORKER", None, "", "manager")
    ),
    ("csa_payments", "payment_malformed", {"well_formed": False}),
    (
        "csa_payments",
        "payment_malformed",
        dict.fromkeys(("well_formed", "value_agrees", "owner_known", "surname_agrees"), False),
    ),
    ("csa_payments", "payment_receipt_conflict", {"value_agrees": False}),
    ("csa_payments", "payment_owner_unknown", {"owner_known": False, "surname_agrees": False}),
    ("csa_payments", "payment_name_mismatch", {"surname_agrees": False}),
    (
        "csa_payments",
        "payment_name_mismatch,payment_receipt_conflict",
        {"value_agrees": False, "surname_agrees": False},
    ),
    (
        "dca_payments",
        "payment_malformed",
        dict.fromkeys(("well_formed", "value_agrees", "owner_known"), False),
    ),
    ("dca_payments", "payment_receipt_conflict", {"value_agrees": False}),
    ("dca_payments", "payment_owner_unknown", {"owner_known": False}),
    ("payment_entries", "row_invalid", {"payment_known": False, "state_fits": False}),
    ("payment_entries", "row_invalid", {"state_fits": False}),
    ("corrections", "correction_due_unknown", {"due_known": False}),
    ("corrections", "correction_below_zero", {"new_amount_pence": -1}),
    ("corrections", "correction_below_zero", {"amount_given": False}),
    ("corrections", "correction_below_zero", {"covers_allocated": False}),
    ("corrections", "row_invalid", {"write_off_goes_down": False}),
    ("set_up_parties", "party_missing", {"party_held": False}),
    (
        "set_up_parties",
        "party_missing",
        {
            "party_held": False,
            "surname": None,
            "date_of_birth": pd.NaT,
            "nino": None,
            "address_line_1": None,
            "place_known": False,
        },
    ),
    ("set_up_parties", "surname_missing", {"surname": None}),
    ("set_up_parties", "date_of_birth_missing", {"date_of_birth": pd.NaT}),
    *(("set_up_parties", "", {"date_of_birth": born}) for born in (day(2005, 8, 10), day(1906, 8, 11))),
    *(
        ("set_up_parties", "date_of_birth_implausible", {"date_of_birth": born})
        for born in (day(2005, 8, 11), day(1906, 8, 10), day(2017, 8, 11), day(9999, 12, 31), day(1, 1, 1))
    ),
    ("set_up_parties", "nino_missing", {"nino": None}),
    *(
        ("set_up_parties", "nino_invalid", {"nino": bad})
        for bad in ("BG123456A", "AB123456E", "AB123456", "AB123456A\n", "xAB123456A")
    ),
    ("set_up_parties", "", {"nino": "PY123456D"}),
    ("set_up_parties", "contact_missing", {"address_line_1": None}),
    ("set_up_parties", "contact_missing", {"place_known": False}),
    ("set_up_parties", "cis_no_match", {"cis_matches": 0}),
    ("set_up_parties", "cis_multiple_matches", {"cis_matches": 2}),
    ("set_up_parties", "cis_name_mismatch", {"cis_name_agrees": False}),
    ("set_up_parties", "cis_date_of_birth_mismatch", {"cis_date_of_birth_agrees": False}),
    ("set_up_parties", "cis_superseded_nino", {"cis_nino_current": False}),
    ("set_up_parties", "cis_deceased", {"cis_alive": False}),
    *(
        (
            "set_up_parties",
            blocker,
            over
            | dict.fromkeys(
                ("cis_name_agrees", "cis_date_of_birth_agrees", "cis_nino_current", "cis_alive"), False
            ),
        )
        for blocker, over in (
            ("nino_missing", {"nino": None}),
            ("nino_invalid", {"nino": "x"}),
            ("cis_no_match", {"cis_matches": 0}),
            ("cis_multiple_matches", {"cis_matches": 2}),
        )
    ),
    *(
        ("set_up_parties", blocker, over)
        for blocker, over in (
            ("nino_missing", {"nino": None, "cis_matches": 0}),
            ("nino_invalid", {"nino": "x", "cis_matches": 2}),
        )
    ),
    ("set_up_parties", "surname_missing", {"surname": None, "cis_name_agrees": False}),
    ("set_up_parties", "date_of_birth_missing", {"date_of_birth": pd.NaT, "cis_date_of_birth_agrees": False}),
    (
        "set_up_parties",
        "cis_name_mismatch,date_of_birth_missing",
        {"date_of_birth": pd.NaT, "cis_name_agrees": False},
    ),
    ("set_up_cases", "child_missing", {"child_held": False}),
    *(
        ("set_up_cases", "", {"method_of_payment": method})
        for method in ("DIRECT_DEBIT", "STANDING_ORDER", "DEO", "DER", "BENEFIT_DEDUCTION", "CARD")
    ),
    *(
        ("set_up_cases", "method_of_payment_invalid", {"method_of_payment": method})
        for method in (None, "CHEQUE", "", "card")
    ),
    ("set_up_cases", "method_of_payment_invalid", {"bank_details_given": False}),
    ("set_up_cases", "method_of_payment_invalid", {"employer_given": False}),
    ("set_up_cases", "cis_benefit_missing", {"benefit_live": False}),
    ("set_up_cases", "region_unknown", {"region_known": False}),
    *(
        ("nino_warnings", "nino_administrative_prefix", {"nino_set_up": f"{prefix}123456A"})
        for prefix in ("CR", "MW", "NC", "PP", "PY", "PZ")
    ),
    *(("nino_warnings", "", {"nino_set_up": nino}) for nino in (None, "AP123456A", "AB12PY56A")),
    ("nino_warnings", "nino_suffix_differs", {"suffix_agrees": False}),
    ("csa_debts", "debt_case_unknown", {"case_held": False}),
    *(("csa_debts", "debt_duplicate", {"times_in_file": times}) for times in (2, 3)),
    *(("csa_debts", "debt_amount_missing", {"missing_amounts": count}) for count in (1, 10)),
    ("csa_debts", "debt_total_mismatch", {"total_agrees": False}),
    ("csa_debts", "debt_amount_missing", {"missing_amounts": 1, "total_agrees": False}),
    ("csa_debts", "debt_case_unknown,debt_duplicate", {"case_held": False, "times_in_file": 2}),
    ("csa_debts", "", {}),
]


def frame_of(suite: str, rows: list[Row]) -> pd.DataFrame:
    """Rows in the types the stages give: text, int64, bool, datetime64[s]."""
    good = GOOD[suite]
    columns = {}
    for name, value in good.items():
        values = [row[name] for row in rows]
        kind = {str: "str", bool: "bool", int: "int64"}.get(type(value), "datetime64[s]")
        columns[name] = pd.Series(values, dtype=kind)
    return pd.DataFrame(columns)


@pytest.mark.parametrize("name", SUITES)
def test_a_good_row_breaks_nothing(name: str) -> None:
    assert engine.run(SUITES[name], frame_of(name, [GOOD[name]])).rows.empty


@pytest.fixture(scope="module")
def broken() -> dict[int, set[str]]:
    """The rules each of CASES broke: the rows of a suite judged together, good ones between them."""
    found: dict[int, set[str]] = {}
    for name, suite in SUITES.items():
        mine = [(number, over) for number, (of, _, over) in enumerate(CASES) if of == name]
        rows = [row for _, over in mine for row in (GOOD[name] | over, GOOD[name])]
        judged = engine.run(suite, frame_of(name, rows)).rows
        for place, (number, _) in enumerate(mine):
            found[number] = set(judged.loc[judged["position"] == 2 * place, "rule_code"])
        assert not (judged["position"] % 2).any(), "a good row broke a rule"
    return found


def labels() -> Iterator[Any]:
    for number, (suite, rules, over) in enumerate(CASES):
        yield pytest.param(number, id=f"{suite}-{rules or 'passes'}-{'-'.join(map(str, over))}-{number}")


@pytest.mark.parametrize("number", list(labels()))
def test_the_row_breaks_these_rules_and_no_others(number: int, broken: dict[int, set[str]]) -> None:
    """contract, 'Gates and rule codes' and 'What depends on what'; R18, R20, B39-B42, B53, B70."""
    _, rules, _ = CASES[number]
    assert broken[number] == set(filter(None, rules.split(",")))


def test_every_rule_of_the_suites_has_a_row_that_breaks_it_alone() -> None:
    assert {rules for _, rules, _ in CASES if rules and "," not in rules} == {
        code for suite in SUITES.values() for code in suite.rule_codes
    }


# What makes a row invalid is judged on every file of rows (test_suites_of_rows), of a correction here too.
_OF_ROWS = "row_invalid"


@pytest.mark.parametrize(
    "rule", [code for suite in SUITES.values() for code in suite.rule_codes if code != _OF_ROWS]
)
def test_each_rule_is_judged_in_one_suite_and_names_it(rule: str) -> None:
    # A clerical balance is judged by two of the rules of any balance, money of an agency by those of any payment.
    as_others = ("clerical_balances", "dca_payments")
    judging = [name for name, suite in SUITES.items() if rule in suite.rule_codes and name not in as_others]
    assert len(judging) == 1
    if judging != ["nino_warnings"]:
        assert RULES[rule].suite == judging[0]


@pytest.mark.parametrize(
    ("limit", "pence", "fails"),
    [(1, 1, False), (1, 2, True), (LIMIT * 10, LIMIT * 10, False), (LIMIT * 10, LIMIT * 10 + 1, True)],
)
def test_the_plausible_limit_is_configurable(limit: int, pence: int, fails: bool) -> None:
    frame = frame_of(
        "csa_balances",
        [GOOD["csa_balances"] | {"largest_bucket_pence": pence, "smallest_bucket_pence": -pence}],
    )
    found = engine.run(suites.csa_balances(limit), frame)
    assert found.tally["balance_amount_implausible"] == (1, int(fails))


def test_the_age_of_a_parent_is_as_of_the_night() -> None:
    frame = frame_of("set_up_parties", [GOOD["set_up_parties"] | {"date_of_birth": day(2005, 8, 11)}])
    tomorrow = engine.run(suites.set_up_parties(NightDates.in_turn(date(2017, 8, 11))), frame)
    tonight = engine.run(suites.set_up_parties(NightDates.in_turn(ON)), frame)
    assert (tomorrow.rows.empty, tonight.rows["rule_code"].tolist()) == (True, ["date_of_birth_implausible"])


@pytest.mark.parametrize("name", SUITES)
def test_great_expectations_and_plain_pandas_agree(name: str) -> None:
    """300 rows of mixed good and bad values: the engine against the judge the tests of stages use."""
    values: dict[str, list[Any]] = {column: [value] for column, value in GOOD[name].items()}
    for suite, _, over in CASES:
        for column, value in over.items() if suite == name else ():
            values[column].append(value)
    chance = random.Random(name)
    rows = [
        {column: chance.choice([GOOD[name][column], chance.choice(some)]) for column, some in values.items()}
        for _ in range(300)
    ]
    frame = frame_of(name, rows)
    ours = judge(SUITES[name], frame)
    theirs = engine.run(SUITES[name], frame).rows
    key = ["rule_code", "position"]
    assert len(ours) > 20
    assert set(map(tuple, ours[key].to_numpy())) == set(map(tuple, theirs[key].to_numpy()))


def test_the_facts_of_balances_have_every_column_the_gate_judges() -> None:
    assert set(GOOD["csa_balances"]) == {
        column for check in SUITES["csa_balances"].checks for column in check.columns
    }
    assert not set(GOOD["csa_balances"]) & set(BUCKET_COLUMNS)


@pytest.mark.parametrize("name", sorted(SUITES))
def test_the_rules_that_a_night_lists_for_a_suite_are_those_it_judges(name: str) -> None:
    """They are listed before any row is judged, also where Great Expectations is not loaded."""
    assert sorted(rules_of(SUITES[name].name)) == sorted(SUITES[name].rule_codes)
