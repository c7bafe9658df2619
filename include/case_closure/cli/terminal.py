"""Words on a terminal: a line as a stage starts and ends, and the closing table of a night.

Belongs here: wording and layout. Does not belong here: any figure of its own; it shows what the night's
summary holds.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol, cast

from rich.console import Console
from rich.table import Table

from case_closure.domain.money import pounds
from case_closure.domain.texts import printable, printable_lines
from case_closure.local.progress import Event


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
    def journeys_by_state(self) -> Mapping[str, int]: ...
    @property
    def letters_by_code(self) -> Mapping[str, int]: ...
    @property
    def exceptions_by_rule(self) -> Mapping[str, int]: ...
    @property
    def entries_without_effect(self) -> Sequence[tuple[str, str]]: ...


_EXCEPTION_COLUMNS = (
    "business_date", "rule_code", "casegroup_id", "case", "subject", "field", "value", "status", "route", "exception_id",
)  # fmt: skip
_NARROW_COLUMNS = ("business_date", "rule_code", "casegroup_id", "case", "status", "route")
_HEADINGS = {
    "business_date": "first seen", "rule_code": "rule", "casegroup_id": "casegroup", "exception_id": "id",
}  # fmt: skip
_COLUMNS = 100


_MOST_ENTRIES = 20


def say(line: str) -> None:
    """One line, whatever it holds: what came from outside can neither break it nor steer the terminal."""
    print(printable(line), flush=True)


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
    print(printable_lines(reason.rstrip()), file=sys.stderr, flush=True)
    return 1


def last_line(night: date, seconds: float, figures: Mapping[str, int | str], folder: str) -> str:
    """How long a night took, where what goes out lies, and what it changed; ``figures``: those of its stages together."""
    minutes, rest = divmod(round(seconds), 60)
    took = f"{minutes} min {rest} s" if minutes else f"{rest} s"
    changed = [
        f"{count:,} {what}"
        for name, what in (
            ("rows_held", "rows taken in"),
            ("casegroups_selected", "casegroups selected"),
            ("casegroups_changed", "casegroups changed"),
            ("dues", "dues posted"),
            ("exceptions_opened", "exceptions opened"),
            ("exceptions_resolved", "resolved"),
            ("letters_prepared", "letters prepared"),
            ("letters_typeset", "letters typeset"),
        )
        if isinstance(count := figures.get(name, 0), int) and count
    ]
    return (
        f"Night of {night} done in {took}; what goes out is in {folder}; "
        f"changed: {', '.join(changed) if changed else 'nothing'}."
    )


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
        money.add_row(printable(bucket.creditor), printable(bucket.arrears_status), *map(pounds, row))
    money.add_row("all", "", *map(pounds, totals), style="bold")
    console.print()
    console.print(money)
    for title, counts in (
        ("Closure: selected casegroups by state", summary.journeys_by_state),
        ("Letters issued tonight, by code", summary.letters_by_code),
        ("Casegroups by outcome", summary.casegroups_by_outcome),
        ("Exceptions by rule", summary.exceptions_by_rule),
    ):
        console.print()
        console.print(f"[italic]{title}[/italic]" if counts else f"[italic]{title}[/italic]: none")
        width = max((len(name) for name in counts), default=0)
        for name, count in counts.items():
            console.print(f" {printable(name):<{width}}  {count:>9,}", markup=False)
    if summary.entries_without_effect:
        console.print("\n[italic]Resolutions of tonight that changed nothing[/italic]")
        for entry, why in summary.entries_without_effect[:_MOST_ENTRIES]:
            console.print(f" {entry}: {why}", markup=False)
        more = len(summary.entries_without_effect) - _MOST_ENTRIES
        if more > 0:
            console.print(f" and {more:,} more, in reporting.entries_without_effect", markup=False)
    console.print("\nNext:", style="bold")
    listed = list(next_commands)
    width = max(len(command) for command, _ in listed)
    for command, meaning in listed:
        console.print(f"  {printable(command):<{width}}   {printable(meaning)}", markup=False)


def _figures(figures: Mapping[str, int | str]) -> str:
    words = [_figure(name, value) for name, value in figures.items()]
    return f"  ({', '.join(words)})" if words else ""


def _figure(name: str, value: int | str) -> str:
    if isinstance(value, int) and name.endswith("_pence"):
        return f"{name.removesuffix('_pence').replace('_', ' ')} {pounds(value)} GBP"
    words = name.replace("_", " ")
    return f"{words} {value:,}" if isinstance(value, int) else f"{words}: {value}"


def print_exceptions(rows: Iterable[Mapping[str, object]], *, wide: bool = False) -> None:
    """Exceptions, a line each, then what to do for each rule among them; values masked as they are stored.

    Within 100 columns: what does not fit ends in an ellipsis. ``wide``: all columns, nothing cut.
    """
    columns = _EXCEPTION_COLUMNS if wide else _NARROW_COLUMNS
    lines: list[tuple[str, ...]] = [tuple(_HEADINGS.get(name, name.replace("_", " ")) for name in columns)]
    to_do: dict[str, str] = {}
    for row in rows:
        shown = {name: "" if value is None else printable(value) for name, value in row.items()}
        shown["case"] = f"{shown['csa_system']} {shown['csa_case_id']}".strip()
        lines.append(tuple(shown[name] for name in columns))
        to_do[shown["rule_code"]] = shown["message"]
    count = len(lines) - 1
    if count:
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        while not wide and sum(widths) + 2 * (len(widths) - 1) > _COLUMNS:
            widths[widths.index(max(widths))] -= 1
        for line in lines:
            cells = (_cut(cell, width) for cell, width in zip(line, widths, strict=True))
            say("  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip())
        say("")
        width = max(map(len, to_do))
        for rule, message in sorted(to_do.items()):
            if wide:
                say(f"{rule:<{width}}  {message}")
            else:
                for part in textwrap.wrap(
                    f"{rule}: {message}", _COLUMNS, subsequent_indent="    ", break_on_hyphens=False
                ):
                    say(part)
        say("")
    say(
        f"{count:,} exception{'s' if count != 1 else ''}{'' if wide or not count else '; --wide shows all of each'}"
    )


def print_causes(causes: Iterable[Mapping[str, object]]) -> None:
    """What open exceptions have in common, a line each, what holds most first; values masked as they are stored."""
    lines: list[tuple[str, ...]] = [
        ("held GBP", "exceptions", "casegroups", "rule", "field", "value", "first seen", "one of them")
    ]
    for cause in causes:
        several = cast(int, cause["different_values"]) > 1
        value = f"{cause['different_values']:,} different" if several else cause["value"] or "(missing)"
        lines.append(
            (pounds(cast(int, cause["held_pence"])), f"{cause['exceptions']:,}", f"{cause['casegroups']:,}",
             *(printable(word or "") for word in
               (cause["rule_code"], cause["field"], value, cause["first_seen_on"], cause["exception_id"])))
        )  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        numbers = (f"{cell:>{width}}" for cell, width in zip(line[:3], widths[:3], strict=True))
        words = (f"{cell:<{width}}" for cell, width in zip(line[3:], widths[3:], strict=True))
        say("  ".join((*numbers, *words)).rstrip())


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else f"{cell[: width - 1]}\N{HORIZONTAL ELLIPSIS}"
