"""`exceptions`: what was held back, who has it, what is entered on it.

Belongs here: its arguments. Does not belong here: finding them (``store.queries``), what may be done with them
(``desk.exceptions``), how they are shown (``terminal``).
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from case_closure.cli import failing, terminal
from case_closure.cli.arguments import choice, command, day, file, flag, given, noun, rule, text
from case_closure.cli.store import migrated_url
from case_closure.domain.permissions import whoever_has_the_shell

app = noun()
exceptions = noun("the exceptions, who has them, and what is entered on them")
app.add_typer(exceptions, name="exceptions")


@command(exceptions, "list", "list them, the oldest first")
def list_exceptions(
    on: Annotated[date | None, day("--date", "first seen on this business date")] = None,
    rule_code: Annotated[str | None, rule("--rule", "of this rule code")] = None,
    status: Annotated[
        str | None, choice("--status", ("OPEN", "ALLOCATED", "RESOLVED"), "in this state")
    ] = None,
    route: Annotated[str | None, choice("--route", ("CASE_OWNER", "FT_TEAM"), "routed to them")] = None,
    allocated_to: Annotated[str | None, text("--allocated-to", "NAME", "that this person has")] = None,
    wide: Annotated[
        bool,
        flag("--wide", "also subject, field, value and the id of each, in as many columns as it takes"),
    ] = False,
) -> None:
    from case_closure.store import queries

    rows = queries.list_exceptions(
        migrated_url(), business_date=on, rule_code=rule_code, status=status, route=route,
        allocated_to=allocated_to,
    )  # fmt: skip
    terminal.print_exceptions(rows, wide=wide)


@command(exceptions, "causes", "what they have in common, and how many pounds each cause holds up")
def causes() -> None:
    from case_closure.desk import exceptions

    terminal.print_causes(exceptions.causes(migrated_url()))


_ID = "its number, as `list --wide` shows it"


@command(exceptions, "allocate", "give exceptions to somebody")
def allocate(
    exception_ids: Annotated[list[str], given("ID ...", _ID)],
    to: Annotated[str, text("--to", "NAME", "who is to work on them")],
    by: Annotated[str, text("--by", "NAME", "who allocates")],
) -> int:
    from case_closure.desk import exceptions

    who, at = whoever_has_the_shell(by), datetime.now(UTC)
    return _told(exceptions.allocate(migrated_url(), exception_ids, to=to, by=who, at=at))


@command(exceptions, "resolve", "enter what was found out, and see what it will do")
def resolve(
    source: Annotated[str, text("--source", "SYSTEM", "where it was found")],
    by: Annotated[str, text("--by", "NAME", "who enters it")],
    exception_ids: Annotated[list[str] | None, given("[ID ...]", _ID)] = None,
    field: Annotated[str | None, text("--field", "F", "the field that is wrong")] = None,
    new: Annotated[str | None, text("--new", "VALUE", "what it is")] = None,
    old: Annotated[
        str | None, text("--old", "VALUE", "what it is said to hold; refused if it does not")
    ] = None,
    rule_code: Annotated[str | None, rule("--rule", "on all that are open of this rule")] = None,
    cause: Annotated[
        str | None,
        text("--cause", "ID", "on all that are open for the same cause as this one (see `causes`)"),
    ] = None,
    entries: Annotated[
        Path | None, file("--file", "FILE", "a CSV: exception_id,field,new_value,old_value, an entry a line")
    ] = None,
    dry_run: Annotated[bool, flag("--dry-run", "only say what it would do")] = False,
) -> int:
    from case_closure.desk import exceptions
    from case_closure.desk.exceptions import Entry
    from case_closure.local.store import with_store

    ways = [bool(exception_ids), rule_code is not None, cause is not None, entries is not None]
    if sum(ways) != 1:
        raise typer.BadParameter("expected one of: ID ..., --rule, --cause, --file")
    if entries is None and (field is None or new is None):
        raise typer.BadParameter("expected --field and --new")
    url = migrated_url()
    if entries is not None:
        listed = exceptions.read_entries(entries)
    else:
        ids = exception_ids or exceptions.chosen(url, rule_code=rule_code, cause=cause)
        listed = [Entry(one, field or "", new or "", old) for one in ids]
    who, at = whoever_has_the_shell(by), datetime.now(UTC)
    return _told(exceptions.resolve(with_store(), listed, source=source, by=who, at=at, keep=not dry_run))


@command(exceptions, "replay", "judge their casegroups at once, as the rerun of the latest night would")
def replay(
    exception_ids: Annotated[list[str] | None, given("[ID ...]", f"{_ID}; none: all that are open")] = None,
    by: Annotated[str | None, text("--by", "NAME", "who asks; else whoever has the shell")] = None,
) -> None:
    from case_closure.desk import exceptions
    from case_closure.local.stage_run import local_or_remote
    from case_closure.local.store import with_store
    from case_closure.night.context import NightContext

    migrated_url()
    settings = with_store()

    def context(on: date) -> NightContext:
        run_id = f"replay__{datetime.now(UTC).isoformat()}"
        landing, outbound = local_or_remote(settings.landing), local_or_remote(settings.outbound)
        return NightContext(on, run_id, landing, outbound, settings)

    def progress(_stage: str, _figures: Any) -> None:
        """What is told is told of each exception, at the end."""

    who = whoever_has_the_shell(by or os.environ.get("USER") or "whoever has the shell")
    asked = exception_ids or []
    lines = exceptions.replay(
        settings, asked, by=who, at=datetime.now(UTC), context=context, progress=progress
    )
    for line in lines:
        terminal.say(line)


@command(exceptions, "history", "what happened to one, a line each")
def history(exception_id: Annotated[str, given("ID", _ID)]) -> None:
    from case_closure.desk import exceptions

    for line in exceptions.history(migrated_url(), exception_id):
        terminal.say(line)


def _told(told: Any) -> int:
    for line in told.done:
        terminal.say(line)
    return failing.fail("\n".join(told.refused)) if told.refused else 0
