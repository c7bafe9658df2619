"""A whole programme, from the first selection to the last Transition Complete: `python -m tests.simulation.programme`.

A book of casegroups is closed over hundreds of nights on a calendar made short: nights some days apart, notice of weeks
instead of half a year. The other side is `tests.simulation.csa`. Some nights are missed and run late, some are run again when
they are long over, and some late ones bring nothing.

Belongs here: the nights, what must hold after them and at the end. Does not belong here: what CSA does.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from case_closure.desk import exceptions
from case_closure.desk.exceptions import Entry
from case_closure.domain import journey
from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.domain.payments import SUSPENSE
from case_closure.domain.permissions import whoever_has_the_shell
from case_closure.landing.writing import PaymentLine, write_night
from case_closure.night import run as shell
from case_closure.sample.columns import table_of_rows
from case_closure.settings import Settings
from case_closure.store import database
from case_closure.store.schema import views
from tests.simulation.csa import Calendar, Csa, Key
from tests.simulation.soak import SIDES, Broken, digest, money_law
from tests.support.home import MeasuringFailed, new_home

FIRST = date(2017, 1, 2)
# Sent every night, with no rows if need be.
_PAYMENTS = "csa_payments_"
_ALWAYS = ("csa_cases", "csa_parties", "csa_balances")
_TABLES = (
    "end_liability",
    "end_liability_notices",
    "journeys",
    "journey_moves",
    "letters",
    "applications",
    "ltrs",
)
LATE_SHARE, AGAIN_SHARE = 0.04, 0.08
SHORTEST_REMINDER = 14
# The share of open exceptions that somebody enters something on in a morning, where there is anything to enter; of such mornings,
# those on which it is judged at once.
WORKED, REPLAYED = 0.3, 0.3
LEADER, WORKER = whoever_has_the_shell("leader.one"), whoever_has_the_shell("worker.one")
# The share of casegroups that may end otherwise than final; each of them must name its cause.
MOST_UNFINISHED = 0.05


@dataclass(frozen=True)
class Planned:
    """A night of the plan, and its place among the runs: its own, or after a later one. ``again``: whether a finished
    night is run again after it."""

    on: date
    place: float
    again: bool


def calendar(nights: int, seed: int) -> Calendar:
    """That many nights over a year, or 150 days if they are few; selection in the first half."""
    dice = random.Random(seed)
    days = max(150, round(nights * 1.7))
    inner = sorted(dice.sample(range(1, days), nights - 2))
    dates = tuple(FIRST + timedelta(days=day) for day in (0, *inner, days))
    return Calendar(dates, FIRST + timedelta(days=days * 2 // 5))


def plan(nights: Sequence[date], seed: int) -> list[Planned]:
    """In the order in which they are run: some after one or two later ones; some followed by an older one run again."""
    dice = random.Random(seed + 1)
    late = {place for place in range(1, len(nights) - 3) if dice.random() < LATE_SHARE} | {len(nights) // 3}
    made = [
        Planned(
            on,
            place + (dice.choice((1.5, 2.5)) if place in late else 0),
            dice.random() < AGAIN_SHARE or place - 3 in late,
        )
        for place, on in enumerate(nights)
    ]
    return sorted(made, key=lambda one: one.place)


def criteria(dates: Calendar, casegroups: int) -> list[dict[str, Any]]:
    """Tranches one after the other, each capped; then all that is left; and one that nobody has authorised."""
    first, last = dates.nights[0], dates.selected_until
    window = (last - first).days // 4

    def tranche(number: int, **over: Any) -> dict[str, Any]:
        begins = first + timedelta(days=window * number)
        return {
            "tranche_id": f"T{number}", "ocr_reference": f"OCR-{number}", "authorised_by": "Control Group",
            "authorised_on": "2016-12-01", "reason": "programme", "segments": [1, 2, 3, 4, 5], "csa_systems": list(CSA_SYSTEMS),
            "case_types": ["ONGOING", "ARREARS_ONLY"], "max_cases": casegroups // 4, "notice_days": 45, "reminder_days": None,
            "valid_from": begins.isoformat(), "valid_to": (begins + timedelta(days=window - 1)).isoformat(),
        } | over  # fmt: skip

    return [
        tranche(0, segments=[1, 2], csa_systems=["CSCS", "CS2"], case_types=["ONGOING"]),
        tranche(1, notice_days=30, reminder_days=SHORTEST_REMINDER),
        tranche(2, segments=[3, 4, 5], notice_days=60, reminder_days=31),
        tranche(3, max_cases=None, notice_days=30, valid_to=last.isoformat()),
        tranche(
            9,
            authorised_by=None,
            authorised_on=None,
            valid_from=last.isoformat(),
            valid_to=None,
            max_cases=None,
        ),
    ]


class Programme:
    """One run of it on one store."""

    def __init__(
        self, url: str, folder: Path, casegroups: int, nights: int, seed: int,
        most_unfinished: float = MOST_UNFINISHED, **settings: Any,
    ) -> None:  # fmt: skip
        self.url, self.folder, self.most_unfinished = url, folder, most_unfinished
        self.landing, self.outbound = folder / "landing", folder / "outbound"
        self.settings = Settings(folder / "home", url, str(self.landing), str(self.outbound), **settings)
        self.calendar = calendar(nights, seed)
        self.plan = plan(self.calendar.nights, seed)
        self.csa = Csa(casegroups, seed, self.calendar)
        self.dice = random.Random(seed + 2)
        self.luck = random.Random(seed + 3)
        self._moments = 0
        self.landed: set[date] = set()
        self.done: list[date] = []
        self.worked: set[date] = (
            set()
        )  # nights after which people did something that their reports do not show yet
        self.happened: Counter[str] = Counter()
        self.landing.mkdir(parents=True)
        (self.landing / "criteria.json").write_text(json.dumps(criteria(self.calendar, casegroups)))

    def play(self, check_every: int = 1) -> Iterator[tuple[date, float]]:
        """Night after night; each with the seconds its run took. Raises Broken when something does not hold."""
        landed = iter(self.calendar.nights)
        for number, planned in enumerate(self.plan, 1):
            while planned.on not in self.landed:
                self._land(next(landed))
            began = time.perf_counter()
            late = bool(self.done) and planned.on < max(self.done)
            self._run(planned.on)
            took = time.perf_counter() - began
            self.happened["run late"] += late
            self.csa.read(self.outbound / planned.on.isoformat(), planned.on, self._opened(planned.on))
            wrong = [] if number % check_every and number < len(self.plan) else self.wrong(in_order=not late)
            if planned.again and not late:
                # Straight after a late night there is something left to do, which it judged as of its own date.
                wrong += self._again(self.dice.choice(self.done))
                wrong += self._nothing_late()
            if wrong:
                raise Broken(f"After the night of {planned.on}:\n  " + "\n  ".join(wrong[:20]))
            if not late:
                # Last: what is entered waits for the next night in its turn, and a night run again before it would judge it.
                self._work(planned.on)
            yield planned.on, took
        wrong = self.unfinished()
        if wrong:
            raise Broken("At the end:\n  " + "\n  ".join(wrong[:20]))

    def _land(self, on: date) -> None:
        rows = self.csa.land(on)
        paid = {
            file.removeprefix(_PAYMENTS): rows.pop(file) for file in [*rows] if file.startswith(_PAYMENTS)
        }
        tables = {file: table_of_rows(file, rows.get(file, [])) for file in {*rows, *_ALWAYS}}
        lines: dict[str, list[PaymentLine]] = {
            system: [(row["nino"], row["forenames"], row["surname"], row["csa_receipt_reference"], row["value"]) for row in some]
            for system, some in paid.items()
        }  # fmt: skip
        write_night(self.landing / on.isoformat(), on, f"DW-{on}", tables, lines)
        self.landed.add(on)

    def _run(self, on: date) -> None:
        shell.run_night(self._context(on, f"run-{on}-{len(self.done)}"), lambda stage, summary: None)
        if on not in self.done:
            self.done.append(on)

    def _context(self, on: date, run_id: str) -> shell.NightContext:
        clock = itertools.count(1)
        return shell.NightContext(
            on, run_id, self.landing, self.outbound, self.settings,
            lambda: datetime(2018, 1, 1, second=next(clock) % 60, tzinfo=UTC),
        )  # fmt: skip

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with database.transaction(self.url) as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def _opened(self, on: date) -> list[tuple[str, str]]:
        """What a caseworker sees in the morning."""
        opened = self._rows(
            "select business_date, rule_code, casegroup_id from reporting.exceptions where status = 'OPEN' "
            "and casegroup_id is not null order by exception_id"
        )
        return [(rule, group) for seen_on, rule, group in opened if seen_on == on]

    # --- what people do by command

    def _work(self, on: date) -> None:
        """In the morning: exceptions are given out, what was found about some is entered, some are judged at once ([24]-[28])."""
        seen = self._rows(
            "select exception_id, rule_code, casegroup_id, subject_reference, status from reporting.exceptions "
            "where status <> 'RESOLVED' and severity = 'HOLD' order by exception_id"
        )
        new = [number for number, *_, status in seen if status == "OPEN"]
        given = self.luck.sample(new, min(len(new), 5))
        if given:
            self.happened["exceptions allocated"] += len(
                exceptions.allocate(self.url, given, to="worker.one", by=LEADER, at=self._now()).done
            )
        entries = [
            entry for row in seen if self.luck.random() < WORKED and (entry := self._found_out(*row[:4]))
        ]
        if given or entries:
            self.worked.add(on)
        if entries:
            told = exceptions.resolve(self.settings, entries, source="CS2", by=WORKER, at=self._now())
            if told.refused:
                raise Broken(
                    f"After the night of {on}, entered and refused:\n  " + "\n  ".join(told.refused[:5])
                )
            self.happened["entries by command"] += len(entries)
        if entries and self.luck.random() < REPLAYED:
            self._replay([entry.exception_id for entry in entries])
        asked = self._rows(
            "select subject_reference from reporting.work_items where type = 'DCA_MANUAL_ALLOCATION' and status = 'OPEN'"
        )
        self.csa.let_go(sorted(str(row[0]) for row in asked), on)

    def _found_out(self, number: str, rule: str, group: str | None, reference: str | None) -> Entry | None:
        """What a caseworker enters on an exception, where CSA would tell: whose a payment is, or a parent's missing value."""
        paid = self.csa.paid.get(reference or "")
        if paid is not None and rule in ("payment_name_mismatch", "payment_owner_unknown"):
            owner = self.csa.cases[paid.key]["casegroup_id"]
            if paid.wrong == "stranger" or paid.key not in self.csa.arrived:
                return Entry(number, "passed_to", "whoever it belongs to")
            return Entry(number, "casegroup_id", owner)
        mends = self.csa.unmended.get((rule, group or ""), [])
        if mends and all(file == "resolutions" for file, _ in mends):
            del self.csa.unmended[rule, group or ""]
            return Entry(number, mends[0][1]["field"], mends[0][1]["new_value"])
        return None

    def _replay(self, numbers: list[str]) -> None:
        def context(on: date) -> shell.NightContext:
            return self._context(on, f"replay-{len(self.done)}")

        exceptions.replay(
            self.settings, numbers, by=WORKER, at=self._now(), context=context, progress=lambda *_: None
        )
        self.happened["replays"] += 1

    def _now(self) -> datetime:
        self._moments += 1
        return datetime(2018, 1, 1, tzinfo=UTC) + timedelta(seconds=self._moments)

    # --- nights that change nothing

    def standing(self) -> dict[str, Any]:
        """Everything that can be read, but for what tells of each time a stage is run, and the tables of closure, as digests."""
        shown = {
            f"{side}.{view.name}": digest(self.url, side, view)
            for side in SIDES
            for view in views.VIEWS
            if view.name != "night_stages"
        }
        return shown | {
            f"closure.{table}": self._rows(
                f"select count(*), md5(string_agg(t::text, '' order by t::text)) from closure.{table} t"  # noqa: S608
            )
            for table in _TABLES
        }

    def _again(self, on: date) -> list[str]:
        """R21: a finished night run again changes nothing, and writes out the same bytes.

        Unless an older night was run after it: a report of a date shows what had been found by then, on late nights too.
        """
        before, sent = self.standing(), _hashes(self.outbound / on.isoformat())
        self._run(on)
        self.happened["run again"] += 1
        if on in self.worked:
            # What people did on the morning after it bears its date ([25]-[27]): its report shows that from now on.
            sent = _hashes(self.outbound / on.isoformat())
            self._run(on)
            self.worked.remove(on)
        wrong = [
            f"running {on} again changed {name}"
            for name, rows in self.standing().items()
            if rows != before[name]
        ]
        now = _hashes(self.outbound / on.isoformat())
        if any(since < on for since in self.done[self.done.index(on) :]):
            return wrong
        return wrong + [
            f"running {on} again wrote another {name}"
            for name in sorted(sent.keys() | now.keys())
            if sent.get(name) != now.get(name)
        ]

    def _nothing_late(self) -> list[str]:
        """A night nobody had run, late and with nothing in it, changes nothing but the list of nights.

        One after selection, for it selects as of its own date; and between two nights so near that what falls due for
        some weeks, as reminders do, fell due on one of them.
        """
        done = sorted(day for day in self.done if day > self.calendar.selected_until)
        gaps = [
            before + timedelta(days=n)
            for before, after in itertools.pairwise(done)
            if (after - before).days <= SHORTEST_REMINDER
            for n in range(1, (after - before).days)
            if before + timedelta(days=n) not in self.calendar.nights
        ]
        if not gaps:
            return []
        on, before = self.dice.choice(gaps), self.standing()
        write_night(
            self.landing / on.isoformat(), on, f"DW-{on}", {file: table_of_rows(file, []) for file in _ALWAYS}
        )
        self._run(on)
        self.happened["empty night run late"] += 1
        may = {
            "nights",
            "night_history",
            "rule_results",
            "programme",
            "programme_months",
            "casegroup_outcomes",
        }
        return [
            f"the late and empty night of {on} changed {name}"
            for name, rows in self.standing().items()
            if rows != before[name] and name.split(".")[1] not in may
        ]

    # --- what must hold

    def wrong(self, *, in_order: bool) -> list[str]:
        """What does not hold now, in words. A late night is judged as of its own date, so where journeys stand waits."""
        found = money_law(self.url, self.landing, self.done)
        found += [
            f"{row[3]} letters {row[0]} to {row[1]} about {row[2]}"
            for row in self._rows(
                "select code, party_id, concat_ws(' ', casegroup_id, csa_system, csa_case_id), count(*) from closure.letters "
                "where code <> 'CMSL6314' group by 1, 2, 3 having count(*) > 1 union all "
                "select code, party_id, covers_letter_id, count(*) from closure.letters "
                "where code = 'CMSL6314' group by 1, 2, 3 having count(*) > 1"
            )
        ]
        found += self._moves()
        if in_order and self.landed <= set(self.done):
            found += self._journeys()
        return found

    def _moves(self) -> list[str]:
        """Each casegroup's moves follow one another, each legal, and end where its journey stands."""
        found: list[str] = []
        at: dict[str, str] = {}
        number: Counter[str] = Counter()
        for group, count, left, came in self._rows(
            "select casegroup_id, move_number, from_state, to_state from closure.journey_moves order by casegroup_id, move_number"
        ):
            number[group] += 1
            if count != number[group] or left != at.get(group) or came not in journey.MOVES[left]:
                found.append(f"{group}: move {count} from {left} to {came} after {at.get(group)}")
            at[group] = came
        stands = dict(self._rows("select casegroup_id, state from closure.journeys"))
        return found + [
            f"{group}: stands at {stands.get(group)}, moved to {came}"
            for group, came in at.items()
            if stands.get(group) != came
        ]

    def _journeys(self) -> list[str]:
        """Each selected casegroup stands where what CSA has said puts it."""
        on = max(self.done)
        said = self._rows(
            """
            select casegroup_id, bool_or(journey = 'REACTIVE'), coalesce(min(state), ''), exists (
                select from closure.letters l where l.casegroup_id = e.casegroup_id and l.code in ('CMSL6306', 'CMSL6311'))
            from closure.end_liability e left join closure.journeys j using (casegroup_id) group by casegroup_id
            """
        )
        found = []
        for group, reactive, state, reminded in said:
            facts = journey.Facts(reactive=reactive, reminded=reminded, **self.csa.facts(group, on))
            if (expected := journey.state_of(facts)) != state:
                found.append(f"{group}: stands at {state}, and not at {expected}")
        return found

    def unfinished(self) -> list[str]:
        """What of the end does not hold: every casegroup final, or in a hold or exception that CSA knows the cause of."""
        found, on, open_still = self._untold(), max(self.done), 0
        outcomes = {
            row[0]: row[1:]
            for side in SIDES
            for row in self._rows(
                f"select casegroup_id, outcome, reason, posted_pence from {side}.casegroup_outcomes"  # noqa: S608
            )
        }
        excepted = {
            (group, rule)
            for rule, group in self._rows(
                "select rule_code, casegroup_id from closure.exceptions where status <> 'RESOLVED'"
            )
        }
        for group, keys in self.csa.groups.items():
            if not any(key in self.csa.sent for key in keys):
                if group in outcomes:
                    found.append(f"{group}: it has an outcome and no balance")
                open_still += 1
                continue
            outcome, reason, posted = outcomes.get(group, ("none", "", 0))
            self.happened[f"{outcome}{' ' + reason if outcome == 'HELD' else ''}"] += 1
            if outcome == "TRANSITION_COMPLETE":
                changed = (group, "balance_changed_after_completion") in excepted
                if posted != self.csa.owed(group) and not changed:
                    found.append(f"{group}: {posted}p posted, {self.csa.owed(group)}p owed")
            elif outcome != "CLERICAL":
                open_still += 1
                if not self._caused(group, outcome, reason, on):
                    found.append(f"{group}: {outcome} {reason}, and CSA knows of no such cause")
        found += self._money_astray(
            set(outcomes) & {g for g, (what, *_) in outcomes.items() if what == "TRANSITION_COMPLETE"}
        )
        if open_still > self.most_unfinished * len(self.csa.groups):
            found.append(f"{open_still} of {len(self.csa.groups)} casegroups are not final")
        return found

    def _money_astray(self, complete: set[str]) -> list[str]:
        """Payments that do not stand where the life of their case puts them, and pence that payments and dues tell otherwise."""
        found, stands = [], {}
        for side in SIDES:
            for reference, status, group, pence, allocated in self._rows(
                "select csa_receipt_reference, status, casegroup_id, amount_pence, allocated_pence "  # noqa: S608
                f"from {side}.payments where status <> 'DUPLICATE'"
            ):
                paid = self.csa.paid[reference]
                if paid.pence != pence:
                    continue  # sent again with another value: in suspense until somebody says which is right
                stands[reference] = status
                self.happened[f"payments {status}"] += 1
                if status in ("HELD", "FLAGGED") and group in complete and status == "HELD":
                    found.append(f"payment {reference}: HELD for {group}, which is complete")
                if status in ("ALLOCATED", "SURPLUS") and (group not in complete or allocated > pence):
                    found.append(f"payment {reference}: {status} with {allocated}p of {pence}p, for {group}")
                if status == SUSPENSE and not paid.wrong and not self._has_left(paid.key):
                    found.append(f"payment {reference}: in suspense, and nothing is wrong with it")
        gone = [
            reference
            for reference, paid in self.csa.paid.items()
            if reference not in stands and paid.wrong != "amount"
        ]
        found += [f"payment {reference}: sent, and nowhere" for reference in gone]
        told, taken = (self._allocated(view) for view in ("payments", "dues"))
        if told != taken:
            found.append(f"payments say that {told}p were allocated, dues {taken}p")
        return found

    def _allocated(self, view: str) -> int:
        sums = [
            self._rows(f"select coalesce(sum(allocated_pence), 0)::bigint from {side}.{view}")[0][0]  # noqa: S608
            for side in SIDES
        ]
        return sum(sums)

    def _has_left(self, key: Key) -> bool:
        """Whether the case has gone to another casegroup, or never came, so that its payer has none here."""
        return key not in self.csa.arrived or key in self.csa.moved

    def _untold(self) -> list[str]:
        """Selected cases closed by case closure whose receiving parent was never told that liability has ended (B12)."""
        return [
            f"{system} {case}: closed, and no letter of it"
            for system, case in self._rows(
                """
                select csa_system, csa_case_id from closure.end_liability join held.csa_cases c using (csa_system, csa_case_id)
                where case_type = 'ONGOING' and case_status = 'CLOSED' and closed_reason = 'CASE_CLOSURE'
                  and liability_end_date <= (select max(business_date) from closure.nights)
                except select csa_system, csa_case_id from closure.letters where code = 'CMSL6312' order by 1, 2
                """
            )
        ]

    def _caused(self, group: str, outcome: str, reason: str, on: date) -> bool:
        facts = self.csa.facts(group, on)
        if outcome == "HELD":
            return {
                "OPEN_CASES": not facts["closed"],
                "INHIBITED": facts["inhibited"],
                "CLOSURE_FAILED": facts["failed"],
            }[reason]
        return outcome == "EXCEPTION" and all(
            facts["failed"] if rule == "closure_failed" else (rule, group) in self.csa.unmended
            for rule in reason.split(",")
        )


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything held after every night and at the end, 1 otherwise."""
    asked = _parser().parse_args(arguments)
    try:
        with new_home(asked.home) as home, home.store() as url:
            programme = Programme(url, home.folder / "programme", asked.casegroups, asked.nights, asked.seed)
            for number, (on, took) in enumerate(programme.play(asked.check_every), 1):
                print(f"{number:4} night of {on}: {took:.1f} s", flush=True)
    except (Broken, MeasuringFailed) as failure:
        print(failure, file=sys.stderr)
        return 1
    for what, count in sorted((programme.happened + Counter(programme.csa.happened)).items()):
        print(f"  {what:40} {count:7,}")
    print("Every casegroup is final, or in a hold or exception that names its cause")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation.programme", description="A whole programme, night after night."
    )
    parser.add_argument("--nights", type=int, default=200, metavar="N", help="how many nights (200)")
    parser.add_argument("--casegroups", type=int, default=20_000, metavar="N", help="in the book (20000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another book and other lives (1)")
    parser.add_argument(
        "--check-every", type=int, default=5, metavar="N", help="look at everything after every Nth night (5)"
    )
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help="an empty folder to work in (a temporary one)"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
