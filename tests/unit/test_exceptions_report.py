"""The daily exceptions report: words a caseworker can act on, four files that agree, a page that needs nothing else (B48)."""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import io
import re
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from case_closure.domain.rules import RULES
from case_closure.outbound import exceptions_report as report
from case_closure.store.reports import EXCEPTIONS
from tests.support.reconciled import reconciled

MONEY = reconciled(["CS2"])
ON = date(2017, 8, 10)
Row = dict[str, Any]
HOSTILE = ('=HYPERLINK("http://x")', "+1", "-1", "@SUM(1)", "\t=1", "<script>alert(1)</script>")


def line(number: int = 1, **over: Any) -> Row:
    """One exception of tonight: a receiving parent without a surname on CS2."""
    row: Row = {
        "state": "NEW", "exception_id": f"E{number:05d}", "rule_code": "surname_missing", "severity": "HOLD", "csa_system": "CS2",
        "csa_case_id": f"20000{number}", "casegroup_id": f"G{number}", "subject": "RECEIVING_PARENT", "field": "surname",
        "message": "as opened", "route": "FT_TEAM", "status": "OPEN", "age_days": 0, "casegroup_held_pence": 123_456,
        "casegroup_implausible": False,
    } | over  # fmt: skip
    return row | {"first_seen_on": ON - timedelta(days=row["age_days"])}


def table(*lines: Row) -> pa.Table:
    return pa.Table.from_pylist([dict.fromkeys(EXCEPTIONS.names) | row for row in lines], schema=EXCEPTIONS)


def read(folder: Path, *lines: Row) -> tuple[list[Row], list[Row], list[Row], str]:
    """What each file says: CSV, Parquet and Excel as rows, the page as text."""
    report.write(table(*lines), MONEY, folder, ON)
    of_csv = list(csv.DictReader(io.StringIO((folder / "exceptions_report.csv").read_text(encoding="utf-8"))))
    sheets = openpyxl.load_workbook(folder / "exceptions_report.xlsx")
    headings, *cells = [[cell.value for cell in row] for row in sheets["exceptions"].iter_rows()]
    of_excel = [
        dict(zip((str(name).lower().replace(" ", "_") for name in headings), row, strict=True))
        for row in cells
    ]
    page = (folder / "exceptions_report.html").read_text(encoding="utf-8")
    return of_csv, pq.read_table(folder / "exceptions_report.parquet").to_pylist(), of_excel, page


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data}".strip()


def page_rows(page: str) -> dict[str, list[str]]:
    """The first row of the page's tables for each first cell."""
    text = _Text()
    text.feed(page)
    return {row[0]: row[1:] for row in reversed(text.rows) if row}


# --- who has them


def test_B48_R10_it_says_who_has_what_is_open_and_how_old_the_oldest_of_it_is(tmp_path: Path) -> None:
    """[24] [25]"""
    *_, page = read(
        tmp_path,
        line(1, state="OPEN", age_days=3, allocated_to="worker.one", status="ALLOCATED"),
        line(2, state="OPEN", age_days=9, allocated_to="worker.one", status="ALLOCATED"), line(3),
        line(4, state="RESOLVED", allocated_to="worker.two", status="RESOLVED"),
    )  # fmt: skip
    rows = page_rows(page)
    assert rows["worker.one"][:5] == ["0", "2", "2", "0", "9"]
    assert rows["nobody yet"][:5] == ["1", "0", "1", "0", "0"]
    assert "worker.two" not in rows
    assert "nobody yet" not in page_rows(read(tmp_path, line())[-1])


# --- the words


def test_B48_each_exception_says_what_is_wrong_where_to_look_and_what_to_enter(tmp_path: Path) -> None:
    for rows in read(tmp_path, line())[:3]:
        (row,) = rows
        assert row["what_is_wrong"] == "The parent has no surname."
        assert row["where_to_look"] == "CS2, case 200001"
        assert row["what_to_do"] == "Look up the surname on the CSA system that holds the case and enter it."
        assert row["what_to_enter"] == "surname of the receiving parent"
        assert int(row["casegroup_held_pence"]) == 123_456
        assert row["route"] in ("FT_TEAM", "Financial transition team")


@pytest.mark.parametrize("code", RULES)
def test_every_rule_has_its_words(code: str) -> None:
    row = line(rule_code=code)
    assert report.wrong(row) == RULES[code].says
    assert report.do(row) == RULES[code].do


