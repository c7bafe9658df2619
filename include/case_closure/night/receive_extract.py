"""Take in the extract, whole, in one transaction; rows pass their gates on the way in (B1, B28, B35).

Belongs here: the order in which files are held, and which of the night's resolutions changed nothing. Does not belong here: the
gates (``row_gates``), casegroups, money, what a held row leads to.
"""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from case_closure.domain.rules import ROWS
from case_closure.landing.reading import BATCH_ROWS, LandedFile, Landing
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered
from case_closure.night.reading_ahead import Ahead
from case_closure.night.verify_landing import is_taken_in, verified
from case_closure.stages import receive_balances
from case_closure.store import casegroups, holding, nights, replacing, sensitive
from case_closure.store.database import Connection
from case_closure.tables import resolutions
from case_closure.tables.frames import to_frame
from case_closure.tables.landed import FILES

if TYPE_CHECKING:
    # Loads Great Expectations: only where there is a row to be judged.
    from case_closure.night.row_gates import CaseGate, RowGate

# Resolutions before cases: they may mend a case row of the same night. Before them what one of them may be about by its number.
# While the server holds people, the cases are judged.
_FIRST = ("reported_exceptions", "resolutions", "cis_persons", "csa_cases")


def run(ctx: NightContext, url: str) -> Summary:
    """Hold the night's extract, unless it is held; what an earlier one of this date brought is taken back first (R22)."""
    on = ctx.business_date
    # Not inside the transaction below: a rejection is recorded on the row that holds.
    with entered(ctx, url, "receive_extract") as (_, night):
        if is_taken_in(ctx, night):
            return {"rows_held": 0}
    landing = verified(ctx, every_value=False)
    with entered(ctx, url, "receive_extract") as (connection, night):
        read = unheard = 0
        if night.manifest_sha256 != landing.manifest_sha256:
            number = nights.record_extract(connection, on, landing.extract_id, landing.manifest_sha256)
            read, unheard = hold_extract(connection, landing, number, late=night.late)
    # Only when there are any: it asks for somebody's eye.
    told: Summary = {"rows_held": read}
    return told | {"resolutions_that_changed_nothing": unheard} if unheard else told


def hold_extract(
    connection: Connection, landing: Landing, number: int, *, late: bool = False
) -> tuple[int, int]:
    """Hold every file of a verified extract in the caller's transaction; returns the rows read, and how many of its
    resolutions changed nothing.

    ``number``: from 1; another extract of that date was held before when it is more, and is taken back first. ``late``: it runs
    late, and takes in nothing that waits for a night in its turn (R39).
    """
    if number > 1:
        replacing.take_back(connection, landing.business_date)
    holding.forget_refused(connection, landing.business_date)
    names = [file.contract.name for file in landing.files]
    order = [name for name in _FIRST if name in names] + sorted(set(names) - set(_FIRST))
    mended: set[str] = set()
    waited = 0 if late else holding.take_in_waiting(connection, landing.business_date)
    read = 0
    gates: list[RowGate] = []
    files = [file for name in order for file in landing.get(name)]
    read_ahead: _ReadAhead | None = None
    try:
        for file, following in itertools.zip_longest(files, files[1:]):
            being_held, read_ahead = read_ahead, None
            # Cases wait for what may mend them; nor is anything judged while other rows are.
            if following is not None and not (
                file.contract.name in ROWS and following.contract.name == "csa_cases"
            ):
                read_ahead = _begin_reading(connection, following, landing.business_date)
            read += _hold_file(connection, file, landing.business_date, number, mended, gates, being_held)
            if file.contract.name == "resolutions" and "csa_cases" not in names:
                _hold_mended_cases(connection, landing.business_date, mended)
    finally:
        if read_ahead is not None:
            read_ahead.batches.close()
    if waited and not {"resolutions", "csa_cases"} & set(names):
        _hold_mended_cases(connection, landing.business_date, mended)
    place_cases(connection, landing.business_date)
    for gate in gates:
        gate.keep_results()
    return read, _keep_those_changing_nothing(connection, landing, mended)


