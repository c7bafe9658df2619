"""A row of the bench's table, the arithmetic behind it, and the table as Markdown.

Belongs here: ratios, medians, the exponent, met or missed, words for a page. Does not belong here: measuring.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- written by python -m bench: begin -->", "<!-- end -->"


@dataclass(frozen=True)
class Row:
    """One figure. ``value`` is what is held against ``goal`` (at most), in ``unit``; without a goal it is only told.

    ``ours`` and ``floor`` are seconds where the value is the ratio of two times, else None.
    """

    figure: str
    value: float
    unit: str = "x"
    goal: float | None = None
    ours: float | None = None
    floor: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None when there is none. What is not a number meets nothing."""
        return None if self.goal is None else self.value <= self.goal


def compared(figure: str, ours: Sequence[float], floor: Sequence[float], goal: float | None = None) -> Row:
    """The row of a ratio measured several times: the median of the ratios of each pair, and the medians of the times.

    Pairs, because both of a pair are measured one right after the other on a machine that may be busier the next minute.
    Raises ValueError when there is not one floor for each of ours.
    """
    ratios = [mine / theirs for mine, theirs in zip(ours, floor, strict=True)]
    return Row(
        figure, statistics.median(ratios), goal=goal, ours=statistics.median(ours), floor=statistics.median(floor)
    )  # fmt: skip


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """The k of cost = c * size^k, by least squares on the logarithms. Raises ValueError for fewer than two sizes."""
    if len(set(sizes)) < 2:
        raise ValueError(f"an exponent needs at least two sizes, not {list(sizes)}")
    across, up = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    return statistics.linear_regression(across, up).slope


def missed(rows: Sequence[Row]) -> list[Row]:
    """The rows whose goal is missed."""
    return [row for row in rows if row.met is False]


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    head = ["| figure | ours | floor | measured | goal | |", "| --- | ---: | ---: | ---: | ---: | --- |"]
    return "\n".join([*head, *map(line, rows)])


def line(row: Row) -> str:
    """A row as a line of that table."""
    return (
        f"| {row.figure} | {_seconds(row.ours)} | {_seconds(row.floor)} | {_amount(row.value, row.unit)} | "
        f"{'' if row.goal is None else f'at most {_amount(row.goal, row.unit)}'} | {_MET[row.met]} |"
    )


_MET = {None: "", True: "met", False: "**missed**"}


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f} s"


def _amount(value: float, unit: str) -> str:
    return f"n^{value:.2f}" if unit == "n^" else f"{value:,.2f} {unit}"


def write_into(page: Path, text: str) -> None:
    """Put ``text`` between the page's two marks. Raises ValueError when they are not there."""
    content = page.read_text(encoding="utf-8")
    head, begun, rest = content.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"{page}: expected the lines '{BEGIN}' and '{END}', to write the table between them")
    page.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")
