"""Letters, files to CSA, CIS and the warehouse, reports: the outbound folder, whole or not at all.

Belongs here: the order in which its files are made aside and published at once. Does not belong here: what is in any file
(``outbound``), what letters say (``lettering``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from case_closure.night.context import NightContext, NightFailed, Summary
from case_closure.night.guard import entered, fail, hold_open, require_law
from case_closure.night.parts import InParts, Work
from case_closure.outbound import folder
from case_closure.outbound.folder import WrittenFile
from case_closure.outbound.letters.contents import LetterIncomplete
from case_closure.store import (
    database,
    history,
    letter_contents,
    night_parts,
    outgoing,
    reports,
    work_in_progress,
)
from case_closure.store.database import Connection
from case_closure.store.night_parts import Claim
from case_closure.store.work_in_progress import Judgement, as_bytes, from_bytes

if TYPE_CHECKING:
    from case_closure.outbound.letters.batches import Planned

Letters = Callable[[Connection, Path], list[WrittenFile]]


def run(ctx: NightContext, url: str) -> Summary:
    """Everything of the night's outbound folder, made aside and published at once."""
    from case_closure.night import lettering
    from case_closure.outbound.letters import batches

    prepared = _prepare(ctx, url)

    def letters(connection: Connection, aside: Path) -> list[WrittenFile]:
        on = ctx.business_date
        return batches.write(lettering.parts(connection, on), aside, on, ctx.settings.workers)

    return {"files": _publish(ctx, url, letters), **prepared}


def plan(ctx: NightContext, url: str) -> None:
    """What the letters say, and the documents they make: each is a part, some seconds of work."""
    _prepare(ctx, url)
    on = ctx.business_date
    with entered(ctx, url, STAGE.name) as (connection, night):
        parts = [[one.name] for one in _documents(connection, on)]
        night_parts.plan(connection, on, STAGE.name, ctx.attempt, night.extract_number, parts)


def begin(ctx: NightContext, url: str) -> Work:
    """Typeset a document. It lies in the store until the folder is put together: no machine need share a disk."""
    from case_closure.outbound.letters import batches

    on = ctx.business_date
    with entered(ctx, url, STAGE.name) as (connection, night):
        judgement = Judgement(on, night.extract_number, ctx.attempt)
        documents = _documents(connection, on)

    def work(claimed: Claim) -> None:
        with folder.aside(ctx.outbound, on) as aside:
            one = documents[claimed.part]
            with database.transaction(url) as connection:
                letters = letter_contents.of_code(connection, on, one.code, one.skip, one.letters)
            ((file, index),) = batches.typeset([batches.Batch(one.name, letters)], aside, on, processes=1)
            with entered(ctx, url, STAGE.name) as (connection, _):
                night_parts.hold(connection, claimed)
                for name, content in (
                    (file.name, (aside / file.name).read_bytes()),
                    (_index_of(file.name), as_bytes(index)),
                ):
                    work_in_progress.keep_file(connection, judgement, STAGE.name, claimed.part, name, content)
                night_parts.store(connection, claimed, {"letters_typeset": file.rows}, ctx.clock())

    return work


def put_together(ctx: NightContext, url: str) -> Summary:
    """The outbound folder with the letters as they were typeset, published at once. Raises NightFailed when some are not."""
    from case_closure.outbound.letters import batches

    on = ctx.business_date
    with entered(ctx, url, STAGE.name) as (connection, night):
        planned = night_parts.planned_by(connection, on, STAGE.name)
        documents = _documents(connection, on)
    judgement = Judgement(on, night.extract_number, planned or 0)

    def letters(connection: Connection, aside: Path) -> list[WrittenFile]:
        written, indexes = [], []
        (aside / batches.FOLDER).mkdir()
        for number, one in enumerate(documents):
            files = work_in_progress.files(connection, judgement, STAGE.name, number)
            if one.name not in files:
                raise NightFailed(
                    f"{one.name} of the night of {on} is not typeset, or it is gone, as after the database was stopped: "
                    "clear write_out.plan with what follows it."
                )
            (aside / one.name).write_bytes(files[one.name])
            written.append(WrittenFile(one.name, one.letters))
            indexes.append(from_bytes(files[_index_of(one.name)]))
        return [*written, batches.write_index(aside, indexes)]

    return {"files": _publish(ctx, url, letters)}


