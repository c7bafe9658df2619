"""Letters that are due: whether each goes out, and the covering letter to a representative.

Serves B13-B16, R16: address first, then DLO, then death; a representative gets a covering letter with the client's copy.
Belongs here: what every letter of every journey has in common. Does not belong here: which letter is due, its text.
"""

from __future__ import annotations

import pandas as pd

from case_closure.domain import addresses
from case_closure.domain import letters as codes
from case_closure.tables import handed, handing
from case_closure.tables.frames import among, joined


def none() -> pd.DataFrame:
    """No letters, with their columns."""
    return handing.empty(handed.LETTERS).astype({"total_pence": "Int64"})


def with_addresses_judged(people: pd.DataFrame) -> pd.DataFrame:
    """The people with ``address_valid`` and ``representative_address_valid``: whether a letter can be sent there (B13)."""
    return people.assign(
        address_valid=addresses.clients_valid(people),
        representative_address_valid=addresses.representatives_valid(people),
    )


def addressed(due: pd.DataFrame, on: pd.Timestamp, taken: pd.Series | None = None) -> pd.DataFrame:
    """Each letter due with its status, reason and number, and a covering letter for each client with a representative.

    A client may be sent two letters about one case on one night. Their covering letters would have one number: the
    first keeps it, any other, and one whose number an earlier stage has ``taken`` tonight, adds the code it covers.

    ``due``: code, role, party_id, casegroup_id, csa_system and csa_case_id (missing for one that goes once a
    casegroup), total_pence (missing where it states none), and of its client dlo, date_of_death, cis_death_recorded,
    representative_name and what ``with_addresses_judged`` adds. Out: in the shape LETTERS.
    """
    if due.empty:
        return none()
    main = due.rename(columns={"role": "recipient_role"}).reset_index(drop=True)
    main["total_pence"] = main["total_pence"].astype("Int64")
    dead = main["date_of_death"].notna() | main["cis_death_recorded"]
    why = pd.Series(None, index=main.index, dtype="str")
    why = (
        why.mask(dead, codes.DECEASED)
        .mask(main["dlo"], codes.DLO)
        .mask(~main["address_valid"], codes.NO_VALID_ADDRESS)
    )
    main["reason"] = why
    main["status"] = _status(why)
    main["covers_letter_id"] = pd.Series(None, index=main.index, dtype="str")
    main["letter_id"] = _letter_id(main, on)
    covering = main[main["representative_name"].str.strip().fillna("") != ""].copy()
    covering["reason"] = covering["reason"].mask(
        ~covering["representative_address_valid"], codes.NO_VALID_ADDRESS
    )
    covering["status"] = _status(covering["reason"])
    covering["covers_letter_id"] = covering["letter_id"]
    covering["recipient_role"] = "REPRESENTATIVE"
    covered = covering["code"]
    covering["code"] = codes.COVERING
    covering["total_pence"] = pd.Series(pd.NA, index=covering.index, dtype="Int64")
    number = _letter_id(covering, on)
    again = number.duplicated() | (False if taken is None else among(number, taken))
    covering["letter_id"] = number.where(~again, number + "-" + covered)
    return handing.cut(pd.concat([main, covering], ignore_index=True), handed.LETTERS)


def _status(reason: pd.Series) -> pd.Series:
    """B13: no address, not issued. B15, R16: DLO or deceased, suppressed and reported."""
    status = pd.Series(codes.ISSUED, index=reason.index, dtype="str")
    status = status.mask(reason.notna(), codes.SUPPRESSED)
    return status.mask(reason == codes.NO_VALID_ADDRESS, codes.NOT_ISSUED)


def _letter_id(rows: pd.DataFrame, on: pd.Timestamp) -> pd.Series:
    names = ("code", "casegroup_id", "csa_system", "csa_case_id", "party_id")
    return joined([rows[name] for name in names], "-") + f"-{on.date().isoformat()}"
