"""Letters as bare text, for nights whose documents nobody looks at: the typesetter is a process more to start, for every night.

Belongs here: what stands in for the typesetters. Does not belong here: letters that are looked at (`tests.support.pdf`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from case_closure.outbound.letters.typesetting import Pages


class PlainTypesetters:
    """Each letter one page, and its content what is on it."""

    def __init__(self, count: int) -> None: ...

    def __enter__(self) -> PlainTypesetters:
        return self

    def __exit__(self, *_: object) -> None: ...

    def pdf(self, contents: Sequence[str], on: date, path: Path) -> Pages:
        path.write_text("\n".join(contents))
        return Pages(tuple(range(1, len(contents) + 1)), (1,) * len(contents))