STAGE = InParts("write_out", plan, begin, ("letters_typeset",), put_together)


def _documents(connection: Connection, on: date) -> list[Planned]:
    """The documents that the night's letters make: the same whichever task asks."""
    from case_closure.outbound.letters import batches

    return batches.plan(letter_contents.counts(connection, on))


def _index_of(document: str) -> str:
    return f"{document} index"


def _prepare(ctx: NightContext, url: str) -> dict[str, int]:
    """What each letter says, kept; as of a night of which the money law holds."""
    from case_closure.night import lettering

    with entered(ctx, url, STAGE.name) as (_, night):
        require_law(ctx, night, STAGE.name)
    try:
        return lettering.prepare(
            url,
            ctx.business_date,
            by_hand=not night.succeeded and not night.late,
            workers=ctx.settings.workers,
            holding=lambda connection: _hold(ctx, connection),
        )
    except LetterIncomplete as incomplete:
        raise fail(ctx, STAGE.name, str(incomplete)) from None


def _hold(ctx: NightContext, connection: Connection) -> None:
    hold_open(ctx, connection, STAGE.name)


def _publish(ctx: NightContext, url: str, letters: Letters) -> int:
    """Make the folder aside and publish it; how many files are in it."""
    from case_closure.night import lettering
    from case_closure.outbound import exceptions_report, final_balances, notices, reconciliation

    on, implausible = ctx.business_date, ctx.settings.balance_implausible_pence
    with entered(ctx, url, STAGE.name):
        # Of a try that was killed; one that is not dead has lost the night.
        folder.clear_leftovers(ctx.outbound)
    with folder.aside(ctx.outbound, on) as aside, database.transaction(url) as connection:
        # Nobody takes the night over while its folder is made and put in place.
        _hold(ctx, connection)
        outgoing.note_reported(connection, on)
        told = outgoing.read(connection, on)
        reconciled = reconcile(connection, on, implausible_pence=implausible)
        files = [
            *notices.write(
                aside, told.end_liability, told.ltrs, told.interest_flags, told.suppressed_letters
            ),
            *final_balances.write(aside, told.final_balances),
            *exceptions_report.write(
                reports.exceptions_as_of(connection, on, implausible_pence=implausible), reconciled, aside, on
            ),
            *reconciliation.write(reconciled, aside, on),
            *letters(connection, aside),
        ]
        folder.write_manifest(aside, on, f"CC-{on}", files)
        folder.publish(aside, ctx.outbound, on)
        lettering.published(connection, on, ctx.settings, ctx.clock())
    return len(files)


def reconcile(connection: Connection, on: date, *, implausible_pence: int) -> dict[str, pa.Table]:
    """The night's reconciliation, once all its casegroups are stored; nationally sensitive ones are not in it (R26).

    What it comes to is kept for the page of it, which could not wait for it to be found again.
    """
    from case_closure.store import kept, nights, reconciliation

    history.settle_moves(connection, on)
    tables = reconciliation.reconstruct(connection, on, implausible_pence=implausible_pence)
    as_of, then = on, tables
    latest = nights.latest_success(connection)
    if (
        latest is not None and latest > on
    ):  # run late, or again: what is known of the latest may be other by it
        as_of, then = (
            latest,
            reconciliation.reconstruct(connection, latest, implausible_pence=implausible_pence),
        )
    kept.keep_reconciliation(connection, as_of, reconciliation.in_short(then))
    return tables
