"""What reading does to rows, and that it does nothing else."""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from case_closure.domain.money import parse_pounds
from case_closure.domain.texts import NOTHING_TO_READ, is_blank
from case_closure.landing.normalising import (
    LONGEST_VALUE,
    column_total,
    normalised,
    without_control_characters,
)
from case_closure.landing.paths import PathLike
from case_closure.landing.reading import ROW_NUMBER, LandedFile
from case_closure.landing.rejection import LandingRejected
from case_closure.landing.writing import write_night
from case_closure.tables.landed import FILES

LETTERS = FILES["clerical_letters"]


def landed(
    folder: PathLike, rows: pa.Table, promised: int | None = None, name: str = "clerical_letters"
) -> LandedFile:
    path = folder / f"{name}.parquet"
    with path.open("wb") as out:
        pq.write_table(rows, out)
    return LandedFile(FILES[name], path, rows.num_rows if promised is None else promised, "")


def letters(*texts: str | None) -> pa.Table:
    return pa.table({"letter_id": list(texts), "issued_on": [date(2017, 8, 11)] * len(texts)}, LETTERS.schema)


def texts_read(folder: Path, *texts: str | None) -> list[str | None]:
    read: list[str | None] = landed(folder, letters(*texts)).read()["letter_id"].to_pylist()
    return read


# --- batches


def test_batches_hold_all_rows_in_order_and_no_more_than_asked(tmp_path: Path) -> None:
    file = landed(tmp_path, letters(*(f"L{number}" for number in range(10))))
    batches = list(file.batches(batch_rows=4, with_row_number=True))
    assert [batch.num_rows for batch in batches] == [4, 4, 2]
    whole = pa.concat_tables(batches)
    assert whole.column_names == ["letter_id", "issued_on", ROW_NUMBER]
    assert whole[ROW_NUMBER].to_pylist() == list(range(1, 11))
    assert whole.schema.field(ROW_NUMBER).type == pa.int64()
    assert whole["letter_id"].to_pylist() == [f"L{number}" for number in range(10)]


def test_columns_come_in_contract_order_or_as_asked(tmp_path: Path) -> None:
    file = landed(tmp_path, letters("L1").select(["issued_on", "letter_id"]))
    assert file.read().schema == LETTERS.schema
    assert file.read(["issued_on"]).column_names == ["issued_on"]
    assert file.read(["issued_on", "letter_id"]).column_names == ["issued_on", "letter_id"]
    with pytest.raises(KeyError, match="has no column 'nino'"):
        file.read(["nino"])


def test_a_file_without_rows_has_no_batches_and_reads_as_an_empty_table(tmp_path: Path) -> None:
    file = landed(tmp_path, letters())
    assert list(file.batches()) == []
    assert file.read() == LETTERS.schema.empty_table()
    assert file.read(with_row_number=True).column_names == ["letter_id", "issued_on", ROW_NUMBER]


def test_rows_that_vanish_between_verifying_and_reading_are_not_passed_over(tmp_path: Path) -> None:
    file = landed(tmp_path, letters("L1", "L2"), promised=3)
    with pytest.raises(LandingRejected, match=r"clerical_letters\.parquet: rows read: expected 3, found 2"):
        file.read()


def test_a_file_that_vanishes_is_a_clear_error(tmp_path: Path) -> None:
    file = landed(tmp_path, letters("L1"))
    (tmp_path / "clerical_letters.parquet").unlink()
    with pytest.raises(
        LandingRejected, match="expected a file that can be opened, found what cannot be read"
    ):
        file.read()


def test_an_object_store_reads_the_same(tmp_path: Path) -> None:
    rows = letters("L1", None, "£\x00")
    folder = UPath("memory://reading")
    folder.mkdir(parents=True, exist_ok=True)
    assert landed(folder, rows).read() == landed(tmp_path, rows).read()


