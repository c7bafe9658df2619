"""`case-closure check DIR`: what it prints, and its exit code."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from case_closure.desk.check import check_folder
from case_closure.landing.reading import Landing
from case_closure.landing.writing import write_night
from case_closure.tables.landed import FILES

LETTERS = pa.table(
    {"letter_id": ["L1"], "issued_on": [date(2017, 8, 11)]}, schema=FILES["clerical_letters"].schema
)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    for day in (14, 10, 11):
        on = date(2017, 8, day)
        write_night(tmp_path / str(on), on, f"DW-{on}", {"clerical_letters": LETTERS}, {"CS2": []})
    (tmp_path / "criteria.json").write_text("[]")
    return tmp_path


def check(folder: Path, *results: tuple[str, str, int]) -> tuple[int, str]:
    lines: list[str] = []

    def gates(landing: Landing) -> list[tuple[str, str, int]]:
        assert landing.files
        return list(results)

    code = check_folder(folder, print=lines.append, gates=gates if results else None)
    return code, "\n".join(lines)


def test_a_clean_night(landing: Path) -> None:
    code, printed = check(landing / "2017-08-11")
    assert code == 0
    assert "business date 2017-08-11, extract DW-2017-08-11, 2 files, 1 rows" in printed
    assert "clerical_letters.parquet" in printed
    assert "not landed, which is allowed: cis_persons, clerical_balances, closure_failures" in printed


def test_a_landing_zone_is_checked_night_by_night_in_date_order(landing: Path) -> None:
    code, printed = check(landing)
    assert code == 0
    days = [line.split("business date ")[1][:10] for line in printed.splitlines() if "business date" in line]
    assert days == ["2017-08-10", "2017-08-11", "2017-08-14"]
    assert printed.endswith("3 nights checked, 0 with problems.")


def test_one_bad_night_of_several(landing: Path) -> None:
    (landing / "2017-08-11" / "clerical_letters.parquet").write_bytes(b"PAR1")
    code, printed = check(landing)
    assert code == 1
    assert "2017-08-11 is rejected whole" in printed
    assert "clerical_letters.parquet: sha256: expected" in printed
    assert "business date 2017-08-14" in printed
    assert printed.endswith("3 nights checked, 1 with problems.")


def test_a_dated_folder_must_hold_the_night_of_that_date(landing: Path) -> None:
    (landing / "2017-08-14").rename(landing / "2017-08-15")
    code, printed = check(landing / "2017-08-15")
    assert code == 1
    assert "business_date: expected 2017-08-15, found 2017-08-14" in printed


def test_a_folder_of_another_name_holds_the_night_its_manifest_says(landing: Path) -> None:
    (landing / "2017-08-14").rename(landing / "latest")
    code, printed = check(landing / "latest")
    assert code == 0
    assert "business date 2017-08-14" in printed


def test_no_such_folder_and_an_empty_one(tmp_path: Path) -> None:
    code, printed = check(tmp_path / "nowhere")
    assert (code, "found no such folder" in printed) == (1, True)
    code, printed = check(tmp_path)
    assert (code, "found an empty folder" in printed) == (1, True)


def test_the_gates_are_run_on_a_night_that_is_whole(landing: Path) -> None:
    code, printed = check(landing / "2017-08-11", ("csa_cases.parquet", "case_duplicate", 0))
    assert (code, "gates: 1 rules judged, 0 broken" in printed) == (0, True)

    code, printed = check(
        landing / "2017-08-11",
        ("csa_cases.parquet", "case_duplicate", 0),
        ("csa_balances.parquet", "balance_duplicate", 1200),
    )
    assert code == 0, "the night would be accepted"
    assert "csa_balances.parquet: balance_duplicate: 1,200 rows" in printed
    assert "case_duplicate" not in printed
    assert "gates: 2 rules judged, 1 broken" in printed


def test_criteria_on_which_the_night_would_fail_are_said_here_already(landing: Path) -> None:
    (landing / "criteria.json").write_text("[{]")
    code, printed = check(landing / "2017-08-11", ("csa_cases.parquet", "case_duplicate", 0))
    assert code == 1
    assert "The tranche criteria in criteria.json were not used" in printed
