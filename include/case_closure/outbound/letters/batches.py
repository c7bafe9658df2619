"""The letters of a night as print-ready PDF: batches by code, and an index of what is where (B12-B18).

Belongs here: cutting a night's letters into batches, naming the files, the index. Does not belong here: what a letter says
(``contents``, ``lang``), how it looks (``templates``), typesetting, the store.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from case_closure.outbound.folder import WrittenFile, write_csv
from case_closure.outbound.letters.typesetting import Pages, Workers

FOLDER = "letters"
INDEX = f"{FOLDER}/index.csv"
# So many share more forms; in one document they take a third of a gigabyte.
BATCH_LETTERS = 2_500
_INDEXED = pa.schema(
    {
        "letter_id": pa.string(), "code": pa.string(), "file": pa.string(), "first_page": pa.int64(), "pages": pa.int64(),
        "recipient_role": pa.string(), "party_id": pa.string(), "casegroup_id": pa.string(), "covers_letter_id": pa.string(),
        "reference": pa.string(),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Planned:
    """A document that is to be made: its name, and which letters of its code are in it."""

    name: str
    code: str
    skip: int
    letters: int


@dataclass(frozen=True)
class Batch:
    """A document's letters, as :func:`write` takes them."""

    name: str
    rows: pa.Table


def plan(letters_by_code: Iterable[tuple[str, int]], batch_letters: int = BATCH_LETTERS) -> list[Planned]:
    """The documents that so many letters of each code make, as :func:`write` makes them."""
    return [
        Planned(_name(code, skip // batch_letters + 1), code, skip, min(batch_letters, letters - skip))
        for code, letters in letters_by_code
        for skip in range(0, letters, batch_letters)
    ]


def _name(code: str, number: int) -> str:
    return f"{FOLDER}/{code}-{number:04d}.pdf"


def write(
    parts: Iterable[pa.Table], folder: Path, on: date, processes: int, batch_letters: int = BATCH_LETTERS
) -> list[WrittenFile]:
    """The letters as PDF documents below ``folder``, and their index, which is there without any letter too.

    ``parts``: tables with letter_id, code, recipient_role, party_id, casegroup_id, covers_letter_id and content (JSON, see
    ``outbound.letters.contents``), all together in the order of code and letter_id. ``on``: the business date, which is the
    documents' date. ``processes``: how many typeset side by side; the result does not depend on it. A covering letter
    (CMSL6314, CMSL6313) has the copy it covers behind it, as one item of the index. Raises ``typesetting.LetterNotSet``.
    """
    written: list[WrittenFile] = []
    indexes = []
    for file, index in typeset(_batches(parts, batch_letters), folder, on, processes):
        written.append(file)
        indexes.append(index)
    return [*written, write_index(folder, indexes)]


def typeset(
    batches: Iterable[Batch], folder: Path, on: date, processes: int
) -> Iterator[tuple[WrittenFile, pa.Table]]:
    """Each document as it is written below ``folder``, and what the index says of its letters."""
    for batch, pages in _typeset(batches, folder, on, processes):
        yield WrittenFile(batch.name, batch.rows.num_rows), _indexed(batch, pages)


def write_index(folder: Path, indexes: Iterable[pa.Table]) -> WrittenFile:
    """The index of the documents, in their order; without any it has its header."""
    whole = pa.concat_tables([_INDEXED.empty_table(), *indexes])
    return write_csv(folder, INDEX, whole, totals=["pages"])


def _batches(parts: Iterable[pa.Table], size: int) -> Iterator[Batch]:
    """Letters of one code, at most ``size``, numbered within their code."""
    waiting: pa.Table | None = None
    numbers: dict[str, int] = {}

    def named(rows: pa.Table) -> Batch:
        code = rows["code"][0].as_py()
        numbers[code] = numbers.get(code, 0) + 1
        return Batch(_name(code, numbers[code]), rows)

    for part in parts:
        for code in part["code"].unique():
            rows = part.filter(pc.equal(part["code"], code))
            if waiting is not None and waiting["code"][0] != code:
                yield named(waiting)
                waiting = None
            waiting = rows if waiting is None else pa.concat_tables([waiting, rows])
            while waiting.num_rows > size:
                yield named(waiting.slice(0, size))
                waiting = waiting.slice(size)
    if waiting is not None:
        yield named(waiting)


def _typeset(
    batches: Iterable[Batch], folder: Path, on: date, processes: int
) -> Iterator[tuple[Batch, Pages]]:
    """Each batch with its pages, in order, as they are written; few are held in memory at a time."""
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    with Workers(processes) as typesetters, ThreadPoolExecutor(processes) as threads:

        def one(batch: Batch) -> Pages:
            return typesetters.pdf(batch.rows["content"].to_pylist(), on, folder / batch.name)

        begun: deque[tuple[Batch, Future[Pages]]] = deque()
        try:
            for batch in batches:
                begun.append((batch, threads.submit(one, batch)))
                if len(begun) > 2 * processes:
                    first, pages = begun.popleft()
                    yield first, pages.result()
            for first, pages in begun:
                yield first, pages.result()
        finally:
            threads.shutdown(cancel_futures=True)


def _indexed(batch: Batch, pages: Pages) -> pa.Table:
    places = {
        "file": pa.array([batch.name.removeprefix(f"{FOLDER}/")] * batch.rows.num_rows, pa.string()),
        "first_page": pa.array(pages.first, pa.int64()),
        "pages": pa.array(pages.count, pa.int64()),
        "reference": pa.array(
            [json.loads(content)["ref"] for content in batch.rows["content"].to_pylist()], pa.string()
        ),
    }
    columns = [places[name] if name in places else batch.rows[name] for name in _INDEXED.names]
    return pa.table(columns, schema=_INDEXED)