def test_wide_rows_come_fewer_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory follows bytes, not rows: 40 rows of 1 MiB are not one batch where 16 MiB is the most."""
    monkeypatch.setattr("case_closure.landing.parquet._BATCH_BYTES", 16 * 9_000)
    wide = "x" * 9_000
    file = landed(tmp_path, letters(*(f"{row}{wide}" for row in range(40))))
    sizes = [batch.num_rows for batch in file.batches()]
    assert sum(sizes) == 40
    assert max(sizes) <= 16


# --- control characters


CONTROL = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cc"]


@pytest.mark.parametrize("character", CONTROL, ids=lambda character: f"U+{ord(character):04X}")
def test_control_characters_are_removed_but_tab_and_newline(tmp_path: Path, character: str) -> None:
    """Also where every other byte of the column is plain, and where none is."""
    kept = character if character in "\t\n" else ""
    for plain in ("O'Brien", "Ó Briain £", "名前"):
        text = f"{character}{plain}{character}{plain}"
        assert texts_read(tmp_path, "plain", text, None) == ["plain", f"{kept}{plain}{kept}{plain}", None]


@pytest.mark.parametrize(
    "text",
    [
        "Siân O’Brien-Łukasz",
        "\u00a0no-break\u00ad\u200b\u2028",
        '=HYPERLINK("http://x")',
        "'; DROP TABLE dues; --",
        "tab\tand\nnewline",
        "\U0001f600",
        "Âÿ",
        "  spaces kept  ",
    ],
)
def test_all_other_text_comes_through_as_it_was(tmp_path: Path, text: str) -> None:
    assert texts_read(tmp_path, text) == [text]


@pytest.mark.parametrize("character", [chr(code) for ends in NOTHING_TO_READ for code in ends], ids=ascii)
def test_a_text_with_nothing_to_read_in_it_is_missing(tmp_path: Path, character: str) -> None:
    """And what can be read keeps whatever stands beside it."""
    beside = f"a{character}" if character not in CONTROL or character in "\t\n" else "a"
    texts = ["", character, f" {character}\u200b", None, f"a{character}", "-", f"-{character}"]
    assert texts_read(tmp_path, *texts) == [None, None, None, None, beside, "-", beside.replace("a", "-")]


def test_json_is_kept_as_it_came_also_when_blank(tmp_path: Path) -> None:
    """'offline_calculation (as it came)': what it says is for a rule to judge, not for reading."""
    for name, column in (("corrections", "offline_calculation"), ("records", "detail")):
        rows = FILES[name].schema.empty_table()
        rows = pa.table({field.name: pa.nulls(3, field.type) for field in rows.schema})
        at = rows.column_names.index(column)
        rows = rows.set_column(at, column, pa.array(["", " ", "{}"]))
        assert landed(tmp_path, rows, name=name).read([column])[column].to_pylist() == ["", " ", "{}"]


def test_a_text_of_the_longest_that_may_be_is_read_and_a_longer_one_is_named(tmp_path: Path) -> None:
    longest = "é" * LONGEST_VALUE
    assert texts_read(tmp_path, "a", longest, "b") == ["a", longest, "b"]
    for longer in ("x" * (LONGEST_VALUE + 1), longest + "🙂", "x" * 40_001):
        with pytest.raises(LandingRejected) as rejected:
            texts_read(tmp_path, "a", longer, "b")
        assert "row 2, column letter_id: length: expected texts of at most 10,000 characters" in str(
            rejected.value
        )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), max_size=12), st.integers(0, 5)
)
def test_reading_text_drops_cc_and_makes_null_of_nothing_to_read_and_no_more(
    texts: list[str | None], start: int
) -> None:
    """Against a plain model, and on slices: a batch is often a window on a larger buffer."""
    array = pa.array(texts, pa.string()).slice(min(start, len(texts)))
    expected = [
        text if text is None else "".join(c for c in text if c in "\t\n" or unicodedata.category(c) != "Cc")
        for text in texts[start:]
    ]
    read = [None if text is None or is_blank(text) else text for text in expected]
    assert normalised(array, "f", "c", 0).to_pylist() == read
    assert normalised(array, "f", "c", 0, blank_is_missing=False).to_pylist() == expected
    assert [None if text is None else without_control_characters(text) for text in texts[start:]] == expected


def test_the_row_of_bad_text_is_counted_from_the_start_of_the_file(tmp_path: Path) -> None:
    stored = pa.array([b"ok"] * 7 + [b"\xc3"] + [b"\xff"], pa.binary()).view(pa.string())
    file = landed(tmp_path, pa.table({"letter_id": stored, "issued_on": pa.nulls(9, pa.date32())}))
    with pytest.raises(LandingRejected, match="row 8, column letter_id: text: expected UTF-8") as rejected:
        list(file.batches(batch_rows=3))
    assert (rejected.value.problems[0].row, rejected.value.problems[0].column) == (8, "letter_id")


def test_two_halves_of_a_character_in_two_rows_are_not_text(tmp_path: Path) -> None:
    stored = pa.array([b"a\xc3", b"\xa9b"], pa.binary()).view(pa.string())
    file = landed(tmp_path, pa.table({"letter_id": stored, "issued_on": pa.nulls(2, pa.date32())}))
    with pytest.raises(LandingRejected, match="row 1, column letter_id"):
        file.read()


# --- exact sums


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=30), st.integers(1, 5))
def test_a_total_is_exact_whatever_the_amounts(amounts: list[int | None], chunks: int) -> None:
    column = pa.chunked_array([amounts[part::chunks] for part in range(chunks)], pa.int64())
    assert column_total(column) == sum(amount or 0 for amount in amounts)


def test_a_total_of_flags_counts_the_true_ones() -> None:
    assert column_total(pa.array([True, None, False, True])) == 2


# --- pounds


@pytest.mark.parametrize(
    ("text", "pence"),
    [
        ("155.18", 15518),
        ("0.00", 0),
        ("0.01", 1),
        ("-0.05", -5),
        ("-12.34", -1234),
        ("007.50", 750),
        ("92233720368547758.07", 2**63 - 1),
        ("92233720368547758.08", None),
        ("1" * 1000 + ".00", None),
        ("155", None),
        ("155.1", None),
        ("155.180", None),
        ("1,155.18", None),
        ("£155.18", None),
        ("+155.18", None),
        (" 155.18", None),
        ("155.18\n", None),
        ("1.5e2", None),
        ("NaN", None),
        (".50", None),
        ("٢.٥٠", None),
        ("", None),
        (None, None),
    ],
)
def test_pounds_are_parsed_exactly_or_not_at_all(text: str | None, pence: int | None) -> None:
    assert parse_pounds(text) == pence


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_sum_of_pence_that_can_be_stored_can_be_written_in_pounds(pence: int) -> None:
    sign, (whole, part) = "-" if pence < 0 else "", divmod(abs(pence), 100)
    assert parse_pounds(f"{sign}{whole}.{part:02d}") == pence


# --- writing


def test_the_same_rows_are_written_as_the_same_bytes(tmp_path: Path) -> None:
    def digests(folder: Path) -> dict[str, str]:
        write_night(folder, date(2017, 8, 11), "X", {"clerical_letters": letters("L1", "é")}, {"CS2": []})
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}

    first = digests(tmp_path / "one")
    assert set(first) == {"manifest.json", "clerical_letters.parquet", "csa_payments_CS2.csv"}
    assert digests(tmp_path / "two") == first
    assert digests(tmp_path / "one") == first


def test_writing_a_night_again_leaves_nothing_of_the_first_and_nothing_else_is_touched(
    tmp_path: Path,
) -> None:
    write_night(tmp_path, date(2017, 8, 11), "X", {"clerical_letters": letters("L1")}, {"CS2": []})
    (tmp_path / "notes.txt").write_text("mine")
    write_night(tmp_path, date(2017, 8, 11), "Y", {}, {"CCD": []})
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"manifest.json", "csa_payments_CCD.csv", "notes.txt"}


def test_what_does_not_fit_the_contract_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        write_night(tmp_path, date(2017, 8, 11), "X", {"clerical_letters": letters("L1").drop(["issued_on"])})
    with pytest.raises(KeyError):
        write_night(tmp_path, date(2017, 8, 11), "X", {"letters": letters("L1")})
    assert not (tmp_path / "manifest.json").exists()
