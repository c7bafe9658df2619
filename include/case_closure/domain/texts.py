"""What a text shows: a text from outside made safe to show, and a text with nothing to read in it.

Belongs here: the one way in which what came from outside is shown (terminal, logs, refusals, notes, reports), and the
one list of characters that show nothing. Does not belong here: where a text is shown or read, or masking.
"""

from __future__ import annotations

from typing import Final

# Unicode's Default_Ignorable_Code_Point, but for those in Cc and Cf that are listed by themselves below: characters
# that a font draws as nothing. With them the Braille pattern without dots, which is drawn, as nothing.
_IGNORABLE: Final = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
# Controls, and what separates words, lines and paragraphs (White_Space).
_EMPTY: Final = (
    (0x0000, 0x0020), (0x007F, 0x00A0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
    (0x205F, 0x205F), (0x3000, 0x3000),
)  # fmt: skip

NOTHING_TO_READ: Final = tuple(sorted((*_IGNORABLE, *_EMPTY)))
"""(first, last) code points that show nothing: white space, controls, and characters without a glyph. A dash, a full
stop or a lone accent is something to read."""

_NOTHING: Final = frozenset(chr(code) for first, last in NOTHING_TO_READ for code in range(first, last + 1))
_SHOWN_IN_FULL: Final = 80


def is_blank(text: str) -> bool:
    """Whether there is nothing to read in the text: it counts as missing, as an empty one does."""
    return all(character in _NOTHING for character in text)


def printable(text: object) -> str:
    """The text on one line, with what is not printable named: a line break is '<U+000A>', an escape '<U+001B>'.

    Controls, line ends, directions of writing, lone surrogates and characters without a glyph can do nothing to
    the place where this is shown, and cannot make one text look like another.
    """
    line = str(text)
    if line.isprintable() and line.isascii():
        return line
    return "".join(character if _is_seen(character) else f"<U+{ord(character):04X}>" for character in line)


def printable_lines(text: object) -> str:
    """As `printable`, where line breaks are ours: for words of several lines, each value in them shown by itself."""
    return "\n".join(printable(line) for line in str(text).split("\n"))


def shown(text: object, limit: int = _SHOWN_IN_FULL) -> str:
    """A name or figure from outside within a message: printable, and not endless."""
    # Cut before as well: a text of megabytes is not written out to show its first words.
    line = printable(str(text)[: limit + 1])
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _is_seen(character: str) -> bool:
    return character == " " or (character.isprintable() and character not in _NOTHING)
