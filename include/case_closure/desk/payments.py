"""Payments that wait for a person: letting one go to its casegroup, passing it on, setting or clearing the flag ([17], [20]).

Belongs here: who may enter what on which payment, what the next night will make of it, the words when it may not. Does not belong
here: what an entry changes and which dues are reached (``stages.payment_entries``, ``stages.allocate_payments``), rows
(``store.payments_by_hand``). What is entered is a resolution, as when it lands; the next night or a replay acts on it, and no
status changes before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from case_closure import refusals
from case_closure.desk import acting
from case_closure.desk.acting import Act, Actor
from case_closure.domain.money import pounds
from case_closure.domain.payments import BY_HAND as FLAG
from case_closure.domain.payments import CASEGROUP, FLAGGED, HELD, PASSED_ON, PASSED_TO, SUSPENSE, TRUE
from case_closure.domain.texts import shown
from case_closure.settings import Settings
from case_closure.stages import allocate_payments as stage
from case_closure.stages import payment_entries
from case_closure.store import database, holding, nights, payments, payments_by_hand, posting
from case_closure.store.database import Connection
from case_closure.store.payments_by_hand import Waiting
from case_closure.tables import handed, resolutions
from case_closure.tables.frames import to_frame
from case_closure.tables.landed import FILES
from case_closure.tables.resolutions import BY_HAND, PAYMENT

_LONGEST = 200
TAKES = {SUSPENSE: (CASEGROUP, PASSED_TO), HELD: (FLAG,), FLAGGED: (FLAG,)}
"""What can be entered on a payment, by where it stands."""


class PaymentRefused(refusals.Refused):
    """Nothing was entered on the payment; the message says why and what to do."""


@dataclass(frozen=True)
class Entry:
    """What somebody enters on a payment: one of ``domain.payments.FIELDS``, its value, and where they found it."""

    field: str
    value: str
    source: str


@dataclass(frozen=True)
class Standing:
    """What waits for the next night about a payment, and what tells this state from any later one."""

    version: str
    entries: list[Waiting] = field(default_factory=list)


def find_id(url: str, number: int) -> str | None:
    """The payment_id behind the number that a page calls it by; it says nothing of who may see it."""
    with database.transaction(url) as connection:
        return payments_by_hand.id_of(connection, number)


def find_standing(url: str, payment_id: str) -> Standing:
    """What was entered on it that no night has taken in yet; for somebody who may see the payment."""
    with database.transaction(url) as connection:
        return _standing(connection, payment_id)


def _standing(connection: Connection, payment_id: str) -> Standing:
    entries = payments_by_hand.waiting(connection, payment_id)
    last = payments_by_hand.last_event(connection, payment_id)
    return Standing(f"{last}-{len(entries)}", entries)


def enter(
    settings: Settings, payment_id: str, entry: Entry, *, version: str, by: Actor, at: datetime, apart: bool = False,
    keep: bool = True,
) -> list[str]:  # fmt: skip
    """Enter it, and say what the next night will make of it, a line each; ``keep`` False: it is only said.

    ``version``: of the standing that the person saw. Two at once: the first wins, and the second is told what was entered.
    ``apart``: among the nationally sensitive, for somebody who may see those. Raises PaymentRefused, acting.NotAllowed,
    NightRefused while a night is open.
    """
    acting.require(by, "enter_on_payments")
    if apart:
        acting.require(by, "see_sensitive")
    source = entry.source.strip()
    if not source or len(source) > _LONGEST or len(entry.value) > _LONGEST:
        raise PaymentRefused(
            f"Say what is entered and where it was found, each in at most {_LONGEST} characters. Nothing was entered."
        )
    with (database.transaction if keep else database.rolled_back)(settings.store_url) as connection:
        nights.refuse_while_open(connection, "Nothing was entered")
        on = nights.latest_success(connection)
        payment = payments_by_hand.lock(connection, payment_id, apart=apart)
        if payment is None or on is None:
            raise PaymentRefused("There is no such payment, or it is not for everybody to see.")
        standing = _standing(connection, payment_id)
        if standing.version != version:
            raise PaymentRefused(
                f"Somebody was quicker. You saw it otherwise than it stands now: {_as_it_stands(payment, standing)}. Look at it "
                "again. Nothing was entered."
            )
        row = _row(connection, payment, entry, on, source=source, by=by.name.strip(), at=at)
        lines = _what_will_happen(connection, payment, row, standing, on, by)
        holding.keep_entered(connection, [row], on, at)
        ids = payments_by_hand.open_exceptions(connection, payment["reference"])
        entered = pd.DataFrame({"exception_id": ids, "resolution_id": row["resolution_id"]}, dtype="str")
        posting.record_entered_by_command(connection, on, entered)
        # To whom it is passed on is in the entry alone: it may be a person.
        after = {"field": entry.field, "resolution_id": row["resolution_id"]}
        if entry.field != PASSED_TO:
            after["value"] = row["new_value"]
        owner = row["new_value"] if entry.field == CASEGROUP else payment["casegroup_id"]
        act = Act(
            "PAYMENT", str(payment["payment_number"]), owner, before={"status": payment["status"]}, after=after, reason=source
        )  # fmt: skip
        acting.record(connection, by, "enter_on_payments", [act], at=at)
    return lines


def _as_it_stands(payment: dict[str, Any], standing: Standing) -> str:
    told = [
        f"{shown(one.entered_by)} entered {one.field.replace('_', ' ')} {shown(one.said, _LONGEST)}"
        for one in standing.entries
    ]
    return "; ".join([f"{payment['status']}", *told])


def _row(
    connection: Connection,
    payment: dict[str, Any],
    entry: Entry,
    on: date,
    *,
    source: str,
    by: str,
    at: datetime,
) -> dict[str, Any]:
    """The entry as a resolution. Raises PaymentRefused for one that no night would take in ([3], [5])."""
    number = f"{BY_HAND}{at:%Y%m%dT%H%M%S%f}-"
    row = {
        "resolution_id": f"{number}{1 + holding.entered_by(connection, number):05}", "csa_system": payment["csa_system"],
        "csa_case_id": payment["reference"], "entity": PAYMENT, "field": entry.field, "old_value": None,
        "new_value": entry.value.strip() or None, "source_system": source, "entered_by": by, "entered_on": on,
    }  # fmt: skip
    unfit = resolutions.cannot_be(_as_landed([row]), resolutions.shapes())
    if unfit:
        raise PaymentRefused(f"That cannot be entered: {unfit[0].why}. Nothing was entered.")
    return row


def _as_landed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return to_frame(pa.Table.from_pylist(rows, schema=FILES["resolutions"].schema))


def _what_will_happen(
    connection: Connection,
    payment: dict[str, Any],
    row: dict[str, Any],
    standing: Standing,
    on: date,
    by: Actor,
) -> list[str]:
    """What the stage of payments makes of the entry as things stand, after what waits already. Raises PaymentRefused."""
    night = pd.Timestamp(on).as_unit("s")
    entered = [one.new_value for one in standing.entries if one.field == CASEGROUP]
    owners = {owner for owner in (payment["casegroup_id"], *entered) if owner is not None}
    named = {str(row["new_value"])} if row["field"] == CASEGROUP else set()
    groups = payments_by_hand.casegroups(connection, sorted(named), apart=by.may("see_sensitive"))
    if row["field"] == CASEGROUP and groups.empty:
        raise PaymentRefused(
            f"No case of casegroup {shown(row['new_value'], _LONGEST)} is held, or it is not for everybody to see. Nothing was "
            "entered."
        )
    # What stands and waits already has been let in, whosever it is.
    groups = pd.concat([groups, payments_by_hand.casegroups(connection, sorted(owners - named), apart=True)])
    groups = groups.reset_index(drop=True)
    rows = payments_by_hand.of_reference(connection, payment["reference"], groups["casegroup_id"].tolist())
    earlier = [_of_waiting(one, payment["reference"]) for one in standing.entries]
    told = [one | {"business_date": on} for one in (*earlier, row)]
    entries = to_frame(pa.Table.from_pylist(told, schema=handed.RESOLUTIONS))
    around = stage.Standing(rows, entries, groups)
    let = payment_entries.let(to_frame(handed.PAYMENTS.empty_table()), around, night)
    mine = let.events[let.events["by_what"] == f"RESOLUTION {row['resolution_id']}"]
    if mine.empty:
        taken = ", ".join(TAKES.get(payment["status"], ())).replace("_", " ") or "nothing"
        raise PaymentRefused(
            f"The payment is in no state for that: {_as_it_stands(payment, standing)}. On one that is {payment['status']}, "
            f"{taken} can be entered. Nothing was entered."
        )
    if mine["payment_id"].iloc[0] != payment["payment_id"]:
        raise PaymentRefused(
            "Another payment of the same reference comes before it, and the entry would count for that one: enter it there "
            "first. Nothing was entered."
        )
    allocated = stage.allocate(let.payments, payments.dues(connection, groups["casegroup_id"]), around, night)
    return _told(payment, row, groups, let.payments, allocated)


def _of_waiting(one: Waiting, reference: str) -> dict[str, Any]:
    return {
        "resolution_id": one.resolution_id, "csa_system": one.csa_system, "csa_case_id": reference, "entity": PAYMENT,
        "field": one.field, "old_value": None, "new_value": one.new_value, "source_system": None,
        "entered_by": one.entered_by, "entered_on": one.entered_on,
    }  # fmt: skip


def _told(
    payment: dict[str, Any],
    row: dict[str, Any],
    groups: pd.DataFrame,
    after: pd.DataFrame,
    allocated: stage.Allocated,
) -> list[str]:
    is_it = after["payment_id"] == payment["payment_id"]
    status, owner = after.loc[is_it, "status"].iloc[0], after.loc[is_it, "casegroup_id"].iloc[0]
    if status == PASSED_ON:
        return [
            f"With the next night it is passed on to {shown(row['new_value'], _LONGEST)}; its exception and item close."
        ]
    lines = []
    if row["field"] == CASEGROUP:
        lines.append(
            f"With the next night it is casegroup {shown(owner, _LONGEST)}'s; its exception and item close."
        )
    elif row["new_value"] == TRUE:
        lines.append("With the next night it is flagged: nothing is allocated until a person lets it go.")
    else:
        lines.append("With the next night the flag is gone, and its prompt closes.")
    of_it = allocated.ledger["entry_id"].str.endswith("-ALLOCATION-" + payment["payment_id"])
    entries = allocated.ledger[of_it]
    lines += [
        f"£{pounds(-int(pence))} goes to the due {shown(due, _LONGEST)}"
        for due, pence in zip(entries["due_id"], entries["amount_pence"], strict=True)
    ]
    now = allocated.payments[allocated.payments["payment_id"] == payment["payment_id"]].iloc[0]
    left = int(now["amount_pence"]) - int(now["allocated_pence"])
    if now["status"] == "SURPLUS":
        lines.append(f"£{pounds(left)} is left over: a surplus, which is not allocated later")
    elif now["status"] == FLAGGED and status == FLAGGED:
        lines.append("It waits with the flag: somebody is asked to let it go once the casegroup is complete.")
    elif now["status"] == HELD:
        lines.append("The casegroup is not complete: it is held until that is so.")
    return lines
