"""Letters as forms: what letters have in common is set once, and what each has of its own is filled in.

Belongs here: which values of a letter are filled in, and which letters are of one form. Does not belong here: setting either
(``typesetting``, ``templates``), putting values where a form has a blank (``composing``).

Two letters are of one form when they differ in nothing but values that stand on a line of their own, or in a sentence that has
room for them: names, addresses, references, amounts, dates. In the form such a value is a blank: one character of Unicode's
private use area, which says which of the letter's values belongs there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

_FIRST_BLANK = 0xE000
_A_BLANK = re.compile("[\ue000-\uf8ff]")
_MOST_BLANKS = 6_000


@dataclass(frozen=True)
class Field:
    """How the templates set a value: in which weights, and how wide it may be before the line it stands on could break."""

    bold: tuple[bool, ...]
    room_mm: float
    # What the templates put before it, which a blank takes in.
    before: str = ""


@dataclass(frozen=True)
class Sheet:
    """A letter, or the copy behind one: its form, and what is filled in, blank by blank."""

    letter: dict[str, Any]
    form: str
    values: Sequence[tuple[str, Field]] = ()

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
class Gathered:
    """Sheets with what they have in common once.

    values: each text once, those of the usual weight and those in bold. filled: of each sheet the number of its form, and what
    is for its blanks.
    """

    forms: list[str]
    values: tuple[list[str], list[str]]
    filled: list[tuple[int, list[Fit]]]


def gather(sheets: Sequence[Sheet]) -> Gathered:
    """The forms of some sheets and the values they are filled in with, each once, in the order in which they come."""
    forms: dict[str, int] = {}
    values: tuple[dict[str, int], dict[str, int]] = {}, {}
    fits: dict[tuple[str, Field], Fit] = {}
    for sheet in sheets:
        forms.setdefault(sheet.form, len(forms))
        for text, how in sheet.values:
            if (text, how) not in fits:
                places = ((bold, values[bold].setdefault(text, len(values[bold]))) for bold in how.bold)
                fits[text, how] = Fit(tuple(places), how.room_mm)
    filled = [(forms[sheet.form], [fits[value] for value in sheet.values]) for sheet in sheets]
    plain, bold = map(list, values)
    return Gathered(list(forms), (plain, bold), filled)


_PLAIN, _BOLD, _BOTH = (False,), (True,), (False, True)
_AMOUNT = Field(_BOLD, 30)
# Of a letter, of each of its cases, and of each bucket of these.
_OF_ANY = {"ref": Field(_BOTH, 45), "dear": Field(_PLAIN, 150)}
_OF_MOST = {**_OF_ANY, "case": Field(_BOLD, 65)}
_OF_ARREARS = {**_OF_MOST, "total": _AMOUNT, "now": _AMOUNT}
_OF_CASE = {
    "case": Field(_BOLD, 65), "since": Field(_BOLD, 40), "until": Field(_BOLD, 40),
    **dict.fromkeys(("receiver-total", "government-total", "total"), Field(_BOLD, 30, "£")),
}  # fmt: skip
_OF_BUCKET = {"pounds": Field(_PLAIN, 30, "£")}
_ADDRESS_LINE = Field(_PLAIN, 94)
_WITH_ARREARS = ("CMSL6301", "CMSL6302")
# Its case number and its amounts stand in a paragraph whose lines break.
_TO_BE_SIGNED = "CMSL6300"


def sheets(content: dict[str, Any]) -> list[Sheet]:
    """A letter as ``contents`` makes it, and the copy behind it, if it covers one."""
    made = []
    letter: dict[str, Any] | None = content
    while letter is not None:
        alone = _plain({**letter, "copy": None, "is-copy": letter is not content})
        # One that was kept before letters said so much is set as it is: the templates take one value of it for another.
        made.append(_opened(alone) if "by" in letter else Sheet(alone, _json(alone)))
        letter = letter["copy"]
    return made


def _json(letter: dict[str, Any]) -> str:
    return json.dumps(letter, ensure_ascii=False, separators=(",", ":"))


def _plain(letter: dict[str, Any]) -> dict[str, Any]:
    """The letter without what would be taken for a blank; no font has a letter for it."""
    text = _json(letter)
    if not _A_BLANK.search(text):
        return letter
    plain: dict[str, Any] = json.loads(_A_BLANK.sub("\ufffd", text))
    return plain


@dataclass
class _Opening:
    """A letter that is being opened: what its blanks stand for, in order."""

    values: list[tuple[str, Field]] = field(default_factory=list)

    def blank(self, text: str | None, how: Field) -> str | None:
        """The blank in which a text goes that is one line; what is not stays where it is."""
        if not text or len(text.splitlines()) > 1 or len(self.values) > _MOST_BLANKS:
            return text
        self.values.append((how.before + text, how))
        return chr(_FIRST_BLANK + len(self.values) - 1)

    def of(self, row: dict[str, Any], fields: dict[str, Field]) -> dict[str, Any]:
        return {
            name: self.blank(value, fields[name]) if name in fields else value for name, value in row.items()
        }


def _opened(letter: dict[str, Any]) -> Sheet:
    opening = _Opening()
    with_arrears = letter["code"] in _WITH_ARREARS
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
        for side in ("receiver", "government"):
            form[side] = [opening.of(bucket, _OF_BUCKET) for bucket in case[side]]
        yield form
