"""Debts over several nights: which are judged when, what goes out of them, and what it is held against (B71, R23, R34, R35)."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from case_closure.domain.money import BUCKETS
from case_closure.night import run as night
from case_closure.outbound.final_balances import SCHEMA
from case_closure.tables.landed import FILES
from tests.support.builders import Row, case, left
from tests.support.debt_builders import debt
from tests.support.installation import Databases, Installation

FIRST, SECOND, LATE, THIRD, FOURTH = (date(2017, 8, day) for day in (10, 11, 12, 14, 15))
WRITE_OFF: dict[str, Any] = {"rp_arrears_decision": "WRITE_OFF"}
REPAID: dict[str, Any] = {"rp_active": 600, "gb_sos_deferred": 400, "ni_sos_active": -50, "ima_pence": 500}
Debts = set[tuple[date, str]]


def out(made: Installation, on: date, system: str = "CS2") -> Path:
    return made.folder / "outbound" / on.isoformat() / f"final_balances_{system}.csv"


def sent(made: Installation, on: date) -> list[Row]:
    """The rows of that night's file to CS2, read as the balances that they could be."""
    rows: list[Row] = _read(out(made, on)).to_pylist()
    return rows


def _read(path: Path) -> pa.Table:
    types = {field.name: field.type for field in SCHEMA}
    options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    return pa_csv.read_csv(path, convert_options=options)


def judged(made: Installation, schema: str = "reporting") -> Debts:
    """(night, case) of every debt judged; each has its nine rules."""
    lines: dict[tuple[date, str], list[int]] = {}
    for row in made.view("debt_rule_results", schema):
        lines.setdefault((row["business_date"], row["csa_case_id"]), []).append(row["rule_number"])
    assert {tuple(sorted(numbers)) for numbers in lines.values()} <= {tuple(range(1, 10))}
    return set(lines)


@pytest.fixture(scope="module")
def nights(
    database_server: Databases, plain_letters: None
) -> Iterator[tuple[Installation, dict[date, bytes]]]:
    """Four nights of debts and a late one, and what each sent to CS2 when it ended."""
    # Two debts at a time, as a book of them is judged a slice after the other.
    with database_server.installation(partition_casegroups=2) as made:
        files = {}

        def run(on: date, *cases: Any, **more: Any) -> None:
            made.night(on, *cases, **more)
            files[on] = out(made, on).read_bytes()

        a = debt("A", **REPAID)
        run(
            FIRST,
            case("A", "G1"), case("B", "G2", case_status="OPEN", manual_inhibit=True), case("C", "G3", partially_clerical=True),
            case("D", "G4"), case("S", "G9", nationally_sensitive=True),
            csa_debts=[a, debt("B", **WRITE_OFF), debt("C"), debt("D"), debt("D"), debt("S"), debt("Z", **WRITE_OFF)],
            csa_closing_ledger=left("A", written_off=100, rp_active=600) + left("A", written_off=400, gb_sos_deferred=0)
            + left("B", written_off=999, rp_active=0) + left("C", written_off=5, rp_active=0) + left("D", rp_active=1000),
        )  # fmt: skip
        b = debt("B", **WRITE_OFF, rp_active=1001)
        run(SECOND, case("Z", "G5"), csa_debts=[a, b, debt("D", **WRITE_OFF)])
        # The receiving parent of A has died since, which changes nothing; that B's debt comes wrong does not either.
        run(THIRD, case("A", "G1", receiver={"date_of_death": THIRD}), csa_debts=[b | {"total_pence": 1}])
        run(LATE, case("W", "G6"), csa_debts=[debt("W"), a | {"ima_pence": 0}, debt("B", rp_active=5)])
        run(FOURTH, csa_debts=[b])
        yield made, files


def test_R34_a_debt_is_judged_the_night_it_is_new_or_another_and_no_other(nights: Any) -> None:
    """[34]: held, inhibited and clerical casegroups too; sensitive ones are judged on their own side (R26). [43]: nine rows for
    each debt and night judged."""
    made, _ = nights
    assert judged(made) == {
        (FIRST, "A"), (FIRST, "B"), (FIRST, "C"), (SECOND, "B"), (SECOND, "D"), (SECOND, "Z"), (LATE, "W"), (LATE, "A"),
    }  # fmt: skip
    assert judged(made, "sensitive") == {(FIRST, "S")}


