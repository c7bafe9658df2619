"""Letters put together on their pages: what each has of its own, and what many share.

Belongs here: the typesetter's PDF, read and written; where on a page a shared part stands. Does not belong here: how a letter
looks (``templates``), running the typesetter (``typesetting``).

What many letters share is set once, each such piece on a page of its own; on the pages of the letters the typesetter leaves a
mark in its place: a box whose colour is a number (``templates/batch.typ``). Here the pieces are put where their marks are, and
what follows one moves down by its height. A page then has several content streams, in the order in which it is read, and those
of pieces are used by many pages. No glyph is set here: all stand in their lines as the typesetter put them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

# What a mark's number says; pieces have higher ones, those odd that have a place of their own on the sheet.
_A_LETTER, _A_COPY, _A_PIECE = range(3)
# In points: the height of a mark, and how far down a page may be written on, but for its foot.
_MARK_HEIGHT = 1.0
_BOTTOM = 22 / 25.4 * 72 - 0.01

_MARK = re.compile(
    rb"q 1 0 0 -1 (\S+) (\S+) cm/c\d+ cs (\S+) (\S+) (\S+) scn 0 0 m \S+ 0 l \S+ (\S+) l 0 \S+ l\nh\nf\nQ\n?"
)
_GROUPS = _MARK.groups
_REFERENCE = re.compile(rb"\b(\d+) 0 R\b")
_RESOURCE = re.compile(rb"/([cf]\d+) (\d+) 0 R")
# Where content names fonts and colours, and how often it chooses one. Glyphs are two bytes each, and no document has so many of
# them that they could read so.
_FONT, _COLOUR = re.compile(rb"Tr/(f\d+) "), re.compile(rb"/(c\d+) (cs|CS) ")
_CHOSEN = (b" Tf ", b" cs ", b" CS ")
# Bytes of content from which packing it saves some, and from which doing it well does.
_WORTH_PACKING, _WORTH_TIME = 160, 4_000
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
        return zlib.decompress(stream)

    def resources(self, page: bytes) -> dict[bytes, int]:
        """The fonts and colour spaces of a page, by the names its content has for them."""
        body = self.objects[self.number(b"Resources", page)]
        if body not in self._resources:
            self._resources[body] = {name: int(number) for name, number in _RESOURCE.findall(body)}
        return self._resources[body]


@dataclass(frozen=True)
class _Mark:
    """A box whose colour is a number: its upper left corner in points from the page's lower left, and its height."""

    number: int
    left: float
    top: float
    height: float


@dataclass
class _Page:
    """A page between its marks. ``own``: one more than ``marks``. ``names``: what its content calls fonts and colours."""

    own: list[bytes]
    marks: list[_Mark]
    names: dict[bytes, int]
    size: bytes


@dataclass
class _Letter:
    """A letter with the copy it covers: its pages, and how many of these begin one of them."""

    pages: list[_Page] = field(default_factory=list)
    begun: int = 0


def _cut(content: bytes) -> tuple[list[bytes], list[_Mark]]:
    parts = _MARK.split(content)
    marks = []
    for place in range(1, len(parts), _GROUPS + 1):
        left, top, red, green, blue, height = map(float, parts[place : place + _GROUPS])
        number = round(red * 255) << 16 | round(green * 255) << 8 | round(blue * 255)
        marks.append(_Mark(number, left, top, height))
    return parts[:: _GROUPS + 1], marks


class Typeset:
    """Letters as the typesetter set them: whole, or in pieces."""

    def __init__(self, pdf: bytes) -> None:
        self.source = _Source(pdf)
        self.letters: list[_Letter] = []
        self.pieces: dict[int, tuple[_Mark, _Page]] = {}
        for page in self.source.pages():
            own, marks = _cut(self.source.content(page))
            size = _found(re.search(rb"/MediaBox\[[^]]*\]", page), "the size of a page")[0]
            names = self.source.resources(page)
            kind = marks[0].number if marks else None
            if kind == _A_PIECE:
                self.pieces[marks[1].number] = marks[1], _Page([own[2]], [], names, size)
                continue
            if kind == _A_LETTER:
                self.letters.append(_Letter())
            if kind in (_A_LETTER, _A_COPY):
                self.letters[-1].begun += 1
                own, marks = own[1:], marks[1:]
            self.letters[-1].pages.append(_Page(own, marks, names, size))

    def too_long(self) -> list[int]:
        """Which letters, or their copies, do not fit one page, counted from 0."""
        return [
            number
            for number, letter in enumerate(self.letters)
            if len(letter.pages) > letter.begun or any(self._lowest(page) < _BOTTOM for page in letter.pages)
        ]

    def _lowest(self, page: _Page) -> float:
        """Where the last piece of a page ends, which is the end of every letter."""
        flowing = [mark for mark in page.marks if mark.number % 2 == 0]
        heights = [self.pieces[mark.number][0].height for mark in flowing]
        return flowing[-1].top - sum(heights) + _MARK_HEIGHT * (len(heights) - 1)


