"""The one definition of every file that can land: its columns, types, keys and meanings.

Belongs here: what a column is called, its Arrow type, what it means, which values it may hold. The schema
check, the data dictionary, the gates' lists of values and the sample's shape are all drawn from here.
Does not belong here: how a file is opened or verified (`manifest`, `reading`), or what becomes of a bad row
(`gates`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import pyarrow as pa

from case_closure.domain.applications import LTR_OUTCOMES
from case_closure.domain.cases import CSA_SYSTEMS, METHODS_OF_PAYMENT
from case_closure.domain.cases import RP_ARREARS_DECISIONS as ARREARS_DECISIONS
from case_closure.domain.money import ARREARS_STATUSES, BUCKETS, CREDITORS

TEXT = pa.string()
DAY = pa.date32()
FLAG = pa.bool_()
PENCE = pa.int64()

SCHEMES = ("1993", "2003")
CASE_TYPES = ("ONGOING", "ARREARS_ONLY")
CASE_STATUSES = ("OPEN", "CLOSED")
CLOSED_REASONS = ("CASE_CLOSURE", "OTHER")
SEGMENTS = ("1", "2", "3", "4", "5")
CORRECTION_REASONS = ("ERROR", "CHANGE_OF_CIRCUMSTANCES", "APPEAL", "OFFLINE_REPORT", "WRITE_OFF")
CSA_ACTION_TYPES = ("APPEAL", "COMPLAINT", "CHANGE_OF_CIRCUMSTANCES", "OTHER")
ENFORCEMENT_ACTION_TYPES = ("LIABILITY_ORDER", "CHARGING_ORDER", "DISTRESS", "COMMITTAL", "DISQUALIFICATION")
RECORD_KINDS = ("GATEWAY", "MINIMUM_CASE_DATA", "CSA_CONTACT")
REPORT_CHANNELS = ("OFFLINE_REPORT", "CSA_CASEWORKER")
REPORT_STAGES = (
    "SELECTION", "CLOSURE", "RECEIVE_BALANCE", "CASE_SET_UP", "ADD_ARREARS", "AFTER_TRANSITION",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a landed file.

    `values`: the only values it may hold besides null, as text; None when it is free. `personal`: it
    identifies a client, tells where they live or bank, or is free text that might: never in a log, masked
    wherever it is shown. `as_it_came`: text of another program's making, such as JSON, kept also when it is blank.
    """

    name: str
    type: pa.DataType
    meaning: str
    values: tuple[str, ...] | None = None
    personal: bool = False
    as_it_came: bool = False


@dataclass(frozen=True)
class FileContract:
    """One file of the landing zone.

    `key`: the columns that say which thing a row is about. `kind`: 'upsert' rows replace the row held under
    their key; 'event' rows happen once each. `event_key`: the columns by which an event is known to have been
    seen; empty for upserts, and the same as `key` for all events but balances, which are about a case and are
    seen by balance_id.
    """

    name: str
    file_name: str
    key: tuple[str, ...]
    kind: Literal["upsert", "event"]
    columns: tuple[Column, ...]
    meaning: str
    event_key: tuple[str, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, columns in contract order."""
        return pa.schema([pa.field(column.name, column.type) for column in self.columns])

    @property
    def column_names(self) -> tuple[str, ...]:
        """Column names in contract order."""
        return tuple(column.name for column in self.columns)

    def typed(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row that was kept as JSON, with its dates as dates again."""
        dates = {column.name for column in self.columns if column.type == DAY}
        return {
            name: date.fromisoformat(row[name]) if name in dates and row.get(name) else row.get(name)
            for name in self.column_names
        }

    @property
    def is_csv(self) -> bool:
        """True for the payments files, the only ones that land as text."""
        return self.file_name.endswith(".csv")

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError when the file has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.file_name} has no column {name!r}")


