"""Whatever a caseworker enters, the night closes: every field of every entity, in every state of its casegroup.

An entry may be wrong in any way; it then changes nothing. It may never fail a night, make or lose a penny, or stand in
the way of landing the night again without it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest

from tests.support import worlds
from tests.support.money_law import breaches
from tests.support.pipeline import STAGES, Store
from tests.support.worlds import NIGHTS, STATES, Entry, Files

EVERY = [(state, (entry,)) for state, entry in product(STATES, worlds.every_entry())]
Told = tuple[str, tuple[Entry, ...]]
"""The state a casegroup is in, and what is entered about it on the next night."""


def pairs(seed: int, count: int) -> list[Told]:
    rng = random.Random(seed)
    entries = worlds.every_entry()
    return [(rng.choice(list(STATES)), (rng.choice(entries), rng.choice(entries))) for _ in range(count)]


def nights_of(told: Sequence[tuple[int, Told]]) -> list[Files]:
    """All as they are; what is entered, every third one being sent again with it; a night without rows."""
    first, second = [], []
    for number, (state, entries) in told:
        group = worlds.in_state(number, state)
        first.append(group.first())
        second.append({"resolutions": [one.row(group, NIGHTS[1]) for one in entries]})
        if number % 3 == 0:
            second.append(worlds.in_state(number, state).first())
    return [worlds.merged(first), worlds.merged(second), {}]


def what_went_wrong(store: Store, folder: Path, told: Sequence[tuple[int, Told]]) -> str | None:
    """The reason of the first night that fails, or where the money law does not hold; None when all is well."""
    store.empty()
    worlds.land(folder, dict(zip(NIGHTS[:3], nights_of(told), strict=True)))
    for on in NIGHTS[:3]:
        try:
            store.run(folder, on)
        except Exception as error:  # any way to fail is what this looks for
            return f"the night of {on}: {type(error).__name__}: {error}"
        if broken := breaches(store.url):
            return f"the night of {on}: {broken[:3]}"
    return None


def assert_no_entry_fails(store: Store, tmp_path: Path, numbered: Sequence[tuple[int, Told]]) -> None:
    """All in one store; what fails is halved down to the entry that did it."""
    place = 0

    def look(told: Sequence[tuple[int, Told]]) -> str | None:
        nonlocal place
        place += 1
        return what_went_wrong(store, tmp_path / f"landing-{place}", told)

    wrong, why = list(numbered), look(numbered)
    if why is None:
        return
    while len(wrong) > 1:
        half = len(wrong) // 2
        for part in (wrong[:half], wrong[half:]):
            if found := look(part):
                wrong, why = part, found
                break
        else:
            break
    pytest.fail(f"{len(wrong)} entries, of which {wrong[:2]}: {why}")


def moves() -> list[tuple[int, Told]]:
    """A case moved from every state into every state: where it goes and whence. A neighbour is the casegroup of the number
    beside, in a state of its own."""
    entries = [one for one in worlds.every_entry() if "{near}" in (one.new or "")]
    told: list[tuple[int, Told]] = []
    for number, (here, there) in enumerate(product(STATES, STATES), 1):
        told += [(2 * number, (here, (entries[0],))), (2 * number + 1, (there, ()))]
    for number, (entry, here) in enumerate(product(entries[1:], STATES), len(STATES) ** 2 + 1):
        told += [(2 * number, (here, (entry,))), (2 * number + 1, ("open", ()))]
    return told


def test_each_entry_each_move_of_a_case_and_two_entries_at_once(store: Store, tmp_path: Path) -> None:
    """B49, R7: each entry once, in a state that goes round, every third with the extract sent again; a case moved from every
    state into every state; by seed two entries of one field, of one row and of two. All in one store."""
    rng = random.Random(1)
    once = [(state, (one,)) for one in worlds.every_entry() for state in rng.sample(list(STATES), 2)]
    moved = moves()
    assert_no_entry_fails(store, tmp_path, [*moved, *enumerate([*once, *pairs(2, 200)], moved[-1][0] + 2)])


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_soak_every_entry_in_every_state(store: Store, tmp_path: Path) -> None:
    """B49: all of them, and thousands of pairs."""
    for start in range(0, len(EVERY), 3_000):
        assert_no_entry_fails(store, tmp_path, list(enumerate(EVERY[start : start + 3_000], 1)))
    for seed in range(10, 20):
        assert_no_entry_fails(store, tmp_path, list(enumerate(pairs(seed, 2_000), 1)))


class DiskFull(Exception):
    """What stops a night half-way."""


def assert_mended_without_them(store: Store, tmp_path: Path, stages: Sequence[str]) -> None:
    """Stopped after each of these stages, the night comes to what it would have been without the entries."""
    told = list(enumerate(pairs(3, 60), 1))
    first, second, _ = nights_of(told)
    entered = second.pop("resolutions")
    assert len(entered) == 120
    landing = tmp_path / "landing"
    worlds.land(landing, {NIGHTS[0]: first, NIGHTS[1]: second})
    store.empty()
    store.run_all(landing, NIGHTS[:2])
    right = store.dump()

    def stop(stage: str) -> None:
        if stage == after:
            raise DiskFull

    for after in stages:
        store.empty()
        worlds.land(landing, {NIGHTS[0]: first, NIGHTS[1]: {**second, "resolutions": entered}})
        store.run(landing, NIGHTS[0])
        with pytest.raises(DiskFull):
            store.run(landing, NIGHTS[1], after_stage=stop)
        worlds.land(landing, {NIGHTS[1]: second})
        store.run(landing, NIGHTS[1])
        assert not breaches(store.url), after
        if STAGES.index(after) >= STAGES.index("decide_next_action"):
            continue  # what had been stored by then stands
        for view, rows in store.dump().items():
            gone, come = list(right[view] - rows)[:3], list(rows - right[view])[:3]
            assert (gone, come) == ([], []), f"stopped after {after}: {view}"


def test_a_night_that_failed_is_mended_by_landing_it_again_without_the_entries(
    store: Store, tmp_path: Path
) -> None:
    """Before it stored a casegroup, and after (R21, R22); `make soak` stops it after each stage."""
    assert_mended_without_them(store, tmp_path, ("receive_balances", "decide_next_action"))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_soak_mended_after_every_stage(store: Store, tmp_path: Path) -> None:
    """As above, stopped after each stage."""
    assert_mended_without_them(store, tmp_path, STAGES[:-1])
