"""R39: a late night, one that runs after a later one succeeded, neither undoes nor overlooks what is known since.

Belongs here: what must hold of late nights whatever the world. Does not belong here: the order of nights against the model
(`test_model_agrees`), single stories of late nights (`tests/integration/test_past_nights.py`).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from case_closure.landing.writing import write_night
from tests.support import worlds
from tests.support.pipeline import Store
from tests.support.worlds import FAULTS, NIGHTS, Files, Row

DAY = timedelta(days=1)
LAST = NIGHTS[-1]
# Before every night, between two, on the eve of the last: none of them was run in its turn.
EMPTY = (NIGHTS[0] - 9 * DAY, NIGHTS[1] + DAY, NIGHTS[2] - DAY)
Dump = dict[str, list[str]]


def everything_but_nights(store: Store) -> Dump:
    """Every row of every view of both sides, and of every table behind them, but of the list of nights and their history."""
    listed = store.query(
        "select table_schema, table_name from information_schema.tables where table_schema in ('reporting', 'sensitive', "
        "'closure', 'held') and table_name not in ('nights', 'night_figures', 'night_history', 'night_stages', "
        "'alembic_version') order by 1, 2"
    )
    names = [f"{row['table_schema']}.{row['table_name']}" for row in listed]
    return {name: sorted(str(row) for row in store.query(f"select * from {name}")) for name in names}  # noqa: S608


def changed(before: Dump, after: Dump) -> dict[str, tuple[list[str], list[str]]]:
    """By table, some rows that have gone and some that have come."""
    both = {name: (set(rows), set(after[name])) for name, rows in before.items() if rows != after[name]}
    return {name: (sorted(old - new)[:2], sorted(new - old)[:2]) for name, (old, new) in both.items()}


def criteria(landing: Path, **over: Any) -> None:
    """A tranche that selects every open case, with reminders that fall due within these nights."""
    row = {
        "tranche_id": "T1", "ocr_reference": "OCR-1", "authorised_by": "Control Group", "authorised_on": "2017-01-04",
        "reason": "all", "segments": [1, 2, 3, 4, 5], "csa_systems": ["CS2", "CSCS", "CCD"],
        "case_types": ["ONGOING", "ARREARS_ONLY"], "max_cases": 40, "notice_days": 10, "reminder_days": 8,
        "valid_from": "2017-07-01", "valid_to": None,
    }  # fmt: skip
    landing.mkdir(parents=True, exist_ok=True)
    (landing / "criteria.json").write_text(json.dumps([row | over]))


def nothing(landing: Path, on: date) -> None:
    """A night whose manifest names no file."""
    write_night(landing / on.isoformat(), on, f"DW-{on}", {})


def issued_by_hand(store: Store) -> None:
    """What waits for the next night in its turn: an LTR that a caseworker has issued."""
    store.query(
        "insert into closure.ltrs (ltr_id, ltr_type, csa_system, csa_case_ids, casegroup_id, application_id, t_date, issued_by, "
        "issued_at) values ('LTR2-CS2-AP9', 'LTR2', 'CS2', '1', 'G00001', 'AP9', '2017-09-30', 'worker', '2017-08-15') "
        "returning ltr_id"
    )


def test_a_late_night_that_brings_nothing_changes_nights_alone(store: Store, tmp_path: Path) -> None:
    """R39, with casegroups in every state: held, clerical, in exception, complete, selected and not, waiting for a reminder;
    with payments and corrections refused, criteria changed since and an LTR waiting to go out."""
    landing = tmp_path / "landing"
    world = worlds.world(range(60_000, 60_060))
    worlds.land(landing, world)
    criteria(landing)
    store.run_all(landing, NIGHTS)
    issued_by_hand(store)
    criteria(landing, max_cases=None, reason="more")
    states = {
        row["outcome"]
        for row in store.query("select distinct outcome from closure.casegroups where outcome is not null")
    }
    assert states == {"HELD", "EXCEPTION", "CLERICAL", "TRANSITION_COMPLETE"}
    assert store.query("select 1 from closure.journeys")
    before = everything_but_nights(store)
    for on in EMPTY:
        nothing(landing, on)
        store.run(landing, on)
        assert changed(before, everything_but_nights(store)) == {}, on
    store.run(landing, EMPTY[-1])
    assert changed(before, everything_but_nights(store)) == {}, "run again"


OWN, LATEST, NEXT = date(2017, 8, 1), date(2017, 8, 10), date(2017, 8, 11)
# On and about either date, so that each comparison can be off by a day.
_DAYS = (OWN - DAY, OWN, OWN + DAY, date(2017, 8, 5), LATEST - DAY, LATEST, LATEST + DAY)
_BORN = tuple(
    date(day.year - years, day.month, day.day)
    for years in (12, 111)
    for day in (OWN, OWN + DAY, LATEST, LATEST + DAY, date(2017, 8, 5))
)


def touched_late(groups: Sequence[tuple[Files, bool]]) -> tuple[Files, Files]:
    """The files of the latest night, which lack each casegroup's children, and those of the late night, which bring them."""
    first = worlds.merged([files for files, _ in groups])
    children = first.pop("csa_children")
    return first, {"csa_children": children}


