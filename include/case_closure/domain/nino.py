"""National Insurance numbers (R18).

Belongs here: the shape of a NINO, what makes it valid, what it is matched on. Not: looking one up.
The functions take pandas Series so that a night's people are judged at once; each is pure.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_SECOND = "ABCEGHJKLMNPRSTWXYZ"
# First letters with a second letter they never go with: BG, GB, KN, NK, NT, TN, ZZ.
_NEVER = {"B": "G", "G": "B", "K": "N", "N": "KT", "T": "N", "Z": "Z"}
_PREFIX = "|".join(
    [f"[ACEHJLMOPRSWXY][{_SECOND}]"]
    + [
        f"{first}[{''.join(letter for letter in _SECOND if letter not in never)}]"
        for first, never in _NEVER.items()
    ]
)
# No look-ahead, so that Arrow can match it; [0-9], since \d takes other scripts' digits.
VALID_PATTERN = f"^(?:{_PREFIX})[0-9]{{6}}[A-D]$"
ADMINISTRATIVE_PREFIXES = ("CR", "MW", "NC", "PP", "PY", "PZ")
CHARACTERS, MATCHED_CHARACTERS = 9, 8
HIDDEN = "*" * (CHARACTERS - 3)
# Well formed, whether or not the number could exist: what is typed wrongly in a valid shape is told by its end.
_SHAPE = re.compile("[A-Z]{2}[0-9]{6}[A-Z]")


def cleaned(nino: pd.Series) -> pd.Series:
    """Spaces out, upper case, ASCII only; an empty one is missing. ``str`` in, ``str`` out, nulls kept."""
    return unspaced(nino)


def unspaced(codes: pd.Series) -> pd.Series:
    """Codes (NINO, postcode) as they are compared: no spaces, a-z raised.

    Only a-z: the upper case of some foreign letters is an ASCII one, which would make a bad code good.
    """
    text = pa.array(codes.array, type=pa.string(), from_pandas=True)
    text = pc.ascii_upper(pc.replace_substring(text, " ", ""))
    text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    return pd.Series(pd.array(text, dtype="str"), index=codes.index)


def is_valid(nino: pd.Series) -> np.ndarray:
    """Whether each cleaned NINO could exist (R18); a missing one could not. bool."""
    matched = pc.match_substring_regex(
        pa.array(nino.array, type=pa.string(), from_pandas=True), VALID_PATTERN
    )
    return pc.fill_null(matched, False).to_numpy(zero_copy_only=False).astype(bool)


def matched_on(nino: pd.Series) -> pd.Series:
    """The first eight characters of a cleaned NINO: what two records are matched on (R18)."""
    return nino.str.slice(0, MATCHED_CHARACTERS)


def masked(nino: str) -> str:
    """What may be shown: of what has the shape of a NINO the last three characters, of anything else nothing.

    Always as many stars, so that what is behind them cannot be counted.
    """
    bare = nino.replace(" ", "").upper() if nino.isascii() else ""
    return HIDDEN + bare[-3:] if _SHAPE.fullmatch(bare) else HIDDEN