def _case_key(of: str = "the case") -> tuple[Column, Column]:
    return (
        Column("csa_system", TEXT, f"CSA system that holds {of}", CSA_SYSTEMS),
        Column("csa_case_id", TEXT, f"Number of {of} on that system; not unique across systems"),
    )


def _optional_case_key() -> tuple[Column, Column]:
    return (
        Column(
            "csa_system",
            TEXT,
            "CSA system of the case it is about; null when about no single case",
            CSA_SYSTEMS,
        ),
        Column("csa_case_id", TEXT, "Number of that case; null when about no single case"),
    )


def _address(prefix: str, whose: str) -> tuple[Column, ...]:
    return tuple(
        Column(f"{prefix}address_line_{line}", TEXT, f"Line {line} of {whose} address", personal=True)
        for line in (1, 2, 3, 4)
    )


_CREDITOR_WORDS = {
    "RP": "the receiving parent",
    "GB_SOS": "the Secretary of State, Great Britain",
    "NI_SOS": "the Secretary of State, Northern Ireland",
}
_STATUS_WORDS = {
    "ACTIVE": "collectable now",
    "SUSPENDED": "collection paused",
    "DEFERRED": "of a class not pursued at present",
}
_BUCKETS = tuple(
    Column(
        bucket.column,
        PENCE,
        f"Owed to {_CREDITOR_WORDS[bucket.creditor]}, {_STATUS_WORDS[bucket.arrears_status]}; "
        "below zero is a credit (R5)",
    )
    for bucket in BUCKETS
)
_TOTAL = Column("total_pence", PENCE, "Sum of the nine buckets, as the sender counted it")
_PERIOD = (
    Column("arrears_from", DAY, "First day the arrears cover; null allowed only when nothing is owed"),
    Column("arrears_to", DAY, "Last day the arrears cover; not after the business date of the night"),
)
_CREDITOR = Column("creditor", TEXT, "To whom the arrears are owed", CREDITORS)
_ARREARS_STATUS = Column("arrears_status", TEXT, "Whether they are being collected", ARREARS_STATUSES)
_DECISION = (
    Column(
        "rp_arrears_decision",
        TEXT,
        "What the receiving parent asked for (B68); null when not recorded",
        ARREARS_DECISIONS,
    ),
    Column("rp_keep_pence", PENCE, "PART_WRITE_OFF: how much they chose to keep; null counts as 0"),
)


def _nino(name: str, meaning: str) -> Column:
    return Column(name, TEXT, meaning, personal=True)


def _balances(name: str, meaning: str) -> FileContract:
    return FileContract(
        name,
        f"{name}.parquet",
        key=("csa_system", "csa_case_id"),
        kind="event",
        event_key=("balance_id",),
        meaning=meaning,
        columns=(
            Column("balance_id", TEXT, "This balance; seen again with the same values it is ignored (R20)"),
            *_case_key(),
            Column(
                "casegroup_id", TEXT, "Casegroup the sender holds the case in; must be the one csa_cases says"
            ),
            *_BUCKETS,
            _TOTAL,
            *_PERIOD,
        ),
    )


