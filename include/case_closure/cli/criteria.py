"""`criteria` and `tranche`: what tranches are selected on, and what they would select.

Belongs here: their arguments. Does not belong here: loading, previewing, and their words (``desk.criteria``).
"""

from __future__ import annotations

import getpass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from case_closure.cli import terminal
from case_closure.cli.arguments import command, day, file, given, noun, text

app = noun()
criteria = noun("what tranches are selected on")
tranche = noun("what a tranche would select")
app.add_typer(criteria, name="criteria")
app.add_typer(tranche, name="tranche")


@command(criteria, "load", "put the criteria of a file in force, by tranche_id")
def load(
    path: Annotated[Path, given("FILE", "a JSON list of criteria")],
    user: Annotated[
        str,
        typer.Option(
            "--user",
            default_factory=getpass.getuser,
            metavar="NAME",
            help="who loads it (you)",
            show_default=False,
        ),
    ],
) -> None:
    from case_closure.desk import criteria
    from case_closure.domain.permissions import whoever_has_the_shell
    from case_closure.local.store import with_store

    for line in criteria.load(with_store(), path, by=whoever_has_the_shell(user), at=datetime.now(UTC)):
        terminal.say(line)


@command(tranche, "preview", "what would be selected and left out, and why; changes nothing")
def preview(
    on: Annotated[date, day("--date", "as of this business date")],
    tranche_id: Annotated[str | None, text("--tranche", "ID", "this tranche alone (all in force)")] = None,
    path: Annotated[
        Path | None, file("--file", "FILE", "criteria of a file instead of those in force")
    ] = None,
) -> None:
    from case_closure.desk import criteria
    from case_closure.local.store import with_store

    for line in criteria.preview(with_store(), on=on, tranche=tranche_id, file=path):
        terminal.say(line)
