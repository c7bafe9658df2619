"""`reconciliation.xlsx`: what left CSA against what became of it, to be read, checked and signed in Excel (B54).

Belongs here: the sheets and their words. Does not belong here: any figure of its own but sums of the rows it shows; finding
breaks (``store.reconciliation``).

Sheets: summary (totals by system, tranche and night, and the money bridge), breaks, tie-out, sign-off. Every check is a
value, worked out when the workbook is written: no cell is a formula. Each amount stands twice, in pounds to read and in pence
to tie out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from xlsxwriter.worksheet import Worksheet

from case_closure.domain.reconciliation import BREAK_TYPES, CAUSES
from case_closure.outbound.folder import WrittenFile
from case_closure.outbound.workbook import MOST_ROWS, PALE, Book, Column, plain, writing

NAME = "reconciliation.xlsx"
FIGURES = (
    "left_csa_pence",
    "written_off_pence",
    "received_pence",
    "posted_pence",
    "held_pence",
    "credit_pence",
)
_HEADINGS = {
    "left_csa_pence": "Left CSA", "written_off_pence": "Written off on CSA", "received_pence": "Received",
    "posted_pence": "Posted", "held_pence": "Held", "credit_pence": "Credits", "difference_pence": "Received less left CSA",
}  # fmt: skip
_BOTH = ("left_csa_pence", "received_pence", "difference_pence")
_GOOD, _BAD = "#DCEFDC", "#F8D7D3"
_TIES, _OUT = "ties", "OUT"
_DRAWN = {"whole": "#1D4F91", "difference": "#B5402A", "part": "#5B8DB8"}

Row = dict[str, Any]


def write(tables: dict[str, pa.Table], folder: Path, on: date) -> list[WrittenFile]:
    """The workbook of the night of ``on`` from what ``store.reconciliation.reconstruct`` gives.

    The rows it answers for are the breaks; its control totals are the six figures in pence.
    """
    buckets = tables["buckets"].to_pylist()
    total = _added(buckets)
    with writing(folder / NAME, f"Reconciliation as at {on}", on) as book:
        _summary(book, tables, total, on)
        _breaks(book, tables, on)
        _tie_out(book, buckets, on)
        _sign_off(book, tables, total, on)
    return [WrittenFile(NAME, tables["breaks"].num_rows, {name: total[name] for name in FIGURES})]


def _added(rows: Iterable[Row], *more: str) -> dict[str, int]:
    names = (*FIGURES, "rows", "breaks", *more)
    rows = list(rows)
    return {name: sum(plain(row[name]) for row in rows) for name in names}


def _day(on: date) -> str:
    return f"{on.day} {on:%B %Y}"


def _amounts(names: Sequence[str], kind: str = "pounds", width: float = 17) -> list[Column]:
    unit = "GBP" if kind == "pounds" else "pence"
    return [Column(f"{_HEADINGS[name]}, {unit}", kind, width) for name in names]


# --- summary


def _summary(book: Book, tables: dict[str, pa.Table], total: dict[str, int], on: date) -> None:
    counts = [Column("Rows", "whole", 12), Column("Breaks", "whole", 12)]
    columns = [Column("", width=26), *_amounts(FIGURES), *counts, *_amounts(FIGURES, "pence", 16)]
    sheet = book.sheet("summary", [column.width for column in columns])
    row = book.words(sheet, 0, f"Reconciliation as at the end of the night of {_day(on)}", "title")
    row = book.words(sheet, row, _which_night(tables["night"].to_pylist()[0], on), "note")
    row = book.words(sheet, row, _verdict(total), "section")
    printed = [column.width for column in columns[: 1 + len(FIGURES) + len(counts)]]
    row = book.across(
        sheet, row,
        "Left CSA: by CSA's own closing ledger. Received: every balance row, held and clerical ones too. Credits are below "
        "zero and are not transferred. Received = posted + held + credits.", printed, "wrapped note",
    )  # fmt: skip
    row = _bridge(book, sheet, row + 1, total)
    for name, key, heading, title in (
        ("systems", "csa_system", "CSA system", "By CSA system"),
        ("tranches", "tranche_id", "Tranche", "By tranche that selected the case"),
        ("nights", "business_date", "Night", "By night of the latest change"),
    ):
        row = book.words(sheet, row + 1, title, "section")
        row = book.headings(sheet, row, [Column(heading), *columns[1:]])
        for line in tables[name].to_pylist():
            named = (
                "(none)" if line[key] is None else _day(line[key]) if key == "business_date" else line[key]
            )
            row = book.row(sheet, row, columns, _line(named, line))
        row = book.row(sheet, row, columns, _line("All", total), bold=True)
    row = book.words(sheet, row + 1, "Breaks by type", "section")
    short = [Column("Type"), *_amounts(_BOTH), Column("Breaks", "whole")]
    row = book.headings(sheet, row, short)
    kinds = tables["break_types"].to_pylist()
    for kind, says in BREAK_TYPES.items():
        of_kind = _added((line for line in kinds if line["break_type"] == kind), "difference_pence")
        figures = [of_kind[name] for name in (*_BOTH, "breaks")]
        book.across(sheet, row, says, printed[len(short) :], "wrapped", len(short))
        row = book.row(sheet, row, short, [kind, *figures])
    # The pence stand beside the printed page.
    sheet.print_area(0, 0, row, len(printed) - 1)


def _line(named: str, line: Row) -> list[Any]:
    figures = [plain(line[name]) for name in FIGURES]
    return [named, *figures, plain(line["rows"]), plain(line["breaks"]), *figures]


def _which_night(night: Row, on: date) -> str:
    if night["business_date"] is None:
        return "No night up to this date has been run: there is nothing to reconcile."
    latest = f"extract {night['extract_id']}; {night['nights']:,} night{'s' if night['nights'] != 1 else ''} run up to then"
    if night["business_date"] == on:
        return f"As it was known then: {latest}."
    return f"As it was known then: the latest night up to that date was {_day(night['business_date'])}, {latest}."


def _verdict(total: dict[str, int]) -> str:
    if not total["rows"]:
        return "Nothing left CSA and nothing was received."
    if not total["breaks"]:
        return f"All {total['rows']:,} amounts agree to the penny."
    return f"{total['breaks']:,} of {total['rows']:,} amounts do not agree: see the sheet 'breaks'."


def _bridge(book: Book, sheet: Worksheet, row: int, total: dict[str, int]) -> int:
    """The money bridge: left CSA -> received -> posted / held / credits, its figures and their chart.

    A step stands on an invisible foot, as Excel's own waterfall does; a foot or a step below zero hangs down.
    """
    left, received, posted, held = (
        total[name] for name in ("left_csa_pence", "received_pence", "posted_pence", "held_pence")
    )
    difference = received - left
    steps = [
        ("Left CSA", left, 0, "whole"),
        ("Received, not left" if difference >= 0 else "Left, not received", difference, left, "difference"),
        ("Received", received, 0, "whole"),
        ("Posted", posted, 0, "part"),
        ("Held", held, posted, "part"),
        ("Credits", total["credit_pence"], posted + held, "part"),
    ]
    row = book.words(sheet, row, "The money bridge", "section")
    columns = [
        Column("Step"), Column("Amount, GBP", "pounds"), Column("Drawn: foot", "pounds"), Column("Drawn: whole", "pounds"),
        Column("Drawn: difference", "pounds"), Column("Drawn: part", "pounds"), Column("Amount, pence", "pence"),
    ]  # fmt: skip
    first = book.headings(sheet, row, columns)
    row, drawn = first, []
    for name, amount, start, kind in steps:
        foot, size = min(start, start + amount), abs(amount)
        if foot < 0:  # hangs below zero: the step is drawn downwards from the higher end
            foot, size = min(max(start, start + amount), 0), -size
        drawn.append([foot, *(size if kind == which else 0 for which in _DRAWN)])
        row = book.row(sheet, row, columns, [name, amount, *drawn[-1], amount])
    chart = book.workbook.add_chart({"type": "column", "subtype": "stacked"})
    for place, (name, colour) in enumerate([("foot", None), *_DRAWN.items()]):
        chart.add_series(
            {
                "name": name,
                "categories": ["summary", first, 0, row - 1, 0],
                "values": ["summary", first, 2 + place, row - 1, 2 + place],
                # What a viewer shows that does not read the cells.
                "categories_data": [step[0] for step in steps],
                "values_data": [line[place] / 100 for line in drawn],
                "fill": {"color": colour} if colour else {"none": True},
                "border": {"none": True},
                "gap": 40,
            }
        )
    chart.set_title(
        {"name": "Money bridge, GBP", "name_font": {"size": 12, "color": "#1D4F91"}, "overlay": False}
    )
    chart.set_legend({"none": True})
    chart.set_y_axis(
        {"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}}
    )
    chart.set_x_axis({"label_position": "low"})
    chart.set_size({"width": 900, "height": 260})
    sheet.insert_chart(row + 1, 0, chart, {"description": "Left CSA, received, and what became of it"})
    return row + 15


# --- breaks


def _breaks(book: Book, tables: dict[str, pa.Table], on: date) -> None:
    kinds = tables["break_types"].to_pylist()
    count, listed = sum(line["breaks"] for line in kinds), tables["breaks"].num_rows
    columns = [
        Column("Type", width=22), Column("Cause", width=24), Column("CSA system", width=9), Column("Case", width=14),
        Column("Creditor", width=10), Column("Status", width=14), *_amounts(_BOTH, width=15),
        *_amounts((*_BOTH, "written_off_pence"), "pence", 13), Column("Tranche", width=12),
        Column("Latest change", "date", 12),
    ]  # fmt: skip
    sheet = book.sheet("breaks", [column.width for column in columns])
    row = book.words(sheet, 0, f"Breaks as at the end of the night of {_day(on)}", "title")
    row = book.words(sheet, row, _how_many(count, listed), "note")
    if kinds:
        short = [
            Column("Type"), Column("Cause"), Column("Breaks", "whole"), Column("Cases", "whole"), Column(""), Column(""),
            *_amounts(_BOTH), Column("What to do"),
        ]  # fmt: skip
        row = book.headings(sheet, row + 1, short)
        for line in kinds:
            cause = CAUSES[line["cause"]]
            counts = [line["breaks"], line["cases"], None, None]
            figures = [plain(line[name]) for name in _BOTH]
            says = [column.width for column in columns[len(short) - 1 :]]
            book.across(sheet, row, cause.says, says, "wrapped", len(short) - 1)
            row = book.row(sheet, row, short[:-1], [line["break_type"], cause.name, *counts, *figures])
    row = book.headings(sheet, row + 1, columns, 45)
    first = row - 1
    assert listed <= MOST_ROWS, "the store lists fewer breaks than a sheet has rows"
    for batch in tables["breaks"].to_batches(max_chunksize=10_000):
        row = book.rows(sheet, row, columns, map(_break, batch.to_pylist()))
    if listed:
        sheet.autofilter(first, 0, row - 1, len(columns) - 1)
    sheet.repeat_rows(first)


def _break(line: Row) -> list[Any]:
    named = (line[name] for name in ("csa_system", "csa_case_id", "creditor", "arrears_status"))
    figures = [line[name] for name in _BOTH]
    return [
        line["break_type"], CAUSES[line["cause"]].name, *named, *figures, *figures, line["written_off_pence"],
        line["tranche_id"], line["business_date"],
    ]  # fmt: skip


def _how_many(count: int, listed: int) -> str:
    if not count:
        return "There are none."
    if listed < count:
        return (
            f"{count:,} breaks; the {listed:,} that differ most are listed here, all of them in the view "
            "reporting.reconciliation_breaks."
        )
    return f"{count:,} break{'s' if count != 1 else ''}, each listed below with both figures."


# --- tie-out


def _tie_out(book: Book, buckets: list[Row], on: date) -> None:
    columns = [
        Column("CSA system", width=12), Column("Creditor", width=11), Column("Status", width=12), *_amounts(FIGURES, width=15),
        Column("Received less left CSA, pence", "pence", 14), Column("Left CSA = received", width=13),
        Column("Received less posted, held and credits, pence", "pence", 16),
        Column("Received = posted + held + credits", width=14), *_amounts(FIGURES, "pence", 15),
    ]  # fmt: skip
    sheet = book.sheet("tie-out", [column.width for column in columns])
    row = book.words(sheet, 0, f"Tie-out as at the end of the night of {_day(on)}", "title")
    row = book.words(
        sheet, row,
        "Left CSA = received = posted + held + credits, and left CSA + written off = what was owed on CSA. Checked when this "
        "was written; a difference is shown in pence.", "note",
    )  # fmt: skip
    row = book.headings(sheet, row + 1, columns, 45)
    first = row - 1
    systems = list(dict.fromkeys(line["csa_system"] for line in buckets))
    for system in systems:
        of_system = [line for line in buckets if line["csa_system"] == system]
        named = system or "(none)"
        for line in of_system:
            row = _checked(book, sheet, row, columns, [named, line["creditor"], line["arrears_status"]], line)
        row = _checked(book, sheet, row, columns, [named, "all", "all"], _added(of_system), bold=True)
    for creditor in sorted({line["creditor"] for line in buckets}):
        of_creditor = _added(line for line in buckets if line["creditor"] == creditor)
        row = _checked(book, sheet, row, columns, ["all", creditor, "all"], of_creditor)
    row = _checked(book, sheet, row, columns, ["All", "all", "all"], _added(buckets), bold=True)
    sheet.print_area(0, 0, row, 12)
    sheet.freeze_panes(first + 1, 3)
    sheet.repeat_rows(first)


def _checked(
    book: Book, sheet: Worksheet, row: int, columns: list[Column], named: list[str], line: Row, *, bold: bool = False
) -> int:  # fmt: skip
    figures = {name: plain(line[name]) for name in FIGURES}
    crossed = figures["received_pence"] - figures["left_csa_pence"]
    lost = (
        figures["received_pence"] - figures["posted_pence"] - figures["held_pence"] - figures["credit_pence"]
    )
    broken = plain(line["breaks"])
    # Breaks that cancel each other out are breaks all the same.
    came = _OUT if crossed else f"ties, {broken:,} break{'s' if broken != 1 else ''}" if broken else _TIES
    kept = _OUT if lost else _TIES
    values = [*named, *figures.values(), crossed, came, lost, kept, *figures.values()]
    fills = {
        len(named) + 7: _GOOD if came == _TIES else _BAD,
        len(named) + 9: _GOOD if kept == _TIES else _BAD,
    }
    if bold:
        fills |= dict.fromkeys(set(range(len(values))) - set(fills), PALE)
    return book.row(sheet, row, columns, values, bold=bold, fills=fills)


# --- sign-off


def _sign_off(book: Book, tables: dict[str, pa.Table], total: dict[str, int], on: date) -> None:
    sheet = book.sheet("sign-off", [46, 22, 22, 48], landscape=False)
    row = book.words(
        sheet, 0, f"Sign-off of the reconciliation as at the end of the night of {_day(on)}", "title"
    )
    columns = [Column("What is signed"), Column("GBP", "pounds"), Column("Pence", "pence")]
    row = book.headings(sheet, row + 1, columns, 18)
    for name in FIGURES:
        row = book.row(sheet, row, columns, [_HEADINGS[name], total[name], total[name]])
    counts = [Column(""), Column("", "whole")]
    row = book.row(sheet, row, counts, ["Amounts compared", total["rows"]])
    row = book.row(sheet, row, counts, ["Breaks", total["breaks"]])
    for line in tables["break_types"].to_pylist():
        row = book.row(
            sheet,
            row,
            counts,
            [f"  of them: {CAUSES[line['cause']].name}, {line['break_type']}", line["breaks"]],
        )
    row = book.words(
        sheet, row + 1,
        "I have read the breaks listed in this workbook; each is explained or has been passed on.", "text",
    )  # fmt: skip
    for _ in range(3):
        row += 1
        for line_of in ("Name", "Role", "Date", "Remarks", ""):
            sheet.set_row(row, 22)
            book.words(sheet, row, line_of, "note")
            for column in (1, 2, 3):
                sheet.write_blank(row, column, None, book.look("line"))
            row += 1
    book.words(
        sheet, row + 1,
        f"To have it on record: case-closure reconcile --date {on} --sign-off 'NAME' --remarks 'WORDS'", "note",
    )  # fmt: skip
