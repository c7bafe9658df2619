"""The contracts say what contract.md says: every file, its key, its columns in order, their types."""

from __future__ import annotations

import pyarrow as pa
import pytest

from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.tables.landed import (
    FILES,
    FileContract,
    contract_for,
    payments_file_name,
    payments_system,
)

BUCKETS = (
    "rp_active_pence rp_suspended_pence rp_deferred_pence "
    "gb_sos_active_pence gb_sos_suspended_pence gb_sos_deferred_pence "
    "ni_sos_active_pence ni_sos_suspended_pence ni_sos_deferred_pence"
)
BALANCE = f"balance_id csa_system csa_case_id casegroup_id {BUCKETS} total_pence arrears_from arrears_to"

# Written out a second time on purpose, from the contract's own words.
AGREED = {
    "csa_cases": (
        "csa_system csa_case_id",
        "csa_system csa_case_id scheme casegroup_id paying_parent_id receiving_parent_id case_type "
        "case_status closed_reason liability_end_date segment weekly_liability_pence "
        "indicative_arrears_pence partially_clerical nationally_sensitive manual_inhibit automatic_inhibit "
        "closure_failure_code rp_arrears_decision rp_keep_pence method_of_payment pp_sort_code "
        "pp_account_number rp_sort_code rp_account_number employer_reference csa_caseworker",
    ),
    "csa_parties": (
        "party_id",
        "party_id title forenames surname date_of_birth date_of_death nino address_line_1 address_line_2 "
        "address_line_3 address_line_4 postcode country phone email dlo representative_name "
        "representative_address_line_1 representative_address_line_2 representative_address_line_3 "
        "representative_address_line_4 representative_postcode",
    ),
    "csa_children": (
        "csa_system csa_case_id child_id",
        "csa_system csa_case_id child_id forenames surname date_of_birth",
    ),
    "csa_balances": ("csa_system csa_case_id", BALANCE),
    "csa_closing_ledger": (
        "csa_system csa_case_id creditor arrears_status",
        "csa_system csa_case_id creditor arrears_status amount_pence written_off_pence",
    ),
    "cis_persons": (
        "nino",
        "nino forenames surname date_of_birth date_of_death superseded_by_nino interest_registered "
        "benefit_code benefit_live benefit_weekly_pence",
    ),
    "cms_register": (
        "cms_case_id",
        "cms_case_id cms_casegroup_id paying_parent_nino receiving_parent_nino case_owner opened_on",
    ),
    "cms_applications": (
        "application_id",
        "application_id received_on eligible applicant_role applicant_nino named_paying_parent_nino "
        "partner_nino applicant_says_csa paying_parent_says_csa partner_says_csa gateway_reference",
    ),
    "csa_debts": (
        "csa_system csa_case_id",
        f"csa_system csa_case_id {BUCKETS} total_pence arrears_from arrears_to rp_arrears_decision "
        "rp_keep_pence pp_no_estate ima_pence no_further_action_told "
        "part_payment_accepted_pence duplicate_liability_pence",
    ),
    "csa_payments": ("csa_receipt_reference", "nino forenames surname csa_receipt_reference value"),
    "dca_payments": (
        "dca_reference",
        "dca_reference agency csa_system csa_case_id amount_pence received_on",
    ),
    "enforcement_actions": (
        "action_id",
        "action_id csa_system csa_case_id action_type ongoing in_force reference court granted_on "
        "amount_pence period_from period_to",
    ),
    "clerical_balances": ("csa_system csa_case_id", BALANCE),
    "closure_failures": (
        "csa_system csa_case_id failed_on",
        "csa_system csa_case_id failure_code failed_on detail",
    ),
    "ltr_responses": ("ltr_id", "ltr_id acknowledged_on outcome detail"),
    "clerical_letters": ("letter_id", "letter_id issued_on"),
    "inhibits": (
        "inhibit_id",
        "inhibit_id csa_system csa_case_id reason set_by set_by_role set_on removed_on",
    ),
    "corrections": (
        "correction_id",
        "correction_id csa_system csa_case_id creditor arrears_status new_amount_pence reason requested_by "
        "offline_calculation",
    ),
    "csa_actions": (
        "csa_action_id",
        "csa_action_id csa_system csa_case_id action_type detail notified_on notified_by",
    ),
    "records": (
        "record_id",
        "record_id kind casegroup_id csa_system csa_case_id reference recorded_on recorded_by detail",
    ),
    "resolutions": (
        "resolution_id",
        "resolution_id csa_system csa_case_id entity field old_value new_value source_system entered_by "
        "entered_on",
    ),
    "reported_exceptions": (
        "report_id",
        "report_id casegroup_id csa_system csa_case_id channel stage detail reported_by reported_on cleared_on cleared_by",
    ),
}
EVENTS = {
    "csa_balances": ("balance_id",),
    "clerical_balances": ("balance_id",),
    "csa_payments": ("csa_receipt_reference",),
    "dca_payments": ("dca_reference",),
    "closure_failures": ("csa_system", "csa_case_id", "failed_on"),
    "corrections": ("correction_id",),
    "csa_actions": ("csa_action_id",),
    "records": ("record_id",),
    "resolutions": ("resolution_id",),
}
TRUE_OR_FALSE = {
    "partially_clerical",
    "nationally_sensitive",
    "manual_inhibit",
    "automatic_inhibit",
    "dlo",
    "interest_registered",
    "benefit_live",
    "eligible",
    "applicant_says_csa",
    "paying_parent_says_csa",
    "partner_says_csa",
    "pp_no_estate",
    "no_further_action_told",
    "ongoing",
    "in_force",
}
DAYS = {
    "date_of_birth",
    "date_of_death",
    "liability_end_date",
    "arrears_from",
    "arrears_to",
    "period_from",
    "period_to",
}
NAMES_A_CLIENT = {
    "nino",
    "forenames",
    "surname",
    "date_of_birth",
    "address_line_1",
    "postcode",
    "phone",
    "email",
    "representative_name",
    "pp_account_number",
    "rp_account_number",
    "paying_parent_nino",
    "receiving_parent_nino",
    "applicant_nino",
    "named_paying_parent_nino",
    "partner_nino",
    "superseded_by_nino",
    "old_value",
    "new_value",
    "detail",
}

