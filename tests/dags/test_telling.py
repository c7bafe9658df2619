"""What becomes of an error in a task: words that end it, another try, or a trace for the developers."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from case_closure.landing.rejection import LandingRejected, Problem
from case_closure.local.embedded import ServerUnavailable
from case_closure.local.environment import DAGS
from case_closure.night.context import MachineFault, NightFailed, NightRefused


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        spec = importlib.util.spec_from_file_location("telling", DAGS / "telling.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def failing(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (NightRefused("another night is open"), "NotBegun", "another night is open"),
        (NightFailed("the money law is broken"), "AirflowFailException", "the money law is broken"),
        (LandingRejected("2017-08-10", [Problem("no \x1b[31m file", "manifest", "one", "none")]), "AirflowFailException",
         "no <U+001B>[31m file"),
        (ServerUnavailable("the database cannot be started"), "AirflowFailException", "the database cannot be started"),
        (MachineFault("the disk is full", passes=False), "AirflowFailException", "the disk is full"),
        (KeyError("a mistake in the program"), "AirflowFailException", "KeyError: 'a mistake in the program'"),
    ],
)  # fmt: skip
def test_what_is_not_to_be_tried_again_ends_the_task_in_words_that_are_told_first(
    telling: Any, error: Exception, kind: str, words: str
) -> None:
    told: list[Exception] = []
    with pytest.raises(telling.AirflowFailException) as ended:
        telling.run_in_words(failing(error), told.append)
    assert type(ended.value).__name__ == kind
    assert words in str(ended.value)
    assert told == [ended.value]
    assert telling.was_told(ended.value)


@pytest.mark.parametrize(
    "error", [MachineFault("the database went away", passes=True), psycopg.OperationalError("gone")]
)
def test_what_may_pass_by_itself_is_raised_as_it_is(telling: Any, error: Exception) -> None:
    told: list[Exception] = []
    with pytest.raises(type(error)) as raised:
        telling.run_in_words(failing(error), told.append)
    assert raised.value is error
    assert told == []
    assert not telling.was_told(error)


def test_what_the_work_hands_back_is_handed_on(telling: Any) -> None:
    assert telling.run_in_words(lambda: {"rows": 3}, [].append) == {"rows": 3}


def test_a_task_ended_from_outside_has_a_reason_too(telling: Any) -> None:
    assert "ended from outside" in str(telling.why_it_ended({}))
    assert telling.why_it_ended({"exception": (error := KeyError())}) is error
