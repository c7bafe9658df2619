"""A second opinion on what comes after a due is posted, corrections and payments: plain Python from the contract's text alone.

Belongs here: [2], [3] (of payments), [4]-[6] of corrections, [9]-[20], R20, R25, R28-R32, R41, read off sentence by sentence.
Does not belong here: anything of the pipeline; the night up to the dues (`night_model`, whose cases, people and dues are asked).

Not compared: surrogate ids, messages, times. A late night is not modelled beyond what it brings itself.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Case = tuple[str | None, str | None]
Bucket = tuple[Any, ...]
"""(csa_system, csa_case_id, creditor, arrears_status)"""

CREDITORS, STATUSES = ("RP", "GB_SOS", "NI_SOS"), ("ACTIVE", "SUSPENDED", "DEFERRED")
LISTS = {
    "csa_system": ("CSCS", "CS2", "CCD"), "creditor": CREDITORS, "arrears_status": STATUSES,
    "reason": ("ERROR", "CHANGE_OF_CIRCUMSTANCES", "APPEAL", "OFFLINE_REPORT", "WRITE_OFF"),
}  # fmt: skip


@dataclass
class Correction:
    """A correction that is held, and what has become of it."""

    row: Row
    on: date
    applied_on: date | None = None
    old_pence: int | None = None
    closed: bool = False
    """Refused, and a later good one of its bucket was applied ([13])."""

    @property
    def bucket(self) -> Bucket:
        return tuple(self.row[name] for name in ("csa_system", "csa_case_id", "creditor", "arrears_status"))

    @property
    def turn(self) -> tuple[date, str]:
        return self.on, self.row["correction_id"]


@dataclass
class Payment:
    """A row of a payment file that could be read."""

    source: str
    reference: str
    system: str | None
    case: Case
    pence: int
    on: date
    nino: str | None = None
    surname: str | None = None
    first: bool = True
    status: str = "SUSPENSE"
    casegroup: str | None = None
    allocated: int = 0
    allocated_on: date | None = None
    prompted: bool = False


@dataclass
class Waiting:
    """An exception of a row that is refused alone."""

    rule: str
    reference: str
    opened_on: date
    resolved_on: date | None = None


@dataclass
class Accounts:
    """All that is held of corrections and payments between nights. ``night``: the model of the night they belong to."""

    night: Any
    corrections: dict[str, Correction] = field(default_factory=dict)
    invalid: dict[str, Correction] = field(default_factory=dict)
    """Those that are none, by their number, as they came last; no good one has come under it ([5])."""
    payments: list[Payment] = field(default_factory=list)
    exceptions: list[Waiting] = field(default_factory=list)
    prompts: list[Row] = field(default_factory=list)
    entries_of_ledger: list[Row] = field(default_factory=list)
    corrected_on: dict[Case, date] = field(default_factory=dict)

    # --- exceptions

    def found(self, rule: str, reference: str, broken: bool) -> None:
        """Open where it is broken and not open, resolved where it is open and not broken."""
        standing = [
            one
            for one in self.exceptions
            if (one.rule, one.reference) == (rule, reference) and not one.resolved_on
        ]
        if broken and not standing:
            self.exceptions.append(Waiting(rule, reference, self.night.on))
        if not broken:
            for one in standing:
                one.resolved_on = self.night.latest

    # --- corrections (B55)

    def take_corrections(self, rows: list[Row]) -> None:
        """[4]: a number counts once; a row that cannot be ([5]) or says otherwise ([6]) is not held."""
        for row in rows:
            number = row["correction_id"]
            if self.cannot_be(row):
                if number is not None:
                    self.invalid[number] = Correction(row, self.night.on)
            elif number not in self.corrections:
                self.corrections[number] = Correction(row, self.night.on)

    @staticmethod
    def cannot_be(row: Row) -> bool:
        """row_invalid of a correction by itself; a WRITE_OFF upwards is seen when its turn comes ([2])."""
        keys = [row[name] for name in ("correction_id", "csa_system", "csa_case_id", "new_amount_pence")]
        if None in keys or not (row["requested_by"] or "").strip():
            return True
        if any(row[name] not in values for name, values in LISTS.items()):
            return True
        if row["reason"] == "WRITE_OFF" and row["creditor"] != "RP":
            return True
        if row["offline_calculation"] is None:
            return False
        try:
            json.loads(row["offline_calculation"])
        except ValueError:
            return True
        return False

    def correct(self) -> set[str]:
        """Judge what is not applied, in order of its number; the casegroups in which something was."""
        touched = set()
        for number in sorted(self.corrections):
            one = self.corrections[number]
            if one.applied_on is not None or one.closed:
                continue
            broken = self.judge(one)
            if broken is None:
                self.invalid[number] = self.corrections.pop(number)
                continue
            for rule in ("correction_due_unknown", "correction_below_zero"):
                self.found(rule, number, rule in broken)
            if not broken:
                touched.add(self.apply(one))
        self.overtake()
        return touched

    def judge(self, one: Correction) -> set[str] | None:
        """The rules it breaks as its due is now; None where it is no correction at all: a write-off upwards ([2])."""
        new, due = one.row["new_amount_pence"], self.night.dues.get(one.bucket)
        if due is None and not self.addable(one):
            return {"correction_due_unknown"} | ({"correction_below_zero"} if new < 0 else set())
        if due is not None and one.row["reason"] == "WRITE_OFF" and new > due["amount_pence"]:
            return None
        return {"correction_below_zero"} if new < (due.get("allocated_pence", 0) if due else 0) else set()

    def addable(self, one: Correction) -> bool:
        """[14]: an offline report, of a case of a complete casegroup that is on CMS."""
        case = one.bucket[:2]
        night = self.night
        if one.row["reason"] != "OFFLINE_REPORT" or night.member.get(case) not in night.completed:
            return False
        payer = night.party(night.case(case)["paying_parent_id"])
        return case in night.cms or night.on_register(payer, night.receiving_parent(case)) is not None

    def apply(self, one: Correction) -> str:
        night, case = self.night, one.bucket[:2]
        due = night.dues.get(one.bucket) or self.add(one)
        one.applied_on, one.old_pence = night.on, due["amount_pence"]
        self.entries_of_ledger.append(
            self.entry(
                one.bucket,
                "CORRECTION",
                one.row["new_amount_pence"] - due["amount_pence"],
                one.row["correction_id"],
            )
        )
        due["amount_pence"] = one.row["new_amount_pence"]
        self.corrected_on[case] = night.on
        group: str = night.member[case]
        return group

    def add(self, one: Correction) -> Row:
        """A due of nothing posted, with the period of the case's latest balance; its case joins those on CMS ([14])."""
        night, case = self.night, one.bucket[:2]
        arrivals = [night.arrivals[file][case] for file in night.arrivals if case in night.arrivals[file]]
        latest = max(arrivals, key=lambda arrival: arrival.on).rows[0] if arrivals else {}
        row = night.case(case)
        due = {
            "about": case, "business_date": night.on, "casegroup_id": night.member[case], "csa_system": case[0],
            "csa_case_id": case[1], "scheme": row["scheme"], "creditor": one.bucket[2], "arrears_status": one.bucket[3],
            "amount_pence": 0, "posted_pence": 0, "arrears_from": latest.get("arrears_from"),
            "arrears_to": latest.get("arrears_to"),
        }  # fmt: skip
        night.dues[one.bucket] = due
        if case not in night.cms:
            known = night.on_register(night.party(row["paying_parent_id"]), night.receiving_parent(case))
            night.cms[case] = {
                "cms_case_id": known["cms_case_id"], "cms_casegroup_id": known["cms_casegroup_id"],
                "casegroup_id": night.member[case], "origin": "EXISTING", "created_on": night.on, "scheme": row["scheme"],
                "maintenance_region": None, "method_of_payment": None, "benefit_code": None,
            }  # fmt: skip
        return due

    def overtake(self) -> None:
        """[13]: what is refused is closed by a good one of its bucket that came later."""
        for one in self.corrections.values():
            later = [
                other for other in self.corrections.values()
                if other.applied_on and other.bucket == one.bucket and other.turn > one.turn
            ]  # fmt: skip
            if one.applied_on is None and not one.closed and later:
                one.closed = True
                for rule in ("correction_due_unknown", "correction_below_zero"):
                    self.found(rule, one.row["correction_id"], False)

    def settle(self, groups: set[str]) -> None:
        """R20, [15]: a changed balance that its dues equal since a correction is what the case is compared with from now on."""
        night = self.night
        for group in groups:
            for case in night.members(group):
                arrival = night.arrivals["csa_balances"].get(case)
                corrected = self.corrected_on.get(case)
                if arrival is None or corrected is None or corrected < arrival.on or len(arrival.rows) != 1:
                    continue
                (row,) = night.rows_of("csa_balances", case)
                if all(
                    max(row[f"{creditor}_{status}_pence".lower()] or 0, 0)
                    == self.amount((*case, creditor, status))
                    for creditor in CREDITORS
                    for status in STATUSES
                ):
                    night.completed[group][case] = (arrival, row)
            for made in night.work:
                if made["type"] == "CONFIRM_WRITE_OFF" and made["casegroup_id"] == group:
                    self.close_write_off(made)

    def close_write_off(self, made: Row) -> None:
        """[40]: closed once corrections leave nothing that R14 fires on."""
        case = (made["csa_system"], made["csa_case_id"])
        row = self.night.case(case)
        owed = sum(self.amount((*case, "RP", status)) for status in STATUSES)
        keeps = {"WRITE_OFF": 0, "PART_WRITE_OFF": row["rp_keep_pence"] or 0}.get(row["rp_arrears_decision"])
        if self.corrected_on.get(case) == self.night.on and (keeps is None or owed <= keeps):
            made["status"] = "CLOSED"

    def amount(self, bucket: Bucket) -> int:
        due = self.night.dues.get(bucket)
        return due["amount_pence"] if due else 0

    def taken_in(self, bucket: Bucket) -> int:
        """R41: of money that came after completion, what corrections have added to the dues of its bucket."""
        due = self.night.dues.get(bucket)
        return 0 if due is None else max(due["amount_pence"] - due["posted_pence"], 0)

    def entry(self, bucket: Bucket, kind: str, pence: int, reference: str, on: date | None = None) -> Row:
        system, case, creditor, status = bucket
        return {
            "business_date": on or self.night.on, "csa_system": system, "csa_case_id": case, "creditor": creditor,
            "arrears_status": status, "kind": kind, "amount_pence": pence, "reference": reference,
        }  # fmt: skip

    # --- payments (B59-B61)

    def take_payments(self, folder: Path, dca: list[Row]) -> None:
        """Each row of the night: malformed, or a payment, the first of its reference or compared with that ([11], [16])."""
        came = []
        for path in sorted(folder.glob("csa_payments_*.csv")):
            system = path.stem.rpartition("_")[2]
            for nino, _, surname, reference, value in list(csv.reader(path.read_text("utf-8").splitlines()))[
                1:-1
            ]:
                pence = int(value.replace(".", "")) if re.fullmatch(r"[0-9]+\.[0-9]{2}", value) else 0
                read = Payment(
                    "CSA", reference.strip(" "), system, (None, None), pence, self.night.on, nino, surname
                )
                came.append((read, pence > 0))
        for row in dca:
            case = (row["csa_system"], row["csa_case_id"])
            pence = row["amount_pence"] or 0
            reference = (row["dca_reference"] or "").strip(" ")
            came.append((Payment("DCA", reference, case[0], case, pence, self.night.on), pence > 0))
        for payment, good in came:
            if not (good and payment.reference):
                # One without a reference is answered by none.
                self.found("payment_malformed", payment.reference or f"row {len(self.exceptions)}", True)
                continue
            self.found("payment_malformed", payment.reference, False)
            before = [
                one
                for one in self.payments
                if (one.source, one.reference) == (payment.source, payment.reference)
            ]
            if before:
                payment.first = False
                payment.status = "DUPLICATE" if before[0].pence == payment.pence else "SUSPENSE"
            self.payments.append(payment)

    def owner(self, payment: Payment) -> tuple[str | None, str | None]:
        """Whose it is, and the rule it breaks where nobody knows ([16])."""
        night = self.night
        if payment.source == "DCA":
            group = night.member.get(payment.case)
            return group, None if group is not None else "payment_owner_unknown"
        wanted = re.sub(r"\s", "", payment.nino or "").upper()[:8]
        payers = []
        for case, group in night.member.items():
            party = night.party(night.case(case)["paying_parent_id"])
            if (
                party is not None
                and len(wanted) == 8
                and re.sub(r"\s", "", party["nino"] or "").upper()[:8] == wanted
            ):
                payers.append((group, party["surname"]))
        if not payers:
            return None, "payment_owner_unknown"
        named = [
            group
            for group, surname in payers
            if night.named(surname) and night.named(surname) == night.named(payment.surname)
        ]
        return (min(named), None) if named else (None, "payment_name_mismatch")

    def pay(self, resolutions: list[Row]) -> None:
        """Whose each is, what people entered tonight, prompts, and the one pass ([16]-[20])."""
        for payment in self.payments:
            if payment.status != "SUSPENSE":
                continue
            payment.casegroup, rule = self.owner(payment)
            conflict = not payment.first
            self.found_of(payment, "payment_receipt_conflict", conflict)
            for one in ("payment_owner_unknown", "payment_name_mismatch"):
                self.found_of(payment, one, rule == one)
            if conflict or rule:
                payment.casegroup = None
            else:
                payment.status = self.waits(payment)
        entries = [row for row in resolutions if row["entity"] == "PAYMENT"]
        for row in sorted(entries, key=lambda row: (row["entered_on"] or date.min, row["resolution_id"])):
            self.enter(row)
        for payment in self.payments:
            complete = payment.casegroup in self.night.completed
            if payment.status == "FLAGGED" and complete and not payment.prompted:
                payment.prompted = True
                self.prompts.append(
                    {"reference": payment.reference, "business_date": self.night.on, "status": "OPEN"}
                )
        ready = [
            one for one in self.payments if one.status == "HELD" and one.casegroup in self.night.completed
        ]
        for payment in sorted(ready, key=lambda one: (one.on, one.reference)):
            self.allocate(payment)

    def found_of(self, payment: Payment, rule: str, broken: bool) -> None:
        """Two payments of one reference share an exception: it is open while either is broken."""
        others = [one for one in self.payments if one is not payment and one.status == "SUSPENSE"]
        others = [one for one in others if (one.source, one.reference) == (payment.source, payment.reference)]
        if broken or not others:
            self.found(rule, payment.reference, broken)

    def waits(self, payment: Payment) -> str:
        """[19]: an agency's before completion is flagged."""
        complete = payment.casegroup in self.night.completed
        return "FLAGGED" if payment.source == "DCA" and not complete else "HELD"

    def enter(self, row: Row) -> None:
        """[17], [20]: of the payments of that reference the first that is in a state for it."""
        said = (row["new_value"] or "").lower()
        for payment in self.payments:
            if payment.reference != (row["csa_case_id"] or "").strip():
                continue
            if (
                row["field"] == "casegroup_id"
                and payment.status == "SUSPENSE"
                and row["new_value"] in self.night.member.values()
            ):
                payment.casegroup = row["new_value"]
                payment.status = self.waits(payment)
            elif (
                row["field"] == "passed_to" and payment.status == "SUSPENSE" and row["new_value"] is not None
            ):
                payment.status = "PASSED_ON"
            elif row["field"] == "manual_allocation" and (said, payment.status) in (
                ("true", "HELD"),
                ("false", "FLAGGED"),
            ):
                payment.status = "FLAGGED" if said == "true" else "HELD"
                for prompt in self.prompts:
                    if prompt["reference"] == payment.reference and said == "false":
                        prompt["status"] = "CLOSED"
                return
            else:
                continue
            for one in [
                one for one in self.exceptions if one.reference == payment.reference and not one.resolved_on
            ]:
                one.resolved_on = self.night.latest
            return

    def allocate(self, payment: Payment) -> None:
        """[18]"""
        dues = [due for due in self.night.dues.values() if due["casegroup_id"] == payment.casegroup]
        last = date.max
        dues.sort(key=lambda due: (
            STATUSES.index(due["arrears_status"]), due["arrears_from"] or last, due["arrears_to"] or last,
            CREDITORS.index(due["creditor"]), due["csa_system"], due["csa_case_id"],
        ))  # fmt: skip
        left = payment.pence
        for due in dues:
            given = min(left, due["amount_pence"] - due.get("allocated_pence", 0))
            if given > 0:
                due["allocated_pence"] = due.get("allocated_pence", 0) + given
                left -= given
                bucket = (due["csa_system"], due["csa_case_id"], due["creditor"], due["arrears_status"])
                self.entries_of_ledger.append(self.entry(bucket, "ALLOCATION", -given, payment.reference))
        payment.allocated, payment.allocated_on = payment.pence - left, self.night.on
        payment.status = "SURPLUS" if left else "ALLOCATED"

    # --- what can be seen

    def view_payments(self) -> list[tuple[bool, Row]]:
        return [
            (
                self.night.is_sensitive(one.casegroup),
                {
                    "csa_receipt_reference": one.reference, "business_date": one.on, "csa_system": one.system,
                    "amount_pence": one.pence, "casegroup_id": one.casegroup, "status": one.status,
                    "allocated_pence": one.allocated, "source": one.source, "allocated_on": one.allocated_on,
                },
            )
            for one in self.payments
        ]  # fmt: skip

    def view_corrections(self) -> list[tuple[bool, Row]]:
        rows = []
        invalid = [one for number, one in self.invalid.items() if number not in self.corrections]
        for one in [*self.corrections.values(), *invalid]:
            group = self.night.member.get(one.bucket[:2])
            told = {
                **{name: one.row[name] for name in (
                    "correction_id", "csa_system", "csa_case_id", "creditor", "arrears_status", "new_amount_pence", "reason",
                )},
                "business_date": one.applied_on or one.on, "casegroup_id": group, "old_amount_pence": one.old_pence,
                "status": "APPLIED" if one.applied_on else "REFUSED",
            }  # fmt: skip
            rows.append((self.night.is_sensitive(group), told))
        return rows

    def view_waiting(self) -> list[tuple[bool, Row]]:
        """Exceptions of corrections and payments, those that are about a numbered row."""
        return [
            (False, {
                "rule_code": one.rule, "subject_reference": one.reference, "business_date": one.opened_on,
                "status": "RESOLVED" if one.resolved_on else "OPEN", "resolved_on": one.resolved_on,
            }) for one in self.exceptions if not one.reference.startswith("row ")
        ]  # fmt: skip

    def view_prompts(self) -> list[tuple[bool, Row]]:
        return [(False, {"subject_reference": one["reference"], "business_date": one["business_date"], "status": one["status"]})
                for one in self.prompts]  # fmt: skip
