"""What of a personal value may be shown beside an exception: that there is one, and of a NINO its last three characters.

Belongs here: which fields are personal, and the mask. Does not belong here: where it is shown.
A column of the landed files that is personal (``tables.landed``) is in the list here: a test holds the two together.
"""

from __future__ import annotations

import re
from typing import Final

from case_closure.domain import nino
from case_closure.domain.texts import is_blank

HIDDEN: Final = nino.HIDDEN
NINOS: Final = frozenset({
    "nino", "superseded_by_nino", "paying_parent_nino", "receiving_parent_nino", "applicant_nino", "named_paying_parent_nino",
    "partner_nino",
})  # fmt: skip
# The number of a person is how CSA knows them, on a case as in the list of parties.
PERSONS: Final = frozenset({"party_id", "paying_parent_id", "receiving_parent_id"})
PERSONAL: Final = NINOS | PERSONS | {
    "title", "forenames", "surname", "date_of_birth", "date_of_death", "phone", "email",
    *(f"{whose}{part}" for whose in ("", "representative_")
      for part in ("address_line_1", "address_line_2", "address_line_3", "address_line_4", "postcode")),
    "representative_name", "pp_sort_code", "pp_account_number", "rp_sort_code", "rp_account_number", "employer_reference",
    "detail", "reason", "offline_calculation", "old_value", "new_value",
}  # fmt: skip
_AMOUNT: Final = re.compile(r"[-+£0-9., ]*")
_MOST_SHOWN: Final = 200


def shown(value: str, field: str) -> str | None:
    """A field's value as any view, report or message may have it; None where there is nothing to see in it.

    A personal one is hidden whole: neither its characters nor how many they are can be told. The field ``value`` of a
    payment is personal where it is no amount: a row that lacks a comma has a name there.
    """
    if is_blank(value):
        return None
    if field in NINOS:
        return nino.masked(value)
    if field in PERSONAL or (field == "value" and not _AMOUNT.fullmatch(value)):
        return HIDDEN
    return value if len(value) <= _MOST_SHOWN else value[:_MOST_SHOWN] + "…"
