"""What is remembered of a suite is what it asks, never what it found: every frame is judged by itself, and then forgotten."""

from __future__ import annotations

import gc
import itertools
import weakref
from typing import Any

import pandas as pd
import pytest
from great_expectations import expectations as gxe
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.execution_engine.pandas_batch_data import PandasBatchData
from great_expectations.expectations.expectation import ColumnMapExpectation, ColumnPairMapExpectation
from great_expectations.validator.validation_graph import ValidationGraph

from case_closure.gates import engine, remembering
from case_closure.gates.engine import Check, Suite

DAYS = pd.Series(pd.to_datetime(["2017-01-01", "2017-02-01", "2017-03-01"]))


def suite_of(low: int, pattern: str = "^A") -> Suite:
    """One of each kind of expectation, with settings of its own."""
    return Suite(
        "kinds",
        (
            Check("case_key_missing", "name", gxe.ExpectColumnValuesToNotBeNull(column="name")),
            Check("case_enum_invalid", "name", gxe.ExpectColumnValuesToMatchRegex(column="name", regex=pattern)),
            Check("inhibit_not_authorised", "number", gxe.ExpectColumnValuesToBeBetween(column="number", min_value=low)),
            Check(
                "application_date_invalid",
                "until",
                gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="until", column_B="since", or_equal=True),
            ),
        ),
    )  # fmt: skip


def frame_of(*numbers: int) -> pd.DataFrame:
    names = pd.Series(["A", None, "B"], dtype="str")
    return pd.DataFrame(
        {"name": names, "number": numbers, "since": DAYS, "until": DAYS.shift(1, fill_value=DAYS[2])}
    )


def found(suite: Suite, frame: pd.DataFrame) -> list[tuple[str, int]]:
    rows = engine.run(suite, frame).rows
    return list(zip(rows["rule_code"].tolist(), rows["position"].tolist(), strict=True))


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if each question were the first."""
    monkeypatch.setattr(remembering._Memory, "get", lambda self, question: None)


def test_a_suite_that_is_remembered_finds_in_every_frame_what_it_would_have_found_there_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged = list(
        itertools.product(
            (suite_of(1), suite_of(5), suite_of(5, "^B")), (frame_of(0, 4, 9), frame_of(2, 7, 0), frame_of(3, 0, 0))
        )
    )  # fmt: skip
    remembered = [found(*one) for one in judged * 2]
    forget(monkeypatch)
    assert remembered == [found(*one) for one in judged * 2]
    assert len({str(one) for one in remembered}) == len(judged), "what each finds tells it from the others"


def counted(monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], list[int]]:
    """From here on: a one for each graph that is drawn, and how many figures are made at a time."""
    drawn: list[int] = []
    made: list[int] = []
    draw, make = ValidationGraph.build_metric_dependency_graph, PandasExecutionEngine.resolve_metrics

    def draws(*given: Any, **more: Any) -> Any:
        drawn.append(1)
        return draw(*given, **more)

    def makes(self: Any, metrics_to_resolve: Any, **more: Any) -> Any:
        made.append(len(metrics_to_resolve))
        return make(self, metrics_to_resolve, **more)

    monkeypatch.setattr(ValidationGraph, "build_metric_dependency_graph", draws)
    monkeypatch.setattr(PandasExecutionEngine, "resolve_metrics", makes)
    return drawn, made


def test_a_suite_is_drawn_once_and_its_figures_are_made_of_each_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Should GX draw in another way one day, this would remember nothing, and say nothing."""
    suite = suite_of(3, "^never before")
    drawn, made = counted(monkeypatch)
    engine.run(suite, frame_of(0, 0, 0))
    first, figures = len(drawn), sum(made)
    assert first
    engine.run(suite, frame_of(1, 1, 1))
    assert len(drawn) == first
    assert sum(made) == 2 * figures


def test_no_frame_is_held_once_it_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noted as GX takes them: what a process froze before, gc no longer tells of."""
    frames: list[weakref.ref[pd.DataFrame]] = []
    take_frame = PandasBatchData.__init__

    def notes(self: PandasBatchData, execution_engine: Any, dataframe: pd.DataFrame) -> None:
        frames.append(weakref.ref(dataframe))
        take_frame(self, execution_engine, dataframe)

    monkeypatch.setattr(PandasBatchData, "__init__", notes)
    for start in (1, 4, 7):
        engine.run(suite_of(-1), frame_of(start, start + 1, start + 2))
    gc.collect()
    assert len(frames) >= 3  # GX takes each of them twice
    assert len({id(frame()) for frame in frames if frame() is not None}) <= 1  # GX itself keeps the last one


def test_a_suite_that_could_not_be_judged_is_not_taken_for_one_that_could() -> None:
    broken = suite_of(1, "(")
    for _ in range(2):
        with pytest.raises(engine.GateError, match="case_enum_invalid on name could not be judged"):
            engine.run(broken, frame_of(1, 2, 3))


def test_no_more_is_remembered_than_is_in_use() -> None:
    memory = remembering._Memory()
    for number in range(remembering._MOST):
        memory.keep(number, str(number))
    assert memory.get(0) == "0"
    memory.keep("one more", "x")
    assert (memory.get(0), memory.get(1)) == ("0", None)


@pytest.mark.parametrize("check", suite_of(1).checks, ids=lambda check: type(check.expectation).__name__)
def test_every_kind_of_expectation_asks_as_its_family_does(check: Check) -> None:
    """One that asked in its own way would go unremembered."""
    own = type(check.expectation).get_validation_dependencies
    assert own in (
        ColumnMapExpectation.get_validation_dependencies,
        ColumnPairMapExpectation.get_validation_dependencies,
    )
