"""Letters, files to CSA, CIS and the warehouse, reports: the outbound folder, whole or not at all.

Belongs here: the order in which its files are made aside and published at once. Does not belong here: what is in any file
(``outbound``), what letters say (``lettering``).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, fail, hold_open, require_law
from case_closure.outbound import folder
from case_closure.outbound.folder import WrittenFile
from case_closure.outbound.letters.contents import LetterIncomplete
from case_closure.store import database, history, outgoing, reports
from case_closure.store.database import Connection


def run(ctx: NightContext, url: str) -> Summary:
    """Everything of the night's outbound folder, made aside and published at once."""
    from case_closure.night import lettering
    from case_closure.outbound import exceptions_report, notices
    from case_closure.outbound.letters import batches

    on = ctx.business_date
    with entered(ctx, url, "write_out") as (_, night):
        require_law(ctx, night, "write_out")

    def holding(connection: Connection) -> None:
        hold_open(ctx, connection, "write_out")

    try:
        prepared = lettering.prepare(
            url,
            on,
            by_hand=not night.succeeded and not night.late,
            workers=ctx.settings.workers,
            holding=holding,
        )
    except LetterIncomplete as incomplete:
        raise fail(ctx, "write_out", str(incomplete)) from None
    with folder.aside(ctx.outbound, on) as made, database.transaction(url) as connection:
        # Nobody takes the night over while its folder is made and put in place.
        holding(connection)
        told = outgoing.read(connection, on)
        files = [
            *notices.write(made, told.end_liability, told.ltrs, told.interest_flags, told.suppressed_letters),
            *exceptions_report.write(
                reports.exceptions_as_of(
                    connection, on, implausible_pence=ctx.settings.balance_implausible_pence
                ),
                made,
                on,
            ),
            *write_reconciliation(
                connection, made, on, implausible_pence=ctx.settings.balance_implausible_pence
            ),
            *batches.write(lettering.parts(connection, on), made, on, ctx.settings.workers),
        ]
        folder.write_manifest(made, on, f"CC-{on}", files)
        folder.publish(made, ctx.outbound, on)
        lettering.published(connection, on, ctx.settings, ctx.clock())
    return {"files": len(files), **prepared}


def write_reconciliation(
    connection: Connection, made: Path, on: date, *, implausible_pence: int
) -> list[WrittenFile]:
    """The night's own workbook, once all its casegroups are stored; nationally sensitive ones are not in it (R26)."""
    from case_closure.outbound import reconciliation as workbook
    from case_closure.store import reconciliation

    history.settle_moves(connection, on)
    tables = reconciliation.reconstruct(connection, on, implausible_pence=implausible_pence)
    return workbook.write(tables, made, on)
