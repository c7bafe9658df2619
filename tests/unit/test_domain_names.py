"""When two names are the same name (R19)."""

from __future__ import annotations

import pandas as pd
import pytest

from case_closure.domain.names import comparable, comparable_names

HYPHENS = "-\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
APOSTROPHES = (
    "'`´\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u2018\u2019\u201a\u201b\u2032\u2035\ua78b\ua78c\uff07"
)
SPACES = " \t\n\u00a0\u2002\u2009\u202f\u3000"

SAME = [
    ("Siân O'Brien", "SIAN O BRIEN"),
    ("Siân O'Brien", "SIAN OBRIEN"),
    ("Anne-Marie Smith", "ANNE MARIE SMITH"),
    ("Anne–Marie Smith", "ANNEMARIE SMITH"),
    ("Zoë", "ZOE"),
    ("Renée", "Rene\u0301e"),
    ("Nguyễn", "NGUYEN"),
    ("Müller", "Mu\u0308ller"),
    ("Strauß", "STRAUSS"),
    ("ﬁona", "FIONA"),
    ("Ǆordan", "DZORDAN"),
    ("İlker", "ILKER"),
    ("Ｓｍｉｔｈ", "SMITH"),
    ("D’Arcy", "D'ARCY"),
    ("Ó Súilleabháin", "O SUILLEABHAIN"),
    ("Σίσυφος", "ΣΙΣΥΦΟΣ"),
    ("ŉdlovu", "NDLOVU"),
    ("", "  "),
]  # fmt: skip
DIFFERENT = [
    ("Sean", "Shaun"),
    ("Muller", "Mueller"),
    ("O'Brien", "Brien"),
    ("Smith", "Smyth"),
    ("Anne", "Ann"),
    ("Smith 2", "Smith"),
    ("Smith.", "Smith"),
]


def both_ways(one: str, other: str) -> tuple[bool, bool]:
    """Alone, and in a column beside a plain name."""
    names = pd.Series([one, other, "plain"], dtype="str")
    nothing = pd.Series([None, None, None], dtype="str")
    column = comparable_names(nothing, names).tolist()
    return comparable(one) == comparable(other), column[0] == column[1]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_R19_the_same_name(one: str, other: str) -> None:
    assert both_ways(one, other) == (True, True)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_R19_another_name(one: str, other: str) -> None:
    assert both_ways(one, other) == (False, False)


@pytest.mark.parametrize("mark", [*HYPHENS, *APOSTROPHES, *SPACES], ids=lambda mark: f"U+{ord(mark):04X}")
def test_R19_hyphens_apostrophes_and_spaces_of_every_kind_are_dropped(mark: str) -> None:
    assert both_ways(f"O{mark}Brien", "OBRIEN") == (True, True)


def test_R19_forenames_and_surname_are_compared_together() -> None:
    """Where one system ends the forenames need not be where the other does; missing forenames are none."""
    forenames = pd.Series(["Anne Marie", "Anne", None], dtype="str")
    surname = pd.Series(["Smith", "Marie Smith", "Anne-Marie Smith"], dtype="str")
    assert set(comparable_names(forenames, surname)) == {"annemariesmith"}


def test_a_column_and_a_single_name_agree() -> None:
    names = [name for pair in (*SAME, *DIFFERENT) for name in pair]
    column = comparable_names(pd.Series([""] * len(names), dtype="str"), pd.Series(names, dtype="str"))
    assert column.tolist() == [comparable(name) for name in names]
