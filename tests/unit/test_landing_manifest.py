"""R22: a night that disagrees with its manifest or the contract is rejected whole, and the error says why."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from case_closure.domain.texts import is_blank
from case_closure.landing.manifest import Landing, LandingRejected, Problem, reopen, verify
from case_closure.landing.writing import write_night
from case_closure.tables.landed import FILES

NIGHT = date(2017, 8, 11)
BALANCES = "csa_balances.parquet"
PAYMENTS = "csa_payments_CS2.csv"


def table(name: str, rows: int = 3) -> pa.Table:
    """Rows that fit the contract of the file, no two alike."""

    def value(kind: pa.DataType, column: str, row: int) -> object:
        if pa.types.is_string(kind):
            return f"{column}-{row}"
        if pa.types.is_date32(kind):
            return date(2017, 1, 1 + row)
        return row % 2 == 0 if pa.types.is_boolean(kind) else row + 1

    schema = FILES[name].schema
    return pa.table(
        {field.name: [value(field.type, field.name, row) for row in range(rows)] for field in schema},
        schema=schema,
    )


PAYMENT_LINES = [
    ("BW100231B", "Siân", "O'Brien", "REC37", "155.18"),
    ("KW106146C", "Alex", 'Walker "Al", junior', "REC38", "0.02"),
]


def land(folder: Any, **tables: pa.Table) -> None:
    tables = tables or {name: table(name) for name in ("csa_balances", "csa_cases", "clerical_letters")}
    write_night(folder, NIGHT, "DW-2017-08-11-1", tables, {"CS2": PAYMENT_LINES})


@pytest.fixture
def night(tmp_path: Path) -> Path:
    folder = tmp_path / "landing" / "2017-08-11"
    land(folder)
    return folder


def manifest(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text())


def entry(content: Any, file: str) -> Any:
    return next(named for named in content["files"] if named["name"] == file)


def remanifest(folder: Path, change: Callable[[Any], object]) -> None:
    content = manifest(folder)
    change(content)
    (folder / "manifest.json").write_text(json.dumps(content))


def replace(folder: Path, file: str, content: bytes, **figures: object) -> None:
    """Another file in its place, with the hash the sender would have given it."""
    (folder / file).write_bytes(content)
    figures["sha256"] = hashlib.sha256(content).hexdigest()
    remanifest(folder, lambda sent: entry(sent, file).update(figures))


def replace_table(folder: Path, file: str, rows: pa.Table, **figures: object) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    replace(folder, file, sink.getvalue().to_pybytes(), rows=rows.num_rows, **figures)


def problems(folder: Any, business_date: date = NIGHT) -> list[Problem]:
    with pytest.raises(LandingRejected) as rejected:
        verify(folder, business_date)
    assert str(folder) in str(rejected.value)
    assert "Traceback" not in str(rejected.value)
    for problem in rejected.value.problems:
        assert str(problem) in str(rejected.value)
        assert problem.advice, problem
    return rejected.value.problems


def only_problem(folder: Any, business_date: date = NIGHT) -> str:
    (problem,) = problems(folder, business_date)
    return str(problem)


# --- a night that is whole


def test_a_whole_night_is_what_its_manifest_says(night: Path) -> None:
    landing = verify(night, NIGHT)

    assert (landing.business_date, landing.extract_id) == (NIGHT, "DW-2017-08-11-1")
    assert landing.manifest_sha256 == hashlib.sha256((night / "manifest.json").read_bytes()).hexdigest()
    assert [(file.path.name, file.rows, file.csa_system) for file in landing.files] == [
        ("clerical_letters.parquet", 3, None),
        ("csa_balances.parquet", 3, None),
        ("csa_cases.parquet", 3, None),
        ("csa_payments_CS2.csv", 2, "CS2"),
    ]
    (balances,) = landing.get("csa_balances")
    assert balances.read() == table("csa_balances")
    assert balances.sha256 == hashlib.sha256((night / BALANCES).read_bytes()).hexdigest()
    assert landing.get("inhibits") == []


def test_every_file_of_the_contract_can_land(tmp_path: Path) -> None:
    land(tmp_path, **{name: table(name) for name, contract in FILES.items() if not contract.is_csv})
    landing = verify(tmp_path, NIGHT)
    assert {file.contract.name for file in landing.files} == set(FILES)


def test_a_night_without_files_or_rows_is_whole(tmp_path: Path) -> None:
    write_night(tmp_path / "none", NIGHT, "X", {})
    assert verify(tmp_path / "none", NIGHT).files == ()

    write_night(tmp_path / "empty", NIGHT, "X", {"csa_balances": table("csa_balances", 0)}, {"CCD": []})
    assert [file.rows for file in verify(tmp_path / "empty", NIGHT).files] == [0, 0]


def test_an_object_store_is_read_as_a_folder_is() -> None:
    folder = UPath("memory://landing-zone/2017-08-11")
    land(folder)
    landing = verify(folder, NIGHT)
    assert landing.get("csa_balances")[0].read() == table("csa_balances")
    assert landing.get("csa_payments")[0].read()["value"].to_pylist() == ["155.18", "0.02"]

    (folder / BALANCES).unlink()
    assert "csa_balances.parquet: file: expected to be in the folder" in only_problem(folder)
    assert "no such folder" in only_problem(UPath("memory://landing-zone/2017-08-12"))


def test_without_every_value_the_figures_are_still_checked(night: Path) -> None:
    assert verify(night, NIGHT, every_value=False) == verify(night, NIGHT)
    remanifest(night, lambda sent: entry(sent, BALANCES)["control_totals"].update(total_pence=7))
    with pytest.raises(LandingRejected, match="column total_pence: control total: expected 7, found 6"):
        verify(night, NIGHT, every_value=False)


def test_the_order_of_columns_and_of_files_and_extra_manifest_keys_do_not_matter(night: Path) -> None:
    rows = table("csa_balances")
    replace_table(night, BALANCES, rows.select(list(reversed(rows.column_names))))
    remanifest(night, lambda sent: (sent["files"].reverse(), sent.update(made_by="warehouse")))
    assert verify(night, NIGHT).get("csa_balances")[0].read() == rows


def test_a_hash_may_be_in_capitals(night: Path) -> None:
    remanifest(
        night, lambda sent: entry(sent, BALANCES).update(sha256=entry(sent, BALANCES)["sha256"].upper())
    )
    assert verify(night, NIGHT).get("csa_balances")[0].sha256.islower()


def test_of_no_given_date_the_manifest_says_which(night: Path) -> None:
    assert verify(night, None).business_date == NIGHT
    remanifest(night, lambda sent: sent.update(business_date="20170811"))
    with pytest.raises(LandingRejected, match="expected a date as YYYY-MM-DD, found 20170811"):
        verify(night, None)


def test_a_night_once_verified_is_reopened_without_reading_its_files(night: Path) -> None:
    landing = verify(night, NIGHT)
    (night / BALANCES).write_bytes(b"not looked at")
    assert reopen(night, NIGHT, landing.manifest_sha256) == landing

    remanifest(night, lambda sent: sent.update(extract_id="DW-2017-08-11-2"))
    with pytest.raises(LandingRejected, match="landed again after it was verified"):
        reopen(night, NIGHT, landing.manifest_sha256)


# --- no manifest, unreadable manifest, wrong date


def test_no_folder(tmp_path: Path) -> None:
    message = only_problem(tmp_path / "2017-08-11")
    assert "folder: expected a folder for the business date, found no such folder" in message


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "2017-08-11").write_text("")
    assert "cannot be listed (Not a directory)" in only_problem(tmp_path / "2017-08-11")


def test_no_manifest(night: Path) -> None:
    (night / "manifest.json").unlink()
    message = only_problem(night)
    assert (
        "manifest.json: file: expected the manifest of 2017-08-11, found none, but 4 other files" in message
    )


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "expected the manifest of 2017-08-11, found an empty folder" in only_problem(tmp_path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "what is not JSON"),
        (b'{"business_date": "2017-08-11", ', "what is not JSON"),
        (b"PAR1\x00\xff\xfe", "what is not JSON"),
        (
            b'{"business_date": "2017-08-11", "business_date": "2017-08-12"}',
            "a key stands twice in one object",
        ),
        (b'{"rows": NaN}', "NaN is not a number"),
        (b"[" * 100_000, "what is not JSON"),
        (b"[]", "found a list"),
        (b'"2017-08-11"', "found a text"),
        (b"null", "found nothing"),
    ],
)
def test_a_manifest_that_is_not_one(night: Path, content: bytes, found: str) -> None:
    (night / "manifest.json").write_bytes(content)
    message = only_problem(night)
    assert message.startswith("manifest.json: content: expected ")
    assert found in message


def test_a_manifest_of_another_date(night: Path) -> None:
    message = only_problem(night, date(2017, 8, 12))
    assert message.startswith("manifest.json: business_date: expected 2017-08-12, found 2017-08-11.")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"business_date": 20170811}, "business_date: expected 2017-08-11, found a number"),
        ({"business_date": "2017-8-11"}, "business_date: expected 2017-08-11, found 2017-8-11"),
        ({"business_date": "2017-02-30"}, "business_date: expected 2017-08-11, found 2017-02-30"),
        ({"business_date": None}, "business_date: expected 2017-08-11, found nothing"),
        ({"extract_id": ""}, "extract_id: expected a text that is not empty, found an empty text"),
        ({"extract_id": None}, "extract_id: expected a text that is not empty, found nothing"),
    ],
)
def test_a_manifest_with_a_wrong_heading(night: Path, change: dict[str, object], expected: str) -> None:
    remanifest(night, lambda sent: sent.update(change))
    assert expected in only_problem(night)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rows": "3"}, "csa_balances.parquet: rows in the manifest: expected a whole number"),
        ({"rows": 3.0}, "rows in the manifest: expected a whole number, 0 or more, found a number"),
        ({"rows": True}, "rows in the manifest: expected a whole number, 0 or more, found true or false"),
        ({"rows": -1}, "rows in the manifest: expected a whole number, 0 or more, found -1"),
        ({"rows": None}, "rows in the manifest: expected a whole number, 0 or more, found nothing"),
        ({"sha256": "abc"}, "sha256 in the manifest: expected 64 hexadecimal digits, found abc"),
        ({"sha256": None}, "sha256 in the manifest: expected 64 hexadecimal digits, found nothing"),
        ({"name": 7}, "name: expected a file name, found a number"),
    ],
)
def test_a_manifest_with_a_wrong_entry(night: Path, change: dict[str, object], expected: str) -> None:
    remanifest(night, lambda sent: entry(sent, BALANCES).update(change))
    assert expected in str(problems(night)[0])


def test_files_that_are_no_list_and_entries_that_are_no_object(night: Path) -> None:
    remanifest(night, lambda sent: sent.update(files={}))
    assert "files: expected a list of files, found an object" in str(problems(night)[0])
    remanifest(night, lambda sent: sent.update(files=["csa_cases.parquet"]))
    assert "files, entry 1: expected an object with name, rows" in str(problems(night)[0])


def test_control_totals_that_are_no_object(night: Path) -> None:
    remanifest(night, lambda sent: entry(sent, "csa_cases.parquet").update(control_totals=[1]))
    assert "control_totals in the manifest: expected an object, found a list" in only_problem(night)


# --- files missing, extra, of another name


def test_a_file_that_is_there_and_not_named(night: Path) -> None:
    remanifest(night, lambda sent: sent["files"].remove(entry(sent, BALANCES)))
    message = only_problem(night)
    assert f"{BALANCES}: file: expected nothing that the manifest does not name" in message


@pytest.mark.parametrize("stray", [".DS_Store", "notes.txt", "csa_cases.parquet.tmp", "manifest.json.bak"])
def test_any_stray_file_rejects_the_night(night: Path, stray: str) -> None:
    (night / stray).write_text("")
    assert only_problem(night).startswith(f"{stray}: file: expected nothing")


def test_so_does_a_stray_folder(night: Path) -> None:
    (night / "old").mkdir()
    assert only_problem(night).startswith("old: file: expected nothing")


def test_a_stray_name_cannot_break_the_lines_of_a_log(night: Path) -> None:
    (night / "a\nINFO all is well\x1b[2J").write_text("")
    assert only_problem(night).startswith("a<U+000A>INFO all is well<U+001B>[2J: file")


def test_a_file_that_is_named_and_not_there(night: Path) -> None:
    (night / BALANCES).unlink()
    message = only_problem(night)
    assert (
        f"{BALANCES}: file: expected to be in the folder, as the manifest names it, found no such file"
        in message
    )


def test_a_folder_where_a_file_should_be(night: Path) -> None:
    (night / BALANCES).unlink()
    (night / BALANCES).mkdir()
    assert f"{BALANCES}: file: expected a file that can be read, found a folder" in only_problem(night)


@pytest.mark.parametrize(
    "name",
    ["csa_case.parquet", "CSA_CASES.parquet", "csa_payments_CMS.csv", "manifest.json", "csa_cases.csv", ""],
)
def test_a_name_that_is_not_in_the_contract(night: Path, name: str) -> None:
    remanifest(night, lambda sent: sent["files"].append({**entry(sent, BALANCES), "name": name}))
    if name and name != "manifest.json":
        shutil.copy(night / BALANCES, night / name)
    message = only_problem(night)
    assert message.startswith(f"{name}: name: expected the name of a file of the contract")


@pytest.mark.parametrize(
    "name", ["../secret.parquet", "/etc/passwd", "..", ".", "sub/csa_cases.parquet", "..\\csa_cases.parquet"]
)
def test_a_name_that_leads_out_of_the_folder_is_never_opened(night: Path, name: str) -> None:
    (night.parent / "secret.parquet").write_bytes((night / BALANCES).read_bytes())
    remanifest(night, lambda sent: sent["files"].append({**entry(sent, BALANCES), "name": name}))
    assert "name: expected the name of a file of the contract" in only_problem(night)


def test_a_file_named_twice(night: Path) -> None:
    remanifest(night, lambda sent: sent["files"].append(entry(sent, BALANCES)))
    assert f"{BALANCES}: name: expected named once, found named again" in only_problem(night)


# --- hash, rows, control totals


def test_a_hash(night: Path) -> None:
    sent = entry(manifest(night), BALANCES)["sha256"]
    rows = table("csa_balances")
    pq.write_table(rows, night / BALANCES, compression="none")
    found = hashlib.sha256((night / BALANCES).read_bytes()).hexdigest()
    assert only_problem(night).startswith(f"{BALANCES}: sha256: expected {sent}, found {found}.")


def test_a_row_count(night: Path) -> None:
    remanifest(night, lambda sent: entry(sent, BALANCES).update(rows=4))
    assert only_problem(night).startswith(f"{BALANCES}: rows: expected 4, found 3.")


def test_a_control_total(night: Path) -> None:
    remanifest(night, lambda sent: entry(sent, BALANCES)["control_totals"].update(total_pence=123456))
    message = only_problem(night)
    assert message.startswith(f"{BALANCES}, column total_pence: control total: expected 123456, found 6.")


@pytest.mark.parametrize("name", ["csa_balances", "clerical_balances", "csa_debts"])
def test_a_file_with_total_pence_must_give_it(tmp_path: Path, name: str) -> None:
    write_night(tmp_path, NIGHT, "X", {name: table(name)})
    remanifest(tmp_path, lambda sent: sent["files"][0].update(control_totals={}))
    message = only_problem(tmp_path)
    assert "control total: expected the sum of total_pence in the manifest, found none" in message

    remanifest(tmp_path, lambda sent: sent["files"][0].pop("control_totals"))
    assert "found none" in only_problem(tmp_path)


def test_nulls_count_as_nothing_in_a_control_total(night: Path) -> None:
    rows = table("csa_balances")
    at = rows.column_names.index("total_pence")
    rows = rows.set_column(at, "total_pence", pa.array([None, 5, -7], pa.int64()))
    replace_table(night, BALANCES, rows, control_totals={"total_pence": -2})
    verify(night, NIGHT)
    rows = rows.set_column(at, "total_pence", pa.nulls(3, pa.int64()))
    replace_table(night, BALANCES, rows, control_totals={"total_pence": 0})
    verify(night, NIGHT)


def test_a_control_total_cannot_overflow_into_agreement(night: Path) -> None:
    """2^62 four times over is 0 in 64 bits; it is not 0 here."""
    rows = pa.concat_tables([table("csa_balances"), table("csa_balances", 1)])
    at = rows.column_names.index("total_pence")
    rows = rows.set_column(at, "total_pence", pa.array([2**62] * 4))
    replace_table(night, BALANCES, rows, control_totals={"total_pence": 0})
    assert f"control total: expected 0, found {2**64}." in only_problem(night)
    replace_table(night, BALANCES, rows, control_totals={"total_pence": 2**64})
    verify(night, NIGHT)


@pytest.mark.parametrize(
    ("column", "right"), [("segment", 6), ("rp_keep_pence", 6), ("manual_inhibit", 2), ("rp_keep_pence", 6.0)]
)
def test_any_other_column_of_numbers_may_have_a_control_total(night: Path, column: str, right: int) -> None:
    remanifest(night, lambda sent: entry(sent, "csa_cases.parquet").update(control_totals={column: right}))
    verify(night, NIGHT)
    wrong = {column: right + 1}
    remanifest(night, lambda sent: entry(sent, "csa_cases.parquet").update(control_totals=wrong))
    assert f"column {column}: control total: expected {right + 1}, found" in only_problem(night)


@pytest.mark.parametrize(
    ("column", "total", "found"),
    [
        ("total", 6, "a column the file does not have"),
        ("surname", 6, "a column the file does not have"),
        ("scheme", 6, "a column of type string"),
        ("liability_end_date", 6, "a column of type date32[day]"),
        ("segment", "6", "a text"),
        ("segment", None, "nothing"),
        ("segment", True, "true or false"),
        ("segment", [6], "a list"),
    ],
)
def test_a_control_total_that_makes_no_sense(night: Path, column: str, total: object, found: str) -> None:
    remanifest(night, lambda sent: entry(sent, "csa_cases.parquet").update(control_totals={column: total}))
    message = only_problem(night)
    assert (
        f"column {column}: control total: expected a number, for a column of numbers, found {found}."
        in message
    )


# --- columns and types


def test_a_column_missing_and_one_extra(night: Path) -> None:
    rows = table("csa_balances")
    names = ["Rp_active_pence" if name == "rp_active_pence" else name for name in rows.column_names]
    replace_table(night, BALANCES, rows.rename_columns(names))
    missing, extra = map(str, problems(night))
    assert f"{BALANCES}, column rp_active_pence: column: expected type int64, found no such column" in missing
    assert (
        f"{BALANCES}, column Rp_active_pence: column: expected no such column, found an extra column" in extra
    )


def test_a_column_twice(night: Path) -> None:
    rows = table("csa_balances")
    replace_table(night, BALANCES, rows.append_column("balance_id", rows["balance_id"]))
    assert "column balance_id: column: expected once, found 2 times" in only_problem(night)


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("total_pence", pa.int32()),
        ("total_pence", pa.uint64()),
        ("total_pence", pa.float64()),
        ("total_pence", pa.decimal128(18, 2)),
        ("total_pence", pa.string()),
        ("total_pence", pa.null()),
        ("arrears_from", pa.timestamp("us")),
        ("arrears_from", pa.string()),
        ("arrears_from", pa.int32()),
        ("balance_id", pa.binary()),
        ("balance_id", pa.int64()),
        ("balance_id", pa.list_(pa.string())),
        ("balance_id", pa.dictionary(pa.int32(), pa.binary())),
    ],
)
def test_a_column_of_another_type(night: Path, column: str, other: pa.DataType) -> None:
    rows = table("csa_balances")
    at = rows.column_names.index(column)
    replace_table(night, BALANCES, rows.set_column(at, column, pa.nulls(3, other)))
    message = only_problem(night)
    assert (
        f"{BALANCES}, column {column}: column: expected type {rows.schema.field(column).type}, found type"
        in message
    )


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.large_string()),
    ],
)
def test_text_is_one_type_however_arrow_stores_it(night: Path, kind: pa.DataType) -> None:
    rows = table("csa_balances")
    stored = rows.set_column(0, "balance_id", rows["balance_id"].cast(kind))
    replace_table(night, BALANCES, stored)
    assert verify(night, NIGHT).get("csa_balances")[0].read() == rows


# --- files that are not what they say


def test_an_empty_file(night: Path) -> None:
    replace(night, BALANCES, b"")
    assert f"{BALANCES}: format: expected a whole Parquet file" in only_problem(night)
    replace(night, PAYMENTS, b"")
    assert f"{PAYMENTS}: header: expected nino,forenames" in str(problems(night)[1])


def test_a_text_file_named_parquet(night: Path) -> None:
    replace(night, BALANCES, b"balance_id,csa_system\nB1,CS2\n" * 100)
    assert f"{BALANCES}: format: expected a whole Parquet file, found what cannot be read" in only_problem(
        night
    )


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_truncated_parquet_file(night: Path, kept: float) -> None:
    """Cut short on the way: the hash says so; cut short before it was sent: the file says so."""
    whole = (night / BALANCES).read_bytes()
    cut = whole[: int(len(whole) * kept)]
    (night / BALANCES).write_bytes(cut)
    hashes, footer = map(str, problems(night))
    assert f"{BALANCES}: sha256: expected" in hashes
    assert "cut short on the way" in hashes
    assert f"{BALANCES}: format: expected a whole Parquet file" in footer

    replace(night, BALANCES, cut)
    assert f"{BALANCES}: format: expected a whole Parquet file" in only_problem(night)


def test_pages_that_cannot_be_decoded_under_a_right_hash(night: Path) -> None:
    """A file the sender damaged and then vouched for: found before a stage runs, not half-way through."""
    rows = pa.concat_tables([table("csa_balances", 20)] * 50)
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd")
    content = bytearray(sink.getvalue().to_pybytes())
    content[8:400] = b"\xa5" * 392
    replace(night, BALANCES, bytes(content), rows=1000, control_totals={"total_pence": 10_500})
    assert f"{BALANCES}: data: expected pages that can be decoded" in only_problem(night)


def test_damage_on_the_way_is_one_problem_the_hash(night: Path) -> None:
    """What else damaged bytes seem to say is noise: pages that cannot be decoded are not reported."""
    content = bytearray((night / BALANCES).read_bytes())
    content[4:60] = b"\xa5" * 56
    (night / BALANCES).write_bytes(content)
    assert only_problem(night).startswith(f"{BALANCES}: sha256: expected")


def test_another_file_than_was_sent_says_what_is_different_in_it(night: Path) -> None:
    pq.write_table(table("csa_balances", 5), night / BALANCES)
    assert [problem.figure for problem in problems(night)] == ["sha256", "rows", "control total"]


def test_text_that_is_not_utf8_names_its_row_and_column(night: Path) -> None:
    rows = table("csa_balances")
    stored = pa.array([b"B1", b"B\xff2", b"B3"], pa.binary()).view(pa.string())
    replace_table(night, BALANCES, rows.set_column(0, "balance_id", stored))
    message = only_problem(night)
    assert (
        f"{BALANCES}, row 2, column balance_id: text: expected UTF-8, found bytes that are not UTF-8"
        in message
    )


@pytest.mark.parametrize("days", [-719163, 2932897, 2**31 - 1, -(2**31)])
def test_a_date_no_calendar_can_hold_names_its_row_and_column(night: Path, days: int) -> None:
    rows = table("csa_balances")
    at = rows.column_names.index("arrears_to")
    wild = pa.array([17000, None, days], pa.int32()).cast(pa.date32())
    replace_table(night, BALANCES, rows.set_column(at, "arrears_to", wild))
    message = only_problem(night)
    assert f"{BALANCES}, row 3, column arrears_to: date: expected a date in the years 1 to 9999" in message


def test_the_first_and_last_dates_of_the_calendar_can_land(night: Path) -> None:
    rows = table("csa_balances")
    at = rows.column_names.index("arrears_to")
    rows = rows.set_column(at, "arrears_to", pa.array([date.min, None, date.max], pa.date32()))
    replace_table(night, BALANCES, rows)
    assert verify(night, NIGHT).get("csa_balances")[0].read() == rows


# --- all at once


def test_every_disagreement_is_reported_at_once(night: Path) -> None:
    """R22: one round with the sender, not one for each fault."""
    (night / "csa_cases.parquet").write_bytes(b"PAR1")
    (night / "clerical_letters.parquet").unlink()
    (night / "notes.txt").write_text("")

    def change(sent: Any) -> None:
        sent["business_date"] = "2017-08-10"
        entry(sent, BALANCES)["rows"] = 9
        entry(sent, BALANCES)["control_totals"] = {"total_pence": 1, "nothing": 2}
        entry(sent, PAYMENTS)["rows"] = 8

    remanifest(night, change)
    assert [(problem.file, problem.figure) for problem in problems(night)] == [
        ("manifest.json", "business_date"),
        ("clerical_letters.parquet", "file"),
        (BALANCES, "rows"),
        (BALANCES, "control total"),
        (BALANCES, "control total"),
        ("csa_cases.parquet", "sha256"),
        ("csa_cases.parquet", "format"),
        (PAYMENTS, "rows"),
        ("notes.txt", "file"),
    ]


def test_the_rejection_reads_as_plain_english_one_line_a_problem(night: Path) -> None:
    remanifest(night, lambda sent: entry(sent, BALANCES).update(rows=4))
    with pytest.raises(LandingRejected) as rejected:
        verify(night, NIGHT)
    assert str(rejected.value).splitlines() == [
        f"Landing folder {night} is rejected whole, nothing of it was applied (R22); 1 problem:",
        "  csa_balances.parquet: rows: expected 4, found 3. Ask the sender to extract and land the file "
        "again, with a manifest made from it.",
    ]


def test_a_rejection_survives_the_way_between_processes() -> None:
    rejection = LandingRejected("/landing", [Problem("a.parquet", "rows", "1", "2", row=3, column="b")])
    copy = pickle.loads(pickle.dumps(rejection))
    assert str(copy) == str(rejection)
    assert copy.problems == rejection.problems
    assert "a.parquet, row 3, column b: rows: expected 1, found 2." in str(copy)


# --- properties


@pytest.fixture(scope="module")
def whole_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing") / "2017-08-11"
    land(folder)
    return folder


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_single_byte_changed_in_any_file_rejects_the_night(
    whole_night: Path, data: st.DataObject
) -> None:
    """R22. The manifest vouches for the files; of the manifest itself any figure that changes is found."""
    names = sorted(path.name for path in whole_night.iterdir() if path.name != "manifest.json")
    path = whole_night / data.draw(st.sampled_from(names))
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        path.write_bytes(changed)
        with pytest.raises(LandingRejected) as rejected:
            verify(whole_night, NIGHT)
    finally:
        path.write_bytes(whole)
    assert rejected.value.problems[0].file == path.name
    assert rejected.value.problems[0].figure == "sha256"


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_bytes_for_a_manifest_give_a_clear_error(whole_night: Path, content: bytes) -> None:
    path = whole_night / "manifest.json"
    whole = path.read_bytes()
    try:
        path.write_bytes(content)
        assert problems(whole_night)
    finally:
        path.write_bytes(whole)


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=300), parquet=st.booleans())
def test_any_bytes_for_a_file_give_a_clear_error(whole_night: Path, content: bytes, parquet: bool) -> None:
    """Bytes the sender vouched for, with the right hash, that are not such a file."""
    name = BALANCES if parquet else PAYMENTS
    kept = {file: (whole_night / file).read_bytes() for file in (name, "manifest.json")}
    try:
        replace(whole_night, name, b"PAR1" + content + b"PAR1" if parquet else content)
        assert {problem.file for problem in problems(whole_night)} == {name}
    finally:
        for file, whole in kept.items():
            (whole_night / file).write_bytes(whole)


texts = st.none() | st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\n"), max_size=20
)
pence = st.none() | st.integers(-(2**63), 2**63 - 1)
fields = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
pounds = st.integers(-(10**12), 10**12).map(lambda value: f"{value}.{abs(value) % 100:02d}")


@settings(max_examples=100, deadline=None)
@given(
    letters=st.lists(st.tuples(texts, st.none() | st.dates()), max_size=8),
    totals=st.lists(pence, max_size=8),
    payments=st.lists(st.tuples(fields, fields, fields, fields, pounds), max_size=8),
    on=st.dates(),
    extract_id=st.text(min_size=1).filter(lambda text: text.isprintable() and not is_blank(text)),
)
def test_what_is_written_as_a_night_verifies_and_reads_back(
    tmp_path_factory: pytest.TempPathFactory,
    letters: list[tuple[str | None, date | None]],
    totals: list[int | None],
    payments: list[tuple[str, str, str, str, str]],
    on: date,
    extract_id: str,
) -> None:
    folder = tmp_path_factory.mktemp("night")
    balances = table("csa_balances", len(totals))
    at = balances.column_names.index("total_pence")
    balances = balances.set_column(at, "total_pence", pa.array(totals, pa.int64()))
    columns = list(zip(*letters, strict=True)) or [(), ()]
    sent = pa.table([list(column) for column in columns], schema=FILES["clerical_letters"].schema)
    extract_id = extract_id.encode("utf-8", "replace").decode()

    write_night(
        folder, on, extract_id, {"clerical_letters": sent, "csa_balances": balances}, {"CCD": payments}
    )
    landing: Landing = verify(folder, on)

    assert landing.extract_id == extract_id
    ids = [None if text is None or is_blank(text) else text for text in sent["letter_id"].to_pylist()]
    read = landing.get("clerical_letters")[0].read()
    assert read == sent.set_column(0, "letter_id", pa.array(ids, pa.string()))
    assert landing.get("csa_balances")[0].read() == balances
    rows = landing.get("csa_payments")[0].read().to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        tuple(None if is_blank(part) else part for part in line) for line in payments
    ]
