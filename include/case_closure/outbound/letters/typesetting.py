"""Typesetting: batches of letters into PDF documents, in processes of their own.

Belongs here: driving the typesetter, the pages each letter came to, keeping its memory flat. Does not belong here: which
letters, what they say, what they have in common (``forms``), how it comes together on a page (``composing``), names of files. As
a program (`python -m case_closure.outbound.letters.typesetting`) it is one worker: batches in on standard input, their pages out
on standard output, until its input ends, as when its parent is gone.

Only fonts inside the typesetter are used and the date of a document is given, so that the same letters are the same bytes
on every machine. Values reach the templates as data, never as their source.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import accumulate, chain, islice
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

from case_closure.domain.texts import shown
from case_closure.outbound.letters import composing, forms

FOLDER = Path(__file__).parent
# The typesetter keeps what it laid out for its next ten documents: that many empty ones let go of 200 letters' memory.
_FORGETS_AFTER = 11
# How letters are set, those left over by each way in the next one, and whether their values are blanks: as if each had one page;
# those that have more; those with a value that has no room; those of more pages than are foreseen.
_WAYS = (("apart", True), ("long", True), ("long", False), ("whole", False))


class LetterNotSet(Exception):
    """Letters that cannot be typeset; the message names them and says why. Nothing personal is in it."""


@dataclass(frozen=True)
class Pages:
    """Where each letter of a document begins, from 1, and how many pages it has, the copy it covers included."""

    first: tuple[int, ...]
    count: tuple[int, ...]


class Typesetter:
    """The typesetter, in this process. ``contents``: JSON texts as ``outbound.letters.contents`` makes them."""

    def __init__(self) -> None:
        import typst

        fonts = typst.Fonts(include_system_fonts=False)
        self._error = typst.TypstError
        self._batch, self._empty = (
            typst.Compiler(
                str(FOLDER / "templates" / name), root=str(FOLDER), font_paths=fonts, ignore_system_fonts=True
            )
            for name in ("batch.typ", "empty.typ")
        )

    def pdf(self, contents: Sequence[str], on: date) -> tuple[bytes, Pages]:
        """One document of these letters, dated ``on``. Raises LetterNotSet."""
        dated = datetime.combine(on, time(), UTC)
        try:
            return self._composed(contents, dated)
        except self._error as error:
            raise LetterNotSet(self._blame(contents, str(error), dated)) from None
        except composing.Unreadable as unreadable:
            raise LetterNotSet(str(unreadable)) from None

    def pictures(self, contents: Sequence[str], dots_per_inch: float = 96) -> list[bytes]:
        """The same pages as PNG, for whoever changes wording or layout and wants to look."""
        whole = [sheet.closed.form for content in contents for sheet in forms.sheets(content)]
        pages = self.laid_out("seen", whole, format="png", ppi=dots_per_inch)
        return pages if isinstance(pages, list) else [pages]

    def _composed(self, contents: Sequence[str], dated: datetime) -> tuple[bytes, Pages]:
        """Each in the first of the ways in which it can be set."""
        of_each = [forms.sheets(content) for content in contents]
        sheets = list(chain.from_iterable(of_each))
        letters: list[composing.Letter | None] = [None] * len(sheets)
        typeset = []
        for way, opened in _WAYS:
            left = [
                number
                for number, letter in enumerate(letters)
                if letter is None and not (way == "apart" and sheets[number].is_long)
            ]
            if not left:
                continue
            made = [sheets[number] if opened else sheets[number].closed for number in left]
            gathered = forms.gather(made, numbered=way == "long")
            pdf = self.laid_out(
                way, gathered.forms, gathered.values, format="pdf", timestamp=dated, pdf_tags=False
            )
            typeset.append(composing.Typeset(pdf))
            for number, filled in zip(left, gathered.filled, strict=True):
                letters[number] = typeset[-1].fill(filled, on_one_page=way == "apart")
        self._forget()
        done = [letter for letter in letters if letter is not None]
        pages = (len(letter.pages) for letter in done)
        count = tuple(sum(islice(pages, len(of_one))) for of_one in of_each)
        return composing.compose(done, typeset[0]), Pages(tuple(accumulate(count[:-1], initial=1)), count)

    def laid_out(
        self, way: str, sheets: Sequence[str], values: tuple[list[str], list[str]] = ([], []), **how: Any
    ) -> Any:
        """The forms of sheets as ``templates/batch.typ`` makes them in that way: 'apart', 'long', 'whole' or 'seen'."""
        asked = {"letters": f"[{','.join(sheets)}]", "values": json.dumps(values), "set": way}
        return self._batch.compile(sys_inputs=asked, **how)

    def _forget(self) -> None:
        for _ in range(_FORGETS_AFTER):
            self._empty.compile(format="pdf", timestamp=0, pdf_tags=False)

    def _blame(self, contents: Sequence[str], error: str, dated: datetime) -> str:
        """Which of the letters it is, found by setting each alone."""
        culprits = []
        for content in contents:
            try:
                self._composed([content], dated)
            except self._error:
                culprits.append(json.loads(content)["id"])
        named = ", ".join(shown(one, 400) for one in culprits[:5]) or "none of them alone"
        return f"Letters that could not be typeset: {named}. The typesetter says: {shown(error.splitlines()[0], 400)}"


class Worker:
    """A typesetter in a process of its own, which ends when this one does."""

    def __init__(self) -> None:
        # One thread: the work is spread over processes, and a second thread doubles the memory.
        environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def pdf(self, contents: Sequence[str], on: date, path: Path) -> Pages:
        """Write the document to ``path``. Raises LetterNotSet."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"contents": list(contents), "on": on.isoformat(), "path": str(path)}
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise LetterNotSet(
                f"The typesetter ended (status {self._process.wait()}) while it was writing {path.name}, as when the machine "
                "runs out of memory. Run the night again; nothing of it was published."
            )
        answer = json.loads(line)
        if "error" in answer:
            raise LetterNotSet(f"{path.name}: {answer['error']}")
        return Pages(tuple(answer["first"]), tuple(answer["count"]))

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.communicate()


class Workers:
    """At most ``count`` workers, each started when there is work for it and none is idle; ended on leaving."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._started: list[Worker] = []
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._lock = Lock()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._started:
            worker.end()

    def pdf(self, contents: Sequence[str], on: date, path: Path) -> Pages:
        """As :meth:`Worker.pdf`, by one that is idle. For as many threads as there may be workers."""
        worker = self._one()
        try:
            return worker.pdf(contents, on, path)
        finally:
            self._idle.put(worker)

    def _one(self) -> Worker:
        with self._lock:
            if self._idle.empty() and len(self._started) < self._count:
                self._started.append(Worker())
                return self._started[-1]
        return self._idle.get()


def _serve() -> None:
    typesetter = Typesetter()
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        try:
            document, pages = typesetter.pdf(asked["contents"], date.fromisoformat(asked["on"]))
            Path(asked["path"]).write_bytes(document)
            answer: dict[str, Any] = {"first": pages.first, "count": pages.count}
        except (LetterNotSet, OSError) as error:
            answer = {"error": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
