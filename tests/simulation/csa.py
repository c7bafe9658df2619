"""The CSA side of a whole programme, simulated: a book of open cases that closes as it is told to, and now and then does not.

Each night it reads what the night before sent out, the files and nothing else, and says what the next night lands: cases
close at their end liability date, some fail first, some are inhibited for a while, reopen, join or move; balances and the
closing ledger follow; applications come in, LTRs and suppressed letters are answered, and caseworkers mend what
exceptions they see. Clients and agencies pay, some of it under a wrong name or twice, and dues are corrected.

Belongs here: what CSA, the legacy teams and caseworkers do. Does not belong here: running nights, what must hold
(`programme`).
"""

from __future__ import annotations

import csv
import heapq
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.domain.money import BUCKET_COLUMNS, BUCKETS, Bucket
from case_closure.sample.balances import make_amounts, make_balances, make_ledger
from case_closure.sample.cases import (
    Fate,
    draw_casegroups,
    draw_cases,
    make_cases,
    make_children,
    make_register,
)
from case_closure.sample.columns import day_number
from case_closure.sample.people import make_people

Row = dict[str, Any]
Key = tuple[str, str]

# Shares of cases, or of casegroups where it says so.
CLOSED_AT_FIRST = 0.03
FAILS_ONCE = 0.05
CLOSED_OTHERWISE = 0.05
REOPENS = 0.015
EARLY_BALANCE, LATE_BALANCE = 0.2, 0.1
JOINS = 0.3  # of the casegroups with several cases
MOVES = 0.05  # the same
INHIBITED = 0.05  # of the casegroups
APPLIED_FOR = 0.25  # of the casegroups, over the whole programme
FAULTY, NEVER_MENDED = 0.05, 0.1  # of the casegroups; of the faults
PAID, COLLECTED = 0.3, 0.08  # payments to CSA, and by agencies, a casegroup over the whole programme
CORRECTED = 0.08  # corrections a case
SOUND, ANOTHER_NAME, STRANGER, MALFORMED = 0.8, 0.08, 0.06, 0.06  # of the payments to CSA
SENT_AGAIN, SENT_OTHERWISE = 0.05, 0.03  # of them too

_FILES_BY_KEY = {
    "csa_cases": ("csa_system", "csa_case_id"), "csa_parties": ("party_id",), "csa_balances": ("csa_system", "csa_case_id"),
    "cms_applications": ("application_id",), "ltr_responses": ("ltr_id",), "inhibits": ("inhibit_id",),
    "clerical_letters": ("letter_id",), "closure_failures": ("csa_system", "csa_case_id"),
}  # fmt: skip


def key_of(row: Mapping[str, Any]) -> Key:
    """The case a row is about."""
    return row["csa_system"], row["csa_case_id"]


