"""National Insurance numbers (R18): which can exist, what they are matched on, what may be shown."""

from __future__ import annotations

import string
from itertools import product

import pandas as pd
import pytest

from case_closure.domain import nino

LETTERS = string.ascii_uppercase


def valid(*ninos: str | None) -> list[bool]:
    given = pd.Series(list(ninos), dtype="str")
    return nino.cleaned(given).str.fullmatch(nino.VALID_PATTERN.strip("^$")).fillna(False).tolist()


def test_R18_exactly_373_prefixes_remain() -> None:
    prefixes = ["".join(pair) for pair in product(LETTERS, LETTERS)]
    kept = {
        prefix
        for prefix, good in zip(prefixes, valid(*(f"{p}123456A" for p in prefixes)), strict=True)
        if good
    }
    allowed = {
        first + second
        for first, second in product(set(LETTERS) - set("DFIQUV"), set(LETTERS) - set("DFIQUVO"))
        if first + second not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
    }
    assert len(kept) == 373
    assert kept == allowed


@pytest.mark.parametrize("letter", "DFIQUV")
def test_R18_letters_that_stand_in_neither_place(letter: str) -> None:
    assert valid(f"{letter}A123456A", f"A{letter}123456A") == [False, False]


def test_R18_O_stands_first_but_never_second() -> None:
    assert valid("OA123456A", "AO123456A") == [True, False]


@pytest.mark.parametrize("prefix", ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"])
def test_R18_prefixes_that_were_never_given(prefix: str) -> None:
    assert valid(f"{prefix}123456A") == [False]


@pytest.mark.parametrize("prefix", nino.ADMINISTRATIVE_PREFIXES)
def test_R18_administrative_prefixes_are_valid(prefix: str) -> None:
    """They pass; the warning is the gate's."""
    assert valid(f"{prefix}123456A") == [True]


def test_R18_the_administrative_prefixes() -> None:
    assert set(nino.ADMINISTRATIVE_PREFIXES) == {"CR", "MW", "NC", "PP", "PY", "PZ"}


def test_R18_the_suffix_is_A_to_D() -> None:
    assert [letter for letter in LETTERS if valid(f"AB123456{letter}")[0]] == list("ABCD")


@pytest.mark.parametrize(
    "bad",
    [
        "AB12345A", "AB1234567A", "AB123456", "A1234567A", "AB12345OA", "AB123456AA", "XAB123456A", "AB-12-34-56-A",
        "AB123456A\n", "AB١٢٣٤٥٦A", "AB１２３４５６A", "ＡＢ123456A", "ÁB123456A", "ſB123456A", "AB123456ａ", "AB\u00a0123456A",
        "AB\t123456A", "", None,
    ],
)  # fmt: skip
def test_R18_nothing_but_ascii_letters_and_digits_in_their_places(bad: str | None) -> None:
    """'ASCII only': digits and letters of other scripts, and letters whose upper case is an ASCII one, are not."""
    assert valid(bad) == [False]


def test_R18_is_judged_without_spaces_and_in_upper_case() -> None:
    assert valid("ab 12 34 56 a", " AB123456A ", "aB123456d") == [True, True, True]


def test_R18_is_matched_on_the_first_eight_characters() -> None:
    cleaned = nino.cleaned(pd.Series(["ab 12 34 56 a", "AB123456B", None], dtype="str"))
    assert nino.matched_on(cleaned).fillna("none").tolist() == ["AB123456", "AB123456", "none"]


def test_an_empty_nino_is_a_missing_one() -> None:
    assert nino.cleaned(pd.Series(["", "   ", None], dtype="str")).isna().tolist() == [True, True, True]


def test_cleaning_keeps_the_rows_names() -> None:
    assert nino.cleaned(pd.Series(["ab"], index=[7], dtype="str")).to_dict() == {7: "AB"}


@pytest.mark.parametrize("given", ["AB123456A", "ab 12 34 56 a", "GB123456A", "QQ123456A"])
def test_of_a_well_formed_nino_only_the_last_three_characters_are_shown(given: str) -> None:
    assert nino.masked(given) == "******56A"


@pytest.mark.parametrize(
    "given", ["12", "", "1234", "AB123456", "AB1234567", "SMITHSON", "ÄB123456A", "AB123456A\n", "ß" * 9]
)
def test_of_anything_else_nothing_is_shown_nor_how_long_it_is(given: str) -> None:
    assert nino.masked(given) == "******"
