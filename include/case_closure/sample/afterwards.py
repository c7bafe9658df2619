"""Casegroups whose story is what comes around a transition, over several nights: money, corrections, debts, orders, entries.

Belongs here: payments in every state ([16]-[20], [39]), corrections applied and refused (B55), debts judged again (B71), reports
that are cleared (B51), orders that become ongoing (B62). Does not belong here: closure and balances (`stories`), what is wrong on
arrival alone (`faults`).
"""

from __future__ import annotations

import json
from datetime import date
from typing import Final

from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.domain.payments import BY_HAND, CASEGROUP, FALSE, PASSED_TO, TRUE
from case_closure.sample.casegroup import Casegroup, Row, key
from case_closure.sample.faults import (
    BY_NAME,
    action_row,
    correction_row,
    debt_row,
    enforcement_row,
    payment_row,
)
from case_closure.sample.showcase import pay_amounts, still_open
from case_closure.sample.stories import Story, Tell, Teller, closed_on
from case_closure.tables.landed import CORRECTION_REASONS, CSA_ACTION_TYPES, RECORD_KINDS, REPORT_STAGES

_RP: Final = "rp_active_pence"
_RP_PAUSED: Final = "rp_suspended_pence"
_GB: Final = "gb_sos_active_pence"
_NI: Final = "ni_sos_deferred_pence"
_AGENCY: Final = "Northern Recoveries"


# --- money


def _owes(group: Casegroup, **amounts: int) -> Row:
    """Its case, closed by case closure and owing these amounts; returns it."""
    case = group.cases[0]
    case["closed_reason"] = "CASE_CLOSURE"
    pay_amounts(group, case, amounts)
    return case


def _receipt(group: Casegroup, teller: Teller, night: int, value: str, **other: str) -> Row:
    """A receipt of CSA for its paying parent, sent that night; returns it."""
    row = payment_row(group.paying_parent, teller.dice, value, **other)
    _send(group, teller, night, f"csa_payments_{group.cases[0]['csa_system']}", row)
    return row


def _collected(group: Casegroup, teller: Teller, night: int, pence: int, **other: object) -> Row:
    """Money that an agency collected for its case, sent that night; returns it."""
    case = group.cases[0]
    row: Row = {
        "dca_reference": f"DCX{teller.dice.number():08d}",
        "agency": _AGENCY,
        "csa_system": case["csa_system"],
        "csa_case_id": case["csa_case_id"],
        "amount_pence": pence,
        "received_on": teller.on(night),
    }
    row |= other
    _send(group, teller, night, "dca_payments", row)
    return row


def _send(group: Casegroup, teller: Teller, night: int, file: str, *rows: Row) -> None:
    if night:
        teller.send(night, file, *rows)
    else:
        group.file(file).extend(rows)


def _entered(teller: Teller, night: int, entity: str, number: str, name: str, value: str) -> None:
    """What a caseworker enters of a payment or a report, by its number ([3])."""
    row: Row = {
        "resolution_id": f"RES{teller.dice.number():08d}",
        "csa_system": None,
        "csa_case_id": number,
        "entity": entity,
        "field": name,
        "old_value": None,
        "new_value": value,
        "source_system": "phone",
        "entered_by": "caseworker.six",
        "entered_on": teller.on(night),
    }
    teller.send(night, "resolutions", row)


def _paid_until_nothing_is_left(groups: list[Casegroup], teller: Teller) -> None:
    """Three nights of money from both sources pay a debt of three states, active first; the last is more than is left ([18])."""
    group = groups[0]
    _owes(group, **{_RP: 4_000, _RP_PAUSED: 2_000, _NI: 1_500})
    _receipt(group, teller, 0, "30.00")
    _collected(group, teller, 1, 2_500)
    _receipt(group, teller, 2, "25.00")


def _agency_collects_too_much(groups: list[Casegroup], teller: Teller) -> None:
    _owes(groups[0], **{_RP: 1_000})
    _collected(groups[0], teller, 1, 2_500)


def _agency_sends_it_again(groups: list[Casegroup], teller: Teller) -> None:
    _owes(groups[0], **{_RP: 9_000})
    teller.send(2, "dca_payments", _collected(groups[0], teller, 1, 3_000))


