"""Small nasty worlds: casegroups that live over several nights, most with something wrong with them.

Belongs here: making landed nights that go where the sample does not, each casegroup from a seed of its own so that
a failing world shrinks to the casegroups that fail. Does not belong here: what should come of them.

A casegroup keeps its sound rows and the faults that are active; what it sends on a night is its sound rows with
the active faults applied. Mending takes the fault away and sends the file again, or sends a resolution and leaves
the extract as it was.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from case_closure.domain.money import BUCKETS
from case_closure.landing.writing import write_night
from case_closure.tables.landed import FILES

Row = dict[str, Any]
Files = dict[str, list[Row]]

NIGHTS = (date(2017, 8, 10), date(2017, 8, 11), date(2017, 8, 14), date(2017, 8, 15))
NINE = tuple(bucket.column for bucket in BUCKETS)
_PREFIXES = ("AB", "EW", "JK", "SX", "YT")


def as_text(value: Any) -> str | None:
    """A value as a caseworker enters it."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass
class Fault:
    """Something wrong with what is sent: in which file, with which of its rows, and how."""

    name: str
    file: str
    at: int
    breaks: Callable[[list[Row], int, int], None]
    variant: int
    resolvable: bool


def _set(**values: Any) -> Callable[[list[Row], int, int], None]:
    """Sets these columns of the row."""

    def breaks(rows: list[Row], at: int, variant: int) -> None:
        rows[at].update(values)

    return breaks


def _one_of(*variants: Row) -> Callable[[list[Row], int, int], None]:
    """Sets the columns of one of these."""

    def breaks(rows: list[Row], at: int, variant: int) -> None:
        rows[at].update(variants[variant % len(variants)])

    return breaks


def _twice(rows: list[Row], at: int, variant: int) -> None:
    again = dict(rows[at])
    if "balance_id" in again:
        if variant % 2:
            again["balance_id"] = f"{again['balance_id']}-again"
        if variant % 3 == 0:
            again["rp_active_pence"] = (again["rp_active_pence"] or 0) + 500
            again["total_pence"] = (again["total_pence"] or 0) + 500
    elif variant % 2:
        again["segment"] = 5
    rows.append(again)


def _bucket(value: int | None, keep_total: bool) -> Callable[[list[Row], int, int], None]:
    def breaks(rows: list[Row], at: int, variant: int) -> None:
        column = NINE[variant % 9]
        if not keep_total and value is not None and rows[at]["total_pence"] is not None:
            rows[at]["total_pence"] += value - (rows[at][column] or 0)
        rows[at][column] = value

    return breaks


def _off_total(rows: list[Row], at: int, variant: int) -> None:
    rows[at]["total_pence"] = (rows[at]["total_pence"] or 0) + (1 if variant % 2 else -100)


def _another_casegroup(rows: list[Row], at: int, variant: int) -> None:
    rows[at]["casegroup_id"] = f"{rows[at]['csa_case_id']}-OTHER"


def _other_payer(rows: list[Row], at: int, variant: int) -> None:
    rows[at]["paying_parent_id"] = rows[at]["receiving_parent_id"]


def _administrative(rows: list[Row], at: int, variant: int) -> None:
    rows[at]["nino"] = "PP" + (rows[at]["nino"] or "")[2:]


def _absent(rows: list[Row], at: int, variant: int) -> None:
    rows[at]["__absent__"] = True


def _children_gone(rows: list[Row], at: int, variant: int) -> None:
    case = rows[at]
    for row in rows:
        if (row["csa_system"], row["csa_case_id"]) == (case["csa_system"], case["csa_case_id"]):
            row["__absent__"] = True


def _second_person(rows: list[Row], at: int, variant: int) -> None:
    other = dict(rows[at])
    other["nino"] = other["nino"][:8] + ("A" if other["nino"][8] != "A" else "B")
    rows.append(other)


def _other_suffix(rows: list[Row], at: int, variant: int) -> None:
    rows[at]["nino"] = rows[at]["nino"][:8] + ("A" if rows[at]["nino"][8] != "A" else "B")


def _spaced(rows: list[Row], at: int, variant: int) -> None:
    nino = rows[at]["nino"]
    if nino:  # it may be missing already
        rows[at]["nino"] = f" {nino[:2].lower()} {nino[2:4]} {nino[4:6]} {nino[6:8]} {nino[8:].lower()}"


