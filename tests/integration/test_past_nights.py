"""Past nights as they were known then: what later nights, late nights and moves leave of them (B48, B54, R21, R26)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from case_closure.night import run as night
from case_closure.night import write_out
from case_closure.outbound import exceptions_report, reconciliation
from case_closure.store import database, reports
from tests.support.builders import ON, Row, case, left
from tests.support.installation import Databases, Installation, known

pytestmark = pytest.mark.usefixtures("plain_letters")

LIMIT = 100_000_000
FIRST, SECOND, THIRD = ON, date(2017, 8, 11), date(2017, 8, 14)
STILL: Row = {"case_status": "OPEN"}
TWO = {"rp_active": -5, "gb_sos_active": 9}


# The last stage that changes anything.
LAST = night.STAGES[night.STAGES.index("check_money_law") - 1]


def files(installation: Installation, on: date) -> dict[str, bytes]:
    """The reports of a night, as bytes."""
    folder = Path(installation.folder) / "reports"
    folder.mkdir(exist_ok=True)
    with database.transaction(installation.url) as connection:
        reconciled = write_out.reconcile(connection, on, implausible_pence=LIMIT)
        told = reports.exceptions_as_of(connection, on, implausible_pence=LIMIT)
        written = exceptions_report.write(told, reconciled, folder, on)
        written += reconciliation.write(reconciled, folder, on)
    return {file.name: (folder / file.name).read_bytes() for file in written}


def run(installation: Installation, on: date) -> dict[str, bytes]:
    """The night as landed; its reports as they are before it has ended, when a night writes them."""
    written: dict[str, bytes] = {}
    night.run_night(
        installation.context(on, f"run-{on}"),
        lambda stage, _: (
            written.update(files(installation, on))
            if stage == night.STAGES[night.STAGES.index("check_money_law") - 1]
            else None
        ),
    )
    return written


def exceptions(installation: Installation, on: date) -> list[Row]:
    with database.transaction(installation.url) as connection:
        return reports.exceptions_as_of(connection, on, implausible_pence=LIMIT).to_pylist()


def states(installation: Installation, on: date) -> dict[tuple[str, str], str]:
    return {(row["rule_code"], row["csa_case_id"]): row["state"] for row in exceptions(installation, on)}


def breaks(installation: Installation, on: date) -> set[tuple[str, str]]:
    return {(row["csa_case_id"], row["cause"]) for row in known(installation, on)["breaks"].to_pylist()}


def figures(installation: Installation, on: date, creditor: str = "RP") -> dict[str, Any]:
    (row,) = [row for row in known(installation, on)["buckets"].to_pylist() if row["creditor"] == creditor]
    return row


@dataclass
class Past:
    """Three nights that were run, and the reports as each of them wrote them."""

    installation: Installation
    written: dict[date, dict[str, bytes]]

    def copied(self, databases: Databases) -> AbstractContextManager[Installation]:
        """The same store and folders again, to do something to."""
        database.forget(self.installation.url)  # a database is not copied while anybody is connected to it
        return databases.installation(copy_of=self.installation)


@pytest.fixture(scope="module")
def past(database_server: Databases) -> Iterator[Past]:
    with database_server.installation() as made:
        written = {}
        double = case("double", "3", owes={"rp_active": 250})
        double.balances.append(
            double.balances[0] | {"balance_id": "other", "rp_active_pence": 90, "total_pence": 90}
        )
        made.land(
            FIRST, case("held", "1", **STILL), case("broken", "2", child=False), double, case("moves", "4", owes=TWO, **STILL),
            case("there", "5", **STILL), case("falls", "6", **STILL), case("there too", "7", **STILL),
            case("turns", "8", child=False), case("secret", "9", child=False, nationally_sensitive=True),
            csa_closing_ledger=left("held", 3, rp_active=999) + left("double", rp_active=200) + left("falls", rp_active=1000),
        )  # fmt: skip
        written[FIRST] = run(made, FIRST)
        made.execute(
            "insert into closure.end_liability (csa_system, csa_case_id, casegroup_id, tranche_id, journey, selected_on, led) "
            "values ('CS2', 'held', '1', 'T1', 'PROACTIVE', '2017-08-11', '2017-12-31')"
        )
        # As a team leader allocates it, on the day after.
        made.execute(
            "insert into closure.exception_events select exception_id, 2, '2017-08-11', 'ALLOCATED', 'worker.one' "
            "from closure.exceptions where csa_case_id = 'broken'"
        )
        made.land(
            SECOND, case("held", "1"), case("double", "3", owes={"rp_active": 250}, balance_row={"balance_id": "right"}),
            case("moves", "5", owes=TWO, paying_parent_id="PP-5", **STILL),
            case("falls", "6", owes={}, balance_row={"balance_id": "F2"}, **STILL),
            case("new", "10", method_of_payment="CHEQUE"),
            csa_closing_ledger=left("held", 4, rp_active=1000),
        )  # fmt: skip
        written[SECOND] = run(made, SECOND)
        made.land(
            THIRD, case("broken", "2", owes={"rp_active": 7}, balance_row={"balance_id": "B2"}),
            case("moves", "5", owes={"rp_active": -5, "gb_sos_active": 8}, paying_parent_id="PP-5",
                 balance_row={"balance_id": "M2"}, **STILL),
            case("falls", "7", owes={}, paying_parent_id="PP-7", balance_row={"balance_id": "F2"}, **STILL),
            csa_closing_ledger=left("held", rp_active=1) + left("broken", rp_active=7),
        )  # fmt: skip
        written[THIRD] = run(made, THIRD)
        yield Past(made, written)


@pytest.mark.parametrize("on", [FIRST, SECOND])
def test_reports_of_a_past_night_have_the_same_bytes_after_later_nights(past: Past, on: date) -> None:
    """'A rerun writes the same bytes': positions, ledger, exceptions, allocations and tranches do not reach back."""
    assert files(past.installation, on) == past.written[on]
    assert past.written[FIRST] != past.written[SECOND]


def test_B54_each_night_shows_the_breaks_that_were_known_then(past: Past) -> None:
    made = past.installation
    extra = {(name, "EXTRA_CASE") for name in ("broken", "moves", "there", "there too", "turns")}
    assert breaks(made, FIRST) == extra | {("held", "PENNY"), ("double", "DUPLICATE")}
    assert breaks(made, SECOND) == extra | {
        ("new", "EXTRA_CASE"),
        ("double", "OTHER_AMOUNT"),
        ("falls", "MISSING_CASE"),
    }
    assert breaks(made, THIRD) == extra - {("broken", "EXTRA_CASE")} | {
        ("new", "EXTRA_CASE"), ("double", "OTHER_AMOUNT"), ("falls", "MISSING_CASE"), ("held", "OTHER_AMOUNT")
    }  # fmt: skip
    assert figures(made, FIRST)["written_off_pence"] == 3
    assert figures(made, SECOND)["written_off_pence"] == 4


def test_B54_totals_by_tranche_are_of_those_selected_by_then(past: Past) -> None:
    tranches = {
        on: known(past.installation, on)["tranches"]["tranche_id"].to_pylist() for on in (FIRST, SECOND)
    }
    assert tranches == {FIRST: [None], SECOND: ["T1", None]}


def test_B48_what_is_new_still_open_and_resolved_is_told_as_of_the_night(past: Past) -> None:
    made = past.installation
    child, double = ("child_missing", "broken"), ("balance_duplicate", "double")
    turns, new = ("child_missing", "turns"), ("method_of_payment_invalid", "new")
    assert states(made, FIRST) == {child: "NEW", turns: "NEW", double: "NEW"}
    assert states(made, SECOND) == {child: "OPEN", turns: "OPEN", double: "RESOLVED", new: "NEW"}
    assert states(made, THIRD) == {child: "RESOLVED", turns: "OPEN", new: "OPEN"}
    assert states(made, date(2017, 8, 9)) == {}


def test_B45_B48_a_line_says_who_has_it_how_old_it_is_and_what_its_casegroup_held_then(past: Past) -> None:
    lines = {
        on: {row["csa_case_id"]: row for row in exceptions(past.installation, on)}
        for on in (FIRST, SECOND, THIRD)
    }
    shown = ("age_days", "status", "allocated_to", "casegroup_held_pence", "route")
    assert [tuple(lines[on]["broken"][name] for name in shown) for on in (FIRST, SECOND, THIRD)] == [
        (0, "OPEN", None, 1000, "FT_TEAM"), (1, "ALLOCATED", "worker.one", 1000, "FT_TEAM"), (4, "RESOLVED", None, 0, "FT_TEAM"),
    ]  # fmt: skip
    assert lines[THIRD]["broken"]["resolved_by"] == "EXTRACT 2017-08-14"
    assert (
        lines[FIRST]["double"]["casegroup_held_pence"],
        lines[SECOND]["double"]["casegroup_held_pence"],
    ) == (340, 0)


def test_a_case_that_moves_keeps_the_date_of_its_figures(past: Past) -> None:
    """business_date is the night of the latest change of a figure that is shown; the casegroup is none of them."""
    made = past.installation
    rows = {
        (row["csa_case_id"], row["creditor"]): row["business_date"] for row in made.view("reconciliation")
    }
    assert (rows["moves", "RP"], rows["moves", "GB_SOS"]) == (FIRST, THIRD)
    assert [row["business_date"] for row in made.view("credits")] == [FIRST]
    # One row a night, wherever its casegroup was.
    for on, owed in ((FIRST, 9), (SECOND, 9), (THIRD, 8)):
        row = figures(made, on, "GB_SOS")
        assert (row["rows"], row["received_pence"]) == (1, owed)
    # What its old and its new casegroup held is told apart: exceptions are shown with it.
    moved = made.query("select casegroup_id, since, replaced_on from closure.position_history where creditor = 'GB_SOS' "
                       "order by since")  # fmt: skip
    assert [tuple(row.values()) for row in moved] == [("4", FIRST, SECOND), ("5", SECOND, THIRD)]


def test_a_bucket_that_fell_to_nothing_keeps_that_night_when_its_case_moves(past: Past) -> None:
    (row,) = [row for row in past.installation.view("reconciliation") if row["csa_case_id"] == "falls"]
    assert (row["business_date"], row["received_pence"], row["break_type"]) == (SECOND, 0, "MISSING_ON_CMS")


def test_running_a_past_night_again_changes_no_report(past: Past, database_server: Databases) -> None:
    """R21."""
    with past.copied(database_server) as copy:
        copy.run(SECOND, "again")
        assert {on: files(copy, on) for on in past.written} == past.written


def test_R21_a_night_that_is_run_late_counts_from_its_own_date(
    past: Past, database_server: Databases
) -> None:
    """As of the nights from its date on it is as if it had been run in its turn; what was known before its date stands."""
    late = date(2017, 8, 12)
    with past.copied(database_server) as copy:
        before = {on: files(copy, on) for on in (FIRST, SECOND)}
        held = figures(copy, THIRD)
        copy.night(late, case("turns", "8"))
        assert {on: files(copy, on) for on in (FIRST, SECOND)} == before
        for on in (late, THIRD):
            assert states(copy, on).get(("child_missing", "turns")) == ("RESOLVED" if on == late else "OPEN")
        now = figures(copy, THIRD)
        assert (now["posted_pence"] - held["posted_pence"], now["held_pence"] - held["held_pence"]) == (
            1000,
            -1000,
        )
        assert figures(copy, late)["posted_pence"] - figures(copy, SECOND)["posted_pence"] == 1000


def test_R26_a_casegroup_that_becomes_sensitive_leaves_the_nights_before_too(
    past: Past, database_server: Databases
) -> None:
    """Nobody is shown for having been ordinary once."""
    assert "secret" not in {
        row["csa_case_id"] for on in past.written for row in exceptions(past.installation, on)
    }
    for written in past.written.values():
        assert not [name for name in ("csv", "html") if b"secret" in written[f"exceptions_report.{name}"]]
    with past.copied(database_server) as copy:
        copy.execute("insert into closure.sensitive_casegroups values ('8', '2017-08-10')")
        assert ("child_missing", "turns") not in states(copy, FIRST)
        assert ("turns", "EXTRA_CASE") not in breaks(copy, FIRST)
        assert figures(copy, FIRST)["rows"] == figures(past.installation, FIRST)["rows"] - 1


def test_a_first_night_keeps_no_history(past: Past) -> None:
    """What is stored for the first time is nobody's history; what later nights leave alone stays out of it."""
    kept = past.installation.query(
        "select csa_case_id, replaced_on from closure.position_history where casegroup_id <> '4'"
    )
    assert {(row["csa_case_id"], row["replaced_on"]) for row in kept} == {
        ("held", SECOND), ("double", SECOND), ("falls", SECOND), ("broken", THIRD), ("moves", THIRD), ("falls", THIRD),
    }  # fmt: skip
    ledger = past.installation.query(
        "select csa_case_id, amount_pence, replaced_on from closure.closing_ledger_history order by 3"
    )
    assert [tuple(row.values()) for row in ledger] == [("held", 999, SECOND), ("held", 1000, THIRD)]