def _agency_before_completion(*, flag_off_on: int | None, closes_on: int | None) -> Tell:
    """Flagged, since its casegroup is not complete; the night on which a person takes the flag off, if any ([19], [20])."""

    def tell(groups: list[Casegroup], teller: Teller) -> None:
        group, case = groups[0], _owes(groups[0], **{_RP: 20_000})
        payment = _collected(group, teller, 0, 4_500)
        still_open(case)
        if closes_on is not None:
            teller.send(closes_on, "csa_cases", closed_on(case, teller.on(closes_on)))
        if flag_off_on is not None:
            _entered(teller, flag_off_on, "PAYMENT", payment["dca_reference"], BY_HAND, FALSE)

    return tell


def _receipt_kept_for_a_person(groups: list[Casegroup], teller: Teller) -> None:
    """Held, then flagged by a person, then asked about when its casegroup completes ([20])."""
    group, case = groups[0], _owes(groups[0], **{_RP: 20_000})
    receipt = _receipt(group, teller, 0, "15.00")
    still_open(case)
    _entered(teller, 1, "PAYMENT", receipt["csa_receipt_reference"], BY_HAND, TRUE)
    teller.send(2, "csa_cases", closed_on(case, teller.on(2)))


def _receipt_waits(groups: list[Casegroup], teller: Teller) -> None:
    """Held for a casegroup that does not close (R25)."""
    case = _owes(groups[0], **{_RP: 20_000})
    _receipt(groups[0], teller, 0, "11.00")
    still_open(case)


def _owner_found(groups: list[Casegroup], teller: Teller) -> None:
    """Sent under another surname, and told to be this casegroup's all the same: allocated that night (B60, [17])."""
    group, case = groups[0], _owes(groups[0], **{_RP: 6_000})
    faults_found = BY_NAME["payment_name_mismatch/SURNAME"].plant(group, teller.dice)
    teller.expect(0, *faults_found)
    (receipt,) = group.file(f"csa_payments_{case['csa_system']}")
    _entered(teller, 1, "PAYMENT", receipt["csa_receipt_reference"], CASEGROUP, group.casegroup_id)
    teller.mend(1, *faults_found)


def _passed_on(groups: list[Casegroup], teller: Teller) -> None:
    """Nobody's here: it leaves for whoever it belongs to, and that is kept (R30)."""
    group, case = groups[0], _owes(groups[0], **{_RP: 6_000})
    faults_found = BY_NAME["payment_owner_unknown/NINO"].plant(group, teller.dice)
    teller.expect(0, *faults_found)
    (receipt,) = group.file(f"csa_payments_{case['csa_system']}")
    _entered(teller, 1, "PAYMENT", receipt["csa_receipt_reference"], PASSED_TO, "CMS case 600000000123")
    teller.mend(1, *faults_found)


def _agency_names_no_case(*, passed_on: bool) -> Tell:
    """An agency's money for a case that nobody holds; it waits, or goes back to the payer."""

    def tell(groups: list[Casegroup], teller: Teller) -> None:
        case_id = f"N{teller.dice.number():08d}"
        payment = _collected(groups[0], teller, 0, 700, csa_case_id=case_id)
        found = ("payment_owner_unknown", (payment["csa_system"], case_id))
        teller.expect(0, found)
        if passed_on:
            _entered(teller, 1, "PAYMENT", payment["dca_reference"], PASSED_TO, "the payer")
            teller.mend(1, found)

    return tell


def _receipt_sent_right_later(groups: list[Casegroup], teller: Teller) -> None:
    """A value that is no amount, and the same reference well formed a night later ([13])."""
    group, case = groups[0], _owes(groups[0], **{_RP: 6_000})
    faults_found = BY_NAME["payment_malformed/VALUE"].plant(group, teller.dice)
    teller.expect(0, *faults_found)
    file = f"csa_payments_{case['csa_system']}"
    (receipt,) = group.file(file)
    teller.send(1, file, dict(receipt, value="14.00"))
    teller.mend(1, *faults_found)


# --- corrections


def _correct(
    teller: Teller, night: int, case: Row, column: str, amount: int, reason: str, **other: object
) -> None:
    row = correction_row(case, teller.dice, column, amount) | {"reason": reason}
    teller.send(night, "corrections", row | other)


def _corrected_for_every_reason(groups: list[Casegroup], teller: Teller) -> None:
    """One due, corrected again and again, each in its turn (B55, B56, [15])."""
    case = _owes(groups[0], **{_RP: 125_000, _GB: 7_000})
    calculation = json.dumps({"weeks": 50, "weekly_pence": 2_200, "result_pence": 110_000}, sort_keys=True)
    _correct(teller, 1, case, _RP, 120_000, "ERROR")
    _correct(teller, 1, case, _RP, 131_000, "CHANGE_OF_CIRCUMSTANCES")
    _correct(teller, 2, case, _RP, 126_000, "APPEAL")
    _correct(teller, 2, case, _RP, 110_000, "OFFLINE_REPORT", offline_calculation=calculation)
    _correct(teller, 2, case, _RP, 60_000, "WRITE_OFF")