_CSA_CASES = FileContract(
    "csa_cases",
    "csa_cases.parquet",
    key=("csa_system", "csa_case_id"),
    kind="upsert",
    meaning="Cases on the CSA systems, with what decides whether and how each may move (B1, B10, B70).",
    columns=(
        *_case_key(),
        Column(
            "scheme", TEXT, "Rules the case runs under; a system is not a scheme: CS2 holds both", SCHEMES
        ),
        Column("casegroup_id", TEXT, "Casegroup: all cases that share one paying parent"),
        Column("paying_parent_id", TEXT, "party_id of the paying parent"),
        Column("receiving_parent_id", TEXT, "party_id of the receiving parent"),
        Column("case_type", TEXT, "With ongoing maintenance, or only arrears left", CASE_TYPES),
        Column("case_status", TEXT, "Whether the case is still open on CSA", CASE_STATUSES),
        Column("closed_reason", TEXT, "Why it was closed; null while open", CLOSED_REASONS),
        Column("liability_end_date", DAY, "Day liability ended; null until it has"),
        Column("segment", pa.int32(), "Place in the policy order of closure, 1 first to 5 last", SEGMENTS),
        Column("weekly_liability_pence", PENCE, "Maintenance due a week"),
        Column("indicative_arrears_pence", PENCE, "Arrears as last estimated; not a balance, never posted"),
        Column(
            "partially_clerical", FLAG, "Part of it is kept on paper: the whole casegroup is diverted (B73)"
        ),
        Column("nationally_sensitive", FLAG, "The whole casegroup is diverted and kept apart (R12, R26)"),
        Column("manual_inhibit", FLAG, "Set by hand: closure and transfer stop (B70)"),
        Column("automatic_inhibit", FLAG, "Set by the CSA system: closure and transfer stop"),
        Column("closure_failure_code", TEXT, "Why ending liability failed (B53); null when it did not"),
        *_DECISION,
        Column(
            "method_of_payment", TEXT, "How the paying parent pays; null when not known", METHODS_OF_PAYMENT
        ),
        Column("pp_sort_code", TEXT, "Paying parent's sort code, six digits", personal=True),
        Column("pp_account_number", TEXT, "Paying parent's account number, eight digits", personal=True),
        Column("rp_sort_code", TEXT, "Receiving parent's sort code, six digits", personal=True),
        Column("rp_account_number", TEXT, "Receiving parent's account number, eight digits", personal=True),
        Column(
            "employer_reference", TEXT, "Employer, for a deduction from earnings; else null", personal=True
        ),
        Column("csa_caseworker", TEXT, "CSA caseworker who holds it; null when none"),
    ),
)

_CSA_PARTIES = FileContract(
    "csa_parties",
    "csa_parties.parquet",
    key=("party_id",),
    kind="upsert",
    meaning="Parents on the CSA systems, and where to write to them (B13-B16, B36).",
    columns=(
        Column("party_id", TEXT, "The person, as CSA knows them"),
        Column("title", TEXT, "Mr, Ms and so on", personal=True),
        Column("forenames", TEXT, "Forename or forenames", personal=True),
        Column("surname", TEXT, "Surname", personal=True),
        Column("date_of_birth", DAY, "Date of birth", personal=True),
        Column(
            "date_of_death",
            DAY,
            "Date of death; null while living. Any date suppresses letters (R16)",
            personal=True,
        ),
        _nino("nino", "National Insurance number as CSA holds it; judged at set-up (R18)"),
        *_address("", "the person's"),
        Column("postcode", TEXT, "UK postcode; may be missing overseas", personal=True),
        Column("country", TEXT, "GB-ENG, GB-SCT, GB-WLS or GB-NIR, GB, else ISO 3166-1 alpha-2"),
        Column("phone", TEXT, "Telephone number", personal=True),
        Column("email", TEXT, "E-mail address", personal=True),
        Column("dlo", FLAG, "Post comes back (dead letter office): letters are suppressed (B15)"),
        Column("representative_name", TEXT, "Who acts for them (B14); null when nobody", personal=True),
        *_address("representative_", "the representative's"),
        Column("representative_postcode", TEXT, "The representative's postcode", personal=True),
    ),
)

_CSA_CHILDREN = FileContract(
    "csa_children",
    "csa_children.parquet",
    key=("csa_system", "csa_case_id", "child_id"),
    kind="upsert",
    meaning="Qualifying children of each case; a case set up on CMS needs at least one (B37).",
    columns=(
        *_case_key(),
        Column("child_id", TEXT, "The child, within the case"),
        Column("forenames", TEXT, "Forename or forenames", personal=True),
        Column("surname", TEXT, "Surname", personal=True),
        Column("date_of_birth", DAY, "Date of birth", personal=True),
    ),
)

