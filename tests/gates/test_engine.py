"""The engine: nothing passes a gate that did not work, every row it counts is accounted for, however many there are.

Great Expectations has traps: lists cut short in silence, errors reported as data, nulls that pass.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, datetime

import great_expectations.execution_engine.pandas_execution_engine as pandas_engine
import numpy as np
import pandas as pd
import pytest
from great_expectations import expectations as gxe

from case_closure.domain.dates import NightDates
from case_closure.gates import engine, suites
from case_closure.gates.engine import Check, GateError, Suite

ROLE = suites.inhibits()


def roles(*values: str | None) -> pd.DataFrame:
    return pd.DataFrame({"set_by_role": pd.Series(list(values), dtype="str")})


def test_findings_name_rows_by_position_whatever_the_index() -> None:
    frame = roles("MANAGER", "CASEWORKER", "TEAM_LEADER", None)
    frame.index = pd.Index([7, 7, 7, 9])
    found = engine.run(ROLE, frame)
    assert found.positions("inhibit_not_authorised").tolist() == [1, 3]
    assert found.broke_any(4).tolist() == [False, True, False, True]
    assert frame.index.tolist() == [7, 7, 7, 9]


@pytest.mark.parametrize("length", [199, 200, 201, 1000])
def test_more_than_200_failures_are_all_listed(length: int) -> None:
    """GX cuts `unexpected_list` silently at 200: the engine must not be built on it."""
    found = engine.run(ROLE, roles(*["CASEWORKER"] * length, "MANAGER"))
    assert found.positions("inhibit_not_authorised").tolist() == list(range(length))
    assert found.tally == {"inhibit_not_authorised": (length + 1, length)}


def test_20000_bad_rows_take_seconds() -> None:
    """'A file that is all bad must not cost minutes': each row breaks several rules of the widest suite."""
    bad = pd.DataFrame(
        {"csa_system": ["CS9"] * 20_000, "csa_case_id": None, "casegroup_id": None, "closed_reason": "x"}
    )
    frame = bad.assign(
        scheme="2012", case_type="x", case_status="x", segment=9, rp_arrears_decision="x", times_in_file=2
    ).astype({"csa_case_id": "str", "casegroup_id": "str"})
    begun = time.perf_counter()
    found = engine.run(suites.csa_cases(), frame)
    assert time.perf_counter() - begun < 15
    assert found.tally["case_enum_invalid"] == (20_000, 20_000)
    assert found.tally["case_key_missing"] == (20_000, 20_000)


def test_every_rule_is_tallied_also_one_that_found_nothing_and_one_that_judged_nothing() -> None:
    """'Every rule is reported each night, also those that found nothing.'"""
    assert engine.run(ROLE, roles("MANAGER")).tally == {"inhibit_not_authorised": (1, 0)}
    none = engine.run(
        suites.set_up_cases(),
        pd.DataFrame({name: [] for check in suites.set_up_cases().checks for name in check.columns}),
    )
    assert none.tally == dict.fromkeys(suites.set_up_cases().rule_codes, (0, 0))
    assert none.rows.empty


def test_what_each_casegroup_has_in_the_tally_is_told() -> None:
    """R42: so that it can be taken off. Of rows without a casegroup only those that are sensitive are told."""
    found = engine.run(ROLE, roles("MANAGER", "CASEWORKER", "CASEWORKER", "CASEWORKER"))
    groups = pd.Series(["G1", "G1", None, None], dtype="str")
    assert found.shares(groups, np.array([False, False, True, False])) == {
        "": {"G1": 2, "": 1},
        "inhibit_not_authorised": {"G1": 1, "": 1},
    }
    assert found.shares(groups)["inhibit_not_authorised"] == {"G1": 1}
    assert found.shares(groups.iloc[2:].repeat(2)) == {}


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["a", None, ""], dtype="str"),
        pd.Series([pd.Timestamp(2000, 1, 1), pd.NaT, pd.Timestamp(2000, 1, 1)]).astype("datetime64[s]"),
        pd.Series([1.5, np.nan, 0.0]),
        pd.Series([{}, None, []], dtype=object),
    ],
    ids=["text", "date", "number", "anything"],
)
def test_what_is_missing_is_missing_whatever_it_would_be(values: pd.Series) -> None:
    suite = Suite(
        "s", (Check("surname_missing", "surname", gxe.ExpectColumnValuesToNotBeNull(column="surname")),)
    )
    found = engine.run(suite, pd.DataFrame({"surname": values}))
    assert (found.rows["position"].tolist(), found.tally) == ([1], {"surname_missing": (3, 1)})


def test_a_date_no_nanosecond_can_say_is_judged_as_any_other() -> None:
    """Years 1 to 9999 can be landed; GX judges nanoseconds at once and everything else one by one."""
    check = gxe.ExpectColumnValuesToBeBetween(
        column="born",
        min_value=datetime.fromisoformat("1906-08-11"),
        max_value=datetime.fromisoformat("2005-08-10"),
    )
    suite = Suite("s", (Check("date_of_birth_implausible", "date_of_birth", check),))
    days = [
        "0001-01-01",
        "1600-02-29",
        "1906-08-10",
        "1906-08-11",
        "2005-08-10",
        "2005-08-11",
        "2300-01-01",
        "9999-12-31",
    ]
    born = pd.Series(np.array([*days, "NaT"], dtype="datetime64[s]"))
    assert engine.run(suite, pd.DataFrame({"born": born})).rows["position"].tolist() == [0, 1, 2, 5, 6, 7]


def test_a_missing_column_fails_the_gate() -> None:
    with pytest.raises(GateError, match="inhibits: the frame has no column set_by_role"):
        engine.run(ROLE, pd.DataFrame({"other": [1]}))


def test_a_rule_that_errors_fails_the_gate_rather_than_passing_every_row() -> None:
    """GX reports success False and no list: comparing text with a number raises inside the rule."""
    suite = Suite(
        "broken",
        (Check("nino_invalid", "nino", gxe.ExpectColumnValuesToBeBetween(column="nino", min_value=1)),),
    )
    with pytest.raises(GateError, match="broken: nino_invalid on nino could not be judged"):
        engine.run(suite, pd.DataFrame({"nino": ["AB123456A", "x"]}))


def test_a_bad_pattern_fails_the_gate() -> None:
    suite = Suite(
        "broken",
        (Check("nino_invalid", "nino", gxe.ExpectColumnValuesToMatchRegex(column="nino", regex="(")),),
    )
    with pytest.raises(GateError, match="nino_invalid"):
        engine.run(suite, pd.DataFrame({"nino": ["AB123456A"]}))


class Result:
    """What GX might answer."""

    def __init__(self, **over: object) -> None:
        self.exception_info: object = over.pop("exception_info", {"raised_exception": False})
        self.success = over.pop("success", False)
        self.result = {"element_count": 3, "unexpected_count": 2, "unexpected_index_list": [0, 2]} | over


CHECK = ROLE.checks[0]


def test_an_answer_that_adds_up_is_believed() -> None:
    assert engine._positions(ROLE, CHECK, Result(), 3).tolist() == [0, 2]
    clean = Result(success=True, unexpected_count=0, unexpected_index_list=None)
    assert engine._positions(ROLE, CHECK, clean, 3).tolist() == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Result(unexpected_index_list=[0]), "counted 2 failures but lists 1"),
        (Result(unexpected_index_list=None), "counted 2 failures but lists 0"),
        (Result(element_count=2), "judged 2 rows, expected 3"),
        (Result(success=True), "contradicts itself"),
        (Result(unexpected_count=0, unexpected_index_list=[]), "contradicts itself"),
        (
            Result(exception_info={"raised_exception": True, "exception_message": "no such type"}),
            "no such type",
        ),
        (
            Result(exception_info={"a metric": {"raised_exception": True, "exception_message": "boom"}}),
            "boom",
        ),
    ],
)
def test_an_answer_that_does_not_account_for_every_row_fails_the_gate(answer: Result, why: str) -> None:
    with pytest.raises(GateError, match=why):
        engine._positions(ROLE, CHECK, answer, 3)


def test_an_answer_without_figures_fails_the_gate() -> None:
    answer = Result()
    answer.result = {}
    with pytest.raises(GateError, match="judged None rows"):
        engine._positions(ROLE, CHECK, answer, 3)


def test_a_check_without_an_answer_fails_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        results: tuple[object, ...] = ()

    class Batch:
        def validate(self, *_: object, **__: object) -> Nothing:
            return Nothing()

    monkeypatch.setattr(engine, "_batch", lambda frame: Batch())
    with pytest.raises(GateError, match="no result for inhibit_not_authorised"):
        engine.run(ROLE, roles("MANAGER"))


def test_frames_are_not_fingerprinted() -> None:
    """Not public in GX, so pinned here: when it goes, or is set elsewhere, a night becomes many times slower."""
    assert pandas_engine.HASH_THRESHOLD == 0


def test_HASH_THRESHOLD_is_what_GX_decides_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should GX decide by another name one day, setting this one would do nothing, and say nothing."""

    def hashed(frame: pd.DataFrame) -> str:
        raise AssertionError("the frame was fingerprinted")

    monkeypatch.setattr(pandas_engine, "hash_pandas_dataframe", hashed)
    assert engine.run(ROLE, roles("CASEWORKER")).tally == {"inhibit_not_authorised": (1, 1)}
    monkeypatch.setattr(pandas_engine, "HASH_THRESHOLD", 1e9)
    with pytest.raises(AssertionError, match="fingerprinted"):
        engine.run(ROLE, roles("CASEWORKER"))