@dataclass(frozen=True)
class Calendar:
    """The nights of a programme, in order. Nobody is selected after ``selected_until``, nobody applies after it either."""

    nights: tuple[date, ...]
    selected_until: date

    @property
    def settled(self) -> date:
        """The last night on which anything but closures is begun."""
        return self.nights[-max(2, len(self.nights) // 12)]


@dataclass
class Paid:
    """Money that came: what it was, whose case it was for, and what is wrong with it."""

    source: str
    pence: int
    key: Key
    wrong: str = ""


class Csa:
    """CSA as it stands, and what it is going to do; the same for the same arguments."""

    def __init__(self, casegroups: int, seed: int, calendar: Calendar) -> None:
        self.dice = random.Random(seed)
        self.calendar = calendar
        self.cases: dict[Key, Row] = {}
        self.balances: dict[Key, Row] = {}
        self.arrived: set[Key] = set()  # cases that have been landed
        self.sent: set[Key] = set()  # cases whose balance has been sent
        self.led: dict[Key, date] = {}
        self.failed: set[Key] = set()  # reported, and not closed since
        self.inhibits: dict[str, Row] = {}
        self._inhibits_of: dict[Key, list[Row]] = defaultdict(list)
        self.unmended: dict[
            tuple[str, str], list[tuple[str, Row]]
        ] = {}  # (rule, casegroup) -> what would mend it
        self.happened: dict[str, int] = defaultdict(int)
        self._agenda: list[tuple[date, int, str, Any]] = []
        self._number = 0
        self._tonight: dict[str, dict[Any, Row]] = {}
        self._tried: set[Key] = set()
        self._with_case: dict[Key, list[tuple[str, Row]]] = defaultdict(list)
        self._ledger: dict[Key, list[Row]] = defaultdict(list)
        self._first: list[tuple[str, Row]] = []
        self._parties: dict[str, Row] = {}
        self._asked: set[str] = set()
        self.moved: set[Key] = set()
        self.paid: dict[str, Paid] = {}  # by reference, as it was sent first
        # Of its own, so that lives are the same with and without money.
        self._luck = random.Random(seed + 7)
        self._make_book(casegroups, seed)

    # --- the book

    def _make_book(self, count: int, seed: int) -> None:
        rng, today = np.random.default_rng([seed, 200]), day_number(self.calendar.nights[0])
        groups = draw_casegroups(rng, 1, count)
        clerical = np.isin(groups.fate, (Fate.PARTIALLY_CLERICAL, Fate.CLERICAL_REPORT, Fate.SENSITIVE))
        closed = rng.random(count) < CLOSED_AT_FIRST
        groups.fate = np.where(clerical, groups.fate, np.where(closed, Fate.SOUND, Fate.OPEN))
        groups.fate[:3] = (Fate.SENSITIVE, Fate.PARTIALLY_CLERICAL, Fate.CLERICAL_REPORT)
        cases = draw_cases(rng, groups, 1, make_amounts(rng, groups.cases))
        paying = np.zeros(cases.people, dtype=bool)
        paying[cases.paying_parent] = True
        on_benefit = paying & (groups.method == 4)[np.cumsum(paying) - 1]
        people = make_people(rng, 1 + np.arange(cases.people), paying, on_benefit, today)
        rows = make_cases(rng, groups, cases, people, today).table.to_pylist()
        balances = make_balances(rng, cases, today).table.to_pylist()
        self._parties = {row["party_id"]: row for row in people.parties.to_pylist()}
        cis = dict(zip(self._parties, people.cis.to_pylist(), strict=True))
        self.reported = {
            key_of(rows[at])
            for at in np.nonzero((groups.fate[cases.group] == Fate.CLERICAL_REPORT) & (cases.ordinal == 0))[0]
        }
        for row, balance in zip(rows, balances, strict=True):
            self.cases[key_of(row)], self.balances[key_of(row)] = row, balance
        for row in make_children(rng, cases, people, today).table.to_pylist():
            self._with_case[key_of(row)].append(("csa_children", row))
        for row in make_ledger(rng, cases)[0].table.to_pylist():
            self._ledger[key_of(row)].append(row)
        self._first += [
            ("cms_register", row)
            for row in make_register(rng, groups, cases, people, today)[0].table.to_pylist()
        ]
        self._first += [("cis_persons", row) for row in cis.values()]
        self.groups: dict[str, list[Key]] = defaultdict(list)
        for key, row in self.cases.items():
            self.groups[row["casegroup_id"]].append(key)
        self.open_at_first = {
            group for group, keys in self.groups.items() if any(self._is_open(key) for key in keys)
        }
        self._plan_lives()

    def _is_open(self, key: Key) -> bool:
        return bool(self.cases[key]["case_status"] == "OPEN")

    def _plan_lives(self) -> None:
        first = self.calendar.nights[0]
        absent: set[Key] = set()
        for group, keys in self.groups.items():
            if group not in self.open_at_first:
                continue
            chance = self.dice.random
            if len(keys) > 1 and chance() < JOINS:
                absent.add(keys[-1])
                self._at(self._some_day(), "arrive", keys[-1])
            elif len(keys) > 1 and chance() < MOVES:
                self._at(self._some_day(), "move", keys[-1])
            if chance() < INHIBITED:
                self._at(self._some_day(), "inhibit", keys[0])
            if chance() < FAULTY:
                self._break(group, keys[0])
        for row in self._parties.values():
            self._emit("csa_parties", row)
        for file, row in self._first:
            self._emit(file, row)
        for key in self.cases:
            if key not in absent:
                self._arrive(key, first)
        applications = round(len(self.open_at_first) * APPLIED_FOR)
        for group in self.dice.choices(sorted(self.open_at_first), k=applications):
            self._at(self._some_day(), "apply", group)
            if self.dice.random() < 0.15:
                self._at(self._some_day(), "apply", group)
        self._plan_money()

    def _plan_money(self) -> None:
        """Payments and corrections on any day, of cases open or closed."""
        last = self.calendar.settled

        def some(share: float, what: str, about: Sequence[Any]) -> None:
            for one in self._luck.choices(about, k=max(1, round(share * len(about)))):
                day = self.calendar.nights[1] + timedelta(
                    days=self._luck.randrange((last - self.calendar.nights[1]).days)
                )
                self._at(day, what, one)

        some(PAID, "pay", sorted(self.groups))
        some(COLLECTED, "collect", sorted(self.groups))
        some(CORRECTED, "correct", sorted(self.cases))

    def _some_day(self) -> date:
        """A day while there is selection."""
        first = self.calendar.nights[1]
        return first + timedelta(days=self.dice.randrange((self.calendar.selected_until - first).days))

    def _break(self, group: str, key: Key) -> None:
        """Something that stops its case being set up, and what would mend it."""
        case = self.cases[key]
        party, rule = (
            self._parties[case["receiving_parent_id"]],
            self.dice.choice(
                ("surname_missing", "contact_missing", "child_missing", "balance_total_mismatch")
            ),
        )
        if rule == "child_missing":
            mend = [one for one in self._with_case[key] if one[0] == "csa_children"]
            self._with_case[key] = [one for one in self._with_case[key] if one[0] != "csa_children"]
        elif rule == "balance_total_mismatch":
            sound = self.balances[key]
            mend = [("csa_balances", dict(sound, balance_id=f"{sound['balance_id']}-M"))]
            self.balances[key] = dict(sound, total_pence=sound["total_pence"] + 1)
        else:
            column = "surname" if rule == "surname_missing" else "address_line_1"
            mend = [("csa_parties", dict(party))]
            if self.dice.random() < 0.5:
                # On each of the parent's cases: what is entered for a receiving parent counts on its case.
                mend = [("resolutions", {
                    "resolution_id": f"R-{group}-{number}", "csa_system": one[0], "csa_case_id": one[1],
                    "entity": "RECEIVING_PARENT", "field": column, "old_value": None,
                    "new_value": party[column] or "1 New Road", "source_system": one[0],
                    "entered_by": "caseworker.one", "entered_on": self.calendar.nights[0],
                }) for number, one in enumerate(self.groups[group])
                   if self.cases[one]["receiving_parent_id"] == case["receiving_parent_id"]]  # fmt: skip
            party[column] = None
        self.unmended[rule, group] = mend

    # --- a night

    def land(self, on: date) -> dict[str, list[Row]]:
        """What that night brings, by file: all that was to happen up to it."""
        while self._agenda and self._agenda[0][0] <= on:
            _, _, what, about = heapq.heappop(self._agenda)
            getattr(self, f"_{what}")(about, on)
        tonight, self._tonight = self._tonight, {}
        return {file: list(rows.values()) for file, rows in tonight.items()}

    def read(self, sent: Path, on: date, exceptions: Iterable[tuple[str, str]]) -> None:
        """Take in the outbound folder of a night, and the (rule, casegroup) of exceptions it opened."""
        for system in CSA_SYSTEMS:
            for row in _lines(sent / f"end_liability_{system}.csv"):
                self.led[key_of(row)] = date.fromisoformat(row["led"])
                self._at(
                    max(self.led[key_of(row)], on + timedelta(days=1)), "close", key_of(row), anyway=True
                )
                self.happened[f"told {row['cause']}"] += 1
            for row in _lines(sent / f"ltr1_{system}.csv"):
                self._at(self._soon(on, 5), "answer", (row["ltr_id"], None))
                if self.dice.random() < 0.7:
                    self._at(
                        self._soon(on, 30),
                        "answer",
                        (row["ltr_id"], self.dice.choice(("CLOSED", "REFUSED", "PENDING"))),
                    )
            for row in _lines(sent / f"suppressed_letters_{system}.csv"):
                if self.dice.random() < 0.7:
                    self._at(self._soon(on, 10), "post", row["letter_id"])
        for rule, group in exceptions:
            if (rule, group) in self.unmended and self.dice.random() >= NEVER_MENDED:
                self._at(self._soon(on, 15), "mend", (rule, group))

    def _at(self, day: date, what: str, about: Any, anyway: bool = False) -> None:
        """On the agenda; nothing but what must wait is put off beyond the last nights."""
        self._number += 1
        heapq.heappush(
            self._agenda, (day if anyway else min(day, self.calendar.settled), self._number, what, about)
        )

    def _soon(self, on: date, within: int) -> date:
        return on + timedelta(days=self.dice.randint(1, within))

    def _emit(self, file: str, row: Row) -> None:
        """A row for tonight; the last one said of its key counts, and a balance or report counts once a night."""
        names = _FILES_BY_KEY.get(file)
        rows = self._tonight.setdefault(file, {})
        rows[tuple(row[name] for name in names) if names else len(rows)] = dict(row)

    # --- what happens

    def _arrive(self, key: Key, on: date) -> None:
        self.arrived.add(key)
        self._emit("csa_cases", self.cases[key])
        for file, row in self._with_case[key]:
            self._emit(file, row)
        if not self._is_open(key) or self.dice.random() < EARLY_BALANCE:
            self._balance(key, on)
        self.happened["cases arrived after the first night"] += on > self.calendar.nights[0]

    def _balance(self, key: Key, on: date) -> None:
        if key in self.sent:
            return
        self.sent.add(key)
        balance = self.balances[key] | {"casegroup_id": self.cases[key]["casegroup_id"]}
        self._emit("clerical_balances" if key in self.reported else "csa_balances", balance)
        for row in self._ledger[key]:
            self._emit("csa_closing_ledger", row)

    def _close(self, key: Key, on: date) -> None:
        row = self.cases[key]
        if not self._is_open(key) or self.led[key] > on:
            return
        if self.inhibited(row["casegroup_id"], on):
            self._at(on + timedelta(days=2), "close", key, anyway=True)
            return
        if key not in self._tried and self.dice.random() < FAILS_ONCE and on < self.calendar.settled:
            self._fail(key, on)
            return
        ended = self.led[key] if self.dice.random() < 0.95 else on + timedelta(days=2)
        row.update(
            case_status="CLOSED",
            closed_reason="OTHER" if self.dice.random() < CLOSED_OTHERWISE else "CASE_CLOSURE",
            liability_end_date=ended if row["case_type"] == "ONGOING" else None,
            closure_failure_code=None,
        )
        self.failed.discard(key)
        self._emit("csa_cases", row)
        self.happened["closed"] += 1
        if self.dice.random() < LATE_BALANCE:
            self._at(self._soon(on, 4), "balance", key)
        else:
            self._balance(key, on)
        if self.dice.random() < REOPENS and on < self.calendar.settled:
            self._at(self._soon(on, 6), "reopen", key)

    def _fail(self, key: Key, on: date) -> None:
        self._tried.add(key)
        self.failed.add(key)
        self.happened["closing failed"] += 1
        if self.dice.random() < 0.5:
            where = dict(zip(("csa_system", "csa_case_id"), key, strict=True))
            self._emit("closure_failures", where | {"failure_code": "CF1", "failed_on": on, "detail": None})
        else:
            self.cases[key]["closure_failure_code"] = "CF2"
            self._emit("csa_cases", self.cases[key])
        self._at(self._soon(on, 12), "close", key)

    def _reopen(self, key: Key, on: date) -> None:
        if not self._is_open(key):
            self.cases[key].update(case_status="OPEN", closed_reason=None, liability_end_date=None)
            self._emit("csa_cases", self.cases[key])
            self._at(self._soon(on, 8), "close", key)
            self.happened["reopened"] += 1

    def _move(self, key: Key, on: date) -> None:
        """To the casegroup of another open case, paid for as that is."""
        row = self.cases[key]
        other = self.cases[self.groups[self.dice.choice(sorted(self.open_at_first))][0]]
        if (
            not self._is_open(key)
            or other["case_status"] != "OPEN"
            or other["casegroup_id"] == row["casegroup_id"]
        ):
            return
        self.groups[row["casegroup_id"]].remove(key)
        self.groups[other["casegroup_id"]].append(key)
        for name in (
            "casegroup_id",
            "paying_parent_id",
            "method_of_payment",
            "pp_sort_code",
            "pp_account_number",
            "employer_reference",
        ):
            row[name] = other[name]
        self._emit("csa_cases", row)
        self.moved.add(key)
        self.happened["moved"] += 1

    def _inhibit(self, key: Key, on: date) -> None:
        """By record or by flag, for a while; some records say so in advance, some are set by somebody who may not."""
        ends = on + timedelta(days=self.dice.randint(3, 30))
        if self.dice.random() < 0.3:
            self.cases[key]["manual_inhibit"] = True
            self._emit("csa_cases", self.cases[key])
            self._at(ends, "release", key)
            return
        role = self.dice.choices(("TEAM_LEADER", "MANAGER", "CASEWORKER"), (6, 3, 1))[0]
        row: Row = {
            "inhibit_id": f"I-{len(self.inhibits)}", "csa_system": key[0], "csa_case_id": key[1], "reason": "Appeal",
            "set_by": "leader.one", "set_by_role": role, "set_on": on + timedelta(days=self.dice.choice((0, 0, 2, 3))),
            "removed_on": None,
        }  # fmt: skip
        self.inhibits[row["inhibit_id"]] = row
        self._inhibits_of[key].append(row)
        self._emit("inhibits", row)
        self._at(max(ends, row["set_on"]), "remove", row["inhibit_id"])

    def _release(self, key: Key, on: date) -> None:
        self.cases[key]["manual_inhibit"] = False
        self._emit("csa_cases", self.cases[key])
        self.happened["inhibits removed"] += 1

    def _remove(self, inhibit_id: str, on: date) -> None:
        self.inhibits[inhibit_id]["removed_on"] = on
        self._emit("inhibits", self.inhibits[inhibit_id])
        self.happened["inhibits removed"] += 1

    def inhibited(self, group: str, on: date) -> bool:
        """Whether a case of that casegroup is inhibited that day."""
        return any(
            self.cases[key]["manual_inhibit"] or any(_in_force(row, on) for row in self._inhibits_of[key])
            for key in self.groups[group]
        )

    def _apply(self, group: str, on: date) -> None:
        if not self.groups[group]:
            return
        case = self.cases[self.groups[group][0]]
        self._number += 1
        chance, number = self.dice.random(), self._number
        row: Row = {
            "application_id": f"AP{number:07d}", "received_on": on - timedelta(days=self.dice.randint(0, 6)),
            "eligible": chance < 0.93, "applicant_role": "RECEIVING_PARENT",
            "applicant_nino": self.dice.choice((self._parties[case["receiving_parent_id"]]["nino"], None, "QQ000000A")),
            "named_paying_parent_nino": self._parties[case["paying_parent_id"]]["nino"] if chance < 0.95 else "AA999999A",
            "partner_nino": None, "applicant_says_csa": self.dice.choice((True, False, None)), "paying_parent_says_csa": True,
            "partner_says_csa": self.dice.choice((None, None, False)), "gateway_reference": f"GW{number}",
        }  # fmt: skip
        if chance < 0.02:
            self._at(on + timedelta(days=3), "send_again", dict(row))
            row["received_on"] = on + timedelta(days=500)
        elif chance < 0.1:
            self._at(on + timedelta(days=2), "send_again", row)  # unchanged
        elif chance > 0.98:
            self._at(on + timedelta(days=2), "send_again", row | {"eligible": True})
        self._emit("cms_applications", row)
        self.happened["applications"] += 1

    def _send_again(self, row: Row, on: date) -> None:
        self._emit("cms_applications", row)

    def _answer(self, about: tuple[str, str | None], on: date) -> None:
        self._emit(
            "ltr_responses", {"ltr_id": about[0], "acknowledged_on": on, "outcome": about[1], "detail": None}
        )
        self.happened["LTRs answered"] += 1

    def _post(self, letter_id: str, on: date) -> None:
        self._emit("clerical_letters", {"letter_id": letter_id, "issued_on": on})
        self.happened["clerical letters"] += 1

    def _mend(self, about: tuple[str, str], on: date) -> None:
        for file, row in self.unmended.pop(about, []):
            if file == "csa_balances":
                self.balances[key_of(row)] = row
            self._emit(file, row)
            self.happened["mended"] += 1

    # --- money

    def _pay(self, group: str, on: date) -> None:
        """A receipt for its paying parent; under another name, of a stranger, or no amount, now and then; some come again."""
        keys = [key for key in self.groups[group] if key in self.arrived]
        if not keys:
            return
        party = self._parties[self.cases[keys[0]]["paying_parent_id"]]
        number = len(self.paid)
        wrong = self._luck.choices(
            ("", "name", "stranger", "amount"), (SOUND, ANOTHER_NAME, STRANGER, MALFORMED)
        )[0]
        pence = self._luck.randint(100, 40_000)
        row: Row = {
            "nino": "ZY999999A" if wrong == "stranger" else party["nino"], "forenames": party["forenames"],
            "surname": "Somebodyelse" if wrong == "name" else party["surname"], "csa_receipt_reference": f"RC{number:07d}",
            "value": "n/a" if wrong == "amount" else f"{pence // 100}.{pence % 100:02d}",
        }  # fmt: skip
        self.paid[row["csa_receipt_reference"]] = Paid("CSA", pence, keys[0], wrong)
        file = f"csa_payments_{keys[0][0]}"
        self._emit(file, row)
        self.happened["payments"] += 1
        if wrong == "amount":
            sound = row | {"value": f"{pence // 100}.{pence % 100:02d}"}
            self._at(self._soon(on, 8), "send_money", (file, sound))
        elif self._luck.random() < SENT_AGAIN:
            self._at(self._soon(on, 8), "send_money", (file, row))
            self.happened["payments sent again"] += 1
        elif self._luck.random() < SENT_OTHERWISE:
            self._at(self._soon(on, 8), "send_money", (file, row | {"value": "0.01"}))
            self.happened["payments sent otherwise"] += 1

    def _send_money(self, about: tuple[str, Row], on: date) -> None:
        self._emit(*about)

    def _collect(self, group: str, on: date) -> None:
        """What an agency collected for one of its cases, which some agency numbers wrongly."""
        if not self.groups[group]:
            return
        system, case = key = self._luck.choice(self.groups[group])
        number, pence = len(self.paid), self._luck.randint(100, 20_000)
        wrong = "case" if self._luck.random() < 0.05 else ""
        reference = f"DC{number:07d}"
        self.paid[reference] = Paid("DCA", pence, key, wrong)
        self._emit("dca_payments", {
            "dca_reference": reference, "agency": "Northern Recoveries", "csa_system": system,
            "csa_case_id": f"X{case}" if wrong else case, "amount_pence": pence, "received_on": on,
        })  # fmt: skip
        self.happened["payments by agencies"] += 1

    def _correct(self, key: Key, on: date) -> None:
        """A correction of one of its buckets, which may have no due yet, or none at all."""
        number = self.happened["corrections"] = self.happened["corrections"] + 1
        bucket = self._luck.choice(BUCKETS) if self._luck.random() < 0.3 else self._owed_bucket(key)
        owed = self.balances[key][bucket.column] or 0
        amount = self._luck.choice((owed * 9 // 10, owed + 500, max(owed, 0), 0, -1))
        self._emit("corrections", {
            "correction_id": f"CO{number:07d}", "csa_system": key[0], "csa_case_id": key[1], "creditor": bucket.creditor,
            "arrears_status": bucket.arrears_status, "new_amount_pence": amount,
            "reason": self._luck.choice(("ERROR", "CHANGE_OF_CIRCUMSTANCES", "APPEAL", "OFFLINE_REPORT")),
            "requested_by": "caseworker.two", "offline_calculation": None,
        })  # fmt: skip

    def _owed_bucket(self, key: Key) -> Bucket:
        return next((one for one in BUCKETS if (self.balances[key][one.column] or 0) > 0), BUCKETS[0])

    def let_go(self, references: Iterable[str], on: date) -> None:
        """A caseworker is asked about these flagged payments, and lets most of them go some days later ([20])."""
        for reference in references:
            if reference not in self._asked and self._luck.random() < 0.8:
                self._at(self._soon(on, 6), "flag_off", reference)
            self._asked.add(reference)

    def _flag_off(self, reference: str, on: date) -> None:
        self._emit("resolutions", {
            "resolution_id": f"R-{reference}", "csa_system": None, "csa_case_id": reference, "entity": "PAYMENT",
            "field": "manual_allocation", "old_value": None, "new_value": "false", "source_system": "phone",
            "entered_by": "caseworker.three", "entered_on": on,
        })  # fmt: skip
        self.happened["flags taken off"] += 1

    # --- what CSA knows at the end

    def owed(self, group: str) -> int:
        """What the casegroup's sent balances say is owed: every positive bucket, in pence (R5, R6)."""
        return sum(
            max(self.balances[key][column] or 0, 0)
            for key in self.groups[group]
            if key in self.sent
            for column in BUCKET_COLUMNS
        )

    def facts(self, group: str, on: date) -> dict[str, bool]:
        """Of domain.journey.Facts what CSA knows: ended, closed, failed, inhibited."""
        rows = [self.cases[key] for key in self.groups[group] if key in self.arrived]
        ended = [
            row["case_type"] != "ONGOING"
            or (row["liability_end_date"] is not None and row["liability_end_date"] <= on)
            for row in rows
        ]
        return {
            "ended": all(ended),
            "closed": all(
                over and row["case_status"] == "CLOSED" for over, row in zip(ended, rows, strict=True)
            ),
            "failed": any(key in self.failed for key in self.groups[group]),
            "inhibited": self.inhibited(group, on),
        }


def _in_force(row: Row, on: date) -> bool:
    removed = row["removed_on"] is not None and row["removed_on"] <= on
    return bool(row["set_by_role"] != "CASEWORKER" and row["set_on"] <= on and not removed)


def _lines(file: Path) -> Sequence[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
