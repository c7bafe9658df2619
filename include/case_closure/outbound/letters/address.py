"""An address as it stands in the envelope's window: at most seven lines, each of which GOV.UK Notify takes.

Belongs here: which lines an address has, where they are broken, how large they are set. Does not belong here: whether it is valid
(``domain.addresses``), where the window is (``templates``).

The lines are broken here and not by the typesetter, because Notify counts them on the page and refuses more than seven.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, Final, NamedTuple

from case_closure.domain import countries

MOST_LINES: Final = 7
# A longer line is no name of anybody's: what passes is cut, so that a hostile one cannot fill pages.
LONGEST_LINE: Final = 100
# The window's width in points, less one for rounding.
_WINDOW: Final = 265
# Sizes in points, the first that fits; the second says whether lines may be run together. Below six nobody reads it.
_SIZES: Final = ((10, False), (9, False), (8, False), (8, True), (7, False), (7, True), (6, True))
_SMALLEST: Final = 6
# Notify takes no line that begins with one of these.
_BARRED: Final = '@()=[]"\\/,<>~'
_CLOSES: Final = {"(": ")", "[": "]", '"': '"', "<": ">"}
_UK_POSTCODE: Final = re.compile(r"[A-Za-z]{1,2}[0-9]")
_BFPO: Final = re.compile(r"bfpo\s*(?:c/o)?\s*\d+", re.IGNORECASE)
# How wide a letter of the letters' font is at most, beside itself too, in hundredths of its size; others are as wide as the
# widest.
_WIDTHS: Final = {
    letter: width
    for letters, width in (
        ("'", 20), (",.:; |", 25), ("!()I\\fijl{}", 30), ('"-/Jt', 35), ("*[]`rs", 40), ("?cz~", 45),
        ("#$0123456789FS_abegx", 50), ("+<=>LP^dhknopquvy", 55), ("BERY", 60),
        ("%CKTZ", 65), ("AGNUVX", 70), ("&DHOQ", 75), ("mw", 80), ("M", 85), ("@", 90),
    )
    for letter in letters
}  # fmt: skip
_WIDEST: Final = 100
# So many letters fit the window in the usual size whatever they are, and need no measuring.
_ANY_FITS: Final = _WINDOW * 100 // _SIZES[0][0] // _WIDEST


class Address(NamedTuple):
    """Who it goes to, the lines between, and the last ones, which stay lines of their own: the post sorts by them."""

    name: str
    between: tuple[str, ...]
    last: tuple[str, ...]


def of_client(client: Mapping[Any, Any], name: str) -> Address:
    """A client's own address, from address_line_1 to 4, postcode and country."""
    between = [client[f"address_line_{number}"] for number in range(1, 5)]
    country, postcode = text(client["country"]), text(client["postcode"])
    return _address(name, between, postcode, countries.line(country))


def of_representative(client: Mapping[Any, Any]) -> Address:
    """The client's representative's address; it has no country."""
    between = [client[f"representative_address_line_{number}"] for number in range(1, 5)]
    return _address(client["representative_name"], between, text(client["representative_postcode"]), "")


def _address(name: Any, between: Iterable[Any], postcode: str, country: str) -> Address:
    lines = [line for line in map(_line, between) if line]
    forces = next(filter(_BFPO.fullmatch, lines), "")
    if forces:
        # The forces' post has no country, wherever they are, and Notify takes none with it.
        lines.remove(forces)
        last = [forces, "" if country and not _UK_POSTCODE.match(postcode) else _spaced(postcode)]
    elif not country:
        last = [_spaced(postcode)]
    elif countries.whereabouts(country) is countries.Whereabouts.ISLANDS:
        # Overseas, and sorted by the postcode, which so must stay a line of its own.
        last = [_spaced(postcode), country]
    else:
        lines, last = [*lines, _line(postcode)], [country]
    return Address(
        _line(name), tuple(filter(None, lines)), tuple(line[:LONGEST_LINE] for line in last if line)
    )


