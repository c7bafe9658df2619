"""UK postcodes, countries, and the maintenance region that follows from them (R16, R17).

Belongs here: what a valid UK postcode is, what counts as overseas, NI or GB. Not: addresses of letters.
"""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from case_closure.domain.nino import unspaced

# Areas of the same shape that are overseas.
CROWN_DEPENDENCIES = ("IM", "JE", "GY")
# The shape published for validation.
UK_POSTCODE_PATTERN = (
    r"^(?:GIR0AA|[A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9]{1,2}|[0-9][A-HJKPSTUW]"
    r"|[A-HK-Y][0-9][ABEHMNPRVWXY])[0-9][ABD-HJLNP-UW-Z]{2})$"
)
UK_COUNTRIES = ("GB", "GB-ENG", "GB-SCT", "GB-WLS", "GB-NIR")


def cleaned(postcode: pd.Series) -> pd.Series:
    """Spaces out, upper case; an empty one is missing."""
    return unspaced(postcode)


def is_uk(postcode: pd.Series) -> pd.Series:
    """Whether each cleaned postcode is a valid UK one; missing is not. bool."""
    text = pa.array(postcode.array, type=pa.string(), from_pandas=True)
    shaped = pc.match_substring_regex(text, UK_POSTCODE_PATTERN)
    uk = pc.and_not(shaped, pc.match_substring_regex(text, f"^(?:{'|'.join(CROWN_DEPENDENCIES)})"))
    return pd.Series(
        pc.fill_null(uk, False).to_numpy(zero_copy_only=False).astype(bool), index=postcode.index
    )


def is_of_islands(postcode: pd.Series) -> pd.Series:
    """Whether each cleaned postcode is one of the Isle of Man, Jersey or Guernsey. bool."""
    text = pa.array(postcode.array, type=pa.string(), from_pandas=True)
    shaped = pc.and_(
        pc.match_substring_regex(text, UK_POSTCODE_PATTERN),
        pc.match_substring_regex(text, f"^(?:{'|'.join(CROWN_DEPENDENCIES)})[0-9]"),
    )
    return pd.Series(
        pc.fill_null(shaped, False).to_numpy(zero_copy_only=False).astype(bool), index=postcode.index
    )


def is_overseas(country: pd.Series) -> pd.Series:
    """Whether each country is named and outside the UK (IM, JE and GG are). bool."""
    named = country.str.strip().str.upper()
    return named.notna() & (named != "") & ~named.isin(UK_COUNTRIES)


def maintenance_region(postcode: pd.Series, country: pd.Series) -> pd.Series:
    """'NI', 'GB' or missing (R17), from a cleaned postcode and a country; never from a creditor."""
    named = country.str.strip().str.upper()
    uk = is_uk(postcode)
    northern = (uk & postcode.str.startswith("BT").fillna(False)) | named.eq("GB-NIR").fillna(False)
    british = uk | named.isin(UK_COUNTRIES)
    region = pd.Series(None, index=postcode.index, dtype="str")
    region = region.mask(british, "GB")
    return region.mask(northern, "NI") if northern.any() else region
