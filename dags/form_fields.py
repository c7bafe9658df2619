"""The kinds of fields of which the form of a DAG is made.

Wiring only: what a field may hold is judged by whoever takes the form.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param


def words(title: str, description: str, **more: Any) -> Param:
    return Param(title=title, description=description, type="string", minLength=1, **more)


def several(title: str, choices: list[str], **more: Any) -> Param:
    return Param(
        [], title=title, type="array", minItems=1, examples=choices, items={"type": "string"}, **more
    )


def day(title: str, description: str) -> Param:
    return Param(None, title=title, description=description, type=["null", "string"], format="date")
