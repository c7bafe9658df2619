"""Letters put together on their pages: forms that many share, and what each letter has of its own.

Belongs here: the typesetter's PDF, read and written; where on a page a shared part or a value stands. Does not belong here: how a
letter looks (``templates``), which values are filled in (``forms``), running the typesetter (``typesetting``).

What many letters share is set once, each such piece on a page of its own; on the pages of the forms the typesetter leaves a
mark in its place: a box whose colour is a number (``templates/batch.typ``). Here the pieces are put where their marks are, and
what follows one moves down by its height. In the document a piece is a form of its own (a form XObject), which many pages draw,
each where in the order of its reading the piece belongs.

The values that letters are filled in with are set once each too, a line each. On a form a digit stands in for a value, in the
font and the size that it is to have: the value takes its place, and what follows on that line moves along.
No glyph is set here: all stand in their lines, or values, as the typesetter put them.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from case_closure.outbound.letters.forms import PAGE_BLANK, Filled

# What a mark's number says; pieces have higher ones, those odd that have a place of their own on the sheet; blanks higher ones
# still: which value, and what its line does (``templates/frame.typ``).
_A_SHEET, _A_PIECE, _A_LIST, _A_BOLD_LIST = range(4)
_FIRST_BLANK = 0x800000
_MOVES_ON, _ENDS_HERE, _STAYS = range(3)
# In points: how large values are set when they are set once each, how far apart, and how far down the first one stands; and by
# how much lines differ.
_VALUE_POINTS, _VALUE_LINE, _FIRST_VALUE = 12.0, 12.0, 10.0
_ANOTHER_LINE = 0.01
_POINTS_PER_MM = 72 / 25.4
# In points: the height of a mark, and how far down a page may be written on, but for its foot.
_MARK_HEIGHT = 1.0
_BOTTOM = 22 / 25.4 * 72 - 0.01

_MARK = re.compile(
    rb"q 1 0 0 -1 (\S+) (\S+) cm/c\d+ cs (\S+) (\S+) (\S+) scn 0 0 m (\S+) 0 l \S+ (\S+) l 0 \S+ l\nh\nf\nQ\n"
)
_GROUPS = _MARK.groups
# Glyphs in one go: from where, in which font and size, which.
_TEXT = re.compile(
    rb"q 1 0 0 -1 (\S+) (\S+) cm/c\d+ cs \S+ scn\nBT 0 Tr/(f\d+) (\S+) Tf 1 0 0 -1 0 0 Tm(.*?T[Jj])\nET\nQ\n",
    re.DOTALL,
)
_DRAWN = re.compile(rb"q 1 0 0 -1 \S+ (\S+) cm")
_REFERENCE = re.compile(rb"\b(\d+) 0 R\b")
_RESOURCE = re.compile(rb"/([cf]\d+) (\d+) 0 R")
# Where content names fonts and colours, and how often it chooses one. Glyphs are two bytes each, and no document has so many of
# them that they could read so.
_FONT, _COLOUR = re.compile(rb"Tr/(f\d+) "), re.compile(rb"/(c\d+) (cs|CS) ")
_CHOSEN = (b" Tf ", b" cs ", b" CS ")
# Bytes of content from which packing it saves some; how well pages are packed, and pieces, which are packed once.
_WORTH_PACKING, _A_PAGE, _FOR_MANY = 160, 1, 6
_PAGES_TOLD = re.compile(rb"(?<=<xmpTPg:NPages>)\d+")


class Unreadable(Exception):
    """The typesetter's PDF has another form than the one known here."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The typesetter writes its PDF otherwise than is known here ({what}), as when it is of another version than "
            "requirements.txt has. Install that version."
        )


def _found(match: re.Match[bytes] | None, what: str) -> re.Match[bytes]:
    if match is None:
        raise Unreadable(what)
    return match


# --- reading


