"""The outbound folder: whole or not at all, vouched for by its manifest, safe to open in a spreadsheet."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from case_closure.outbound import folder
from case_closure.outbound.folder import WrittenFile

ON = date(2017, 8, 10)


def table(*texts: str | None) -> pa.Table:
    return pa.table(
        {"name": pa.array(texts, pa.string()), "amount_pence": pa.array(range(len(texts)), pa.int64())}
    )


def test_a_table_is_written_with_a_header_its_rows_and_its_totals(tmp_path: Path) -> None:
    written = folder.write_csv(tmp_path, "letters/one.csv", table("Siân", None), totals=("amount_pence",))
    assert written == WrittenFile("letters/one.csv", 2, {"amount_pence": 1})
    assert (tmp_path / "letters/one.csv").read_text(encoding="utf-8").splitlines() == [
        '"name","amount_pence"', '"Siân",0', ",1",
    ]  # fmt: skip


# Each sign in each of its forms; each kind of thing that shows nothing and may stand before one.
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u207b\u207c\u2212"
UNSEEN = (
    "\u200b\u200d\u2060\ufeff\u00ad\u202e\u2066\u061c\u180e\u034f\ufe0f\u115f"
    "\u3164\uffa0\u2800\u00a0\u3000\u2028\x0b\x1c\x85\U000e0020"
)


@pytest.mark.parametrize(
    "cell",
    [
        *("=1+1", "+44", "-1", "@SUM(A1)", "\t=1", " =1", "\r\n=1", "=cmd|'/c calc'!A1", "\tx", "\rx", "\nx"),
        *(f"{sign}1" for sign in SIGNS),
        *(f"{unseen}=1" for unseen in UNSEEN),
        f"{UNSEEN}\uff1d1",
    ],
    ids=ascii,
)
def test_no_cell_opens_as_a_formula(tmp_path: Path, cell: str) -> None:
    assert folder.safe_cell(cell) == f"'{cell}"
    assert folder.safe_text(pa.array([cell])).to_pylist() == [f"'{cell}"]


@given(st.text())
def test_one_cell_and_a_column_are_made_safe_alike(cell: str) -> None:
    assert folder.safe_text(pa.array([cell])).to_pylist() == [folder.safe_cell(cell)]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_no_column_of_text_is_passed_over_whichever_way_it_is_held(tmp_path: Path, kind: pa.DataType) -> None:
    folder.write_csv(tmp_path, "a.csv", pa.table({"name": pa.array(["=1", None]).cast(kind)}))
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1] == '"\'=1"'


def test_only_one_module_writes_csv_and_only_one_writes_cells() -> None:
    """What is written round them would not be made safe."""
    place = Path(folder.__file__).parent
    written = {path.name: path.read_text(encoding="utf-8") for path in place.rglob("*.py")}
    assert [name for name, text in written.items() if re.search(r"import csv|pyarrow\.csv|to_csv", text)] == [
        "folder.py"
    ]
    assert [
        name
        for name, text in written.items()
        if re.search(r"\.write(_string|_rich_string|_formula|_row|_column)?\([a-z]*row", text)
    ] == ["workbook.py"]


@pytest.mark.parametrize(
    "cell", ["O'Brien", "1 High Street", "", "a=b", "G-1", "Siân", "\u0639\u0644\u064a", "(1)"]
)
def test_ordinary_text_is_left_alone(cell: str) -> None:
    assert folder.safe_cell(cell) == cell
    assert folder.safe_text(pa.array([cell, None])).to_pylist() == [cell, None]


def test_a_control_total_is_exact_beyond_what_one_amount_can_hold() -> None:
    assert folder.exact_total(pa.chunked_array([[2**63 - 1, None], [2**63 - 1]], pa.int64())) == 2**64 - 2


def test_the_manifest_vouches_for_every_file_and_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    files = [folder.write_csv(tmp_path, name, table("x"), ("amount_pence",)) for name in ("b.csv", "a/c.csv")]
    folder.write_manifest(tmp_path, ON, "CC-1", files)
    once = (tmp_path / "manifest.json").read_bytes()
    said = json.loads(once)
    assert (said["business_date"], said["extract_id"]) == ("2017-08-10", "CC-1")
    assert [entry["name"] for entry in said["files"]] == ["a/c.csv", "b.csv"]
    for entry in said["files"]:
        assert entry["sha256"] == hashlib.sha256((tmp_path / entry["name"]).read_bytes()).hexdigest()
        assert (entry["rows"], entry["control_totals"]) == (1, {"amount_pence": 0})
    (tmp_path / "manifest.json").unlink()
    folder.write_manifest(tmp_path, ON, "CC-1", files[::-1])
    assert (tmp_path / "manifest.json").read_bytes() == once


@pytest.mark.parametrize("stray", [True, False])
def test_a_manifest_that_would_not_name_just_what_is_there_is_not_written(
    tmp_path: Path, stray: bool
) -> None:
    files = [folder.write_csv(tmp_path, "a.csv", table("x"))]
    if stray:
        (tmp_path / "stray.csv").write_text("x")
    else:
        files.append(WrittenFile("b.csv", 0))
    with pytest.raises(ValueError, match=r"stray\.csv" if stray else r"b\.csv"):
        folder.write_manifest(tmp_path, ON, "CC-1", files)
    assert not (tmp_path / "manifest.json").exists()


def made(place: Path, *names: str) -> Path:
    place.mkdir()
    files = [folder.write_csv(place, name, table(name)) for name in names]
    folder.write_manifest(place, ON, "CC-1", files)
    return place


def there(outbound: Path | UPath) -> set[str]:
    root = outbound / "2017-08-10"
    return {str(path).removeprefix(str(root)).lstrip("/") for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("url", ["local", "memory://outbound"])
def test_publishing_replaces_the_folder_whole(tmp_path: Path, url: str) -> None:
    outbound = tmp_path / "out" if url == "local" else UPath(f"{url}-{tmp_path.name}")
    folder.publish(made(tmp_path / "one", "a.csv", "letters/b.csv"), outbound, ON)
    assert there(outbound) == {"manifest.json", "a.csv", "letters/b.csv"}
    second = made(tmp_path / "two", "letters/b.csv", "c.csv")
    bytes_of_c = (second / "c.csv").read_bytes()
    folder.publish(second, outbound, ON)
    assert there(outbound) == {"manifest.json", "c.csv", "letters/b.csv"}
    assert (outbound / "2017-08-10" / "c.csv").read_bytes() == bytes_of_c


def test_a_fault_while_publishing_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbound = tmp_path / "out"
    folder.publish(made(tmp_path / "one", "a.csv"), outbound, ON)
    before = (outbound / "2017-08-10" / "manifest.json").read_bytes()

    rename = Path.rename

    def disk_full(self: Path, target: Path) -> Path:
        if self.name == "two":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    second = made(tmp_path / "two", "b.csv")
    with monkeypatch.context() as full:
        full.setattr(Path, "rename", disk_full)
        with pytest.raises(OSError, match="No space"):
            folder.publish(second, outbound, ON)
    assert there(outbound) == {"manifest.json", "a.csv"}
    assert (outbound / "2017-08-10" / "manifest.json").read_bytes() == before
    folder.publish(tmp_path / "two", outbound, ON)
    assert there(outbound) == {"manifest.json", "b.csv"}


def test_a_folder_killed_between_its_two_renames_is_put_right_by_the_next(tmp_path: Path) -> None:
    outbound = tmp_path / "out"
    folder.publish(made(tmp_path / "one", "a.csv"), outbound, ON)
    (outbound / "2017-08-10").rename(outbound / ".2017-08-10.old")
    folder.publish(made(tmp_path / "two", "b.csv"), outbound, ON)
    assert [path.name for path in outbound.iterdir()] == ["2017-08-10"]
    assert there(outbound) == {"manifest.json", "b.csv"}


def test_in_an_object_store_the_manifest_goes_first_and_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no rename there: a folder without its manifest is not whole."""
    outbound = UPath(f"memory://killed-{tmp_path.name}")
    folder.publish(made(tmp_path / "one", "a.csv", "b.csv"), outbound, ON)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as kill:
        kill.setattr(shutil, "copyfileobj", killed)
        with pytest.raises(KeyboardInterrupt):
            folder.publish(made(tmp_path / "two", "a.csv", "b.csv"), outbound, ON)
    assert "manifest.json" not in there(outbound)


