"""Reading tranche criteria: exact keys, types and ranges; what is wrong is said in words, all of it, and nothing is used."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from case_closure.domain.tranches import Criteria
from case_closure.landing.criteria import CriteriaInvalid, parse, read


def row(**over: Any) -> dict[str, Any]:
    """The contract's keys, as in its worked example."""
    return {
        "tranche_id": "T01", "ocr_reference": "OCR-1", "authorised_by": "Control Group", "authorised_on": "2016-01-04",
        "reason": "segments 1 and 2", "segments": [1, 2], "csa_systems": ["CS2", "CSCS"], "case_types": ["ONGOING"],
        "max_cases": None, "notice_days": 180, "reminder_days": 31, "valid_from": "2017-08-10", "valid_to": "2017-08-10",
    } | over  # fmt: skip


def made(*rows: dict[str, Any]) -> list[Criteria]:
    return parse(json.dumps(rows).encode(), "criteria.json")


def problems(content: bytes) -> list[str]:
    with pytest.raises(CriteriaInvalid) as raised:
        parse(content, "criteria.json")
    return [str(problem) for problem in raised.value.problems]


def test_the_contracts_keys_are_read_in_its_types() -> None:
    (one,) = made(row())
    assert (one.authorised_on, one.valid_to, one.segments, one.csa_systems) == (
        date(2016, 1, 4), date(2017, 8, 10), (1, 2), ("CSCS", "CS2"),
    )  # fmt: skip
    assert one.authorised


def test_who_authorised_it_may_be_left_out_and_then_it_selects_nothing() -> None:
    """contract: 'Without authorised_by and authorised_on a row selects nothing.'"""
    bare = {key: value for key, value in row().items() if not key.startswith("authorised")}
    assert [one.authorised for one in made(bare)] == [False]


