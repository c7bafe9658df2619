"""What a night's folder is going to hold, while it is being made: bulk tables on disk, single rows in memory.

Belongs here: gathering rows by file and handing each file over once, whole. Does not belong here: what is
in them, and how a landing folder is laid out (`case_closure.landing.writing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.landing.writing import PaymentLine
from case_closure.sample.casegroup import Row
from case_closure.sample.columns import schema_of, table_of_rows
from case_closure.tables.landed import FILES

# Sent every night, with no rows if need be.
_ALWAYS = ("csa_balances", "csa_cases", "csa_parties")
_PAYMENTS = "csa_payments_"


class Landing:
    """A night in the making. ``workshop`` is a folder for its bulk tables; whoever made it clears it away."""

    def __init__(self, workshop: Path) -> None:
        self.workshop = workshop
        self.rows: dict[str, list[Row]] = {}
        self._writers: dict[str, pa.RecordBatchFileWriter] = {}

    def add(self, file: str, table: pa.Table) -> None:
        """More rows of a file, in bulk."""
        if not table.num_rows:
            return
        if file not in self._writers:
            self.workshop.mkdir(parents=True, exist_ok=True)
            self._writers[file] = pa.ipc.new_file(str(self._path(file)), schema_of(file))
        self._writers[file].write_table(table)

    def add_rows(self, rows: Mapping[str, list[Row]]) -> None:
        """More rows made one by one, by file."""
        for file, more in rows.items():
            if more:
                self.rows.setdefault(file, []).extend(more)

    def tables(self) -> Mapping[str, pa.Table]:
        """Each file's table, read when it is asked for, so that no two need be in memory together."""
        for writer in self._writers.values():
            writer.close()
        parquet = [file for file in self.rows if not file.startswith(_PAYMENTS)]
        return _Tables(self, sorted({*self._writers, *parquet, *_ALWAYS}))

    def payments(self) -> dict[str, list[PaymentLine]]:
        """The lines of each CSA system that has any."""
        nino, forenames, surname, reference, value = FILES["csa_payments"].column_names
        return {
            system: [
                (row[nino] or "", row[forenames] or "", row[surname] or "", row[reference] or "", row[value])
                for row in rows
            ]
            for system in CSA_SYSTEMS
            if (rows := self.rows.get(f"{_PAYMENTS}{system}"))
        }

    def read(self, file: str) -> pa.Table:
        """All rows of a file, bulk first."""
        parts = [table_of_rows(file, self.rows.get(file, []))]
        if file in self._writers:
            parts.insert(0, pa.ipc.open_file(pa.memory_map(str(self._path(file)))).read_all())
        return pa.concat_tables(parts)

    def _path(self, file: str) -> Path:
        return self.workshop / f"{file}.arrow"


class _Tables(Mapping[str, pa.Table]):
    def __init__(self, landing: Landing, names: list[str]) -> None:
        self._landing, self._names = landing, names

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._names:
            raise KeyError(name)
        return self._landing.read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
