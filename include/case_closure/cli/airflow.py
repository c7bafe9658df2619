"""`up` and `down`: Airflow with its pages, and the embedded database.

Belongs here: their words. Does not belong here: starting and stopping (``local``).
"""

from __future__ import annotations

from case_closure.cli import terminal
from case_closure.cli.arguments import command, noun
from case_closure.refusals import Refused
from case_closure.settings import Settings

app = noun()


@command(app, "up", "Airflow with its pages, the night scheduled, until Ctrl-C")
def start() -> int:
    from case_closure.local import supervisor

    return supervisor.up(Settings.from_environment(), terminal.say)


@command(app, "down", "stop the embedded database")
def stop() -> None:
    from case_closure.local import embedded, supervisor

    settings = Settings.from_environment()
    serving = supervisor.serving(settings)
    if serving is not None:
        raise Refused(f"Airflow is up at {serving.url} and uses the database: stop it first (Ctrl-C there).")
    terminal.say(
        "Stopped the database"
        if embedded.stop(settings.own_home)
        else "The embedded database was not running"
    )