FAULTS: dict[str, tuple[str, Callable[[list[Row], int, int], None], bool]] = {
    # name: (file, what it does, whether a caseworker can enter the right value instead)
    "case_key_missing": (
        "csa_cases",
        _one_of({"csa_case_id": None}, {"csa_system": None}, {"casegroup_id": None}),
        True,
    ),
    "case_enum_invalid": (
        "csa_cases",
        _one_of(
            {"scheme": "2012"},
            {"scheme": None},
            {"case_type": "GONE"},
            {"case_type": None},
            {"case_status": None},
            {"case_status": "closed"},
            {"segment": 6},
            {"closed_reason": "BORED"},
            {"rp_arrears_decision": "KEEP"},
        ),
        True,
    ),
    "refused_row_says_sensitive": (
        "csa_cases",
        _one_of(
            {"scheme": "2012", "nationally_sensitive": True},
            {"casegroup_id": None, "nationally_sensitive": True},
            {"csa_case_id": None, "nationally_sensitive": True},
            {"csa_case_id": None, "casegroup_id": None, "nationally_sensitive": True},
        ),
        True,
    ),
    "case_duplicate": ("csa_cases", _twice, False),
    "balance_case_unknown": ("csa_cases", _absent, False),
    "balance_casegroup_mismatch": ("csa_balances", _another_casegroup, False),
    "case_casegroup_conflict": ("csa_cases", _other_payer, False),
    "closure_failure_code": ("csa_cases", _set(closure_failure_code="CF01"), False),
    "closure_failure_code_open": (
        "csa_cases",
        _set(closure_failure_code="CF02", case_status="OPEN", closed_reason=None),
        False,
    ),
    "open": ("csa_cases", _set(case_status="OPEN", closed_reason=None), False),
    "no_liability_end": ("csa_cases", _set(case_type="ONGOING", liability_end_date=None), False),
    "liability_ends_soon": (
        "csa_cases",
        _one_of(*({"case_type": "ONGOING", "liability_end_date": day} for day in NIGHTS)),
        False,
    ),
    "inhibited": ("csa_cases", _one_of({"manual_inhibit": True}, {"automatic_inhibit": True}), True),
    "partially_clerical": ("csa_cases", _set(partially_clerical=True), True),
    "nationally_sensitive": ("csa_cases", _set(nationally_sensitive=True), True),
    "balance_key_missing": (
        "csa_balances",
        _one_of({"balance_id": None}, {"csa_case_id": None}, {"csa_system": None}),
        False,
    ),
    "balance_duplicate": ("csa_balances", _twice, False),
    "balance_amount_missing": ("csa_balances", _bucket(None, True), True),
    "balance_total_missing": ("csa_balances", _set(total_pence=None), True),
    "balance_total_mismatch": ("csa_balances", _off_total, True),
    "balance_amount_implausible": ("csa_balances", _bucket(100_000_001, False), True),
    "balance_credit_implausible": ("csa_balances", _bucket(-100_000_001, False), True),
    "balance_amount_at_the_limit": ("csa_balances", _bucket(100_000_000, False), False),
    "balance_period_invalid": (
        "csa_balances",
        _one_of(
            {"arrears_from": date(2017, 1, 2), "arrears_to": date(2017, 1, 1)},
            {"arrears_from": None},
            {"arrears_to": None},
            {"arrears_to": date(2017, 8, 16)},
            {"arrears_from": None, "arrears_to": None},
        ),
        True,
    ),
    "party_missing": ("csa_parties", _absent, False),
    "surname_missing": ("csa_parties", _one_of({"surname": None}, {"surname": " "}), True),
    "date_of_birth_missing": ("csa_parties", _set(date_of_birth=None), True),
    "date_of_birth_implausible": (
        "csa_parties",
        _one_of(
            {"date_of_birth": date(2018, 1, 1)},
            {"date_of_birth": date(2005, 8, 16)},
            {"date_of_birth": date(1906, 8, 9)},
        ),
        True,
    ),
    "date_of_birth_near_the_limit": (
        "csa_parties",
        _one_of({"date_of_birth": date(2005, 8, 11)}, {"date_of_birth": date(1906, 8, 15)}),
        True,
    ),
    "nino_missing": ("csa_parties", _one_of({"nino": None}, {"nino": ""}), True),
    "nino_invalid": (
        "csa_parties",
        _one_of({"nino": "GB123456A"}, {"nino": "AO123456B"}, {"nino": "AB12345C"}, {"nino": "AB123456E"}),
        True,
    ),
    "nino_spaced": ("csa_parties", _spaced, False),
    "contact_missing": (
        "csa_parties",
        _one_of(
            {"address_line_1": None},
            {"postcode": None},
            {"postcode": "SW1A"},
            {"postcode": None, "country": None},
        ),
        True,
    ),
    "overseas": (
        "csa_parties",
        _one_of(
            {"postcode": None, "country": "FR"},
            {"postcode": None, "country": "IM"},
            {"postcode": "IM1 1AA", "country": "IM"},
            {"postcode": None, "country": "England"},
            {"postcode": None, "country": "ZZ"},
        ),
        True,
    ),
    "northern_ireland": (
        "csa_parties",
        _one_of({"postcode": "BT1 5GS"}, {"country": "GB-NIR"}, {"postcode": "bt1 5gs", "country": None}),
        False,
    ),
    "no_address": (
        "csa_parties",
        _one_of(
            {"address_line_1": "NFA"},
            {"address_line_2": "No fixed abode"},
            {"address_line_1": "-"},
            {"postcode": "GIR 0AA"},
        ),
        False,
    ),
    "dlo": ("csa_parties", _set(dlo=True), False),
    "deceased": ("csa_parties", _set(date_of_death=date(2016, 5, 1)), False),
    "represented": (
        "csa_parties",
        _one_of(
            {
                "representative_name": "A Helper",
                "representative_address_line_1": "1 Way",
                "representative_postcode": "LS2 7EW",
            },
            {
                "representative_name": "-",
                "representative_address_line_1": "1 Way",
                "representative_postcode": "LS2 7EW",
            },
            {"representative_name": "A Helper", "representative_address_line_1": "1 Way"},
            {"representative_name": "A Helper", "representative_postcode": "LS2 7EW"},
        ),
        False,
    ),
    "child_missing": ("csa_children", _children_gone, False),
    "cis_no_match": ("cis_persons", _absent, False),
    "cis_multiple_matches": ("cis_persons", _second_person, False),
    "cis_name_mismatch": (
        "cis_persons",
        _one_of({"surname": "Otherwise"}, {"forenames": "Otherwise"}),
        False,
    ),
    "cis_name_written_otherwise": (
        "cis_persons",
        _one_of({"surname": "O BRIEN-SMITH"}, {"forenames": "SIAN"}),
        False,
    ),
    "cis_date_of_birth_mismatch": ("cis_persons", _set(date_of_birth=date(1970, 2, 2)), False),
    "cis_superseded_nino": ("cis_persons", _set(superseded_by_nino="AB999999A"), False),
    "cis_deceased": ("cis_persons", _set(date_of_death=date(2017, 1, 1)), False),
    "nino_administrative_prefix": ("csa_parties", _administrative, False),
    "nino_suffix_differs": ("cis_persons", _other_suffix, False),
    "method_of_payment_invalid": (
        "csa_cases",
        _one_of(
            {"method_of_payment": None},
            {"method_of_payment": "CHEQUE"},
            {"method_of_payment": "DIRECT_DEBIT", "pp_sort_code": None},
            {"method_of_payment": "STANDING_ORDER", "pp_account_number": "1234567"},
            {"method_of_payment": "DEO"},
            {"method_of_payment": "DER", "employer_reference": ""},
        ),
        True,
    ),
    "benefit_deduction": ("csa_cases", _set(method_of_payment="BENEFIT_DEDUCTION"), True),
    "benefit_live": ("cis_persons", _set(benefit_code="JSA", benefit_live=True), False),
    "write_off": (
        "csa_cases",
        _one_of(
            {"rp_arrears_decision": "WRITE_OFF"},
            {"rp_arrears_decision": "PART_WRITE_OFF"},
            {"rp_arrears_decision": "PART_WRITE_OFF", "rp_keep_pence": 100},
            {"rp_arrears_decision": "PART_WRITE_OFF", "rp_keep_pence": 10**9},
            {"rp_arrears_decision": "COLLECT"},
        ),
        False,
    ),
}
"""Everything that can be odd about what a casegroup sends; not all of it is wrong."""

