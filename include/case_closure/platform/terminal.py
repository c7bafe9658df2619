"""Words on a terminal: a line as a stage starts and ends, and the closing table of a night.

Belongs here: wording and layout. Does not belong here: any figure of its own; it shows what the night's
summary holds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Protocol

from rich.console import Console
from rich.table import Table

from case_closure.platform.progress import Event


class Bucket(Protocol):
    """Money of one creditor and arrears status, int64 pence."""

    @property
    def creditor(self) -> str: ...
    @property
    def arrears_status(self) -> str: ...
    @property
    def received_pence(self) -> int: ...
    @property
    def posted_pence(self) -> int: ...
    @property
    def held_pence(self) -> int: ...
    @property
    def credit_pence(self) -> int: ...


class Summary(Protocol):
    """What `night.summary` hands back, as far as it is shown."""

    @property
    def buckets(self) -> Iterable[Bucket]: ...
    @property
    def casegroups_by_outcome(self) -> Mapping[str, int]: ...
    @property
    def exceptions_by_rule(self) -> Mapping[str, int]: ...


def say(line: str) -> None:
    print(line, flush=True)


def show(event: Event) -> None:
    """One line a stage as it starts and as it ends, with its figures and seconds."""
    if event.what == "started":
        say(f"  {event.stage:<20} started")
    elif event.what == "ended":
        say(f"  {event.stage:<20} done in {event.seconds:.1f} s{_figures(event.figures)}")
    else:
        say(f"  {event.stage:<20} FAILED")


def fail(reason: str) -> int:
    """Says why, as the last words; the exit code."""
    sys.stdout.flush()
    print(reason.rstrip(), file=sys.stderr, flush=True)
    return 1


def pounds(pence: int) -> str:
    """-123456 -> '-1,234.56'. Whole numbers throughout."""
    sign, whole = ("-", -pence) if pence < 0 else ("", pence)
    return f"{sign}{whole // 100:,}.{whole % 100:02d}"


def print_closing(summary: Summary, next_commands: Iterable[tuple[str, str]]) -> None:
    """The closing table, and what is worth typing next: (command, what it does)."""
    console = Console(highlight=False, soft_wrap=True)
    money = Table("creditor", "status", title="Money, GBP", title_justify="left", box=None)
    for heading in ("received", "posted", "held", "credits"):
        money.add_column(heading, justify="right")
    totals = [0, 0, 0, 0]
    for bucket in summary.buckets:
        row = [bucket.received_pence, bucket.posted_pence, bucket.held_pence, bucket.credit_pence]
        totals = [total + pence for total, pence in zip(totals, row, strict=True)]
        money.add_row(bucket.creditor, bucket.arrears_status, *map(pounds, row))
    money.add_row("all", "", *map(pounds, totals), style="bold")
    console.print()
    console.print(money)
    for title, counts in (
        ("Casegroups by outcome", summary.casegroups_by_outcome),
        ("Exceptions by rule", summary.exceptions_by_rule),
    ):
        console.print()
        console.print(f"[italic]{title}[/italic]" if counts else f"[italic]{title}[/italic]: none")
        width = max((len(name) for name in counts), default=0)
        for name, count in counts.items():
            console.print(f" {name:<{width}}  {count:>9,}", markup=False)
    console.print("\nNext:", style="bold")
    listed = list(next_commands)
    width = max(len(command) for command, _ in listed)
    for command, meaning in listed:
        console.print(f"  {command:<{width}}   {meaning}", markup=False)


def _figures(figures: Mapping[str, int | str]) -> str:
    words = [
        f"{name.replace('_', ' ')} {value:,}"
        if isinstance(value, int)
        else f"{name.replace('_', ' ')} {value}"
        for name, value in figures.items()
    ]
    return f"  ({', '.join(words)})" if words else ""


def print_exceptions(rows: Iterable[Mapping[str, object]]) -> None:
    """Exceptions as a table; the columns a team leader needs to allocate them, values masked as they are
    stored.
    """
    columns = (
        "exception_id",
        "business_date",
        "rule_code",
        "casegroup_id",
        "csa_system",
        "csa_case_id",
        "status",
        "route",
    )
    table = Table(*columns, "message", box=None, title_justify="left")
    count = 0
    for row in rows:
        table.add_row(*("" if row.get(name) is None else str(row[name]) for name in (*columns, "message")))
        count += 1
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if count:
        console.print(table)
    console.print(f"{count:,} exception{'s' if count != 1 else ''}")
