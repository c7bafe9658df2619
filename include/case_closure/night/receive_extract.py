"""Take in the extract, whole, in one transaction; case rows pass their gate on the way in (B1, B28, B35).

Belongs here: the order in which files are held, what becomes of a case row the gate refuses, and which of the night's
resolutions changed nothing. Does not belong here: casegroups, money, what a held row leads to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from case_closure.domain.cases import CASE_ENUMS, CASE_KEY
from case_closure.gates import engine, suites
from case_closure.landing.reading import LandedFile, Landing
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered
from case_closure.night.judging import Tallies
from case_closure.night.verify_landing import verified
from case_closure.stages import receive_balances
from case_closure.store import casegroups, holding, nights, replacing, sensitive, shares
from case_closure.store.database import Connection
from case_closure.tables import resolutions
from case_closure.tables.frames import case_key, to_frame
from case_closure.tables.landed import FILES
from case_closure.tables.resolutions import lay_over, ordered

# Resolutions first: they may mend a case row of the same night.
_FIRST = ("resolutions", "csa_cases")
BATCH_ROWS = 200_000


def run(ctx: NightContext, url: str) -> Summary:
    """Hold the night's extract, unless it is held; what an earlier one of this date brought is taken back first (R22)."""
    on = ctx.business_date
    # Not inside the transaction below: a rejection is recorded on the row that holds.
    with entered(ctx, url, "receive_extract"):
        pass
    landing = verified(ctx, every_value=False)
    with entered(ctx, url, "receive_extract") as (connection, night):
        read = unheard = 0
        if night.manifest_sha256 != landing.manifest_sha256:
            number = nights.record_extract(connection, on, landing.extract_id, landing.manifest_sha256)
            read, unheard = hold_extract(connection, landing, number)
    # Only when there are any: it asks for somebody's eye.
    told: Summary = {"rows_held": read}
    return told | {"resolutions_that_changed_nothing": unheard} if unheard else told


def hold_extract(connection: Connection, landing: Landing, number: int) -> tuple[int, int]:
    """Hold every file of a verified extract in the caller's transaction; returns the rows read, and how many of its
    resolutions changed nothing.

    ``number``: from 1; another extract of that date was held before when it is more, and is taken back first.
    """
    if number > 1:
        replacing.take_back(connection, landing.business_date)
    holding.forget_refused(connection, landing.business_date)
    names = [file.contract.name for file in landing.files]
    order = [name for name in _FIRST if name in names] + sorted(set(names) - set(_FIRST))
    mended: set[str] = set()
    if "csa_cases" not in names:
        _no_cases(connection, landing, mended)
    read = 0
    for name in order:
        for file in landing.get(name):
            read += _hold_file(connection, file, landing.business_date, number, mended)
    place_cases(connection, landing.business_date)
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
        about = holding.entered_about(connection, rows["resolution_id"].dropna().unique().tolist())
        entries = resolutions.changing_nothing(rows, about, entity_shapes())
        entries = entries[~entries["resolution_id"].isin(mended)].reset_index(drop=True)
        holding.keep_entries_without_effect(connection, landing.business_date, entries)
        count += len(entries)
    return count


def entity_shapes() -> dict[str, pd.DataFrame]:
    """The record of each entity, empty: what a resolution of it may name."""
    files = {resolutions.CASE: "csa_cases", resolutions.BALANCE: "csa_balances"}
    return {
        entity: to_frame(FILES[files.get(entity, "csa_parties")].schema.empty_table())
        for entity in resolutions.ENTITIES
    }


def _hold_file(connection: Connection, file: LandedFile, on: date, number: int, mended: set[str]) -> int:
    contract = file.contract

    def batches() -> Iterable[pa.Table]:
        return file.batches(batch_rows=BATCH_ROWS, with_row_number=True)

    if contract.name == "csa_payments":
        assert file.csa_system is not None
        return holding.hold_payments(connection, contract, batches, on, number, file.csa_system)
    if contract.name == "csa_cases":
        gate = _CaseGate(connection, file, on)
        holding.hold(connection, contract, gate.passing, on, number)
        gate.keep_refused()
        mended |= gate.mended_by
        return file.rows
    return holding.hold(connection, contract, batches, on, number)


def _no_cases(connection: Connection, landing: Landing, mended: set[str]) -> None:
    """Rows refused earlier may be mended by tonight's resolutions also when no cases came."""
    if landing.get("resolutions"):
        for file in landing.get("resolutions"):
            _hold_file(connection, file, landing.business_date, 0, mended)
        gate = _CaseGate(connection, None, landing.business_date)
        holding.hold(connection, FILES["csa_cases"], gate.passing, landing.business_date, 0)
        gate.keep_refused()
        mended |= gate.mended_by


