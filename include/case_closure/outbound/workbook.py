"""What every workbook that goes out has in common: the same bytes for the same content, text that stays text, exact money.

Belongs here: opening a workbook, its formats, cells and tables of rows. Does not belong here: what any sheet says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from case_closure.domain.money import pounds
from case_closure.outbound.folder import safe_cell

MOST_ROWS = 1_000_000  # of a sheet; Excel's own limit is 1,048,576
_MOST_CHARACTERS = 32_000  # of a cell; Excel's own limit is 32,767
_EXACT_BELOW = 2**53  # a spreadsheet's numbers are doubles
_HEIGHTS = {"title": 24, "section": 18}  # of rows whose words are larger; not every viewer works them out
_LINE_HEIGHT = 14
BLUE, GREY, PALE = "#1D4F91", "#505A5F", "#EEF2F7"


@dataclass(frozen=True)
class Column:
    """A column of a sheet. ``kind``: text, wrapped, whole, pence, pounds (of pence), or date."""

    heading: str
    kind: str = "text"
    width: float = 14


class Book:
    """A workbook being written, row after row from the top of each sheet: memory does not grow with the rows."""

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        self.workbook = workbook
        basis = {"font_name": "Arial", "font_size": 10, "valign": "top"}
        heading = basis | {
            "bold": True,
            "text_wrap": True,
            "bg_color": BLUE,
            "font_color": "#FFFFFF",
            "valign": "vcenter",
        }
        self._looks = {
            "text": basis,
            "wrapped": basis | {"text_wrap": True},
            "whole": basis | {"num_format": "#,##0", "align": "right"},
            "pence": basis | {"num_format": "0", "align": "right", "font_color": GREY},
            "pounds": basis | {"num_format": "#,##0.00;[Red]-#,##0.00", "align": "right"},
            "date": basis | {"num_format": "d mmm yyyy", "align": "left"},
            "title": basis | {"bold": True, "font_size": 16, "font_color": BLUE},
            "section": basis | {"bold": True, "font_size": 12, "font_color": BLUE},
            "heading": heading,
            "number heading": heading | {"align": "right"},
            "note": basis | {"font_color": GREY},
            "wrapped note": basis | {"font_color": GREY, "text_wrap": True},
            "line": basis | {"bottom": 1},
        }  # fmt: skip
        self._made: dict[tuple[str, bool, str | None], Format] = {}

    def look(self, kind: str, *, bold: bool = False, fill: str | None = None) -> Format:
        """The format of that kind of cell."""
        key = (kind, bold, fill)
        if key not in self._made:
            extra = ({"bold": True, "top": 1} if bold else {}) | ({"bg_color": fill} if fill else {})
            self._made[key] = self.workbook.add_format({**self._looks[kind], **extra})
        return self._made[key]

    def sheet(self, name: str, widths: Sequence[float], *, landscape: bool = True) -> Worksheet:
        """A sheet that prints on A4, one page wide."""
        sheet: Worksheet = self.workbook.add_worksheet(name)
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        sheet.hide_gridlines(2)
        sheet.set_paper(9)
        if landscape:
            sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        sheet.set_footer("&L&F&C&A&RPage &P of &N")
        return sheet

    def words(self, sheet: Worksheet, row: int, words: str, kind: str = "text", column: int = 0) -> int:
        """One line of words; the row after it."""
        if kind in _HEIGHTS:
            sheet.set_row(row, _HEIGHTS[kind])
        sheet.write_string(row, column, words, self.look(kind))
        return row + 1

    def across(
        self, sheet: Worksheet, row: int, words: str, widths: Sequence[float], kind: str, column: int = 0
    ) -> int:  # fmt: skip
        """Words in as many lines as they need, across the columns of these widths from ``column`` on; the row after them.

        Before any other cell of that row is written.
        """
        # A column's width is in characters.
        lines = math.ceil(len(words) / sum(widths))
        sheet.set_row(row, _LINE_HEIGHT * lines)
        sheet.merge_range(row, column, row, column + len(widths) - 1, "", self.look(kind))
        sheet.write_string(row, column, words, self.look(kind))
        return row + 1

    def headings(self, sheet: Worksheet, row: int, columns: Sequence[Column], height: float = 30) -> int:
        """The headings of a table; the row after them."""
        sheet.set_row(row, height)
        for place, column in enumerate(columns):
            look = "heading" if column.kind in ("text", "wrapped", "date") else "number heading"
            sheet.write_string(row, place, column.heading, self.look(look))
        return row + 1

    def row(
        self, sheet: Worksheet, row: int, columns: Sequence[Column], values: Sequence[Any], *, bold: bool = False,
        fills: Mapping[int, str] | None = None,
    ) -> int:  # fmt: skip
        """One row of a table; the row after it. A value that is none stays an empty cell."""
        for place, (column, value) in enumerate(zip(columns, values, strict=True)):
            look = self.look(column.kind, bold=bold, fill=fills.get(place) if fills else None)
            if value is None:
                if bold:
                    sheet.write_blank(row, place, None, look)
            elif column.kind in ("text", "wrapped"):
                sheet.write_string(row, place, _text(value), look)
            elif column.kind == "date":
                sheet.write_datetime(row, place, value, look)
            else:
                self._number(sheet, row, place, column.kind, int(value), look)
        return row + 1

    def rows(
        self, sheet: Worksheet, row: int, columns: Sequence[Column], many: Iterable[Sequence[Any]]
    ) -> int:
        """Rows of a table; the row after the last."""
        for values in many:
            row = self.row(sheet, row, columns, values)
        return row

    @staticmethod
    def _number(sheet: Worksheet, row: int, place: int, kind: str, value: int, look: Format) -> None:
        if abs(value) >= _EXACT_BELOW:
            # As text: a double would not be exact any more.
            sheet.write_string(row, place, pounds(value) if kind == "pounds" else str(value), look)
        else:
            sheet.write_number(row, place, value / 100 if kind == "pounds" else value, look)


def _text(value: object) -> str:
    words = safe_cell(str(value))
    return words if len(words) <= _MOST_CHARACTERS else words[:_MOST_CHARACTERS] + " [cut off here]"


@contextmanager
def writing(path: Path, title: str, on: date) -> Iterator[Book]:
    """A workbook at ``path``; what it says of its own making is the business date, so that it is the same on a rerun."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    workbook = xlsxwriter.Workbook(str(path), options)
    workbook.set_properties(
        {"title": title, "author": "case-closure", "created": datetime(on.year, on.month, on.day, tzinfo=UTC)}
    )
    yield Book(workbook)
    workbook.close()


def plain(value: Decimal | int | None) -> int:
    """A whole number as Arrow hands it over."""
    return int(value or 0)
