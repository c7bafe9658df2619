"""Exceptions as whoever works on them reads them: one in words with its row as it came, and those of a filter as a file.

Belongs here: words, masking, what may be entered, files to take away. Does not belong here: doing anything to an exception
(``desk.exceptions``), queries (``store.shown.exceptions``), layout (``web``).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pa_csv

from case_closure import refusals
from case_closure.desk import acting
from case_closure.desk.acting import Act, Actor
from case_closure.domain import masking
from case_closure.domain.money import pounds
from case_closure.domain.rules import RULES, entity_of
from case_closure.outbound import exceptions_report as words
from case_closure.outbound.folder import shown_text
from case_closure.outbound.workbook import Column, writing
from case_closure.store import database, exceptions
from case_closure.store.shown import exceptions as listed
from case_closure.store.shown.exceptions import Filter
from case_closure.store.shown.reading import reading
from case_closure.tables import resolutions
from case_closure.tables.resolutions import Enterable

Line = Mapping[str, Any]
"""A row of the view ``exceptions``."""

MOST_ROWS: Final = {"csv": 200_000, "xlsx": 20_000}
"""How many rows a file may have; a workbook takes longer to make, and nobody reads so many of them."""


class TooMany(refusals.Refused):
    """More was asked for than goes into one file; the message says what to do."""


# --- one


@dataclass(frozen=True)
class Look:
    """An exception in words. ``rows``: each row as it came, a triple of field, its words and its value, masked, None for nothing.

    ``entity``: of what entry it is for; None: no entry mends it. ``fields``: what may be entered.
    """

    wrong: str
    where: str
    do: str
    enter: str | None
    found: str | None
    rows: list[list[tuple[str, str, str | None]]]
    entity: str | None
    fields: tuple[Enterable, ...]


def look_at(url: str, line: Line) -> Look:
    """What there is to know of an exception, as the views have it, for whoever is to mend it."""
    with database.transaction(url) as connection:
        original = exceptions.original(connection, line["exception_id"])
    row = _named(line)
    rule = RULES.get(line["rule_code"])
    entity = entity_of(line["rule_code"], line["subject"]) if rule else None
    return Look(
        words.wrong(row), words.where(row), words.do(row), words.enter(row), words.found(row), as_it_came(original),
        entity, resolutions.enterable(entity) if entity else (),
    )  # fmt: skip


def found(line: Line) -> str | None:
    """What was found in its field, masked as it is stored; an amount in pounds."""
    return words.found(dict(line))


def as_it_came(original: str | None) -> list[list[tuple[str, str, str | None]]]:
    """Rows that were kept as JSON, each field with its words and its value as a person may see it."""
    kept = json.loads(original) if original else []
    return [
        [(name, words.field_in_words(name), _shown(value, name)) for name, value in row.items()]
        for row in (kept if isinstance(kept, list) else [kept])
    ]


def _shown(value: object, name: str) -> str | None:
    text = resolutions.as_text(value)
    if text is None:
        return None
    shown = masking.shown(text, name)
    if shown and name.endswith("_pence") and isinstance(value, int):
        return f"{'-' if value < 0 else ''}£{pounds(abs(value))}"
    return shown


def _named(line: Line) -> dict[str, Any]:
    return dict(line) | {"first_seen_on": line["business_date"]}


# --- those of a filter, as a file


_Said = Callable[[dict[str, Any]], Any]
_FILE: Final[tuple[tuple[Column, _Said], ...]] = (
    (Column("rule_code", width=24), lambda row: row["rule_code"]),
    (Column("what_is_wrong", width=36), words.wrong),
    (Column("where_to_look", width=28), words.where),
    (Column("what_to_do", width=36), words.do),
    (Column("what_to_enter", width=24), words.enter),
    (Column("value_found", width=14), words.found),
    *(
        (Column(name, kind, width), lambda row, name=name: row[name])
        for name, kind, width in (
            ("csa_system", "text", 10), ("csa_case_id", "text", 15), ("casegroup_id", "text", 14), ("subject", "text", 18),
            ("subject_reference", "text", 18), ("status", "text", 11), ("allocated_to", "text", 16), ("route", "text", 12),
            ("case_owner", "text", 16), ("severity", "text", 9), ("channel", "text", 16), ("stage", "text", 18),
            ("business_date", "date", 13), ("last_seen_on", "date", 13), ("resolved_on", "date", 13),
            ("exception_id", "text", 50),
        )
    ),
)  # fmt: skip
_DATES: Final = frozenset(column.heading for column, _ in _FILE if column.kind == "date")


def download(url: str, wanted: Filter, *, side: str, kind: str, by: Actor, at: datetime) -> Path:
    """The exceptions of a filter as a CSV or a workbook in a temporary file, which whoever asked removes; the oldest first.

    ``kind``: csv or xlsx. Raises NotAllowed, TooMany.
    """
    role = acting.require(by, "download_exceptions")
    if side == listed.SENSITIVE:
        role = acting.require(by, "see_sensitive")
    with database.transaction(url) as connection:
        act = Act(
            "EXCEPTIONS", kind, after=wanted.given() | ({"side": side} if side != listed.ORDINARY else {})
        )
        acting.record(connection, by, "download_exceptions", [act], at=at)
    with tempfile.NamedTemporaryFile(prefix="exceptions-", suffix=f".{kind}", delete=False) as file:
        path = Path(file.name)
    try:
        with reading(url, role) as connection:
            on = listed.latest_night(connection) if side == listed.ORDINARY else None
            parts = listed.each(connection, wanted, side=side, on=on, most=MOST_ROWS[kind] + 1)
            _WRITERS[kind](path, _counted(parts, kind), at.date())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _counted(parts: Iterable[list[dict[str, Any]]], kind: str) -> Iterable[list[dict[str, Any]]]:
    count = 0
    for part in parts:
        count += len(part)
        if count > MOST_ROWS[kind]:
            raise TooMany(
                f"There are more than {MOST_ROWS[kind]:,} of them, more than goes into one file of that kind. Narrow the "
                f"filter{', or take the CSV' if kind == 'xlsx' else ''}."
            )
        yield [_named(line) for line in part]


def _write_csv(path: Path, parts: Iterable[list[dict[str, Any]]], _on: date) -> None:
    schema = pa.schema(
        [(column.heading, pa.date32() if column.heading in _DATES else pa.string()) for column, _ in _FILE]
    )
    options = pa_csv.WriteOptions(quoting_style="needed", quoting_header="needed")
    with path.open("wb") as out, pa_csv.CSVWriter(out, schema, write_options=options) as writer:
        for part in parts:
            columns = [
                pa.array([say(row) for row in part], schema.field(column.heading).type)
                for column, say in _FILE
            ]
            writer.write_table(
                pa.table(
                    [shown_text(each) if pa.types.is_string(each.type) else each for each in columns],
                    schema=schema,
                )
            )


def _write_xlsx(path: Path, parts: Iterable[list[dict[str, Any]]], on: date) -> None:
    columns = [column for column, _ in _FILE]
    with writing(path, "Exceptions", on) as book:
        sheet = book.sheet("exceptions", [column.width for column in columns])
        headed = [Column(column.heading.replace("_", " "), column.kind, column.width) for column in columns]
        row = book.headings(sheet, 0, headed)
        sheet.freeze_panes(1, 0)
        for part in parts:
            row = book.rows(sheet, row, columns, ([say(line) for _, say in _FILE] for line in part))


_WRITERS: Final = {"csv": _write_csv, "xlsx": _write_xlsx}


def today(at: datetime) -> str:
    """The day of a file's name."""
    return at.astimezone(UTC).date().isoformat()