def test_a_rule_that_is_no_more_keeps_the_words_it_was_opened_with(tmp_path: Path) -> None:
    (row, *_), _, _, page = read(tmp_path, line(rule_code="gone_by", message="It was so. Do this."))
    assert (row["what_is_wrong"], row["what_to_do"]) == ("It was so. Do this.", "")
    assert "It was so. Do this." in page


@pytest.mark.parametrize(
    ("over", "where"),
    [
        ({}, "CS2, case 200001"),
        ({"csa_case_id": None}, "Warehouse extract of 2017-08-10, casegroup G1"),
        ({"csa_case_id": None, "casegroup_id": None}, "Warehouse extract of 2017-08-10, the row without a key"),
        ({"csa_system": None}, "CSA system not given, case 200001"),
        ({"subject": "PAYMENT", "subject_reference": "RC1"}, "CS2 payment file received 2017-08-10, receipt RC1"),
        ({"subject": "BALANCE", "subject_reference": "COR1"}, "CS2, case 200001, correction COR1"),
        ({"subject": "APPLICATION", "csa_case_id": None, "subject_reference": "APP1"},
         "Warehouse extract of 2017-08-10, application APP1, casegroup G1"),
        ({"subject": "LTR", "csa_case_id": None, "casegroup_id": None, "subject_reference": "LTR1-CS2-A1"},
         "Warehouse extract of 2017-08-10, request LTR1-CS2-A1"),
        ({"subject": "LETTER", "csa_case_id": None, "casegroup_id": None, "subject_reference": "CMSL6303-G1"},
         "Warehouse extract of 2017-08-10, letter CMSL6303-G1"),
    ],
)  # fmt: skip
def test_where_to_look_names_the_system_and_the_case(over: Row, where: str) -> None:
    assert report.where(dict.fromkeys(EXCEPTIONS.names) | line(**over)) == where


@pytest.mark.parametrize(
    ("subject", "field", "value", "enter", "found"),
    [
        ("BALANCE", "gb_sos_deferred_pence", "-100000001", "deferred arrears owed to the GB Secretary of State",
         "-1,000,000.01 GBP"),
        ("BALANCE", "arrears_to", "2018-01-01", "last day of the arrears", "2018-01-01"),
        ("PAYING_PARENT", "nino", "******56A", "National Insurance number of the paying parent", "******56A"),
        ("CHILD", "child_id", None, "the qualifying child", None),
        ("CASE", "method_of_payment", "CHEQUE", "method of payment", "CHEQUE"),
        ("BALANCE", "total_pence", "n/a", "total of the nine amounts", "n/a"),
        ("CASE", None, None, None, None),
    ],
)  # fmt: skip
def test_what_to_enter_is_named_as_people_say_it(
    subject: str, field: str | None, value: str | None, enter: str | None, found: str | None
) -> None:
    row = line(subject=subject, field=field) | {"value": value}
    assert (report.enter(row), report.found(row)) == (enter, found)


# --- the figures


def test_the_page_adds_up_by_rule_route_age_and_system(tmp_path: Path) -> None:
    """A casegroup's money is counted once in each line, however many exceptions it has; what is resolved holds nothing."""
    lines = [
        line(1), line(2, rule_code="nino_missing", casegroup_id="G1"),
        line(3, state="OPEN", age_days=7, casegroup_held_pence=100),
        line(4, state="OPEN", age_days=8, csa_system="CCD", route="CASE_OWNER", casegroup_held_pence=-1),
        line(5, state="RESOLVED", age_days=400, casegroup_held_pence=5),
        line(6, severity="WARNING", rule_code="nino_suffix_differs", route=None, casegroup_held_pence=7),
    ]  # fmt: skip
    *_, page = read(tmp_path, *lines)
    rows = page_rows(page)
    assert rows["The parent has no surname. surname_missing"] == ["1", "2", "3", "1", "8", "1,235.55"]
    assert rows["The parent has no National Insurance number. nino_missing"] == [
        "1",
        "0",
        "1",
        "0",
        "0",
        "1,234.56",
    ]
    assert rows["All"] == ["2", "2", "4", "1", "8", "1,235.55"]
    assert rows["Financial transition team"] == ["2", "1", "3", "1", "7", "1,235.56"]
    assert rows["Case owner on CMS"] == ["0", "1", "1", "0", "8", "-0.01"]
    assert rows["New tonight"][2] == "2"
    assert (rows["1 to 7 days"][2], rows["8 to 28 days"][2], rows["Over 91 days"][2]) == ("1", "1", "0")
    assert (rows["CCD"][2], rows["CS2"][2]) == ("1", "3")
    assert rows[f"{RULES['nino_suffix_differs'].says} nino_suffix_differs"] == [
        "1",
        "0",
        "1",
        "0",
        "0",
        "0.07",
    ]
    summary = openpyxl.load_workbook(tmp_path / "exceptions_report.xlsx")["summary"]
    (whole,) = [[cell.value for cell in row] for row in summary.iter_rows() if row[0].value == "All"]
    assert whole == ["All", 2, 2, 4, 1, 8, 1235.55, 123_555]


