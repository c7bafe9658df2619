"""docs/data-dictionary.md is what the contracts say, no more and no less."""

from __future__ import annotations

from pathlib import Path

from case_closure.store.schema.dictionary import PAGE, data_dictionary, write
from case_closure.tables.landed import FILES


def test_the_dictionary_in_docs_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == data_dictionary(), (
        "docs/data-dictionary.md is stale: run python -m case_closure.store.schema.dictionary"
    )


def test_every_column_of_every_file_has_its_row() -> None:
    page = data_dictionary()
    for contract in FILES.values():
        section = page.split(f"### `{contract.file_name}`")[1].split("### ")[0]
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        assert [row.split("`")[1] for row in rows] == list(contract.column_names)
        for row, column in zip(rows, contract.columns, strict=True):
            assert column.meaning in row
            assert all(value in row for value in column.values or ())
            assert row.count("|") == 6, f"{column.name}: a cell breaks the table"


def test_writing_it_makes_the_page(tmp_path: Path) -> None:
    write(tmp_path / "docs" / "page.md")
    assert (tmp_path / "docs" / "page.md").read_text(encoding="utf-8") == data_dictionary()
