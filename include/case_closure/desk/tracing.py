"""From an amount to the line of the extract behind it: which file landed when, with what hash, and the row as it came.

Belongs here: holding what is held against the folder that landed, the words when that has gone, hiding what is personal. Does
not belong here: the queries (``store.tracing``), reading files (``landing``), what became of the row (its page).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from upath import UPath

from case_closure.domain.masking import shown as masked
from case_closure.landing import manifest, one_row
from case_closure.landing.reading import LandedFile
from case_closure.landing.rejection import LandingRejected
from case_closure.settings import Settings
from case_closure.store import database, tracing
from case_closure.store.tracing import Origin
from case_closure.tables.landed import FILES, payments_file_name


@dataclass(frozen=True)
class Traced:
    """Where an amount came from. ``line``: of the file as an editor counts, where it is one of lines. ``row``: column, meaning
    and value, what is personal hidden; ``of_file``: it was read from the file just now, and not from what is held of it.
    ``gone``: why the file cannot be shown any more; None while it can."""

    business_date: date
    file: str
    extract_id: str | None
    row_number: int | None
    line: int | None
    sha256: str | None
    rows: int | None
    gone: str | None
    of_file: bool
    row: list[tuple[str, str, Any]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)


def trace(settings: Settings, casegroup_id: str, file: str, key: str, *, apart: bool) -> Traced | None:
    """The row behind an amount of a casegroup; None: there is none, or not of that casegroup on that side (R26).

    ``file`` and ``key``: as :func:`place_of` gives them. ``apart``: among the nationally sensitive.
    """
    with database.transaction(settings.store_url) as connection:
        origin = _find(connection, casegroup_id, file, key, apart=apart)
    return None if origin is None else _held_against(settings, origin)


def trace_payment(settings: Settings, payment_id: str) -> Traced | None:
    """The row behind a payment that whoever asks may see."""
    with database.transaction(settings.store_url) as connection:
        origin = tracing.payment(connection, payment_id)
    return None if origin is None else _held_against(settings, origin)


def place_of(on: date, extract_number: int, row_number: int) -> str:
    """How a row is told by its place."""
    return f"{on.isoformat()}/{extract_number}/{row_number}"


def _find(
    connection: database.Connection, casegroup_id: str, file: str, key: str, *, apart: bool
) -> Origin | None:
    try:
        if file in tracing.BY_PLACE:
            on, extract, row = key.split("/")
            where = (date.fromisoformat(on), _whole(extract), _whole(row))
            return tracing.balance(connection, casegroup_id, file, *where, apart=apart)
        if file == "csa_debts":
            on, system, case = key.split("/", 2)
            return tracing.debt(connection, casegroup_id, date.fromisoformat(on), system, case, apart=apart)
    except ValueError:
        return None
    if file in tracing.BY_KEY:
        return tracing.by_key(connection, casegroup_id, file, [key], apart=apart)
    return None


def _whole(text: str) -> int:
    """A whole number such as a place is; anything else is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError
    return int(text)


def _held_against(settings: Settings, origin: Origin) -> Traced:
    contract = FILES[origin.file]
    name = contract.file_name if origin.csa_system is None else payments_file_name(origin.csa_system)
    number, of_file, gone, landed = origin.row_number, None, None, None
    try:
        landed = _landed(settings, origin)
        if landed is None:
            gone = "That night's folder has no such file."
        else:
            number = number or one_row.number_of(landed, origin.key)
            of_file = one_row.row_of(landed, number) if number else None
            if of_file is None:
                gone = "The file has no such row any more."
            elif origin.values is not None and origin.row_number and of_file != origin.values:
                gone, of_file = (
                    "The file was changed after it was taken in: this row is another now. What is shown is what was taken in.",
                    None,
                )
    except LandingRejected:
        gone = "The folder has gone or another extract of that date has landed since. What is shown is what was taken in."
    values = of_file or origin.values or {}
    return Traced(
        origin.business_date, name, origin.extract_id, number, number + 1 if number and contract.is_csv else None,
        landed.sha256 if landed else None, landed.rows if landed else None, gone, of_file is not None,
        [(column.name, column.meaning, _shown(values.get(column.name), column.name, personal=column.personal))
         for column in contract.columns] if values else [],
        values,
    )  # fmt: skip


def _landed(settings: Settings, origin: Origin) -> LandedFile | None:
    """The file as it landed, of the very extract that was taken in. Raises LandingRejected where that is not there any more."""
    if origin.manifest_sha256 is None or origin.extract_number not in (None, origin.taken):
        raise LandingRejected("", [])
    folder = UPath(settings.landing) / origin.business_date.isoformat()
    files = manifest.reopen(folder, origin.business_date, origin.manifest_sha256).get(origin.file)
    return next((one for one in files if one.csa_system == origin.csa_system), None)


def _shown(value: Any, name: str, *, personal: bool) -> Any:
    return masked(str(value), name) if personal and value is not None else value
