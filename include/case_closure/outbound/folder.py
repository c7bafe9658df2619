"""The outbound folder of a night: written whole or not at all, with a manifest that vouches for it.

Belongs here: what a written file says of itself, the manifest, making the folder appear at once, CSV that is safe to open.
Does not belong here: what is in any file (its own module has it), reading the store.

Every producer writes into a local folder it is given and answers with a :class:`WrittenFile` each.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from case_closure.domain.texts import NOTHING_TO_READ, printable
from case_closure.tables.manifest import MANIFEST
from case_closure.tables.manifest import write_manifest as write_its_file

# Where nights' folders are made, in outbound: on its disk, so that a rename puts them in place. The dot keeps it out of what a
# print house fetches.
MAKING = ".making"

# Waits until its parent is gone, however it went, and takes the folder away.
_SWEEPER = """
import os, shutil, signal, sys
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
os.read(0, 1)
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""

_A_NIGHT = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
# A spreadsheet takes a cell that starts so for a formula: the four signs, their other forms (full-width, small, raised,
# lowered) and the true minus, which some read as the sign; after whatever shows nothing, which some drop. A tab or line
# end at the start may hide one.
_SIGNS = "=+\\-@\u2212\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u207b\u207c\u208a\u208b\u208c"
_ASCII_SIGNS = tuple(sign for sign in _SIGNS if sign.isascii() and sign != "\\")
_NOTHING = "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in NOTHING_TO_READ)
_FORMULA = rf"^[\p{{Z}}\p{{C}}\p{{M}}{_NOTHING}]*[{_SIGNS}]|^[\t\r\n]"

_NOT_PLAIN = r"[^\x20-\x7E]"


@dataclass(frozen=True)
class WrittenFile:
    """One file of the folder: its name below it with '/', its rows (letters, lines), and sums by column."""

    name: str
    rows: int
    control_totals: Mapping[str, int] = field(default_factory=dict)


# Of fewer, Python has looked at each before Arrow has made its pattern ready.
_FEW = 50


def safe_text(values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Text whose cells open as text: an apostrophe before what a spreadsheet would take for a formula.

    The one place that says what such a cell is: every CSV and every workbook that goes out comes through it, most of them by
    :func:`shown_text` or :func:`shown_cell`.
    """
    return pc.if_else(
        pc.fill_null(pc.match_substring_regex(values, _FORMULA), False),
        pc.binary_join_element_wise("'", values, ""),
        values,
    )


def safe_cell(value: str) -> str:
    """One cell, made safe in the same way as :func:`safe_text`."""
    # Nearly every cell: the regular expression costs too much for each of a million rows. In such a text nothing but a space can
    # stand before the sign.
    if value.isascii() and value.isprintable():
        return f"'{value}" if value.lstrip(" ").startswith(_ASCII_SIGNS) else value
    return str(safe_text(pa.array([value], pa.string()))[0].as_py())


def shown_text(values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Text as a person is shown it: :func:`safe_text` of what ``domain.texts.printable`` makes of each."""
    if len(values) <= _FEW:
        return pa.array([None if one is None else shown_cell(one) for one in values.to_pylist()], values.type)
    if isinstance(values, pa.ChunkedArray):
        return pa.chunked_array([shown_text(chunk) for chunk in values.chunks], values.type)
    # Nearly every text is plain; Python looks at the others alone.
    odd = pc.fill_null(pc.match_substring_regex(values, _NOT_PLAIN), False)
    if pc.any(odd).as_py():
        named = [printable(value) for value in values.filter(odd).to_pylist()]
        values = pc.replace_with_mask(values, odd, pa.array(named, values.type))
    return safe_text(values)


def shown_cell(value: object) -> str:
    """One cell, made as :func:`shown_text` makes a column of them."""
    return safe_cell(printable(value))


def write_csv(
    folder: Path, name: str, table: pa.Table, totals: Sequence[str] = (), *, for_a_system: bool = False
) -> WrittenFile:
    """A table as CSV with a header; text as people are shown it, null as nothing. ``totals``: the columns to sum up.

    ``for_a_system``: what a system compares with its own records stays as it came, but for what opens as a formula.
    """
    as_shown = safe_text if for_a_system else shown_text
    columns = [
        as_shown(column.cast(pa.string())) if _is_text(column.type) else column
        for column in table.itercolumns()
    ]
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    options = pa_csv.WriteOptions(include_header=True, quoting_style="needed", quoting_header="needed")
    with path.open("wb") as out:
        pa_csv.write_csv(pa.table(columns, names=table.column_names), out, options)
    return WrittenFile(name, table.num_rows, {column: exact_total(table[column]) for column in totals})


def _is_text(kind: pa.DataType) -> bool:
    """Whichever way Arrow holds it: a dictionary or a large string opens as a formula just as well."""
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def exact_total(values: pa.ChunkedArray) -> int:
    """The sum of whole numbers, nulls as nothing."""
    # Wider than int64, which a few hostile amounts pass: their sum would come round at the other end.
    return int(pc.sum(values.cast(pa.decimal128(38, 0))).as_py() or 0)


def write_manifest(folder: Path, business_date: date, extract_id: str, files: Sequence[WrittenFile]) -> None:
    """manifest.json over every file of the folder. Raises ValueError when a file is there and not named, or the reverse."""
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    named = {file.name for file in files}
    if there != named or len(named) != len(files):
        raise ValueError(
            f"the outbound folder holds {sorted(there - named)} that nobody answers for, and lacks {sorted(named - there)}"
        )
    entries = [
        {
            "name": file.name,
            "rows": file.rows,
            "sha256": _sha256(folder / file.name),
            "control_totals": dict(sorted(file.control_totals.items())),
        }
        for file in sorted(files, key=lambda file: file.name)
    ]
    write_its_file(folder, business_date, extract_id, entries)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def aside(outbound: Any, business_date: date) -> Iterator[Path]:
    """An empty folder that nobody else reads, to make that night's in before it is published; gone on leaving.

    In outbound where that is a local folder; what a killed process leaves there is cleared by :func:`clear_leftovers`. For an
    object store in the system's temporary folder, and gone also when this process is killed, since the next night may be
    made on another machine.
    """
    with _beside(Path(_local(outbound))) if _is_local(outbound) else _elsewhere() as private:
        private_folder = private / business_date.isoformat()
        private_folder.mkdir()
        yield private_folder


@contextlib.contextmanager
def _beside(outbound: Path) -> Iterator[Path]:
    making = outbound / MAKING
    making.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=making) as private:
            yield Path(private)
    finally:
        with contextlib.suppress(OSError):  # another night's is still in it
            making.rmdir()


