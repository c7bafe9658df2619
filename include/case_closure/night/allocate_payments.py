"""Judge payments, let go what people entered, and allocate what is held for casegroups that are complete (B59-B61, R25).

Belongs here: gather, gate, conclude, commit: all of it in one transaction, so that a night that is killed has done all of it or
nothing. Does not belong here: what is decided (``stages.allocate_payments``).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from case_closure.domain.payments import FLAGGED, HELD
from case_closure.night import judging
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, latest_date
from case_closure.stages import allocate_payments as stage
from case_closure.stages import payment_entries
from case_closure.store import payments, posting, refused_rows, row_exceptions
from case_closure.store.casegroups import Gather
from case_closure.store.database import Connection
from case_closure.tables import handed, handing
from case_closure.tables.frames import among, to_frame

_NOTHING: Summary = {
    "payments_judged": 0,
    "payments_allocated": 0,
    "allocated_pence": 0,
    "exceptions_opened": 0,
}


def run(ctx: NightContext, url: str) -> Summary:
    """Judge and allocate; where no payment waits for anything, nothing is read."""
    with entered(ctx, url, "allocate_payments") as (connection, night):
        # What other nights brought waits for a night in its turn (R21, R39).
        return within(ctx, connection, own=night.succeeded or night.late, rerun=night.succeeded)


def within(ctx: NightContext, connection: Connection, *, own: bool, rerun: bool) -> Summary:
    """The same in the caller's transaction. ``own``, ``rerun``: as in ``store.payments.receipts``; a rerun counts no results."""
    if not payments.anything_to_do(connection, ctx.business_date, own=own, rerun=rerun):
        judging.judge_rows(connection, ctx, _no_rows(), counted=not rerun)
        return dict(_NOTHING)
    return _allocate(ctx, connection, own=own, rerun=rerun)


def unfit_entries(ctx: NightContext, connection: Connection) -> list[str]:
    """The numbers of the waiting entries that no payment is in a state for, by the gate that refuses them ([5])."""
    day = ctx.business_date
    on = pd.Timestamp(day).as_unit("s")
    standing = payments.standing(connection, day, pd.Series(dtype="str"), own=True, rerun=True)
    let = payment_entries.let(handing.empty(handed.PAYMENTS), standing, on)
    refused = judging.judge_rows(connection, ctx, {"payment_entries": let.entries}, counted=False)
    unfit = payment_entries.refused_entries(let.entries, refused["payment_entries"])
    return [str(number) for number in unfit["row_key"]]


def _no_rows() -> dict[str, pd.DataFrame]:
    return {
        "csa_payments": handing.empty(handed.CSA_RECEIPTS),
        "dca_payments": handing.empty(handed.DCA_RECEIPTS),
    }


def _allocate(ctx: NightContext, connection: Connection, *, own: bool, rerun: bool) -> Summary:
    day = ctx.business_date
    on, latest = pd.Timestamp(day).as_unit("s"), latest_date(connection, ctx)
    receipts = payments.receipts(connection, day, own=own, rerun=rerun)
    csa, dca = stage.csa_facts(receipts, on), stage.dca_facts(receipts, on)
    broke = judging.judge_rows(connection, ctx, {"csa_payments": csa, "dca_payments": dca}, counted=not rerun)
    concluded = stage.conclude(csa, dca, broke)
    opened_tonight = payments.opened_tonight(connection, day)
    if rerun:
        opened_tonight = opened_tonight[:0]
    before = row_exceptions.before(connection, "payments", pd.Series(dtype="str"))
    excepted = stage.exceptions(csa, dca, concluded.exceptions_found, opened_tonight, before, on, latest)
    standing = payments.standing(connection, day, concluded.payments["casegroup_id"], own=own, rerun=rerun)
    let = payment_entries.let(concluded.payments, standing, on)
    # What an entry may have mended is seen again only once it is known that it was not.
    is_named = among(excepted.seen["subject_reference"], standing.resolutions["csa_case_id"])
    named = excepted.seen[is_named].reset_index(drop=True)
    posting.store_exceptions(
        connection, day, replace(excepted, seen=excepted.seen[~is_named].reset_index(drop=True))
    )
    refused = judging.judge_rows(connection, ctx, {"payment_entries": let.entries}, counted=not rerun)
    entries = payment_entries.refused_entries(let.entries, refused["payment_entries"])
    refused_rows.refuse_held(connection, day, "resolutions", "row_invalid", entries)
    still_open = row_exceptions.before(connection, "payments", pd.Series(dtype="str")).open_exceptions
    released = payment_entries.released(still_open, let, concluded.broken, latest)
    stays = ~among(named["exception_id"], released.resolved["exception_id"])
    posting.store_exceptions(connection, day, replace(released, seen=named[stays].reset_index(drop=True)))

    complete = standing.casegroups["casegroup_id"][standing.casegroups["completed_on"].notna()]
    waiting = let.payments["casegroup_id"][
        (let.payments["status"] == HELD) & among(let.payments["casegroup_id"], complete)
    ]
    flagged = let.payments["casegroup_id"][let.payments["status"] == FLAGGED]
    routes = to_frame(Gather(connection, flagged.dropna().unique().tolist()).routes())
    asked, items = stage.prompted(let.payments, standing, routes, on)
    posting.insert_items(connection, day, items)
    allocated = stage.allocate(asked, payments.dues(connection, waiting), standing, on)

    known = pd.concat(
        [
            receipts.csa_receipts["payment_id"],
            receipts.dca_receipts["payment_id"],
            standing.payments["payment_id"],
        ]
    )
    is_known = among(allocated.payments["payment_id"], known)
    payments.store(
        connection, day, allocated.payments[~is_known], allocated.payments[is_known],
        pd.concat([let.events, allocated.events], ignore_index=True), allocated.ledger, let.let_go,
    )  # fmt: skip
    return {
        "payments_judged": len(csa) + len(dca),
        "payments_allocated": len(allocated.events),
        "allocated_pence": int(-np.sum(allocated.ledger["amount_pence"].to_numpy(np.int64))),
        "exceptions_opened": len(excepted.opened),
    }