def test_a_rule_is_not_judged_where_what_it_needs_failed_and_elsewhere_is() -> None:
    """`needs`: the mismatch of a row without a surname is dropped, another row's is not."""
    clean = {
        "party_held": True,
        "surname": "Walker",
        "date_of_birth": pd.Timestamp(1980, 1, 1),
        "nino": "AB123456A",
        "address_line_1": "1",
        "place_known": True,
        "cis_matches": 1,
        "cis_name_agrees": True,
        "cis_date_of_birth_agrees": True,
        "cis_nino_current": True,
        "cis_alive": True,
    }
    rows = [clean | {"surname": None, "cis_name_agrees": False}, clean | {"cis_name_agrees": False}]
    frame = pd.DataFrame(rows).astype({"surname": "str", "date_of_birth": "datetime64[s]"})
    found = engine.run(suites.set_up_parties(NightDates.in_turn(date(2017, 8, 10))), frame)
    assert found.positions("surname_missing").tolist() == [0]
    assert found.positions("cis_name_mismatch").tolist() == [1]
    assert found.tally["cis_name_mismatch"] == (2, 1)


def test_one_row_that_breaks_a_rule_on_two_fields_is_found_once_for_the_first() -> None:
    twice = replace(
        ROLE, checks=(replace(ROLE.checks[1], field="first"), replace(ROLE.checks[1], field="second"))
    )
    found = engine.run(twice, roles("CASEWORKER"))
    assert found.rows.to_dict("records") == [
        {"rule_code": "inhibit_not_authorised", "field": "first", "position": 0}
    ]


def test_the_same_rows_in_another_order_break_the_same_rules() -> None:
    frame = roles("MANAGER", "CASEWORKER", None, "TEAM_LEADER", "x")
    there, back = engine.run(ROLE, frame), engine.run(ROLE, frame.iloc[::-1])
    assert set(there.positions("inhibit_not_authorised")) == {
        4 - place for place in back.positions("inhibit_not_authorised")
    }