def test_R35_a_refused_debt_waits_is_judged_again_each_night_and_closed_by_a_good_row(nights: Any) -> None:
    """[8], [13]: Z goes on the night its case came, D and B with a good row of theirs; none stands in an outcome."""
    made, _ = nights
    found = {
        (row["rule_code"], row["csa_case_id"]): (row["business_date"], row["resolved_on"], row["subject"], row["casegroup_id"])
        for row in made.view("exceptions") if row["rule_code"].startswith("debt_")
    }  # fmt: skip
    assert found == {
        ("debt_case_unknown", "Z"): (FIRST, SECOND, "DEBT", "G5"),
        ("debt_duplicate", "D"): (FIRST, SECOND, "DEBT", "G4"),
        ("debt_total_mismatch", "B"): (THIRD, FOURTH, "DEBT", "G2"),
    }
    assert {made.outcomes()[group][0] for group in ("G1", "G4")} == {"TRANSITION_COMPLETE"}
    items = [row for row in made.view("work_items") if (row["subject_reference"] or "").startswith("debt_")]
    assert {(row["type"], row["status"]) for row in items} == {("MANUAL_HANDLING", "CLOSED")}


def test_B71_each_rule_says_what_it_took_of_what_was_there(nights: Any) -> None:
    """[43]: results in order, before and after of the buckets above 0; the version of the table."""
    made, _ = nights
    rows = [
        row
        for row in made.view("debt_rule_results")
        if (row["business_date"], row["csa_case_id"]) == (FIRST, "A")
    ]
    told = {
        row["rule_name"]: (row["result"], row["before_pence"], row["written_off_pence"], row["after_pence"])
        for row in rows
    }
    assert told["PP_DIED"] == ("NONE", 1000, 0, 1000)
    assert told["INTERIM_ASSESSMENT"] == ("DOWN", 1000, 500, 500)
    assert told["LOW_VALUE"] == ("NONE", 500, 0, 500)
    assert {(row["version"], row["casegroup_id"]) for row in rows} == {(1, "G1")}


def test_B71_final_balances_are_debts_less_what_was_written_off(nights: Any) -> None:
    """[44]: a row for each bucket that was not 0; debt = written off + final; a credit stays."""
    made, _ = nights
    rows = made.view("final_balances")
    assert {row["debt_pence"] - row["written_off_pence"] - row["final_pence"] for row in rows} == {0}
    assert {
        (row["creditor"], row["arrears_status"]): (row["debt_pence"], row["written_off_pence"], row["final_pence"])
        for row in rows if (row["business_date"], row["csa_case_id"]) == (FIRST, "A")
    } == {
        ("GB_SOS", "DEFERRED"): (400, 400, 0), ("RP", "ACTIVE"): (600, 100, 500), ("NI_SOS", "ACTIVE"): (-50, 0, -50),
    }  # fmt: skip
    assert {row["csa_case_id"] for row in made.view("final_balances", "sensitive")} == {"S"}


def test_B28_the_debts_judged_that_night_go_to_their_system_as_balances_come(nights: Any) -> None:
    """[37]: columns and order of csa_balances, by case number; a header alone where there are none; in the manifest."""
    made, files = nights
    assert [(row["balance_id"], row["casegroup_id"], row["total_pence"]) for row in sent(made, FIRST)] == [
        ("FB-CS2-A-2017-08-10", "G1", 450), ("FB-CS2-B-2017-08-10", "G2", 0), ("FB-CS2-C-2017-08-10", "G3", 1000),
    ]  # fmt: skip
    assert [row["csa_case_id"] for row in sent(made, SECOND)] == ["B", "D", "Z"]
    header = list(FILES["csa_balances"].column_names)
    for alone in (out(made, FIRST, "CCD"), out(made, FOURTH)):
        assert list(csv.reader(alone.read_text().splitlines())) == [header]
    assert next(csv.reader(files[FIRST].decode().splitlines())) == header
    manifest = json.loads((out(made, FIRST).parent / "manifest.json").read_text())
    assert {"rows": 3, "control_totals": {"total_pence": 1450}} in [
        {"rows": file["rows"], "control_totals": file["control_totals"]} for file in manifest["files"]
    ]


def test_B54_what_the_rules_wrote_off_is_held_against_what_csa_says(nights: Any) -> None:
    """The last judgement of each debt against the closing ledger; what has not left CSA yet is no break. A's is of the late
    night, on which the death that a later one had told of counts too (R39)."""
    made, _ = nights
    found = {
        (row["csa_case_id"], row["creditor"]): (
            row["written_off_pence"],
            row["csa_written_off_pence"],
            row["break_type"],
        )
        for row in made.view("write_off_tie_out")
    }
    assert found == {
        ("A", "RP"): (600, 100, "AMOUNT_DIFFERS"), ("A", "GB_SOS"): (0, 400, "CSA_ONLY"),
        ("B", "RP"): (1001, 999, "AMOUNT_DIFFERS"), ("C", "RP"): (0, 5, "CSA_ONLY"),
        ("D", "RP"): (1000, 0, "RULES_ONLY"), ("Z", "RP"): (1000, None, None),
    }  # fmt: skip


def test_R21_a_rerun_judges_nothing_again_and_writes_the_same_bytes(nights: Any) -> None:
    """R34: what is known of the parents by now is not looked at again."""
    made, files = nights
    before = made.everything()
    for on in (FIRST, THIRD):
        made.run(on, "again")
        assert out(made, on).read_bytes() == files[on]
    assert made.everything() == before