_CSA_BALANCES = _balances(
    "csa_balances",
    "Final debt balances by case from the Data Warehouse (B28); the latest arrival of a case counts.",
)
_CLERICAL_BALANCES = _balances(
    "clerical_balances",
    "Residual arrears reported clerically (B72): the whole casegroup is diverted, never posted by itself.",
)

_CSA_CLOSING_LEDGER = FileContract(
    "csa_closing_ledger",
    "csa_closing_ledger.parquet",
    key=("csa_system", "csa_case_id", "creditor", "arrears_status"),
    kind="upsert",
    meaning="CSA's own account of what left, bucket by bucket, for reconciliation (B54).",
    columns=(
        *_case_key(),
        _CREDITOR,
        _ARREARS_STATUS,
        Column("amount_pence", PENCE, "What left CSA"),
        Column("written_off_pence", PENCE, "What was written off before it left"),
    ),
)

_CIS_PERSONS = FileContract(
    "cis_persons",
    "cis_persons.parquet",
    key=("nino",),
    kind="upsert",
    meaning="The customer information system: who a person is, and their benefit (B37, B38, B42).",
    columns=(
        _nino("nino", "National Insurance number; matched on its first eight characters (R18)"),
        Column("forenames", TEXT, "Forename or forenames", personal=True),
        Column("surname", TEXT, "Surname", personal=True),
        Column("date_of_birth", DAY, "Date of birth", personal=True),
        Column("date_of_death", DAY, "Date of death; null while living", personal=True),
        _nino("superseded_by_nino", "The number that replaced this one; null when it stands"),
        Column("interest_registered", FLAG, "Child maintenance has its interest flag on this person"),
        Column("benefit_code", TEXT, "Benefit in payment; null when none"),
        Column("benefit_live", FLAG, "Whether that benefit is live"),
        Column("benefit_weekly_pence", PENCE, "That benefit, a week"),
    ),
)

_CMS_REGISTER = FileContract(
    "cms_register",
    "cms_register.parquet",
    key=("cms_case_id",),
    kind="upsert",
    meaning="Cases that CMS has: a casegroup is known by the paying parent, a case by both parents (B30).",
    columns=(
        Column("cms_case_id", TEXT, "The case on CMS"),
        Column("cms_casegroup_id", TEXT, "Its casegroup on CMS"),
        _nino("paying_parent_nino", "Paying parent's National Insurance number"),
        _nino("receiving_parent_nino", "Receiving parent's National Insurance number"),
        Column("case_owner", TEXT, "CMS caseworker who owns it (B50); null when nobody"),
        Column("opened_on", DAY, "Day it was opened on CMS"),
    ),
)

_CMS_APPLICATIONS = FileContract(
    "cms_applications",
    "cms_applications.parquet",
    key=("application_id",),
    kind="upsert",
    meaning="Applications to CMS, which can turn a casegroup's closure reactive (B19-B24, B65-B67).",
    columns=(
        Column("application_id", TEXT, "The application"),
        Column("received_on", DAY, "Day it was received: day 0 of the 38 (R1)"),
        Column("eligible", FLAG, "Whether CMS found it eligible"),
        Column("applicant_role", TEXT, "Which parent applied", ("RECEIVING_PARENT", "PAYING_PARENT")),
        _nino("applicant_nino", "Applicant's National Insurance number"),
        _nino("named_paying_parent_nino", "National Insurance number of the paying parent it names"),
        _nino("partner_nino", "The paying parent's partner's; null when none is given"),
        Column("applicant_says_csa", FLAG, "Applicant says they have a CSA case; null when not asked"),
        Column("paying_parent_says_csa", FLAG, "The same of the paying parent"),
        Column("partner_says_csa", FLAG, "The same of the partner"),
        Column("gateway_reference", TEXT, "Reference of the Gateway call (B11)"),
    ),
)

