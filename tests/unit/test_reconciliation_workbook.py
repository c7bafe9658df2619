"""The reconciliation on screen and on paper: pages that end where they may, headings on each, codes with their words."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils import column_index_from_string, get_column_letter

from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.outbound import reconciliation as workbook
from tests.support.reconciled import reconciled

ON = date(2017, 8, 10)
_A4_WIDE = 841.9 - 72  # points, landscape, between the margins


def written(folder: Path, **how: Any) -> openpyxl.Workbook:
    workbook.write(reconciled(CSA_SYSTEMS, **how), folder, ON)
    return openpyxl.load_workbook(folder / workbook.NAME)


def printed_width(sheet: Any) -> float:
    """Of what is printed, in points at full size: a character of the default font is about 5.5 points, with its edges."""
    _, end = sheet.print_area.split("!")[1].replace("$", "").split(":")
    last = column_index_from_string("".join(one for one in end if one.isalpha()))
    letters = [get_column_letter(place) for place in range(1, last + 1)]
    return float(sum(sheet.column_dimensions[letter].width for letter in letters) * 5.5)


def test_every_sheet_prints_on_a4_in_a_size_that_can_be_read(tmp_path: Path) -> None:
    book = written(tmp_path)
    assert book.sheetnames == ["summary", "breaks", "implausible", "tie-out", "outstanding", "sign-off"]
    for sheet in book:
        assert sheet.page_setup.paperSize == 9
        assert sheet.oddFooter is not None
        footer, page, scale = (
            sheet.oddFooter.right,
            sheet.sheet_properties.pageSetUpPr,
            sheet.page_setup.scale,
        )
        assert footer is not None
        assert footer.text == "Page &P of &N"
        if sheet.title == "sign-off":
            assert (sheet.page_setup.orientation, page is not None and page.fitToPage) == (
                "portrait",
                True,
            )
            continue
        assert sheet.page_setup.orientation == "landscape"
        # Of 10 points: 6 at least. At that size what is printed is as wide as the page and no wider.
        assert scale is not None
        assert 60 <= scale <= 100
        assert printed_width(sheet) * scale / 100 <= _A4_WIDE


def test_a_list_that_goes_on_over_pages_has_its_headings_on_each(tmp_path: Path) -> None:
    book = written(tmp_path, breaks=200, implausible=200)
    for name in ("breaks", "implausible", "tie-out"):
        first, last = (int(row) for row in str(book[name].print_title_rows).replace("$", "").split(":"))
        assert first == last
        assert "Creditor" in [cell.value for cell in book[name][first]]
        assert book[name].row_breaks.brk


@pytest.mark.parametrize("implausible", [0, 1, 40])
def test_no_heading_is_printed_at_the_foot_of_a_page(tmp_path: Path, implausible: int) -> None:
    """However long the tables before it are."""
    for systems in (*range(1, 24, 2),):
        tables = reconciled(
            [f"S{number}" for number in range(systems)], breaks=systems, implausible=implausible
        )
        workbook.write(tables, tmp_path, ON)
        for sheet in openpyxl.load_workbook(tmp_path / workbook.NAME):
            ends = {mark.id for mark in sheet.row_breaks.brk}
            headings = {
                cell.row
                for row in sheet
                for cell in row[:1]
                if (cell.fill.fgColor.rgb or "").endswith("1D4F91") or (cell.font.b and cell.font.sz == 12)
            }
            # Neither a title nor the headings under it are the last row of a page.
            assert not ends & headings, (sheet.title, systems)


def test_codes_stand_with_their_words(tmp_path: Path) -> None:
    book = written(tmp_path)
    said = {name: {str(cell.value) for row in book[name] for cell in row} for name in book.sheetnames}
    for name in ("breaks", "implausible", "tie-out"):
        assert {"RP: receiving parent", "GB_SOS: GB Secretary of State", "ACTIVE: collectable now"} <= said[
            name
        ], name
    for name in ("breaks", "implausible"):
        assert {
            "MISSING_ON_CMS: left CSA, not received", "NOT_ON_CSA: received, not on CSA's ledger",
            "AMOUNT_DIFFERS: both, in different amounts", workbook._SYSTEMS,
        } <= said[name]  # fmt: skip
    for name in ("summary", "tie-out"):
        assert {
            "CSCS: Child Support Computer System",
            "CS2: Child Support 2",
            "CCD: clerical case database",
        } <= said[name]


def test_B54_B55_B59_the_workbook_shows_corrections_payments_and_what_is_outstanding(tmp_path: Path) -> None:
    """[18], [39], [41]: posted + corrected - paid = outstanding, in every bucket; what does not tie is said with the amount."""
    book = written(tmp_path)
    rows = [[cell.value for cell in row] for row in book["outstanding"]]
    assert ["All", "all", "all", 54, 270, -27, 67.5, 175.5, "ties", 27000, -2700, 6750, 17550] in rows
    assert ["REFUSED", "WRITE_OFF", "after a write-off that the receiving parent confirmed", 3, 5, 7, 1] in [
        row[:7] for row in rows
    ]
    payment = [
        "DCA: by a collection agency",
        "SURPLUS",
        "was more than was owed: the rest is left over",
        4,
        9,
        6,
        3,
        9,
        2,
    ]
    assert payment in [row[:9] for row in rows]
    tables = reconciled(CSA_SYSTEMS)
    for pence, said in ((649, "OUT by 0.01"), (-1, "OUT by 6.51")):
        lines = tables["dues"].to_pylist()
        lines[0]["outstanding_pence"] = pence
        dues = tables["dues"].from_pylist(lines, schema=tables["dues"].schema)
        workbook.write(tables | {"dues": dues}, tmp_path, ON)
        sheet = openpyxl.load_workbook(tmp_path / workbook.NAME)["outstanding"]
        assert [cell.value for cell in sheet["I"]].count(said) == 3, "the bucket, its system, and all"


def test_without_an_implausible_amount_nothing_is_said_of_any(tmp_path: Path) -> None:
    book = written(tmp_path, implausible=0)
    assert book.sheetnames == ["summary", "breaks", "tie-out", "outstanding", "sign-off"]
    assert "mplausible" not in str([[cell.value for cell in row] for sheet in book for row in sheet])


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        written(tmp_path / name, breaks=50, implausible=50)
        made.append((tmp_path / name / workbook.NAME).read_bytes())
    assert made[0] == made[1]
