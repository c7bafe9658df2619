"""The pipeline against the model, row by row and column by column, on worlds of many kinds.

The model (`tests/model/night_model.py`) was written from the contract alone. Where both agree on a world, both read
the contract alike; where they differ, one of them is wrong, and the contract says which.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from case_closure import sample
from case_closure.domain import payments
from case_closure.domain.money import BUCKETS
from case_closure.domain.rules import RULES
from case_closure.gates import engine
from case_closure.sample import nights as sample_nights
from case_closure.sample.afterwards import AFTERWARDS
from case_closure.sample.planting import queue
from case_closure.tables.landed import CORRECTION_REASONS
from tests.model.night_model import Model
from tests.support import plain_gate, worlds
from tests.support.pipeline import Store, differences
from tests.support.worlds import FAULTS, NIGHTS, Files

ONE_NIGHT = NIGHTS[:1]
FINANCE = ("receive_balances", "set_up_cases")


def assert_agree(
    store: Store, landing: Path, nights: Sequence[date], told: Callable[[str], str] = str
) -> Model:
    """Runs the nights through both, and compares every view after each."""
    model = Model()
    for on in nights:
        store.run(landing, on)
        model.run(landing / on.isoformat(), on)
        found = differences(store, model)
        assert not found, f"night of {on}: {len(found)} differences\n" + "\n".join(
            told(line) for line in found[:30]
        )
    return model


def landed(folder: Path, nights: dict[date, Files]) -> Path:
    landing = folder / "landing"
    worlds.land(landing, nights)
    return landing


def seeded(seeds: Sequence[int]) -> Callable[[str], str]:
    """Names the seed of the casegroup that a difference is about, to make that one again alone."""

    def told(line: str) -> str:
        number = line.partition("G0")[2][:4]
        return (
            f"{line} (seed {seeds[int(number) - 1]})"
            if number.isdigit() and 0 < int(number) <= len(seeds)
            else line
        )

    return told


@pytest.mark.parametrize("seed", [3])
def test_on_the_sample_of_several_nights(store: Store, tmp_path: Path, seed: int) -> None:
    """B28-B50, R4-R22, R26: nights that continue one another, with every planted behaviour."""
    nights = [date(2017, 8, 10) + timedelta(days=day) for day in range(3)]
    sample.generate(tmp_path / "landing", nights[0], nights=3, casegroups=200, seed=seed, fault_rate=0.2)
    assert_agree(store, tmp_path / "landing", nights)


def test_on_what_comes_around_a_transition(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[2], [9]-[20], R20, R25, R28-R32, R41: payments, corrections and what people enter, by a model of their own. The gates are
    judged by plain pandas, to be quick."""
    monkeypatch.setattr(engine, "run", plain_gate.run)
    names = {story.name for story in AFTERWARDS}
    monkeypatch.setattr(sample_nights, "queue", lambda: [item for item in queue() if item.name in names])
    nights = [date(2017, 8, 10) + timedelta(days=day) for day in range(4)]
    planted = sample.generate(
        tmp_path / "landing", nights[0], nights=4, casegroups=160, seed=1, fault_rate=0.0
    )
    assert planted.left_out == []
    # Nothing is selected: letters of closure, which may go out with those of arrears, are not modelled.
    (tmp_path / "landing" / "criteria.json").unlink()
    model = assert_agree(store, tmp_path / "landing", nights)
    assert {one.status for one in model.accounts.payments} == set(payments.STATUSES)
    assert {one.row["reason"] for one in model.accounts.corrections.values() if one.applied_on} == set(
        CORRECTION_REASONS
    )


@pytest.mark.parametrize("first_seed", [10_000])
def test_on_worlds_where_most_is_odd(store: Store, tmp_path: Path, first_seed: int) -> None:
    """B28-B50, R4-R22, R26: faults that come and go, moves, re-sendings, resolutions, holds with dates, over four nights."""
    seeds = range(first_seed, first_seed + 250)
    assert_agree(store, landed(tmp_path, worlds.world(seeds)), NIGHTS, seeded(seeds))


def test_every_rule_alone_and_in_pairs(store: Store, tmp_path: Path) -> None:
    """R7, R9-R12: every oddity alone, then with each other one, each in a casegroup of two cases that would else be posted."""
    alone = [[(name, at, variant)] for name in FAULTS for at in (0, 1) for variant in range(5)]
    pairs = [[(one, 0, 0), (other, 0, 0)] for one, other in itertools.combinations(FAULTS, 2)]
    groups = []
    for number, faults in enumerate([*alone, *pairs]):
        group = worlds.plain(number + 1)
        for name, at, variant in faults:
            group.break_something(name, at, variant)
        groups.append(group.first())
    landing = landed(tmp_path, {ONE_NIGHT[0]: worlds.merged(groups)})
    assert_agree(store, landing, ONE_NIGHT)

    found = {row["rule_code"] for row in store.query("select distinct rule_code from reporting.exceptions")}
    expected = {code for code, rule in RULES.items() if rule.stage in FINANCE}
    later = {
        "balance_changed_after_completion",
        "inhibit_not_authorised",
        "exception_reported",
    }  # what a single csa row cannot break
    assert found == expected - later


