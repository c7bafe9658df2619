"""A landing that would hang, eat the machine, or say what it is not: turned away in words, at once (R22)."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from case_closure.desk import check
from case_closure.landing import criteria, parquet
from case_closure.landing.manifest import LandingRejected, verify
from case_closure.landing.paths import NotAFile, open_for_arrow, open_regular
from case_closure.landing.reading import LandedFile
from case_closure.landing.writing import PaymentLine, write_night
from case_closure.tables.landed import FILES

ON = date(2017, 8, 10)
LETTERS, PAYMENTS = "clerical_letters.parquet", "csa_payments_CS2.csv"
PAID: list[PaymentLine] = [("AB123456A", "Alex", "Walker", "R1", "5.00")]


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """One letter, one balance of 1000 pence, one payment of 5.00 GBP."""
    folder = tmp_path / "landing" / ON.isoformat()
    balance = {field.name: pa.nulls(1, field.type) for field in FILES["csa_balances"].schema}
    balance["total_pence"] = pa.array([1000])
    write_night(
        folder, ON, "DW-1",
        {"clerical_letters": letters("L1"), "csa_balances": pa.table(balance, FILES["csa_balances"].schema)},
        {"CS2": PAID},
    )  # fmt: skip
    return folder


def letters(*texts: str | None) -> pa.Table:
    return pa.table(
        {"letter_id": list(texts), "issued_on": [ON] * len(texts)}, FILES["clerical_letters"].schema
    )


def said(folder: Path) -> str:
    """The one line said about it, by the night and by the check alike."""
    with pytest.raises(LandingRejected) as rejected:
        verify(folder, ON)
    lines: list[str] = []
    assert check.check_folder(folder, lines.append) == 1
    assert "\n".join(lines) == str(rejected.value)
    (problem,) = rejected.value.problems
    return str(problem)


def edited(folder: Path, old: str, new: str) -> None:
    path = folder / "manifest.json"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def figure(folder: Path, name: str, figure: str, written: str) -> None:
    """Writes that figure of the file into the manifest exactly so."""
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    entry = next(entry for entry in content["files"] if entry["name"] == name)
    (entry if figure in entry else entry["control_totals"])[figure] = "@@"
    path.write_text(json.dumps(content).replace('"@@"', written))


# --- what is no file


def pipe(path: Path) -> str:
    os.mkfifo(path)
    return "a pipe"


def device(path: Path) -> str:
    path.symlink_to("/dev/zero")
    return "a device"


def terminal(path: Path) -> str:
    path.symlink_to("/dev/tty")
    return "a device"


def folder(path: Path) -> str:
    path.mkdir()
    return "a folder"


def nowhere(path: Path) -> str:
    path.symlink_to("/nowhere/at all")
    return "No such file or directory"


def itself(path: Path) -> str:
    path.symlink_to(path.name)
    return "Too many levels of symbolic links"


NO_FILES = [pipe, device, terminal, folder, nowhere, itself]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("make", NO_FILES)
@pytest.mark.parametrize("name", ["manifest.json", LETTERS, PAYMENTS])
def test_what_is_no_file_is_never_waited_for(night: Path, name: str, make: Callable[[Path], str]) -> None:
    (night / name).unlink()
    kind = make(night / name)
    problem = said(night)
    assert problem.startswith(f"{name}: file: expected a file that can be read, found ")
    assert kind in problem


@pytest.mark.timeout(20)
@pytest.mark.parametrize("make", NO_FILES[:4])
def test_criteria_that_are_no_file_are_never_waited_for(tmp_path: Path, make: Callable[[Path], str]) -> None:
    kind = make(tmp_path / "criteria.json")
    with pytest.raises(criteria.CriteriaInvalid, match=f"expected a file that can be read, found {kind}"):
        criteria.read(tmp_path)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("opens", [open_regular, open_for_arrow])
@pytest.mark.parametrize("path_of", [Path, UPath, lambda path: UPath(path.as_uri())])
def test_a_pipe_put_in_the_place_of_a_file_between_the_look_and_the_opening_is_not_waited_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    opens: Callable[[Any], Any],
    path_of: Callable[[Path], Any],
) -> None:
    path, real = tmp_path / "file", os.open
    path.write_bytes(b"as it was")
    with opens(path_of(path)) as stream:
        assert stream.read() == b"as it was"

    def swapped(name: Any, flags: int, *more: Any, **named: Any) -> int:
        if str(name) == str(path):
            path.unlink()
            os.mkfifo(path)
        return real(name, flags, *more, **named)

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(NotAFile, match="a pipe"):
        opens(path_of(path))


def test_a_file_behind_a_link_is_a_file(night: Path, tmp_path: Path) -> None:
    (night / LETTERS).rename(tmp_path / "elsewhere")
    (night / LETTERS).symlink_to(tmp_path / "elsewhere")
    assert verify(night, ON).get("clerical_letters")[0].read()["letter_id"].to_pylist() == ["L1"]


def test_descriptors_are_not_left_open(night: Path) -> None:
    def count() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    verify(night, ON)
    before = count()
    for _ in range(5):
        verify(night, ON)
    (night / LETTERS).unlink()
    os.mkfifo(night / LETTERS)
    for _ in range(5):
        said(night)
    assert count() == before
    assert threading.active_count() < 10


# --- numbers of the manifest


HUGE = [
    "1E1000000",
    "1E999999999",
    "-1E1000000",
    "1E-1000000",
    "1E9999999999999999999",
    "0.1e-999999999999999999999",
    "1" * 5000,
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "number", [*HUGE, "1" * 90, "5.000000000000000000000000000000000000001", "5." + "0" * 90 + "1", "-0"]
)
@pytest.mark.parametrize("what", ["value", "total_pence"])
def test_a_control_total_is_compared_exactly_or_not_at_all(night: Path, what: str, number: str) -> None:
    file = PAYMENTS if what == "value" else "csa_balances.parquet"
    figure(night, file, what, number)
    problem = said(night)
    assert problem.startswith(f"{file}, column {what}: control total: expected")
    assert len(problem) < 400


@pytest.mark.timeout(20)
@pytest.mark.parametrize("number", [*HUGE, "1.0", "1E0", "-1", '"1"', "true", "null", "2", "1" * 90])
def test_a_row_count_that_is_none_is_named_with_its_file(night: Path, number: str) -> None:
    figure(night, LETTERS, "rows", number)
    assert said(night).startswith(f"{LETTERS}: rows")


@pytest.mark.parametrize("number", ["5.00", "500", "5", "5e0", "500.0", "0.5E1", '"5.00"', "5." + "0" * 60])
def test_the_same_total_written_otherwise_agrees(night: Path, number: str) -> None:
    figure(night, PAYMENTS, "value", number)
    verify(night, ON)


@pytest.mark.parametrize("figure", ["extract_id", "business_date", "name", "sha256"])
def test_a_huge_number_where_a_text_should_be_is_no_text(night: Path, figure: str) -> None:
    text = (night / "manifest.json").read_text()
    start = text.index(f'"{figure}": "') + len(figure) + 4
    end = text.index('"', start + 1) + 1
    (night / "manifest.json").write_text(f"{text[:start]}1E1000000{text[end:]}")
    with pytest.raises(LandingRejected, match="found a number of 1 digits, exponent 1000000"):
        verify(night, ON)


# --- the extract's name


@pytest.mark.parametrize(
    "escape",
    [r"\u0000", r"\ud800", r"\u001b[31m", r"\n  night SUCCESS", r"\r", r"\u0085", r"\u009b2J", r"\u2028", r"\u202e", r"\u200b"],
)  # fmt: skip
def test_an_extract_id_that_would_not_be_shown_as_it_is_is_refused_and_shown_as_it_is(
    night: Path, escape: str
) -> None:
    edited(night, "DW-1", f"DW{escape}-1")
    problem = said(night)
    assert "extract_id: expected a text of characters that can be printed, found DW<U+" in problem
    assert problem.isprintable()


@pytest.mark.parametrize("blank", ["", " ", r"\u200b", r"\u3164", r"\u2800\u00ad"])
def test_an_extract_id_with_nothing_to_read_in_it_is_none(night: Path, blank: str) -> None:
    edited(night, "DW-1", blank)
    assert "extract_id: expected a text that is not empty" in said(night)


def test_an_extract_id_as_long_as_a_book_is_refused(night: Path) -> None:
    edited(night, "DW-1", "D" * 100_000)
    assert "extract_id: expected at most 10,000 characters, found 100,000" in said(night)


def test_a_folder_of_strange_files_is_told_in_a_page(night: Path) -> None:
    for number in range(1000):
        (night / f"x{number:04}.tmp").touch()
    with pytest.raises(LandingRejected) as rejected:
        verify(night, ON)
    assert len(str(rejected.value).splitlines()) == 102
    assert str(rejected.value).endswith("  and 900 more of the kind")


# --- what would not fit in memory


def most_memory(work: Callable[[], object]) -> int:
    """Bytes that a process of its own needs at most for the work, beyond what it had."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
            before = kilobytes("VmRSS")
            work()
            os.write(writing, str((kilobytes("VmHWM") - before) * 1024).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return int(told)


def kilobytes(name: str) -> int:
    (line,) = (
        one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(f"{name}:")
    )
    return int(line.split()[1])


def test_memory_is_measured() -> None:
    assert 50_000_000 < most_memory(lambda: bytearray(b"x" * 30_000_000)) < 90_000_000


DELTA: dict[str, Any] = {
    "use_dictionary": False,
    "column_encoding": {"letter_id": "DELTA_BYTE_ARRAY", "issued_on": "PLAIN"},
}


def written(path: Path, rows: pa.Table, **how: Any) -> LandedFile:
    pq.write_table(rows, path, **how)
    return LandedFile(FILES["clerical_letters"], path, rows.num_rows, "")


def refusal(file: LandedFile) -> str:
    with pytest.raises(LandingRejected) as rejected:
        for _ in file.batches():
            pass
    return str(rejected.value)


@pytest.mark.parametrize("how", [{}, {"use_dictionary": False}, DELTA], ids=["dictionary", "plain", "delta"])  # fmt: skip
def test_a_text_that_unpacks_to_more_than_fits_is_refused_before_it_is_unpacked(
    tmp_path: Path, how: dict[str, Any]
) -> None:
    """500 MB of one letter are 22 KB of Parquet; here 40 MB, of which nothing may be read."""
    file = written(tmp_path / LETTERS, letters("x" * 40_000_000, "y"), compression="zstd", **how)
    assert (tmp_path / LETTERS).stat().st_size < 100_000
    words = refusal(file)
    assert "column letter_id: row group 1, size unpacked: expected at most" in words
    assert "No text may have more than 10,000 characters" in words
    assert most_memory(lambda: refusal(file)) < 20_000_000


@pytest.mark.parametrize("how", [{}, DELTA], ids=["dictionary", "delta"])  # fmt: skip
def test_a_text_that_stands_once_and_counts_in_every_row_does_not_multiply(
    tmp_path: Path, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """10,000 rows of one text of 9,000 characters are 90 MB from a few KB; batches follow what they unpack to."""
    monkeypatch.setattr(parquet, "_BATCH_BYTES", 1_000_000)
    file = written(tmp_path / LETTERS, letters(*["x" * 9_000] * 10_000), **how)
    assert (tmp_path / LETTERS).stat().st_size < 200_000
    assert max(batch.nbytes for batch in file.batches()) < 1_200_000


def test_a_text_too_long_in_a_dictionary_is_refused_before_its_rows_are_unpacked(tmp_path: Path) -> None:
    """One text of 1 MB in each of 30,000 rows would be 30 GB."""
    one = pa.DictionaryArray.from_arrays(pa.array([0] * 30_000, pa.int32()), pa.array(["x" * 1_000_000]))
    rows = pa.table({"letter_id": one, "issued_on": pa.array([ON] * 30_000)})
    file = written(tmp_path / LETTERS, rows, dictionary_pagesize_limit=10_000_000)
    assert (
        "column letter_id: length: expected texts of at most 10,000 characters, found a longer one"
        in refusal(file)
    )
    assert most_memory(lambda: refusal(file)) < 100_000_000


def test_rows_without_end_are_refused_by_the_footer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_MOST_ROWS", 10)
    file = written(tmp_path / LETTERS, letters(*["L"] * 11))
    assert "rows: expected at most 10, found 11" in refusal(file)


# --- however text is stored, it is text


def as_json(values: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.json_(), values)


@pytest.mark.parametrize(
    "stored",
    [
        as_json, lambda v: pa.ExtensionArray.from_storage(pa.json_(pa.large_string()), v.cast(pa.large_string())),
        lambda v: v.dictionary_encode(), lambda v: v.cast(pa.large_string()), lambda v: v.cast(pa.string_view()),
        lambda v: v.cast(pa.large_string()).dictionary_encode(),
        lambda v: v.dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())),
    ],
    ids=["JSON", "large JSON", "dictionary", "large", "view", "dictionary of large", "small dictionary"],
)  # fmt: skip
@pytest.mark.parametrize("groups", [1, 3])
def test_a_string_is_a_string_however_it_is_stored(
    tmp_path: Path, stored: Callable[[pa.Array], pa.Array], groups: int
) -> None:
    texts = ['{"a": 1}', None, "Ng’ŵ", "\x1b[31m", " ", ""]
    rows = pa.table({"letter_id": stored(pa.array(texts)), "issued_on": [ON] * 6})
    file = written(tmp_path / LETTERS, rows, row_group_size=6 // groups)
    with parquet.opened(file.path) as opened:
        assert parquet.schema_problems(file.contract, LETTERS, parquet.schema_of(file.path, opened)) == []
    assert file.read()["letter_id"].to_pylist() == ['{"a": 1}', None, "Ng’ŵ", "[31m", None, None]


def enum(path: Path, rows: pa.Table) -> None:
    """Annotated as ENUM, which by the Parquet format is UTF-8 text. Arrow does not write it, so STRING is overwritten."""
    pq.write_table(rows, path, store_schema=False)
    content = path.read_bytes()
    string, changed = b"letter_id%\x00L\x1c\x00\x00", b"letter_id%\x08LL\x00\x00"
    assert content.count(string) == 1
    path.write_bytes(content.replace(string, changed))


def test_a_string_annotated_as_one_of_a_list_is_a_string(tmp_path: Path) -> None:
    enum(tmp_path / LETTERS, letters("L1", None, "Ng’ŵ"))
    file = LandedFile(FILES["clerical_letters"], tmp_path / LETTERS, 3, "")
    with parquet.opened(file.path) as opened:
        assert parquet.schema_problems(file.contract, LETTERS, parquet.schema_of(file.path, opened)) == []
    assert file.read()["letter_id"].to_pylist() == ["L1", None, "Ng’ŵ"]


BYTES = pa.array([b"L1"])
UUID = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16], pa.binary(16)))