_CSA_DEBTS = FileContract(
    "csa_debts",
    "csa_debts.parquet",
    key=("csa_system", "csa_case_id"),
    kind="upsert",
    meaning="Debts before the nine write-off rules have run, with what those rules look at (B71, R23).",
    columns=(
        *_case_key(),
        *_BUCKETS,
        _TOTAL,
        *_PERIOD,
        *_DECISION,
        Column("pp_no_estate", FLAG, "The paying parent died and left no estate to recover from"),
        Column("ima_pence", PENCE, "Part that is interim maintenance assessment liability of 1993 to 1995"),
        Column("no_further_action_told", FLAG, "The paying parent was told no further action would be taken"),
        Column("part_payment_accepted_pence", PENCE, "Accepted as part payment in satisfaction of the whole"),
        Column("duplicate_liability_pence", PENCE, "Part that is a second liability for the same period"),
    ),
)

_CSA_PAYMENTS = FileContract(
    "csa_payments",
    "csa_payments_<system>.csv",
    key=("csa_receipt_reference",),
    kind="event",
    event_key=("csa_receipt_reference",),
    meaning=(
        "A CSA system's daily payments: receipts for clients whose case was closed (B59, R25). One file a "
        "system, the system in its name. First line the header, last line TRAILER,<rows>,<total in pounds>."
    ),
    columns=(
        _nino("nino", "Payer's National Insurance number"),
        Column("forenames", TEXT, "Payer's forename or forenames", personal=True),
        Column("surname", TEXT, "Payer's surname; must match as well as the number (R25)", personal=True),
        Column("csa_receipt_reference", TEXT, "CSA's reference of the receipt"),
        Column("value", TEXT, "Amount in pounds with two decimals, read as text and parsed to exact pence"),
    ),
)

_DCA_PAYMENTS = FileContract(
    "dca_payments",
    "dca_payments.parquet",
    key=("dca_reference",),
    kind="event",
    event_key=("dca_reference",),
    meaning="Receipts from debt collection agencies (B61).",
    columns=(
        Column("dca_reference", TEXT, "The agency's reference of the receipt"),
        Column("agency", TEXT, "Which agency"),
        *_case_key("the case it was collected for"),
        Column("amount_pence", PENCE, "Amount collected"),
        Column("received_on", DAY, "Day it was received"),
    ),
)

_ENFORCEMENT_ACTIONS = FileContract(
    "enforcement_actions",
    "enforcement_actions.parquet",
    key=("action_id",),
    kind="upsert",
    meaning="Enforcement under way on CSA: a service request each, never one a case (B62-B64).",
    columns=(
        Column("action_id", TEXT, "The action"),
        *_case_key(),
        Column(
            "action_type",
            TEXT,
            "What kind of action",
            ENFORCEMENT_ACTION_TYPES,
        ),
        Column("ongoing", FLAG, "Still under way: a liability order makes an item only then"),
        Column("in_force", FLAG, "The order is in force"),
        Column("reference", TEXT, "The court's or agent's reference"),
        Column("court", TEXT, "Court that granted it"),
        Column("granted_on", DAY, "Day it was granted"),
        Column("amount_pence", PENCE, "Amount it covers"),
        Column("period_from", DAY, "First day of arrears it covers"),
        Column("period_to", DAY, "Last day of arrears it covers"),
    ),
)

_CLOSURE_FAILURES = FileContract(
    "closure_failures",
    "closure_failures.parquet",
    key=("csa_system", "csa_case_id", "failed_on"),
    kind="event",
    event_key=("csa_system", "csa_case_id", "failed_on"),
    meaning="Reports that ending a liability on CSA failed: the casegroup is held and routed (B53).",
    columns=(
        *_case_key(),
        Column("failure_code", TEXT, "Why it failed, in the CSA system's code"),
        Column("failed_on", DAY, "Day it failed"),
        Column("detail", TEXT, "More about it, free text", personal=True),
    ),
)

_LTR_RESPONSES = FileContract(
    "ltr_responses",
    "ltr_responses.parquet",
    key=("ltr_id",),
    kind="upsert",
    meaning="The CSA teams' answers to legacy transition requests (B25).",
    columns=(
        Column("ltr_id", TEXT, "The request, as it was sent"),
        Column("acknowledged_on", DAY, "Day they acknowledged it"),
        Column("outcome", TEXT, "What came of it", LTR_OUTCOMES),
        Column("detail", TEXT, "More about it, free text", personal=True),
    ),
)