_NOT_HELD = {
    "balance_key_missing",
    "case_key_missing",
    "case_enum_invalid",
    "refused_row_says_sensitive",
    "case_duplicate",
    "balance_case_unknown",
}
"""While one of these is active the contract leaves open to whom a balance belongs, so that no case moves."""


@dataclass
class Casegroup:
    """One casegroup, a second one its cases may move to, and the people in them."""

    number: int
    rng: random.Random
    sound: Files = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    serial: int = 0

    @property
    def name(self) -> str:
        return f"G{self.number:05d}"

    def next_id(self, kind: str) -> str:
        self.serial += 1
        return f"{kind}-{self.name}-{self.serial}"

    # --- sound rows

    def found(self, cases: int) -> None:
        """Everyone and everything in it, sound."""
        self.sound = {name: [] for name in FILES if name != "csa_payments"}
        payer = self.person("P0")
        shared = self.rng.random() < 0.15
        for index in range(cases):
            receiver = (
                self.person("P1" if shared and index else f"P{index + 1}")
                if not (shared and index)
                else self.sound["csa_parties"][1]
            )
            self.case(index, payer["party_id"], receiver["party_id"], self.name)
        if self.rng.random() < 0.2:
            other = self.person("Q0")
            self.case(cases, other["party_id"], self.person("Q1")["party_id"], f"{self.name}B")
        if self.rng.random() < 0.3:
            self.on_cms()

    def found_plainly(self, cases: int = 2) -> None:
        """Two cases that owe and would be posted, nothing on CMS: a clean sheet for one fault."""
        self.sound = {name: [] for name in FILES if name != "csa_payments"}
        payer = self.person("P0", administrative=False)
        for index in range(cases):
            self.case(
                index,
                payer["party_id"],
                self.person(f"P{index + 1}", administrative=False)["party_id"],
                self.name,
                owes=True,
            )

    def person(self, who: str, administrative: bool = True) -> Row:
        number = self.number * 20 + len(self.sound["csa_parties"])
        row: Row = dict.fromkeys(FILES["csa_parties"].column_names)
        prefix = (
            self.rng.choice(("CR", "PP"))
            if administrative and self.rng.random() < 0.04
            else self.rng.choice(_PREFIXES)
        )
        row |= {
            "party_id": f"{self.name}-{who}",
            "forenames": "Siân",
            "surname": "O’Brien Smith",
            "date_of_birth": date(1975, 3, 1) + timedelta(days=number % 3000),
            "nino": f"{prefix}{number:06d}{self.rng.choice('ABCD')}",
            "address_line_1": "1 High Street",
            "postcode": "LS1 4AP",
            "country": "GB-ENG",
            "dlo": False,
        }
        self.sound["csa_parties"].append(row)
        person: Row = dict.fromkeys(FILES["cis_persons"].column_names)
        person |= {
            "nino": row["nino"],
            "forenames": "Siân",
            "surname": "O'Brien Smith",
            "date_of_birth": row["date_of_birth"],
            "interest_registered": False,
            "benefit_live": False,
        }
        self.sound["cis_persons"].append(person)
        return row

    def case(self, index: int, payer: str, receiver: str, casegroup: str, owes: bool = False) -> None:
        system = self.rng.choice(("CS2", "CSCS", "CCD"))
        key = {"csa_system": system, "csa_case_id": f"{self.name}-{index + 1}"}
        row: Row = dict.fromkeys(FILES["csa_cases"].column_names)
        ongoing = self.rng.random() < 0.5
        row |= key | {
            "scheme": self.rng.choice(("1993", "2003")),
            "casegroup_id": casegroup,
            "paying_parent_id": payer,
            "receiving_parent_id": receiver,
            "case_type": "ONGOING" if ongoing else "ARREARS_ONLY",
            "case_status": "CLOSED",
            "closed_reason": self.rng.choice(("CASE_CLOSURE", "OTHER")),
            "liability_end_date": date(2017, 6, 1) if ongoing else None,
            "segment": 2,
            "partially_clerical": False,
            "nationally_sensitive": False,
            "manual_inhibit": False,
            "automatic_inhibit": False,
            "method_of_payment": self.rng.choice(("CARD", "DIRECT_DEBIT", "DEO")),
            "pp_sort_code": "112233",
            "pp_account_number": "12345678",
            "employer_reference": None,
        }
        if row["method_of_payment"] == "DEO":
            row["employer_reference"] = "EMP 1"
        self.sound["csa_cases"].append(row)
        self.sound["csa_children"].append(
            {**dict.fromkeys(FILES["csa_children"].column_names), **key, "child_id": f"{self.name}-K{index}"}
        )
        if owes or self.rng.random() < 0.9:
            self.balance(row, owes)

    def balance(self, case: Row, owes: bool) -> None:
        row: Row = dict.fromkeys(FILES["csa_balances"].column_names)
        row |= {
            "balance_id": self.next_id("B"),
            "csa_system": case["csa_system"],
            "csa_case_id": case["csa_case_id"],
            "casegroup_id": case["casegroup_id"],
            "arrears_from": date(2010, 4, 1),
            "arrears_to": date(2016, 3, 31),
            **self.amounts(owes),
        }
        self.sound["csa_balances"].append(row)
        for bucket in BUCKETS:
            left = row[bucket.column] + (self.rng.choice((0, 0, 0, 0, 7)) if row[bucket.column] else 0)
            if left and self.rng.random() < 0.9:
                self.sound["csa_closing_ledger"].append(
                    {
                        "csa_system": case["csa_system"],
                        "csa_case_id": case["csa_case_id"],
                        "creditor": bucket.creditor,
                        "arrears_status": bucket.arrears_status,
                        "amount_pence": left,
                        "written_off_pence": 0,
                    }
                )

    def amounts(self, owes: bool = False) -> Row:
        kind = 0.5 if owes else self.rng.random()
        row = dict.fromkeys(NINE, 0)
        if kind > 0.12:
            for column in self.rng.sample(NINE, self.rng.choice((1, 1, 1, 2, 3, 9))):
                row[column] = (
                    self.rng.choice((1, 99, 12_345, 1_000_000, 99_999_999))
                    if kind < 0.9 or self.rng.random() < 0.5
                    else -4_321
                )
        return row | {"total_pence": sum(row.values())}

    def on_cms(self) -> None:
        """Some of its cases, or only its paying parent, are on CMS already; perhaps twice."""
        payer = self.sound["csa_parties"][0]
        for index, receiver in enumerate(self.sound["csa_parties"][1:]):
            for again in range(self.rng.choice((0, 1, 1, 1, 2))):
                nino = receiver["nino"]
                if self.rng.random() < 0.15:
                    nino = nino[:8] + self.rng.choice("ABCD")
                if self.rng.random() < 0.15:
                    nino = f"SY{900_000 + self.number * 10 + index:06d}A"
                self.sound["cms_register"].append(
                    {
                        "cms_case_id": f"CMS-{self.name}-{index}-{again}",
                        "cms_casegroup_id": f"CMSG-{self.name}-{again}",
                        "paying_parent_nino": payer["nino"],
                        "receiving_parent_nino": nino,
                        "case_owner": self.rng.choice((None, "owner.one", "owner.two")),
                        "opened_on": date(2015, 1, 1),
                    }
                )

    # --- faults

    def break_something(self, name: str, at: int | None = None, variant: int | None = None) -> bool:
        """Makes a fault active; False when there is nothing to break."""
        file, breaks, resolvable = FAULTS[name]
        rows = self.sound[file]
        at = self.rng.randrange(len(rows) or 1) if at is None else at
        if not rows or any((f.file, f.name, f.at) == (file, name, at) for f in self.faults):
            return False
        variant = self.rng.randrange(36) if variant is None else variant
        self.faults.append(Fault(name, file, at, breaks, variant, resolvable))
        return True

    def rows(self, *files: str) -> Files:
        """What it sends of these files, its faults in it."""
        out = {file: copy.deepcopy(self.sound[file]) for file in files}
        for fault in self.faults:
            if fault.file in out and fault.at < len(out[fault.file]):
                fault.breaks(out[fault.file], fault.at, fault.variant)
        return {file: [row for row in rows if not row.pop("__absent__", False)] for file, rows in out.items()}

    def resolutions(self, fault: Fault, on: date) -> list[Row]:
        """What a caseworker would enter to mend it, the extract being as it is."""
        broken = self.rows(fault.file)[fault.file]
        if fault.at >= len(broken) or len(broken) != len(self.sound[fault.file]):
            return []
        right, wrong = self.sound[fault.file][fault.at], broken[fault.at]
        if fault.file == "csa_parties":
            cases = self.sound["csa_cases"]
            about = next((c for c in cases if c["paying_parent_id"] == right["party_id"]), None)
            entity = "PAYING_PARENT"
            if about is None:
                about = next((c for c in cases if c["receiving_parent_id"] == right["party_id"]), None)
                entity = "RECEIVING_PARENT"
        else:
            about, entity = right, "CASE" if fault.file == "csa_cases" else "BALANCE"
        if about is None:
            return []
        return [
            self.entry(about, entity, column, as_text(wrong[column]), as_text(right[column]), on)
            for column in right
            if right[column] != wrong[column] and right[column] is not None
        ]

    def is_wrong(self, fault: Fault) -> bool:
        """Whether it stops anything: a balance that owes nothing may have no period, and completes without one."""
        if fault.file != "csa_balances":
            return True
        rows = self.sound[fault.file]
        return fault.at < len(rows) and any(rows[fault.at][column] > 0 for column in NINE)

    # --- a life

    def first(self) -> Files:
        return self.rows(*self.sound)

    def later(self, on: date) -> Files:
        """What it sends on one more night."""
        choice = self.rng.random()
        if choice < 0.2:
            return {}
        if choice < 0.5 and self.faults:
            fault = self.faults.pop(self.rng.randrange(len(self.faults)))
            if fault.resolvable and self.is_wrong(fault) and self.rng.random() < 0.5:
                self.faults.append(fault)
                return {"resolutions": self.resolutions(fault, on)}
            self.renumber(fault.file)
            return self.rows(fault.file) if self.rng.random() < 0.6 else self.first()
        if choice < 0.6:
            self.faults.clear()
            self.renumber("csa_balances")
            return self.rows("csa_cases", "csa_parties", "csa_children", "csa_balances", "cis_persons")
        if choice < 0.68:
            return self.first()
        if choice < 0.78 and self.sound["csa_balances"]:
            row = self.rng.choice(self.sound["csa_balances"])
            row.update(self.amounts())
            self.renumber("csa_balances")
            return self.rows("csa_balances")
        if choice < 0.83:
            self.renumber("csa_balances", always=True)
            return self.rows("csa_balances")
        if choice < 0.86 and self.sound["csa_cases"]:
            case = self.rng.choice(self.sound["csa_cases"])
            return {
                "closure_failures": [
                    {
                        "csa_system": case["csa_system"],
                        "csa_case_id": case["csa_case_id"],
                        "failure_code": "CF07",
                        "failed_on": on,
                        "detail": None,
                    }
                ]
            }
        if choice < 0.89 and self.sound["csa_cases"]:
            return {"inhibits": [self.inhibit()]}
        if (
            choice < 0.91
            and self.sound["csa_balances"]
            and not any(f.name == "balance_casegroup_mismatch" for f in self.faults)
        ):
            row = dict(self.rng.choice(self.sound["csa_balances"]))
            return {"clerical_balances": [row | {"balance_id": self.next_id("CB")}]}
        if choice < 0.94 and not any(fault.name in _NOT_HELD for fault in self.faults):
            if self.rng.random() < 0.3:
                return {"resolutions": [self.enter_move(on)]}
            self.move()
            return self.rows("csa_cases", "csa_parties", *self.rng.choice(((), ("csa_balances",))))
        if choice < 0.96:
            self.case(
                len(self.sound["csa_cases"]),
                self.sound["csa_parties"][0]["party_id"],
                self.sound["csa_parties"][-1]["party_id"],
                self.name,
            )
            return self.rows("csa_cases", "csa_children", "csa_balances", "csa_closing_ledger")
        self.break_something(self.rng.choice(list(FAULTS)))
        self.renumber("csa_balances")
        return self.first()

    def move(self) -> None:
        """A case goes to the other casegroup, with its balance or leaving it to follow."""
        case = self.rng.choice(self.sound["csa_cases"])
        case["casegroup_id"] = self.name if case["casegroup_id"].endswith("B") else f"{self.name}B"
        there = [
            c for c in self.sound["csa_cases"] if c["casegroup_id"] == case["casegroup_id"] and c is not case
        ]
        if there:
            case["paying_parent_id"] = there[0]["paying_parent_id"]
        for row in self.sound["csa_balances"]:
            if (row["csa_system"], row["csa_case_id"]) == (case["csa_system"], case["csa_case_id"]):
                row["casegroup_id"] = case["casegroup_id"]

    def enter_move(self, on: date) -> Row:
        """A caseworker enters the other casegroup of a case, of which the extract knows nothing, or not yet."""
        case = self.rng.choice(self.sound["csa_cases"])
        stood = case["casegroup_id"]
        there = self.name if stood.endswith("B") else f"{self.name}B"
        if self.rng.random() < 0.5:
            case["casegroup_id"] = there
        return self.entry(case, "CASE", "casegroup_id", stood, there, on)

    def entry(self, case: Row, entity: str, field: str, old: str | None, new: str | None, on: date) -> Row:
        return {
            "resolution_id": self.next_id("R"),
            "csa_system": case["csa_system"],
            "csa_case_id": case["csa_case_id"],
            "entity": entity,
            "field": field,
            "old_value": old,
            "new_value": new,
            "source_system": "CS2",
            "entered_by": "caseworker.two",
            "entered_on": on,
        }

    def inhibit(self) -> Row:
        case = self.rng.choice(self.sound["csa_cases"])
        return {
            "inhibit_id": f"I-{self.name}",
            "csa_system": case["csa_system"],
            "csa_case_id": case["csa_case_id"],
            "reason": "asked",
            "set_by": "someone",
            "set_by_role": self.rng.choice(("TEAM_LEADER", "MANAGER", "CASEWORKER")),
            "set_on": self.rng.choice(NIGHTS),
            "removed_on": self.rng.choice((None, None, *NIGHTS)),
        }

    def renumber(self, file: str, always: bool = False) -> None:
        """New balances: under new numbers, or under the old ones with other values."""
        if file == "csa_balances" and (always or self.rng.random() < 0.7):
            for row in self.sound["csa_balances"]:
                row["balance_id"] = self.next_id("B")