def place_cases(connection: Connection, on: date) -> None:
    """Once all of a night's rows are held: each case is in its casegroup, and each casegroup on its side (B49, R42)."""
    moves = receive_balances.moves(*holding.cases_that_may_move(connection, on))
    holding.move_cases(connection, on, moves)
    _settle_who_is_sensitive(connection, on)


def _settle_who_is_sensitive(connection: Connection, on: date) -> None:
    """Before anything of the extract can be seen: its casegroups are on the side they belong on (R26, R42)."""
    asked = sensitive.candidates(connection)
    gather = casegroups.Gather(connection, asked)
    gathered = (gather.cases(), gather.resolutions(), sensitive.refusals(connection))
    casegroup_ids = receive_balances.sensitive_casegroups(*map(to_frame, gathered))
    sensitive.settle(connection, on, asked, casegroup_ids)


def _keep_those_changing_nothing(connection: Connection, landing: Landing, mended: set[str]) -> int:
    """Of tonight's resolutions, keep which changed nothing and why (B49). ``mended``: those that let a refused row in."""
    count = 0
    holding.forget_entries_without_effect(connection, landing.business_date)
    for file in landing.get("resolutions"):
        rows = to_frame(file.read())
        if rows.empty:
            continue
        about = holding.entered_about(connection, rows["resolution_id"].dropna().unique().tolist())
        entries = resolutions.changing_nothing(rows, about, resolutions.shapes())
        entries = entries[~entries["resolution_id"].isin(mended)].reset_index(drop=True)
        holding.keep_entries_without_effect(connection, landing.business_date, entries)
        count += len(entries)
    return count


@dataclass(frozen=True)
class _ReadAhead:
    """A file that is being read already; of csa_cases with its gate."""

    batches: Ahead
    gate: CaseGate | None = None


def _begin_reading(connection: Connection, file: LandedFile, on: date) -> _ReadAhead | None:
    """Begin to read a file; None of one whose rows are judged by what is held, which is asked as they come."""
    if file.contract.name in ROWS:
        return None
    if file.contract.name == "csa_cases":
        from case_closure.night.row_gates import CaseGate

        gate = CaseGate(connection, file, on)
        return _ReadAhead(Ahead(gate.passing), gate)
    return _ReadAhead(Ahead(lambda: file.batches(batch_rows=BATCH_ROWS, with_row_number=True)))


def _hold_file(
    connection: Connection, file: LandedFile, on: date, number: int, mended: set[str], gates: list[RowGate],
    read_ahead: _ReadAhead | None,
) -> int:  # fmt: skip
    from case_closure.night.row_gates import RowGate

    contract = file.contract
    if contract.name in ROWS:
        gate = RowGate(connection, file, on)
        holding.hold(connection, contract, gate.passing, on, number)
        gate.keep_refused()
        gates.append(gate)
        return file.rows
    being_read = read_ahead or _begin_reading(connection, file, on)
    assert being_read is not None
    # However it ends: a thread whose batches nobody takes any more would wait for it for good.
    with contextlib.closing(being_read.batches) as batches:
        if contract.name == "csa_payments":
            assert file.csa_system is not None
            return holding.hold_payments(connection, contract, batches, on, number, file.csa_system)
        read = holding.hold(connection, contract, batches, on, number)
    if being_read.gate is None:
        return read
    being_read.gate.keep_refused()
    mended |= being_read.gate.mended_by
    return file.rows


def _hold_mended_cases(connection: Connection, on: date, mended: set[str]) -> None:
    """Case rows refused earlier may be mended by what was entered since also when no cases came."""
    from case_closure.night.row_gates import CaseGate

    gate = CaseGate(connection, None, on)
    holding.hold(connection, FILES["csa_cases"], gate.passing, on, 0)
    gate.keep_refused()
    mended |= gate.mended_by


def admit_entered(connection: Connection, on: date) -> None:
    """What a command entered since the night of ``on`` counts in it: refused case rows are judged again, and cases go where they
    belong."""
    _hold_mended_cases(connection, on, set())
    place_cases(connection, on)
