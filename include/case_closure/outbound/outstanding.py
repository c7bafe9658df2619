"""What is outstanding, and what corrections and payments made of it, as the daily reports say it (B55, B59).

Belongs here: the sheet ``outstanding`` of the reconciliation, and the lines that the exceptions report has of it. Does not belong
here: adding up (``store.outstanding``), the other sheets (``reconciliation``, ``exceptions_report``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
from xlsxwriter.worksheet import Worksheet

from case_closure.domain.money import CREDITORS_SAID, STATUSES_SAID, pounds
from case_closure.domain.payments import SOURCES_SAID, WAITING
from case_closure.domain.payments import STATUSES_SAID as PAYMENTS_SAID
from case_closure.outbound.workbook import PALE, Book, Column, plain

Row = dict[str, Any]
Money = Mapping[str, pa.Table]
"""What ``store.outstanding.as_of`` gives."""

_FIGURES = ("posted_pence", "corrected_pence", "allocated_pence", "outstanding_pence")
_GOOD, _BAD = "#DCEFDC", "#F8D7D3"
_REASONS_SAID = {
    "ERROR": "an error", "CHANGE_OF_CIRCUMSTANCES": "a change of circumstances", "APPEAL": "an appeal",
    "OFFLINE_REPORT": "an offline report", "WRITE_OFF": "a write-off that the receiving parent confirmed",
}  # fmt: skip


def sheet(book: Book, money: Money, on: date) -> None:
    """The sheet: dues by system, creditor and status with what is outstanding; corrections by reason; payments by state."""
    columns = [
        Column("", width=14), Column("", width=24), Column("", width=24), Column("Dues", "whole", 9),
        *(Column(f"{heading}, GBP", "pounds", 16) for heading in ("Posted", "Corrected", "Paid", "Outstanding")),
        Column("Posted + corrected - paid", width=18),
        *(Column(f"{heading}, pence", "pence", 16) for heading in ("Posted", "Corrected", "Paid", "Outstanding")),
    ]  # fmt: skip
    widths = [column.width for column in columns[:9]]
    page = book.sheet("outstanding", [column.width for column in columns])
    book.pages(page)
    row = book.words(page, 0, f"Outstanding as at the end of the night of {on.day} {on:%B %Y}", "title")
    row = book.across(
        page, row,
        "Posted: dues as they mirrored the balances. Corrected: all corrections applied up to then, up and down. Paid: what dues "
        "took of payments. What is outstanding of a due is never below nothing.", widths, "wrapped note",
    )  # fmt: skip
    dues = money["dues"].to_pylist()
    columns[:3] = [Column("CSA system", width=14), Column("Creditor", width=24), Column("Status", width=24)]
    row = book.headings(page, row + 1, columns, 45)
    first = row - 1
    for system in dict.fromkeys(line["csa_system"] for line in dues):
        of_system = [line for line in dues if line["csa_system"] == system]
        for line in of_system:
            creditor, status = line["creditor"], line["arrears_status"]
            named = [system, f"{creditor}: {CREDITORS_SAID[creditor]}", f"{status}: {STATUSES_SAID[status]}"]
            row = _due(book, page, row, columns, named, line)
        row = _due(book, page, row, columns, [system, "all", "all"], _added(of_system), bold=True)
    row = _due(book, page, row, columns, ["All", "all", "all"], _added(dues), bold=True)
    row = _corrections(book, page, row + 1, widths, money)
    row = _payments(book, page, row + 1, widths, money)
    book.end_pages(page, row, widths, repeated=first if len(dues) > 20 else None)


def _added(lines: Iterable[Row]) -> Row:
    lines = list(lines)
    return {name: sum(plain(line[name]) for line in lines) for name in ("rows", *_FIGURES)}


def _due(
    book: Book, page: Worksheet, row: int, columns: list[Column], named: list[str], line: Row, *, bold: bool = False
) -> int:  # fmt: skip
    figures = [plain(line[name]) for name in _FIGURES]
    posted, corrected, allocated, outstanding = figures
    out = posted + corrected - allocated - outstanding
    said = f"OUT by {pounds(out)}" if out else "OUT: below nothing" if outstanding < 0 else "ties"
    place = len(named) + 1 + len(figures)
    fills = dict.fromkeys(range(place), PALE) if bold else {}
    fills[place] = _GOOD if said == "ties" else _BAD
    return book.row(
        page, row, columns, [*named, line["rows"], *figures, said, *figures], bold=bold, fills=fills
    )


def _corrections(book: Book, page: Worksheet, row: int, widths: list[float], money: Money) -> int:
    lines = money["corrections"].to_pylist()
    book.together(page, row, 50 + 28 * min(len(lines) + 1, 5))
    row = book.words(page, row, "Corrections, by reason and what became of them", "section")
    columns = [
        Column("Became", width=widths[0]), Column("Reason", width=widths[1]), Column("", width=widths[2]),
        Column("Rows", "whole"), Column("Raised dues by, GBP", "pounds"), Column("Lowered dues by, GBP", "pounds"),
        Column("That night", "whole"),
    ]  # fmt: skip
    row = book.headings(page, row, columns, 30)
    for line in lines:
        reason = line["reason"] or "(none)"
        values = [
            line["status"],
            reason,
            f"after {_REASONS_SAID[reason]}" if reason in _REASONS_SAID else None,
        ]
        values += [line["rows"], line["up_pence"], line["down_pence"], line["tonight"]]
        row = book.row(page, row, columns, [plain(v) if i > 2 else v for i, v in enumerate(values)])
    return row if lines else book.words(page, row, "None came.", "note")


def _payments(book: Book, page: Worksheet, row: int, widths: list[float], money: Money) -> int:
    lines = _in_order(money)
    book.together(page, row, 50 + 28 * min(len(lines) + 1, 5))
    row = book.words(page, row, "Payments, by where they stand", "section")
    columns = [
        Column("Source", width=widths[0]), Column("Stands", width=widths[1]), Column("", width=widths[2]),
        Column("Payments", "whole"), Column("Received, GBP", "pounds"), Column("Paid to dues, GBP", "pounds"),
        Column("Not paid to dues, GBP", "pounds"), Column("Oldest, days", "whole"), Column("Received that night", "whole"),
    ]  # fmt: skip
    row = book.headings(page, row, columns, 30)
    for line in lines:
        amount, allocated = plain(line["amount_pence"]), plain(line["allocated_pence"])
        named = [
            f"{line['source']}: {SOURCES_SAID[line['source']]}",
            line["status"],
            PAYMENTS_SAID[line["status"]],
        ]
        figures = [line["rows"], amount, allocated, amount - allocated, line["oldest_days"], line["tonight"]]
        row = book.row(page, row, columns, [*named, *figures])
    return row if lines else book.words(page, row, "None came.", "note")


def _in_order(money: Money) -> list[Row]:
    """Payments by state, those that wait first."""
    order = list(PAYMENTS_SAID)
    return sorted(
        money["payments"].to_pylist(), key=lambda line: (order.index(line["status"]), line["source"])
    )


def waiting(money: Money) -> list[Row]:
    """What of payments waits, by state and source: ``named``, ``says``, ``rows``, ``oldest_days``, ``pence``."""
    return [
        {
            "named": f"{line['source']} {line['status']}", "says": PAYMENTS_SAID[line["status"]], "rows": plain(line["rows"]),
            "oldest_days": plain(line["oldest_days"]), "pence": plain(line["amount_pence"]),
        }
        for line in _in_order(money) if line["status"] in WAITING
    ]  # fmt: skip


def told(money: Money) -> list[str]:
    """Corrections, payments and what is outstanding, a sentence each, for whoever reads the exceptions report."""
    corrections, payments = money["corrections"].to_pylist(), money["payments"].to_pylist()
    total = _added(money["dues"].to_pylist())

    def count(lines: list[Row], name: str, **which: str) -> int:
        return sum(plain(line[name]) for line in lines if which.items() <= line.items())

    return [
        f"Corrections: {count(corrections, 'tonight', status='APPLIED'):,} applied tonight; "
        f"{count(corrections, 'rows', status='REFUSED'):,} refused up to now.",
        f"Payments: {count(payments, 'tonight'):,} received tonight; {pounds(total['allocated_pence'])} GBP have gone to dues.",
        f"Outstanding on {total['rows']:,} dues: {pounds(total['outstanding_pence'])} GBP.",
    ]