def plain(number: int, cases: int = 2) -> Casegroup:
    """A casegroup that owes, with nothing wrong: its dues are posted on the night it is sent."""
    group = Casegroup(number, random.Random(number))
    group.found_plainly(cases)
    return group


def live(seed: int, number: int, nights: Sequence[date] = NIGHTS) -> dict[date, Files]:
    """What one casegroup sends over these nights, in the order in which they are run; the same for the same arguments."""
    rng = random.Random(seed)
    group = Casegroup(number, rng)
    group.sound["csa_parties"] = []
    group.found(rng.choice((1, 1, 1, 2, 2, 3)))
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3))):
        group.break_something(rng.choice(list(FAULTS)))
    if rng.random() < 0.06:
        group.sound["inhibits"].append(group.inhibit())
    if rng.random() < 0.05 and group.sound["csa_balances"]:
        group.sound["clerical_balances"].append(group.sound["csa_balances"].pop())
    start = rng.randrange(len(nights)) if rng.random() < 0.4 else 0
    out = {nights[start]: group.first()}
    for night in nights[start + 1 :]:
        out[night] = group.later(night)
    return out


# --- every state a casegroup can be in, and every entry a caseworker could make about it


def _broken(name: str) -> Callable[[Casegroup], None]:
    def breaks(group: Casegroup) -> None:
        group.break_something(name, 0, 0)

    return breaks


