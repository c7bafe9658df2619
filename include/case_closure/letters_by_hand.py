"""Letters a caseworker asks for: a further write-off to confirm (CMSL6300), and a letter sent again (CMSL6313, CMSL6314).

Belongs here: who may ask for what, and making the letter due with the next night. Does not belong here: any state of
a case: a letter sent again changes none, and a write-off is entered on CMS when the signed form has come back.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pandas as pd

from case_closure.domain import letters as codes
from case_closure.domain.texts import shown
from case_closure.stages import letters as due
from case_closure.stages.frames import to_frame
from case_closure.store import database
from case_closure.store import letters_by_hand as held
from case_closure.store.database import Connection


class LetterNotAsked(Exception):
    """The letter cannot be asked for; the message says why and what to do."""


def confirm_write_off(
    url: str,
    *,
    casegroup_id: str,
    csa_system: str,
    csa_case_id: str,
    from_on: date,
    to_on: date,
    user: str,
    at: datetime,
) -> str:
    """Ask for CMSL6300 to the case's receiving parent, for these dates, both included (B17, B45); in words what will happen.

    Raises LetterNotAsked: dates the wrong way round, no open CONFIRM_WRITE_OFF item, or asked for already.
    """
    if from_on > to_on:
        raise LetterNotAsked(
            f"'from' must not be after 'to': found {from_on} and {to_on}. Nothing was changed."
        )
    with database.transaction(url) as connection:
        if not held.open_write_off_item(connection, casegroup_id, csa_system, csa_case_id):
            raise LetterNotAsked(
                f"There is no open CONFIRM_WRITE_OFF item for case {shown(csa_case_id)} of {csa_system} in casegroup "
                f"{shown(casegroup_id)}, so no write-off is to be confirmed. Look for the case in reporting.work_items. "
                "Nothing was changed."
            )
        _ask(
            connection, user, at, code=codes.WRITE_OFF, casegroup_id=casegroup_id, csa_system=csa_system, csa_case_id=csa_case_id,
            from_on=from_on, to_on=to_on, repeats_letter_id=None,
        )  # fmt: skip
    return f"CMSL6300 for case {csa_case_id} of {csa_system}, {from_on} to {to_on}, goes out with the next night."


def reissue(url: str, letter_id: str, *, user: str, at: datetime) -> str:
    """Ask for a letter to be sent again as it was, under a CMSL6313; one to a representative under a new CMSL6314.

    Raises LetterNotAsked: no such letter, never written, or asked for already.
    """
    with database.transaction(url) as connection:
        letter = held.letter(connection, letter_id)
        if letter is None:
            raise LetterNotAsked(
                f"There is no letter {shown(letter_id, 400)}. Look for it in reporting.letters. Nothing was changed."
            )
        if not letter["written"]:
            why = f"{letter['status']} {letter['reason'] or ''}".strip()
            raise LetterNotAsked(
                f"Letter {shown(letter_id, 400)} was never written ({why}), so there is nothing to send again."
            )
        if letter["code"] == codes.REISSUE:
            # What is sent again is the letter itself, not the sheet that went before it last time.
            letter = held.letter(connection, letter["covers_letter_id"]) or letter
        code = codes.COVERING if letter["code"] == codes.COVERING else codes.REISSUE
        _ask(
            connection, user, at, code=code, casegroup_id=letter["casegroup_id"], csa_system=letter["csa_system"],
            csa_case_id=letter["csa_case_id"], from_on=None, to_on=None, repeats_letter_id=letter["letter_id"],
        )  # fmt: skip
    return f"Letter {letter['letter_id']} goes out again with the next night."


def _ask(connection: Connection, user: str, at: datetime, **request: Any) -> None:
    if not user.strip():
        raise LetterNotAsked("Say who asks: a letter by hand is kept with a name. Nothing was changed.")
    already = held.waiting(connection, request)
    if already is not None:
        raise LetterNotAsked(
            f"This letter was asked for by {already[0]} on {already[1]:%Y-%m-%d} and goes out with the next night. "
            "Nothing was changed."
        )
    parts = (request["code"], request["casegroup_id"], request["csa_system"] or "", request["csa_case_id"] or "",
             request["repeats_letter_id"] or "", at.isoformat())  # fmt: skip
    held.add(connection, {**request, "request_id": "-".join(parts), "asked_by": user.strip(), "asked_at": at})


def issue(connection: Connection, on: date) -> int:
    """Make a letter of this night of every request that waits; how many requests became one.

    Each is addressed, suppressed and covered as any other (B13-B16). One whose letter would bear the number of a
    letter of this night waits for the next: a client gets one letter of a code for a case on a night.
    """
    asked = to_frame(held.requests(connection))
    if asked.empty:
        return 0
    made = _made(asked, on)
    taken = held.standing(connection, made["letter_id"].tolist())
    became: dict[str, str] = {}
    chosen: list[int] = []
    for request_id, rows in made.groupby("request_id", sort=False):
        numbers = set(rows["letter_id"])
        if not numbers & taken:
            taken |= numbers
            chosen += rows.index.tolist()
            became[str(request_id)] = rows["letter_id"].iloc[0]
    held.store(connection, on, made.loc[chosen, due.COLUMNS], became)
    return len(became)


def _made(asked: pd.DataFrame, on: date) -> pd.DataFrame:
    """The letters of each request, with their request_id: its own first, then the one to a representative."""
    asked = due.with_addresses_judged(asked)
    made = []
    for place in range(len(asked)):
        one = asked.iloc[[place]].copy()
        code, covers = one["code"].iloc[0], one["covers_letter_id"].iloc[0]
        one["total_pence"] = one["total_pence"].astype("Int64") if code == codes.WRITE_OFF else pd.NA
        # A covering letter sent again is made as the cover of a letter, which itself is not sent again.
        one["code"] = codes.REISSUE if code == codes.COVERING else code
        letters = due.addressed(one.drop(columns="covers_letter_id"), pd.Timestamp(on).as_unit("s"))
        own = letters["code"] != codes.COVERING
        if code == codes.COVERING:
            letters = letters[~own].assign(covers_letter_id=covers)
        elif code == codes.REISSUE:
            letters["covers_letter_id"] = letters["covers_letter_id"].where(~own, covers)
        made.append(letters.assign(request_id=one["request_id"].iloc[0]))
    return pd.concat(made, ignore_index=True)
