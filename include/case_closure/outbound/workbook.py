"""What every workbook that goes out has in common: the same bytes for the same content, text that stays text, exact money.

Belongs here: opening a workbook, its formats, cells and tables of rows. Does not belong here: what any sheet says.
"""

from __future__ import annotations

import functools
import textwrap
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
from case_closure.outbound.folder import shown_cell

MOST_ROWS = 1_000_000  # of a sheet; Excel's own limit is 1,048,576
_MOST_CHARACTERS = 32_000  # of a cell; Excel's own limit is 32,767
_EXACT_BELOW = 2**53  # a spreadsheet's numbers are doubles
_HEIGHTS = {"title": 24, "section": 18}  # of rows whose words are larger; not every viewer works them out
_LINE_HEIGHT = 14
_HIGHEST = 409  # points; Excel's own limit
_MOST_MEASURED = 10_000
_MOST_BREAKS = 1000  # of a sheet; Excel's own limit is 1,023
# What fits on A4 landscape between the margins, in points at full size; a little less, since programs draw differently.
_PAGE_WIDE, _PAGE_HIGH = 755, 480
_POINTS_A_CHARACTER = 7.2  # where the default font has to be replaced by a wider one
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
        # A figure that is wider than its column is drawn smaller, not as ###; away from the words that stand next to it.
        number = basis | {"shrink": True}
        self._looks = {
            # On top and without a side named, the indent would be dropped and words touch the figure before them.
            "text": basis | {"text_wrap": True, "align": "left", "indent": 1},
            "wrapped": basis | {"text_wrap": True, "align": "left", "indent": 1},
            "whole": number | {"num_format": "#,##0", "align": "right"},
            "pence": number | {"num_format": "0", "align": "right", "font_color": GREY},
            "pounds": number | {"num_format": "#,##0.00;[Red]-#,##0.00", "align": "right"},
            "date": basis | {"num_format": "d mmm yyyy", "align": "left", "indent": 1},
            "title": basis | {"bold": True, "font_size": 16, "font_color": BLUE},
            "section": basis | {"bold": True, "font_size": 12, "font_color": BLUE},
            "heading": heading | {"indent": 1},
            "number heading": heading | {"align": "right"},
            "note": basis | {"font_color": GREY},
            "wrapped note": basis | {"font_color": GREY, "text_wrap": True},
            "line": basis | {"bottom": 1},
        }  # fmt: skip
        self._made: dict[tuple[str, bool, str | None], Format] = {}
        self._heights: dict[str, dict[int, float]] = {}
        self._together: dict[str, dict[int, float]] = {}

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
        sheet.set_default_row(_LINE_HEIGHT)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        sheet.set_footer("&L&F&C&A&RPage &P of &N")
        return sheet

    def _set_height(self, sheet: Worksheet, row: int, height: float) -> None:
        sheet.set_row(row, height)
        if sheet.get_name() in self._together:
            self._heights[sheet.get_name()][row] = height

    def pages(self, sheet: Worksheet) -> None:
        """Before any row: this sheet says itself where its pages end (:meth:`together`, :meth:`end_pages`)."""
        self._heights[sheet.get_name()], self._together[sheet.get_name()] = {}, {}

    def together(self, sheet: Worksheet, row: int, points: float) -> None:
        """What begins in this row needs so much room under it: a heading never stands alone at the foot of a page."""
        self._together[sheet.get_name()][row] = points

    def end_pages(
        self, sheet: Worksheet, end: int, widths: Sequence[float], *, repeated: int | None = None
    ) -> None:
        """Prints the columns of these widths and the rows before ``end``, one page wide; ``repeated``: a row on top of each.

        A spreadsheet that fits a sheet to its pages does not mind page breaks, so it is scaled instead.
        """
        scale = min(100, max(10, int(100 * _PAGE_WIDE / (sum(widths) * _POINTS_A_CHARACTER))))
        sheet.set_print_scale(scale)
        sheet.print_area(0, 0, end - 1, len(widths) - 1)
        heights, together = self._heights.pop(sheet.get_name()), self._together.pop(sheet.get_name())
        room, used, breaks = _PAGE_HIGH * 100 / scale, 0.0, list[int]()
        again = 0.0
        if repeated is not None:
            sheet.repeat_rows(repeated)
            again = heights.get(repeated, _LINE_HEIGHT)
        for row in range(end):
            height = heights.get(row, _LINE_HEIGHT)
            if used + max(height, together.get(row, 0)) > room and used > again:
                breaks.append(row)
                used = again
            used += height
        sheet.set_h_pagebreaks(breaks[:_MOST_BREAKS])

    def words(self, sheet: Worksheet, row: int, words: str, kind: str = "text", column: int = 0) -> int:
        """One line of words; the row after it."""
        if kind in _HEIGHTS:
            self._set_height(sheet, row, _HEIGHTS[kind])
        sheet.write_string(row, column, _text(words), self.look(kind))
        return row + 1

    def across(
        self, sheet: Worksheet, row: int, words: str, widths: Sequence[float], kind: str, column: int = 0
    ) -> int:  # fmt: skip
        """Words in as many lines as they need, across the columns of these widths from ``column`` on; the row after them.

        Before any other cell of that row is written.
        """
        # A column's width is in characters.
        words = _text(words)
        self._set_height(sheet, row, _height(_lines(words, sum(widths))))
        sheet.merge_range(row, column, row, column + len(widths) - 1, "", self.look(kind))
        sheet.write_string(row, column, words, self.look(kind))
        return row + 1

    def headings(
        self, sheet: Worksheet, row: int, columns: Sequence[Column], height: float = 30, first: int = 0
    ) -> int:
        """The headings of a table whose columns begin at ``first``; the row after them."""
        self._set_height(sheet, row, height)
        for place, column in enumerate(columns, first):
            look = "heading" if column.kind in ("text", "wrapped", "date") else "number heading"
            sheet.write_string(row, place, column.heading, self.look(look))
        return row + 1

    def row(
        self, sheet: Worksheet, row: int, columns: Sequence[Column], values: Sequence[Any], *, bold: bool = False,
        fills: Mapping[int, str] | None = None,
    ) -> int:  # fmt: skip
        """One row of a table, as high as its words need; the row after it. A value that is none stays an empty cell."""
        said = {
            place: _text(value)
            for place, (column, value) in enumerate(zip(columns, values, strict=True))
            if value is not None and column.kind in ("text", "wrapped")
        }
        lines = max((_lines(words, columns[place].width) for place, words in said.items()), default=1)
        if lines > 1:
            self._set_height(sheet, row, _height(lines))
        for place, (column, value) in enumerate(zip(columns, values, strict=True)):
            look = self.look(column.kind, bold=bold, fill=fills.get(place) if fills else None)
            if value is None:
                if bold:
                    sheet.write_blank(row, place, None, look)
            elif place in said:
                sheet.write_string(row, place, said[place], look)
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


@functools.lru_cache(maxsize=20_000, typed=True)
def _text(value: object) -> str:
    """Words as a cell has them: what shows nothing shown by its number, nothing that opens as a formula."""
    words = shown_cell(value)
    return words if len(words) <= _MOST_CHARACTERS else words[:_MOST_CHARACTERS] + " [cut off here]"


def _height(lines: int) -> float:
    return min(_LINE_HEIGHT * lines, _HIGHEST)


def _lines(words: str, width: float) -> int:
    """In how many lines words stand in a column of that width, which is in characters."""
    # A filter's button, the border and wide letters take some of it.
    fits = max(int(width * 0.95) - 1, 1)
    return 1 if len(words) <= fits else _wrapped_lines(words[:_MOST_MEASURED], fits)


@functools.lru_cache(maxsize=50_000)
def _wrapped_lines(words: str, fits: int) -> int:
    return len(textwrap.wrap(words, fits)) or 1


@contextmanager
def writing(path: Path, title: str, on: date) -> Iterator[Book]:
    """A workbook at ``path``; what it says of its own making is the business date, so that it is the same on a rerun."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {
        "constant_memory": True,
        "tmpdir": str(path.parent),  # its rows until they are put together: personal, so nowhere else
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
