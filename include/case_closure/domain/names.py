"""When two names are the same name (R19).

Belongs here: the one normal form names are compared in. Not: which names are compared with which.
"""

from __future__ import annotations

import re
import unicodedata

import pandas as pd

# Hyphens, dashes and apostrophes of every kind, and every kind of space.
_DROPPED = re.compile(
    r"[\s\-\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d'`´\u02b9\u02bb-\u02bd\u02c8\u02ca\u02cb\u2018-\u201b\u2032\u2035\ua78b\ua78c\uff07]+"
)


def comparable(name: str) -> str:
    """'Siân O'Brien' and 'SIAN O BRIEN' both give 'sianobrien' (R19)."""
    decomposed = unicodedata.normalize("NFKD", _DROPPED.sub("", name))
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    # Folding can make new characters to decompose, and decomposing can make a dash: once more over both.
    return _DROPPED.sub("", unicodedata.normalize("NFKD", bare.casefold()))


def comparable_names(forenames: pd.Series, surname: pd.Series) -> pd.Series:
    """Forenames and surname of each person as one comparable text; missing forenames count as none.

    ASCII names, nearly all of them, go the vectorised way; the rest through :func:`comparable`.
    """
    joined = forenames.fillna("") + surname.fillna("")
    simple = joined.str.replace(r"[^\x21-\x7e]|[-'`]", "", regex=True).str.lower()
    foreign = joined.str.contains(r"[^\x00-\x7f]", regex=True)
    if foreign.any():
        # Foreign names repeat: each is worked out once.
        worked_out = {name: comparable(name) for name in joined[foreign].unique()}
        simple = simple.where(~foreign, joined[foreign].map(worked_out).reindex(joined.index))
    return simple