@pytest.mark.parametrize("stored", [BYTES, UUID], ids=["bytes", "UUID"])
def test_bytes_are_not_text(tmp_path: Path, stored: pa.Array) -> None:
    path = tmp_path / LETTERS
    pq.write_table(pa.table({"letter_id": stored, "issued_on": [ON]}), path)
    with parquet.opened(path) as opened:
        (problem,) = parquet.schema_problems(
            FILES["clerical_letters"], LETTERS, parquet.schema_of(path, opened)
        )
    assert "expected type string, found type" in str(problem)


# --- criteria


@pytest.mark.parametrize("character", ["\x00", "\ud800", "\x1b", "\x9b", "\u202e", "\u2028"])
@pytest.mark.parametrize("key", ["tranche_id", "ocr_reference", "authorised_by", "reason"])
def test_criteria_with_a_text_that_cannot_be_shown_are_refused_in_words(character: str, key: str) -> None:
    row = CRITERIA | {key: f"x{character}y"}
    with pytest.raises(criteria.CriteriaInvalid, match="characters that can be printed") as refused:
        criteria.parse(json.dumps([row]).encode(), "criteria.json")
    assert str(refused.value).isprintable() or all(
        line.isprintable() for line in str(refused.value).split("\n")
    )


@pytest.mark.parametrize("blank", ["", " ", "\u200b", "\u3164", "\u2800 \u00ad"])
def test_B6_an_approval_with_nothing_to_read_in_it_is_none(blank: str) -> None:
    (made,) = criteria.parse(json.dumps([CRITERIA | {"authorised_by": blank}]).encode(), "criteria.json")
    assert made.authorised_by is None


CRITERIA: dict[str, Any] = {
    "tranche_id": "T1", "ocr_reference": "O", "authorised_by": "ann", "authorised_on": "2017-01-01", "reason": "two\nlines",
    "segments": [2], "csa_systems": ["CS2"], "case_types": ["ONGOING"], "max_cases": None, "notice_days": 30,
    "reminder_days": 30, "valid_from": None, "valid_to": None,
}  # fmt: skip
