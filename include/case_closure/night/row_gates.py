"""The gates that rows pass on their way in: a good row goes on and is held, a bad one is refused and kept as it came.

Belongs here: the gate of csa_cases, whose refused rows a caseworker can mend, and the gate of the files whose rows are refused
alone ([5], [6]). Does not belong here: the order in which files are held (``receive_extract``), the suites (``gates``), what a
refused row becomes (``receive_balances`` for cases, ``refer_actions`` for the others).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from case_closure.domain.cases import CASE_ENUMS, CASE_KEY
from case_closure.domain.rules import ROWS
from case_closure.gates import engine, suites
from case_closure.landing.reading import BATCH_ROWS, LandedFile
from case_closure.night.judging import Tallies, hidden_of_none
from case_closure.stages import receive_extract
from case_closure.store import holding, nights, refused_rows, shares
from case_closure.store.database import Connection
from case_closure.tables.frames import case_key, lookup, take, to_frame
from case_closure.tables.landed import FILES, FileContract
from case_closure.tables.resolutions import lay_over, ordered


class RowGate:
    """Passes the good rows of a file of ``domain.rules.ROWS`` on, and keeps those it refuses with their rules."""

    def __init__(self, connection: Connection, file: LandedFile, on: date) -> None:
        self._connection, self._file, self._on = connection, file, on
        self._contract = file.contract
        self._once = ROWS[self._contract.name].once
        self._suite = suites.arriving_rows(self._contract.name)
        self._unanswered = refused_rows.unanswered_keys(connection, self._contract.name)
        self._start()

    def _start(self) -> None:
        self._refused: list[tuple[pa.Table, pd.DataFrame]] = []
        self._tally: dict[str, tuple[int, int]] = {}
        self._judged_rows: list[pd.DataFrame] = []
        self._findings: list[engine.Findings] = []
        self._good: list[pd.DataFrame] = []
        self._keys_refused = set(self._unanswered)

    def passing(self) -> Iterator[pa.Table]:
        """The rows that may be held, as contract columns and row_number. May be called again: it starts over."""
        self._start()
        for batch in whole_or_in_batches(self._file):
            yield self._judged(batch)

    def _judged(self, batch: pa.Table) -> pa.Table:
        keys = receive_extract.row_keys(self._contract, batch)
        before = self._contract.schema.empty_table()
        if self._once:
            numbers = sorted({key for key in keys if key is not None})
            before = refused_rows.held_under(self._connection, self._contract, numbers)
        reports = None
        if self._contract.name == "resolutions":
            about = sorted({number for number in batch.column("csa_case_id").to_pylist() if number})
            reports = holding.reports_there(self._connection, about)
        findings, facts = judge(self._suite, self._contract, batch, before, reports)
        self._findings.append(findings)
        self._judged_rows.append(named(facts, keys))
        bad = findings.broke_any(batch.num_rows)
        if bad.any():
            rows = fields_named(findings.rows, facts)
            self._refused.append((batch.filter(pa.array(bad)), rows))
            self._keys_refused |= {key for place in np.flatnonzero(bad) if (key := keys[place]) is not None}
        if self._keys_refused:
            numbers = batch.column(holding.ROW_NUMBER).to_numpy()
            good = [p for p in np.flatnonzero(~bad) if keys[p] in self._keys_refused]
            self._good.append(pd.DataFrame({"row_key": [keys[p] for p in good], "row_number": numbers[good]}))
        return batch.filter(pa.array(~bad)) if bad.any() else batch

    def keep_refused(self) -> None:
        """Store the refused rows as they came, each with its rules and fields; what good rows answer is answered."""
        for rows, findings in self._refused:
            keep(self._connection, self._contract.name, rows, self._on, findings)
        good = pd.concat(self._good, ignore_index=True) if self._good else pd.DataFrame()
        if self._keys_refused:
            refused_rows.answer(self._connection, self._on, self._contract.name, last_of_each(good))

    def keep_results(self) -> None:
        """Store the gate's results, for when each case is in its casegroup, and each casegroup on its side (R26, R42)."""
        tallies = Tallies()
        for findings in self._findings:
            tallies.add(self._suite.name, findings.tally)
        nothing = dict.fromkeys(self._suite.rule_codes, (0, 0))
        nights.record_gate_results(
            self._connection,
            self._on,
            {self._suite.name: nothing | tallies.by_suite.get(self._suite.name, {})},
        )
        for findings, rows in zip(self._findings, self._judged_rows, strict=True):
            placed = placed_rows(self._connection, rows)
            kept = findings.shares(placed["casegroup_id"], hidden_of_none(self._connection, placed))
            shares.keep(self._connection, shares.GATE, self._on, self._suite.name, kept)
        if self._findings:
            nights.set_apart(self._connection, self._on, [self._suite.name])