def _refused_for_every_reason(groups: list[Casegroup], teller: Teller) -> None:
    """Of a bucket that has no due, or to less than nothing; an offline report might add one, and a write-off must be the
    receiving parent's ([2], [9], [10])."""
    case = _owes(groups[0], **{_RP: 8_000})
    for reason in CORRECTION_REASONS:
        below = reason in ("OFFLINE_REPORT", "WRITE_OFF")
        _correct(teller, 1, case, _RP if below else _NI, -1 if below else 500, reason)
    teller.expect(1, ("correction_due_unknown", key(case)), ("correction_below_zero", key(case)))


def _corrected_below_what_was_paid(groups: list[Casegroup], teller: Teller) -> None:
    """What was allocated is never taken back by itself (R29); a correction to what was paid then closes it ([13])."""
    case = _owes(groups[0], **{_RP: 8_000})
    found = ("correction_below_zero", key(case))
    _receipt(groups[0], teller, 0, "50.00")
    _correct(teller, 1, case, _RP, 4_999, "ERROR")
    teller.expect(1, found)
    _correct(teller, 2, case, _RP, 5_000, "ERROR")
    teller.mend(2, found)


def _added_by_an_offline_report(groups: list[Casegroup], teller: Teller) -> None:
    """A bucket that had no arrears gets a due, and is paid (R28, [14])."""
    case = _owes(groups[0], **{_RP: 1_000})
    _correct(teller, 1, case, _GB, 2_000, "OFFLINE_REPORT")
    _receipt(groups[0], teller, 2, "12.00")


def _changed_balance_taken_in(groups: list[Casegroup], teller: Teller) -> None:
    """A balance that changes after completion, until corrections have made its dues equal to it (R20, [15])."""
    case = _owes(groups[0], **{_RP: 90_000})
    found = ("balance_changed_after_completion", key(case))
    balance = groups[0].balance(case)
    changed = {_RP: 70_000, "total_pence": 70_000, "balance_id": f"{balance['balance_id']}-2"}
    teller.send(1, "csa_balances", balance | changed)
    teller.expect(1, found)
    _correct(teller, 2, case, _RP, 70_000, "CHANGE_OF_CIRCUMSTANCES")
    teller.mend(2, found)


def _write_off_confirmed(groups: list[Casegroup], teller: Teller) -> None:
    """She had wanted it written off, was owed it all the same, and confirms it: nothing is left to ask (B45, R32)."""
    case = _owes(groups[0], **{_RP: 30_000})
    case.update(rp_arrears_decision="WRITE_OFF", rp_keep_pence=None)
    _correct(teller, 2, case, _RP, 0, "WRITE_OFF")


# --- debts, orders, reports


def _debt_changes(*changes: dict[str, object]) -> Tell:
    """A debt that the nine rules judge anew each night on which it is another ([34])."""

    def tell(groups: list[Casegroup], teller: Teller) -> None:
        group, case = groups[0], groups[0].cases[0]
        pay_amounts(group, case, dict.fromkeys(BUCKET_COLUMNS, 10000))
        for night, change in enumerate(changes):
            _send(group, teller, night, "csa_debts", debt_row(group, case) | change)

    return tell


def _receiving_parent_died_owed(groups: list[Casegroup], teller: Teller) -> None:
    group, case = groups[0], groups[0].cases[0]
    pay_amounts(group, case, {_RP: 5_000, _GB: 700})
    group.receiving_parent(case).update(date_of_death=date(2015, 3, 1))
    _send(group, teller, 0, "csa_debts", debt_row(group, case))


def _order_becomes_ongoing(groups: list[Casegroup], teller: Teller) -> None:
    """An order in force covers the dues of its period; its item is raised when it is ongoing ([32], [33])."""
    group, case = groups[0], groups[0].cases[0]
    balance = group.balance(case)
    row = enforcement_row(case, teller.dice, "LIABILITY_ORDER", ongoing=False)
    row |= {"period_from": balance["arrears_from"], "period_to": balance["arrears_to"]}
    group.file("enforcement_actions").append(row)
    teller.send(1, "enforcement_actions", dict(row, ongoing=True))


