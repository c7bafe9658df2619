"""Pictures of figures: where the bars and lines of an SVG stand. Drawn on the server, read without them too.

Belongs here: geometry, in whole units, from int64 pence. Does not belong here: colours (the style), words (the templates).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_HEIGHT = 200


@dataclass(frozen=True)
class Bar:
    """A bar of a bridge: ``top`` and ``height`` in units of the picture, from its top; ``fill``: the style's number."""

    name: str
    pence: int
    top: int
    height: int
    fill: int


def draw_bridge(night: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[Bar]:
    """Pounds held before the night, what came, what was posted, what else went or was replaced, and what is held after it.

    What is held after it is what was held before and came, less what was posted; the fourth bar is what that leaves: credits, and
    balances that took the place of earlier ones.
    """
    held_before = int(before["held_pence"]) if before else 0
    came, posted, held = int(night["received_pence"]), int(night["posted_pence"]), int(night["held_pence"])
    other = held - (held_before + came - posted)
    steps = [
        ("Held before", 0, held_before, 6),
        ("Received", held_before, held_before + came, 1),
        ("Posted", held_before + came, held_before + came - posted, 2),
        ("Credits, replaced", held_before + came - posted, held, 4),
        ("Held after", 0, held, 3),
    ]
    lowest = min(0, *(min(start, end) for _, start, end, _ in steps))
    highest = max(1, *(max(start, end) for _, start, end, _ in steps))
    pence = {
        "Held before": held_before,
        "Received": came,
        "Posted": -posted,
        "Credits, replaced": other,
        "Held after": held,
    }
    return [
        Bar(
            name, pence[name],
            top=_place(max(start, end), lowest, highest),
            height=max(1, _place(min(start, end), lowest, highest) - _place(max(start, end), lowest, highest)), fill=fill,
        )
        for name, start, end, fill in steps
    ]  # fmt: skip


def _place(value: int, lowest: int, highest: int) -> int:
    return (highest - value) * _HEIGHT // (highest - lowest)


def draw_line(values: Sequence[int | None], width: int, height: int, most: int) -> str:
    """The points of a polyline for these values side by side; those that are nothing are left out."""
    step = width / max(1, len(values) - 1)
    return " ".join(
        f"{round(place * step)},{height - value * height // max(1, most)}"
        for place, value in enumerate(values)
        if value is not None
    )


@dataclass(frozen=True)
class Column:
    """A bar that stands by itself on the line of nothing; ``top``, ``height``, ``fill`` as of a :class:`Bar`."""

    name: str
    pence: int
    top: int
    height: int
    fill: int


def draw_bars(figures: Sequence[tuple[str, int, int]]) -> list[Column]:
    """Amounts beside each other: name, pence, the style's number. Those below nothing hang."""
    lowest = min([0, *(pence for _, pence, _ in figures)])
    highest = max([1, *(pence for _, pence, _ in figures)])
    columns = []
    for name, pence, fill in figures:
        top, bottom = _place(max(pence, 0), lowest, highest), _place(min(pence, 0), lowest, highest)
        columns.append(Column(name, pence, top, max(1, bottom - top), fill))
    return columns


@dataclass(frozen=True)
class Part:
    """A stretch of a band that lies: its name, how many it is, where it begins and how wide it is, and its ``fill``."""

    name: str
    count: int
    left: int
    width: int
    fill: int


def draw_band(parts: Sequence[tuple[str, int, int]], whole: int, width: int) -> list[Part]:
    """How a whole is made up, from left to right; a part that is there is seen, however small."""
    drawn, so_far = [], 0
    for name, count, fill in parts:
        left = so_far * width // max(1, whole)
        so_far += count
        right = so_far * width // max(1, whole)
        if count:
            drawn.append(Part(name, count, left, max(1, right - left), fill))
    return drawn