def _without_casegroup(group: Casegroup) -> None:
    group.break_something("case_key_missing", 0, 2)


def _without_balances(group: Casegroup) -> None:
    group.sound["csa_balances"].clear()


def _nil(group: Casegroup) -> None:
    for row in group.sound["csa_balances"]:
        row.update(dict.fromkeys((*NINE, "total_pence"), 0))


def _reported(group: Casegroup) -> None:
    group.sound["clerical_balances"].append(group.sound["csa_balances"].pop(0))


def _one_of_two(group: Casegroup) -> None:
    group.sound["csa_balances"].pop(0)


def _never_heard_of(group: Casegroup) -> None:
    for rows in group.sound.values():
        rows.clear()


STATES: dict[str, Callable[[Casegroup], None]] = {
    "complete": lambda group: None,
    "complete, the case without a balance": _one_of_two,
    "complete without arrears": _nil,
    "open": _broken("open"),
    "inhibited": _broken("inhibited"),
    "closure failed": _broken("closure_failure_code"),
    "balance refused": _broken("balance_total_mismatch"),
    "balance of another casegroup": _broken("balance_casegroup_mismatch"),
    "set-up refused": _broken("surname_missing"),
    "child missing": _broken("child_missing"),
    "case refused": _broken("case_enum_invalid"),
    "case without its casegroup": _without_casegroup,
    "partially clerical": _broken("partially_clerical"),
    "clerically reported": _reported,
    "sensitive": _broken("nationally_sensitive"),
    "balance of a case not held": _broken("balance_case_unknown"),
    "without a balance": _without_balances,
    "never heard of": _never_heard_of,
}
"""What a casegroup can be when an entry about its first case comes, and how it came to be that."""

