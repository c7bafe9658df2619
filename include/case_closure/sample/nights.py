"""Puts the population together, block by block and night by night, and writes the landing zone.

Belongs here: which casegroups arrive on which night, what is sent about them later, the landing folders,
criteria.json and the mark.
Does not belong here: how a person, a case or a balance is made (`people`, `cases`, `balances`), what is
planted (`planting`).

A block is made whole from its own seed, so that a sample of any size needs little more memory than it has
rows to write.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from case_closure.landing.writing import write_night
from case_closure.sample import mark
from case_closure.sample.activity import make_activity
from case_closure.sample.balances import make_amounts, make_balances, make_debts, make_ledger
from case_closure.sample.casegroup import Block, Casegroup, Dice, Row, take_out
from case_closure.sample.cases import (
    Casegroups,
    Cases,
    Fate,
    draw_casegroups,
    draw_cases,
    make_cases,
    make_children,
    make_register,
)
from case_closure.sample.columns import (
    Flags,
    Ints,
    Rows,
    replace,
)
from case_closure.sample.landing import Landing
from case_closure.sample.people import People, make_people
from case_closure.sample.planting import Item, Planted, break_and_mend, dated, queue, random_fault
from case_closure.sample.stories import Teller

AllBad = bool | Literal["balances", "parties"]

BLOCK_CASEGROUPS = 50_000
FIRST_NIGHT_SHARE = 0.5
CLOSES_LATER_SHARE = 0.7
SENT_AGAIN_SHARE = 0.02
BALANCE_BEFORE_CLOSURE_SHARE = 0.3


def generate(
    out: Path,
    from_date: date,
    nights: int = 1,
    casegroups: int = 2000,
    seed: int = 1,
    fault_rate: float = 0.03,
    all_bad: AllBad = False,
    block_casegroups: int = BLOCK_CASEGROUPS,
) -> Planted:
    """Writes ``nights`` landing folders of consecutive calendar days below ``out``, and ``criteria.json``
    and the mark of a sample beside them.

    ``casegroups`` is the number over all nights: half of them arrive on the first, the rest evenly after
    it. ``fault_rate`` is the share of casegroups with a random fault, on top of what is planted
    deliberately. ``all_bad``: every balance ('balances'), every parent ('parties') or both (True) break a
    rule, and nothing else is planted. Same arguments, same bytes. Returns what is to be found in it. Raises
    ValueError for arguments that make no sense.
    """
    if nights < 1 or casegroups < 1:
        raise ValueError(
            f"a sample needs at least one night and one casegroup, not {nights} and {casegroups}"
        )
    if not 0 <= fault_rate <= 1:
        raise ValueError(f"fault_rate is a share between 0 and 1, not {fault_rate}")
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".sample-", dir=out) as workshop:
        maker = _Maker(Path(workshop), seed, from_date, nights, fault_rate, all_bad, block_casegroups)
        for night, arriving in enumerate(arrivals(casegroups, nights)):
            on = from_date + timedelta(days=night)
            landing = maker.make_night(night, arriving)
            extract_id = f"DW-{on.isoformat()}-1"
            write_night(out / on.isoformat(), on, extract_id, landing.tables(), landing.payments())
            rmtree(landing.workshop, ignore_errors=True)
    (out / "criteria.json").write_text(json.dumps(criteria(from_date), indent=1) + "\n", encoding="utf-8")
    mark.write(out)
    return maker.planted


def arrivals(casegroups: int, nights: int) -> list[int]:
    """How many casegroups arrive on each night."""
    if nights == 1:
        return [casegroups]
    first = max(1, int(casegroups * FIRST_NIGHT_SHARE))
    share, over = divmod(casegroups - first, nights - 1)
    return [first, *(share + (night < over) for night in range(nights - 1))]


@dataclass
class _Counters:
    """How far the numbers of casegroups, cases and people have been given out."""

    casegroups: int = 1
    cases: int = 1
    people: int = 1
    blocks: int = 0


class _Maker:
    """Makes night after night, and keeps what an earlier one still has to send."""

    def __init__(
        self,
        workshop: Path,
        seed: int,
        from_date: date,
        nights: int,
        fault_rate: float,
        all_bad: AllBad,
        block_casegroups: int,
    ) -> None:
        self.workshop, self.seed, self.from_date, self.nights = workshop, seed, from_date, nights
        self.fault_rate, self.all_bad, self.block_casegroups = fault_rate, all_bad, block_casegroups
        self.planted = Planted()
        self._items = [] if all_bad else queue()
        self._counters = _Counters()
        self._dice = Dice(random.Random(seed), from_date)
        self._landings: dict[int, Landing] = {}

    def landing(self, night: int) -> Landing:
        """The night in the making, begun when first asked for."""
        return self._landings.setdefault(night, Landing(self.workshop / str(night)))

    def make_night(self, night: int, arriving: int) -> Landing:
        """Everything of a night: what arrives on it, and what earlier nights have left for it."""
        self._dice.today = self.from_date + timedelta(days=night)
        left = arriving
        while left:
            size = min(left, self.block_casegroups)
            block = _BlockMaker(self.seed, self._counters, self._dice, self.nights - 1 - night, size)
            if self.all_bad:
                block.spoil(self.all_bad)
            else:
                if left == arriving:
                    self._items = block.plant_deliberately(self._items, self.planted)
                    self.planted.left_out = [item.name for item in self._items]
                block.plant_at_random(self.fault_rate, self.planted)
                block.follow_up()
            block.deliver(self.landing(night))
            for after, what in block.later.items():
                if night + after < self.nights:
                    what.deliver(self.landing(night + after))
            left -= size
        self.landing(night)
        return self._landings.pop(night)


@dataclass
class _Parcel:
    """What a block sends on one night after the population's own files."""

    tables: list[tuple[str, pa.Table]] = field(default_factory=list)
    rows: list[Mapping[str, list[Row]]] = field(default_factory=list)

    def add(self, file: str, table: pa.Table) -> None:
        """More rows of a file, in bulk."""
        self.tables.append((file, table))

    def add_rows(self, rows: Mapping[str, list[Row]]) -> None:
        """More rows, by file."""
        self.rows.append(rows)

    def deliver(self, landing: Landing) -> None:
        """Hands everything to the night."""
        for file, table in self.tables:
            landing.add(file, table)
        for rows in self.rows:
            landing.add_rows(rows)


