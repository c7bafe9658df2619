"""`reconciliation.xlsx`: what left CSA against what became of it, to be read, checked and signed in Excel (B54).

Belongs here: the sheets and their words. Does not belong here: any figure of its own but sums of the rows it shows; finding
breaks (``store.reconciliation``).

Sheets: summary (totals by system, tranche and night, and the money bridge), breaks, implausible (if there are such amounts),
tie-out, outstanding (``outbound.outstanding``), sign-off. Every check is a value, worked out when the workbook is written: no
cell is a formula. Each amount stands twice, in pounds to read and in pence to tie out. What is printed is in pounds and stands
first, the rest beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter.worksheet import Worksheet

from case_closure.domain.cases import SYSTEMS_SAID
from case_closure.domain.money import CREDITORS_SAID, STATUSES_SAID, pounds
from case_closure.domain.reconciliation import BREAK_TYPES, BREAKS_SAID, CAUSES
from case_closure.outbound import outstanding
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
_SYSTEMS = f"{'; '.join(f'{code}: {said}' for code, said in SYSTEMS_SAID.items())}."
_SIGNED_WIDTHS = (40, 20, 22, 20)
_ON_A_PAGE = 15  # lines of a table, with the others beside it
_CHART_ROWS = 6  # by which it is higher than the table beside it

Row = dict[str, Any]


def write(tables: dict[str, pa.Table], folder: Path, on: date) -> list[WrittenFile]:
    """The workbook of the night of ``on`` from what ``store.reconciliation.reconstruct`` gives.

    The rows it answers for are the breaks; its control totals are the six figures in pence. Both with implausible amounts.
    """
    buckets = tables["buckets"].to_pylist()
    with writing(folder / NAME, f"Reconciliation as at {on}", on) as book:
        _summary(book, tables, buckets, on)
        _breaks(book, tables, on)
        if tables["implausible"].num_rows:
            _implausible(book, tables, on)
        _tie_out(book, buckets, on)
        outstanding.sheet(book, tables, on)
        _sign_off(book, tables, buckets, on)
    total = _added(buckets)
    return [WrittenFile(NAME, tables["breaks"].num_rows, {name: total[name] for name in FIGURES})]


def apart(tables: dict[str, pa.Table]) -> str | None:
    """What the implausible amounts come to, which are in no headline figure; None when there are none."""
    total = _added(_of(tables["buckets"].to_pylist(), implausible=True))
    if not total["rows"]:
        return None
    limit = pounds(tables["night"]["implausible_pence"][0].as_py())
    count = f"{total['rows']:,} amount{'s' if total['rows'] != 1 else ''}"
    sums = ", ".join(
        f"{_HEADINGS[name][0].lower()}{_HEADINGS[name][1:]} {pounds(total[name])} GBP"
        for name in ("left_csa_pence", "received_pence", "posted_pence", "held_pence", "credit_pence")
    )
    return f"Apart, in no total here: {count} beyond +/- {limit} GBP, larger than any real case is expected to owe: {sums}."


def _of(rows: Iterable[Row], *, implausible: bool) -> list[Row]:
    return [row for row in rows if row["implausible"] == implausible]


def _with_words(code: str | None, words: dict[str, str]) -> str:
    """A code and what it means; one that is none of ours as it is."""
    return "(none)" if code is None else f"{code}: {words[code]}" if code in words else code


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


def _summary(book: Book, tables: dict[str, pa.Table], buckets: list[Row], on: date) -> None:
    total, odd = (_added(_of(buckets, implausible=which)) for which in (False, True))
    counts = [Column("Rows", "whole", 8), Column("Breaks", "whole", 8)]
    columns = [Column("", width=26), *_amounts(FIGURES, width=15), *counts, *_amounts(FIGURES, "pence", 16)]
    sheet = book.sheet("summary", [column.width for column in columns])
    book.pages(sheet)
    row = book.words(sheet, 0, f"Reconciliation as at the end of the night of {_day(on)}", "title")
    row = book.words(sheet, row, _which_night(tables["night"].to_pylist()[0], on), "note")
    row = book.words(sheet, row, _verdict(total), "section")
    printed = [column.width for column in columns[: 1 + len(FIGURES) + len(counts)]]
    row = book.across(
        sheet, row,
        "Left CSA: by CSA's own closing ledger. Received: every balance row, held and clerical ones too. Credits are below "
        "zero and are not transferred. Received = posted + held + credits.", printed, "wrapped note",
    )  # fmt: skip
    if said := apart(tables):
        row = book.across(sheet, row, f"{said} Each is on the sheet 'implausible'.", printed, "wrapped")
    row = _bridge(book, sheet, row + 1, columns, len(printed), total)
    first = None
    named: tuple[tuple[str, str, str, Callable[[Any], str]], ...] = (
        ("systems", "csa_system", "By CSA system", lambda code: _with_words(code, SYSTEMS_SAID)),
        ("tranches", "tranche_id", "By tranche that selected the case", str),
        ("nights", "business_date", "By night of the latest change", _day),
    )
    for name, key, title, say in named:
        lines = tables[name].to_pylist()
        book.together(sheet, row + 1, 50 + 28 * min(len(lines) + 1, 5))
        row = book.words(sheet, row + 1, title, "section")
        # Printed on top of each page that goes on with such a table.
        first = row if first is None else first
        row = book.headings(sheet, row, columns)
        for line in lines:
            row = book.row(
                sheet, row, columns, _line("(none)" if line[key] is None else say(line[key]), line)
            )
        row = book.row(sheet, row, columns, _line("All", total), bold=True)
    if odd["rows"]:
        book.together(sheet, row + 1, 50 + 28 * 2)
        row = book.words(sheet, row + 1, "Implausible amounts, in no figure above", "section")
        row = book.headings(sheet, row, columns)
        row = book.row(sheet, row, columns, _line("Implausible amounts", odd))
        row = book.row(sheet, row, columns, _line("Both together", _added(buckets)), bold=True)
    short = [Column("Type", width=columns[0].width), *_amounts(_BOTH, width=15), Column("Breaks", "whole")]
    kinds = _of(tables["break_types"].to_pylist(), implausible=False)
    book.together(sheet, row + 1, 50 + 28 * len(BREAK_TYPES))
    row = book.words(sheet, row + 1, "Breaks by type", "section")
    row = book.headings(
        sheet, row, [*short, Column("What it is"), *[Column("")] * (len(printed) - len(short) - 1)]
    )
    for kind, says in BREAK_TYPES.items():
        of_kind = _added((line for line in kinds if line["break_type"] == kind), "difference_pence")
        figures = [of_kind[name] for name in (*_BOTH, "breaks")]
        book.across(sheet, row, says, printed[len(short) :], "wrapped", len(short))
        row = book.row(sheet, row, short, [kind, *figures])
    # The pence stand beside the printed page. Only tables that go on over pages need their headings again.
    goes_on = any(tables[name].num_rows > _ON_A_PAGE for name, *_ in named)
    book.end_pages(sheet, row, printed, repeated=first if goes_on else None)


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


def _bridge(
    book: Book, sheet: Worksheet, row: int, columns: Sequence[Column], printed: int, total: dict[str, int]
) -> int:
    """The money bridge: left CSA -> received -> posted / held / credits, its figures and their chart.

    The chart covers the rest of the ``printed`` columns; what it is drawn from stands beside them, with the pence.
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
    book.together(sheet, row, 48 + 14 * (len(steps) + _CHART_ROWS))
    row = book.words(sheet, row, "The money bridge", "section")
    headed = [
        Column("Step", width=columns[0].width), Column("Amount, GBP", "pounds"), *[Column("")] * (printed - 2),
        Column("Amount, pence", "pence"), *(Column(f"Drawn: {part}", "pounds") for part in ("foot", *_DRAWN)),
    ]  # fmt: skip
    book.headings(sheet, row, headed[:2])
    first = book.headings(sheet, row, headed[printed:], first=printed)
    row, drawn = first, []
    for name, amount, start, kind in steps:
        foot, size = min(start, start + amount), abs(amount)
        if foot < 0:  # hangs below zero: the step is drawn downwards from the higher end
            foot, size = min(max(start, start + amount), 0), -size
        drawn.append([foot, *(size if kind == which else 0 for which in _DRAWN)])
        row = book.row(sheet, row, headed, [name, amount, *[None] * (printed - 2), amount, *drawn[-1]])
    chart = book.workbook.add_chart({"type": "column", "subtype": "stacked"})
    for place, (name, colour) in enumerate([("foot", None), *_DRAWN.items()]):
        chart.add_series(
            {
                "name": name,
                "categories": ["summary", first, 0, row - 1, 0],
                "values": ["summary", first, printed + 1 + place, row - 1, printed + 1 + place],
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
    chart.set_size({"width": 650, "height": 245})
    beside = {"x_offset": 12, "description": "Left CSA, received, and what became of it"}
    sheet.insert_chart(first - 1, 2, chart, beside)
    return row + _CHART_ROWS


# --- breaks


def _breaks(book: Book, tables: dict[str, pa.Table], on: date) -> None:
    all_kinds = tables["break_types"].to_pylist()
    kinds, odd = (_of(all_kinds, implausible=which) for which in (False, True))
    listed = tables["breaks"].filter(pc.invert(tables["breaks"]["implausible"]))
    printed = [
        Column("Type", width=23), Column("Cause", width=17), Column("CSA system", width=9), Column("Case", width=14),
        Column("Creditor", width=18), Column("Status", width=16), *_amounts(_BOTH, width=15),
    ]  # fmt: skip
    columns = [
        *printed, *_amounts((*_BOTH, "written_off_pence"), "pence", 15), Column("Tranche", width=14),
        Column("Latest change", "date", 13),
    ]  # fmt: skip
    sheet = book.sheet("breaks", [column.width for column in columns])
    widths = [column.width for column in printed]
    book.pages(sheet)
    row = book.words(sheet, 0, f"Breaks as at the end of the night of {_day(on)}", "title")
    count, others = (sum(line["breaks"] for line in lines) for lines in (kinds, odd))
    row = book.across(sheet, row, _how_many(count, listed.num_rows, others), widths, "wrapped note")
    row = book.across(sheet, row, _SYSTEMS, widths, "wrapped note")
    if kinds:
        short = [
            Column("Type", width=23), Column("Cause", width=17), Column("Breaks", "whole"), Column("Cases", "whole"),
            *_amounts(_BOTH[2:], width=18),
        ]  # fmt: skip
        beside = _amounts(_BOTH, "pence")
        says = widths[len(short) :]
        blank = [Column("")] * (len(says) - 1)
        row = book.headings(sheet, row + 1, [*short, Column("What to do"), *blank, *beside])
        for line in kinds:
            cause = CAUSES[line["cause"]]
            figures = [plain(line[name]) for name in _BOTH]
            book.across(sheet, row, cause.says, says, "wrapped", len(short))
            named = [_with_words(line["break_type"], BREAKS_SAID), cause.name]
            values = [*named, line["breaks"], line["cases"], figures[2], *[None] * len(says), *figures]
            row = book.row(sheet, row, [*short, *[Column("")] * len(says), *beside], values)
    # The headings are never printed without the first breaks under them.
    book.together(sheet, row + 1, 45 + 28 * min(listed.num_rows, 5))
    row = book.headings(sheet, row + 1, columns, 45)
    first = row - 1
    assert listed.num_rows <= MOST_ROWS, "the store lists fewer breaks than a sheet has rows"
    for batch in listed.to_batches(max_chunksize=10_000):
        row = book.rows(sheet, row, columns, map(_break, batch.to_pylist()))
    if listed.num_rows:
        sheet.autofilter(first, 0, row - 1, len(columns) - 1)
    book.end_pages(sheet, row, widths, repeated=first)


def _break(line: Row) -> list[Any]:
    figures = [line[name] for name in _BOTH]
    return [
        _with_words(line["break_type"], BREAKS_SAID), CAUSES[line["cause"]].name, *_whose(line), *figures, *figures,
        line["written_off_pence"], line["tranche_id"], line["business_date"],
    ]  # fmt: skip


def _whose(line: Row) -> list[str | None]:
    """The system, the case, and its bucket with the words of its codes."""
    creditor, status = (
        _with_words(line["creditor"], CREDITORS_SAID),
        _with_words(line["arrears_status"], STATUSES_SAID),
    )
    return [line["csa_system"], line["csa_case_id"], creditor, status]


def _how_many(count: int, listed: int, implausible: int) -> str:
    others = (
        f" {implausible:,} break{'s' if implausible != 1 else ''} of an implausible amount "
        f"stand{'s' if implausible == 1 else ''} apart, on the sheet 'implausible'."
        if implausible
        else ""
    )
    if not count:
        return f"There are none.{others}"
    if listed < count:
        return (
            f"{count:,} breaks; the {listed:,} that differ most are listed here, all of them in the view "
            f"reporting.reconciliation_breaks.{others}"
        )
    return f"{count:,} break{'s' if count != 1 else ''}, each listed below with both figures.{others}"


# --- implausible amounts


def _implausible(book: Book, tables: dict[str, pa.Table], on: date) -> None:
    listed = tables["implausible"]
    printed = [
        Column("CSA system", width=9), Column("Case", width=14), Column("Creditor", width=18), Column("Status", width=16),
        *_amounts(FIGURES, width=13.5), Column("Break", width=19),
    ]  # fmt: skip
    columns = [
        *printed, Column("Cause", width=17), *_amounts(FIGURES, "pence", 20), Column("Tranche", width=14),
        Column("Latest change", "date", 13),
    ]  # fmt: skip
    sheet = book.sheet("implausible", [column.width for column in columns])
    widths = [column.width for column in printed]
    book.pages(sheet)
    row = book.words(sheet, 0, f"Implausible amounts as at the end of the night of {_day(on)}", "title")
    row = book.across(sheet, row, apart(tables) or "", widths, "wrapped")
    count = sum(plain(line["rows"]) for line in _of(tables["buckets"].to_pylist(), implausible=True))
    if listed.num_rows < count:
        says = f"The {listed.num_rows:,} largest of {count:,} are listed here, all of them in the view reporting.reconciliation."
        row = book.across(sheet, row, says, widths, "wrapped note")
    row = book.across(sheet, row, _SYSTEMS, widths, "wrapped note")
    row = book.headings(sheet, row + 1, columns, 45)
    first = row - 1
    for batch in listed.to_batches(max_chunksize=10_000):
        row = book.rows(sheet, row, columns, map(_implausible_one, batch.to_pylist()))
    sheet.freeze_panes(first + 1, 0)
    sheet.autofilter(first, 0, row - 1, len(columns) - 1)
    book.end_pages(sheet, row, widths, repeated=first)


def _implausible_one(line: Row) -> list[Any]:
    figures = [line[name] for name in FIGURES]
    kind = _with_words(line["break_type"], BREAKS_SAID) if line["break_type"] else "none: it agrees"
    cause = CAUSES[line["cause"]].name if line["cause"] else None
    return [*_whose(line), *figures, kind, cause, *figures, line["tranche_id"], line["business_date"]]


# --- tie-out


def _tie_out(book: Book, buckets: list[Row], on: date) -> None:
    printed = [
        Column("CSA system", width=14), Column("Creditor", width=18), Column("Status", width=16), *_amounts(FIGURES, width=13),
        Column("Left CSA = received", width=16), Column("Received = posted + held + credits", width=16),
    ]  # fmt: skip
    columns = [
        *printed, Column("Received less left CSA, pence", "pence", 16),
        Column("Received less posted, held and credits, pence", "pence", 18), *_amounts(FIGURES, "pence", 15),
    ]  # fmt: skip
    sheet = book.sheet("tie-out", [column.width for column in columns])
    widths = [column.width for column in printed]
    book.pages(sheet)
    row = book.words(sheet, 0, f"Tie-out as at the end of the night of {_day(on)}", "title")
    row = book.across(
        sheet, row,
        "Left CSA = received = posted + held + credits, and left CSA + written off = what was owed on CSA. Checked when this "
        "was written; a difference is shown with the amount.", widths, "wrapped note",
    )  # fmt: skip
    row = book.headings(sheet, row + 1, columns, 45)
    first = row - 1
    odd = _of(buckets, implausible=True)
    row = _of_each_system(book, sheet, row, columns, _of(buckets, implausible=False))
    if odd:
        book.together(sheet, row + 1, 50 + 28 * 3)
        row = book.words(sheet, row + 1, "Implausible amounts, in no figure above", "section")
        row = _of_each_system(book, sheet, row, columns, odd, "Implausible")
        together = ["Both together", "all", "all"]
        row = _checked(book, sheet, row, columns, together, _added(buckets), bold=True)
    sheet.freeze_panes(first + 1, 3)
    book.end_pages(sheet, row, widths, repeated=first)


def _of_each_system(
    book: Book, sheet: Worksheet, row: int, columns: list[Column], buckets: list[Row], total: str = "All"
) -> int:  # fmt: skip
    """Every bucket of every system, each system, each creditor, and all; the row after them."""
    for system in dict.fromkeys(line["csa_system"] for line in buckets):
        of_system = [line for line in buckets if line["csa_system"] == system]
        book.together(sheet, row, 28 * 3)
        for line in of_system:
            bucket = [
                _with_words(line["creditor"], CREDITORS_SAID),
                _with_words(line["arrears_status"], STATUSES_SAID),
            ]
            row = _checked(book, sheet, row, columns, [system or "(none)", *bucket], line)
        named = [_with_words(system, SYSTEMS_SAID), "all", "all"]
        row = _checked(book, sheet, row, columns, named, _added(of_system), bold=True)
    for creditor in sorted({line["creditor"] for line in buckets}):
        of_creditor = _added(line for line in buckets if line["creditor"] == creditor)
        row = _checked(
            book, sheet, row, columns, ["all", _with_words(creditor, CREDITORS_SAID), "all"], of_creditor
        )
    return _checked(book, sheet, row, columns, [total, "all", "all"], _added(buckets), bold=True)


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
    ties = f"{_TIES}, {broken:,} break{'s' if broken != 1 else ''}" if broken else _TIES
    came = f"{_OUT} by {pounds(crossed)}" if crossed else ties
    kept = f"{_OUT} by {pounds(lost)}" if lost else _TIES
    values = [*named, *figures.values(), came, kept, crossed, lost, *figures.values()]
    place = len(named) + len(FIGURES)
    fills = {
        place: _GOOD if came == _TIES else _BAD,
        place + 1: _GOOD if kept == _TIES else _BAD,
    }
    if bold:
        fills |= dict.fromkeys(set(range(len(values))) - set(fills), PALE)
    return book.row(sheet, row, columns, values, bold=bold, fills=fills)


# --- sign-off


def _sign_off(book: Book, tables: dict[str, pa.Table], buckets: list[Row], on: date) -> None:
    total, odd, both = (
        _added(_of(buckets, implausible=False)),
        _of(buckets, implausible=True),
        _added(buckets),
    )
    sheet = book.sheet("sign-off", _SIGNED_WIDTHS, landscape=False)
    sheet.fit_to_pages(1, 1)
    row = book.words(sheet, 0, "Sign-off of the reconciliation", "title")
    row = book.words(sheet, row, f"As at the end of the night of {_day(on)}", "section")
    parts = [("What is signed", total)]
    if odd:
        parts += [
            ("Implausible amounts, in no figure above", _added(odd)),
            ("Both together: put on record", both),
        ]
    for heading, figures in parts:
        columns = [
            Column(heading, width=_SIGNED_WIDTHS[0]),
            Column("GBP", "pounds"),
            Column("Pence", "pence"),
        ]
        row = book.headings(sheet, row + 1, columns, 18)
        for name in FIGURES:
            row = book.row(sheet, row, columns, [_HEADINGS[name], figures[name], figures[name]])
    counts = [Column("", width=_SIGNED_WIDTHS[0]), Column("", "whole")]
    row = book.row(sheet, row + 1, counts, ["Amounts compared", both["rows"]])
    row = book.row(sheet, row, counts, ["Breaks", both["breaks"]])
    for line in tables["break_types"].to_pylist():
        odd_one = ", implausible" if line["implausible"] else ""
        named = f"of them {CAUSES[line['cause']].name}, {line['break_type']}{odd_one}"
        row = book.row(sheet, row, counts, [named, line["breaks"]])
    row = book.across(
        sheet, row + 1,
        "I have read the breaks listed in this workbook; each is explained or has been passed on.", _SIGNED_WIDTHS, "wrapped",
    )  # fmt: skip
    for _ in range(3):
        row += 1
        for line_of in ("Name", "Role", "Date", "Remarks", ""):
            sheet.set_row(row, 22)
            book.words(sheet, row, line_of, "note")
            for column in (1, 2, 3):
                sheet.write_blank(row, column, None, book.look("line"))
            row += 1
    row = book.across(
        sheet, row + 1,
        f"To have it on record: case-closure reconcile --date {on} --sign-off 'NAME' --remarks 'WORDS'", _SIGNED_WIDTHS,
        "wrapped note",
    )  # fmt: skip
    sheet.print_area(0, 0, row - 1, len(_SIGNED_WIDTHS) - 1)
