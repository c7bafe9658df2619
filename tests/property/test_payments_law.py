"""The money law of payments, over histories of every order: received = allocated + held + flagged + in suspense + surplus +
passed on, duplicates apart; no due below nothing; and where each payment stands is what a naive reckoning of the text says.

Serves R25, R30, R31, [13], [16]-[20]. The stage is pure, so the nights here are a store of plain Python around it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from case_closure.domain.payments import shared_out
from case_closure.gates import suites
from case_closure.stages import allocate_payments as stage
from case_closure.stages import payment_entries
from case_closure.stages.allocate_payments import Receipts, Standing
from case_closure.tables import handed, handing
from tests.support.builders import Row, frame_like
from tests.support.plain_gate import judge

FIRST = date(2017, 8, 10)
GROUPS = ("G1", "G2", "G3")
REFERENCES, AGENCYS = ("A", "B", "C"), ("D1", "D2")
NAMES = (*REFERENCES, *AGENCYS)
DUES = {"G1": (("x", "ACTIVE", 700), ("y", "DEFERRED", 300)), "G2": (("x", "SUSPENDED", 500),), "G3": ()}
NINO = {group: f"AB12345{number}" for number, group in enumerate(GROUPS)}


@dataclass
class Night:
    """What a night brings: lines of CSA's file, receipts of an agency, who is on record, who completes, what people enter."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)  # reference, pounds, casegroup
    agencys: list[tuple[str, int, str]] = field(default_factory=list)  # reference, pence, casegroup
    known: set[str] = field(default_factory=set)
    completes: set[str] = field(default_factory=set)
    entries: list[tuple[str, str, str]] = field(default_factory=list)  # reference, field, value


OWNERS, POUNDS, ANY = (
    st.sampled_from(GROUPS),
    st.sampled_from(("1.00", "2.50", "8.00", "x")),
    st.sampled_from(NAMES),
)
ENTRIES = st.one_of(
    st.tuples(ANY, st.just("casegroup_id"), OWNERS),
    st.tuples(ANY, st.just("passed_to"), st.just("office")),
    st.tuples(ANY, st.just("manual_allocation"), st.sampled_from(("true", "false"))),
)
NIGHTS = st.builds(
    Night,
    st.lists(st.tuples(st.sampled_from(REFERENCES), POUNDS, OWNERS), max_size=4),
    st.lists(st.tuples(st.sampled_from(AGENCYS), st.sampled_from((100, 400)), OWNERS), max_size=2),
    st.sets(OWNERS),
    st.sets(OWNERS),
    st.lists(ENTRIES, max_size=3),
)


