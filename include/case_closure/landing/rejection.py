"""Why a night's folder is turned away (R22), in words for the person who must act.

Belongs here: one problem, and all of them as one error. Does not belong here: finding them (`manifest`,
`reading`).
"""

from __future__ import annotations

from dataclasses import dataclass

from case_closure import refusals
from case_closure.domain.texts import shown

_MOST_SAID = 100  # problems written out one by one: a folder of strange files is not a page for each


@dataclass(frozen=True)
class Problem:
    """One disagreement: which file, which figure of it, what was expected, what was found, what to do next.

    `row`: 1-based data row; `column`: its column; both None when the problem is not about one. Never holds a
    row's value.
    """

    file: str
    figure: str
    expected: str
    found: str
    row: int | None = None
    column: str | None = None
    advice: str = ""

    def __str__(self) -> str:
        where = "".join(
            f", {what} {which}"
            for what, which in (("row", self.row), ("column", self.column))
            if which is not None
        )
        line = f"{self.file}{where}: {self.figure}: expected {self.expected}, found {self.found}."
        return f"{line} {self.advice}".rstrip()


class LandingRejected(refusals.Refused):
    """The folder disagrees with its manifest or the contract: nothing of it may be applied (R22)."""

    def __init__(self, folder: str, problems: list[Problem]) -> None:
        super().__init__(folder, problems)
        self.folder = folder
        self.problems = problems

    def __str__(self) -> str:
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        head = f"Landing folder {shown(self.folder, 400)} is rejected whole, nothing of it was applied (R22); {count}:"
        lines = [f"  {problem}" for problem in self.problems[:_MOST_SAID]]
        more = len(self.problems) - len(lines)
        return "\n".join([head, *lines, *([f"  and {more:,} more of the kind"] if more else [])])


class Unreadable(Exception):
    """Reading a file stopped at this problem; `LandedFile` and `verify` turn it into a LandingRejected."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


SEND_AGAIN = "Ask the sender to extract and land the file again, with a manifest made from it."
