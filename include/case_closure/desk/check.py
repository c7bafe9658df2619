"""`case-closure check DIR`: a landed night against its manifest, its schemas and the gates. Applies nothing.

Belongs here: what the check prints and its exit code. Does not belong here: how a folder is verified
(`landing`) or a row judged (`gates`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date

from case_closure.domain.texts import shown
from case_closure.landing import criteria
from case_closure.landing.manifest import MANIFEST, verify
from case_closure.landing.paths import PathLike
from case_closure.landing.reading import Landing
from case_closure.landing.rejection import LandingRejected
from case_closure.tables.landed import FILES

Gates = Callable[[Landing], Iterable[tuple[str, str, int]]]
"""Runs the gates on a night: (file name, rule code, rows that fail it) for every rule, also those that found
nothing."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


Entries = Callable[[Landing], Iterable[tuple[str, str]]]
"""Of a night's resolutions: (file name, what is wrong) for each that no record could take."""


def check_folder(
    folder: PathLike,
    print: Callable[[str], object] = print,
    gates: Gates | None = None,
    entries: Entries | None = None,
) -> int:
    """Checks one night's folder, or every night of a landing zone, and prints what it finds.

    A folder named as a date must hold the night of that date; one of another name, the night its manifest
    says. Returns 0 when each night would be accepted, rows that become exceptions counted; else 1 after printing each
    reason.
    """
    nights = _nights(folder)
    bad = sum([not _check_night(night, print, gates, entries) for night in nights])
    if len(nights) > 1:
        print(f"{len(nights)} nights checked, {bad} with problems.")
    return 1 if bad else 0


def _nights(folder: PathLike) -> list[PathLike]:
    """The dated folders of a landing zone in date order; else the folder itself, taken for a night."""
    try:
        inside = [path for path in folder.iterdir() if path.name]
    except OSError:
        return [folder]
    if any(path.name == MANIFEST for path in inside):
        return [folder]
    dated = [path for path in inside if _day(path.name) and path.is_dir()]
    return sorted(dated, key=lambda path: path.name) or [folder]


def _check_night(
    folder: PathLike, print: Callable[[str], object], gates: Gates | None, entries: Entries | None
) -> bool:
    try:
        landing = verify(folder, _day(folder.name))
        if gates is not None:
            criteria.read(
                folder.parent
            )  # the night reads them after it took the extract in, and fails on them
    except (LandingRejected, criteria.CriteriaInvalid) as refused:
        for line in str(refused).split("\n"):
            print(line)
        return False
    rows = sum(file.rows for file in landing.files)
    print(
        f"{shown(folder, 400)}: business date {landing.business_date}, extract {shown(landing.extract_id)}, "
        f"{len(landing.files)} files, {rows:,} rows: manifest, columns, types and totals agree."
    )
    for file in landing.files:
        print(f"  {file.path.name:<32} {file.rows:>12,} rows")
    absent = sorted(FILES.keys() - {file.contract.name for file in landing.files})
    if absent:
        print(f"  not landed, which is allowed: {', '.join(absent)}")
    if gates is not None:
        try:
            _check_gates(landing, print, gates)
        except LandingRejected as rejected:  # swapped meanwhile
            for line in str(rejected).split("\n"):
                print(line)
            return False
    wrong = list(entries(landing)) if entries is not None else []
    for name, why in wrong:
        print(f"  {shown(name)}: {why}")
    if wrong:
        print(f"  {len(wrong)} resolution{'' if len(wrong) == 1 else 's'} would change nothing")
    return True


def _check_gates(landing: Landing, print: Callable[[str], object], gates: Gates) -> None:
    results = list(gates(landing))
    failing = [(file, rule, rows) for file, rule, rows in results if rows]
    for file, rule, rows in failing:
        print(f"  {shown(file)}: {rule}: {rows:,} row{'' if rows == 1 else 's'}")
    print(
        f"  gates: {len(results)} rules judged, {len(failing)} broken; such a row becomes an exception, the night goes on"
    )


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name) if _DAY.fullmatch(name) else None
    except ValueError:
        return None
