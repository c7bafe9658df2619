"""The payments files: CSV with a header, data lines and a trailer (B59).

Belongs here: the lines of such a file, its trailer, exact pounds. Does not belong here: whether a payment is
good or whose it is; a line that makes no sense is still a row, for the gates to judge.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

import pyarrow as pa

from case_closure.domain.money import POUNDS
from case_closure.landing.normalising import (
    LONGEST_VALUE,
    MOST_BYTES,
    too_long_a_value,
    without_control_characters,
)
from case_closure.landing.paths import PathLike, open_regular
from case_closure.landing.rejection import SEND_AGAIN, Problem, Unreadable
from case_closure.tables.landed import FILES

COLUMNS = FILES["csa_payments"].column_names
HEADER = ",".join(COLUMNS)
TRAILER = "TRAILER,<rows>,<total in pounds>"

_TRAILER_TOTAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]{1,2}))?")

_LONGEST_LINE = len(COLUMNS) * (MOST_BYTES + 100)  # of one record, in bytes
csv.field_size_limit(LONGEST_VALUE)


def parse_trailer_total(text: str) -> int | None:
    """As ``domain.money.parse_pounds``, of any size, and the decimals of a round sum may be left out."""
    return _pence(_TRAILER_TOTAL, text)


def pounds_text(pence: int) -> str:
    """15518 -> '155.18': pounds as a payments file writes them."""
    whole, part = divmod(abs(pence), 100)
    return f"{'-' if pence < 0 else ''}{whole}.{part:02d}"


def _pence(pattern: re.Pattern[str], text: str | None) -> int | None:
    match = pattern.fullmatch(text) if text is not None and len(text) <= 40 else None
    if match is None:
        return None
    sign, whole, part = match.groups()
    pence = int(whole) * 100 + int((part or "0").ljust(2, "0"))
    return -pence if sign else pence


@dataclass
class PaymentsFile:
    """One pass over a payments file; `header`, `rows`, `trailer` and the totals are whole once `lines` is
    used up.

    `total_pence` sums every well-formed value, `positive_pence` those above zero: a value of zero or less is
    a bad row, and a sender may count it or not. `trailer` is None when the last line is not one.
    """

    path: PathLike
    header: tuple[str, ...] = ()
    rows: int = 0
    total_pence: int = 0
    positive_pence: int = 0
    trailer: tuple[str, ...] | None = None
    _open: int = field(default=0, repr=False)  # bytes read of the record that is not ended

    def lines(self) -> Iterator[tuple[str | None, ...]]:
        """The data lines, in contract order; an empty field is None.

        A line too short ends in None; one too long keeps the surplus in its last field, so that nothing is
        lost and its value is not taken for good. Raises Unreadable for bytes that are not UTF-8, naming the
        line.
        """
        records = self._records()
        self.header = tuple(next(records, []))
        place = [self.header.index(name) if name in self.header else None for name in COLUMNS]
        for fields in self._but_trailer(records):
            self.rows += 1
            if len(fields) > len(self.header):
                last = len(self.header) - 1
                fields = [*fields[:last], ",".join(fields[last:])]
            line = tuple(fields[at] or None if at is not None and at < len(fields) else None for at in place)
            pence = _pence(POUNDS, line[-1])
            if pence is not None:
                self.total_pence += pence
                self.positive_pence += max(pence, 0)
            yield line

    def _but_trailer(self, records: Iterator[list[str]]) -> Iterator[list[str]]:
        """All records but the last if that is the trailer, and but blank lines after it."""
        last: list[str] = []
        blank = 0  # lines after it; counted, for there may be many
        for fields in records:
            if not any(fields):
                blank += 1
                continue
            if last:
                yield last
            yield from ([] for _ in range(blank))
            last, blank = fields, 0
        if last and last[0] == "TRAILER":
            while len(last) > 1 and not last[-1]:
                last.pop()  # a spreadsheet pads short lines with commas
            self.trailer = tuple(last)
        elif last:
            yield last

    def _records(self) -> Iterator[list[str]]:
        with open_regular(self.path) as source:
            records = csv.reader(self._text_lines(source))
            while True:
                self._open = 0
                try:
                    fields = next(records, None)
                except csv.Error:
                    raise Unreadable(self._too_long(records.line_num)) from None
                if fields is None:
                    return
                yield fields

    def _too_long(self, number: int) -> Problem:
        return replace(too_long_a_value(self.path.name, None), figure=f"line {number}, length")

    def _text_lines(self, source: BinaryIO) -> Iterator[str]:
        for number in itertools.count(1):
            line = source.readline(_LONGEST_LINE - self._open + 1)
            if not line:
                return
            # A quote that is not closed makes one record of many lines.
            self._open += len(line)
            if self._open > _LONGEST_LINE:
                raise Unreadable(self._too_long(number))
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise Unreadable(
                    Problem(
                        self.path.name,
                        f"line {number}",
                        "UTF-8",
                        "bytes that are not UTF-8",
                        advice=SEND_AGAIN,
                    )
                ) from None
            # Before the commas are read: a stray carriage return must not break a line in two.
            yield without_control_characters(text)


def payments_batches(path: PathLike, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """The data lines as record batches of the contract's five text columns."""
    batch: list[tuple[str | None, ...]] = []
    for line in PaymentsFile(path).lines():
        batch.append(line)
        if len(batch) == batch_rows:
            yield _record_batch(batch)
            batch = []
    if batch:
        yield _record_batch(batch)


def _record_batch(lines: list[tuple[str | None, ...]]) -> pa.RecordBatch:
    arrays = [pa.array(column, pa.string()) for column in zip(*lines, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=list(COLUMNS))
