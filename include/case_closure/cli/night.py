"""`nightly` and `night`: one night run, or put on record as one that will not be.

Belongs here: their arguments, what is shown while a night runs and after it. Does not belong here: running it (``night``, and
``local`` through Airflow).
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

from case_closure.cli import failing, terminal
from case_closure.cli.arguments import command, day, flag, noun, text, words
from case_closure.local.progress import Event
from case_closure.settings import LANDING, OUTBOUND, Settings, folder_or_url, must_be_apart

app = noun()
night = noun("a night that will not be run")
app.add_typer(night, name="night")


@command(app, "nightly", "run one night through its Airflow DAG")
def run(
    night_of: Annotated[date, day("--date", "business date, such as 2017-08-10")],
    landing: Annotated[
        str | None, text("--landing", "URL", f"folder or URL holding one folder a date (or {LANDING})")
    ] = None,
    outbound: Annotated[
        str | None, text("--outbound", "URL", f"folder or URL for what goes out (or {OUTBOUND})")
    ] = None,
    in_process: Annotated[
        bool, flag("--in-process", "the same stages without Airflow, for measuring")
    ] = False,
) -> int:
    settings = Settings.from_environment()
    landing = folder_or_url(landing, Path(settings.landing)) if landing else None
    outbound = folder_or_url(outbound, Path(settings.outbound)) if outbound else None
    must_be_apart(landing or settings.landing, outbound or settings.outbound, "--landing, --outbound")
    terminal.say(f"Night of {night_of}, from {landing or settings.landing}")
    began = time.monotonic()
    figures: Counter[str] = Counter()
    said: list[str] = []

    def show(event: Event) -> None:
        """As it comes; why a stage failed follows at once, and is then the last that is said."""
        terminal.show(event)
        for name, figure in event.figures.items():
            if isinstance(figure, int):
                figures[name] += figure
        if event.reason:
            said.append(event.reason)
            failing.fail(event.reason)

    reason = (_in_process if in_process else _through_airflow)(settings, night_of, landing, outbound, show)
    if reason is not None:
        return 1 if said[-1:] == [reason] else failing.fail(reason)
    _print_closing(settings, night_of, landing or settings.landing)
    folder = f"{(outbound or settings.outbound).rstrip('/')}/{night_of}"
    terminal.say("")
    terminal.say(terminal.last_line(night_of, time.monotonic() - began, figures, folder))
    return 0


def _through_airflow(
    settings: Settings,
    night_of: date,
    landing: str | None,
    outbound: str | None,
    show: Callable[[Event], None],
) -> str | None:
    """Why the night failed; None when it did not."""
    from case_closure.local import nightly_run

    ended = nightly_run.run(
        settings, night_of, landing=landing, outbound=outbound, show=show, say=terminal.say
    )
    return None if ended.succeeded else ended.reason


def _in_process(
    settings: Settings,
    night_of: date,
    landing: str | None,
    outbound: str | None,
    show: Callable[[Event], None],
) -> str | None:
    """As ``_through_airflow``, but what fails is raised."""
    from case_closure.local.stage_run import local_or_remote
    from case_closure.local.store import with_store
    from case_closure.night import run as night

    settings = with_store(settings)
    began = time.monotonic()

    def ended(stage: str, figures: dict[str, Any]) -> None:
        nonlocal began
        now = time.monotonic()
        show(Event(stage, "ended", now - began, figures))
        began = now

    context = night.NightContext(
        business_date=night_of,
        run_id=f"in-process__{datetime.now(UTC).isoformat()}",
        landing=local_or_remote(landing or settings.landing),
        outbound=local_or_remote(outbound or settings.outbound),
        settings=settings,
        clock=lambda: datetime.now(UTC),
    )
    night.run_night(context, ended)
    return None


def _print_closing(settings: Settings, night_of: date, landing: str) -> None:
    from case_closure.local.store import with_store
    from case_closure.night import run as night

    terminal.print_closing(night.summary(with_store(settings), night_of), _next_commands(night_of, landing))


def _next_commands(done: date, landing: str) -> list[tuple[str, str]]:
    case_closure = os.environ.get("CASE_CLOSURE_COMMAND", "case-closure")
    later = _later_night(done, landing)
    following = (
        (f"{case_closure} nightly --date {later}", "the next night of the landing zone")
        if later
        else (
            f"{case_closure} database-url",
            "where to look things up: the views of schema 'reporting'",
        )
    )
    return [
        (f"{case_closure} exceptions list --date {done}", "what was held back that night, and why"),
        following,
        ("make up", "Airflow with its pages: the night, its history, backfills"),
    ]


def _later_night(done: date, landing: str) -> date | None:
    if "://" in landing:
        return None
    nights_landed = []
    for manifest in Path(landing).glob("*-*-*/manifest.json"):
        try:
            nights_landed.append(date.fromisoformat(manifest.parent.name))
        except ValueError:
            continue
    return min((night for night in nights_landed if night > done), default=None)


@command(night, "skip", "put on record that a night will not be: one that was rejected, or never run")
def skip(
    night_of: Annotated[date, day("--date", "its business date")],
    reason: Annotated[str, words("--reason", "TEXT", "why")],
    by: Annotated[str, words("--by", "NAME", "who says so")],
) -> None:
    from case_closure.desk import nights
    from case_closure.domain.permissions import whoever_has_the_shell
    from case_closure.local.store import with_store

    nights.skip(with_store(), night_of, reason=reason, by=whoever_has_the_shell(by), at=datetime.now(UTC))
    terminal.say(
        f"The night of {night_of} is skipped, by {by}: {reason}. It stands in nobody's way, and may be run late."
    )