def test_the_order_and_repetition_of_choices_do_not_make_other_criteria() -> None:
    assert made(row(segments=[2, 1, 2], csa_systems=["CSCS", "CS2"])) == made(row())


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"tranche_id": " "}, "entry 1, tranche_id: expected text"),
        ({"tranche_id": None}, "entry 1, tranche_id: expected text"),
        ({"authorised_on": "04/01/2016"}, "authorised_on: expected a date such as 2017-08-10, or null, found \"04/01/2016\""),
        ({"valid_from": "2017-02-29"}, "valid_from: expected a date"),
        ({"valid_from": "2017-08-11"}, "valid_to: expected a date not before valid_from, 2017-08-11, found 2017-08-10"),
        ({"segments": []}, "segments: expected a list of at least one of 1, 2, 3, 4, 5, found []"),
        ({"segments": [6]}, "segments: expected a list of at least one of 1, 2, 3, 4, 5, found [6]"),
        ({"segments": [True]}, "segments: expected"), ({"segments": 1}, "segments: expected"),
        ({"segments": None}, "segments: expected"), ({"segments": ["1"]}, "segments: expected"),
        ({"csa_systems": ["CMS"]}, "csa_systems: expected a list of at least one of CSCS, CS2, CCD, found [\"CMS\"]"),
        ({"case_types": ["ongoing"]}, "case_types: expected"), ({"case_types": [{}]}, "case_types: expected"),
        ({"max_cases": -1}, "max_cases: expected a whole number from 0"), ({"max_cases": 1.0}, "max_cases: expected"),
        ({"max_cases": "10"}, "max_cases: expected"), ({"max_cases": True}, "max_cases: expected"),
        ({"notice_days": None}, "notice_days: expected"), ({"notice_days": -1}, "notice_days: expected a whole number from 1"),
        ({"notice_days": 0}, "so that the end liability date is after the selection, found 0"),
        ({"notice_days": 3661}, "notice_days: expected"), ({"reminder_days": -1}, "reminder_days: expected"),
        ({"reason": 7}, "reason: expected text of characters that can be printed, or null, found 7"),
        ({"max_case": 10}, "max_case: expected one of the keys tranche_id"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_value_that_cannot_be_is_named_with_its_tranche_and_key(over: dict[str, Any], said: str) -> None:
    (problem,) = problems(json.dumps([row(**over)]).encode())
    assert said in problem
    assert problem.startswith("criteria.json: ")
    assert "Mend the criteria" in problem


@pytest.mark.parametrize(
    "key", ["tranche_id", "segments", "max_cases", "notice_days", "valid_from", "valid_to"]
)
def test_a_key_left_out_is_not_taken_for_null(key: str) -> None:
    """A cap that was forgotten would be no cap."""
    short = {name: value for name, value in row().items() if name != key}
    (problem,) = problems(json.dumps([short]).encode())
    assert f"{key}: expected the key, null where it may be, found nothing" in problem


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "content: expected JSON"), (b"[{]", "content: expected JSON, found line 1"), (b"\xff[]", "expected JSON"),
        (b"{}", "expected a list of criteria"), (b"[1]", "entry 1: expected an object of criteria"),
        (b"[" * 100_000, "expected JSON"), (json.dumps([row(), row()]).encode(), "each tranche_id once"),
        (json.dumps([row()]).replace('"max_cases"', '"max_cases": 5, "max_cases"').encode(), "max_cases: expected the key once"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_a_file_that_makes_no_sense_is_refused_in_words(content: bytes, said: str) -> None:
    assert said in problems(content)[0]


_NINES = "9" * 5_000


@pytest.mark.parametrize(
    ("key", "written", "said"),
    [
        ("max_cases", _NINES, "found a number 5,000 characters long."),
        ("max_cases", f"-{_NINES}", "found a number 5,001 characters long."),
        ("max_cases", f"0.{_NINES}", "found a number 5,002 characters long."),
        ("max_cases", f"{2**53 + 1}", f"found {2**53 + 1}."), ("max_cases", "-0.0", "found -0.0."),
        ("max_cases", "1e400", "found 1e400."), ("max_cases", "1E3", "found 1E3."), ("notice_days", "NaN", "found NaN."),
        ("reminder_days", "-Infinity", "found -Infinity."), ("reason", "NaN", "found NaN."), ("authorised_on", "1e400", "found"),
        ("tranche_id", "NaN", "found NaN."), ("segments", "[1, 1e400, NaN]", "found [1, 1e400, NaN]."),
        ("segments", f"[{_NINES}]", "found [a number 5,000 characters long]."), ("segments", "[1.0]", "found [1.0]."),
        ("segments", f"[{'1,' * 10_000}7]", "1, ...]."), ("segments", f"{'[' * 500}{']' * 500}", "found [a list]."),
        ("csa_systems", '[{"a": 1}]', "found [an object]."), ("reason", f'["{"x" * 5_000}"]', "xxx...."),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_an_odd_number_is_named_with_its_place_and_never_written_out(
    key: str, written: str, said: str
) -> None:
    """File, entry, key, expected and found, in words that fit a line or two."""
    values = {name: json.dumps(value) for name, value in row().items()} | {key: written}
    content = f"[{{{', '.join(f'{json.dumps(name)}: {value}' for name, value in values.items())}}}]"
    (problem,) = problems(content.encode())
    where = "entry 1" if key == "tranche_id" else "tranche T01"
    assert problem.startswith(f"criteria.json: {where}, {key}: expected ")
    assert said in problem
    assert len(problem) < 400


def test_a_number_that_is_no_entry_is_named_too() -> None:
    assert (
        "entry 1: expected an object of criteria, {...}, found a number 5,000"
        in problems(f"[{_NINES}]".encode())[0]
    )
    assert "content: expected a list of criteria, [{...}], found NaN" in problems(b"NaN")[0]


def test_a_file_full_of_what_is_wrong_is_not_a_page_for_each() -> None:
    with pytest.raises(CriteriaInvalid) as raised:
        parse(f"[{'1,' * 5_000}1]".encode(), "criteria.json")
    assert str(raised.value).splitlines()[-1] == "  and 4,901 more"
    # Looked for once, however many keys an entry has.
    many = ", ".join(f'"k{number}": 1' for number in range(50_000))
    assert len(problems(f"[{{{many}}}]".encode())) > 50_000


def test_everything_that_is_wrong_is_said_at_once() -> None:
    wrong = problems(
        json.dumps([row(notice_days=0, segments=[]), row(tranche_id="T02", max_cases="x")]).encode()
    )
    assert [problem.split(":")[1].strip() for problem in wrong] == [
        "tranche T01, segments", "tranche T01, notice_days", "tranche T02, max_cases",
    ]  # fmt: skip


def test_a_landing_zone_without_the_file_has_no_change_of_criteria(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    (tmp_path / "criteria.json").write_text("[]")
    assert read(tmp_path) == []


def test_a_file_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "criteria.json").mkdir()
    with pytest.raises(CriteriaInvalid, match="a file that can be read"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ({}, {}, True), ({}, {"segments": [3]}, False), ({}, {"csa_systems": ["CCD"]}, False),
        ({}, {"case_types": ["ARREARS_ONLY"]}, False), ({}, {"segments": [2, 3], "csa_systems": ["CSCS", "CCD"]}, True),
        ({}, {"valid_from": "2017-08-11", "valid_to": None}, False), ({}, {"valid_from": None, "valid_to": "2017-08-09"}, False),
        ({}, {"valid_from": None, "valid_to": None}, True),
        ({"valid_to": None}, {"valid_from": "2018-01-01", "valid_to": None}, True),
    ],
    ids=str,
)  # fmt: skip
def test_criteria_overlap_where_one_case_could_match_both_on_one_night(
    one: dict[str, Any], other: dict[str, Any], overlap: bool
) -> None:
    left, right = made(row(**one), row(tranche_id="T02", **other))
    assert left.overlaps(right) is right.overlaps(left) is overlap
