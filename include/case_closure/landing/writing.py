"""Writes a night's folder as a sender should: the files of the contract, then the manifest that vouches for
them.

Belongs here: what the sample and the tests need to land a night. Does not belong here: what is in the rows.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from case_closure.domain.money import parse_pounds
from case_closure.landing.normalising import column_total
from case_closure.landing.paths import PathLike
from case_closure.landing.payments import pounds_text
from case_closure.tables.landed import FILES, contract_for, payments_file_name
from case_closure.tables.manifest import MANIFEST, write_manifest

PaymentLine = tuple[str, str, str, str, str]
"""nino, forenames, surname, csa_receipt_reference, value: as text, value in pounds."""

_TOTALLED = ("total_pence", "amount_pence")


def write_night(
    folder: PathLike,
    business_date: date,
    extract_id: str,
    tables: Mapping[str, pa.Table],
    payments: Mapping[str, Sequence[PaymentLine]] | None = None,
) -> None:
    """Writes the folder of one business date: Parquet and CSV files, manifest.json last.

    `folder` is `<landing>/<business date>`, made when it is not there; landed files of an earlier writing are
    removed first. `tables` are keyed by contract name ('csa_cases') and must hold its columns, in any order;
    other columns are dropped. `payments` are keyed by CSA system. Same arguments, same bytes. Raises KeyError
    for a name outside the contract or a column that is missing, pa.ArrowInvalid for values that do not fit
    the contract's types.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    named = [_write_table(folder, name, tables[name]) for name in sorted(tables)]
    named += [_write_payments(folder, system, lines) for system, lines in sorted((payments or {}).items())]
    write_manifest(folder, business_date, extract_id, named)


def _clear(folder: PathLike) -> None:
    landed = [
        path for path in folder.iterdir() if path.name == MANIFEST or contract_for(path.name) is not None
    ]
    # The manifest first: a folder caught half-way must not look whole.
    for path in sorted(landed, key=lambda path: path.name != MANIFEST):
        path.unlink()


def _write_table(folder: PathLike, name: str, table: pa.Table) -> dict[str, Any]:
    contract = FILES[name]
    table = table.select(list(contract.column_names)).cast(contract.schema).replace_schema_metadata(None)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", compression_level=1)
    totals = {column: column_total(table[column]) for column in _TOTALLED if column in contract.column_names}
    return _write(folder, contract.file_name, table.num_rows, sink.getbuffer(), totals)


def _write_payments(folder: PathLike, csa_system: str, lines: Sequence[PaymentLine]) -> dict[str, Any]:
    total = sum(pence for *_, value in lines if (pence := parse_pounds(value)) is not None)
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\n")
    out.writerow(FILES["csa_payments"].column_names)
    out.writerows(lines)
    out.writerow(("TRAILER", len(lines), pounds_text(total)))
    return _write(folder, payments_file_name(csa_system), len(lines), text.getvalue().encode(), {})


def _write(
    folder: PathLike, file_name: str, rows: int, content: bytes | memoryview, totals: dict[str, int]
) -> dict[str, Any]:
    with (folder / file_name).open("wb") as out:
        out.write(content)
    digest = hashlib.sha256(content).hexdigest()
    return {"name": file_name, "rows": rows, "sha256": digest, "control_totals": totals}