ENTITIES = {
    "CASE": "csa_cases",
    "PAYING_PARENT": "csa_parties",
    "RECEIVING_PARENT": "csa_parties",
    "BALANCE": "csa_balances",
}


def in_state(number: int, state: str) -> Casegroup:
    """A casegroup of two cases that is in that state after its first night."""
    group = plain(number)
    STATES[state](group)
    return group


@dataclass(frozen=True)
class Entry:
    """What could be entered about a casegroup's first case: `old` None takes what the extract has said."""

    entity: str
    field: str
    new: str | None
    old: str | None = None

    def row(self, group: Casegroup, on: date) -> Row:
        """As `resolutions` brings it; {name} stands for the casegroup, {near} for its neighbour, in another state."""
        about = _first_case(group)
        names = {"name": group.name, "near": f"G{group.number ^ 1:05d}"}
        old = self._said(group) if self.old is None else self.old.format(**names)
        new = None if self.new is None else self.new.format(**names)
        return group.entry(about, self.entity, self.field, old, new, on)

    def _said(self, group: Casegroup) -> str | None:
        about = _first_case(group)
        rows = group.rows(ENTITIES[self.entity])[ENTITIES[self.entity]]
        key = {"csa_parties": ("party_id",)}.get(ENTITIES[self.entity], ("csa_system", "csa_case_id"))
        wanted = about
        if self.entity in ("PAYING_PARENT", "RECEIVING_PARENT"):
            wanted = {"party_id": about.get(f"{self.entity.lower()}_id")}
        for row in rows:
            if all(row[column] == wanted.get(column) for column in key):
                return as_text(row.get(self.field))
        return None


