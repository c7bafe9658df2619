"""Letters as forms: what letters have in common is set once, and what each has of its own is filled in.

Belongs here: which values of a letter are filled in, and which letters are of one form. Does not belong here: setting either
(``typesetting``, ``templates``), putting values where a form has a blank (``composing``).

Two letters are of one form when they differ in nothing but values that stand on a line of their own, or in a sentence that has
room for them: names, addresses, references, amounts, dates, what an amount is. In the form such a value is a blank: one character
of Unicode's private use area, which says which of the letter's values belongs there; the last one is a page's number.
"""

from __future__ import annotations

import functools
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FIRST_BLANK = 0xE000
_A_BLANK = re.compile("[\ue000-\uf8ff]")
_MOST_BLANKS = 6_000
# A text of so many characters a millimetre of its room will hardly have it: it stays where it is, or its letter is set twice.
_CHARACTERS_A_MM = 0.7
# The blank of a page's number (``templates/frame.typ``), and of how many pages a letter may be that is filled in with them.
PAGE_BLANK = 0xF8FF - _FIRST_BLANK
_MOST_PAGES = 6
_CASES_OF_A_SECOND_PAGE = 3
_LANGUAGES = Path(__file__).parent / "lang"


@dataclass(frozen=True, eq=False)
class Field:
    """How the templates set a value: in which weights, and how wide it may be before the line it stands on could break.

    There are a dozen, each itself alone: the values of letters are looked up by them, thousands a second.
    """

    bold: tuple[bool, ...]
    room_mm: float
    # What the templates put before it, which a blank takes in.
    before: str = ""
    # Whether nothing else has a blank on its lines, so that it may stay where it is.
    alone: bool = False


@dataclass(frozen=True)
class Sheet:
    """A letter, or the copy behind one: its form, and what is filled in, blank by blank."""

    letter: dict[str, Any]
    form: str
    values: Sequence[tuple[str, Field]] = ()

    @property
    def is_long(self) -> bool:
        """Whether it will have more than a page."""
        return len(self.letter.get("cases", ())) >= _CASES_OF_A_SECOND_PAGE

    @property
    def closed(self) -> Sheet:
        """The letter with its values in it, as a form that no other has."""
        return Sheet(self.letter, _json(self.letter))


@dataclass(frozen=True)
class Fit:
    """What a blank may be filled in with: a value as it stands in each list of them that has it, and its room."""

    values: tuple[tuple[bool, int], ...]
    room_mm: float


@dataclass(frozen=True)
class Filled:
    """A sheet by the number of its form, what is for its blanks, and what for the number of a page, by page and pages."""

    form: int
    values: Sequence[Fit]
    pages: Mapping[tuple[int, int], Fit]


@dataclass(frozen=True)
class Gathered:
    """Sheets with what they have in common once. values: each text once, those of the usual weight and those in bold."""

    forms: list[str]
    values: tuple[list[str], list[str]]
    filled: list[Filled]


def gather(sheets: Sequence[Sheet], *, numbered: bool = False) -> Gathered:
    """The forms of some sheets and the values they are filled in with, each once, in the order in which they come.

    ``numbered``: with the numbers that their pages may have.
    """
    forms: dict[str, int] = {}
    values: tuple[dict[str, int], dict[str, int]] = {}, {}
    fits: dict[tuple[str, Field], Fit] = {}

    def fit(text: str, how: Field) -> Fit:
        if (text, how) not in fits:
            places = ((bold, values[bold].setdefault(text, len(values[bold]))) for bold in how.bold)
            fits[text, how] = Fit(tuple(places), how.room_mm)
        return fits[text, how]

    @functools.cache
    def pages(language: str) -> dict[tuple[int, int], Fit]:
        return {place: fit(text, _PAGE) for place, text in _page_numbers(language).items()}

    filled = [
        Filled(
            forms.setdefault(sheet.form, len(forms)), [fit(*value) for value in sheet.values],
            pages(sheet.letter["lang"]) if numbered else {},
        )
        for sheet in sheets
    ]  # fmt: skip
    plain, bold = map(list, values)
    return Gathered(list(forms), (plain, bold), filled)


@functools.cache
def _words(language: str) -> dict[str, Any]:
    return tomllib.loads((_LANGUAGES / f"{language}.toml").read_text(encoding="utf-8"))


def _page_numbers(language: str) -> dict[tuple[int, int], str]:
    """What a page says of its place, by which it is of how many."""
    words: str = _words(language)["frame"]["page"]
    return {
        (page, pages): words.format(page=page, pages=pages)
        for pages in range(1, _MOST_PAGES + 1)
        for page in range(1, pages + 1)
    }


@dataclass(frozen=True)
class _Arrears:
    """What the templates read of each case of a letter about arrears: its own values, and its buckets in lists.

    words: which words of the language say what an amount is. lists: by their names, whose buckets are in them.
    """

    words: str
    values: tuple[str, ...]
    lists: dict[str, tuple[str, ...]]