def _told_of_after_completion(groups: list[Casegroup], teller: Teller) -> None:
    """What CSA could not finish, an action of each kind; what people did outside, a record of each (B11, B27, B57, B58)."""
    group, case = groups[0], groups[0].cases[0]
    for place, kind in enumerate(CSA_ACTION_TYPES):
        night = place % 3
        row = action_row(case, teller.dice, kind) | {"notified_on": teller.on(night)}
        _send(group, teller, night, "csa_actions", row)
    for night, kind in enumerate(RECORD_KINDS):
        row = {
            "record_id": f"RDX{teller.dice.number():08d}", "kind": kind, "casegroup_id": group.casegroup_id,
            "csa_system": case["csa_system"], "csa_case_id": case["csa_case_id"],
            "reference": f"{kind[:2]}{teller.dice.number()}", "recorded_on": teller.on(night),
            "recorded_by": "caseworker.four", "detail": json.dumps({"told": "by telephone"}),
        }  # fmt: skip
        _send(group, teller, night, "records", row)


def _reports(groups: list[Casegroup], teller: Teller) -> list[Row]:
    """A report of its casegroup from every stage, opened on the first night and closed on the next."""
    group = groups[0]
    for _ in REPORT_STAGES:
        faults_found = BY_NAME["exception_reported/REPORT"].plant(group, teller.dice)
        teller.expect(0, *faults_found)
        teller.mend(1, *faults_found)
    reports = group.file("reported_exceptions")
    for report, stage in zip(reports, REPORT_STAGES, strict=True):
        report["stage"] = stage
    return reports


def _reports_end_by_their_dates(groups: list[Casegroup], teller: Teller) -> None:
    """Whoever reported it said at once from when on it would be cleared ([21])."""
    for report in _reports(groups, teller):
        report.update(cleared_on=teller.on(1), cleared_by="csa.caseworker.03", channel="OFFLINE_REPORT")


def _reports_ended_by_entries(groups: list[Casegroup], teller: Teller) -> None:
    """A caseworker enters that it is cleared, which stands when it is sent again as it was ([3], [21])."""
    for report in _reports(groups, teller):
        report["channel"] = "CSA_CASEWORKER"
        _entered(teller, 1, "REPORT", report["report_id"], "cleared_on", teller.on(1).isoformat())
        teller.send(2, "reported_exceptions", report)


AFTERWARDS: tuple[Story, ...] = (
    Story("paid until nothing is left", _paid_until_nothing_is_left, nights=3),
    Story("an agency collects too much", _agency_collects_too_much),
    Story("an agency sends it again", _agency_sends_it_again, nights=3),
    Story(
        "agency before completion, let go", _agency_before_completion(flag_off_on=2, closes_on=1), nights=3
    ),
    Story(
        "agency before completion, waits for a person",
        _agency_before_completion(flag_off_on=None, closes_on=1),
    ),
    Story("agency, flag off before completion", _agency_before_completion(flag_off_on=1, closes_on=None)),
    Story("receipt kept for a person", _receipt_kept_for_a_person, nights=3),
    Story("receipt waits for completion", _receipt_waits),
    Story("payment's owner found", _owner_found),
    Story("payment passed on", _passed_on),
    Story("an agency names no case", _agency_names_no_case(passed_on=False)),
    Story("an agency names no case, passed on", _agency_names_no_case(passed_on=True)),
    Story("receipt sent right later", _receipt_sent_right_later),
    Story("corrected for every reason", _corrected_for_every_reason, nights=3),
    Story("correction refused for every reason", _refused_for_every_reason),
    Story("corrected below what was paid", _corrected_below_what_was_paid, nights=3),
    Story("added by an offline report", _added_by_an_offline_report, nights=3),
    Story("changed balance taken in", _changed_balance_taken_in, nights=3),
    Story("write-off confirmed", _write_off_confirmed, nights=3),
    Story(
        "debt judged three times, in part",
        _debt_changes(
            {"ima_pence": 1_000}, {"duplicate_liability_pence": 2_000}, {"part_payment_accepted_pence": 3_000}
        ),
        nights=3,
    ),
    Story(
        "debt judged three times, to nothing",
        _debt_changes(
            {"rp_arrears_decision": "PART_WRITE_OFF", "rp_keep_pence": 500},
            {"rp_arrears_decision": "WRITE_OFF", "no_further_action_told": True},
            {"pp_no_estate": True},
        ),
        nights=3,
    ),
    Story("receiving parent died, is owed", _receiving_parent_died_owed, nights=1),
    Story("order becomes ongoing", _order_becomes_ongoing),
    Story("actions and records after completion", _told_of_after_completion, nights=3),
    Story("reports end by their dates", _reports_end_by_their_dates),
    Story("reports ended by entries", _reports_ended_by_entries, nights=3),
)
