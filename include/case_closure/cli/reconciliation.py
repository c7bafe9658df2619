"""`reconcile`: what left CSA against what became of it.

Belongs here: its arguments. Does not belong here: the figures and their words (``desk.reconciliation``).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

from case_closure.cli import terminal
from case_closure.cli.arguments import command, day, file, noun, text
from case_closure.cli.store import migrated_url
from case_closure.refusals import Refused
from case_closure.settings import Settings

app = noun()


@command(app, "reconcile", "what left CSA against what became of it, as known on a night")
def reconcile(
    on: Annotated[date, day("--date", "as at the end of this night")],
    out: Annotated[Path | None, file("--out", "FILE", "write the workbook there")] = None,
    signed_by: Annotated[
        str | None, text("--sign-off", "NAME", "put the figures on record as signed by NAME")
    ] = None,
    remarks: Annotated[str | None, text("--remarks", "TEXT", "with the signature")] = None,
) -> int:
    from case_closure.desk import reconciliation
    from case_closure.domain.permissions import whoever_has_the_shell

    if remarks is not None and not signed_by:
        raise Refused(
            "--remarks go with a signature, and nobody signs: add --sign-off NAME, or leave them out. Nothing was put on record."
        )
    return reconciliation.reconcile(
        migrated_url(), on, out, terminal.say,
        sign_off=reconciliation.SignOff(whoever_has_the_shell(signed_by), datetime.now(UTC), remarks or "")
        if signed_by
        else None,
        implausible_pence=Settings.from_environment().balance_implausible_pence,
    )  # fmt: skip
