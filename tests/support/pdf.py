"""PDF documents as tests read them: the words of each page, and where each run of glyphs stands.

Belongs here: reading a PDF. Does not belong here: what ought to be in it.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass, replace
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.generic import TextStringObject

_MM = 72 / 25.4
# In mm: how far apart the end of one run and the beginning of the next may be.
_JOINING = 0.005


# A test looks at a document and at the one that it is to be like, page after page.
@functools.lru_cache(maxsize=4)
def reader(pdf: bytes) -> tuple[PageObject, ...]:
    """The pages themselves."""
    return tuple(PdfReader(io.BytesIO(pdf)).pages)


def pages(pdf: bytes) -> list[str]:
    """The words of each page on one line: no-break spaces as spaces, break opportunities gone."""
    return list(_words(pdf))


@functools.lru_cache(maxsize=4)
def _words(pdf: bytes) -> tuple[str, ...]:
    return tuple(
        " ".join(page.extract_text().replace("\u00a0", " ").replace("\u200b", "").split())
        for page in reader(pdf)
    )


class _Forms:
    """Where a page draws the forms whose content is being looked at: pypdf tells of what is in one as if it stood alone."""

    def __init__(self) -> None:
        self._drawn: list[list[float]] = []
        self._begins: list[float] | None = None

    def before(self, operator: bytes, cm: list[float]) -> None:
        """To be told of each operation before it."""
        if self._begins is not None:
            self._drawn.append(self._begins)
        self._begins = self.placed(cm) if operator == b"Do" else None

    def after(self, operator: bytes, *_: Any) -> None:
        """To be told of each operation after it."""
        if operator == b"Do":
            if self._begins is None:
                self._drawn.pop()
            self._begins = None

    def placed(self, cm: list[float]) -> list[float]:
        """The matrix as the page has it."""
        if not self._drawn:
            return list(cm)
        a, b, c, d, e, f = cm
        at = self._drawn[-1]
        return [
            a * at[0] + b * at[2], a * at[1] + b * at[3], c * at[0] + d * at[2], c * at[1] + d * at[3],
            e * at[0] + f * at[2] + at[4], e * at[1] + f * at[3] + at[5],
        ]  # fmt: skip


@dataclass(frozen=True)
class Run:
    """Glyphs of one font that join: from left to right edge and their baseline, mm from the page's left and top."""

    left: float
    right: float
    down: float
    points: float
    font: str


def ink(pdf: bytes, number: int = 0) -> list[Run]:
    """Every run of glyphs of a page, by the widths of its own fonts, however many goes it was set in."""
    page = reader(pdf)[number]
    height = float(page.mediabox.height)
    listed = {name: font.get_object() for name, font in page["/Resources"]["/Font"].items()}  # type: ignore[index]
    fonts = {name: _widths(one) for name, one in listed.items()}
    called = {name: str(one["/BaseFont"]).partition("+")[2] for name, one in listed.items()}
    found: list[Run] = []
    font, size = "", 0.0
    forms = _Forms()

    def look(operator: bytes, operands: Any, cm: list[float], tm: list[float]) -> None:
        nonlocal font, size
        forms.before(operator, cm)
        cm = forms.placed(cm)
        if operator == b"Tf":
            font, size = operands[0], float(operands[1])
        elif operator in (b"Tj", b"TJ"):
            items = operands[0] if operator == b"TJ" else operands
            width = sum(_width(item, fonts[font]) for item in items) / 1000 * size
            across = [_across(tm[4], tm, cm), _across(tm[4] + tm[0] * width, tm, cm)]
            down = height - (cm[1] * tm[4] + cm[3] * tm[5] + cm[5])
            points = abs(size * tm[0] * cm[0])
            found.append(Run(min(across) / _MM, max(across) / _MM, down / _MM, points, called[font]))
            if len(found) > 1 and _join(*found[-2:]):
                found[-2:] = [replace(found[-2], right=found[-1].right)]

    page.extract_text(visitor_operand_before=look, visitor_operand_after=forms.after)
    assert found, "the page has no text"
    return found


def _join(one: Run, other: Run) -> bool:
    apart = max(abs(one.down - other.down), abs(one.right - other.left))
    return (one.points, one.font) == (other.points, other.font) and apart < _JOINING


# Where GOV.UK Notify looks for an address, mm from the page's left and top: its window and three more on each side.
_WINDOW = (21.6, 123.0, 36.5, 69.3)


def in_window(pdf: bytes, number: int = 0) -> list[str]:
    """The lines that stand where Notify looks for the address, from the top."""
    page = reader(pdf)[number]
    height = float(page.mediabox.height)
    found: dict[float, str] = {}
    forms = _Forms()

    def look(text: str, cm: list[float], tm: list[float], *_: Any) -> None:
        cm = forms.placed(cm)
        left = (cm[0] * tm[4] + cm[2] * tm[5] + cm[4]) / _MM
        down = (height - (cm[1] * tm[4] + cm[3] * tm[5] + cm[5])) / _MM
        if text.strip() and _WINDOW[0] <= left <= _WINDOW[1] and _WINDOW[2] <= down <= _WINDOW[3]:
            found[round(down, 1)] = found.get(round(down, 1), "") + text.replace("\n", "")

    page.extract_text(
        visitor_text=look,
        visitor_operand_before=lambda operator, _, cm, __: forms.before(operator, cm),
        visitor_operand_after=forms.after,
    )
    return [found[down] for down in sorted(found)]


def _across(x: float, tm: list[float], cm: list[float]) -> float:
    return cm[0] * x + cm[2] * tm[5] + cm[4]


def _widths(font: Any) -> dict[int, float]:
    """Width of each glyph, in thousandths of the size."""
    listed = list(font["/DescendantFonts"][0].get_object()["/W"])
    found: dict[int, float] = {}
    while listed:
        first, second = int(listed[0]), listed[1]
        if isinstance(second, list):
            found |= {first + place: float(width) for place, width in enumerate(second)}
            listed = listed[2:]
        else:
            found |= dict.fromkeys(range(first, int(second) + 1), float(listed[2]))
            listed = listed[3:]
    return found


def _width(item: Any, widths: dict[int, float]) -> float:
    if isinstance(item, int | float):
        return -float(item)
    raw = item.original_bytes if isinstance(item, TextStringObject) else bytes(item)
    codes = [int.from_bytes(raw[place : place + 2], "big") for place in range(0, len(raw), 2)]
    return sum(widths.get(code, 0.0) for code in codes)