_CLERICAL_LETTERS = FileContract(
    "clerical_letters",
    "clerical_letters.parquet",
    key=("letter_id",),
    kind="upsert",
    meaning="The legacy teams' word that a suppressed letter went out by hand (B15).",
    columns=(
        Column("letter_id", TEXT, "The letter that was suppressed"),
        Column("issued_on", DAY, "Day they sent it"),
    ),
)

_INHIBITS = FileContract(
    "inhibits",
    "inhibits.parquet",
    key=("inhibit_id",),
    kind="upsert",
    meaning="Inhibits set and removed by hand; only a team leader or above may set one (B69, B70).",
    columns=(
        Column("inhibit_id", TEXT, "The inhibit"),
        *_case_key(),
        Column("reason", TEXT, "Why it was set, free text", personal=True),
        Column("set_by", TEXT, "Who set it"),
        Column(
            "set_by_role",
            TEXT,
            "Their role; a caseworker's is refused",
            ("CASEWORKER", "TEAM_LEADER", "MANAGER"),
        ),
        Column("set_on", DAY, "First day it holds"),
        Column("removed_on", DAY, "Day it was removed, from which it no longer holds; null while it stands"),
    ),
)

_CORRECTIONS = FileContract(
    "corrections",
    "corrections.parquet",
    key=("correction_id",),
    kind="event",
    event_key=("correction_id",),
    meaning="Corrections of a balance: reason-coded, the original kept, never below zero (B55, B56).",
    columns=(
        Column("correction_id", TEXT, "The correction"),
        *_case_key(),
        _CREDITOR,
        _ARREARS_STATUS,
        Column("new_amount_pence", PENCE, "What the bucket should be; refused below zero"),
        Column("reason", TEXT, "Why it was made", CORRECTION_REASONS),
        Column("requested_by", TEXT, "Who asked for it"),
        Column(
            "offline_calculation",
            TEXT,
            "Inputs and result as JSON (B56); null when there was none",
            personal=True,
            as_it_came=True,
        ),
    ),
)

_CSA_ACTIONS = FileContract(
    "csa_actions",
    "csa_actions.parquet",
    key=("csa_action_id",),
    kind="event",
    event_key=("csa_action_id",),
    meaning="Action that CSA could not finish before closure: a request to the owning CMS caseworker (B57).",
    columns=(
        Column("csa_action_id", TEXT, "The action"),
        *_case_key(),
        Column("action_type", TEXT, "What kind of action", CSA_ACTION_TYPES),
        Column("detail", TEXT, "What is left to do, free text", personal=True),
        Column("notified_on", DAY, "Day CSA told us"),
        Column("notified_by", TEXT, "Who told us"),
    ),
)

_RECORDS = FileContract(
    "records",
    "records.parquet",
    key=("record_id",),
    kind="event",
    event_key=("record_id",),
    meaning="What people did outside the system, kept for the record (B11, B27, B58).",
    columns=(
        Column("record_id", TEXT, "The record"),
        Column("kind", TEXT, "What kind of record", RECORD_KINDS),
        Column("casegroup_id", TEXT, "Casegroup it is about"),
        *_optional_case_key(),
        Column("reference", TEXT, "Reference of what was done"),
        Column("recorded_on", DAY, "Day it was done"),
        Column("recorded_by", TEXT, "Who did it"),
        Column("detail", TEXT, "What was recorded, as JSON", personal=True, as_it_came=True),
    ),
)

