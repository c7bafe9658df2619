"""One question and one answer: what a task that waits for a person does when Airflow begins it again."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from airflow.providers.standard.operators import hitl
from airflow.sdk.exceptions import TaskAwaitingInput

from case_closure.local.environment import DAGS


def test_B6_a_task_that_is_begun_again_does_not_ask_again_and_so_keeps_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Airflow wipes an answer when its question is asked again; one that was given while the task settled down is taken up."""
    monkeypatch.syspath_prepend(str(DAGS))
    asking = __import__("asking")
    asked: list[Any] = []
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **question: asked.append(question))
    kept: dict[str, Any] = {}

    class Store:
        get = staticmethod(kept.get)
        set = staticmethod(kept.__setitem__)

    class Task:
        id = 7

    approve = asking.Approval(task_id="approve", subject="Approve?")
    for _ in range(2):
        with pytest.raises(TaskAwaitingInput) as waiting:
            approve.execute({"task_instance": Task(), "task_state_store": Store()})
        assert waiting.value.method_name == "execute_complete"
    assert len(asked) == 1
    sys.modules.pop("asking")
