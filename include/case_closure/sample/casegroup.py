"""One casegroup as rows that can be edited by hand: what faults, showcases and stories work on.

Belongs here: taking casegroups out of a block's tables and finding one's way among their rows.
Does not belong here: what is done to them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from case_closure.domain.money import BUCKET_COLUMNS, BUCKETS
from case_closure.sample.columns import Flags, Ints, Rows, day_number
from case_closure.sample.people import ninos

Row = dict[str, Any]
Block = dict[str, Rows]

POPULATION_FILES = (
    "csa_cases",
    "csa_parties",
    "csa_children",
    "csa_balances",
    "csa_closing_ledger",
    "cis_persons",
    "cms_register",
)


@dataclass
class Dice:
    """Chance and fresh numbers for the work by hand: one for a whole sample, so none is given twice."""

    chance: random.Random
    today: date
    _next_person: int = 80_000_000
    _next_id: int = 1

    def number(self) -> int:
        """A number not given before, for an identifier."""
        self._next_id += 1
        return self._next_id

    def nino(self) -> str:
        """A valid NINO that nobody has."""
        self._next_person += 1
        text: str = ninos(np.array([self._next_person]))[0].as_py()
        return text

    @property
    def day(self) -> int:
        """Today in days since 1970."""
        return day_number(self.today)


@dataclass
class Casegroup:
    """Rows by file. Nothing is shared between two casegroups, so that a row may be changed in place."""

    rows: dict[str, list[Row]] = field(default_factory=dict)

    def file(self, name: str) -> list[Row]:
        """Its rows of that file; an empty list that may be added to when it has none."""
        return self.rows.setdefault(name, [])

    @property
    def cases(self) -> list[Row]:
        """Its csa_cases rows in order of (csa_system, csa_case_id)."""
        return self.file("csa_cases")

    @property
    def casegroup_id(self) -> str:
        """Its id, from its first case."""
        found: str = self.cases[0]["casegroup_id"]
        return found

    def party(self, party_id: str) -> Row:
        """The csa_parties row of one of its people."""
        return next(row for row in self.file("csa_parties") if row["party_id"] == party_id)

    @property
    def paying_parent(self) -> Row:
        """The csa_parties row of the paying parent."""
        return self.party(self.cases[0]["paying_parent_id"])

    def receiving_parent(self, case: Row) -> Row:
        """The csa_parties row of the case's receiving parent."""
        return self.party(case["receiving_parent_id"])

    def cis(self, party: Row) -> Row:
        """The cis_persons row of one of its people."""
        wanted = party["nino"].replace(" ", "")[:8]
        return next(row for row in self.file("cis_persons") if row["nino"][:8] == wanted)

    def balance(self, case: Row) -> Row:
        """The csa_balances row of one of its cases."""
        return next(row for row in self.file("csa_balances") if key(row) == key(case))

    def of_case(self, file: str, case: Row) -> list[Row]:
        """Rows of a file that are about one of its cases."""
        return [row for row in self.file(file) if key(row) == key(case)]

    def drop(self, file: str, unwanted: Iterable[Row]) -> None:
        """Takes rows out of a file."""
        gone = {id(row) for row in unwanted}
        self.rows[file] = [row for row in self.file(file) if id(row) not in gone]

    def copy(self) -> Casegroup:
        """A casegroup of its own with the same rows."""
        return Casegroup({file: [dict(row) for row in rows] for file, rows in self.rows.items()})


def key(row: Row) -> tuple[str | None, str | None]:
    """(csa_system, csa_case_id) of a row about a case."""
    return row["csa_system"], row["csa_case_id"]


def set_amounts(balance: Row, amounts: dict[str, int]) -> list[Row]:
    """Gives a balance these buckets and no others; returns the ledger rows that say the same."""
    for column in BUCKET_COLUMNS:
        balance[column] = amounts.get(column, 0)
    balance["total_pence"] = sum(amounts.values())
    case = {"csa_system": balance["csa_system"], "csa_case_id": balance["csa_case_id"]}
    return [
        case
        | {
            "creditor": bucket.creditor,
            "arrears_status": bucket.arrears_status,
            "amount_pence": amounts[bucket.column],
            "written_off_pence": 0,
        }
        for bucket in BUCKETS
        if bucket.column in amounts
    ]


def take_out(block: Block, chosen: Ints, groups: int) -> list[Casegroup]:
    """Takes casegroups out of the block's population files, which keep the rest; in the order asked for."""
    wanted: Flags = np.zeros(groups, dtype=bool)
    wanted[chosen] = True
    out: dict[int, Casegroup] = {int(group): Casegroup() for group in chosen}
    for file in POPULATION_FILES:
        rows = block[file]
        mask = wanted[rows.group]
        if not mask.any():
            continue
        taken = rows.where(mask)
        for group, row in zip(taken.group.tolist(), taken.table.to_pylist(), strict=True):
            out[group].file(file).append(row)
        block[file] = rows.where(~mask)
    for group in out.values():
        group.cases.sort(key=lambda case: (case["csa_system"], case["csa_case_id"]))
    return list(out.values())
