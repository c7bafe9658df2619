"""docs/behaviours.md is what code and tests cite; a citation is found where one is, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import behaviours

KINDS = {"behaviours": ("B{}", 74), "rulings": ("R{}", 43), "contract": ("[{}]", 51)}


def test_the_page_in_docs_is_not_stale() -> None:
    assert behaviours.PAGE.read_text(encoding="utf-8") == behaviours.behaviours_page(), (
        "docs/behaviours.md is stale: run python -m tests.support.behaviours"
    )


@pytest.mark.parametrize("section", KINDS)
def test_every_number_has_its_one_line(section: str) -> None:
    called, last = KINDS[section]
    says = behaviours.statements()[section]
    assert list(says) == [called.format(number) for number in range(1, last + 1)]
    assert all(text and "\n" not in text and "|" not in text for text in says.values())


@pytest.mark.parametrize(
    ("source", "numbers"),
    [
        ("# B29, and R21 as well as [18]", {"B29", "R21", "[18]"}),
        ('"""Selects (B2-B4), [45]-[47]."""', {"B2", "B3", "B4", "[45]", "[46]", "[47]"}),
        ('"""[50]: letters come last."""', {"[50]"}),
        ('words = "Refused (R22, B6)."', {"R22", "B6"}),
        ("def test_R12_B29_a_case_of_2003() -> None: ...", {"R12", "B29"}),
        ("def test_22_what_was_entered() -> None: ...", {"[22]"}),
    ],
)
def test_a_citation_is_found(source: str, numbers: set[str]) -> None:
    assert set(behaviours.cited(source)) == numbers


@pytest.mark.parametrize(
    "source",
    [
        "first = rows[1]",
        "# rows[1] and (rows)[1]",
        'case = "R1"',
        'postcode = "B33 8TH"',
        'found = "expected 1 to 5, found [6]"',
        "# CMSL6300, AB12 and B0",
        "def R1_of(B2: int) -> None: ...",
    ],
)
def test_what_only_looks_like_a_citation_is_none(source: str) -> None:
    assert behaviours.cited(source) == {}


def test_each_file_is_counted_and_migrations_are_not_read(tmp_path: Path) -> None:
    versions = tmp_path / "include" / "schema" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "0001.py").write_text("# B1\n")
    (tmp_path / "include" / "one.py").write_text("# B1, B1 and R2\n")
    assert behaviours.citations(["include"], tmp_path) == {
        "B1": {"include/one.py": 2},
        "R2": {"include/one.py": 1},
    }


def test_writing_it_makes_the_page(tmp_path: Path) -> None:
    behaviours.write(tmp_path / "docs" / "page.md")
    assert (tmp_path / "docs" / "page.md").read_text(encoding="utf-8") == behaviours.behaviours_page()