every_file = pytest.mark.parametrize("contract", FILES.values(), ids=FILES)


def test_every_file_of_the_contract_is_there_in_its_order() -> None:
    assert list(FILES) == list(AGREED)


@every_file
def test_keys_and_columns_are_the_contracts(contract: FileContract) -> None:
    key, columns = AGREED[contract.name]
    assert contract.key == tuple(key.split())
    assert contract.column_names == tuple(columns.split())
    assert set(contract.key) <= set(contract.column_names)


@every_file
def test_events_happen_once_by_their_key_and_all_else_upserts(contract: FileContract) -> None:
    assert contract.event_key == EVENTS.get(contract.name, ())
    assert contract.kind == ("event" if contract.name in EVENTS else "upsert")


@every_file
def test_types_follow_from_the_names(contract: FileContract) -> None:
    """Money int64 pence, days date32, flags bool, segment int32, all else text (contract.md)."""
    for column in contract.columns:
        if column.name in TRUE_OR_FALSE:
            expected = pa.bool_()
        elif column.name.endswith("_pence"):
            expected = pa.int64()
        elif column.name.endswith("_on") or column.name in DAYS:
            expected = pa.date32()
        elif column.name == "segment":
            expected = pa.int32()
        else:
            expected = pa.string()
        assert column.type == expected, f"{contract.name}.{column.name}"


def test_no_column_is_money_in_anything_but_whole_pence() -> None:
    kinds = {column.type for contract in FILES.values() for column in contract.columns}
    assert kinds == {pa.string(), pa.int64(), pa.int32(), pa.bool_(), pa.date32()}


@every_file
def test_every_column_says_what_it_means(contract: FileContract) -> None:
    for column in contract.columns:
        assert len(column.meaning) > 5, column.name
        assert "|" not in column.meaning
        assert "\n" not in column.meaning


