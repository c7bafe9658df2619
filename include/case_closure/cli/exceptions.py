"""`exceptions`: what was held back, and who has it.

Belongs here: its arguments. Does not belong here: finding them (``store.queries``), how they are shown (``terminal``).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from case_closure.cli import terminal
from case_closure.cli.arguments import choice, command, day, flag, noun, rule

app = noun()
exceptions = noun("the exceptions and who has them")
app.add_typer(exceptions, name="exceptions")


@command(exceptions, "list", "list them, the oldest first")
def list_exceptions(
    on: Annotated[date | None, day("--date", "first seen on this business date")] = None,
    rule_code: Annotated[str | None, rule("--rule", "of this rule code")] = None,
    status: Annotated[
        str | None, choice("--status", ("OPEN", "ALLOCATED", "RESOLVED"), "in this state")
    ] = None,
    route: Annotated[str | None, choice("--route", ("CASE_OWNER", "FT_TEAM"), "routed to them")] = None,
    wide: Annotated[
        bool,
        flag("--wide", "also subject, field, value and the id of each, in as many columns as it takes"),
    ] = False,
) -> None:
    from case_closure.local.store import with_store
    from case_closure.store import queries

    rows = queries.list_exceptions(
        with_store().store_url, business_date=on, rule_code=rule_code, status=status, route=route
    )
    terminal.print_exceptions(rows, wide=wide)
