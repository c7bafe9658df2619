"""Letters that were asked for by hand become letters of the night (B17, B45).

Belongs here: from the requests that wait to the letters they become. Does not belong here: asking for one
(``desk.letters``), what letters say.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from case_closure.domain import letters as codes
from case_closure.stages.common import letters as due
from case_closure.store import letters_by_hand
from case_closure.store.database import Connection
from case_closure.tables.frames import to_frame
from case_closure.tables.handed import LETTERS
from case_closure.tables.handing import cut


def issue(connection: Connection, on: date) -> int:
    """Make a letter of this night of every request that waits; how many requests became one.

    Each is addressed, suppressed and covered as any other (B13-B16). One whose letter would bear the number of a
    letter of this night waits for the next: a client gets one letter of a code for a case on a night.
    """
    asked = to_frame(letters_by_hand.requests(connection))
    if asked.empty:
        return 0
    letters = _made(asked, on)
    taken = letters_by_hand.standing(connection, letters["letter_id"].tolist())
    became: dict[str, str] = {}
    chosen: list[int] = []
    for request_id, rows in letters.groupby("request_id", sort=False):
        numbers = set(rows["letter_id"])
        if not numbers & taken:
            taken |= numbers
            chosen += rows.index.tolist()
            became[str(request_id)] = rows["letter_id"].iloc[0]
    letters_by_hand.store(connection, on, cut(letters.loc[chosen], LETTERS), became)
    return len(became)


def _made(asked: pd.DataFrame, on: date) -> pd.DataFrame:
    """The letters of each request, with their request_id: its own first, then the one to a representative."""
    asked = due.with_addresses_judged(asked)
    letters_of_each = []
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
        letters_of_each.append(letters.assign(request_id=one["request_id"].iloc[0]))
    return pd.concat(letters_of_each, ignore_index=True)
