"""Asking a person for an answer: one question and one answer.

Belongs here: what Airflow's own operators for it do not promise. Does not belong here: what is asked, what becomes of the answer.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk.exceptions import TaskAwaitingInput


class Approval(ApprovalOperator):
    """Asks once, and hands on a refusal as it does an approval, for `record`: the provider's own skips what follows one.

    Airflow may count a task as lost that was answered while it was still settling down to wait, and tries it again;
    to ask again would take away the answer (B6).
    """

    def execute(self, context: Any) -> None:
        asked = context["task_state_store"]
        if not asked.get("asked"):
            try:
                super().execute(context)
            except TaskAwaitingInput:
                asked.set("asked", True)
        raise TaskAwaitingInput(method_name="execute_complete", timeout=None)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        return HITLOperator.execute_complete(self, context, event)
