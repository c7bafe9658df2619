"""Remembers what Great Expectations works out of a suite's settings alone, which it would work out anew for every frame.

Belongs here: the figures that an expectation asks for, and on which others each of them rests. Does not belong here: a figure, or
anything else of a frame: those GX makes of each frame, every one of them.
For a suite of a dozen checks this is four fifths of what a frame of few rows costs, and a night judges some frames a part.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from great_expectations.expectations.expectation import (
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    Expectation,
)
from great_expectations.validator.validation_graph import ExpectationValidationGraph, ValidationGraph
from great_expectations.validator.validator import ValidationDependencies, Validator

# All suites together have a hundred checks; the dates in some move on, night after night.
_MOST = 500


class _Memory:
    """The answers given last."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Any, Any] = OrderedDict()

    def get(self, question: Any) -> Any:
        answer = self._answers.get(question)
        if answer is not None:
            self._answers.move_to_end(question)
        return answer

    def keep(self, question: Any, answer: Any) -> None:
        self._answers[question] = answer
        while len(self._answers) > _MOST:
            self._answers.popitem(last=False)


def _remember_figures(family: Any) -> None:
    """The figures that an expectation of this family asks for, by its kind, its settings and how its result is to look."""
    ask: Callable[..., Any] = family.get_validation_dependencies
    memory = _Memory()

    @functools.wraps(ask)
    def remembered(
        self: Any, execution_engine: Any = None, runtime_configuration: Any = None, **more: Any
    ) -> Any:
        question = (
            type(self),
            type(execution_engine),
            repr(self.configuration.kwargs),
            repr(runtime_configuration),
        )
        known = memory.get(question)
        if known is None:
            known = ask(self, execution_engine, runtime_configuration, **more)
            memory.keep(question, known)
        return ValidationDependencies(dict(known.metric_configurations), dict(known.result_format))

    family.get_validation_dependencies = remembered


def _remember_graphs() -> None:
    """The graph of each expectation of a suite: which figure rests on which others."""
    name = "_generate_metric_dependency_subgraphs_for_each_expectation_configuration"
    draw: Callable[..., Any] = getattr(Validator, name)
    memory = _Memory()

    @functools.wraps(draw)
    def remembered(self: Any, expectation_configurations: list[Any], **asked: Any) -> Any:
        how = type(self._execution_engine), self.active_batch_id, repr(asked["runtime_configuration"])
        questions = [(*how, one.type, repr(one.kwargs), repr(one.meta)) for one in expectation_configurations]
        graphs = [memory.get(question) for question in questions]
        for place, one in enumerate(expectation_configurations):
            if graphs[place] is None:
                drawn, errors, _ = draw(
                    self, expectation_configurations=[one], **asked | {"processed_configurations": []}
                )
                if errors:  # GX's own way of telling of them is for the whole suite
                    return draw(self, expectation_configurations=expectation_configurations, **asked)
                graphs[place] = _without_frame(*drawn)
                memory.keep(questions[place], graphs[place])
        return graphs, [], [graph.configuration for graph in graphs]

    setattr(Validator, name, remembered)


def _without_frame(graph: Any) -> Any:
    """The graph, but not the engine that drew it: that holds on to its frame."""
    return ExpectationValidationGraph(graph.configuration, ValidationGraph(None, graph.graph.edges))


# While an expectation is asked: its settings, which nothing changes meanwhile. Outside of that nothing is remembered.
_settings_asked: dict[int, Any] | None = None


def _remember_settings() -> None:
    """The settings of an expectation, while it is asked one thing: GX makes them anew for each of them, some forty times."""
    told: Callable[[Any], Any] = Expectation.configuration.fget

    def configuration(self: Any) -> Any:
        if _settings_asked is None:
            return told(self)
        if id(self) not in _settings_asked:
            _settings_asked[id(self)] = told(self)
        return _settings_asked[id(self)]

    setattr(Expectation, "configuration", property(configuration))  # noqa: B010  a class of GX's own kind
    for name in ("get_validation_dependencies", "metrics_validate"):
        for family in (Expectation, ColumnMapExpectation, ColumnPairMapExpectation):
            if name in vars(family):
                setattr(family, name, _asked_at_once(vars(family)[name]))


def _asked_at_once(ask: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(ask)
    def asked(self: Any, *given: Any, **more: Any) -> Any:
        global _settings_asked
        if _settings_asked is not None:
            return ask(self, *given, **more)
        _settings_asked = {}
        try:
            return ask(self, *given, **more)
        finally:
            _settings_asked = None

    return asked


_remember_settings()
_remember_figures(ColumnMapExpectation)
_remember_figures(ColumnPairMapExpectation)
_remember_graphs()