class _CaseGate:
    """Passes the good rows of csa_cases on, and keeps those it refuses with their rules."""

    def __init__(self, connection: Connection, file: LandedFile | None, on: date) -> None:
        self._connection, self._file, self._on = connection, file, on
        self._contract = FILES["csa_cases"]
        self._suite = suites.csa_cases()
        self._again = self._represented()
        self._resolutions = holding.case_resolutions(connection)
        self._repeated = repeated_keys(file) if file else set()
        self.mended_by: set[str] = set()
        self._start()

    def _start(self) -> None:
        self._refused: list[tuple[pa.Table, pd.DataFrame]] = []
        self._tallies = Tallies()
        self._shares: list[dict[str, dict[str, int]]] = []
        self._taken_in = self._contract.schema.empty_table()

    def _represented(self) -> pa.Table:
        """Rows refused on another night for a value or a casegroup that a resolution of tonight is about: judged once more."""
        originals = [json.loads(text) for text in holding.refused_and_resolved(self._connection, self._on)]
        return pa.Table.from_pylist(
            [_typed(row, self._contract.schema) for row in originals], schema=self._contract.schema
        )

    def passing(self) -> Iterator[pa.Table]:
        """The rows that may be held, as contract columns and row_number. May be called again: it starts over."""
        self._start()
        last = 0
        if self._file is not None:
            for batch in self._file.batches(batch_rows=BATCH_ROWS, with_row_number=True):
                last += batch.num_rows
                yield self._judged(batch)
        if self._again.num_rows:
            numbers = pa.array(range(last + 1, last + 1 + self._again.num_rows), pa.int64())
            self._taken_in = self._judged(self._again.append_column(holding.ROW_NUMBER, numbers))
            yield self._taken_in

    def _judged(self, batch: pa.Table) -> pa.Table:
        findings, frame = self._judge(batch)
        if len(findings.rows) and len(self._resolutions):
            batch, findings, frame = self._after_resolutions(batch, findings, frame)
        self._tallies.add(self._suite.name, findings.tally)
        self._shares.append(
            findings.shares(frame["casegroup_id"], frame["nationally_sensitive"].to_numpy(bool))
        )
        if findings.rows.empty:
            return batch
        bad = findings.broke_any(len(frame))
        self._refused.append((batch.filter(pa.array(bad)), findings.rows))
        return batch.filter(pa.array(~bad))

    def _judge(self, batch: pa.Table) -> tuple[engine.Findings, pd.DataFrame]:
        frame = case_facts(batch, self._repeated)
        return engine.run(self._suite, frame), frame

    def _after_resolutions(
        self, batch: pa.Table, findings: engine.Findings, frame: pd.DataFrame
    ) -> tuple[pa.Table, engine.Findings, pd.DataFrame]:
        """Lay what caseworkers entered over the rows that failed, and judge those again."""
        bad = findings.broke_any(len(frame))
        rows = to_frame(batch.filter(pa.array(bad)).drop_columns([holding.ROW_NUMBER]))
        entered = ordered(self._resolutions, "CASE")
        told: dict[str, str | None] = {}
        mended = lay_over(rows, entered, keys=case_key(rows), by=entered["case_key"], told=told)
        self.mended_by |= {number for number, why in told.items() if why is None}
        if mended is rows:
            return batch, findings, frame
        columns = []
        for field in self._contract.schema:
            values = mended[field.name]
            absent = mended.get(f"{field.name}__missing")
            column = pa.array(
                values.where(~absent.astype(bool), None) if absent is not None else values, from_pandas=True
            )
            columns.append(column.cast(field.type))
        numbers = batch.column(holding.ROW_NUMBER)
        tried = pa.table(columns, schema=self._contract.schema).append_column(
            holding.ROW_NUMBER, numbers.filter(pa.array(bad))
        )
        batch = pa.concat_tables([batch.filter(pa.array(~bad)), tried])
        findings, frame = self._judge(batch)
        return batch, findings, frame

    def keep_refused(self) -> None:
        """Store the refused rows as they came, each with its rules and fields, and the gate's results."""
        holding.answer_refused(self._connection, self._on, self._taken_in)
        for rows, findings in self._refused:
            by_row = findings.sort_values(["position", "rule_code"]).groupby("position", sort=True)
            holding.refuse(
                self._connection, self._contract, rows, self._on,
                [group["rule_code"].tolist() for _, group in by_row], [group["field"].tolist() for _, group in by_row],
            )  # fmt: skip
        for kept in self._shares:
            shares.keep(self._connection, shares.GATE, self._on, self._suite.name, kept)
        nothing = dict.fromkeys(self._suite.rule_codes, (0, 0))
        tally = nothing | self._tallies.by_suite.get(self._suite.name, {})
        nights.record_gate_results(self._connection, self._on, self._suite.name, tally)
        nights.set_apart(self._connection, self._on, [self._suite.name])


def repeated_keys(file: LandedFile) -> set[tuple[str, str]]:
    """The case keys that stand more than once in the file."""
    keys = file.read(columns=list(CASE_KEY))
    counts = keys.group_by(list(CASE_KEY)).aggregate([([], "count_all")])
    twice = counts.filter(pc.greater(counts.column("count_all"), 1)).drop_columns(["count_all"])
    return {(row["csa_system"], row["csa_case_id"]) for row in twice.to_pylist() if None not in row.values()}


def case_facts(batch: pa.Table, repeated: set[tuple[str, str]]) -> pd.DataFrame:
    """What the gate judges of case rows. No segment is no value outside the list; an empty key is no key."""
    needed = [*CASE_KEY, "casegroup_id", *CASE_ENUMS, "nationally_sensitive"]
    frame = to_frame(batch.select(list(dict.fromkeys(needed))))
    if "segment__missing" in frame:
        frame["segment"] = frame["segment"].mask(frame["segment__missing"], 1)
    for name in (*CASE_KEY, "casegroup_id"):
        frame[name] = frame[name].where(frame[name] != "")
    frame["times_in_file"] = np.ones(len(frame), dtype="int64")
    if repeated:
        pairs = zip(frame["csa_system"], frame["csa_case_id"], strict=True)
        frame["times_in_file"] = np.array([2 if pair in repeated else 1 for pair in pairs], dtype="int64")
    return frame


def _typed(row: dict[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """A row kept as JSON, with its dates as dates again."""
    dates = {field.name for field in schema if pa.types.is_date(field.type)}
    return {
        field.name: date.fromisoformat(row[field.name])
        if field.name in dates and row.get(field.name)
        else row.get(field.name)
        for field in schema
    }
