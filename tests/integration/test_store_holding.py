"""Holding what came in: upserts in business-date order, events once, arrivals of balances (R20, R21)."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa

from case_closure.store import casegroups, database, holding
from case_closure.tables.landed import FILES
from tests.support.builders import Row, balance, case, party, table
from tests.support.installation import Installation

FIRST, SECOND, THIRD = date(2017, 8, 10), date(2017, 8, 11), date(2017, 8, 14)


def hold(installation: Installation, name: str, rows: list[Row], on: date, number: int = 1) -> int:
    landed = table(name, rows)
    landed = landed.append_column("row_number", pa.array(range(1, len(rows) + 1), pa.int64()))
    with database.transaction(installation.url) as connection:
        return holding.hold(connection, FILES[name], lambda: [landed], on, number)


def latest(installation: Installation) -> dict[str | None, tuple[int, date]]:
    """case -> (RP active, night) of the balance that counts."""
    rows = installation.query(
        "select csa_case_id, rp_active_pence, business_date from held.csa_balances where is_latest"
    )
    assert len(rows) == len({row["csa_case_id"] for row in rows})
    return {row["csa_case_id"]: (row["rp_active_pence"], row["business_date"]) for row in rows}


def surnames(installation: Installation) -> dict[str, tuple[str, date, date]]:
    rows = installation.query("select party_id, surname, business_date, changed_on from held.csa_parties")
    return {row["party_id"]: (row["surname"], row["business_date"], row["changed_on"]) for row in rows}


def test_a_later_nights_row_replaces_an_earlier_ones(installation: Installation) -> None:
    hold(installation, "csa_parties", [party("P", surname="Old"), party("Q")], FIRST)
    assert hold(installation, "csa_parties", [party("P", surname="New")], SECOND) == 1
    assert surnames(installation) == {"P": ("New", SECOND, SECOND), "Q": ("Walker", FIRST, FIRST)}


def test_R21_a_late_night_never_overwrites_a_row_of_a_later_one(installation: Installation) -> None:
    hold(installation, "csa_parties", [party("P", surname="Third")], THIRD)
    hold(installation, "csa_parties", [party("P", surname="First"), party("Q", surname="First")], FIRST)
    assert {name: row[0] for name, row in surnames(installation).items()} == {"P": "Third", "Q": "First"}


def test_a_row_sent_again_unchanged_is_known_to_have_changed_on_its_first_night(
    installation: Installation,
) -> None:
    hold(installation, "csa_parties", [party("P")], FIRST)
    hold(installation, "csa_parties", [party("P")], SECOND)
    assert surnames(installation) == {"P": ("Walker", SECOND, FIRST)}


def test_of_a_key_that_stands_twice_in_a_file_the_last_row_counts(installation: Installation) -> None:
    hold(installation, "csa_parties", [party("P", surname="One"), party("P", surname="Two")], FIRST)
    assert surnames(installation)["P"][0] == "Two"


def test_a_row_without_a_key_is_kept_as_it_came(installation: Installation) -> None:
    """Nothing lost: not held, but kept with its original."""
    assert (
        hold(
            installation,
            "csa_parties",
            [party("P"), party("Q", surname="Nobody") | {"party_id": None}],
            FIRST,
        )
        == 2
    )
    (row,) = installation.query(
        "select file_name, row_number, rule_codes, original from closure.refused_rows"
    )
    assert (row["file_name"], row["row_number"], row["rule_codes"]) == ("csa_parties", 2, [])
    assert '"surname": "Nobody"' in row["original"]


def test_the_rules_a_refused_row_broke_come_back_as_they_were_written(installation: Installation) -> None:
    """Whatever stands in them: a comma, quotes, braces, nothing."""
    codes, names = ["case_enum_invalid", 'a,"b" {c}\\ NULL'], ["scheme", ""]
    row = {"csa_system": "CS2", "csa_case_id": "A", "casegroup_id": "G1", "nationally_sensitive": False}
    refused = table("csa_cases", [row]).append_column("row_number", [[1]])
    with database.transaction(installation.url) as connection:
        holding.refuse(connection, FILES["csa_cases"], refused, FIRST, [codes], [names])
        (kept,) = casegroups.Gather(connection, ["G1"]).refused().to_pylist()
    assert [json.loads(kept[name]) for name in ("rule_codes", "fields", "told")] == [codes, names, []]
    (stored,) = installation.query("select rule_codes, fields from closure.refused_rows")
    assert (stored["rule_codes"], stored["fields"]) == (codes, names)


def test_an_event_happens_once(installation: Installation) -> None:
    entered = {
        "resolution_id": "R1",
        "csa_system": "CS2",
        "csa_case_id": "A",
        "entity": "CASE",
        "field": "scheme",
        "new_value": "1993",
    }
    hold(installation, "resolutions", [entered], FIRST)
    hold(installation, "resolutions", [entered | {"new_value": "2003"}], SECOND)
    assert installation.query("select new_value, business_date from held.resolutions") == [
        {"new_value": "1993", "business_date": FIRST}
    ]


def test_held_again_the_same_night_changes_nothing(installation: Installation) -> None:
    for number in (1, 2):
        hold(installation, "csa_parties", [party("P")], FIRST, number)
        hold(installation, "csa_balances", [balance("A", "G", {"rp_active": 5})], FIRST, number)
    assert len(surnames(installation)) == 1
    assert latest(installation) == {"A": (5, FIRST)}


# --- arrivals of balances


def test_R20_the_latest_arrival_of_a_case_counts(installation: Installation) -> None:
    hold(
        installation,
        "csa_balances",
        [balance("A", "G", {"rp_active": 5}), balance("B", "G", {"rp_active": 7})],
        FIRST,
    )
    hold(installation, "csa_balances", [balance("A", "G", {"rp_active": 6}, balance_id="B2")], SECOND)
    assert latest(installation) == {"A": (6, SECOND), "B": (7, FIRST)}
    assert installation.query("select count(*) as n from held.csa_balances") == [{"n": 3}]


def test_R20_a_balance_number_seen_before_with_the_same_values_is_ignored(installation: Installation) -> None:
    for on in (FIRST, SECOND):
        hold(installation, "csa_balances", [balance("A", "G", {"rp_active": 5})], on)
    assert latest(installation) == {"A": (5, FIRST)}


def test_with_other_values_it_is_a_new_arrival(installation: Installation) -> None:
    hold(installation, "csa_balances", [balance("A", "G", {"rp_active": 5})], FIRST)
    hold(
        installation,
        "csa_balances",
        [balance("A", "G", {"rp_active": 5}, arrears_from=date(2011, 1, 1))],
        SECOND,
    )
    assert latest(installation) == {"A": (5, SECOND)}


def test_back_to_what_it_was_is_a_new_arrival_too(installation: Installation) -> None:
    """A, then B, then A again under one number: what was seen last under it was B."""
    for on, pence in ((FIRST, 5), (SECOND, 6), (THIRD, 5)):
        hold(installation, "csa_balances", [balance("A", "G", {"rp_active": pence})], on)
    assert latest(installation) == {"A": (5, THIRD)}


def test_R21_a_late_nights_balance_does_not_count_where_a_later_night_brought_one(
    installation: Installation,
) -> None:
    hold(installation, "csa_balances", [balance("A", "G", {"rp_active": 9}, balance_id="B3")], THIRD)
    hold(
        installation,
        "csa_balances",
        [balance("A", "G", {"rp_active": 1}), balance("B", "G", {"rp_active": 2})],
        FIRST,
    )
    assert latest(installation) == {"A": (9, THIRD), "B": (2, FIRST)}


def test_a_case_that_stands_twice_counts_all_its_rows_until_a_single_row_replaces_them(
    installation: Installation,
) -> None:
    two = [balance("A", "G", {"rp_active": 5}), balance("A", "G", {"rp_active": 6}, balance_id="B2")]
    hold(installation, "csa_balances", two, FIRST)
    count = "select count(*) as n, sum(rp_active_pence)::int as p from held.csa_balances where is_latest"
    assert installation.query(count) == [{"n": 2, "p": 11}]
    hold(installation, "csa_balances", [two[0]], SECOND)
    assert latest(installation) == {"A": (5, SECOND)}


def test_a_row_with_nulls_everywhere_is_held(installation: Installation) -> None:
    hold(installation, "csa_balances", [dict.fromkeys(FILES["csa_balances"].schema.names)], FIRST)
    assert installation.query("select count(*) as n from held.csa_balances where is_latest") == [{"n": 1}]


# --- cases that change casegroup, through nights


def casegroup_of(installation: Installation, case_id: str) -> tuple[str, str]:
    (row,) = installation.query(
        "select casegroup_id, claimed_casegroup_id from held.csa_cases where csa_case_id = %s", case_id
    )
    return row["casegroup_id"], row["claimed_casegroup_id"]


def test_a_case_that_changes_casegroup_moves_with_its_balance(installation: Installation) -> None:
    """contract: 'A case that changes casegroup_id moves with its balance'."""
    # G1 waits for B; A then turns out to belong to G2, whose only case is nil.
    parents: Row = {"paying_parent_id": "PP"}
    installation.night(FIRST, case("A", "G1", **parents), case("B", "G1", case_status="OPEN", **parents))
    assert installation.outcomes() == {"G1": ("HELD", "OPEN_CASES")}
    installation.night(SECOND, case("A", "G2", no_balance=True, **parents))
    assert casegroup_of(installation, "A") == ("G2", "G2")
    assert installation.outcomes() == {
        "G1": ("HELD", "OPEN_CASES"),
        "G2": ("TRANSITION_COMPLETE", "ARREARS_ADDED"),
    }
    received = {row["casegroup_id"]: row["received_pence"] for row in installation.view("casegroup_outcomes")}
    assert received == {"G1": 1000, "G2": 1000}


def test_a_case_of_a_completed_casegroup_does_not_move(installation: Installation) -> None:
    """'unless its casegroup completed: case_casegroup_conflict'."""
    installation.night(FIRST, case("A", "G1"))
    installation.night(SECOND, case("A", "G2", no_balance=True))
    assert casegroup_of(installation, "A") == ("G1", "G2")
    (held,) = installation.query("select paying_parent_id from held.csa_cases")
    assert held == {"paying_parent_id": "PP-G1"}, "the arrears are on that parent's account"
    assert installation.open_rules() == {("case_casegroup_conflict", "A")}
    assert installation.outcomes() == {"G1": ("TRANSITION_COMPLETE", "ARREARS_ADDED")}
    installation.night(THIRD, case("A", "G1", no_balance=True))
    assert installation.open_rules() == set()
