"""The payments CSV (B59): header, data lines, trailer; what makes the file bad and what only makes a line
bad."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from datetime import date
from pathlib import Path

import pytest

from case_closure.landing.manifest import LandingRejected, verify
from case_closure.landing.payments import parse_trailer_total, pounds_text

NIGHT = date(2017, 8, 11)
FILE = "csa_payments_CS2.csv"
HEADER = "nino,forenames,surname,csa_receipt_reference,value"
LINE = "BW100231B,Alex,Wilson,REC37,155.18"

Row = tuple[str | None, ...]


def land(folder: Path, content: str | bytes, rows: int, **totals: object) -> Path:
    raw = content.encode() if isinstance(content, str) else content
    (folder / FILE).write_bytes(raw)
    named = {"name": FILE, "rows": rows, "sha256": hashlib.sha256(raw).hexdigest(), "control_totals": totals}
    manifest = {"business_date": "2017-08-11", "extract_id": "X", "files": [named]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def read(folder: Path, content: str | bytes, rows: int, **totals: object) -> list[Row]:
    (file,) = verify(land(folder, content, rows, **totals), NIGHT).files
    return [tuple(row.values()) for row in file.read().to_pylist()]


def problems(folder: Path, content: str | bytes, rows: int, **totals: object) -> list[str]:
    with pytest.raises(LandingRejected) as rejected:
        read(folder, content, rows, **totals)
    assert all(problem.file == FILE for problem in rejected.value.problems)
    return [str(problem).removeprefix(f"{FILE}: ") for problem in rejected.value.problems]


def test_the_lines_between_header_and_trailer_are_the_rows(tmp_path: Path) -> None:
    rows = read(tmp_path, f"{HEADER}\n{LINE}\n{LINE}\nTRAILER,2,310.36\n", 2)
    assert rows == [("BW100231B", "Alex", "Wilson", "REC37", "155.18")] * 2


def test_batches_and_row_numbers_are_those_of_the_data_lines(tmp_path: Path) -> None:
    lines = "".join(f"N{line},a,b,R{line},1.00\n" for line in range(1, 6))
    (file,) = verify(land(tmp_path, f"{HEADER}\n{lines}TRAILER,5,5.00\n", 5), NIGHT).files
    batches = list(file.batches(["nino"], batch_rows=2, with_row_number=True))
    assert [batch.to_pydict() for batch in batches] == [
        {"nino": ["N1", "N2"], "row_number": [1, 2]},
        {"nino": ["N3", "N4"], "row_number": [3, 4]},
        {"nino": ["N5"], "row_number": [5]},
    ]


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{LINE}\nTRAILER,1,155.18",
        f"{HEADER}\r\n{LINE}\r\nTRAILER,1,155.18\r\n",
        f"\ufeff{HEADER}\n{LINE}\nTRAILER,1,155.18\n",
        f"{HEADER}\n{LINE}\nTRAILER,1,155.18\n\n\n",
        f"{HEADER}\n{LINE}\nTRAILER,1,155.18,,\n",
        "value,csa_receipt_reference,surname,forenames,nino\n155.18,REC37,Wilson,Alex,BW100231B\nTRAILER,1,155.18\n",
        f'{HEADER}\n"BW100231B","Alex","Wilson","REC37","155.18"\n"TRAILER","1","155.18"\n',
        f"{HEADER}\nBW10\x000231B,Al\rex,Wil\x1bson,REC37,15\u00855.18\nTRAI\x00LER,1,155.18\n",
    ],
    ids=[
        "no last newline",
        "CRLF",
        "BOM",
        "blank lines at the end",
        "padded trailer",
        "other order",
        "quoted",
        "control",
    ],
)
def test_ways_to_write_the_same_file(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, content, 1) == [("BW100231B", "Alex", "Wilson", "REC37", "155.18")]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (",,,,", (None, None, None, None, None)),
        ("N,a,b,R,", ("N", "a", "b", "R", None)),
        ("N,a,b", ("N", "a", "b", None, None)),
        ("N,a,b,R,1.00,extra", ("N", "a", "b", "R", "1.00,extra")),
        ("", (None, None, None, None, None)),
        ("N,a,b,R,ten pounds", ("N", "a", "b", "R", "ten pounds")),
        ("N,a,b,R,12.5", ("N", "a", "b", "R", "12.5")),
        ("N,a,b,R,12", ("N", "a", "b", "R", "12")),
        ('N,"a ""A"", b","b\nc",R,x', ("N", 'a "A", b', "b\nc", "R", "x")),
        ("TRAILER,a,b,R,x", ("TRAILER", "a", "b", "R", "x")),
        ('=cmd|,"\'; DROP TABLE dues; --",b,R,x', ("=cmd|", "'; DROP TABLE dues; --", "b", "R", "x")),
    ],
)
def test_a_bad_line_is_a_row_for_the_gates_and_not_a_bad_file(tmp_path: Path, line: str, row: Row) -> None:
    """Its value is not well-formed, so the trailer does not sum it; nothing of it is lost."""
    good = ("BW100231B", "Alex", "Wilson", "REC37", "155.18")
    assert read(tmp_path, f"{HEADER}\n{LINE}\n{line}\n{LINE}\nTRAILER,3,310.36\n", 3) == [good, row, good]


def test_the_longest_field_is_read_and_a_longer_one_names_its_line(tmp_path: Path) -> None:
    longest = "é" * 10_000
    ((_, _, surname, _, _),) = read(tmp_path, f"{HEADER}\nN,a,{longest},R,1.00\nTRAILER,1,1.00\n", 1)
    assert surname == longest
    (problem,) = problems(tmp_path, f"{HEADER}\nN,a,{longest}x,R,1.00\nTRAILER,1,1.00\n", 1)
    assert "line 2, length: expected texts of at most 10,000 characters, found a longer one." in problem


@pytest.mark.parametrize(
    "endless",
    ["x" * 3_000_000, "," * 3_000_000, '"' + "x\n" * 1_500_000, '"x\n",' * 600_000],
    ids=["one field", "commas", "a quote that is not closed", "quotes over many lines"],
)
def test_a_record_without_an_end_is_not_read_to_its_end(tmp_path: Path, endless: str) -> None:
    """Neither one line, nor one that quotes make of many, is held in memory whole."""
    tracemalloc.start()
    (problem,) = problems(tmp_path, f"{HEADER}\n{LINE}\n{endless}", 1)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "length: expected texts of at most 10,000 characters" in problem
    assert most < 15_000_000 + len(endless) * 2


def test_blank_lines_are_counted_and_not_kept(tmp_path: Path) -> None:
    rows = read(
        tmp_path, f"{HEADER}\n{LINE}\n{chr(10) * 1000}{LINE}\nTRAILER,1002,310.36\n{chr(10) * 1000}", 1002
    )
    assert (len(rows), rows[1]) == (1002, (None,) * 5)


def test_values_of_zero_or_less_may_be_in_the_trailer_or_not(tmp_path: Path) -> None:
    lines = f"{HEADER}\n{LINE}\nN,a,b,R,-5.18\nN,a,b,R,0.00\n"
    assert len(read(tmp_path, f"{lines}TRAILER,3,150.00\n", 3)) == 3
    assert len(read(tmp_path, f"{lines}TRAILER,3,155.18\n", 3)) == 3
    assert (
        "trailer, total in pounds: expected 155.00, found 150.00."
        in problems(tmp_path, f"{lines}TRAILER,3,155.00\n", 3)[0]
    )


def test_a_value_beyond_what_can_be_stored_is_in_the_trailer_all_the_same(tmp_path: Path) -> None:
    line = f"N,a,b,R,{'9' * 20}.99"
    assert len(read(tmp_path, f"{HEADER}\n{line}\n{LINE}\nTRAILER,2,{10**20 + 155}.17\n", 2)) == 2


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("nino,forenames,surname,csa_receipt_reference", "nino,forenames,surname,csa_receipt_reference"),
        (f"{HEADER},agency", f"{HEADER},agency"),
        (HEADER.upper(), HEADER.upper()),
        (HEADER.replace(",", ";"), HEADER.replace(",", ";")),
        (f"{HEADER},value", f"{HEADER},value"),
        ("", "an empty line"),
    ],
)
def test_a_header(tmp_path: Path, header: str, found: str) -> None:
    first = problems(tmp_path, f"{header}\n{LINE}\nTRAILER,1,155.18\n", 1)[0]
    assert first.startswith(f"header: expected {HEADER}, found {found}.")


def test_a_row_count_in_the_manifest(tmp_path: Path) -> None:
    (message,) = problems(tmp_path, f"{HEADER}\n{LINE}\nTRAILER,1,155.18\n", 2)
    assert message.startswith("rows: expected 2, found 1.")


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (
            "",
            "trailer: expected a last line TRAILER,<rows>,<total in pounds>, found a last line that is not",
        ),
        ("trailer,1,155.18", "trailer: expected a last line"),
        ("TRAILER", "trailer: expected TRAILER,<rows>,<total in pounds>, found 1 fields."),
        ("TRAILER,1,155.18,x", "trailer: expected TRAILER,<rows>,<total in pounds>, found 4 fields."),
        ("TRAILER,2,155.18", "trailer, rows: expected 2, found 1."),
        ("TRAILER,one,155.18", "trailer, rows: expected one, found 1."),
        ("TRAILER,1,155.19", "trailer, total in pounds: expected 155.19, found 155.18."),
        ("TRAILER,1,", "trailer: expected TRAILER,<rows>,<total in pounds>, found 2 fields."),
        ("TRAILER,1,15518", "trailer, total in pounds: expected 15518, found 155.18."),
        ("TRAILER,1,£155.18", "trailer, total in pounds: expected £155.18, found 155.18."),
    ],
)
def test_a_trailer(tmp_path: Path, last: str, message: str) -> None:
    found = problems(tmp_path, f"{HEADER}\n{LINE}\n{last}\n", 1)
    assert any(line.startswith(message) for line in found), found


def test_a_file_cut_short(tmp_path: Path) -> None:
    found = problems(tmp_path, f"{HEADER}\n{LINE}\n{LINE[:20]}", 2)
    assert found[0].startswith("trailer: expected a last line")
    assert "cut short" in found[0]


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    found = problems(tmp_path, f'{HEADER}\n{LINE}\nN,"a,b,R,1.00\n{LINE}\nTRAILER,3,311.36\n', 3)
    assert found[0].startswith("rows: expected 3, found 2.")
    assert found[1].startswith("trailer: expected a last line")


def test_bytes_that_are_not_utf8_name_their_line(tmp_path: Path) -> None:
    raw = f"{HEADER}\n{LINE}\n".encode() + b"N,Si\xe2n,b,R,1.00\nTRAILER,2,156.18\n"
    (message,) = problems(tmp_path, raw, 2)
    assert message.startswith("line 3: expected UTF-8, found bytes that are not UTF-8.")


@pytest.mark.parametrize("total", [155.18, "155.18", 15518])
def test_a_control_total_of_value_in_pounds_or_pence(tmp_path: Path, total: object) -> None:
    assert len(read(tmp_path, f"{HEADER}\n{LINE}\nTRAILER,1,155.18\n", 1, value=total)) == 1


@pytest.mark.parametrize("total", [155.19, "155.19", 15519, 155.181, 155])
def test_a_control_total_of_value_that_disagrees(tmp_path: Path, total: object) -> None:
    (message,) = problems(tmp_path, f"{HEADER}\n{LINE}\nTRAILER,1,155.18\n", 1, value=total)
    expected = f"{FILE}, column value: control total: expected {total}, found 155.18."
    assert message.startswith(expected)


@pytest.mark.parametrize(
    ("column", "total", "found"),
    [
        ("value", "155.180", "a text"),
        ("value", None, "nothing"),
        ("nino", 1, "a column of type string"),
        ("amount_pence", 1, "a column the file does not have"),
    ],
)
def test_a_control_total_that_makes_no_sense(tmp_path: Path, column: str, total: object, found: str) -> None:
    (message,) = problems(tmp_path, f"{HEADER}\n{LINE}\nTRAILER,1,155.18\n", 1, **{column: total})
    assert message.startswith(f"{FILE}, column {column}: control total: expected a number")
    assert f"found {found}." in message


@pytest.mark.parametrize(
    ("text", "pence"),
    [
        ("155.18", 15518),
        ("155", 15500),
        ("155.1", 15510),
        ("0", 0),
        ("-1.00", -100),
        ("", None),
        ("1.", None),
    ],
)
def test_the_trailers_total_may_leave_out_decimals(text: str, pence: int | None) -> None:
    assert parse_trailer_total(text) == pence


@pytest.mark.parametrize(("pence", "text"), [(15518, "155.18"), (5, "0.05"), (-5, "-0.05"), (0, "0.00")])
def test_pence_are_written_as_pounds(pence: int, text: str) -> None:
    assert pounds_text(pence) == text