class _Source:
    """A PDF as the typesetter writes it: numbered objects in order, and a table of where they are."""

    def __init__(self, pdf: bytes) -> None:
        start = int(
            _found(re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z").search(pdf, len(pdf) - 64), "its end")[1]
        )
        table = _found(re.compile(rb"xref\n0 (\d+)\n").match(pdf, start), "its table of objects")
        count, at = int(table[1]), table.end()
        offsets = [int(pdf[at + 20 * number : at + 20 * number + 10]) for number in range(1, count)]
        self.header, self.trailer = pdf[: offsets[0]], pdf[at + 20 * count :]
        self.objects = {
            number: pdf[begin:end].partition(b" 0 obj\n")[2].rpartition(b"\nendobj")[0]
            for number, (begin, end) in enumerate(zip(offsets, [*offsets[1:], start], strict=True), start=1)
        }
        self.root = self.number(b"Root", self.trailer)
        self.info = self.number(b"Info", self.trailer)
        self.tree = self.number(b"Pages", self.objects[self.root])
        self._resources: dict[bytes, dict[bytes, int]] = {}

    def number(self, name: bytes, of: bytes) -> int:
        """The number of the object to which ``of`` refers by that name."""
        return int(_found(re.search(rb"/%s (\d+) 0 R" % name, of), name.decode())[1])

    def pages(self) -> Iterator[bytes]:
        kids = _found(re.search(rb"/Kids\[([^]]*)\]", self.objects[self.tree]), "its pages")[1]
        return (self.objects[int(number)] for number in _REFERENCE.findall(kids))

    def content(self, page: bytes) -> bytes:
        head, _, stream = self.objects[self.number(b"Contents", page)].partition(b"\nstream\n")
        if not head.endswith(b"/Filter/FlateDecode>>"):
            raise Unreadable("how content is packed")
        return zlib.decompress(stream).rstrip(b"\n") + b"\n"

    def resources(self, page: bytes) -> dict[bytes, int]:
        """The fonts and colour spaces of a page, by the names its content has for them."""
        body = self.objects[self.number(b"Resources", page)]
        if body not in self._resources:
            self._resources[body] = {name: int(number) for name, number in _RESOURCE.findall(body)}
        return self._resources[body]


@dataclass(frozen=True)
class _Mark:
    """A box whose colour is a number: its upper left corner in points from the page's lower left, its width and height."""

    number: int
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class _Blank:
    """Where a value is filled in: which, from where, as wide as the digit that stands in for it; ``line``: what its line does.

    ``style``: from how far up the page it stands to the glyphs: colour, font and size.
    """

    number: int
    line: int
    line_begins: bool
    left: float
    width: float
    font: int
    points: float
    style: bytes


@dataclass(frozen=True)
class _Behind:
    """Glyphs behind a blank on its line: from where, and the rest of them."""

    left: float
    rest: bytes


@dataclass(frozen=True)
class _Set:
    """A value as it is set: its glyphs and how wide they are at ``_VALUE_POINTS``."""

    glyphs: bytes
    width: float


# What stands between the marks of a page: as it is, or with values in it.
_Part = bytes | _Blank | _Behind


@dataclass
class _Page:
    """A page between its marks. ``own``: one more than ``marks``. ``names``: what its content calls fonts and colours."""

    own: list[list[_Part]]
    marks: list[_Mark]
    names: dict[bytes, int]
    size: bytes


def _cut(content: bytes) -> tuple[list[bytes], list[_Mark]]:
    parts = _MARK.split(content)
    marks = []
    for place in range(1, len(parts), _GROUPS + 1):
        left, top, red, green, blue, width, height = map(float, parts[place : place + _GROUPS])
        number = round(red * 255) << 16 | round(green * 255) << 8 | round(blue * 255)
        marks.append(_Mark(number, left, top, width, height))
    return parts[:: _GROUPS + 1], marks


def _page(own: Sequence[bytes], marks: Sequence[_Mark], names: dict[bytes, int], size: bytes) -> _Page:
    """A page whose blanks are taken for what they are, and not for pieces."""
    page = _Page([[own[0]]], [], names, size)
    down: float | None = None
    for mark, after in zip(marks, own[1:], strict=True):
        if mark.number < _FIRST_BLANK:
            page.marks.append(mark)
            page.own.append([after])
            down = None
            continue
        digit = _found(_TEXT.match(after), "a digit that stands in for a value")
        line_begins = down is None or abs(float(digit[2]) - down) > _ANOTHER_LINE
        down = float(digit[2])
        page.own[-1].append(
            _Blank(
                *divmod(mark.number - _FIRST_BLANK, 4), line_begins, float(digit[1]), mark.width,
                names[digit[3]], float(digit[4]), after[digit.end(1) : digit.start(5)],
            )
        )  # fmt: skip
        at = digit.end()
        while (behind := _TEXT.match(after, at)) and abs(float(behind[2]) - down) <= _ANOTHER_LINE:
            page.own[-1].append(_Behind(float(behind[1]), after[behind.end(1) : behind.end()]))
            at = behind.end()
        if at < len(after):
            page.own[-1].append(after[at:])
    return page


class Typeset:
    """Forms, pieces and values as the typesetter set them."""

    def __init__(self, pdf: bytes) -> None:
        self.source = _Source(pdf)
        self.sheets: list[list[_Page]] = []
        self.pieces: dict[int, tuple[_Mark, _Page]] = {}
        self._values: dict[tuple[bool, int, int], _Set] = {}
        self._blanks: dict[int, list[tuple[int, _Blank]]] = {}
        self._too_long: dict[int, bool] = {}
        for page in self.source.pages():
            own, marks = _cut(self.source.content(page))
            size = _found(re.search(rb"/MediaBox\[[^]]*\]", page), "the size of a page")[0]
            names = self.source.resources(page)
            kind = marks[0].number if marks else None
            if kind == _A_PIECE:
                (_, mark), (_, _, content) = marks, own
                self.pieces[mark.number] = mark, _Page([[content]], [], names, size)
            elif kind in (_A_LIST, _A_BOLD_LIST):
                self._read_values(kind == _A_BOLD_LIST, own[1], marks[0].top, names, size)
            elif kind == _A_SHEET:
                self.sheets.append([_page(own[1:], marks[1:], names, size)])
            else:
                self.sheets[-1].append(_page(own, marks, names, size))

    def _read_values(
        self, bold: bool, content: bytes, top: float, names: dict[bytes, int], size: bytes
    ) -> None:
        """The values that are glyphs of one font, a line each; others, as of two alphabets, are set in their letters."""
        end = float(size.rpartition(b"[")[2].split()[2])

        def line(down: bytes) -> int:
            return round((top - _FIRST_VALUE - float(down)) / _VALUE_LINE)

        drawn = Counter(map(line, _DRAWN.findall(content)))
        for text in _TEXT.finditer(content):
            number = line(text[2])
            # One that chooses its font again within its glyphs, as for those read as another text, has its own size for them.
            if drawn[number] == 1 and b" Tf " not in text[5]:
                self._values[bold, number, names[text[3]]] = _Set(text[5], end - float(text[1]))

    def too_long(self, sheet: int) -> bool:
        """Whether a sheet does not fit one page."""
        if sheet not in self._too_long:
            pages = self.sheets[sheet]
            self._too_long[sheet] = len(pages) > 1 or self._lowest(pages[0]) < _BOTTOM
        return self._too_long[sheet]

    def _lowest(self, page: _Page) -> float:
        """Where the last piece of a page ends, which is the end of every letter."""
        flowing = [mark for mark in page.marks if mark.number % 2 == 0]
        heights = [self.pieces[mark.number][0].height for mark in flowing]
        return flowing[-1].top - sum(heights) + _MARK_HEIGHT * (len(heights) - 1)

    def fill(self, filled: Filled, *, on_one_page: bool) -> Letter | None:
        """The letter that a form becomes with its values, by their blanks; None where one does not fit, or one page is too few.

        A value fits that was set in the blank's font, as glyphs of that font alone, and has room.
        """
        if on_one_page and self.too_long(filled.form):
            return None
        pages = self.sheets[filled.form]
        values = []
        for page, blank in self._blanks_of(filled.form):
            is_number = blank.number == PAGE_BLANK
            fit = filled.pages.get((page, len(pages))) if is_number else filled.values[blank.number]
            set_as = () if fit is None else (self._values.get((*one, blank.font)) for one in fit.values)
            value = next(filter(None, set_as), None)
            if (
                fit is None
                or value is None
                or value.width * blank.points / _VALUE_POINTS > fit.room_mm * _POINTS_PER_MM
            ):
                return None
            values.append(value)
        return Letter(self, filled.form, values)

    def _blanks_of(self, sheet: int) -> list[tuple[int, _Blank]]:
        """The blanks of a sheet in their order, each with its page, from 1."""
        if sheet not in self._blanks:
            self._blanks[sheet] = [
                (number, part)
                for number, page in enumerate(self.sheets[sheet], start=1)
                for own in page.own
                for part in own
                if isinstance(part, _Blank)
            ]
        return self._blanks[sheet]


@dataclass(frozen=True)
class Letter:
    """A letter as it is to be written: a sheet of what was set, and the values of its blanks in their order."""

    of: Typeset
    sheet: int
    values: Sequence[_Set]

    @property
    def pages(self) -> list[_Page]:
        return self.of.sheets[self.sheet]


# --- writing


def compose(letters: Sequence[Letter], described: Typeset) -> bytes:
    """The document of these letters, with what is said of ``described`` as a document: its title, its date, its name."""
    document = _Document(described)
    pages = []
    for letter in letters:
        values = iter(letter.values)
        pages += [document.page(letter.of, page, values) for page in letter.pages]
    return document.written(pages)


class _Document:
    """A PDF that is being written: the objects it has, numbered as they come."""

    def __init__(self, first: Typeset) -> None:
        self._first = first.source
        self._objects: list[bytes] = []
        self._tree = self._add(b"")
        self._copied: dict[tuple[int, int], int] = {(id(first.source), first.source.tree): self._tree}
        self._names: dict[int, bytes] = {}
        # What pages have to draw with; pieces have the same, but for the pieces.
        self._for_pages, self._for_pieces = self._add(b""), self._add(b"")
        self._pieces: dict[int, int] = {}
        self._renamed: dict[int, dict[bytes, bytes]] = {}
        self._called_here: dict[int, list[list[_Part]]] = {}

    def _add(self, body: bytes) -> int:
        self._objects.append(body)
        return len(self._objects)

    def _stream(self, content: bytes, described: bytes = b"", effort: int = _A_PAGE) -> int:
        if len(content) < _WORTH_PACKING:
            return self._add(b"<<%s/Length %d>>\nstream\n%s\nendstream" % (described, len(content), content))
        packed = zlib.compress(content, effort)
        return self._add(
            b"<<%s/Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream" % (described, len(packed), packed)
        )

    def _copy(self, source: _Source, number: int) -> int:
        """An object of another document, with all it refers to."""
        key = id(source), number
        if key not in self._copied:
            self._copied[key] = self._add(b"")
            head, stream, rest = source.objects[number].partition(b"\nstream\n")
            head = _REFERENCE.sub(lambda found: b"%d 0 R" % self._copy(source, int(found[1])), head)
            self._objects[self._copied[key] - 1] = head + stream + rest
        return self._copied[key]

    def _called(self, of: Typeset, page: _Page, content: bytes) -> bytes:
        """The content with the names that this document has for its fonts and colours, the same on every page."""
        key = id(page.names)
        if key not in self._renamed:
            renaming = {name: self._name(of.source, number) for name, number in page.names.items()}
            differs = any(name != new for name, new in renaming.items())
            self._renamed[key] = renaming if differs else {}
        names = self._renamed[key]
        if not names:
            return content
        renamed, fonts = _FONT.subn(lambda found: b"Tr/%s " % names[found[1]], content)
        renamed, colours = _COLOUR.subn(lambda found: b"/%s %s " % (names[found[1]], found[2]), renamed)
        if fonts + colours != sum(map(content.count, _CHOSEN)):
            raise Unreadable("how content chooses fonts and colours")
        return renamed

    def _name(self, source: _Source, number: int) -> bytes:
        number = self._copy(source, number)
        if number not in self._names:
            kind = b"f" if self._objects[number - 1].startswith(b"<</Type/Font") else b"c"
            self._names[number] = kind + b"%d" % sum(name.startswith(kind) for name in self._names.values())
        return self._names[number]

    def _piece(self, of: Typeset, number: int) -> int:
        """The number by which pages draw a piece of what was set."""
        if number not in self._pieces:
            page = of.pieces[number][1]
            box = page.size.removeprefix(b"/MediaBox")
            described = b"/Type/XObject/Subtype/Form/BBox%s/Resources %d 0 R" % (box, self._for_pieces)
            content = self._filled(self._parts(of, page)[0], iter(()))
            self._pieces[number] = self._stream(content, described, _FOR_MANY)
        return self._pieces[number]

    def _parts(self, of: Typeset, page: _Page) -> list[list[_Part]]:
        """What stands between the marks of a page, with the names of this document."""
        if id(page) not in self._called_here:
            self._called_here[id(page)] = [[self._part(of, page, part) for part in own] for own in page.own]
        return self._called_here[id(page)]

    def _part(self, of: Typeset, page: _Page, part: _Part) -> _Part:
        if isinstance(part, bytes):
            return self._called(of, page, part)
        if isinstance(part, _Behind):
            return replace(part, rest=self._called(of, page, part.rest))
        return replace(part, style=self._called(of, page, part.style))

    def _filled(self, parts: Sequence[_Part], values: Iterator[_Set]) -> bytes:
        """The content, with a value for each blank; what stands behind it on its line moves along."""
        content, moved = [], 0.0
        for part in parts:
            if isinstance(part, bytes):
                content.append(part)
            elif isinstance(part, _Behind):
                content.append(b"q 1 0 0 -1 %.3f%s" % (part.left + moved, part.rest))
            else:
                value = next(values)
                more = value.width * part.points / _VALUE_POINTS - part.width
                if part.line_begins:
                    moved = 0.0
                left = part.left - more if part.line == _ENDS_HERE else part.left + moved
                if part.line == _MOVES_ON:
                    moved += more
                content.append(b"q 1 0 0 -1 %.3f%s%s\nET\nQ\n" % (left, part.style, value.glyphs))
        return b"".join(content)

    def page(self, of: Typeset, page: _Page, values: Iterator[_Set]) -> int:
        """A page, each value in its blank and each piece where its mark is; its number."""
        content, shift = [], 0.0
        for parts, mark in zip(self._parts(of, page), [*page.marks, None], strict=True):
            own = self._filled(parts, values)
            if own:
                content.append(b"q 1 0 0 1 0 %.3f cm\n%sQ\n" % (-shift, own) if shift else own)
            if mark is None:
                break
            box = of.pieces[mark.number][0]
            right, up = mark.left - box.left, mark.top - box.top
            if mark.number % 2 == 0:
                up -= shift
                shift += box.height - _MARK_HEIGHT
            content.append(b"q 1 0 0 1 %.3f %.3f cm/p%d Do Q\n" % (right, up, self._piece(of, mark.number)))
        return self._add(
            b"<</Type/Page/Resources %d 0 R%s/Parent %d 0 R/Contents %d 0 R>>"
            % (self._for_pages, page.size, self._tree, self._stream(b"".join(content)))
        )

    def written(self, pages: Sequence[int]) -> bytes:
        """The whole of it, with these pages."""
        kids = b" ".join(b"%d 0 R" % page for page in pages)
        self._objects[self._tree - 1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages), kids)
        drawn_with = b"/ProcSet[/PDF/Text]/ColorSpace<<%s>>/Font<<%s>>" % (
            _entries(self._names, b"c"), _entries(self._names, b"f"),
        )  # fmt: skip
        pieces = b"".join(b"/p%d %d 0 R" % (number, number) for number in self._pieces.values())
        self._objects[self._for_pieces - 1] = b"<<%s>>" % drawn_with
        self._objects[self._for_pages - 1] = b"<<%s/XObject<<%s>>>>" % (drawn_with, pieces)
        root, info = (self._copy(self._first, number) for number in (self._first.root, self._first.info))
        trailer = _found(re.search(rb"/ID\[.*?\]", self._first.trailer, re.DOTALL), "its name")[0]
        written, offsets, at = [self._first.header], [], len(self._first.header)
        for number, body in enumerate(self._objects, start=1):
            offsets.append(at)
            written.append(b"%d 0 obj\n%s\nendobj\n" % (number, _told(body, len(pages))))
            at += len(written[-1])
        written.append(b"xref\n0 %d\n0000000000 65535 f\r\n" % (len(offsets) + 1))
        written += [b"%010d 00000 n\r\n" % offset for offset in offsets]
        written.append(
            b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R%s>>\nstartxref\n%d\n%%%%EOF"
            % (len(offsets) + 1, root, info, trailer, at)
        )
        return b"".join(written)


def _entries(names: Mapping[int, bytes], kind: bytes) -> bytes:
    return b"".join(b"/%s %d 0 R" % (name, number) for number, name in names.items() if name.startswith(kind))


def _told(body: bytes, pages: int) -> bytes:
    """The document's description says how many pages it has."""
    head, stream, rest = body.partition(b"\nstream\n")
    if b"/Type/Metadata" not in head:
        return body
    told = _PAGES_TOLD.sub(b"%d" % pages, rest)
    longer = len(told) - len(rest)
    return re.sub(rb"(?<=/Length )\d+", lambda found: b"%d" % (int(found[0]) + longer), head) + stream + told