class _BlockMaker:
    """Makes one block, plants into it, and hands its rows to tonight's landing and to later ones."""

    def __init__(self, seed: int, counters: _Counters, dice: Dice, nights_left: int, size: int) -> None:
        self.rng = np.random.default_rng([seed, counters.blocks])
        self.dice, self.nights_left = dice, nights_left
        today = dice.day
        self.groups: Casegroups = draw_casegroups(self.rng, counters.casegroups, size)
        amounts = make_amounts(self.rng, self.groups.cases)
        self.cases: Cases = draw_cases(self.rng, self.groups, counters.cases, amounts)
        self.people = self._draw_people(counters.people, today)
        case_rows = make_cases(self.rng, self.groups, self.cases, self.people, today)
        self.all_cases, self.all_balances = case_rows.table, make_balances(self.rng, self.cases, today)
        self.all_ledger, self.ledger_case = make_ledger(self.rng, self.cases)
        self.debts = make_debts(self.rng, self.cases, self.all_balances, self.all_cases)
        register, self.matched = make_register(self.rng, self.groups, self.cases, self.people, today)
        self.clerical = self._first_case_of(Fate.CLERICAL_REPORT)
        self.sent = self._balance_sent_tonight()
        self.block: Block = {
            "csa_cases": case_rows,
            "csa_children": make_children(self.rng, self.cases, self.people, today),
            "csa_balances": self.all_balances.where(self.sent & ~self.clerical),
            "csa_closing_ledger": self._ledger_of(self.sent),
            "csa_parties": Rows(self.people.parties, self.person_group),
            "cis_persons": Rows(self.people.cis, self.person_group),
            "cms_register": register,
        }
        self.tonight = _Parcel()
        self.later: dict[int, _Parcel] = {}
        self.planted_groups: Flags = np.zeros(size, dtype=bool)
        counters.casegroups += size
        counters.cases += self.groups.cases
        counters.people += self.cases.people
        counters.blocks += 1

    def _draw_people(self, first: int, today: int) -> People:
        count = self.cases.people
        paying: Flags = np.zeros(count, dtype=bool)
        paying[self.cases.paying_parent] = True
        self.person_group: Ints = np.cumsum(paying) - 1
        on_benefit: Flags = paying & (self.groups.method == 4)[self.person_group]
        return make_people(self.rng, first + np.arange(count), paying, on_benefit, today)

    def _first_case_of(self, fate: Fate) -> Flags:
        flags: Flags = (self.cases.ordinal == 0) & (self.groups.fate[self.cases.group] == fate)
        return flags

    def _balance_sent_tonight(self) -> Flags:
        cases = self.cases
        nil_without = ~cases.amounts.any(axis=1) & (cases.ordinal > 0) & (cases.number % 4 == 0)
        early = self.rng.random(len(cases.number)) < BALANCE_BEFORE_CLOSURE_SHARE
        flags: Flags = (~cases.open | early) & ~nil_without
        return flags

    def _ledger_of(self, cases: Flags) -> Rows:
        return self.all_ledger.where(cases[self.ledger_case])

    # --- planting

    def _pools(self) -> tuple[list[int], list[int], list[int]]:
        """Sound casegroups that owe on every case: of one case, of more, and of one case that CMS has."""
        bad_case = ~(self.cases.positive & (self.cases.amounts >= 0).all(axis=1))
        owing: Flags = np.bincount(self.cases.group, bad_case, len(self.groups.size)) == 0
        sound = owing & (self.groups.fate == Fate.SOUND) & ~self.planted_groups
        matched: Flags = np.bincount(self.cases.group, self.matched, len(self.groups.size)) > 0
        single = self.groups.size == 1
        new = sound & ~self.groups.on_cms
        chosen = (new & single, new & ~single, sound & single & matched)
        return tuple(np.nonzero(flags)[0].tolist() for flags in chosen)  # type: ignore[return-value]

    def plant_deliberately(self, items: list[Item], planted: Planted) -> list[Item]:
        """Plants what the queue has and this block has room for; returns what is left of the queue."""
        one, more, on_cms = map(iter, self._pools())
        room = max(len(self.groups.size) * 11 // 50, min(len(self.groups.size) // 2, 110))
        plan: list[tuple[Item, list[int]]] = []
        left: list[Item] = []
        for item in items:
            if item.nights > self.nights_left + 1 or item.groups > room:
                left.append(item)
                continue
            source: Iterator[int] = on_cms if item.on_cms else more if item.cases > 1 else one
            places = [*islice(source, 1), *islice(one, item.groups - 1)]
            if len(places) < item.groups:
                left.append(item)
                continue
            plan.append((item, places))
            room -= item.groups
        taken = iter(self._take([place for _, places in plan for place in places]))
        for item, places in plan:
            groups = list(islice(taken, len(places)))
            teller = Teller(self.dice, self.nights_left)
            item.plant(groups, teller)
            self._tell(groups, teller, planted)
        return left

    def plant_at_random(self, rate: float, planted: Planted) -> None:
        """Gives about ``rate`` of the block's casegroups a random fault."""
        one, more, _ = self._pools()
        pool = np.array(sorted(one + more), dtype=np.int64)
        count = min(len(pool), round(len(self.groups.size) * rate))
        for group in self._take(
            np.sort(self.rng.choice(pool, count, replace=False)).tolist() if count else []
        ):
            teller = Teller(self.dice, self.nights_left)
            break_and_mend(group, [random_fault(self.dice, len(group.cases))], teller)
            self._tell([group], teller, planted)

    def _take(self, places: list[int]) -> list[Casegroup]:
        self.planted_groups[places] = True
        return take_out(self.block, np.array(places, dtype=np.int64), len(self.groups.size))

    def _tell(self, groups: list[Casegroup], teller: Teller, planted: Planted) -> None:
        for group in groups:
            self.tonight.add_rows(group.rows)
        for night, rows in teller.later.items():
            self._after(night).add_rows(rows)
        planted.expected += dated(teller.expected, self.dice.today)
        planted.mended += dated(teller.mended, self.dice.today)

    def _after(self, nights: int) -> _Parcel:
        return self.later.setdefault(nights, _Parcel())

    # --- what follows by itself

    def follow_up(self) -> None:
        """Open cases close later, inhibits go, balances come again; and the rest of a day's files."""
        self._inhibit()
        if self.nights_left:
            self._close_open_cases()
            self._send_balances_again()
        completing = (self.groups.fate == Fate.SOUND) & ~self.planted_groups
        tonight, tomorrow = make_activity(
            self.rng,
            self.cases,
            self.people,
            self.all_cases,
            completing[self.cases.group],
            self.dice.today,
            self.nights_left > 0,
        )
        self.tonight.add_rows(tonight)
        self._after(1).add_rows(tomorrow)

    def _close_open_cases(self) -> None:
        group_night = self.rng.integers(1, self.nights_left + 1, len(self.groups.size))
        group_night[self.rng.random(len(group_night)) >= CLOSES_LATER_SHARE] = 0
        for night in range(1, self.nights_left + 1):
            closing: Flags = self.cases.open & (group_night[self.cases.group] == night)
            if not closing.any():
                continue
            today = self.dice.today + timedelta(days=night)
            table = self.all_cases.filter(pa.array(closing))
            ongoing = pc.equal(table.column("case_type"), "ONGOING")
            ended = pc.if_else(ongoing, pa.scalar(today, pa.date32()), pa.scalar(None, pa.date32()))
            table = replace(table, "case_status", pa.scalar("CLOSED"))
            table = replace(table, "closed_reason", pa.scalar("CASE_CLOSURE"))
            table = replace(table, "liability_end_date", ended)
            unsent = closing & ~self.sent
            self._after(night).add("csa_cases", table)
            self._after(night).add("csa_balances", self.all_balances.where(unsent).table)
            self._after(night).add("csa_closing_ledger", self._ledger_of(unsent).table)

    def _inhibit(self) -> None:
        """Inhibits by record, and the removal of half of all inhibits when there is a night for it."""
        for place in np.nonzero(self._first_case_of(Fate.INHIBITED_BY_RECORD))[0].tolist():
            row: Row = {
                "inhibit_id": f"IN{self.cases.number[place]:09d}",
                "csa_system": self.cases.system_text[place].as_py(),
                "csa_case_id": self.cases.case_id[place].as_py(),
                "reason": "Appeal outstanding",
                "set_by": "leader.three",
                "set_by_role": "MANAGER" if place % 3 == 0 else "TEAM_LEADER",
                "set_on": self.dice.today - timedelta(days=place % 30),
                "removed_on": None,
            }
            self.tonight.add_rows({"inhibits": [row]})
            if self.nights_left and place % 2:
                night = 1 + place % self.nights_left
                removed_on = self.dice.today + timedelta(days=night)
                self._after(night).add_rows({"inhibits": [dict(row, removed_on=removed_on)]})
        if self.nights_left:
            released = self._first_case_of(Fate.INHIBITED_BY_FLAG) & (self.cases.number % 2 == 0)
            table = self.all_cases.filter(pa.array(released))
            table = replace(table, "manual_inhibit", pa.scalar(False))
            self._after(1).add("csa_cases", replace(table, "automatic_inhibit", pa.scalar(False)))

    def _send_balances_again(self) -> None:
        sound = (self.groups.fate == Fate.SOUND) & ~self.planted_groups
        again: Flags = (
            sound[self.cases.group] & self.sent & (self.rng.random(len(self.sent)) < SENT_AGAIN_SHARE)
        )
        self._after(1).add("csa_balances", self.all_balances.where(again).table)

    # --- all bad

    def spoil(self, what: AllBad) -> None:
        """Makes every balance, every parent or both break a rule, four rules of each in turn."""
        if what in (True, "balances"):
            rows = self.block["csa_balances"]
            rows.table = _spoiled_balances(rows.table, self.dice.today)
        if what in (True, "parties"):
            rows = self.block["csa_parties"]
            for place, column in enumerate(("surname", "date_of_birth", "nino", "address_line_1")):
                chosen = pa.array(np.arange(rows.table.num_rows) % 4 == place)
                values = rows.table.column(column)
                rows.table = replace(
                    rows.table, column, pc.if_else(chosen, pa.scalar(None, values.type), values)
                )

    # --- delivery

    def deliver(self, landing: Landing) -> None:
        """Hands tonight's rows to the night."""
        for file, rows in self.block.items():
            landing.add(file, rows.table)
        landing.add("clerical_balances", self.all_balances.where(self.sent & self.clerical).table)
        landing.add("csa_debts", self.debts.table)
        self.tonight.deliver(landing)


def _spoiled_balances(table: pa.Table, today: date) -> pa.Table:
    """Row by row in turn: a total a penny out, a bucket missing, a period to come, a bucket beyond belief."""
    kind: Ints = np.arange(table.num_rows) % 4
    ahead = pa.scalar(today + timedelta(days=400), pa.date32())
    huge = pa.scalar(100_000_001, pa.int64())
    total, bucket = table.column("total_pence"), table.column("ni_sos_deferred_pence")

    def changed(column: str, which: int, values: Any) -> pa.Table:
        return replace(table, column, pc.if_else(pa.array(kind == which), values, table.column(column)))

    table = changed("total_pence", 0, pc.add(total, 1))
    table = changed("gb_sos_active_pence", 1, pa.scalar(None, pa.int64()))
    table = changed("arrears_from", 2, pc.coalesce(table.column("arrears_from"), ahead))
    table = changed("arrears_to", 2, ahead)
    table = changed("total_pence", 3, pc.add(pc.subtract(total, bucket), huge))
    return changed("ni_sos_deferred_pence", 3, huge)


def criteria(from_date: date) -> list[dict[str, Any]]:
    """Tranche criteria of the first night: one approved, one capped, one never approved, one at short notice (B2, B6, B7)."""
    year_on = (from_date + timedelta(days=365)).isoformat()
    approved = {
        "tranche_id": "T01",
        "ocr_reference": "OCR-2017-001",
        "authorised_by": "Case Closure Control Group",
        "authorised_on": (from_date - timedelta(days=30)).isoformat(),
        "reason": "Nil-assessed and non-compliant cases first",
        "segments": [1, 2],
        "csa_systems": ["CSCS", "CS2"],
        "case_types": ["ONGOING"],
        "max_cases": None,
        "notice_days": 180,
        "reminder_days": 31,
        "valid_from": from_date.isoformat(),
        "valid_to": year_on,
    }
    capped = approved | {
        "tranche_id": "T02",
        "ocr_reference": "OCR-2017-002",
        "reason": "A first twenty of the clerical and paying ones",
        "segments": [3, 4],
        "csa_systems": ["CSCS", "CS2", "CCD"],
        "case_types": ["ONGOING", "ARREARS_ONLY"],
        "max_cases": 20,
        "reminder_days": None,
    }
    unapproved = approved | {
        "tranche_id": "T03",
        "ocr_reference": "OCR-2017-003",
        "authorised_by": None,
        "authorised_on": None,
        "reason": "Enforced payment, awaiting approval",
        "segments": [5],
    }
    short_notice = approved | {
        "tranche_id": "T04",
        "ocr_reference": "OCR-2017-004",
        "reason": "The clerical database's enforced cases, which it must be rid of soon",
        "segments": [5],
        "csa_systems": ["CCD"],
        "notice_days": 30,
        "reminder_days": None,
    }
    return [approved, capped, unapproved, short_notice]