@contextlib.contextmanager
def _elsewhere() -> Iterator[Path]:
    private = tempfile.mkdtemp(prefix="case-closure-")
    sweeper = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _SWEEPER, private],
        stdin=subprocess.PIPE,
        cwd="/",
        start_new_session=True,  # what ends this process' group must not end it
    )
    try:
        yield Path(private)
    finally:
        sweeper.communicate()
        shutil.rmtree(private, ignore_errors=True)  # should the sweeper have been ended


def publish(written: Path, outbound: Any, business_date: date) -> None:
    """Make ``<outbound>/<business date>`` be what ``written`` holds: all of it or nothing. ``written`` was made :func:`aside`.

    Locally by a rename, which takes ``written`` away; what stood there before is set aside first and dropped last, so a reader
    never sees a mixture. In an object store, which has no rename, the old manifest goes first and the new one comes last: a
    folder without a manifest is not whole. ``outbound`` is any pathlib-like path.
    """
    target = outbound / business_date.isoformat()
    if _is_local(outbound):
        _publish_locally(written, Path(_local(target)))
        return
    old = target / MANIFEST
    if old.exists():
        old.unlink()
    names = sorted(path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file())
    if target.exists():
        for stale in target.rglob("*"):
            if stale.is_file() and str(stale).removeprefix(str(target)).lstrip("/") not in names:
                stale.unlink()
    for name in [*(name for name in names if name != MANIFEST), MANIFEST]:
        with (written / name).open("rb") as source, (target / name).open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)


def _is_local(path: Any) -> bool:
    return isinstance(path, Path) or getattr(path, "protocol", "") in ("file", "local", "")


def _local(path: Any) -> str:
    return str(path).removeprefix("file://").removeprefix("local://")


def _publish_locally(written: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    _put_right(target.parent)
    old = target.parent / f".{target.name}.old"
    try:
        if target.exists():
            target.rename(old)
        written.rename(target)
    except BaseException:
        _put_right(target.parent)
        raise
    shutil.rmtree(old, ignore_errors=True)


def clear_leftovers(outbound: Any) -> None:
    """Drop what a run that was killed while it wrote out has left beside the nights' folders, of whichever night.

    Only while no other can be writing: what is being made is dropped too.
    """
    if not _is_local(outbound):
        return
    here = Path(_local(outbound))
    _put_right(here)
    shutil.rmtree(here / MAKING, ignore_errors=True)


def _put_right(here: Path) -> None:
    """Where a publication was cut off with the folder of a night set aside and no new one in its place, the old one goes back."""
    for old in here.glob(f".{_A_NIGHT}.old"):
        target = here / old.name[1:].removesuffix(".old")
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(target)
