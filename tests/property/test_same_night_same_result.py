"""What must not matter: running again, the order of rows, the size of parts, what things are called, which night they come."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support import worlds
from tests.support.pipeline import COMPARED, SIDES, Store
from tests.support.worlds import NIGHTS, Files

Dump = dict[str, Counter[tuple[Any, ...]]]

_NUMBER = re.compile(r"G(\d{5})")


def assert_same(first: Dump, second: Dump) -> None:
    for view, rows in first.items():
        gone, come = rows - second[view], second[view] - rows
        assert (list(gone)[:3], list(come)[:3]) == ([], []), view


def ran(
    store: Store, folder: Path, world: dict[date, Files], nights: Sequence[date], **settings: Any
) -> Dump:
    """A world from nothing to its last night: every row of every view."""
    store.empty()
    worlds.land(folder / "landing", world)
    store.run_all(folder / "landing", nights, **settings)
    return store.dump()


def settled(store: Store, renamed: Callable[[str], str] = str) -> Dump:
    """The columns that the contract settles, ids as they were before `renamed`."""
    return {
        f"{schema}.{view}": Counter(
            tuple(
                sorted(renamed(str(row[c])) for c in columns)
                if view == "cases"
                else [renamed(str(row[c])) for c in columns]
            )
            for row in store.view(view, side)
        )
        for side, schema in SIDES.items()
        for view, columns in COMPARED.items()
    }


MANY = pytest.mark.soak
"""A world of the size at which it takes half a minute: one of a third of it is made always."""


@pytest.mark.parametrize(("count", "casegroups"), [(2, 40), pytest.param(3, 120, marks=MANY)])
def test_running_a_night_again_changes_nothing(
    store: Store, tmp_path: Path, count: int, casegroups: int
) -> None:
    """R20, R21: each night at once again, and when all are done the earlier ones once more."""
    landing = tmp_path / "landing"
    nights = NIGHTS[:count]
    worlds.land(landing, worlds.world(range(50_000, 50_000 + casegroups), nights))
    for on in nights:
        store.run(landing, on)
        once = store.dump()
        store.run(landing, on)
        assert_same(once, store.dump())
    for on in reversed(nights[:-1]):
        store.run(landing, on)
    assert_same(once, store.dump())


@pytest.mark.parametrize("casegroups", [60, pytest.param(200, marks=MANY)])
def test_the_order_of_rows_does_not_matter(store: Store, tmp_path: Path, casegroups: int) -> None:
    """R21: rows, and so casegroups, in any order of the files give the same rows of every view."""
    world = worlds.world(range(51_000, 51_000 + casegroups), NIGHTS[:2])
    first = ran(store, tmp_path / "a", world, NIGHTS[:2])
    rng = random.Random(51)
    shuffled = {
        on: {name: rng.sample(rows, len(rows)) for name, rows in files.items()} for on, files in world.items()
    }
    assert shuffled != world
    assert_same(first, ran(store, tmp_path / "b", shuffled, NIGHTS[:2]))


@pytest.mark.parametrize(
    ("casegroups", "cuts"), [(6, [(1, 1), (3, 2)]), pytest.param(125, [(25, 2)], marks=MANY)]
)
def test_the_size_of_the_parts_does_not_matter(
    store: Store, tmp_path: Path, casegroups: int, cuts: list[tuple[int, int]]
) -> None:
    """R7: casegroups are judged each for itself: one at a time, some at a time side by side, or all together."""
    world = worlds.world(range(52_000, 52_000 + casegroups), NIGHTS[:1])
    together = ran(store, tmp_path / "a", world, NIGHTS[:1])
    for size, workers in cuts:
        folder = tmp_path / f"{size}-{workers}"
        assert_same(
            together, ran(store, folder, world, NIGHTS[:1], partition_casegroups=size, workers=workers)
        )


@pytest.mark.parametrize("casegroups", [50, pytest.param(150, marks=MANY)])
def test_what_casegroups_are_called_does_not_matter(store: Store, tmp_path: Path, casegroups: int) -> None:
    """R21: the same lives under other numbers, in the reverse order of their names, come to the same."""
    seeds = list(range(53_000, 53_000 + casegroups))
    nights = NIGHTS[:2]

    def world(numbers: Sequence[int]) -> dict[date, Files]:
        lives = [worlds.live(seed, number, nights) for seed, number in zip(seeds, numbers, strict=True)]
        return {on: worlds.merged([life.get(on, {}) for life in lives]) for on in nights}

    there = list(range(1, len(seeds) + 1))
    back = [9_000 - number for number in there]
    old_name = dict(zip(back, there, strict=True))
    ran(store, tmp_path / "a", world(there), nights)
    first = settled(store)
    ran(store, tmp_path / "b", world(back), nights)
    assert_same(
        first, settled(store, lambda value: _NUMBER.sub(lambda m: f"G{old_name[int(m[1])]:05d}", value))
    )


@pytest.mark.parametrize("casegroups", [100, pytest.param(300, marks=MANY)])
def test_which_of_two_nights_a_casegroup_comes_does_not_matter(
    store: Store, tmp_path: Path, casegroups: int
) -> None:
    """R6, R7, R21: split over two nights, the same dues: amount, creditor, status and period of every case."""
    lives = [
        worlds.live(seed, number + 1, NIGHTS[1:2])[NIGHTS[1]]
        for number, seed in enumerate(range(54_000, 54_000 + casegroups))
    ]
    for life in lives:
        life.pop("inhibits")  # they hold on some days only, so the night does matter to them
    together = {NIGHTS[0]: {}, NIGHTS[1]: worlds.merged(lives)}
    apart = {NIGHTS[0]: worlds.merged(lives[::2]), NIGHTS[1]: worlds.merged(lives[1::2])}

    def dues() -> Counter[tuple[Any, ...]]:
        columns = [column for column in COMPARED["dues"] if column != "business_date"]
        return Counter(tuple(row[column] for column in columns) for row in store.view("dues"))

    ran(store, tmp_path / "a", together, NIGHTS[:2])
    first = dues()
    ran(store, tmp_path / "b", apart, NIGHTS[:2])
    assert sum(first.values()) > casegroups * 2 // 3
    assert first == dues()