_RESOLUTIONS = FileContract(
    "resolutions",
    "resolutions.parquet",
    key=("resolution_id",),
    kind="event",
    event_key=("resolution_id",),
    meaning="What caseworkers entered to mend a case, which then resumes where it stopped (B49).",
    columns=(
        Column("resolution_id", TEXT, "The resolution"),
        Column(
            "csa_system",
            TEXT,
            "CSA system that holds the case; may be null for a payment or report",
            CSA_SYSTEMS,
        ),
        Column(
            "csa_case_id",
            TEXT,
            "Number of the case on that system; of a payment its reference, of a report its report_id",
        ),
        Column(
            "entity",
            TEXT,
            "What was mended",
            ("CASE", "PAYING_PARENT", "RECEIVING_PARENT", "BALANCE", "PAYMENT", "REPORT"),
        ),
        Column("field", TEXT, "Which column of it"),
        Column("old_value", TEXT, "What it was, as text; null when it was missing", personal=True),
        Column("new_value", TEXT, "What it is, as text", personal=True),
        Column("source_system", TEXT, "Where the caseworker found it"),
        Column("entered_by", TEXT, "Who entered it"),
        Column("entered_on", DAY, "Day they entered it"),
    ),
)

_REPORTED_EXCEPTIONS = FileContract(
    "reported_exceptions",
    "reported_exceptions.parquet",
    key=("report_id",),
    kind="upsert",
    event_key=(),
    meaning="Exceptions found outside the system; each holds its casegroup until it is cleared (B51).",
    columns=(
        Column("report_id", TEXT, "The report"),
        Column("casegroup_id", TEXT, "Casegroup it is about"),
        *_optional_case_key(),
        Column("channel", TEXT, "How it reached us", REPORT_CHANNELS),
        Column("stage", TEXT, "Where in the transition it was found", REPORT_STAGES),
        Column("detail", TEXT, "What is wrong, free text", personal=True),
        Column("reported_by", TEXT, "Who reported it"),
        Column("reported_on", DAY, "Day they did; from then on it holds"),
        Column("cleared_on", DAY, "Day it is cleared; null while it is not"),
        Column("cleared_by", TEXT, "Who cleared it"),
    ),
)

FILES: dict[str, FileContract] = {
    contract.name: contract
    for contract in (
        _CSA_CASES,
        _CSA_PARTIES,
        _CSA_CHILDREN,
        _CSA_BALANCES,
        _CSA_CLOSING_LEDGER,
        _CIS_PERSONS,
        _CMS_REGISTER,
        _CMS_APPLICATIONS,
        _CSA_DEBTS,
        _CSA_PAYMENTS,
        _DCA_PAYMENTS,
        _ENFORCEMENT_ACTIONS,
        _CLERICAL_BALANCES,
        _CLOSURE_FAILURES,
        _LTR_RESPONSES,
        _CLERICAL_LETTERS,
        _INHIBITS,
        _CORRECTIONS,
        _CSA_ACTIONS,
        _RECORDS,
        _RESOLUTIONS,
        _REPORTED_EXCEPTIONS,
    )
}
"""Every file that may land, by name, in the order of the contract."""

_PARQUET = {contract.file_name: contract for contract in FILES.values() if not contract.is_csv}
_PAYMENTS_NAME = re.compile(rf"csa_payments_({'|'.join(CSA_SYSTEMS)})\.csv")


def contract_for(file_name: str) -> FileContract | None:
    """The contract of a file by its exact name in the folder; None when no such file is in the contract."""
    if payments_system(file_name) is not None:
        return _CSA_PAYMENTS
    return _PARQUET.get(file_name)


def payments_system(file_name: str) -> str | None:
    """The CSA system in the name of a payments file; None for any other file."""
    match = _PAYMENTS_NAME.fullmatch(file_name)
    return match.group(1) if match else None


def payments_file_name(csa_system: str) -> str:
    """The name of that system's payments file. Raises ValueError for a system CSA does not have."""
    if csa_system not in CSA_SYSTEMS:
        raise ValueError(f"no CSA system {csa_system!r}: one of {', '.join(CSA_SYSTEMS)}")
    return _CSA_PAYMENTS.file_name.replace("<system>", csa_system)