class Store:
    """The nights as the stage sees them: what is held and what stands, in plain Python."""

    def __init__(self) -> None:
        self.payments: dict[str, Row] = {}
        self.lines: dict[str, Row] = {}
        self.left = {f"{group}-{name}": pence for group, dues in DUES.items() for name, _, pence in dues}
        self.known: set[str] = set()
        self.completed: dict[str, date] = {}

    def run(self, number: int, night: Night) -> None:
        on = FIRST + timedelta(number)
        self.known |= night.known | night.completes
        for group in sorted(night.completes):
            self.completed.setdefault(group, on)
        held = self._receipts(on, night)
        day = pd.Timestamp(on).as_unit("s")
        csa, dca = stage.csa_facts(held, day), stage.dca_facts(held, day)
        concluded = stage.conclude(
            csa, dca, {"csa_payments": judge(suites.csa_payments(), csa), "dca_payments": judge(suites.dca_payments(), dca)}
        )  # fmt: skip
        standing = self._standing(night)
        let = payment_entries.let(concluded.payments, standing, day)
        owed = [
            {"due_id": f"{group}-{name}", "casegroup_id": group, "csa_system": "CS2", "csa_case_id": name, "creditor": "RP",
             "arrears_status": status, "outstanding_pence": self.left[f"{group}-{name}"]}
            for group, dues in DUES.items() for name, status, _ in dues
        ]  # fmt: skip
        done = stage.allocate(let.payments, frame_like(handed.DUES_OUTSTANDING, owed), standing, day)
        by_row = {
            (row["source"], row["row_number"], row["business_date"]): row for row in self.lines.values()
        }
        for row in _rows(done.payments):
            self.payments[row["payment_id"]] = row
            line = by_row.get((row["source"], row["row_number"], row["business_date"]))
            if line is not None:
                self.lines[row["payment_id"]] = line
        for row in _rows(done.ledger):
            self.left[row["due_id"]] += row["amount_pence"]

    def _receipts(self, on: date, night: Night) -> Receipts:
        csa: list[Row] = []
        dca: list[Row] = []
        self.lines = {key: row for key, row in self.lines.items() if key in self.payments}
        for place, (reference, pounds, group) in enumerate(night.lines, 1):
            csa.append({"nino": NINO[group], "surname": "W", "csa_receipt_reference": reference, "row_value": pounds,
                        "row_number": place, "source": "CSA", "business_date": on})  # fmt: skip
        for place, (reference, pence, group) in enumerate(night.agencys, 1):
            dca.append({"csa_case_id": group, "dca_reference": reference, "amount_pence": pence, "row_number": place,
                        "source": "DCA", "business_date": on})  # fmt: skip
        self.lines |= {f"new {row['source']} {row['row_number']}": row for row in csa + dca}
        for key, payment in self.payments.items():
            if payment["status"] == "SUSPENSE":
                again = self.lines[key] | {
                    "payment_id": key,
                    "stood": "SUSPENSE",
                    "is_first": payment["is_first"],
                }
                (csa if payment["source"] == "CSA" else dca).append(again)
        usual: Row = {"extract_number": 1, "csa_system": "CS2", "is_first": False}
        for row in dca:
            row["casegroup_id"] = row["csa_case_id"] if row["csa_case_id"] in self.known else None
        firsts = [{name: row[name] for name in ("source", "reference", "amount_pence")}
                  for row in self.payments.values() if row["is_first"]]  # fmt: skip
        payers = [
            {"party_id": group, "nino": NINO[group] + "A", "surname": "w", "casegroup_id": group}
            for group in sorted(self.known)
        ]
        return Receipts(
            frame_like(handed.CSA_RECEIPTS, [usual | _without(row, "source") for row in csa]),
            frame_like(handed.DCA_RECEIPTS, [usual | _without(row, "source") for row in dca]),
            frame_like(handed.PAYMENTS_FIRST, firsts), handing.empty(handed.PAYMENT_IDS),
            frame_like(handed.PAYERS_BY_NAME, payers), handing.empty(handed.ENTERED_FOR_PEOPLE),
        )  # fmt: skip

    def _standing(self, night: Night) -> Standing:
        entries = [
            {"resolution_id": f"R{place}", "csa_case_id": reference, "entity": "PAYMENT", "field": name, "new_value": value,
             "entered_on": FIRST}
            for place, (reference, name, value) in enumerate(night.entries)
        ]  # fmt: skip
        groups = [
            {"casegroup_id": group, "completed_on": self.completed.get(group)} for group in sorted(self.known)
        ]
        return Standing(
            frame_like(handed.PAYMENTS, self.payments.values()),
            frame_like(handed.RESOLUTIONS, entries),
            frame_like(handed.CASEGROUPS_COMPLETED, groups),
        )


