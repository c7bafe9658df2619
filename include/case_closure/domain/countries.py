"""Countries as an address names them, and as GOV.UK Notify and the post know them.

Belongs here: whether one is the UK, an island of its post or abroad; the line it makes; names where the usual one is refused.
Does not belong here: what an address needs (``domain.addresses``), the region of a case and what is overseas at set-up
(``domain.postcode``), other lines of an address.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from babel import Locale


class Whereabouts(Enum):
    """Whose post delivers there. ISLANDS: overseas to the contract, but sorted by postcode as the UK is."""

    UK = "UK"
    ISLANDS = "ISLANDS"
    ABROAD = "ABROAD"
    NOWHERE = "NOWHERE"


# English whatever the letter's language: it is read by the post of this country.
_USUAL: Final = Locale("en").territories
_NO_COUNTRIES: Final = frozenset(("EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"))
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
     "nireland", "northireland", "eng", "sct", "wls", "nir")
)  # fmt: skip
_ISLANDS: Final = frozenset(
    ("je", "gg", "im", "cq", "jersey", "guernsey", "isleofman", "alderney", "sark", "herm", "jethou", "brecqhou",
     "channelislands", "bailiwickofjersey", "bailiwickofguernsey")
)  # fmt: skip


def whereabouts(country: str) -> Whereabouts:
    """Where that code or name is. An address without any country is a UK one.

    A code must be one that exists; a name is believed, since nobody has every name of every country.
    """
    written = "".join(c for c in country.casefold() if c.isalnum())
    code = country.strip().upper()
    if not written or code == "GB" or code.startswith("GB-") or written in _UK_NAMES:
        return Whereabouts.UK
    if written in _ISLANDS:
        return Whereabouts.ISLANDS
    if len(written) > 2:
        return Whereabouts.ABROAD if written.isalpha() else Whereabouts.NOWHERE
    return Whereabouts.ABROAD if code in _USUAL and code not in _NO_COUNTRIES else Whereabouts.NOWHERE


def line(country: str) -> str:
    """The last line of an address abroad, in capitals; a name that is no code, as it was written.

    '' for the UK, and for what is no country: nobody could sort by it.
    """
    if whereabouts(country) in (Whereabouts.UK, Whereabouts.NOWHERE):
        return ""
    code = country.upper()
    return (_KNOWN_AS.get(code) or _USUAL.get(code) or code).upper()
