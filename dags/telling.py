"""Why a task failed, in the words and the order in which every DAG tells it; and what of it Airflow tries again.

Wiring only: what went wrong and what to do about it come from whoever failed.
"""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Callable
from typing import Any, NoReturn

from airflow.sdk.exceptions import AirflowFailException

log = logging.getLogger(__name__)


class NotBegun(AirflowFailException):
    """The night was refused before it was begun, so it has not failed either."""


def run_in_words(work: Callable[[], Any], tell: Callable[[AirflowFailException], None]) -> Any:
    """What ``work`` hands back. All that refuses is caught here, and nowhere else in the DAGs: its words end the task for good.

    What may pass by itself is raised as it is, for Airflow to try again; a mistake of the program's would only be made again.
    """
    from case_closure.domain.texts import printable_lines
    from case_closure.night import attempts
    from case_closure.refusals import Refused
    from case_closure.store.nights import NightRefused
    from case_closure.store.transient import is_transient

    try:
        return work()
    except Refused as refusal:
        if refusal.passes:
            raise
        kind = NotBegun if isinstance(refusal, NightRefused) else AirflowFailException
        ended = attempts.mark(kind(printable_lines(refusal)), refusal)
    except Exception as error:
        if is_transient(error):
            raise
        log.exception("This is not a mistake of the data's. For the developers:")
        ended = attempts.mark(
            AirflowFailException(printable_lines(f"{type(error).__name__}: {error}")), error
        )
    end(ended, tell)


def end(ended: AirflowFailException, tell: Callable[[AirflowFailException], None]) -> NoReturn:
    """Ends the task for good. Told first, because the pages fold away what is logged after a task has ended."""
    tell(ended)
    raise ended from None


def why_it_ended(context: Any) -> BaseException:
    """What a task's failure callback is called for, after the last try."""
    error: BaseException | None = context.get("exception")
    return error or RuntimeError("The task was ended from outside before it could say why.")


def was_told(error: BaseException) -> bool:
    """Whether the task said so itself before it ended."""
    return isinstance(error, AirflowFailException)


def after_the_last_try(tell: Callable[[BaseException, Any], None]) -> Callable[[Any], None]:
    """A failure callback that tells of what the task had not told itself."""

    def explain_failure(context: Any) -> None:
        error = why_it_ended(context)
        if not was_told(error):
            tell(error, context)

    return explain_failure


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
