"""The bench: what it holds the night against is the very same, and its arithmetic is right."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from bench import floor
from bench.results import BEGIN, END, Row, compared, exponent, missed, table, write_into
from case_closure import sample
from case_closure.store import database
from case_closure.store.schema.tables import metadata
from tests.simulation import soak
from tests.support.home import Home, new_home

NIGHT = date(2017, 8, 10)


# --- arithmetic -------------------------------------------------------------------------------------------


def test_a_ratio_is_the_median_of_its_pairs_ratios() -> None:
    """Not the ratio of the medians: that would pair a quiet minute with a busy one."""
    row = compared("night", [10.0, 40.0, 30.0], [5.0, 10.0, 10.0], goal=2.0)
    assert (row.value, row.ours, row.floor) == (3.0, 30.0, 10.0)
    assert row.met is False


def test_a_ratio_needs_a_floor_for_each_of_ours() -> None:
    with pytest.raises(ValueError, match="shorter"):
        compared("night", [1.0, 2.0], [1.0])


@pytest.mark.parametrize(("value", "met"), [(1.99, True), (2.0, True), (2.01, False), (float("nan"), False)])
def test_a_goal_is_met_at_most(value: float, met: bool) -> None:
    row = Row("night", value, goal=2.0)
    assert row.met is met
    assert missed([Row("told only", 9.0), row]) == ([] if met else [row])


@pytest.mark.parametrize("power", [0.9, 1.0, 1.05, 2.0])
def test_the_exponent_of_a_power_is_that_power(power: float) -> None:
    sizes = [20_000, 120_000, 1_200_000]
    assert exponent(sizes, [3e-5 * size**power for size in sizes]) == pytest.approx(power)


def test_an_exponent_needs_two_sizes() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        exponent([20_000, 20_000], [1.0, 2.0])


def test_the_table_is_written_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "bench.md"
    page.write_text(f"# Before\n{BEGIN}\nold\n{END}\nafter\n")
    shown = table([Row("a night", 1.5, goal=2.0, ours=3.0, floor=2.0), Row("growth", 1.2, "n^", 1.05)])
    write_into(page, shown)
    assert page.read_text() == f"# Before\n{BEGIN}\n{shown}\n{END}\nafter\n"
    assert "| a night | 3.00 s | 2.00 s | 1.50 x | at most 2.00 x | met |" in shown
    assert "| growth |  |  | n^1.20 | at most n^1.05 | **missed** |" in shown
    page.write_text("no marks")
    with pytest.raises(ValueError, match="expected the lines"):
        write_into(page, shown)


# --- the floor, and what the soak looks at ----------------------------------------------------------------


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with new_home(None) as made:
        yield made


@pytest.fixture(scope="module")
def landing(home: Home) -> Path:
    sample.generate(home.folder / "landing", NIGHT, casegroups=150, fault_rate=0.2)
    return home.folder / "landing"


@pytest.fixture(scope="module")
def night(home: Home, landing: Path) -> Iterator[str]:
    """A store after one night."""
    with home.store() as url:
        soak.Store("night", url, home.folder / "night", landing, 60).through(NIGHT)
        yield url


def test_the_floor_fills_the_very_same_tables_with_the_very_same_rows(home: Home, night: str) -> None:
    folder = home.server_folder("floor")
    taken = floor.take_out(night, folder)
    assert set(floor.TABLES) == {f"{table.schema}.{table.name}" for table in metadata.tables.values()}
    assert sum(taken.values()) > 1_000
    with home.store() as other:
        assert floor.shape(other) == floor.shape(night)
        assert {"column", "constraint", "index"} == {row[0] for row in floor.shape(other)}
        assert floor.put_in(other, folder, taken) > 0
        for name in floor.TABLES:
            assert _rows(other, name) == _rows(night, name), name
        assert list(soak.differences(night, other)) == []
    shutil.rmtree(folder)


def test_a_floor_that_is_not_the_same_measures_nothing(home: Home, night: str) -> None:
    folder = home.server_folder("short")
    taken = floor.take_out(night, folder)
    with home.store() as other, pytest.raises(floor.NotTheSame):
        floor.put_in(other, folder, {**taken, "closure.dues": taken["closure.dues"] + 1})
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("breaking", "law"),
    [
        ("update closure.dues set posted_pence = posted_pence + 1", "posted of a casegroup"),
        ("insert into closure.ledger select 'x' || due_id, business_date, due_id, 'CORRECTION', -posted_pence - 1, null, 'C' "
         "from closure.dues limit 1", "POSTED entry"),
        ("update closure.positions set held_pence = held_pence - 1, received_pence = received_pence - 1 where held_pence > 1",
         "received of the"),
        ("update closure.casegroups set received_pence = received_pence + 1 where received_pence > 0", "received of the"),
        ("update closure.night_figures set received_pence = received_pence + 1", "night of 2017-08-10"),
        ("update closure.nights set status = 'FAILED'", "night of 2017-08-10"),
    ],
)  # fmt: skip
def test_the_soak_sees_a_broken_money_law(
    home: Home, landing: Path, night: str, breaking: str, law: str
) -> None:
    assert soak.money_law(night, landing, [NIGHT]) == []
    folder = home.server_folder("broken")
    taken = floor.take_out(night, folder)
    with home.store() as other:
        floor.put_in(other, folder, taken)
        with database.transaction(other) as connection:
            connection.execute(text("set local session_replication_role = replica"))
            assert connection.execute(text(breaking)).rowcount > 0
        assert any(law in line for line in soak.money_law(other, landing, [NIGHT]))
        assert list(soak.differences(night, other)) != []
    shutil.rmtree(folder)


def test_the_soaks_plan_is_the_same_for_the_same_seed_and_has_everything_in_it() -> None:
    """R21: nights come late, are killed, and are run twice."""
    planned = soak.plan(30, 1)
    assert planned == soak.plan(30, 1) != soak.plan(30, 2)
    assert len({one.on for one in planned}) == 30
    assert any(one.late for one in planned)
    assert any(one.twice for one in planned)
    assert any(one.kills and one.with_server for one in planned)
    assert any(not one.kills for one in planned)
    assert all(
        one.late == any(other.on > one.on for other in planned[:place]) for place, one in enumerate(planned)
    )


def test_a_killed_night_run_again_is_as_one_never_killed(home: Home, landing: Path, night: str) -> None:
    """R21."""
    with home.store() as url:
        rough = soak.Store("rough", url, home.folder / "rough", landing, 60)
        assert rough.killed(NIGHT, 0.5) != "ended"
        rough.through(NIGHT)
        assert list(soak.differences(night, url)) == []
        assert soak.money_law(url, landing, [NIGHT]) == []


def _rows(url: str, name: str) -> Counter[str]:
    with database.transaction(url) as connection:
        return Counter(str(tuple(row)) for row in connection.execute(text(f"table {name}")))