def inhibited(number: int, set_on: date, removed_on: date | None) -> tuple[Files, bool]:
    """A casegroup with an inhibit of these dates, and whether it is inhibited on either date, or not removed by now."""
    files = worlds.plain(number, cases=1).first()
    case = files["csa_cases"][0]
    row: Row = {"inhibit_id": f"I{number}", "csa_system": case["csa_system"], "csa_case_id": case["csa_case_id"], "reason": "x",
                "set_by": "a", "set_by_role": "MANAGER", "set_on": set_on, "removed_on": removed_on}  # fmt: skip
    files["inhibits"] = [row]
    in_force = any(set_on <= day and (removed_on is None or removed_on > day) for day in (OWN, LATEST))
    return files, in_force or removed_on is None or removed_on > LATEST


def ended(number: int, led: date) -> tuple[Files, bool]:
    """A casegroup whose liability ends on that date, and whether it is open on either date."""
    files = worlds.plain(number, cases=1).first()
    files["csa_cases"][0].update(case_type="ONGOING", case_status="CLOSED", liability_end_date=led)
    return files, led > OWN or led > LATEST


def born(number: int, on: date) -> tuple[Files, bool]:
    """A casegroup whose paying parent was born then, and whether that is implausible on either date."""
    files = worlds.plain(number, cases=1).first()
    files["csa_parties"][0]["date_of_birth"] = on
    for person in files["cis_persons"]:
        if person["nino"] == files["csa_parties"][0]["nino"]:
            person["date_of_birth"] = on

    def years(day: date) -> int:
        return day.year - on.year - ((day.month, day.day) < (on.month, on.day))

    return files, not all(12 <= years(day) <= 110 for day in (OWN, LATEST))


def test_what_holds_on_either_date_holds(store: Store, tmp_path: Path) -> None:
    """R39: an inhibit in force on its own date, on the latest, or not removed by now; liability that has not ended on its own; a
    birth date that is not plausible on both. Nothing else holds: what is free of these is posted on the late night."""
    removed = (None, *_DAYS)
    groups: list[tuple[Files, bool]] = []
    for set_on, removed_on in itertools.product(_DAYS, removed):
        if removed_on is None or removed_on > set_on:
            groups.append(inhibited(len(groups) + 1, set_on, removed_on))
    groups += [ended(len(groups) + 1 + place, led) for place, led in enumerate(_DAYS)]
    groups += [born(len(groups) + 1 + place, day) for place, day in enumerate(_BORN)]
    first, late = touched_late(groups)
    worlds.land(tmp_path / "landing", {LATEST: first, OWN: late})
    store.run_all(tmp_path / "landing", (LATEST, OWN))
    complete = {
        row["casegroup_id"]
        for row in store.query("select casegroup_id from closure.casegroups where completed_on is not null")
    }
    names = {files["csa_cases"][0]["casegroup_id"]: holds for files, holds in groups}
    assert {name: name not in complete for name in names} == names
    assert set(names.values()) == {True, False}

    nothing(tmp_path / "landing", NEXT)
    store.run(tmp_path / "landing", NEXT)
    free = {files["csa_cases"][0]["casegroup_id"] for files, _ in groups} - complete
    left = {
        row["casegroup_id"]
        for row in store.query("select casegroup_id from closure.casegroups where completed_on is null")
    }
    assert left < free, "what held on the late night's own date alone is free on the next night"