def test_a_night_of_many_exceptions_is_whole_in_the_files_and_short_on_the_page(tmp_path: Path) -> None:
    count = 15 * report.LISTED_A_RULE
    lines = [
        line(number, age_days=number % 50, state="OPEN" if number % 50 else "NEW") for number in range(count)
    ]
    of_csv, of_parquet, of_excel, page = read(tmp_path, *lines)
    assert len(of_csv) == len(of_parquet) == len(of_excel) == count
    listed = re.findall(r"case 20000\d+", page)
    assert len(listed) == report.LISTED_A_RULE
    assert f"And {count - report.LISTED_A_RULE} more in exceptions_report.csv" in page
    # The new ones first, then the oldest.
    shown = (page.split('<section class="rule"')[1].split("<tr>"))[2:]
    assert all('class="NEW"' in row for row in shown[:12])
    assert '<td class="number" data-label="Days">49</td>' in shown[12]


def test_a_workbook_goes_on_on_another_sheet_when_one_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MOST_ROWS", 2)
    report.write(table(*(line(number) for number in range(5))), MONEY, tmp_path, ON)
    book = openpyxl.load_workbook(tmp_path / "exceptions_report.xlsx")
    assert [(name, book[name].max_row - 1) for name in book.sheetnames[1:]] == [
        ("exceptions", 2), ("exceptions 2", 2), ("exceptions 3", 1),
    ]  # fmt: skip


def test_a_night_without_exceptions_says_so(tmp_path: Path) -> None:
    of_csv, of_parquet, of_excel, page = read(tmp_path)
    assert of_csv == of_parquet == of_excel == []
    assert "Nothing is open and nothing was resolved tonight." in page


# --- what opens it


def test_no_cell_opens_as_a_formula_and_no_text_as_markup(tmp_path: Path) -> None:
    """contract: 'No cell that opens as a formula in a spreadsheet.'"""
    lines = [
        line(number, csa_case_id=text, value=text, case_owner=text, casegroup_id=text, exception_id=text)
        for number, text in enumerate(HOSTILE)
    ]
    of_csv, of_parquet, _, page = read(tmp_path, *lines)
    for row in of_csv:
        assert not [
            value for value in row.values() if value and value.lstrip().startswith(("=", "+", "-", "@"))
        ]
    for sheet in openpyxl.load_workbook(tmp_path / "exceptions_report.xlsx"):
        cells = [cell for row in sheet for cell in row if cell.value is not None]
        assert not [
            cell
            for cell in cells
            if cell.data_type == "f" or str(cell.value).lstrip().startswith(("=", "@", "+"))
        ]
    assert {row["csa_case_id"] for row in of_parquet} == set(
        HOSTILE
    )  # a Parquet file is no spreadsheet: as it came
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_huge_string_is_cut_in_a_cell_and_on_the_page_and_whole_in_the_csv(tmp_path: Path) -> None:
    huge = "x" * 100_000
    limit = csv.field_size_limit(2 * len(huge))  # what lands has a lower one
    try:
        of_csv, _, of_excel, page = read(tmp_path, line(csa_case_id=huge))
    finally:
        csv.field_size_limit(limit)
    assert of_csv[0]["csa_case_id"] == huge
    assert str(of_excel[0]["csa_case_id"]).endswith("[cut off here]")
    assert "x" * 501 not in page
    assert "characters: see exceptions_report.csv)" in page


def test_the_page_needs_nothing_from_elsewhere_and_prints_on_a4(tmp_path: Path) -> None:
    *_, page = read(tmp_path, line())
    assert not re.findall(r"https?:|//\w|<script|<link|<img|<iframe|@import|url\(|\ssrc=", page)
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', page))
    assert "size: A4" in page


def test_the_same_night_has_the_same_bytes(tmp_path: Path) -> None:
    rows = table(*(line(number) for number in range(5)))
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        written = report.write(rows, MONEY, tmp_path / name, ON)
        made.append({file.name: (tmp_path / name / file.name).read_bytes() for file in written})
    assert made[0] == made[1]
    assert sorted(made[0]) == [f"exceptions_report.{kind}" for kind in ("csv", "html", "parquet", "xlsx")]
    assert {file.rows for file in written} == {5}
    assert written[0].control_totals == {"casegroup_held_pence": 5 * 123_456}