def in_window(address: Address) -> tuple[list[str], int]:
    """The lines as they are to be printed, and their size in points: as large as lets them be seven at most.

    A long line is broken and goes on in the next. Where that makes too many, those between the name and the last are run
    together, with commas; where even that does in the smallest size, the end of them is cut.
    """
    plain = [line for line in (address.name, *address.between, *address.last) if line]
    if len(plain) <= MOST_LINES and max(map(len, plain), default=0) <= _ANY_FITS:
        return plain, _SIZES[0][0]
    for points, together in _SIZES:
        lines = list(chain.from_iterable(_broken(address, points, together)))
        if len(lines) <= MOST_LINES:
            return lines, points
    name, between, _ = _broken(address, _SMALLEST, together=True)
    name = name[:2]
    last = [_wrapped(line, _WINDOW * 100 // _SMALLEST)[0] for line in address.last]
    cut = between[: MOST_LINES - len(name) - len(last)]
    if len(cut) < len(between):
        cut[-1] = cut[-1][:-1].rstrip(" ,") + "…"
    return [*name, *cut, *last], _SMALLEST


def _broken(address: Address, points: int, together: bool) -> tuple[list[str], list[str], list[str]]:
    between = [", ".join(address.between)] if together and address.between else address.between
    most = _WINDOW * 100 // points

    def broken(lines: Iterable[str]) -> list[str]:
        return list(chain.from_iterable(_wrapped(line, most) for line in lines))

    return broken([address.name] if address.name else []), broken(between), broken(address.last)


def _wrapped(line: str, most: int) -> list[str]:
    """The line in pieces of at most that width, broken at spaces, behind hyphens, and within a word that is wider than a line."""
    if width(line) <= most:
        return [line]
    pieces = [""]
    for word in re.findall(r"\s*[^\s-]*-*", line):
        longer = pieces[-1] + word
        if width(longer) <= most:
            pieces[-1] = longer
            continue
        # What would begin a line with what no line may begin with goes without it.
        word = word.strip().lstrip(_BARRED)
        while width(word) > most:
            fits = next(end for end in range(len(word) - 1, 0, -1) if width(word[:end]) <= most)
            pieces.append(word[:fits])
            word = word[fits:].lstrip(_BARRED)
        if word:
            pieces.append(word)
    return [piece for piece in (piece.strip() for piece in pieces) if piece]


def width(line: str) -> int:
    """How wide a line is at most, in hundredths of its size. An accent makes no letter wider."""
    if not line.isascii():
        line = "".join(c for c in unicodedata.normalize("NFD", line) if not unicodedata.combining(c))
    return sum(_WIDTHS.get(c, _WIDEST) for c in line)


def _line(value: Any) -> str:
    """One line as Notify takes it, or '' where nothing is left: no barred beginning, no comma at the end, something to read."""
    line = text(value)
    if not line.isascii():
        line = unicodedata.normalize("NFKC", line)
    line = line.rstrip(" ,")
    while line and (line[0] in _BARRED or line[0] == " "):
        opened, line = line[0], line[1:]
        inside, closer, after = line.partition(_CLOSES.get(opened, "\0"))
        if closer:
            line = ", ".join(filter(None, (inside.rstrip(" ,"), after.lstrip(" ,"))))
    if not any(map(str.isalnum, line)):
        return ""
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"


def _spaced(postcode: str) -> str:
    """A UK postcode as the post writes it: upper case, a space before the last three."""
    joined = postcode.replace(" ", "").upper()
    return f"{joined[:-3]} {joined[-3:]}" if 4 < len(joined) <= 8 else joined[:LONGEST_LINE]


def text(value: Any) -> str:
    """The value as one line: accents composed, what does not print (controls, direction marks) gone."""
    if not isinstance(value, str):
        return ""
    plain = " ".join(value.split())
    if plain.isascii() and plain.isprintable():
        return plain  # nearly all are, and a night has half a million of them
    plain = unicodedata.normalize("NFC", plain)
    return "".join(c for c in plain if unicodedata.category(c)[0] != "C")
