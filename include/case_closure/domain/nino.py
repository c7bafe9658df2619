"""National Insurance numbers (R18).

Belongs here: the shape of a NINO, what makes it valid, what it is matched on. Not: looking one up.
The functions take pandas Series so that a night's people are judged at once; each is pure.
"""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

VALID_PATTERN = (
    r"^(?!BG|GB|KN|NK|NT|TN|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z][0-9]{6}[A-D]$"  # ASCII digits: \d takes others
)
ADMINISTRATIVE_PREFIXES = ("CR", "MW", "NC", "PP", "PY", "PZ")
MATCHED_CHARACTERS = 8


def cleaned(nino: pd.Series) -> pd.Series:
    """Spaces out, upper case, ASCII only; an empty one is missing. ``str`` in, ``str`` out, nulls kept."""
    return unspaced(nino)


def unspaced(codes: pd.Series) -> pd.Series:
    """Codes (NINO, postcode) as they are compared: no spaces, a-z raised, no other letter touched.

    Only a-z: the upper case of some foreign letters is an ASCII one, which would make a bad code good.
    """
    text = pa.array(codes, type=pa.string(), from_pandas=True)
    text = pc.ascii_upper(pc.replace_substring(text, " ", ""))
    text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    return pd.Series(text.to_pandas(), index=codes.index, dtype="str")


def matched_on(nino: pd.Series) -> pd.Series:
    """The first eight characters of a cleaned NINO: what two records are matched on (R18)."""
    return nino.str.slice(0, MATCHED_CHARACTERS)


def masked(nino: str) -> str:
    """All but the last three characters hidden: what a report may show."""
    return "*" * max(len(nino) - 3, 0) + nino[-3:]