def test_every_subset_of_the_nine_buckets(store: Store, tmp_path: Path) -> None:
    """B44, R5, R6: each of the 511 sets of positive buckets makes exactly its dues, to the penny, and nothing nets."""
    groups, expected = [], set()
    for number in range(1, 512):
        group = worlds.plain(number, cases=1)
        row = group.sound["csa_balances"][0]
        row.update(dict.fromkeys(worlds.NINE, 0))
        for place, bucket in enumerate(BUCKETS):
            if number >> place & 1:
                row[bucket.column] = number * 100 + place
                expected.add(
                    (row["csa_case_id"], bucket.creditor, bucket.arrears_status, number * 100 + place)
                )
            elif (number + place) % 5 == 0:
                row[bucket.column] = -7 * number  # a credit next to it takes nothing off
        row["total_pence"] = sum(row[column] for column in worlds.NINE)
        groups.append(group.first())
    landing = landed(tmp_path, {ONE_NIGHT[0]: worlds.merged(groups)})
    assert_agree(store, landing, ONE_NIGHT)
    dues = store.query("select csa_case_id, creditor, arrears_status, amount_pence from reporting.dues")
    assert {tuple(due.values()) for due in dues} == expected
    assert len(dues) == len(expected) == 511 * 9 - sum(9 - number.bit_count() for number in range(1, 512))


def test_both_parents_break_one_rule(store: Store, tmp_path: Path) -> None:
    """R38: each rule about a parent, broken by both of a case, by both receiving parents, by all three; mended one by one."""
    of_parties = [name for name, (file, _, _) in FAULTS.items() if file in ("csa_parties", "cis_persons")]
    groups = []
    for number, (name, who) in enumerate(itertools.product(of_parties, ((0, 1), (1, 2), (0, 1, 2))), 1):
        group = worlds.plain(number)
        for at in who:
            group.break_something(name, at, 0)
        groups.append(group)
    nights = {NIGHTS[0]: worlds.merged([group.first() for group in groups])}
    for on in NIGHTS[1:3]:
        sent = []
        for group in groups:
            fault = group.faults[0]
            if len(group.faults) > 1 and fault.resolvable and group.number % 2:
                sent.append({"resolutions": group.resolutions(fault, on)})
            elif len(group.faults) > 1:
                group.faults.pop(0)
                sent.append(group.rows(fault.file))
        nights[on] = worlds.merged(sent)
    assert_agree(store, landed(tmp_path, nights), NIGHTS[:3])


@pytest.mark.parametrize("order", [pytest.param((0, 2, 1, 3), marks=pytest.mark.soak), (2, 3, 0, 1)])
def test_missed_nights_run_late(store: Store, tmp_path: Path, order: Sequence[int]) -> None:
    """R21, R39: a late night judges what its own extract touches, against all that is known by now, on either date."""
    seeds = range(30_000, 30_080)
    nights = [NIGHTS[place] for place in order]
    assert_agree(store, landed(tmp_path, worlds.world(seeds, nights)), nights, seeded(seeds))


def test_a_late_night_without_rows_changes_nights_alone(store: Store, tmp_path: Path) -> None:
    """R39: whatever would be due by its date."""
    world = worlds.world(range(31_000, 31_080), [NIGHTS[1], NIGHTS[2]])
    landing = landed(tmp_path, {NIGHTS[0]: {}, **world})
    store.run_all(landing, [NIGHTS[1], NIGHTS[2]])
    before = store.dump()
    store.run(landing, NIGHTS[0])
    after = store.dump()
    for side in ("reporting", "sensitive"):
        gone, come = (one.pop(f"{side}.nights") for one in (before, after))
        assert not gone - come
        assert sum((come - gone).values()) == 1
    assert before == after


def test_on_what_caseworkers_enter(store: Store, tmp_path: Path) -> None:
    """B49, R7: each entry in a state of its casegroup; the right ones mend, the others change nothing."""
    told = worlds.entries_by_seed(7, 400)
    nights = {on: worlds.merged([one[place] for one in told]) for place, on in enumerate(NIGHTS[:3])}
    assert_agree(store, landed(tmp_path, nights), NIGHTS[:3])


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seeds=st.lists(st.integers(0, 2**32), min_size=1, max_size=12))
def test_soak_on_small_worlds(
    store: Store, tmp_path_factory: pytest.TempPathFactory, seeds: list[int]
) -> None:
    """B28-B50: a handful of casegroups over two nights; a failure shrinks to the casegroups that fail."""
    store.empty()
    nights = NIGHTS[:2]
    assert_agree(
        store, landed(tmp_path_factory.mktemp("world"), worlds.world(seeds, nights)), nights, seeded(seeds)
    )


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first_seed", range(100_000, 110_000, 1_000))
def test_soak_on_worlds_where_most_is_odd(store: Store, tmp_path: Path, first_seed: int) -> None:
    """B28-B50, R4-R22, R26: the same as above, ten thousand casegroups of it."""
    seeds = range(first_seed, first_seed + 1_000)
    assert_agree(store, landed(tmp_path, worlds.world(seeds)), NIGHTS, seeded(seeds))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(50, 60))
def test_soak_on_the_sample(store: Store, tmp_path: Path, seed: int) -> None:
    """B28-B50, R4-R22, R26: larger samples over five nights."""
    nights = [date(2017, 8, 10) + timedelta(days=day) for day in range(5)]
    sample.generate(tmp_path / "landing", nights[0], nights=5, casegroups=3_000, seed=seed, fault_rate=0.3)
    assert_agree(store, tmp_path / "landing", nights)
