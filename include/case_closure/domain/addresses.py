"""What an address needs for a letter to be sent to it (B13, B14, R16).

Belongs here: the one rule for clients and for representatives, by which a letter is issued or not. Does not belong here: contact
details at case set-up, which the contract wants otherwise (``gates``: contact_missing), the lines as they are printed
(``outbound.letters.address``).

The post sorts by the postcode in the UK and on the islands, and by the country elsewhere; GOV.UK Notify, which prints the
letters, refuses an address without. What it would refuse must not count as issued: nobody would look for it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from case_closure.domain import postcode
from case_closure.domain.countries import Whereabouts, whereabouts

LINES: Final = tuple(f"address_line_{number}" for number in range(1, 5))
CLIENT_COLUMNS: Final = (*LINES, "postcode", "country")
_REPRESENTATIVE_LINES: Final = tuple(f"representative_{name}" for name in LINES)
REPRESENTATIVE_COLUMNS: Final = ("representative_name", *_REPRESENTATIVE_LINES, "representative_postcode")

# Valid in shape, and nobody's address: a bank's, which is gone. Notify knows no such area.
_NOBODYS_POSTCODE: Final = "GIR0AA"
# Letters and digits of the post's own. A dash or a full stop says nothing to it.
_READABLE: Final = "[A-Za-z0-9]"
# As whole line, or anywhere in it: who has no address is not written to.
_NO_FIXED_ABODE: Final = r"(?i)^[^a-z0-9]*n[^a-z0-9]*f[^a-z0-9]*a[^a-z0-9]*$|no\s+fixed\s+(?:abode|address)"


def clients_valid(people: pd.DataFrame) -> np.ndarray:
    """Whether a letter can be sent to each client's own address. bool. ``people``: CLIENT_COLUMNS."""
    where = _whereabouts(people["country"])
    code = postcode.cleaned(people["postcode"])
    uk, island = _sorted_in_uk(code), postcode.is_of_islands(code).to_numpy(bool)
    reached = (where == Whereabouts.ABROAD) | uk | ((where == Whereabouts.ISLANDS) & island)
    return np.asarray(reached & _lines_valid(people, LINES), dtype=bool)


def representatives_valid(people: pd.DataFrame) -> np.ndarray:
    """Whether a covering letter can be sent to each client's representative. bool. ``people``: REPRESENTATIVE_COLUMNS.

    They have no country, so only a postcode says where they are: one of the UK, or of the islands. A dash for a name is
    nobody's: what is left of the address is too little for Notify.
    """
    code = postcode.cleaned(people["representative_postcode"])
    reached = _sorted_in_uk(code) | postcode.is_of_islands(code).to_numpy(bool)
    named = _matches(people["representative_name"], _READABLE)
    return np.asarray(reached & named & _lines_valid(people, _REPRESENTATIVE_LINES), dtype=bool)


def _sorted_in_uk(code: pd.Series) -> np.ndarray:
    return np.asarray(postcode.is_uk(code) & (code != _NOBODYS_POSTCODE).fillna(True), dtype=bool)


def _lines_valid(people: pd.DataFrame, lines: tuple[str, ...]) -> np.ndarray:
    """Something to read in the first line; no line that says there is no address."""
    valid = _matches(people[lines[0]], _READABLE)
    for name in lines:
        valid &= ~_matches(people[name], _NO_FIXED_ABODE)
    return valid


def _matches(line: pd.Series, pattern: str) -> np.ndarray:
    text = pa.array(line.array, type=pa.string(), from_pandas=True)
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    if text.null_count == len(text):
        return np.zeros(len(text), dtype=bool)
    # NFKD as Notify does: an accented letter is one with an accent, a full-width one is the plain one. ASCII is so already.
    other = pc.invert(pc.fill_null(pc.string_is_ascii(text), True))
    normalised = pc.utf8_normalize(text.filter(other), form="NFKD")
    found = pc.match_substring_regex(pc.replace_with_mask(text, other, normalised), pattern)
    return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), dtype=bool)


def _whereabouts(country: pd.Series) -> np.ndarray:
    """A night's people come from few countries, so each is looked at once."""
    codes, names = pd.factorize(country)
    known = np.array([*(whereabouts(str(name)) for name in names), Whereabouts.UK], dtype=object)
    return known[codes]
