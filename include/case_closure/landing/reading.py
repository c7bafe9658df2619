"""Reads landed files as Arrow tables in the contract's shape, batch by batch.

Belongs here: the files of a night and their rows, whatever the format. Does not belong here: comparing with
the manifest (`manifest`), how a format is read (`parquet`, `payments`), what is normalised (`normalising`),
judging a row (`gates`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from case_closure.landing.normalising import column_total, normalised
from case_closure.landing.parquet import parquet_batches
from case_closure.landing.paths import PathLike
from case_closure.landing.payments import payments_batches
from case_closure.landing.rejection import SEND_AGAIN, LandingRejected, Problem, Unreadable
from case_closure.tables.landed import FileContract

__all__ = ["BATCH_ROWS", "ROW_NUMBER", "LandedFile", "Landing", "column_total"]

ROW_NUMBER = "row_number"
BATCH_ROWS = 200_000


@dataclass(frozen=True)
class LandedFile:
    """One file of a verified night. `sha256` in lower-case hex; `csa_system` for payments files only."""

    contract: FileContract
    path: PathLike
    rows: int
    sha256: str
    csa_system: str | None = None

    def batches(
        self,
        columns: Sequence[str] | None = None,
        batch_rows: int = BATCH_ROWS,
        *,
        with_row_number: bool = False,
    ) -> Iterator[pa.Table]:
        """The rows in file order, at most `batch_rows` at a time; nothing for a file without rows.

        Columns come in contract order, or as `columns` names them, in the contract's types; strings without control
        characters (tab and newline stay), null where there is nothing to read in them. `with_row_number` adds int64
        `row_number`, 1 for the first data row of the file. Raises LandingRejected when the file cannot be read to its
        end, naming row and column where one is to blame; KeyError for a column that the contract does not have.
        """
        wanted = list(self.contract.column_names if columns is None else columns)
        schema = self._schema(wanted, with_row_number)
        try:
            yield from self._batches(wanted, schema, batch_rows)
        except Unreadable as unreadable:
            raise LandingRejected(str(self.path), [unreadable.problem]) from None

    def read(self, columns: Sequence[str] | None = None, *, with_row_number: bool = False) -> pa.Table:
        """All rows at once, as `batches`; an empty table in the contract's types when there are none."""
        wanted = list(self.contract.column_names if columns is None else columns)
        batches = self.batches(wanted, with_row_number=with_row_number)
        return pa.concat_tables([self._schema(wanted, with_row_number).empty_table(), *batches])

    def _schema(self, wanted: Sequence[str], with_row_number: bool) -> pa.Schema:
        fields = [(name, self.contract.column(name).type) for name in wanted]
        return pa.schema([*fields, (ROW_NUMBER, pa.int64())] if with_row_number else fields)

    def _batches(self, wanted: Sequence[str], schema: pa.Schema, batch_rows: int) -> Iterator[pa.Table]:
        done = 0
        source = (
            payments_batches(self.path, batch_rows)
            if self.contract.is_csv
            else parquet_batches(self.path, wanted, batch_rows)
        )
        for batch in source:
            arrays = [
                normalised(
                    batch.column(name), self.path.name, name, done,
                    blank_is_missing=not self.contract.column(name).as_it_came,
                )
                for name in wanted
            ]  # fmt: skip
            if len(schema) > len(wanted):
                arrays.append(pa.array(np.arange(done + 1, done + 1 + batch.num_rows, dtype=np.int64)))
            done += batch.num_rows
            yield pa.Table.from_arrays(arrays, schema=schema)
        if done != self.rows:
            raise Unreadable(
                Problem(self.path.name, "rows read", str(self.rows), str(done), advice=SEND_AGAIN)
            )


@dataclass(frozen=True)
class Landing:
    """A night's folder that agrees with its manifest. Files in the order of the manifest.

    `manifest_sha256`: lower-case hex of manifest.json; the same figure means the same night, byte for byte.
    """

    business_date: date
    extract_id: str
    manifest_sha256: str
    files: tuple[LandedFile, ...]

    def get(self, name: str) -> list[LandedFile]:
        """The files of that contract name: none, one, or for csa_payments one a system."""
        return [file for file in self.files if file.contract.name == name]