def _first_case(group: Casegroup) -> Row:
    """The case that entries are about; made up when the casegroup was never heard of."""
    known = plain(group.number).sound["csa_cases"][0]
    return group.sound["csa_cases"][0] if group.sound["csa_cases"] else known


_VALUES: dict[pa.DataType, tuple[str | None, ...]] = {
    pa.bool_(): ("true", "false", "maybe", None),
    pa.int32(): ("4", "9", "four", None),
    pa.int64(): ("0", "12345", "-700", "1.50", "99999999999999999999", None),
    pa.date32(): ("2016-01-31", "31/01/2016", "2016-02-31", "2017-08-11", None),
    pa.string(): ("X", "", None),
}
_OF_FIELD: dict[str, tuple[str, ...]] = {
    "casegroup_id": ("{near}", "{name}", "{name}-NEW", "G99999", "-OTHER"),
    "paying_parent_id": ("{name}-P1", "{name}-P0", "{near}-P0", "NOBODY"),
    "receiving_parent_id": ("{name}-P0", "{name}-P2", "{near}-P1", "NOBODY"),
    "nino": ("AB123456C", "ab 12 34 56 c", "GB123456A", "AB123456"),
    "postcode": ("BT1 5GS", "LS1 4AP", "nowhere"),
    "country": ("GB-NIR", "FR", "GB-ENG"),
    "method_of_payment": ("CARD", "DEO", "BENEFIT_DEDUCTION"),
    "surname": ("O’Brien Smith", "Other"),
    "date_of_birth": ("1975-03-01", "2010-01-01", "1890-01-01"),
    "date_of_death": ("2017-01-01",),
    "liability_end_date": ("2017-06-01", "2017-08-30"),
    "arrears_from": ("2010-04-01", "2016-12-31"),
    "arrears_to": ("2016-03-31", "2017-12-31"),
}