def test_a_late_night_judges_what_it_brings_and_nothing_else(store: Store, tmp_path: Path) -> None:
    """R39: of two worlds of the same kind, one whose later nights come in turn and late, the other that comes on the first
    night alone, the late nights change no casegroup of the other."""
    landing = tmp_path / "landing"
    mine, others = range(61_000, 61_030), range(62_000, 62_030)
    lives = [worlds.live(seed, number + 1) for number, seed in enumerate((*mine, *others))]
    moving, still = lives[: len(mine)], lives[len(mine) :]
    first = [worlds.merged([life.get(on, {}) for on in NIGHTS[:1]]) for life in lives]
    latest = [life.get(LAST, {}) for life in moving]
    worlds.land(landing, {
        NIGHTS[0]: worlds.merged(first), LAST: worlds.merged(latest),
        NIGHTS[1]: worlds.merged([life.get(NIGHTS[1], {}) for life in moving]),
        NIGHTS[2]: worlds.merged([life.get(NIGHTS[2], {}) for life in moving]),
    })  # fmt: skip
    store.run_all(landing, (NIGHTS[0], LAST))
    theirs = [
        row["casegroup_id"]
        for life in still
        for row in life.get(NIGHTS[0], {}).get("csa_cases", [])
        if row["casegroup_id"]
    ]
    listed = ", ".join(f"'{name}'" for name in theirs)

    def of_others() -> Dump:
        tables = store.query(
            "select table_schema || '.' || table_name as name from information_schema.columns where column_name = 'casegroup_id' "
            "and table_schema in ('reporting', 'sensitive', 'closure')"
        )
        query = "select * from {} where casegroup_id in ({})"
        return {
            row["name"]: sorted(str(one) for one in store.query(query.format(row["name"], listed))) for row in tables
        }  # fmt: skip

    before = of_others()
    for on in NIGHTS[1:3]:
        store.run(landing, on)
        assert changed(before, of_others()) == {}


def test_no_date_of_a_late_night_goes_back(store: Store, tmp_path: Path) -> None:
    """R39, R43: an outcome keeps the later date; no exception is resolved or last seen before it was first seen."""
    landing = tmp_path / "landing"
    worlds.land(landing, worlds.world(range(63_000, 63_060)))
    store.run(landing, NIGHTS[0])
    for on in (LAST, *NIGHTS[1:3], NIGHTS[2]):
        before = {row["casegroup_id"]: row for row in store.query("select * from closure.casegroups")}
        store.run(landing, on)
        gone_back = [
            row
            for row in store.query("select * from closure.casegroups")
            if row["casegroup_id"] in before
            and row["business_date"] < before[row["casegroup_id"]]["business_date"]
        ]
        assert gone_back == []
        assert (
            store.query(
                "select * from closure.exceptions where least(resolved_on, last_seen_on) < business_date"
            )
            == []
        )
        assert store.query("select * from closure.work_items where closed_on < business_date") == []
    resolved = store.query(
        "select resolved_on from closure.exceptions "
        "where resolved_by like 'EXTRACT%' and resolved_by <> 'EXTRACT ' || resolved_on"
    )
    assert {row["resolved_on"] for row in resolved} == {LAST}


# Whether these stop anything turns on the business date, which is the late night's own.
_DATED = ("liability_ends_soon", "date_of_birth_near_the_limit")


def test_a_late_night_lets_go_on_whatever_it_mends(store: Store, tmp_path: Path) -> None:
    """R39: it finds the casegroups that it touches by whatever it brings of them: every fault of every file, mended by a night in
    its turn and by one that runs after a later night, with an extract or with a resolution, comes to the same in the end."""
    first, mending = list[Files](), list[Files]()
    by_resolution: set[str] = set()
    for by, name, at in itertools.product(("extract", "resolution"), FAULTS, (0, 1)):
        group = worlds.plain(len(first) + 1)
        if name in _DATED or not group.break_something(name, at, len(first) % 5):
            continue
        fault = group.faults[0]
        if by == "resolution" and not fault.resolvable:
            continue
        first.append(group.first())
        if by == "resolution":
            by_resolution.add(first[-1]["csa_cases"][0]["casegroup_id"])
            mending.append({"resolutions": group.resolutions(fault, NIGHTS[1])})
        else:
            group.faults.clear()
            group.renumber(fault.file, always=True)
            mending.append(group.rows(fault.file))
    world = {NIGHTS[0]: worlds.merged(first), NIGHTS[1]: worlds.merged(mending), NIGHTS[2]: {}}
    ends = []
    for place, order in enumerate((NIGHTS[:3], (NIGHTS[0], NIGHTS[2], NIGHTS[1]))):
        store.empty()
        landing = tmp_path / str(place)
        worlds.land(landing, world)
        store.run_all(landing, order)
        ends.append({
            "outcomes": store.query("select casegroup_id, outcome, reason from closure.casegroups order by 1"),
            "open": store.query("select rule_code, casegroup_id, csa_system, csa_case_id, subject from closure.exceptions "
                                "where status <> 'RESOLVED' order by 1, 2, 3, 4, 5"),
            "dues": store.query("select due_id, posted_pence from closure.dues order by 1"),
        })  # fmt: skip
        rows = store.query("select casegroup_id from closure.casegroups where completed_on = '2017-08-11'")
        done = {row["casegroup_id"] for row in rows}
        assert len(done & by_resolution) > 15
        assert len(done - by_resolution) > 60
    assert ends[0] == ends[1]