@every_file
def test_what_names_a_client_is_marked_personal(contract: FileContract) -> None:
    for column in contract.columns:
        if column.name in NAMES_A_CLIENT:
            assert column.personal, f"{contract.name}.{column.name}"
        if column.name.endswith("_pence") or (column.name in contract.key[:2] and column.name != "nino"):
            assert not column.personal, f"{contract.name}.{column.name}"


def test_the_lists_of_values_are_the_contracts() -> None:
    def values(file: str, column: str) -> tuple[str, ...] | None:
        return FILES[file].column(column).values

    assert values("csa_cases", "csa_system") == ("CSCS", "CS2", "CCD")
    assert values("csa_cases", "scheme") == ("1993", "2003")
    assert values("csa_cases", "case_type") == ("ONGOING", "ARREARS_ONLY")
    assert values("csa_cases", "case_status") == ("OPEN", "CLOSED")
    assert values("csa_cases", "closed_reason") == ("CASE_CLOSURE", "OTHER")
    assert values("csa_cases", "rp_arrears_decision") == ("COLLECT", "WRITE_OFF", "PART_WRITE_OFF")
    methods = ("DIRECT_DEBIT", "STANDING_ORDER", "DEO", "DER", "BENEFIT_DEDUCTION", "CARD")
    assert values("csa_cases", "method_of_payment") == methods
    assert values("csa_closing_ledger", "creditor") == ("RP", "GB_SOS", "NI_SOS")
    assert values("corrections", "arrears_status") == ("ACTIVE", "SUSPENDED", "DEFERRED")
    assert values("inhibits", "set_by_role") == ("CASEWORKER", "TEAM_LEADER", "MANAGER")
    entities = ("CASE", "PAYING_PARENT", "RECEIVING_PARENT", "BALANCE", "PAYMENT", "REPORT")  # [3]
    assert values("resolutions", "entity") == entities
    reasons = ("ERROR", "CHANGE_OF_CIRCUMSTANCES", "APPEAL", "OFFLINE_REPORT", "WRITE_OFF")  # [2]
    assert values("corrections", "reason") == reasons
    stages = ("SELECTION", "CLOSURE", "RECEIVE_BALANCE", "CASE_SET_UP", "ADD_ARREARS", "AFTER_TRANSITION")
    assert values("reported_exceptions", "stage") == stages  # [1]
    assert values("reported_exceptions", "channel") == ("OFFLINE_REPORT", "CSA_CASEWORKER")  # [1]
    assert values("csa_parties", "country") is None


def test_the_buckets_are_the_nine_of_the_domain() -> None:
    """B44: {receiving parent, GB SoS, NI SoS} x {active, suspended, deferred}."""
    assert tuple(BUCKETS.split()) == BUCKET_COLUMNS
    for name in ("csa_balances", "csa_debts", "clerical_balances"):
        assert set(BUCKET_COLUMNS) <= set(FILES[name].column_names)


@every_file
def test_a_contract_is_found_by_the_exact_name_of_its_file(contract: FileContract) -> None:
    for system in CSA_SYSTEMS:
        name = contract.file_name.replace("<system>", system)
        assert contract_for(name) is contract
        assert contract_for(name.upper()) is None
        assert contract_for(f"../{name}") is None
        assert contract_for(f"{name}\n") is None


def test_payments_files_carry_their_system_in_their_name() -> None:
    assert payments_system("csa_payments_CS2.csv") == "CS2"
    assert payments_file_name("CSCS") == "csa_payments_CSCS.csv"
    assert payments_system("csa_payments_CMS.csv") is None
    assert payments_system("csa_payments_<system>.csv") is None
    assert contract_for("csa_payments_CMS.csv") is None
    with pytest.raises(ValueError, match="one of CSCS, CS2, CCD"):
        payments_file_name("CMS")


def test_a_column_the_file_does_not_have_is_a_mistake() -> None:
    with pytest.raises(KeyError, match=r"csa_cases\.parquet has no column 'nino'"):
        FILES["csa_cases"].column("nino")