def _values(file: str, column: str) -> list[str | None]:
    contract = FILES[file].column(column)
    listed = [*(contract.values or ()), "BROKEN"] if contract.values else []
    listed += [value.lower() for value in (contract.values or ())[:1]]
    return [*dict.fromkeys([*listed, *_OF_FIELD.get(column, ()), *_VALUES[contract.type]])]


def every_entry() -> list[Entry]:
    """Each field of each entity with values right and wrong, under an old value that is held and one that is not."""
    found = []
    for entity, file in ENTITIES.items():
        for column in FILES[file].column_names:
            found += [Entry(entity, column, value) for value in _values(file, column)]
            found.append(Entry(entity, column, _values(file, column)[0], old="was never there"))
        found.append(Entry(entity, FILES[file].column_names[-1].upper(), "1"))
        found.append(Entry(entity, "no_such_field", "1"))
    return found


def entries_by_seed(seed: int, count: int) -> list[tuple[Files, Files, Files]]:
    """Three nights of casegroups in a state each: as they are; one or two entries; those that were wrong sent sound."""
    rng = random.Random(seed)
    entries = every_entry()
    lives = []
    for number in range(1, count + 1):
        group = in_state(number, rng.choice(list(STATES)))
        entered = [entry.row(group, NIGHTS[1]) for entry in rng.sample(entries, rng.choice((1, 1, 2)))]
        first = group.first()
        group.faults.clear()
        third = group.first() if rng.random() < 0.3 else {}
        lives.append((first, {"resolutions": entered}, third))
    return lives


def merged(parts: Sequence[Files]) -> Files:
    """One night's files from what each casegroup sent."""
    out: Files = {}
    for part in parts:
        for file, rows in part.items():
            out.setdefault(file, []).extend(rows)
    return out


def world(seeds: Sequence[int], nights: Sequence[date] = NIGHTS) -> dict[date, Files]:
    """The nights of a world with one casegroup a seed."""
    lives = [live(seed, number + 1, nights) for number, seed in enumerate(seeds)]
    return {night: merged([one.get(night, {}) for one in lives]) for night in nights}


def land(folder: Path, nights: dict[date, Files]) -> None:
    """Writes a landing zone of these nights; a file without rows stays away."""
    for night, files in nights.items():
        tables = {
            name: pa.Table.from_pylist(
                [{c: row.get(c) for c in FILES[name].column_names} for row in rows], schema=FILES[name].schema
            )
            for name, rows in files.items()
            if rows
        }
        write_night(folder / night.isoformat(), night, f"DW-{night}", tables)
