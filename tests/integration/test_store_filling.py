"""Filling an empty table at once: the same rows, keys and indexes as by COPY alone, or nothing at all."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from case_closure.night import decide_next_action, parts
from case_closure.store import database, filling, holding, posting
from case_closure.tables.landed import FILES
from tests.support.builders import Row, balance, case, party, table
from tests.support.installation import Installation

FIRST, SECOND = date(2017, 8, 10), date(2017, 8, 11)
SHAPE = """
    select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint where conrelid = %s::regclass
    union all select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index where indrelid = %s::regclass
    order by 1, 2
"""
BIG = ("csa_cases", "csa_parties", "csa_children", "csa_balances", "csa_closing_ledger", "cis_persons")


def shape(installation: Installation, name: str) -> list[Row]:
    return installation.query(SHAPE, f"held.{name}", f"held.{name}")


def hold(installation: Installation, name: str, rows: list[Row], on: date = FIRST) -> int:
    """As a night does, every row a batch of its own."""
    landed = table(name, rows).append_column("row_number", pa.array(range(1, len(rows) + 1), pa.int64()))
    batches = [landed.slice(place, 1) for place in range(len(rows))]
    with database.transaction(installation.url) as connection:
        return holding.hold(connection, FILES[name], lambda: batches, on, 1)


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "MANY_ROWS", 1)


@pytest.mark.parametrize("name", BIG)
def test_keys_and_indexes_are_afterwards_what_they_were(installation: Installation, name: str) -> None:
    before = shape(installation, name)
    row = dict.fromkeys(FILES[name].schema.names) | dict.fromkeys(FILES[name].key, "X")
    assert hold(installation, name, [row]) == 1
    assert shape(installation, name) == before
    assert len(before) >= 2, "a table that has a key and an index shows what is lost"
    assert installation.query(f"select count(*) as n from held.{name}") == [{"n": 1}]  # noqa: S608


def test_an_index_that_was_built_again_finds_every_row_and_refuses_a_key_that_is_there(
    installation: Installation,
) -> None:
    hold(installation, "csa_parties", [party(f"P{number}") for number in range(50)])
    found = installation.query(
        "select surname from held.csa_parties where party_id = any(%s)", [f"P{n}" for n in range(60)]
    )
    assert len(found) == 50
    with pytest.raises(psycopg.errors.UniqueViolation):
        installation.execute("insert into held.csa_parties select * from held.csa_parties")


def test_a_night_judges_what_was_filled_and_a_later_one_adds_to_it(installation: Installation) -> None:
    installation.night(FIRST, case("A", "G1"), case("B", "G2", child=False), case("C", "G3", scheme="2012"))
    assert installation.outcomes() == {
        "G1": ("TRANSITION_COMPLETE", "ARREARS_ADDED"), "G2": ("EXCEPTION", "child_missing"),
        "G3": ("EXCEPTION", "balance_case_unknown,case_enum_invalid"),
    }  # fmt: skip
    installation.night(SECOND, case("B", "G2"))
    assert installation.outcomes()["G2"] == ("TRANSITION_COMPLETE", "ARREARS_ADDED")


def test_of_a_key_that_stands_twice_the_last_row_still_counts(installation: Installation) -> None:
    before = shape(installation, "csa_parties")
    rows = [party("P", surname="One"), party("Q"), party("P", surname="Two")]
    assert hold(installation, "csa_parties", rows) == 3
    kept = installation.query("select party_id, surname from held.csa_parties order by 1")
    assert kept == [{"party_id": "P", "surname": "Two"}, {"party_id": "Q", "surname": "Walker"}]
    assert shape(installation, "csa_parties") == before


def test_R21_a_table_that_has_rows_is_not_emptied(installation: Installation) -> None:
    hold(installation, "csa_parties", [party("P", surname="Second"), party("Q")], SECOND)
    hold(installation, "csa_parties", [party("P", surname="First"), party("R")], FIRST)
    kept = installation.query("select party_id, surname from held.csa_parties order by 1")
    assert [tuple(row.values()) for row in kept] == [("P", "Second"), ("Q", "Walker"), ("R", "Walker")]


def test_nothing_is_left_of_one_that_is_not_committed(installation: Installation) -> None:
    before = shape(installation, "csa_balances")
    landed = table("csa_balances", [balance("A", "G", {"rp_active": 5})])
    numbered = landed.append_column("row_number", pa.array([1], pa.int64()))
    with database.engine(installation.url).connect() as connection:
        assert holding.hold(connection, FILES["csa_balances"], lambda: [numbered], FIRST, 1) == 1
        assert connection.exec_driver_sql("select count(*) from held.csa_balances").scalar_one() == 1
        connection.rollback()
    assert shape(installation, "csa_balances") == before
    assert installation.query("select count(*) as n from held.csa_balances") == [{"n": 0}]


def test_somebody_who_is_reading_the_table_is_not_waited_for(installation: Installation) -> None:
    """An analyst's open transaction must not stop the night: the rows go in as they do into a table that has some."""
    with psycopg.connect(installation.url.replace("+psycopg", "")) as analyst:
        analyst.execute("select * from held.csa_parties")
        assert hold(installation, "csa_parties", [party("P"), party("Q")]) == 2
        assert analyst.execute("select count(*) from held.csa_parties").fetchone() == (2,)


