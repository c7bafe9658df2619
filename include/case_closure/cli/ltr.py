"""`ltr`: legacy transition requests to the CSA systems.

Belongs here: its arguments and words. Does not belong here: whether one may be issued (``desk.ltrs``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from case_closure.cli import terminal
from case_closure.cli.arguments import choice, command, noun, text
from case_closure.cli.store import migrated_url
from case_closure.domain.applications import LTR_TYPES
from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.domain.permissions import whoever_has_the_shell

app = noun()
ltr = noun("legacy transition requests to the CSA systems")
app.add_typer(ltr, name="ltr")


@command(ltr, "issue", "issue one by hand; the same one twice is refused")
def issue(
    ltr_type: Annotated[str, choice("--type", LTR_TYPES, "what is asked")],
    system: Annotated[str, choice("--system", CSA_SYSTEMS, "of whom")],
    application: Annotated[str, text("--application", "ID", "the application behind it")],
    user: Annotated[str, text("--user", "NAME", "who issues it")],
) -> None:
    from case_closure.desk import ltrs

    by = whoever_has_the_shell(user)
    ltr_id = ltrs.issue(migrated_url(), ltr_type, system, application, by=by, at=datetime.now(UTC))
    terminal.say(f"{ltr_id} is issued; the next night's file carries it.")