# --- where a night's folder is made


def test_a_folder_is_made_in_outbound_where_that_is_a_disk_and_nothing_but_it_stays(tmp_path: Path) -> None:
    outbound = tmp_path / "out"
    with folder.aside(outbound, ON) as made_aside:
        assert made_aside.is_relative_to(outbound / folder.MAKING)
        assert made_aside.parent.stat().st_mode & 0o077 == 0
        folder.write_manifest(made_aside, ON, "CC-1", [])
        folder.publish(made_aside, outbound, ON)
    assert [path.name for path in outbound.iterdir()] == ["2017-08-10"]
    with pytest.raises(KeyboardInterrupt), folder.aside(outbound, ON):
        raise KeyboardInterrupt
    assert [path.name for path in outbound.iterdir()] == ["2017-08-10"]


def test_for_an_object_store_it_is_made_in_a_temporary_folder_and_gone_however_it_ends(
    tmp_path: Path,
) -> None:
    """Killed too: the next night may be made on another machine, which could not clear it."""
    program = (
        "import sys\nfrom datetime import date\nfrom upath import UPath\n"
        "from case_closure.outbound import folder\n"
        "with folder.aside(UPath('memory://out'), date(2017, 8, 10)) as made:\n"
        "    (made / 'letters.pdf').write_text('personal')\n"
        "    print(made, flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    for killed in (True, False):
        with subprocess.Popen(
            [sys.executable, "-c", program],
            env=os.environ | {"TMPDIR": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            made_aside = Path(process.stdout.readline().strip())
            assert (made_aside / "letters.pdf").exists()
            assert made_aside.parent.parent == tmp_path
            assert made_aside.parent.stat().st_mode & 0o077 == 0
            if killed:
                process.kill()
            else:
                process.communicate("\n")
        deadline = time.monotonic() + 30
        while list(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(tmp_path.iterdir()) == []