def test_a_file_that_breaks_off_is_told_and_leaves_nothing(installation: Installation) -> None:
    def batches() -> list[pa.Table]:
        raise OSError("page cannot be decoded")

    with (
        pytest.raises(OSError, match="page cannot be decoded"),
        database.transaction(installation.url) as connection,
    ):
        holding.hold(connection, FILES["csa_parties"], batches, FIRST, 1)
    assert installation.query("select count(*) as n from held.csa_parties") == [{"n": 0}]


def shapes(installation: Installation) -> dict[str, list[Row]]:
    names = [table.fullname for table in posting.FILLED_IN_PARTS]
    return {name: installation.query(SHAPE, name, name) for name in names}


def away(installation: Installation) -> bool:
    with database.transaction(installation.url) as connection:
        return filling.finders_are_away(connection, posting.FILLED_IN_PARTS)


@pytest.fixture
def first_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few a night brings, they count as many."""
    monkeypatch.setattr(filling, "MANY_ROWS", -1)


@pytest.mark.usefixtures("first_of_many")
def test_a_first_night_stores_without_what_finds_rows_and_has_all_of_it_afterwards(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, meanwhile = shapes(installation), []

    def looked_at(*given: Any) -> Any:
        meanwhile.append((away(installation), shapes(installation)))
        return parts.run_all(*given)

    monkeypatch.setattr(decide_next_action, "run_all", looked_at)
    installation.night(FIRST, case("A", "G1"), case("B", "G2", child=False))
    installation.night(SECOND, case("B", "G2"))
    assert shapes(installation) == before
    (first, without), (second, _) = meanwhile
    assert (first, second) == (True, False), "the second night adds to what there is"
    keys = [line for lines in without.values() for line in lines if "UNIQUE" in line["definition"]]
    assert keys == [line for lines in before.values() for line in lines if "UNIQUE" in line["definition"]]
    assert installation.outcomes()["G2"] == ("TRANSITION_COMPLETE", "ARREARS_ADDED")


@pytest.mark.usefixtures("first_of_many")
def test_a_first_night_that_fails_leaves_the_tables_as_they_are_read(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shapes(installation)

    def fails(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(posting, "store", fails)
    with pytest.raises(OSError, match="no space left"):
        installation.night(FIRST, case("A", "G1"))
    assert shapes(installation) == before


def test_R21_what_a_killed_night_had_taken_away_the_same_night_brings_back(
    installation: Installation,
) -> None:
    before = shapes(installation)
    with database.transaction(installation.url) as connection:
        assert filling.take_away_finders(connection, posting.FILLED_IN_PARTS)
    assert away(installation)
    installation.night(FIRST, case("A", "G1"))
    assert shapes(installation) == before
    assert installation.outcomes()["G1"] == ("TRANSITION_COMPLETE", "ARREARS_ADDED")


@pytest.mark.usefixtures("first_of_many")
def test_a_first_night_does_not_wait_for_somebody_who_reads_what_it_fills(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "_PATIENCE", "10ms")
    before = shapes(installation)
    with psycopg.connect(installation.url.replace("+psycopg", "")) as analyst:
        analyst.execute("select * from closure.letters")
        installation.night(FIRST, case("A", "G1"))
        assert analyst.execute("select count(*) > 0 from closure.letters").fetchone() == (True,)
    assert shapes(installation) == before