def whole_or_in_batches(file: LandedFile) -> Iterator[pa.Table]:
    """The rows of the file, numbered: of an event file at once, for which of them is the first of its number is told over all."""
    if not ROWS[file.contract.name].once:
        yield from file.batches(batch_rows=BATCH_ROWS, with_row_number=True)
        return
    whole = file.read(with_row_number=True)
    if whole.num_rows:
        yield whole


def judge(
    suite: engine.Suite,
    contract: FileContract,
    batch: pa.Table,
    before: pa.Table,
    reports: Collection[str] | None = None,
) -> tuple[engine.Findings, pd.DataFrame]:
    """What the rows of a batch break, and the facts that were judged. ``before``: held under their numbers, of an event file.
    ``reports``: as of ``row_facts``."""
    takes_key = np.ones(batch.num_rows, dtype=bool)
    facts = receive_extract.row_facts(contract, batch, before, takes_key, reports)
    findings = engine.run(suite, facts)
    refused = findings.positions("row_invalid")
    if len(refused) and ROWS[contract.name].once:
        # A row that is refused is not the first of its number ([4]): another one may be.
        takes_key[refused] = False
        again = receive_extract.row_facts(contract, batch, before, takes_key, reports)
        if not again["as_first_seen"].equals(facts["as_first_seen"]):
            return engine.run(suite, again), again
    return findings, facts


def fields_named(rows: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """The findings with the field at fault where the facts of each row name it themselves."""
    unfit = rows["field"] == suites.UNFIT_FIELD
    if not unfit.any():
        return rows
    named_by_row = facts["unfit_field"].iloc[rows["position"].to_numpy()].set_axis(rows.index)
    return rows.assign(field=rows["field"].mask(unfit, named_by_row))


def named(facts: pd.DataFrame, keys: list[str | None]) -> pd.DataFrame:
    """What tells whose a row is: case, casegroup that it names itself, and number."""
    none = pd.Series(None, index=facts.index, dtype="str")
    columns = {name: facts.get(name, none) for name in (*CASE_KEY, "casegroup_id")}
    return pd.DataFrame(columns | {"subject_reference": pd.Series(keys, index=facts.index, dtype="str")})


def placed_rows(connection: Connection, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows in the casegroup of their case as it is held, else in the one that they name."""
    cases = rows[list(CASE_KEY)].dropna().drop_duplicates()
    cases_placed = to_frame(
        refused_rows.casegroups_of(connection, pa.Table.from_pandas(cases, preserve_index=False))
    )
    places = lookup(case_key(rows), cases_placed.assign(case_key=case_key(cases_placed)), "case_key")
    casegroup_id = take(cases_placed["casegroup_id"], places).set_axis(rows.index)
    return rows.assign(casegroup_id=casegroup_id.where(casegroup_id.notna(), rows["casegroup_id"]))


def last_of_each(good: pd.DataFrame) -> pd.DataFrame:
    """The last good row of each number."""
    if good.empty:
        return pd.DataFrame({"row_key": pd.Series(dtype="str"), "row_number": pd.Series(dtype="int64")})
    return good.sort_values("row_number").drop_duplicates("row_key", keep="last")


def keep(connection: Connection, file: str, rows: pa.Table, on: date, findings: pd.DataFrame) -> None:
    """Keep refused rows as they came, in the order of their positions, each with the rules it broke and their fields."""
    by_row = findings.sort_values(["position", "rule_code"]).groupby("position", sort=True)
    holding.refuse(
        connection, FILES[file], rows, on,
        [group["rule_code"].tolist() for _, group in by_row], [group["field"].tolist() for _, group in by_row],
    )  # fmt: skip


class CaseGate:
    """Passes the good rows of csa_cases on, and keeps those it refuses with their rules."""

    def __init__(self, connection: Connection, file: LandedFile | None, on: date) -> None:
        self._connection, self._file, self._on = connection, file, on
        self._contract = FILES["csa_cases"]
        self._suite = suites.csa_cases()
        self._again = self._represented()
        self._resolutions = holding.case_resolutions(connection)
        self._repeated: set[tuple[str, str]] = set()
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
            [self._contract.typed(row) for row in originals], schema=self._contract.schema
        )

    def passing(self) -> Iterator[pa.Table]:
        """The rows that may be held, as contract columns and row_number. May be called again: it starts over."""
        self._start()
        # Without a file, on from the rows that the night has refused before.
        last = 0 if self._file is not None else holding.last_refused(self._connection, self._on)
        if self._file is not None:
            self._repeated = repeated_keys(self._file)
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
            keep(self._connection, "csa_cases", rows, self._on, findings)
        for kept in self._shares:
            shares.keep(self._connection, shares.GATE, self._on, self._suite.name, kept)
        nothing = dict.fromkeys(self._suite.rule_codes, (0, 0))
        tally = nothing | self._tallies.by_suite.get(self._suite.name, {})
        nights.record_gate_results(self._connection, self._on, {self._suite.name: tally})
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