def _without(row: Row, name: str) -> Row:
    return {key: value for key, value in row.items() if key != name}


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of plain Python: dates as dates, nothing as None."""
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [
        {str(name): value.date() if isinstance(value, pd.Timestamp) else value for name, value in row.items()}
        for row in rows
    ]


class Naive:
    """The text of [13] and [16]-[20], payment by payment."""

    def __init__(self) -> None:
        self.payments: list[Row] = []
        self.left = {f"{group}-{name}": pence for group, dues in DUES.items() for name, _, pence in dues}
        self.known: set[str] = set()
        self.completed: set[str] = set()

    def run(self, number: int, night: Night) -> None:
        self.known |= night.known | night.completes
        self.completed |= night.completes
        arrived = [("CSA", reference, {"1.00": 100, "2.50": 250, "8.00": 800}.get(pounds), group)
                   for reference, pounds, group in night.lines]  # fmt: skip
        arrived += [("DCA", *row) for row in night.agencys]
        for source, reference, pence, group in arrived:
            if pence is None:
                continue
            first = next((p for p in self.payments if p["of"] == (source, reference) and p["first"]), None)
            status = "NEW" if first is None else "DUPLICATE" if first["pence"] == pence else "CONFLICT"
            self.payments.append({"of": (source, reference), "pence": pence, "said": group, "group": None, "received": number,
                                  "first": first is None, "status": status, "paid": 0})  # fmt: skip
        for payment in self.payments:
            if (
                payment["status"] in ("NEW", "SUSPENSE")
                and payment["first"]
                and payment["said"] in self.known
            ):
                payment["group"] = payment["said"]
                waits = payment["of"][0] == "DCA" and payment["said"] not in self.completed
                payment["status"] = "FLAGGED" if waits else "HELD"
            elif payment["status"] in ("NEW", "CONFLICT"):
                payment["status"] = "SUSPENSE"
        for reference, name, value in night.entries:
            self._enter(reference, name, value)
        for payment in sorted(
            self.payments, key=lambda p: (p["received"], p["of"][1], p["of"][0], p["pence"])
        ):
            if payment["status"] == "HELD" and payment["group"] in self.completed:
                for due, _, _ in DUES[payment["group"]]:
                    given = min(payment["pence"] - payment["paid"], self.left[f"{payment['group']}-{due}"])
                    payment["paid"] += given
                    self.left[f"{payment['group']}-{due}"] -= given
                payment["status"] = "ALLOCATED" if payment["paid"] == payment["pence"] else "SURPLUS"

    def _enter(self, reference: str, name: str, value: str) -> None:
        one = [p for p in self.payments if p["of"][1] == reference]
        for payment in sorted(one, key=lambda p: (not p["first"], p["received"], p["of"][0], p["pence"])):
            if name == "passed_to" and payment["status"] == "SUSPENSE":
                payment["status"] = "PASSED_ON"
                return
            if name == "casegroup_id" and payment["status"] == "SUSPENSE" and value in self.known:
                waits = payment["of"][0] == "DCA" and value not in self.completed
                payment["group"], payment["status"] = value, "FLAGGED" if waits else "HELD"
                return
            if name == "manual_allocation" and payment["status"] == (
                "HELD" if value == "true" else "FLAGGED"
            ):
                payment["status"] = "FLAGGED" if value == "true" else "HELD"
                return


@given(st.lists(NIGHTS, min_size=1, max_size=4))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_R25_R30_R31_no_penny_of_a_payment_is_lost_and_no_due_is_paid_twice(nights: list[Night]) -> None:
    """[18]: at the end of every night; 'sum of all entries of a due is what is outstanding, never below 0'."""
    store, naive = Store(), Naive()
    for number, night in enumerate(nights):
        store.run(number, night)
        naive.run(number, night)
        rows = list(store.payments.values())
        received = sum(row["amount_pence"] for row in rows if row["status"] != "DUPLICATE")
        waits = sum(
            row["amount_pence"]
            for row in rows
            if row["status"] in ("HELD", "FLAGGED", "SUSPENSE", "PASSED_ON")
        )
        surplus = sum(
            row["amount_pence"] - row["allocated_pence"] for row in rows if row["status"] == "SURPLUS"
        )
        paid = sum(row["allocated_pence"] for row in rows)
        assert received == paid + waits + surplus
        assert paid == sum(pence for dues in DUES.values() for _, _, pence in dues) - sum(store.left.values())
        assert min(store.left.values()) >= 0
        assert store.left == naive.left
        expected = [(p["of"][1], p["pence"], p["status"], p["group"], p["paid"]) for p in naive.payments]
        stands = ("reference", "amount_pence", "status", "casegroup_id", "allocated_pence")
        assert Counter(tuple(row[name] for name in stands) for row in rows) == Counter(expected)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 2**62)), max_size=12),
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 2**62)), max_size=12),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_all_casegroups_are_shared_out_at_once_as_each_would_be_by_itself(
    payments: list[tuple[int, int]], dues: list[tuple[int, int]]
) -> None:
    """The vectorised pass against one due after the other, whatever the amounts."""
    payments, dues = sorted(payments, key=lambda one: one[0]), sorted(dues, key=lambda one: one[0])
    dues = [one for one in dues if one[0] in {group for group, _ in payments}]
    sides = [
        (pd.Series([f"G{group}" for group, _ in side], dtype="str"), pd.Series([pence for _, pence in side], dtype="int64"))
        for side in (payments, dues)
    ]  # fmt: skip
    found = stage.share(*sides[0], *sides[1])
    expected = []
    for group in range(4):
        places = [[place for place, one in enumerate(side) if one[0] == group] for side in (payments, dues)]
        told = shared_out(
            [payments[place][1] for place in places[0]], [dues[place][1] for place in places[1]]
        )
        expected += [(places[0][payment], places[1][due], pence) for payment, due, pence in told]
    assert sorted(found.itertuples(index=False, name=None)) == sorted(expected)