def test_the_page_carries_a_policy_that_allows_its_own_style_and_nothing_else(tmp_path: Path) -> None:
    *_, page = read(tmp_path, line(), line(2, rule_code="nino_missing", state="OPEN", age_days=100))
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert html.unescape(policy).split("; ") == [
        "default-src 'none'", f"style-src 'sha256-{digest}'", "base-uri 'none'", "form-action 'none'",
    ]  # fmt: skip
    # The policy stands before what it rules, and no element asks for what it forbids.
    assert page.index("Content-Security-Policy") < page.index("<style>")
    assert not re.findall(r"<[a-z]+[^>]*\s(?:style|on[a-z]+|src|action|formaction|srcset|background)=", page)
    assert set(re.findall(r"<([a-z]+)", page)).isdisjoint(
        {"script", "link", "img", "iframe", "object", "base", "form", "image", "use"}
    )


@pytest.mark.parametrize("unseen", "\u202e\u202a\u2066\u2069\u061c\u200f\u200b\u00ad\u3164\x1b", ids=ascii)
def test_what_turns_or_hides_text_is_shown_as_what_it_is(tmp_path: Path, unseen: str) -> None:
    text = f"2{unseen}1"
    names = (
        "csa_system",
        "csa_case_id",
        "casegroup_id",
        "value",
        "case_owner",
        "allocated_to",
        "rule_code",
        "message",
        "field",
    )
    over: dict[str, Any] = dict.fromkeys(names, text)
    _, of_parquet, of_excel, page = read(tmp_path, line(**over, casegroup_implausible=True))
    named = f"2<U+{ord(unseen):04X}>1"
    assert unseen not in page
    assert html.escape(named) in page
    assert of_excel[0]["csa_case_id"] == named
    assert of_parquet[0]["csa_case_id"] == text


def test_one_hostile_amount_stands_apart_and_every_total_stays_what_it_was(tmp_path: Path) -> None:
    lines = [line(1), line(2, rule_code="nino_missing", casegroup_held_pence=100)]
    hostile = [
        line(3, casegroup_held_pence=2**63 - 1, casegroup_implausible=True),
        line(4, casegroup_id="G3", rule_code="balance_amount_implausible", casegroup_held_pence=2**63 - 1,
             casegroup_implausible=True),
    ]  # fmt: skip
    *_, page = read(tmp_path, *lines, *hostile)
    assert "<b>£1,235.56</b>held by casegroups" in page
    rows = page_rows(page)
    assert rows["All"][-1] == "1,235.56"
    assert rows["The parent has no surname. surname_missing"] == ["2", "0", "2", "0", "0", "1,234.56"]
    assert rows["Financial transition team"][-1] == "1,235.56"
    assert rows["G3"] == ["CS2, case 200003", "92,233,720,368,547,758.07"]
    assert "£92,233,720,368,547,758.07 held by\n  1 casegroup with" in page
    cells = [
        cell.value
        for row in openpyxl.load_workbook(tmp_path / "exceptions_report.xlsx")["summary"]
        for cell in row
    ]
    assert {123_556, "9223372036854775807"} <= set(cells)
    assert 92233720368547758.07 not in cells


def test_a_night_without_an_implausible_amount_says_nothing_of_it(tmp_path: Path) -> None:
    *_, page = read(tmp_path, line())
    assert "Not in that figure" not in page


def test_B48_B52_the_page_and_the_workbook_say_what_is_allocated_to_whom_and_how_old_it_is(
    tmp_path: Path,
) -> None:
    """[24], [25]: each person with how many they have of each age, what nobody has too."""
    lines = [
        line(1, allocated_to="one"), line(2, state="OPEN", age_days=5, allocated_to="one"),
        line(3, state="OPEN", age_days=30, allocated_to="two"), line(4, state="OPEN", age_days=300),
        line(5, state="RESOLVED", allocated_to="one"),
    ]  # fmt: skip
    *_, page = read(tmp_path, *lines)
    at = page.index("What is allocated to whom, and how old it is")
    people = page_rows(page[at : page.index("</table>", at)])
    assert people == {
        "With whom": [*(name for _, name in report.AGES), "Open, all"],
        "one": ["1", "1", "0", "0", "0", "2"], "two": ["0", "0", "0", "1", "0", "1"],
        "nobody yet": ["0", "0", "0", "0", "1", "1"],
    }  # fmt: skip
    said = rows_after(tmp_path, "What is allocated to whom, and how old it is")
    assert said[1:4] == [
        ["one", 1, 1, 0, 0, 0, 2],
        ["nobody yet", 0, 0, 0, 0, 1, 1],
        ["two", 0, 0, 0, 1, 0, 1],
    ]


