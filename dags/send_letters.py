"""
### Sending letters

Sees every letter that was written through to GOV.UK Notify: each once, none lost. With a print house (the default) there is
nothing to do here: it fetches the night's outbound folder, and a letter is sent when the folder is published.

- **When** every hour, once it is switched on: set `CASE_CLOSURE_LETTERS_CHANNEL=notify` and
  `CASE_CLOSURE_NOTIFY_API_KEY`, then unpause it. Run it by hand at any time; two at once do no harm.
- **What it does** first asks Notify for letters whose sending was cut off, then takes note of those Notify refused, then
  sends what waits. What each letter came to is in `closure.letter_deliveries`.
- **When it fails** the task's log says what to do; no letter is lost, the next run goes on. A letter that Notify refuses
  does not fail the run: it is FAILED, with the reason. `docs/letters.md` says how to try it again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pendulum
from airflow.sdk import DAG, task
from task_groups import DEFAULT_ARGS
from telling import after_the_last_try, explain, run_in_words


def _tell(error: BaseException, context: Any) -> None:
    do = "mend what is named above and clear this task, or wait for the next hour. No letter is lost."
    explain("Letters were not sent.", str(error), do, context)


def _send() -> dict[str, int | str | None]:
    from dataclasses import asdict

    from case_closure.local.store import with_store
    from case_closure.sweeps import letters

    return asdict(letters.send(with_store(), lambda: datetime.now(UTC)))


with DAG(
    dag_id="send_letters",
    description="Sends the letters that wait, each once",
    doc_md=__doc__,
    schedule="0 * * * *",
    start_date=pendulum.datetime(2010, 1, 1, tz="UTC"),
    catchup=False,
    is_paused_upon_creation=True,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["letters", "financial-transition"],
):

    @task(task_id="send", on_failure_callback=after_the_last_try(_tell))
    def send(**context: Any) -> dict[str, int | str | None]:
        return run_in_words(_send, lambda ended: _tell(ended, context))

    send()
