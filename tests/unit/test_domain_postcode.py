"""UK postcodes, overseas countries and the maintenance region (R16, R17)."""

from __future__ import annotations

import pandas as pd
import pytest

from case_closure.domain import postcode


def text(*values: str | None) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def uk(value: str | None) -> bool:
    return bool(postcode.is_uk(postcode.cleaned(text(value)))[0])


def region(code: str | None, country: str | None) -> str | None:
    found = postcode.maintenance_region(postcode.cleaned(text(code)), text(country))[0]
    return None if pd.isna(found) else found


@pytest.mark.parametrize(
    "good",
    [
        "M1 1AE",
        "B33 8TH",
        "CR2 6XH",
        "DN55 1PT",
        "W1A 1HQ",
        "EC1A 1BB",
        "BT1 5GS",
        "GIR 0AA",
        "ls1 4ap",
        "LS14AP",
        " L S1 4A P ",
    ],
)
def test_every_shape_of_uk_postcode_is_one_in_any_case_and_spacing(good: str) -> None:
    assert uk(good)


@pytest.mark.parametrize(
    "bad",
    [
        "", None, "LS1", "LS1 4A", "LS1 4APP", "QS1 4AP", "VS1 4AP", "XS1 4AP", "LI1 4AP", "LJ1 4AP", "LZ1 4AP", "LS1 4CP",
        "LS1 4IP", "LS1 4KP", "LS1 4MP", "LS1 4OP", "LS1 4VP", "LS111 4AP", "90210", "D02 AF30", "LS1-4AP", "LS1 4AP\n",
        "ＬＳ1 4AP", "LS1 ４AP", "L\u017f1 4AP",
    ],
)  # fmt: skip
def test_what_is_no_uk_postcode(bad: str | None) -> None:
    """ASCII only; letters where none stands; other countries' codes."""
    assert not uk(bad)


@pytest.mark.parametrize("code", ["IM1 1AA", "JE2 3AB", "GY1 1AA"])
def test_the_crown_dependencies_have_no_uk_postcode(code: str) -> None:
    """contract: IM, JE, GG are overseas."""
    assert not uk(code)


@pytest.mark.parametrize(
    ("country", "overseas"),
    [
        ("GB", False), ("GB-ENG", False), ("GB-SCT", False), ("GB-WLS", False), ("GB-NIR", False), ("gb-eng", False),
        (" GB ", False),
        ("IM", True), ("JE", True), ("GG", True), ("IE", True), ("fr", True), (None, False), ("", False), ("  ", False),
    ],
)  # fmt: skip
def test_R16_overseas_is_a_named_country_outside_the_uk(country: str | None, overseas: bool) -> None:
    assert postcode.is_overseas(text(country)).tolist() == [overseas]


@pytest.mark.parametrize(
    ("code", "country", "expected"),
    [
        ("BT1 5GS", "GB-NIR", "NI"),
        ("BT1 5GS", "GB-ENG", "NI"),
        ("BT1 5GS", None, "NI"),
        ("BT1 5GS", "FR", "NI"),
        ("LS1 4AP", "GB-NIR", "NI"),
        (None, "GB-NIR", "NI"),
        (None, "gb-nir", "NI"),
        ("LS1 4AP", "GB-ENG", "GB"),
        ("LS1 4AP", None, "GB"),
        ("LS1 4AP", "FR", "GB"),
        (None, "GB-SCT", "GB"),
        (None, "GB-WLS", "GB"),
        (None, "GB", "GB"),
        ("nonsense", "GB-ENG", "GB"),
        ("B1 1TT", "GB-ENG", "GB"),
        (None, "FR", None),
        (None, "IM", None),
        (None, "JE", None),
        (None, "GG", None),
        ("IM1 1AA", "IM", None),
        ("JE2 3AB", None, None),
        ("BTX", None, None),
        (None, None, None),
        ("", "", None),
    ],
)
def test_R17_region(code: str | None, country: str | None, expected: str | None) -> None:
    """NI: a BT postcode or GB-NIR. GB: any other UK postcode or country. Overseas or unknown: none."""
    assert region(code, country) == expected
