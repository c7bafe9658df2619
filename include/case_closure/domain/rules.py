"""Every rule code: the one table that gates, exceptions, reports and docs are made from.

Belongs here: what each rule is about, what it needs, whom it stops, what to tell the caseworker.
Does not belong here: how a rule is tested (the suites in ``gates``) or what becomes of a finding (``stages``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["HOLD", "WARNING"]
Scope = Literal["CASEGROUP", "ROW"]

FT_TEAM: Final = "FT_TEAM"
CASE_OWNER: Final = "CASE_OWNER"


@dataclass(frozen=True)
class Rule:
    """One reason for which a record goes no further.

    ``on`` is the file or set-up step it is judged on; ``suite`` the GX suite that holds its expectations.
    ``scope``: CASEGROUP rules stop the whole casegroup (R7), ROW rules refuse their row alone.
    ``needs`` names rules whose failure makes this one meaningless, so that it is not judged.
    ``channel``: how what broke it reaches us (B51): the warehouse's extract, a report or file of its own, a caseworker.
    ``says`` is the plain message and ``do`` the next step, both for the caseworker; neither holds a value.
    """

    code: str
    on: str
    suite: str
    stage: str
    subject: str
    says: str
    do: str
    needs: tuple[str, ...] = ()
    severity: Severity = "HOLD"
    scope: Scope = "CASEGROUP"
    work_item: str | None = "MANUAL_HANDLING"
    channel: str = "EXTRACT"


_RECEIVE = "receive_balances"
_SET_UP = "set_up_cases"
_CIS_NEEDS = ("party_missing", "nino_missing", "nino_invalid")
_CIS_MATCH_NEEDS = (*_CIS_NEEDS, "cis_no_match", "cis_multiple_matches")
_CSA = "on the CSA system that holds the case"


def _case(code: str, says: str, do: str, needs: tuple[str, ...] = (), suite: str = "csa_cases") -> Rule:
    return Rule(code, "csa_cases", suite, _RECEIVE, "CASE", says, do, needs)


def _balance(
    code: str, says: str, do: str, needs: tuple[str, ...] = (), work_item: str = "MANUAL_HANDLING"
) -> Rule:
    return Rule(
        code, "csa_balances", "csa_balances", _RECEIVE, "BALANCE", says, do, needs, work_item=work_item
    )


def _party(code: str, says: str, do: str, needs: tuple[str, ...] = ("party_missing",)) -> Rule:
    return Rule(code, "case set-up", "set_up_parties", _SET_UP, "PARTY", says, do, needs)


def _set_up(code: str, subject: str, says: str, do: str, needs: tuple[str, ...] = ()) -> Rule:
    return Rule(code, "case set-up", "set_up_cases", _SET_UP, subject, says, do, needs)


def _payment(code: str, says: str, do: str, needs: tuple[str, ...] = ()) -> Rule:
    return Rule(
        code, "csa_payments", "csa_payments", "payments", "PAYMENT", says, do, needs,
        scope="ROW", work_item="PAYMENT_SUSPENSE", channel="PAYMENT_FILE",
    )  # fmt: skip


def _row(code: str, on: str, stage: str, subject: str, says: str, do: str, channel: str) -> Rule:
    """A rule that refuses its row alone."""
    return Rule(code, on, on, stage, subject, says, do, scope="ROW", channel=channel)


@dataclass(frozen=True)
class RowsOf:
    """A file whose rows are judged one by one as they arrive, each refused alone: what a row of it is called, how it reaches
    us, and whether it happens once, so that it cannot come again as something else ([4])."""

    subject: str
    channel: str
    once: bool


ROWS: Final = {
    "corrections": RowsOf("CORRECTION", "OFFLINE_REPORT", once=True),
    "csa_actions": RowsOf("CSA_ACTION", "CSA_CASEWORKER", once=True),
    "records": RowsOf("RECORD", "EXTRACT", once=True),
    "enforcement_actions": RowsOf("ENFORCEMENT_ACTION", "EXTRACT", once=False),
    "reported_exceptions": RowsOf("REPORT", "OFFLINE_REPORT", once=False),
    "resolutions": RowsOf("RESOLUTION", "EXTRACT", once=True),
    "csa_debts": RowsOf("DEBT", "EXTRACT", once=False),
}
"""The files whose rows are judged so, by their names ([5], [6])."""


def rows_suite(file: str) -> str:
    """The name of the suite that judges the rows of a file of ``ROWS`` as they arrive."""
    return f"{file}_rows"


ANY_ROW: Final = "ROW"
"""The subject of a rule that is on rows of several files: the file says what the row is called."""


def _debt(code: str, says: str, do: str, needs: tuple[str, ...] = ()) -> Rule:
    return Rule(code, "csa_debts", "csa_debts", "judge_debts", "DEBT", says, do, needs, scope="ROW")


_RULES = (
    _case(
        "case_key_missing",
        "The case has no CSA system, case number or casegroup.",
        f"Find the case {_CSA} and have the extract send it with its key.",
    ),
    _case(
        "case_enum_invalid",
        "The case carries a value that is not in the agreed list, or none where one is required.",
        f"Look up the value {_CSA} and enter the right one.",
    ),
    _case(
        "case_duplicate",
        "The case stands more than once in the night's file.",
        f"Establish which row is right {_CSA}; the extract must send it once.",
    ),
    _case(
        "case_casegroup_conflict",
        "The cases of this casegroup do not agree who the paying parent is, or a case of a completed casegroup "
        "was sent under another casegroup.",
        "Establish which casegroup the case belongs to and correct it on the CSA system.",
        suite="casegroup_cases",
    ),
    _balance(
        "balance_key_missing",
        "The balance has no balance number, CSA system or case number.",
        f"Find the balance {_CSA} and have the extract send it with its key.",
    ),
    _balance(
        "balance_case_unknown",
        "There is a balance for this case, but the case itself was never received.",
        "Have the extract send the case, or find out why it was refused.",
    ),
    _balance(
        "balance_casegroup_mismatch",
        "The balance names another casegroup than the case is in.",
        f"Establish the casegroup of the case {_CSA}; have the case or the balance sent again.",
        ("balance_case_unknown",),
    ),
    _balance(
        "balance_duplicate",
        "The case stands more than once in the night's balances.",
        f"Establish the right balance {_CSA}; it must be sent once.",
        (),
    ),
    _balance(
        "balance_amount_missing",
        "One of the nine amounts, or the total, is missing.",
        f"Look up the amount {_CSA} and enter it.",
    ),
    _balance(
        "balance_total_mismatch",
        "The total is not the sum of the nine amounts.",
        f"Compare the amounts with the balance {_CSA} and enter the right one.",
        ("balance_amount_missing",),
    ),
    _balance(
        "balance_amount_implausible",
        "An amount is larger than any real case is expected to owe.",
        f"Confirm the amount {_CSA}; enter the right one, or ask for the limit to be raised.",
    ),
    _balance(
        "balance_period_invalid",
        "The period of the arrears runs backwards, ends after the night it arrived, or is missing.",
        f"Look up the period of the arrears {_CSA} and enter it.",
    ),
    _balance(
        "balance_changed_after_completion",
        "CSA sent another balance after the casegroup's arrears had been moved.",
        "Establish which balance is right and add or correct the arrears on CMS.",
        (),
        "ADD_CORRECT_ARREARS",
    ),
    _party(
        "party_missing",
        "The parent named on the case was never received.",
        f"Find the person {_CSA} and have the extract send them.",
        (),
    ),
    _party("surname_missing", "The parent has no surname.", f"Look up the surname {_CSA} and enter it."),
    _party("date_of_birth_missing", "The parent has no date of birth.", f"Look up the date of birth {_CSA} and enter it."),
    _party(
        "date_of_birth_implausible",
        "The date of birth is in the future, or makes the parent under 12 or over 110.",
        f"Check the date of birth {_CSA} and against CIS, and enter the right one.",
        ("party_missing", "date_of_birth_missing"),
    ),
    _party("nino_missing", "The parent has no National Insurance number.", f"Look up the NINO {_CSA} or in CIS and enter it."),
    _party(
        "nino_invalid",
        "The National Insurance number cannot exist.",
        "Check the NINO in CIS and enter the right one.",
        ("party_missing", "nino_missing"),
    ),
    _party(
        "contact_missing",
        "There is no first address line, or neither a valid UK postcode nor an overseas country.",
        f"Look up the address {_CSA} and enter it.",
    ),
    _party(
        "cis_no_match",
        "CIS knows nobody by this National Insurance number.",
        "Trace the person in CIS by name and date of birth and enter the right NINO.",
        _CIS_NEEDS,
    ),
    _party(
        "cis_multiple_matches",
        "CIS holds more than one person under this National Insurance number.",
        "Establish in CIS which person it is and have the other record corrected.",
        _CIS_NEEDS,
    ),
    _party(
        "cis_name_mismatch",
        "The name is not the name CIS holds.",
        "Compare the person with CIS; enter the right name or NINO.",
        (*_CIS_MATCH_NEEDS, "surname_missing"),
    ),
    _party(
        "cis_date_of_birth_mismatch",
        "The date of birth is not the one CIS holds.",
        "Compare the person with CIS; enter the right date of birth or NINO.",
        (*_CIS_MATCH_NEEDS, "date_of_birth_missing"),
    ),
    _party(
        "cis_superseded_nino",
        "CIS has replaced this National Insurance number by another.",
        "Enter the NINO that CIS now holds.",
        _CIS_MATCH_NEEDS,
    ),
    _party(
        "cis_deceased",
        "CIS has recorded this parent's death.",
        "Follow the guidance for a deceased client before any arrears are added.",
        _CIS_MATCH_NEEDS,
    ),
    _set_up(
        "child_missing",
        "CHILD",
        "The case has no qualifying child.",
        f"Look up the child {_CSA} and have the extract send them.",
    ),
    _set_up(
        "method_of_payment_invalid",
        "CASE",
        "The method of payment is missing or unknown, or lacks its bank details or employer reference.",
        f"Look up the method of payment {_CSA} and enter what is missing.",
    ),
    _set_up(
        "cis_benefit_missing",
        "PAYING_PARENT",
        "Payment is by deduction from benefit, but CIS shows no live benefit.",
        "Check the benefit in CIS; enter another method of payment where there is none.",
        _CIS_MATCH_NEEDS,
    ),
    _set_up(
        "region_unknown",
        "RECEIVING_PARENT",
        "The maintenance region cannot be told from the receiving parent's address.",
        "Establish where the receiving parent lives and enter the postcode or country.",
        ("party_missing",),
    ),
    Rule(
        "closure_failed", "closure_failures", "casegroup_cases", _RECEIVE, "CASE",
        "CSA reported that ending this case's liability failed.",
        "Clear the failure on the CSA system so that the case closes there.",
        work_item="CLOSURE_FAILED", channel="FAILURE_REPORT",
    ),
    Rule(
        "exception_reported", "reported_exceptions", "reports", _RECEIVE, "REPORT",
        "Somebody outside the system has reported that something is wrong.",
        "Settle it with whoever reported it, and enter the day on which it was cleared.",
        channel="OFFLINE_REPORT",
    ),
    _payment(
        "payment_malformed",
        "The payment row cannot be read as a payment.",
        "Ask CSA, or the agency, for the row as it should be.",
    ),
    _payment(
        "payment_receipt_conflict",
        "The receipt reference was seen before with another value.",
        "Ask CSA, or the agency, which value is right; enter the casegroup, or to whom it is passed on.",
        ("payment_malformed",),
    ),
    _payment(
        "payment_owner_unknown",
        "No paying parent on record has this National Insurance number, or the case it was collected for is not held.",
        "Establish whose payment it is, and enter the casegroup, or to whom it is passed on.",
        ("payment_malformed",),
    ),
    _payment(
        "payment_name_mismatch",
        "The payer's surname is not the paying parent's.",
        "Establish whose payment it is, and enter the casegroup, or to whom it is passed on.",
        ("payment_malformed", "payment_owner_unknown"),
    ),
    Rule(
        "correction_below_zero", "corrections", "corrections", "corrections", "BALANCE",
        "The correction would take the arrears below nothing, or below what has been paid of them.",
        "Check the amount with whoever asked for it; what was paid is not taken back by a correction.",
        scope="ROW", channel="OFFLINE_REPORT",
    ),
    Rule(
        "correction_due_unknown", "corrections", "corrections", "corrections", "BALANCE",
        "There are no arrears on CMS for this correction to change, and it may not add any.",
        "Check the case, creditor and status with whoever asked for it. It is judged again each night; arrears are added by an "
        "offline report alone, once the casegroup is complete and its case on CMS.",
        scope="ROW", channel="OFFLINE_REPORT",
    ),
    Rule(
        "inhibit_not_authorised", "inhibits", "inhibits", _RECEIVE, "CASE",
        "An inhibit was set by somebody below team leader.",
        "Have a team leader or manager set it, if it is wanted.",
        scope="ROW", channel="CSA_CASEWORKER",
    ),
    _row(
        "application_date_invalid", "cms_applications", "take_applications", "APPLICATION",
        "The application has no date of receipt, or one after the night it arrived.",
        "Look up on the Gateway when it was received, and have it sent again with that date.",
        "GATEWAY",
    ),
    _row(
        "ltr_unknown", "ltr_responses", "take_applications", "LTR",
        "A CSA team answered a legacy transition request that was never sent.",
        "Ask the CSA team which request they mean, and have the answer sent again with its number.",
        "CSA_TEAM",
    ),
    _row(
        "ltr_outcome_invalid", "ltr_responses", "take_applications", "LTR",
        "The outcome of a legacy transition request is not CLOSED, REFUSED or PENDING.",
        "Ask the CSA team what came of the request, and have the answer sent again.",
        "CSA_TEAM",
    ),
    _row(
        "clerical_letter_unknown", "clerical_letters", "follow_closure", "LETTER",
        "A legacy team says it sent a letter by hand, but no such letter was suppressed.",
        "Ask the legacy team which letter they mean, and have the answer sent again with its number.",
        "LEGACY_TEAM",
    ),
    _debt(
        "debt_case_unknown",
        "There is a debt for this case, but the case itself was never received.",
        "Have the extract send the case, or find out why it was refused.",
    ),
    _debt(
        "debt_duplicate",
        "The case stands more than once in the night's debts.",
        f"Establish the right debt {_CSA}; it must be sent once.",
    ),
    _debt(
        "debt_amount_missing",
        "One of the nine amounts of the debt, or their total, is missing.",
        f"Look up the amount {_CSA} and have the debt sent again with it.",
    ),
    _debt(
        "debt_total_mismatch",
        "The total of the debt is not the sum of its nine amounts.",
        f"Compare the amounts with the debt {_CSA} and have the right one sent.",
        ("debt_amount_missing",),
    ),
    Rule(
        "row_invalid", ", ".join(ROWS), "rows", "receive_extract", ANY_ROW,
        "A row lacks its number or another value it must have, or holds one that cannot stand there.",
        "Look at the field with whoever sent it, and have the row sent again as it should be, under the same number.",
        scope="ROW",
    ),
    Rule(
        "row_changed", ", ".join(file for file, rows in ROWS.items() if rows.once), "rows", "receive_extract", ANY_ROW,
        "A row came again under a number seen before, with other content; the first stands.",
        "Ask whoever sent it: send the first again as it was, and what is new under a number of its own.",
        ("row_invalid",), scope="ROW",
    ),
    Rule(
        "nino_administrative_prefix", "case set-up", "nino_warnings", _SET_UP, "PARTY",
        "The National Insurance number is an administrative one.",
        "Nothing is stopped; replace it when the real NINO is known.",
        _CIS_NEEDS, severity="WARNING", work_item=None,
    ),
    Rule(
        "nino_suffix_differs", "case set-up", "nino_warnings", _SET_UP, "PARTY",
        "The last letter of the National Insurance number differs between systems.",
        "Nothing is stopped; correct the suffix where it is wrong.",
        _CIS_NEEDS, severity="WARNING", work_item=None,
    ),
)  # fmt: skip

RULES: Final[dict[str, Rule]] = {rule.code: rule for rule in _RULES}
assert len(RULES) == len(_RULES), "a rule code stands twice"


# A balance reported clerically is judged by two of the rules of any balance, a receipt of an agency by three of a payment's; the
# rules of rows are judged on each of their files, on entries about payments once it is known where these stand, on corrections
# once their due is known.
_ALSO_JUDGED_BY: Final = {
    "corrections": ("row_invalid",),
    "clerical_balances": ("balance_key_missing", "balance_case_unknown"),
    "dca_payments": ("payment_malformed", "payment_receipt_conflict", "payment_owner_unknown"),
    "payment_entries": ("row_invalid",),
    **{
        rows_suite(file): ("row_invalid", "row_changed") if rows.once else ("row_invalid",)
        for file, rows in ROWS.items()
    },
}


def rules_of(suite: str) -> list[str]:
    """The codes of the rules that a suite judges."""
    return [
        code for code, rule in RULES.items() if rule.suite == suite or code in _ALSO_JUDGED_BY.get(suite, ())
    ]


# A party rule's subject is the parent; these are about one of them by what they say.
_ENTITIES: Final = ("CASE", "PAYING_PARENT", "RECEIVING_PARENT", "BALANCE", "PAYMENT", "REPORT")
_MENDED_BY_NO_RESOLUTION: Final = ("row_", "correction_", "debt_")


def entity_of(code: str, subject: str | None) -> str | None:
    """The entity whose resolutions are for an exception of that rule and subject ([22]); None where none mends it ([26])."""
    rule = RULES[code]
    if (
        code.startswith(_MENDED_BY_NO_RESOLUTION)
        or code == "payment_malformed"
        or rule.subject in ("APPLICATION", "LTR", "LETTER")
    ):
        return None
    return subject if subject in _ENTITIES else "CASE"


def holds_casegroup(code: str) -> bool:
    """Whether an open exception of this rule stops its casegroup and stands in its outcome."""
    rule = RULES[code]
    return rule.severity == "HOLD" and rule.scope == "CASEGROUP"