def test_B55_B59_the_report_says_corrections_payments_and_what_is_outstanding(tmp_path: Path) -> None:
    """[39], [41]: and how long payments have waited, by state and source."""
    *_, page = read(tmp_path, line())
    at = page.index("Corrections, payments, and what is outstanding")
    told = [
        "Corrections: 6 applied tonight; 18 refused up to now.",
        "Payments: 28 received tonight; 22.50 GBP have gone to dues.",
        "Outstanding on 18 dues: 58.50 GBP.",
    ]
    assert re.findall(r'<p class="note">(.*?)</p>', page[at : page.index("<table", at)]) == told
    waits = page_rows(page[at : page.index("</table>", at)])
    assert waits["DCA FLAGGED: waits for a person to let it go"] == ["4", "9", "9.00"]
    assert len(waits) == 1 + 6
    said = rows_after(tmp_path, "Corrections, payments, and what is outstanding")
    assert [row[0] for row in said[:3]] == told
    assert said[4][:7] == ["CSA HELD: waits until its casegroup is complete", 4, None, None, None, 9, 9]


def rows_after(folder: Path, title: str) -> list[list[Any]]:
    """The rows of the workbook's summary under that title, without their empty ends."""
    rows = [
        [cell.value for cell in row]
        for row in openpyxl.load_workbook(folder / "exceptions_report.xlsx")["summary"]
    ]
    at = next(place for place, row in enumerate(rows) if row[0] == title)
    return [row[:7] for row in rows[at + 1 :]]


def test_the_picture_draws_what_is_held_by_rule_and_age_and_says_it_too(tmp_path: Path) -> None:
    lines = [
        line(1, casegroup_held_pence=300), line(2, state="OPEN", age_days=100, casegroup_held_pence=100),
        line(3, rule_code="nino_missing", state="OPEN", age_days=7, casegroup_held_pence=200),
        line(4, rule_code="child_missing", casegroup_held_pence=-5),
    ]  # fmt: skip
    *_, page = read(tmp_path, *lines)
    drawn = re.findall(
        r'<svg [^>]*role="img" aria-labelledby="([^"]*)"><title id="\1">(.*?)</title>(.*?)</svg>',
        page,
        re.DOTALL,
    )
    assert [(name, said.strip()) for name, said, _ in drawn] == [
        ("drawn-surname_missing", "New tonight: £3.00. Over 91 days: £1.00"), ("drawn-nino_missing", "1 to 7 days: £2.00"),
    ]  # fmt: skip
    rects = [re.findall(r'class="(age\d)" x="([\d.]+)" width="([\d.]+)"', inside) for *_, inside in drawn]
    assert rects == [[("age0", "0.0", "75.0"), ("age4", "75.0", "25.0")], [("age1", "0.0", "50.0")]]


def test_a_row_of_the_workbook_is_as_high_as_its_words_and_codes_stand_in_words(tmp_path: Path) -> None:
    _, _, (row,), _ = read(tmp_path, line(allocated_to="Featherstonehaugh-Cholmondeley of Wolverhampton"))
    assert (row["state"], row["severity"], row["status"]) == ("New", "Stops its record", "Open")
    sheet = openpyxl.load_workbook(tmp_path / "exceptions_report.xlsx")["exceptions"]
    assert sheet.row_dimensions[2].height >= 4 * 14
    assert sheet.print_area == "'exceptions'!$A$1:$J$2"


def test_no_heading_of_the_summary_is_printed_at_the_foot_of_a_page(tmp_path: Path) -> None:
    """Whatever the number of rules before it: a page ends before a heading that lacks room for its table's first rows."""
    for count in range(1, 41):
        codes = list(RULES)[:count]
        report.write(table(*(line(n, rule_code=code) for n, code in enumerate(codes))), MONEY, tmp_path, ON)
        sheet = openpyxl.load_workbook(tmp_path / "exceptions_report.xlsx")["summary"]
        ends = {mark.id for mark in sheet.row_breaks.brk}
        titles = {
            cell.row for cell in sheet["A"] if str(cell.value).startswith(("By ", "What is", "Corrections, "))
        }
        # The row of a title is not the last of a page, nor is that of the headings under it.
        assert not ends & (titles | {row + 1 for row in titles}), count
