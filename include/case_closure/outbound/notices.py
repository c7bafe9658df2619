"""The files to the CSA systems, the warehouse, CIS and the legacy teams (B5, B15, B24, B37, B38, [45]-[48]).

Belongs here: which table goes into which file. Does not belong here: reading the store, the manifest.
What a system matches with its own records goes as it is held; the legacy teams' list of letters is read by people.
A file with no rows is written too: that nothing is to be told is said, and a missing file means that something is wrong.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from case_closure.domain.applications import LTR_TYPES
from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.outbound.folder import WrittenFile, write_csv


def write(
    folder: Path,
    end_liability: pa.Table,
    ltrs: pa.Table,
    interest_flags: pa.Table,
    suppressed_letters: pa.Table,
) -> list[WrittenFile]:
    """end_liability_<system>.csv, end_liability_warehouse.csv, ltr1..3_<system>.csv, cis_interest_flags.csv and
    suppressed_letters_<system>.csv; tables as ``store.outgoing`` has them, in the order in which they are written."""
    files = [
        write_csv(folder, "end_liability_warehouse.csv", end_liability, for_a_system=True),
        write_csv(folder, "cis_interest_flags.csv", interest_flags, for_a_system=True),
    ]
    for system in CSA_SYSTEMS:
        notices = _of(end_liability, "csa_system", system)
        files.append(write_csv(folder, f"end_liability_{system}.csv", notices, for_a_system=True))
        files.append(
            write_csv(
                folder, f"suppressed_letters_{system}.csv", _of(suppressed_letters, "csa_system", system)
            )
        )
        for ltr_type in LTR_TYPES:
            rows = _of(_of(ltrs, "csa_system", system), "ltr_type", ltr_type)
            files.append(write_csv(folder, f"{ltr_type.lower()}_{system}.csv", rows, for_a_system=True))
    return files


def _of(table: pa.Table, column: str, value: str) -> pa.Table:
    return table.filter(pc.equal(table[column], value))