_ARREARS = {
    "CMSL6300": _Arrears("to-receiver", ("receiver-total",), {"receiver": ("receiver",)}),
    "CMSL6301": _Arrears(
        "to-payer", ("case", "since", "until", "total"), {"owed": ("receiver", "government")}
    ),
    "CMSL6302": _Arrears(
        "to-receiver", ("since", "until", "receiver-total", "government-total"),
        {"receiver": ("receiver",), "government": ("government",)},
    ),
}  # fmt: skip
# Its case number and its amounts stand in a paragraph whose lines break.
_TO_BE_SIGNED = "CMSL6300"

_PLAIN, _BOLD, _BOTH = (False,), (True,), (False, True)
_AMOUNT = Field(_BOLD, 30)
# Of a letter, of each of its cases, and of each bucket of these.
_OF_ANY = {"ref": Field(_BOTH, 45), "dear": Field(_PLAIN, 150)}
_OF_MOST = {**_OF_ANY, "case": Field(_BOLD, 65, alone=True)}
_OF_ARREARS = {**_OF_MOST, "total": _AMOUNT, "now": _AMOUNT}
_OF_CASE = {
    "case": Field(_BOLD, 65), "since": Field(_BOLD, 40), "until": Field(_BOLD, 40),
    **dict.fromkeys(("receiver-total", "government-total", "total"), Field(_BOLD, 30, "£")),
}  # fmt: skip
_OF_BUCKET = {"words": Field(_PLAIN, 120), "pounds": Field(_PLAIN, 30, "£")}
_ADDRESS_LINE = Field(_PLAIN, 94)
_PAGE = Field(_PLAIN, 100)


def sheets(content: str) -> list[Sheet]:
    """A letter as ``contents`` makes it, in JSON, and the copy behind it, if it covers one."""
    made: list[Sheet] = []
    letter: dict[str, Any] | None = _plain(content)
    while letter is not None:
        alone = _told({**letter, "copy": None, "is-copy": bool(made)})
        # One that was kept before letters said so much is set as it is: the templates take one value of it for another.
        made.append(_opened(alone) if "by" in letter else Sheet(alone, _json(alone)))
        letter = letter["copy"]
    return made


def _json(letter: dict[str, Any]) -> str:
    return json.dumps(letter, ensure_ascii=False, separators=(",", ":"))


def _plain(content: str) -> dict[str, Any]:
    """The letter without what would be taken for a blank; no font has a letter for it."""
    if "\\u" in content:
        content = _json(json.loads(content))
    letter: dict[str, Any] = json.loads(_A_BLANK.sub("\ufffd", content))
    return letter


def _told(letter: dict[str, Any]) -> dict[str, Any]:
    """The letter with of each case what the templates read, and in words what each amount of it is."""
    if letter.get("code") not in _ARREARS or not letter.get("cases"):
        return letter
    arrears = _ARREARS[letter["code"]]
    words = _words(letter["lang"])[arrears.words]

    def bucket(of: dict[str, Any]) -> dict[str, Any]:
        said = f"{words['creditor'][of['creditor']]}, {words['status'][of['status']]}"
        return {"words": said, "pounds": of["pounds"]}

    def case(of: dict[str, Any]) -> dict[str, Any]:
        values = {name: of[name] for name in arrears.values if name in of}
        lists = {
            name: [bucket(one) for side in sides for one in of[side]] for name, sides in arrears.lists.items()
        }
        return values | lists

    return {**letter, "cases": [case(one) for one in letter["cases"]]}


@dataclass
class _Opening:
    """A letter that is being opened: what its blanks stand for, in order."""

    values: list[tuple[str, Field]] = field(default_factory=list)

    def blank(self, text: str | None, how: Field) -> str | None:
        """The blank in which a text goes that is one line; what is not stays where it is."""
        if (
            not text
            or (how.alone and len(text) > how.room_mm * _CHARACTERS_A_MM)
            or len(text.splitlines()) > 1
            or len(self.values) > _MOST_BLANKS
        ):
            return text
        self.values.append((how.before + text, how))
        return chr(_FIRST_BLANK + len(self.values) - 1)

    def of(self, row: dict[str, Any], fields: dict[str, Field]) -> dict[str, Any]:
        return {
            name: self.blank(value, fields[name]) if name in fields else value for name, value in row.items()
        }


def _opened(letter: dict[str, Any]) -> Sheet:
    opening = _Opening()
    with_arrears = letter["code"] in _ARREARS and letter["code"] != _TO_BE_SIGNED
    fields = _OF_ARREARS if with_arrears else _OF_ANY if letter["code"] == _TO_BE_SIGNED else _OF_MOST
    form = opening.of(letter, fields)
    # The number by which it is known here is nowhere on it.
    form["id"] = ""
    form["to"] = [opening.blank(line, _ADDRESS_LINE) for line in letter["to"]]
    if with_arrears:
        form["cases"] = list(_cases(opening, letter["cases"]))
    return Sheet(letter, _json(form), opening.values)


def _cases(opening: _Opening, cases: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for case in cases:
        form = opening.of(case, _OF_CASE)
        yield {
            name: [opening.of(bucket, _OF_BUCKET) for bucket in value] if isinstance(value, list) else value
            for name, value in form.items()
        }
