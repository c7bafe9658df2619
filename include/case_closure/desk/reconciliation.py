"""`case-closure reconcile`: the reconciliation of any night as it was known then, its workbook, and its sign-off (B54).

Belongs here: from a date to the workbook and the words on the terminal. Does not belong here: SQL (``store.reconciliation``),
the sheets (``outbound.reconciliation``), arguments (``cli``).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from case_closure import refusals
from case_closure.desk import acting
from case_closure.desk.acting import Act, Actor
from case_closure.domain.money import pounds
from case_closure.outbound import reconciliation as workbook
from case_closure.store import database, reconciliation


class NothingToReconcile(refusals.Refused):
    """No night up to that date was run; the message says so."""


_SIGN = "sign_off_reconciliation"


@dataclass(frozen=True)
class SignOff:
    """Who signs, when, and their remarks. ``seen_sha256``: of the list of breaks they have before them, where they have one."""

    by: Actor
    signed_at: datetime
    remarks: str = ""
    seen_sha256: str | None = None


def reconcile(
    url: str,
    on: date,
    out: Path | None,
    say: Callable[[str], None],
    *,
    implausible_pence: int,
    sign_off: SignOff | None = None,
) -> int:
    """Reconciles as at the end of the night of ``on``, says what it came to, and writes the workbook to ``out`` if given.

    With ``sign_off`` the same figures are put on record. Returns the command's exit code: breaks are an answer, not a failure.
    Raises NothingToReconcile before the first night, NotAllowed, and SignOffRefused when it cannot be signed.
    """
    if sign_off:
        acting.require(sign_off.by, _SIGN)
    with database.transaction(url) as connection:
        tables = reconciliation.reconstruct(connection, on, implausible_pence=implausible_pence)
        night = tables["night"].to_pylist()[0]
        if night["business_date"] is None:
            raise NothingToReconcile(
                f"No night up to {on} has been run: there is nothing to reconcile. The view reporting.nights lists them."
            )
        number = _sign(connection, on, tables, sign_off) if sign_off else None
    _tell(tables, on, night["business_date"], say)
    if night["status"] != "SUCCESS":
        say(
            f"The night of {night['business_date']} has not ended ({night['status']}): this is what it has done so far."
        )
    if out is not None:
        _write(tables, out, on)
        say(f"Workbook: {out}")
    if sign_off:
        say(
            f"Signed off by {sign_off.by.name}: number {number} for {on}, in the view reporting.reconciliation_sign_offs"
        )
    return 0


def _sign(connection: database.Connection, on: date, tables: dict[str, pa.Table], sign_off: SignOff) -> int:
    found = reconciliation.breaks_sha256(tables["breaks"])
    if sign_off.seen_sha256 not in (None, found):
        raise reconciliation.SignOffRefused(
            f"The breaks of {on} are others by now ({found[:12]}) than those you had before you ({sign_off.seen_sha256[:12]}). "
            "Nothing was signed; look at them again."
        )
    number = reconciliation.sign_off(
        connection,
        on,
        tables,
        signed_by=sign_off.by.name,
        signed_at=sign_off.signed_at,
        remarks=sign_off.remarks,
    )
    signed = Act(
        "RECONCILIATION",
        on.isoformat(),
        after={"sign_off_number": number, "breaks_sha256": found},
        reason=sign_off.remarks or None,
    )  # fmt: skip
    acting.record(connection, sign_off.by, _SIGN, [signed], at=sign_off.signed_at)
    return number


def sign(url: str, on: date, sign_off: SignOff, *, implausible_pence: int) -> int:
    """Put the reconciliation as at the end of that night on record as signed; its number. Raises as :func:`reconcile` does."""
    acting.require(sign_off.by, _SIGN)
    with database.transaction(url) as connection:
        tables = reconciliation.reconstruct(connection, on, implausible_pence=implausible_pence)
        if tables["night"]["business_date"][0].as_py() is None:
            raise NothingToReconcile(f"No night up to {on} has been run: there is nothing to sign.")
        return _sign(connection, on, tables, sign_off)


def make_workbook(url: str, on: date, *, implausible_pence: int) -> bytes:
    """The workbook as at the end of the night of ``on``, made anew. Raises NothingToReconcile."""
    with tempfile.TemporaryDirectory(prefix="reconciliation-") as folder:
        out = Path(folder) / "workbook.xlsx"
        reconcile(url, on, out, lambda _: None, implausible_pence=implausible_pence)
        return out.read_bytes()


def _write(tables: dict[str, pa.Table], out: Path, on: date) -> None:
    """Whole or not at all: a half-written workbook never stands where one was."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".reconciliation-") as folder:
        (written,) = workbook.write(tables, Path(folder), on)
        shutil.move(Path(folder) / written.name, out)


def _tell(tables: dict[str, pa.Table], on: date, latest: date, say: Callable[[str], None]) -> None:
    say(
        f"Reconciliation as at the end of the night of {on}"
        + (f" (latest night run: {latest})" if latest != on else "")
    )
    plausible = tables["buckets"].filter(pc.invert(tables["buckets"]["implausible"]))
    for name, words in (
        ("left_csa_pence", "left CSA"), ("received_pence", "received"), ("posted_pence", "posted"), ("held_pence", "held"),
        ("credit_pence", "credits"), ("written_off_pence", "written off on CSA"),
    ):  # fmt: skip
        say(f"  {words:<20} {pounds(int(pc.sum(plausible[name]).as_py() or 0)):>22} GBP")
    if apart := workbook.apart(tables):
        say(apart)
    kinds = tables["break_types"].to_pylist()
    if not kinds:
        say("Every amount agrees to the penny.")
    for line in kinds:
        say(
            f"  {line['break_type']:<15} {line['cause']:<19} {line['breaks']:>9,} break{'s' if line['breaks'] != 1 else ' '} "
            f"{pounds(int(line['difference_pence'])):>20} GBP{' (implausible)' if line['implausible'] else ''}"
        )