REFUSED = {
    "update closure.debt_judgements set version = 2": "refused: its rows are only ever added",
    "update closure.debt_rule_results set result = 'OFF'": "refused: its rows are only ever added",
    "delete from closure.debt_rule_results": "has succeeded, and what it judged stands",
    "delete from closure.debt_judgements": "has succeeded, and what it judged stands",
    **{
        f"insert into closure.debt_rule_results select csa_system, 'new', business_date, {values} "  # noqa: S608
        "from closure.debt_rule_results limit 1": f"debt_rule_results_{law}_ck"
        for values, law in {
            "0, 'OFF', 1, 1, 0": "number", "10, 'OFF', 1, 1, 0": "number", "1, 'NONE', 1, 1, 0": "result",
            "1, 'DOWN', 5, 3, 3": "law", "1, 'DOWN', 3, -1, 4": "signs", "1, 'OFF', 1, 2, -1": "signs",
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("statement", REFUSED, ids=lambda one: one[:60])
def test_the_server_refuses_what_no_stage_would_do(nights: Any, statement: str) -> None:
    made, _ = nights
    with pytest.raises(psycopg.errors.IntegrityError, match=REFUSED[statement]):
        made.execute(statement)


@pytest.mark.parametrize(("was", "left"), [(100, 101), (100, -1), (-5, -4), (-5, 0), (0, -1)])
def test_the_server_refuses_a_bucket_that_no_rule_could_leave_so(nights: Any, was: int, left: int) -> None:
    """R34: nothing grows, no arrears go below 0, and a credit stays."""
    made, _ = nights
    columns = made.query("select * from closure.debt_judgements limit 1")[0]
    columns |= {"csa_case_id": "new", "rp_active_pence": was, "final_rp_active_pence": left}
    with (
        psycopg.connect(made.url.replace("+psycopg", "")) as connection,
        pytest.raises(psycopg.errors.CheckViolation, match="debt_judgements_only_arrears_ck"),
    ):
        connection.execute(
            f"insert into closure.debt_judgements ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})",  # noqa: S608
            list(columns.values()),
        )


def test_B28_final_balances_are_taken_in_by_the_next_night_as_they_went_out(
    installation: Installation, plain_letters: None
) -> None:
    """[37]: through the landing reader and the gate of balances; what is left becomes dues, what was written off does not."""
    cases = [case(one, f"G{one}", no_balance=True) for one in "ABC"]
    installation.night(
        FIRST, *cases, csa_debts=[debt("A", **REPAID), debt("B", **WRITE_OFF), debt("C", arrears_to=FIRST)]
    )
    rows = sent(installation, FIRST)
    installation.night(SECOND, csa_balances=rows)
    assert installation.open_rules() == set()
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 500, "CS2-C-RP-ACTIVE": 1000}
    final = {
        (row["csa_case_id"], row["creditor"], row["arrears_status"]): row["final_pence"]
        for row in installation.view("final_balances") if row["final_pence"]
    }  # fmt: skip
    received = {
        (row["csa_case_id"], row["creditor"], row["arrears_status"]): row["received_pence"]
        for row in installation.view("reconciliation")
    }
    assert received == final
    assert len(BUCKETS) == 9


def test_R22_another_extract_of_the_night_takes_the_whole_place_of_the_one_before(
    installation: Installation, plain_letters: None
) -> None:
    """Also of what it had judged and refused; a stage that is run again by hand changes nothing."""
    installation.night(FIRST, case("A", "G1"), case("B", "G2"), case("C", "G3"), csa_debts=[debt("A")])
    installation.land(
        SECOND,
        extract_id="one",
        csa_debts=[debt("A", **WRITE_OFF), debt("B"), debt("C", **WRITE_OFF), debt("Y")],
    )
    installation.run(SECOND, without="close_night")
    assert judged(installation) == {(FIRST, "A"), (SECOND, "A"), (SECOND, "B"), (SECOND, "C")}
    installation.land(SECOND, extract_id="two", csa_debts=[debt("B", **WRITE_OFF), debt("C")])
    installation.run(SECOND, without="close_night")
    night.run_stage("judge_debts", installation.context(SECOND))
    installation.run(SECOND)
    assert judged(installation) == {(FIRST, "A"), (SECOND, "B"), (SECOND, "C")}
    took = [row["csa_case_id"] for row in installation.view("debt_rule_results") if row["result"] != "NONE"]
    assert took == ["B"], "of C the first extract's write-off is taken back too"
    assert [row["total_pence"] for row in sent(installation, SECOND)] == [0, debt("C")["total_pence"]]
    assert installation.open_rules() == set()
    # What stands of A is the debt of the first night: it is nothing new.
    installation.night(THIRD, csa_debts=[debt("A")])
    assert judged(installation) == {(FIRST, "A"), (SECOND, "B"), (SECOND, "C")}