# --- writing


def compose(short: Typeset, long: Typeset | None = None) -> tuple[bytes, list[int]]:
    """The document of ``short``'s letters, those that are too long as ``long`` has them; how many pages each has."""
    too_long = iter(long.letters if long else ())
    instead = set(short.too_long())
    letters = [
        (long or short, next(too_long)) if number in instead else (short, letter)
        for number, letter in enumerate(short.letters)
    ]
    document = _Document(short)
    pages = [document.page(of, page) for of, letter in letters for page in letter.pages]
    return document.written(pages), [len(letter.pages) for _, letter in letters]


class _Document:
    """A PDF that is being written: the objects it has, numbered as they come."""

    def __init__(self, first: Typeset) -> None:
        self._first = first.source
        self._objects: list[bytes] = []
        self._tree = self._add(b"")
        self._copied: dict[tuple[int, int], int] = {(id(first.source), first.source.tree): self._tree}
        self._names: dict[int, bytes] = {}
        self._resources = self._add(b"")
        self._pieces: dict[int, int] = {}
        self._renamed: dict[int, dict[bytes, bytes]] = {}

    def _add(self, body: bytes) -> int:
        self._objects.append(body)
        return len(self._objects)

    def _stream(self, content: bytes) -> int:
        if len(content) < _WORTH_PACKING:
            return self._add(b"<</Length %d>>\nstream\n%s\nendstream" % (len(content), content))
        if len(content) < _WORTH_TIME:
            # A small window and little effort: most are small, and the usual ones take longer to set up than to fill.
            packer = zlib.compressobj(1, zlib.DEFLATED, 11, 2)
            packed = packer.compress(content) + packer.flush()
        else:
            packed = zlib.compress(content, 9)
        return self._add(b"<</Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream" % (len(packed), packed))

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
        if number not in self._pieces:
            page = of.pieces[number][1]
            self._pieces[number] = self._stream(self._called(of, page, page.own[0]))
        return self._pieces[number]

    def page(self, of: Typeset, page: _Page) -> int:
        """A page, each piece of it where its mark is; its number."""
        streams, shift, pending = [], 0.0, b""
        for own, mark in zip(page.own, [*page.marks, None], strict=True):
            if own:
                own = self._called(of, page, own)
                pending += b"q 1 0 0 1 0 %.3f cm\n%sQ\n" % (-shift, own) if shift else own
            if mark is None:
                break
            box = of.pieces[mark.number][0]
            right, up = mark.left - box.left, mark.top - box.top
            if mark.number % 2 == 0:
                up -= shift
                shift += box.height - _MARK_HEIGHT
            streams += [
                self._stream(pending + b"q 1 0 0 1 %.3f %.3f cm\n" % (right, up)),
                self._piece(of, mark.number),
            ]
            pending = b"Q\n"
        streams.append(self._stream(pending))
        contents = b" ".join(b"%d 0 R" % stream for stream in streams)
        return self._add(
            b"<</Type/Page/Resources %d 0 R%s/Parent %d 0 R/Contents[%s]>>"
            % (self._resources, page.size, self._tree, contents)
        )

    def written(self, pages: Sequence[int]) -> bytes:
        """The whole of it, with these pages."""
        kids = b" ".join(b"%d 0 R" % page for page in pages)
        self._objects[self._tree - 1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages), kids)
        self._objects[self._resources - 1] = b"<</ProcSet[/PDF/Text]/ColorSpace<<%s>>/Font<<%s>>>>" % (
            _entries(self._names, b"c"), _entries(self._names, b"f"),
        )  # fmt: skip
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
