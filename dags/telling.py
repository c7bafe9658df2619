"""Why a task failed, in the words and the order in which every DAG tells it.

Wiring only: what went wrong and what to do about it come from whoever failed.
"""

from __future__ import annotations

import logging
import textwrap
from typing import Any

log = logging.getLogger(__name__)


def explain(what: str, why: str, what_to_do: str, context: Any) -> None:
    """What failed, why and what to do, in the log of a task; the first line of why for the note of its run."""
    from case_closure.domain.texts import printable_lines
    from case_closure.settings import Settings

    call = Settings.from_environment().call
    said = [
        what,
        *printable_lines(why).split("\n"),
        f"What to do: {what_to_do}",
        *([f"Whom to call: {call}"] if call else []),
    ]
    for line in said:
        for part in textwrap.wrap(line, 90, subsequent_indent="    ", break_on_hyphens=False):
            log.error("%s", part)
    try:
        context["task_instance"].xcom_push(
            key="reason", value=textwrap.shorten(printable_lines(why).partition("\n")[0], 300)
        )
    except Exception as error:  # a note that is not written must not hide why the task failed
        log.warning("The run's note could not be told the reason: %s", error)
