"""Whatever goes out for a person shows what came from outside as what it is, in every text column of every file."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.domain.texts import is_blank
from case_closure.outbound import exceptions_report, folder, notices, reconciliation
from case_closure.outbound.letters import batches
from case_closure.outbound.letters.typesetting import Pages
from case_closure.store.reports import EXCEPTIONS
from tests.support.reconciled import reconciled

ON = date(2017, 8, 10)
# A control, an end of line, turned text, a sign behind what shows nothing, the signs in full width, and each sign plain.
HOSTILE = [
    "a\x1b[31mb", "a\r\nb", "a\u2028b", "a\u202eb", "a\u2066b\u2069", "\u200b=1+1", "\ufeff\u2060@SUM(1)", "\u3164+1", "\xad-1",
    "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\U000e0041",
]  # fmt: skip
SYSTEM_FILES = {
    "end_liability_warehouse.csv", "cis_interest_flags.csv", *(f"end_liability_{system}.csv" for system in CSA_SYSTEMS),
    *(f"ltr{number}_{system}.csv" for number in (1, 2, 3) for system in CSA_SYSTEMS),
}  # fmt: skip


def of_text(count: int, **given: Any) -> pa.Table:
    """A table of ``count`` rows: a hostile text in each column that is given none."""
    return pa.table(
        {
            name: pa.array([values[row % len(values)] for row in range(count)], pa.string())
            for name, values in given.items()
        }
    )


def named(*columns: str) -> dict[str, list[str]]:
    return dict.fromkeys(columns, HOSTILE)


class _Typesetters:
    """In place of the typesetter: what a letter looks like is another matter."""

    def __init__(self, processes: int) -> None: ...

    def __enter__(self) -> _Typesetters:
        return self

    def __exit__(self, *_: object) -> None: ...

    def pdf(self, contents: list[str], on: date, path: Path) -> Pages:
        path.write_bytes(b"%PDF")
        return Pages(tuple(range(1, len(contents) + 1)), (1,) * len(contents))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night's folder with a hostile value in every text that may come from outside."""
    place = tmp_path_factory.mktemp("outbound")
    count = len(CSA_SYSTEMS) * len(HOSTILE)
    per_system = {"csa_system": [system for system in CSA_SYSTEMS for _ in HOSTILE]}
    files = notices.write(
        place,
        of_text(count, **per_system, **named("csa_case_id", "casegroup_id", "tranche_id", "journey", "cause")),
        of_text(
            3 * count, ltr_type=[f"LTR{number}" for number in (1, 2, 3) for _ in range(count)], **per_system,
            **named("ltr_id", "casegroup_id", "csa_case_ids", "application_id", "issued_by"),
        ),
        of_text(count, **named("nino", "party_id", "casegroup_id")),
        of_text(
            count, **per_system,
            **named("letter_id", "code", "casegroup_id", "csa_case_id", "party_id", "recipient_role", "reason"),
        ),
    )  # fmt: skip
    letters = of_text(
        len(HOSTILE), code=["CMSL6301"], content=[json.dumps({"ref": text}) for text in HOSTILE],
        **named("letter_id", "recipient_role", "party_id", "casegroup_id", "covers_letter_id"),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batches, "Workers", _Typesetters)
        files += batches.write([letters], place, ON, 1)
    lines = []
    for state in exceptions_report.STATES:
        for text in HOSTILE:
            line: dict[str, Any] = {name: text for name, kind in zip(EXCEPTIONS.names, EXCEPTIONS.types, strict=True)
                                    if kind == pa.string()}  # fmt: skip
            line |= {"state": state, "first_seen_on": ON, "age_days": 0, "casegroup_held_pence": 1}
            lines += [line | {"severity": severity, "casegroup_implausible": apart}
                      for severity, apart in (("HOLD", False), ("HOLD", True), ("WARNING", False))]  # fmt: skip
    tables = reconciled(HOSTILE)
    files += exceptions_report.write(pa.Table.from_pylist(lines, schema=EXCEPTIONS), tables, place, ON)
    files += reconciliation.write(tables, place, ON)
    assert {file.name for file in files} == {
        path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()
    }
    return place


def texts(path: Path) -> list[str]:
    """Every text of a CSV or workbook."""
    if path.suffix == ".csv":
        rows = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
        return [cell for row in rows for cell in row]
    return [
        cell.value
        for sheet in openpyxl.load_workbook(path)
        for row in sheet
        for cell in row
        if isinstance(cell.value, str)
    ]


def _turns_or_hides(text: str) -> set[str]:
    return {
        character
        for character in text
        if character != " " and (not character.isprintable() or is_blank(character))
    }


def test_every_text_written_for_a_person_is_shown_as_what_it_is(written: Path) -> None:
    """Files, sheets and the page alike, but for Parquet and what a system matches with its own records."""
    for path in sorted(path for path in written.rglob("*") if path.is_file()):
        name = path.relative_to(written).as_posix()
        if name in SYSTEM_FILES or path.suffix in (".pdf", ".parquet"):
            continue
        if path.suffix == ".html":
            page = path.read_text(encoding="utf-8")
            assert not _turns_or_hides(page) - {"\n"}, name
            assert "&lt;U+202E&gt;" in page
            continue
        found = texts(path)
        assert not {text for text in found if _turns_or_hides(text)}, name
        assert any("<U+202E>" in text for text in found), name


def test_no_cell_of_any_file_opens_as_a_formula(written: Path) -> None:
    """contract: 'No cell that opens as a formula in a spreadsheet.' Also as a program reads it that drops or folds characters."""
    for path in sorted([*written.rglob("*.csv"), *written.rglob("*.xlsx")]):
        for text in texts(path):
            read = unicodedata.normalize("NFKC", "".join(one for one in text if not is_blank(one)))
            assert not read.startswith(("=", "+", "-", "@")), (path.name, ascii(text))
    for path in written.rglob("*.xlsx"):
        assert not [
            cell
            for sheet in openpyxl.load_workbook(path)
            for row in sheet
            for cell in row
            if cell.data_type == "f"
        ]


def test_what_a_system_matches_is_as_it_came_but_for_the_apostrophe(written: Path) -> None:
    there = {path.name for path in written.glob("*.csv")}
    assert there >= SYSTEM_FILES
    for name in SYSTEM_FILES:
        assert "a\u202eb" in texts(written / name)


@given(st.text(), st.sampled_from([0, 60]))
def test_one_cell_and_a_column_are_shown_alike(text: str, others: int) -> None:
    """A column of few, which Python looks at, and one of many, which Arrow does."""
    plain = ["plain"] * others
    column = folder.shown_text(pa.chunked_array([[text, None, *plain], ["plain"]], pa.string()))
    assert column.to_pylist() == [folder.shown_cell(text), None, *plain, "plain"]
