"""The country's line of an address, as GOV.UK Notify and the post know it.

Belongs here: names where the usual one is refused. Does not belong here: which address is valid
(``domain.postcode``), other lines.
"""

from __future__ import annotations

from typing import Final

from babel import Locale

from case_closure.domain.postcode import UK_COUNTRIES

# English whatever the letter's language: it is read by the post of this country.
_USUAL = Locale("en").territories
# Notify reads the last line of an address from the page, letter by letter without accents, and refuses names it does not know
# (notifications-utils, countries). It does not know what Babel calls these, or takes it for another country.
_KNOWN_AS: Final = {
    "AX": "Aland", "BL": "St Barthelemy", "BQ": "Bonaire", "CD": "Congo (Democratic Republic)", "CG": "Republic of the Congo",
    "CI": "Ivory Coast", "CP": "France", "CW": "Curacao", "DG": "British Indian Ocean Territory", "EA": "Spain",
    "HK": "Hong Kong", "HM": "Heard Island and McDonald Islands", "MF": "Saint-Martin (French part)", "MO": "Macao",
    "PM": "Saint Pierre and Miquelon", "PN": "Pitcairn", "PS": "Occupied Palestinian Territories", "RE": "Reunion",
    "ST": "Sao Tome and Principe", "TR": "Turkey", "UM": "United States", "VC": "Saint Vincent and the Grenadines",
    "VI": "United States Virgin Islands",
}  # fmt: skip
# What people write for the UK and its parts where a code belongs.
_UK_NAMES: Final = frozenset(
    ("uk", "gbr", "unitedkingdom", "greatbritain", "britain", "england", "scotland", "wales", "cymru", "northernireland",
     "nireland", "northireland")
)  # fmt: skip


def is_uk(country: str) -> bool:
    """Whether that code or name means the UK or a part of it; an address without any country is a UK one."""
    written = "".join(c for c in country.casefold() if c.isalnum())
    return not written or country.upper() in UK_COUNTRIES or written in _UK_NAMES


def line(country: str) -> str:
    """The last line of an address abroad, in capitals; a name that is no code, as it was written. '' for the UK."""
    if is_uk(country):
        return ""
    code = country.upper()
    return (_KNOWN_AS.get(code) or _USUAL.get(code) or code).upper()
